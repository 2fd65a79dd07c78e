"""A few learned vectors take the place of "a photo of a": the prompt is trained, everything else stays.

From: CoOp (2109.01134): one context for all classes or one for each; before, behind or around the name; begun as
small noise or as given words.
Departures: none; placeholders are slots in a table of ids, filled in one step for all classes.
Shapes: context [1 or C, M, D]; forward() -> Words of the C classes, vector [C, E].
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sightline.encoders.text import TextEncoder
from sightline.records import Words

PLACES = ("end", "middle", "front")  # where the class name stands


class LearnedPrompts(nn.Module):
    """`names` are the classes' word ids; `start`, `stop` (the full stop) and `end` are the text encoder's own.

    `begin_as` gives words to begin with (their number is then the context's length). The text encoder is frozen.
    """

    def __init__(
        self,
        text: TextEncoder,
        names: Sequence[Sequence[int]],
        *,
        start: int,
        end: int,
        stop: Sequence[int] = (),
        context: int = 16,
        per_class: bool = False,
        place: str = "end",
        begin_as: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        if place not in PLACES:
            raise ValueError(f"the class name stands at one of {PLACES}, not {place!r}")
        if begin_as is not None:
            context = len(begin_as)
        self.text = text.requires_grad_(False)
        sentences = [[start, *_around(name, context, place), *stop, end] for name in names]
        longest = max(map(len, sentences))
        rows = torch.tensor([sentence + [0] * (longest - len(sentence)) for sentence in sentences])
        lengths = torch.tensor([len(sentence) for sentence in sentences])
        self.register_buffer("ids", rows.clamp(min=0))
        self.register_buffer("slots", -1 - rows.clamp(max=-1))  # which context vector; 0 where a word stands
        self.register_buffer("learned", rows < 0)
        self.register_buffer("mask", torch.arange(longest) < lengths[:, None])
        shape = (len(names) if per_class else 1, context, text.words.embedding_dim)
        self.context = nn.Parameter(0.02 * torch.randn(shape))
        if begin_as is not None:
            words = text.words.weight.detach()[torch.tensor(list(begin_as), dtype=torch.long)]
            self.context = nn.Parameter(words.expand(shape).clone())

    ids: Tensor
    slots: Tensor
    learned: Tensor
    mask: Tensor

    def forward(self) -> Words:
        every = self.context.expand(len(self.ids), -1, -1)  # [C, M, D]
        filled = every.gather(1, self.slots[..., None].expand(-1, -1, every.shape[-1]))  # [C, L, D]
        embedded = torch.where(self.learned[..., None], filled, self.text.words(self.ids))
        return self.text.read(embedded, self.mask)


def _around(name: Sequence[int], context: int, place: str) -> list[int]:
    """The name among its slots; slot k is written as -1 - k."""
    slots = [-1 - k for k in range(context)]
    before = {"end": context, "middle": context // 2, "front": 0}[place]
    return [*slots[:before], *name, *slots[before:]]
