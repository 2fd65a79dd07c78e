"""Flamingo: before each layer of a frozen language model its words look at what was seen, behind gates that begin shut.

Shows: a language model that never reads a visual token and answers from pictures all the same; and, in `interleaved`,
that a word sees only the latest video before it.
Command: sightline train flamingo --size tiny --out DIR
From: Flamingo (arXiv 2204.14198): Perceiver resampler, gated cross-attention (fusion/gated.py), language model frozen,
pairs and interleaved examples in one weighted sum.
Departures: each frame is resampled by itself (to one latent at tiny, 64 for all in the paper). Looking begins as a copy
of the layer's own reading, and resampling by likeness: 160 steps find neither from nothing. The table of places learns:
the language model has only ever read words behind M visual tokens. A text before any video sees nothing, so the first
word mentions the video.
Shapes: seen.tokens [B, T, N, D] -> media [B, M, W]; words [B, L, W] look at [B, M, W]
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from sightline.connectors.clips import Gathering, runs
from sightline.connectors.resampler import Perceiver
from sightline.fusion.gated import GatedBlock, latest_medium
from sightline.language.tiny_lm import TinyLM, option_verdicts
from sightline.nn.positions import SecondsEmbedding, elapsed
from sightline.recipes.first_looks import looks_at_what_is_alike, project_normed
from sightline.recipes.starting_lm import Start
from sightline.records import Prefix
from sightline.training.batches import Batch
from sightline.training.system import Shown, System, answer_terms

SYSTEM = {
    "name": "Flamingo",
    "paper": "arXiv 2204.14198",
    "family": "connect",
    "idea": "the words of a frozen language model look at resampled frames through gates",
    "without": "the same language model, which looks at nothing",
}
POLICY = {"lm": "frozen", "lm.positions": "trained 0.3", "gated": "trained 3"}
INTERLEAVED = 0.2  # weight of the examples with another example before them
Text = tuple[Tensor, Tensor]  # ids and mask [B, L]


class Flamingo(System):
    def __init__(self, start: Start, looks: bool) -> None:
        super().__init__(start.lm, start.tokens)
        self.media: Tensor | None = None  # [B, S, W], while words are read
        self.allowed: Tensor | None = None  # [B, L, S]
        self.looks = looks
        if looks:
            width = start.seen_width
            self.resample = Perceiver(width, max(1, start.tokens // start.frames), depth=1, head_width=width // 4)
            looks_at_what_is_alike(self.resample.layers[0].attention)
            self.when = SecondsEmbedding(start.width)
            self.connect = Gathering(runs, project_normed(start), start.tokens)
            self.gated = nn.ModuleList(copied(start.lm, layer) for layer in range(len(start.lm.layers)))
            for layer, block in zip(start.lm.layers, self.gated, strict=True):
                layer.register_forward_pre_hook(partial(self.look, block))

    def see(self, batch: Batch) -> Shown:
        if not self.looks:
            return Shown(None)
        seen = batch.seen
        assert seen.tokens is not None
        frames = seen.tokens.flatten(0, 1)  # every frame by itself
        latents = self.resample(frames, torch.ones(frames.shape[:2], dtype=torch.bool))
        prefix = self.connect(replace(seen, tokens=latents.unflatten(0, seen.mask.shape), grid=None))
        when = self.when(elapsed(prefix.span.mean(dim=2), prefix.mask))
        return Shown(replace(prefix, embeddings=self.norm_like_words(prefix.embeddings + when)))

    def norm_like_words(self, media: Tensor) -> Tensor:
        """Media as the language model's own layers take in what they read."""
        norm = self.lm.layers[0].attend.norm
        return torch.as_tensor(norm(media))

    def scores(self, batch: Batch, prefix: Prefix | None) -> Tensor:
        return self.scores_of_text(batch, (batch.words.ids, batch.words.mask), [prefix] if prefix else [])

    def scores_of_text(self, batch: Batch, text: Text, media: list[Prefix], begins: Tensor | None = None) -> Tensor:
        """The options' log-odds behind a text that mentions these media where it `begins` to, [B, L]."""
        if media:
            begins = first_words(text[1]) if begins is None else begins
            owner = [torch.where(one.mask, number, -1) for number, one in enumerate(media)]
            self.media = torch.cat([one.embeddings for one in media], dim=1)
            self.allowed = latest_medium(begins, torch.cat(owner, dim=1))
        try:
            return option_verdicts(self.lm, text, batch.options).masked_fill(~batch.real, -torch.inf)
        finally:
            self.media = self.allowed = None

    def look(self, block: GatedBlock, _layer: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """What a layer is given, once its words have looked. Options go on where the text ended."""
        if self.media is None or self.allowed is None:
            return None
        words, memory, sees = given
        times = len(words) // len(self.media)
        at_text = sees.shape[1] == sees.shape[2]  # nothing was read before
        allowed = self.allowed if at_text else self.allowed[:, -1:].expand(-1, words.shape[1], -1)
        looked = block(words, self.media.repeat_interleave(times, 0), allowed.repeat_interleave(times, 0))
        return looked, memory, sees


def copied(lm: TinyLM, layer: int) -> GatedBlock:
    """A gated block that will look as the layer reads. Its gates are shut."""
    width, source = lm.words.embedding_dim, lm.layers[layer]
    block = GatedBlock(width, width, source.attend.inner.heads, width // source.attend.inner.heads)
    for mine, its in ((block.look, source.attend), (block.think, source.think)):
        mine.load_state_dict(its.state_dict(), strict=False)  # biases stay behind, gates stay shut
    return block


def first_words(mask: Tensor) -> Tensor:
    """True at the first valid word of each text."""
    return mask & (mask.cumsum(dim=1) == 1)


def interleaved(model: Flamingo, batch: Batch, shown: Prefix) -> Tensor:
    """The options behind another question with its video and answer: two videos in one text."""
    other = torch.arange(len(batch)).roll(1)
    answer = tuple(part[other, batch.answer[other]] for part in batch.options)
    assert batch.words.ids is not None and batch.words.mask is not None
    pieces = [(batch.words.ids[other], batch.words.mask[other]), answer, (batch.words.ids, batch.words.mask)]
    ids, mask = (torch.cat(part, dim=1) for part in zip(*pieces, strict=True))
    begins = torch.cat([first_words(pieces[0][1]), torch.zeros_like(answer[1]), first_words(pieces[2][1])], dim=1)
    before = Prefix(shown.embeddings[other], shown.mask[other], shown.span[other])
    return model.scores_of_text(batch, (ids, mask), [before, shown], begins)


def build(start: Start, idea: bool = True) -> Flamingo:
    return Flamingo(start, looks=idea)


def losses(model: Flamingo, batch: Batch) -> dict[str, Tensor]:
    scores, shown = model(batch)
    answer = answer_terms(scores, batch)
    pairs = answer["options"] + answer["words"]
    if shown.prefix is None:
        return {"loss": pairs, **answer}
    examples = answer_terms(interleaved(model, batch, shown.prefix), batch)
    woven = examples["options"] + examples["words"]
    return {"loss": pairs + INTERLEAVED * woven, **answer, "interleaved": woven}
