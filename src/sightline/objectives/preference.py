"""Of two answers, make the one that people preferred likelier, measured from where the model stood before.

From: DPO (2305.18290); PPLLaVA (2411.02327) trains so with beta 0.1 and nothing else beside.
Departures: none; `smoothing` is the share of preferences taken to be the wrong way round (0 in the paper).
Shapes: log probabilities of whole answers, [B] each (`next_word.log_probability`) -> scalar.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def preference(
    chosen: Tensor,
    rejected: Tensor,
    chosen_before: Tensor,
    rejected_before: Tensor,
    beta: float = 0.1,
    smoothing: float = 0.0,
) -> Tensor:
    """- log sigmoid(beta x (how much the chosen rose - how much the rejected rose)), mean over pairs."""
    margin = beta * ((chosen - chosen_before.detach()) - (rejected - rejected_before.detach()))
    return -((1 - smoothing) * F.logsigmoid(margin) + smoothing * F.logsigmoid(-margin)).mean()
