"""Systems that are trained: one file each, whose header is a lab note. `sightline train NAME` trains NAME's file.

All systems share one loop (training/loop.py), one data path (questions_seen.py: frames went through the picture tower
once, and lie on disk), one small language model to start from (starting_lm.py), one budget of M visual tokens, and one
exam (training/examine.py). So a system is short: what it shows the language model, and what it learns from.

**How to write one** (60 to 160 lines, `recipes/your_system.py`):

    SYSTEM = {"name": …, "paper": …, "family": "choose" | "compress" | "connect", "idea": one sentence,
              "without": what it is without its idea: the ablation that it is compared with}
    class YourSystem(System):                     # training/system.py
        def see(self, batch: Batch) -> Shown: …   # -> Shown(prefix, choice=None, extras={})
    def build(start: Start, idea: bool = True) -> YourSystem: …    # idea=False is the ablation
    def losses(model, batch) -> dict[str, Tensor]: …               # named terms, and "loss": their one visible sum

`SYSTEM` is a literal (it is read without importing the file). `batch` (training/batches.py) has `seen` (tokens
[B, T, N, D], vectors [B, T, E], seconds, mask, grid), `words` (the question: ids, mask, vector [B, E]), `options`,
`real`, `option_vectors`, `answer`, `answer_vector`, `statement` [B, E], `evidence` [B, T]. `start` (starting_lm.py) has
`lm` and `project` (the Linear(D, W) that this language model has learned to read visual tokens through), `width` W,
`seen_width` D, `shared_width` E, `grid`, `frames` T, `choose` K, `tokens` M: build your part with these numbers alone.
`frames_of(seen, choice)` applies a choice; training/choosing.py has choices by place, by score and by every
training-free way. `answer_terms(scores, batch)` gives the two answer losses that all systems have.

Where it is not said otherwise, everything learns and the language model at a third of the rate. `POLICY` says it
otherwise (training/policy.py), `PEAK` changes the rate, and `STAGES` = ((name, share of the steps, policy, losses), …)
makes several stages with losses of their own; frozen parts and stages need no other code. The loop refuses a system
in which something that shall learn feels no gradient in the first steps.
"""
