"""LLaMA-Adapter: in each layer of a frozen language model the words also listen to a few prompts, behind a gate.

Shows: two softmaxes side by side: what a word reads in the text is not diminished by what it hears.
Command: sightline train llama-adapter --size tiny --out DIR
From: LLaMA-Adapter (arXiv 2303.16199): out = softmax(q k) v + tanh(g) softmax(q k_p) v_p, g = 0 for each head, prompts
pass the frozen layers' keys and values; what was seen is added to the prompts of all layers.
Departures: M prompts instead of 10, each of which hears its own box of the pooled video (the paper adds one global
vector to all), through the start's linear layer instead of fresh ones. The table of places learns too: the language
model has only ever read words behind M visual tokens. The prompts pass the layer's own norm, as all it reads.
Shapes: boxes [B, M, D] -> heard [B, M, W]; prompts [layers, M, W]
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightline.connectors.adaptive_pool import box_means
from sightline.connectors.clips import Gathering
from sightline.nn.attention import Attention
from sightline.recipes.starting_lm import Start
from sightline.records import Prefix
from sightline.training.batches import Batch
from sightline.training.system import Shown, System, answer_terms

SYSTEM = {
    "name": "LLaMA-Adapter",
    "paper": "arXiv 2303.16199",
    "family": "connect",
    "idea": "words of a frozen language model also listen to gated visual prompts, by a softmax of their own",
    "without": "the same language model, which hears nothing",
}
POLICY = {"lm": "frozen", "lm.positions": "trained 0.3", "gates": "trained 3"}


class LLaMAAdapter(System):
    def __init__(self, start: Start, listens: bool) -> None:
        super().__init__(start.lm, start.tokens)
        self.heard: Prefix | None = None  # while words are read
        self.listens = listens
        if listens:
            rule = partial(box_means, shape=(start.frames, *start.grid))
            self.connect = Gathering(rule, start.project, start.tokens)
            depth, heads = len(start.lm.layers), start.lm.layers[0].attend.inner.heads
            self.gates = nn.ParameterList(torch.zeros(heads, 1, 1) for _ in range(depth))
            self.prompts = nn.ParameterList(0.02 * torch.randn(start.tokens, start.width) for _ in range(depth))
            for number, layer in enumerate(start.lm.layers):
                layer.attend.inner.register_forward_hook(partial(self.listen, number))

    def see(self, batch: Batch) -> Shown:
        return Shown(self.connect(batch.seen) if self.listens else None)

    def scores(self, batch: Batch, prefix: Prefix | None) -> Tensor:
        self.heard = prefix
        try:
            return super().scores(batch, None)
        finally:
            self.heard = None

    def listen(self, number: int, attention: Attention, given: tuple[Any, ...], made: Tensor) -> Tensor | None:
        """What a layer's attention made of the text, and what its words heard beside."""
        if self.heard is None:
            return None
        words, norm = given[0], self.lm.layers[number].attend.norm
        times = len(words) // len(self.heard.mask)  # options are read in one batch
        prompts = norm(self.prompts[number] + self.heard.embeddings).repeat_interleave(times, dim=0)
        heard = F.scaled_dot_product_attention(
            by_heads(attention.query(words), attention.heads),
            by_heads(attention.key(prompts), attention.heads),
            by_heads(attention.value(prompts), attention.heads),
            attn_mask=self.heard.mask.repeat_interleave(times, dim=0)[:, None, None],
        )
        gated = (self.gates[number].tanh() * heard).transpose(1, 2).flatten(2)
        return made + F.linear(gated, attention.out.weight)


def by_heads(x: Tensor, heads: int) -> Tensor:
    """[B, L, W] -> [B, heads, L, W / heads]"""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def build(start: Start, idea: bool = True) -> LLaMAAdapter:
    return LLaMAAdapter(start, listens=idea)


def losses(model: LLaMAAdapter, batch: Batch) -> dict[str, Tensor]:
    scores, _ = model(batch)
    answer = answer_terms(scores, batch)
    return {"loss": answer["options"] + answer["words"], **answer}
