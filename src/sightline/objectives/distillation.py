"""A student that sees few frames shall say what a teacher said who saw them all.

The student has fewer tokens; a small decoder spreads them over as many as the teacher's before they are compared.

From: ViLA (2312.08367): a linear layer, then a layer norm, both over the token axis; mean of squares, weight 0.01.
Departures: a true teacher. The released forward runs the student's own Q-Former as teacher; here the teacher's tokens
come from outside, from the frozen model that was trained on all frames, and get no gradient.
Shapes: student [B, M, W] -> [B, M', W]; teacher [B, M', W], mask [B, M'] -> scalar.
"""

from __future__ import annotations

from torch import Tensor, nn

from sightline.objectives.terms import mean_of

WEIGHT = 0.01  # ViLA's share of the whole loss


class TokenDecoder(nn.Module):
    """`norm` runs over "tokens" (released), "channels" or nothing (None)."""

    def __init__(self, tokens: int, out_tokens: int, width: int | None = None, norm: str | None = "tokens") -> None:
        super().__init__()
        if norm not in ("tokens", "channels", None):
            raise ValueError(f"the decoder's norm runs over 'tokens', 'channels' or None, not {norm!r}")
        if norm == "channels" and width is None:
            raise ValueError("a norm over channels needs their number: pass width=")
        self.spread = nn.Linear(tokens, out_tokens)
        self.over_tokens = nn.LayerNorm(out_tokens) if norm == "tokens" else nn.Identity()
        self.over_channels = nn.LayerNorm(width) if norm == "channels" and width else nn.Identity()

    def forward(self, student: Tensor) -> Tensor:
        decoded: Tensor = self.over_channels(self.over_tokens(self.spread(student.transpose(1, 2))).transpose(1, 2))
        return decoded


def distillation(decoded: Tensor, teacher: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean of squared differences over the teacher's valid tokens."""
    if decoded.shape != teacher.shape:
        raise ValueError(
            f"the student says {tuple(decoded.shape)}, the teacher {tuple(teacher.shape)}; decode it first"
        )
    return mean_of((decoded - teacher.detach()).square(), None if mask is None else mask[..., None])
