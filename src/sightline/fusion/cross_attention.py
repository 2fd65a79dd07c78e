"""Words read each other, then, in the upper layers, look at what was seen before they think.

From: ALBEF (2107.07651): cross-attention is put between self-attention and feed-forward; both stay as they are.
Departures: `init="copy"` begins the looking as a copy of the layer's reading, "zero-gate" as nothing at all.
Shapes: words [B, L, W], seen [B, S, D] -> Fused(words [B, L, W]).
"""

from __future__ import annotations

from torch import Tensor, nn

from sightline.fusion.fused import Fused
from sightline.nn.attention import Residual, attention_block
from sightline.nn.padding import cleared
from sightline.nn.transformer import feed_forward


class ReadingLayer(nn.Module):
    """Post-norm, as BERT; with `seen_width` it also looks."""

    def __init__(self, width: int, heads: int, hidden: int, seen_width: int | None, init: str, eps: float) -> None:
        super().__init__()
        self.attend = attention_block(width, heads, order="post", eps=eps)
        self.look: Residual | None = None
        if seen_width:
            source = self.attend.inner if init == "copy" else None
            self.look = attention_block(
                width, heads, context_width=seen_width, order="post", init=init, source=source, eps=eps
            )
        self.think = Residual(feed_forward(width, hidden), width, order="post", eps=eps)

    def forward(
        self, words: Tensor, words_mask: Tensor | None, seen: Tensor | None, seen_mask: Tensor | None
    ) -> Tensor:
        words = self.attend(words, mask=words_mask)
        if self.look is not None:
            words = self.look(words, seen, mask=seen_mask)
        return self.think(words)


class CrossAttention(nn.Module):
    """`reading` layers of words alone, then `looking` layers that also look (6 and 6 in ALBEF)."""

    def __init__(
        self,
        width: int,
        seen_width: int,
        *,
        heads: int = 4,
        reading: int = 0,
        looking: int = 2,
        hidden: int | None = None,
        init: str = "fresh",
        eps: float = 1e-12,
    ) -> None:
        super().__init__()
        if init == "copy" and seen_width != width:
            raise ValueError(f"init='copy' needs the same width on both sides, not {width} and {seen_width}")
        self.layers = nn.ModuleList(
            ReadingLayer(width, heads, hidden or 4 * width, seen_width if layer >= reading else None, init, eps)
            for layer in range(reading + looking)
        )
        self.reading = reading

    def read(self, words: Tensor, words_mask: Tensor | None = None) -> Tensor:
        """The lower layers: what the words say by themselves, for contrast before they have seen anything."""
        words = cleared(words, words_mask)
        for layer in self.layers[: self.reading]:
            words = layer(words, words_mask, None, None)
        return words

    def fuse(
        self, words: Tensor, seen: Tensor, words_mask: Tensor | None = None, seen_mask: Tensor | None = None
    ) -> Fused:
        """The upper layers, on words that were read before."""
        words, seen = cleared(words, words_mask), cleared(seen, seen_mask)
        for layer in self.layers[self.reading :]:
            words = layer(words, words_mask, seen, seen_mask)
        return Fused(words)

    def forward(
        self, words: Tensor, seen: Tensor, words_mask: Tensor | None = None, seen_mask: Tensor | None = None
    ) -> Fused:
        return self.fuse(self.read(words, words_mask), seen, words_mask, seen_mask)
