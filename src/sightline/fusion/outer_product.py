"""Every product of one feature per modality: what each says alone, in pairs, and all together.

From: TFN (1707.07250): z = [h; 1] x [v; 1] x [a; 1], flattened, then two layers with ReLU. The 1 keeps lower orders.
Departures: a guard against the size, which is a product too; `inner` makes every modality that narrow first. A missing
modality is zeros, so that exactly the products without it remain.
Shapes: one vector a modality, [B, D_i] each -> [B, out_width]; the product itself is [B, (D_1 + 1) (D_2 + 1) ...].
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LARGEST = 2**15


def outer_product(vectors: Sequence[Tensor]) -> Tensor:
    """The last modality varies fastest; the 1 stands last in each."""
    product = vectors[0].new_ones(len(vectors[0]), 1)
    for vector in vectors:
        product = torch.einsum("bp,bd->bpd", product, F.pad(vector, (0, 1), value=1.0)).flatten(1)
    return product


class OuterProduct(nn.Module):
    def __init__(
        self,
        widths: Sequence[int],
        out_width: int,
        *,
        inner: int | None = None,
        hidden: int = 128,
        largest: int = LARGEST,
    ) -> None:
        super().__init__()
        narrowed = [inner or width for width in widths]
        size = math.prod(width + 1 for width in narrowed)
        if size > largest:
            fits = int(largest ** (1 / len(widths)) + 1e-9) - 1
            raise ValueError(
                f"the product of widths {narrowed} has {size} entries, more than {largest}; "
                f"pass inner={max(fits, 1)} or less"
            )
        self.narrow = nn.ModuleList(nn.Linear(width, inner) if inner else nn.Identity() for width in widths)
        self.decide = nn.Sequential(
            nn.Linear(size, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, out_width)
        )

    def forward(self, *vectors: Tensor, present: Tensor | None = None) -> Tensor:
        """`present` [B, modalities] is False where a sample lacks one; what stands there is not looked at."""
        if len(vectors) != len(self.narrow):
            raise ValueError(f"built for {len(self.narrow)} modalities, given {len(vectors)}")
        narrow = [layer(vector) for layer, vector in zip(self.narrow, vectors, strict=True)]
        if present is not None:
            narrow = [v.masked_fill(~present[:, i : i + 1], 0.0) for i, v in enumerate(narrow)]
        decided: Tensor = self.decide(outer_product(narrow))
        return decided
