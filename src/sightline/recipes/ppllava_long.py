"""PPLLaVA with a longer context: the options stand in the prompt too, and the table of places is stretched for it.

Shows: what a stretched table is worth where a prompt grows beyond the places that were ever read.
Command: sightline train ppllava-long --size tiny --out DIR
From: PPLLaVA (arXiv 2411.02327) after Long-CLIP (arXiv 2403.15378): the first 20 places stay and do not learn, the
others are stretched four times and do.
Departures: it is the language model whose places are stretched: the texts of the picture side are read once by the text
tower and kept. Its word table is copied as it is (the released code leaves a new, random one).
Shapes: question [B, L], options [B, O, A] -> prompt [B, L + O A]
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from sightline.language.context_extension import extended
from sightline.recipes.ppllava import PPLLaVA, Settings, losses
from sightline.recipes.starting_lm import Start
from sightline.records import Prefix
from sightline.training.batches import Batch

__all__ = ["SYSTEM", "build", "losses"]

SYSTEM = {
    "name": "PPLLaVA, longer context",
    "paper": "arXiv 2411.02327",
    "family": "compress",
    "idea": "places stretched for a prompt that holds the options too",
    "without": "the same prompt on the places as they were",
}
KEEP, FACTOR = 20, 4


class LongPrompt(PPLLaVA):
    def scores(self, batch: Batch, prefix: Prefix | None) -> Tensor:
        return super().scores(options_in_prompt(batch), prefix)


def options_in_prompt(batch: Batch) -> Batch:
    """The question, then every real option, as one prompt."""
    (ids, mask), words = batch.options, batch.words
    assert words.ids is not None and words.mask is not None
    said = (mask & batch.real[:, :, None]).flatten(1)
    ids, mask = torch.cat([words.ids, ids.flatten(1)], dim=1), torch.cat([words.mask, said], dim=1)
    return replace(batch, words=replace(words, ids=ids, mask=mask))


def build(start: Start, idea: bool = True) -> LongPrompt:
    if idea:
        start = replace(start, lm=extended(start.lm, KEEP, FACTOR))
    return LongPrompt(start, Settings())
