"""Objectives: what a part is asked to become better at, as pure functions of tensors. Needs torch (the `lab` extra).

Every function takes tensors, then numbers by name, and gives one scalar; a recipe adds them up in one place. Masks are
bool, True = counts: there is no magic label, and a batch in which nothing counts gives exactly 0 with gradients of 0.
Pictures' and words' vectors are brought to unit length here, so no caller can forget it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

OBJECTIVES: dict[str, str] = {
    "symmetric_contrastive": "sightline.objectives.contrastive:symmetric_contrastive",
    "sigmoid_contrastive": "sightline.objectives.contrastive:sigmoid_contrastive",
    "queue_contrastive": "sightline.objectives.queue_contrastive:queue_contrastive",
    "soft_contrastive": "sightline.objectives.queue_contrastive:soft_contrastive",
    "local_contrastive": "sightline.objectives.triple_contrastive:local_contrastive",
    "triple_contrastive": "sightline.objectives.triple_contrastive:triple_contrastive",
    "matching": "sightline.objectives.matching:matching",
    "masked_words": "sightline.objectives.masked_words:masked_words",
    "masked_regions": "sightline.objectives.masked_regions:masked_regions",
    "next_word": "sightline.objectives.next_word:next_word",
    "centre_regression": "sightline.objectives.centre_regression:centre_regression",
    "order_hinge": "sightline.objectives.centre_regression:order_hinge",
    "contrastive_grounding": "sightline.objectives.contrastive_grounding:contrastive_grounding",
    "distillation": "sightline.objectives.distillation:distillation",
    "triplet": "sightline.objectives.triplet:triplet",
    "modality_adversarial": "sightline.objectives.modality_adversarial:modality_adversarial",
    "soft_multi_label": "sightline.objectives.soft_multi_label:soft_multi_label",
    "epsilon_matching": "sightline.objectives.epsilon_matching:epsilon_matching",
    "code_reconstruction": "sightline.objectives.code_reconstruction:code_reconstruction",
    "preference": "sightline.objectives.preference:preference",
}


def objective(name: str) -> Callable[..., Any]:
    """The function of that name; naming one does not import the others."""
    if name not in OBJECTIVES:
        raise ValueError(f"there is no objective {name!r}; there are {', '.join(OBJECTIVES)}")
    module, function = OBJECTIVES[name].split(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found
