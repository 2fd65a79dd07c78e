"""A layer norm whose scale and shift are decided by a condition.

From: PVC (2412.09613): AdaLN(x, z) = gamma(z) * LN(x) + beta(z), gamma and beta each Linear-SiLU-Linear.
Departures: gamma and beta share no layer but pass a bottleneck (full-width ones would be 1.07 G parameters at PVC's
compressed width); they begin as 1 and 0, a plain layer norm.
Shapes: x [..., C], condition [..., Z] -> [..., C].
"""

from __future__ import annotations

from torch import Tensor, nn


class AdaLN(nn.Module):
    def __init__(self, width: int, condition_width: int | None = None, bottleneck: int | None = None) -> None:
        super().__init__()
        condition_width = condition_width or width
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.scale = _decides(condition_width, bottleneck or condition_width, width, start=1.0)
        self.shift = _decides(condition_width, bottleneck or condition_width, width, start=0.0)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.scale(condition) * self.norm(x) + self.shift(condition)


def _decides(width: int, hidden: int, out_width: int, start: float) -> nn.Sequential:
    last = nn.Linear(hidden, out_width)
    nn.init.zeros_(last.weight)
    nn.init.constant_(last.bias, start)
    return nn.Sequential(nn.Linear(width, hidden), nn.SiLU(), last)
