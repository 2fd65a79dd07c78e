"""Say which noise was added to a picture; then pictures can be drawn by taking it away, step by step.

From: DDPM (2006.11239), in the usual notation: the network says epsilon itself.
Departures: the mean over values may be masked. How noise is added and taken off is `sightline.nn.unet.Noise`.
Shapes: predicted, noise [B, ...], mask of the same shape -> scalar.
"""

from __future__ import annotations

from torch import Tensor

from sightline.objectives.terms import mean_of


def epsilon_matching(predicted: Tensor, noise: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean of (epsilon - predicted)^2."""
    return mean_of((noise.detach() - predicted).square(), mask)
