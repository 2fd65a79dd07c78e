"""Every label is its own question, answered by a share between no and yes.

From: ViLBERT's answers (1908.02265), of which several are right to a degree; TFN and tagging use the same form.
Departures: labels nobody has judged are masked and do not count. The sum over labels is ViLBERT's mean x their number.
Shapes: logits and shares [B, G], mask bool [B, G] -> scalar.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def soft_multi_label(logits: Tensor, shares: Tensor, mask: Tensor | None = None) -> Tensor:
    """Binary cross entropy to the shares, summed over labels, mean over samples."""
    if mask is not None:
        logits, shares = logits.masked_fill(~mask, 0.0), shares.masked_fill(~mask, 0.0)
    surprise = F.binary_cross_entropy_with_logits(logits, shares, reduction="none")
    return (surprise if mask is None else surprise.masked_fill(~mask, 0.0)).sum(dim=1).mean()
