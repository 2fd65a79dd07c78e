"""Words become one vector of the shared space: that of the last word, which has read all others.

From: CLIP's text tower (2103.00020), causal; with `causal=False` all words see each other and the first one speaks
(BERT, 1810.04805).
Departures: the end of a text is its last valid place, not the largest id; places count valid words, so padding may
stand anywhere; a text without words gives a row of zeros.
Shapes: ids and mask [B, L], or embedded words [B, L, D] and mask -> Words: vector [B, E], tokens [B, L, D].
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from sightline.errors import BadRecord
from sightline.nn.attention import causal as only_earlier
from sightline.nn.transformer import Transformer
from sightline.records import Words


class TextEncoder(nn.Module):
    def __init__(
        self,
        vocabulary: int,
        width: int,
        heads: int,
        layers: int,
        out_width: int,
        *,
        longest: int = 77,
        causal: bool = True,
        activation: str = "quick-gelu",
    ) -> None:
        super().__init__()
        self.causal = causal
        self.words = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(longest, width)
        self.think = Transformer(width, heads, layers, activation=activation)
        self.project = nn.Linear(width, out_width, bias=False)
        nn.init.normal_(self.words.weight, std=0.02)
        nn.init.normal_(self.positions.weight, std=0.01)
        nn.init.normal_(self.project.weight, std=width**-0.5)

    def forward(self, ids: Tensor, mask: Tensor) -> Words:
        return replace(self.read(self.words(ids), mask), ids=ids)

    def read(self, embedded: Tensor, mask: Tensor) -> Words:
        """Words that are already vectors, as learned prompts are.  [B, L, D]"""
        places = self._places(mask)
        x = embedded.masked_fill(~mask[..., None], 0.0) + self.positions(places)
        sees = mask[:, None, :] & only_earlier(mask.shape[1], mask.device) if self.causal else mask
        tokens = self.think(x, sees)
        vector = normalize(
            self.project(tokens[torch.arange(len(tokens), device=tokens.device), self._speaker(mask)]), dim=-1
        )
        return Words(vector.masked_fill(~mask.any(dim=1)[:, None], 0.0), mask=mask, tokens=tokens)

    def _places(self, mask: Tensor) -> Tensor:
        longest, asked = self.positions.num_embeddings, int(mask.sum(dim=1).max())
        if asked > longest:
            raise BadRecord(
                f"a text has {asked} words, this encoder reads {longest}: cut it, or stretch the encoder with "
                "language.context_extension.extended"
            )
        return (mask.cumsum(dim=1) - 1).clamp(min=0)

    def _speaker(self, mask: Tensor) -> Tensor:
        """Where the word stands that speaks for the text.  [B]"""
        order = torch.arange(mask.shape[1], device=mask.device)
        if self.causal:
            return torch.where(mask, order, 0).amax(dim=1)
        return mask.int().argmax(dim=1)
