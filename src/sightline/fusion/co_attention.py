"""Two streams, words and what was seen, each asking the other in turn and then thinking for itself.

From: ViLBERT (1908.02265): co-attention both ways at once, then a layer of each stream alone; a pair is judged by the
element-wise product of the first tokens of both.
Departures: each stream attends in the width of the other's partner without a common wider space; GELU in both.
Shapes: words [B, L, W], seen [B, S, D] -> Fused(words [B, L, W], seen [B, S, D]); the pair [B, P].
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sightline.fusion.fused import Fused
from sightline.nn.attention import Residual, attention_block, co_attention
from sightline.nn.padding import cleared
from sightline.nn.transformer import TransformerBlock, feed_forward


class CoLayer(nn.Module):
    """The exchange, a thought, and one layer alone, for each stream. All post-norm."""

    def __init__(self, width: int, seen_width: int, heads: int, eps: float) -> None:
        super().__init__()
        self.words_ask = attention_block(width, heads, context_width=seen_width, order="post", eps=eps)
        self.seen_ask = attention_block(seen_width, heads, context_width=width, order="post", eps=eps)
        self.words_think = Residual(feed_forward(width, 4 * width), width, order="post", eps=eps)
        self.seen_think = Residual(feed_forward(seen_width, seen_width), seen_width, order="post", eps=eps)
        self.words_alone = TransformerBlock(width, heads, order="post", eps=eps)
        self.seen_alone = TransformerBlock(seen_width, heads, hidden=seen_width, order="post", eps=eps)

    def forward(
        self, words: Tensor, seen: Tensor, words_mask: Tensor | None, seen_mask: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        words, seen = co_attention(self.words_ask, self.seen_ask, words, seen, words_mask, seen_mask)
        words, seen = self.words_think(words), self.seen_think(seen)
        return self.words_alone(words, words_mask), self.seen_alone(seen, seen_mask)


class CoAttention(nn.Module):
    def __init__(self, width: int, seen_width: int, *, heads: int = 4, layers: int = 2, eps: float = 1e-12) -> None:
        super().__init__()
        self.layers = nn.ModuleList(CoLayer(width, seen_width, heads, eps) for _ in range(layers))

    def forward(
        self, words: Tensor, seen: Tensor, words_mask: Tensor | None = None, seen_mask: Tensor | None = None
    ) -> Fused:
        words, seen = cleared(words, words_mask), cleared(seen, seen_mask)
        for layer in self.layers:
            words, seen = layer(words, seen, words_mask, seen_mask)
        return Fused(words, seen)


class PairJudge(nn.Module):
    """The product of both streams' first tokens: one vector for the pair, and whether it belongs together."""

    def __init__(self, width: int, seen_width: int, pair_width: int, answers: int = 2) -> None:
        super().__init__()
        self.words, self.seen = nn.Linear(width, pair_width), nn.Linear(seen_width, pair_width)
        self.answer = nn.Linear(pair_width, answers)

    def pair(self, fused: Fused) -> Tensor:
        if fused.seen is None:
            raise ValueError("a pair is judged by both streams; this fuser gave the words alone")
        return torch.relu(self.words(fused.words[:, 0])) * torch.relu(self.seen(fused.seen[:, 0]))

    def forward(self, fused: Fused) -> Tensor:
        logits: Tensor = self.answer(self.pair(fused))
        return logits
