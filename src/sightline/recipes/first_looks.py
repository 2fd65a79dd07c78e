"""Where fresh attention begins: it looks at what is alike, as the language model's own first layer did.

Pictures and words share a space here, so a query that says "cat" finds the cat before anything was learned. A fresh
Q-Former or resampler needs many thousand steps to find that out by itself (the published ones had them).

From: the same beginning as in starting_lm.py.
Shapes: attention C -> C, of any heads
"""

from __future__ import annotations

import torch
from torch import nn

from sightline.connectors.qformer import QFormer
from sightline.nn.attention import Attention
from sightline.recipes.starting_lm import Start

FRESH = 0.3  # what is left of the random beginning
LAYERS = 2  # of a Q-Former; 12 in BLIP-2


def looks_at_what_is_alike(attention: Attention, likeness: float = 0.8, carried: float = 1.5) -> None:
    """Queries and keys nearly as they are, so that attention follows likeness; what is looked at is handed on."""
    with torch.no_grad():
        for layer, share in (
            (attention.query, likeness),
            (attention.key, likeness),
            (attention.value, carried),
            (attention.out, carried),
        ):
            layer.weight.mul_(FRESH).add_(torch.eye(len(layer.weight)) * share)


def quiet_qformer(width: int, queries: int, *, text: bool, text_out: bool = False, cross_every: int = 2) -> QFormer:
    """A Q-Former whose queries take up the text beside them, then hand on what is like it; without text, the mean.

    Norms with a large eps keep what is quiet quiet: the queries are small, and would otherwise drown the question.
    """
    texts = {"text": text, "text_out": text_out}  # whether it takes texts, and hands them on
    qformer = QFormer(width, queries, context_width=width, layers=LAYERS, cross_every=cross_every, eps=0.01, **texts)
    for number, layer in enumerate(qformer.layers):
        looks_at_what_is_alike(layer.attend.inner, likeness=0.0, carried=0.0 if number else 2.0)
        if layer.look is not None:
            looks_at_what_is_alike(layer.look.inner)
    return qformer


def read_words(start: Start) -> nn.Linear:
    """The language model's words in the pictures' space: Linear(W, D), the way back through `start.project`."""
    read = nn.Linear(start.width, start.seen_width)
    with torch.no_grad():
        read.weight.copy_(start.project.weight.T)
        read.bias.zero_()
    return read


def project_normed(start: Start) -> nn.Linear:
    """`start.project` for what comes out of a layer norm, whose rows are sqrt(D) long where tokens are about 1."""
    project = nn.Linear(start.seen_width, start.width)
    with torch.no_grad():
        project.weight.copy_(start.project.weight / start.seen_width**0.5)
        project.bias.copy_(start.project.bias)
    return project
