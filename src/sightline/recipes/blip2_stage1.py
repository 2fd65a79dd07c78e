"""BLIP-2, stage 1: one Q-Former learns what pictures and words have in common, by three tasks that share its weights.

Shows: representation learning without a language model. It answers as retrieval does: the option whose words, behind
the question's, are most like some frame.
Command: sightline train blip2-stage1 --size tiny --out DIR
From: BLIP-2 (arXiv 2301.12597): ITC (the best query counts, label smoothing 0.1), ITM with hard negatives (mean over
queries), ITG (queries never see the words they help to guess); loss = ITC + ITM + ITG.
Departures: pictures are frames of the evidence, captions the question with its answer. The first word of a caption is
the text tower's vector of it (the start mark in ITG); the temperature stays at 0.07. Frames that say the same count as
right for each other. Attention begins by looking at what is alike (first_looks.py).
Shapes: picture [B, N, D], caption [B, L] -> queries [B, Q, E], caption [B, E]; frames [B, T, N, D] -> scores [B, O]
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightline.connectors.qformer import read_question
from sightline.objectives.contrastive import CLIP_SCALE, symmetric_contrastive
from sightline.objectives.matching import matching, matching_pairs
from sightline.objectives.next_word import next_word
from sightline.objectives.terms import similarity
from sightline.recipes.first_looks import quiet_qformer, read_words
from sightline.recipes.starting_lm import Start
from sightline.recipes.stills import with_stills
from sightline.records import Words
from sightline.training.batches import Batch
from sightline.training.system import Shown, System

SYSTEM = {
    "name": "BLIP-2, stage 1",
    "paper": "arXiv 2301.12597",
    "family": "connect",
    "idea": "contrast, matching and generation share one Q-Former",
    "without": "contrast alone",
}
SMOOTHING = 0.1


class Captions(NamedTuple):
    """Texts of the Q-Former: `ids` begin with the start mark, in whose place the vector stands."""

    ids: Tensor  # [n, L]
    mask: Tensor
    vector: Tensor  # [n, E]


class Representing(System):
    def __init__(self, start: Start, tasks: bool) -> None:
        super().__init__(start.lm, start.tokens)
        width, shared = start.seen_width, start.shared_width
        self.tasks = tasks
        self.norm_seen = nn.LayerNorm(width)
        self.read = read_words(start)
        self.qformer = quiet_qformer(width, max(1, start.tokens // start.frames), text=True, text_out=True)
        self.share_seen, self.share_text = nn.Linear(width, shared), nn.Linear(width, shared)
        for layer in (self.share_seen, self.share_text):
            nn.init.eye_(layer.weight)
        if tasks:
            self.decide, self.say = nn.Linear(width, 2), nn.Linear(width, start.width)

    def queries(self, pictures: Tensor) -> Tensor:
        """What the queries gather from each picture without a text: [n, N, D] -> [n, Q, D]"""
        gathered, _ = self.qformer(self.norm_seen(pictures))
        return gathered

    def text(self, said: Captions, marked: bool = False) -> Tensor:
        """Captions in the Q-Former's width, begun by their vector, or by the start mark: [n, L, D]"""
        words = Words(said.vector, said.ids, said.mask, self.lm.words(said.ids))
        tokens, _ = read_question(self.read, words)
        assert tokens is not None
        return tokens if marked else torch.cat([said.vector[:, None], tokens[:, 1:]], dim=1)

    def meant(self, said: Captions) -> Tensor:
        """Captions by themselves in the shared space: [n, E]"""
        nothing = said.vector.new_zeros(len(said.vector), 1, self.norm_seen.normalized_shape[0])
        _, words = self.qformer(nothing, None, self.text(said), said.mask, "itc")
        return torch.as_tensor(self.share_text(words[:, 0]))

    def see(self, batch: Batch) -> Shown:
        assert batch.seen.tokens is not None
        gathered = self.share_seen(self.queries(batch.seen.tokens.flatten(0, 1)))  # [B * T, Q, E]
        valid = batch.seen.mask.repeat_interleave(gathered.shape[1], dim=1)
        by_video = gathered.unflatten(0, batch.seen.mask.shape).flatten(1, 2)
        return Shown(None, extras={"queries": F.normalize(by_video, dim=-1), "valid": valid})

    def forward(self, batch: Batch) -> tuple[Tensor, Shown]:
        """The likeness of each option's caption with the frame that is most like it."""
        shown = self.see(batch)
        meant = F.normalize(self.meant(captions(batch)), dim=-1).unflatten(0, batch.real.shape)
        alike = torch.einsum("bqe,boe->boq", shown.extras["queries"], meant)
        best = alike.masked_fill(~shown.extras["valid"][:, None], -torch.inf).amax(dim=-1)
        return (CLIP_SCALE * best).masked_fill(~batch.real, -torch.inf), shown


def captions(batch: Batch) -> Captions:
    """The question with each option: [B * O, L]"""
    (ids, mask), count = batch.options, batch.real.shape[1]
    assert batch.words.ids is not None and batch.words.mask is not None
    asked, asked_mask = (part[:, None].expand(-1, count, -1) for part in (batch.words.ids, batch.words.mask))
    vector = F.normalize(batch.words.vector[:, None] + batch.option_vectors, dim=-1)
    both, valid = torch.cat([asked, ids], dim=2), torch.cat([asked_mask, mask], dim=2)
    return Captions(both.flatten(0, 1), valid.flatten(0, 1), vector.flatten(0, 1))


def right_ones(batch: Batch) -> Captions:
    """The question with its answer, the padding between them closed up."""
    rows = torch.arange(len(batch)) * batch.real.shape[1] + batch.answer
    ids, mask, vector = (part[rows] for part in captions(batch))
    order = (~mask).int().argsort(dim=1, stable=True)
    return Captions(ids.gather(1, order), mask.gather(1, order), vector)


def build(start: Start, idea: bool = True) -> Representing:
    return Representing(start, tasks=idea)


def losses(model: Representing, batch: Batch) -> dict[str, Tensor]:
    shown = with_stills(batch, torch.ones(len(batch), dtype=torch.bool)).seen
    assert shown.tokens is not None
    picture = model.norm_seen(shown.tokens[torch.arange(len(batch)), shown.mask.int().argmax(dim=1)])
    said = right_ones(batch)
    text = model.text(said)
    same = (said.ids[:, None] == said.ids).all(dim=2)  # the same caption fits them all
    queries, words = model.qformer(picture, None, text, said.mask, "itc")
    seen, meant = model.share_seen(queries), model.share_text(words[:, 0])
    itc = symmetric_contrastive(seen, meant, CLIP_SCALE, same, SMOOTHING)
    if not model.tasks:
        return {"loss": itc, "itc": itc}
    pairs = matching_pairs(CLIP_SCALE * similarity(seen, meant).detach(), same)
    looked, _ = model.qformer(picture[pairs.left], None, text[pairs.right], said.mask[pairs.right], "itm")
    itm = matching(model.decide(looked).mean(dim=1), pairs.label)
    _, told = model.qformer(picture, None, model.text(said, marked=True), said.mask, "itg")
    itg = next_word(model.say(told) @ model.lm.words.weight.T, said.ids, said.mask, SMOOTHING)
    return {"loss": itc + itm + itg, "itc": itc, "itm": itm, "itg": itg}


POLICY = {"lm": "frozen"}
