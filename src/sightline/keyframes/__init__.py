"""Which frames matter: every way of choosing K of T frames.

`CHOOSERS` holds the training-free ways, plain numpy functions with one signature and one contract (see `contract`).
`LEARNED` names the trained ones, torch modules that are imported when somebody names them.
"""

from __future__ import annotations

from sightline.keyframes.adaptive_split import adaptive_split
from sightline.keyframes.coarse_to_fine import coarse_to_fine
from sightline.keyframes.contract import Chooser
from sightline.keyframes.dpp import dpp
from sightline.keyframes.inverse_cdf import inverse_cdf
from sightline.keyframes.merging import merged_by_curve, merged_by_features
from sightline.keyframes.mmr import mmr
from sightline.keyframes.random_in_segment import random_in_segment
from sightline.keyframes.sequential_dpp import sequential_dpp
from sightline.keyframes.similarity import similarity
from sightline.keyframes.steepness import steepest
from sightline.keyframes.suppression import suppressed_similarity
from sightline.keyframes.uniform import uniform

CHOOSERS: dict[str, Chooser] = {
    "uniform": uniform,
    "random-in-segment": random_in_segment,
    "similarity": similarity,
    "suppressed-similarity": suppressed_similarity,
    "merged-by-curve": merged_by_curve,
    "merged-by-features": merged_by_features,
    "steepest": steepest,
    "mmr": mmr,
    "dpp": dpp,
    "sequential-dpp": sequential_dpp,
    "inverse-cdf": inverse_cdf,
    "adaptive-split": adaptive_split,
    "coarse-to-fine": coarse_to_fine,
}

LEARNED: dict[str, str] = {
    "probe": "sightline.keyframes.probe:SingleFrameProbe",
    "localiser": "sightline.keyframes.localiser:Localiser",
    "prompter": "sightline.keyframes.prompter:FramePrompter",
    "released-prompter": "sightline.keyframes.prompter:ReleasedPrompter",
    "gaussian": "sightline.keyframes.gaussian:GaussianChooser",
}
