"""The dials of the world: one number per phenomenon that frame choice and compression are argued about.

Turn one dial and hold the others, and two systems are compared on that phenomenon alone. `dial_page.py` shows each.

| dial | what it turns | small | large |
|---|---|---|---|
| `seconds` | length; 1,024 seconds sampled once a second are 1,024 frames | short clip | long video |
| `scenes` | scenes between cuts; all but the asked one distract | one place | many places |
| `things` | fewest and most things per scene | sparse | crowded |
| `evidence` | seconds one event takes | a glimpse | a long stretch |
| `concentration` | 0: events spread over the whole video; 1: packed together in one scene | spread | packed |
| `similarity` | chance that a thing shares its kind or colour with one before it | all differ | all alike |
| `glyph` | height of the letters on signs, as a share of the picture | fine print | headlines |
| `motion` | share of questions that need several frames (action, direction, order) | looks | moves |
| `generic` | share of questions about the whole ("what is it about?") | specific | generic |
| `hold` | seconds each picture stands still before the world moves on: still repeats | film | slide show |
| `sign` | chance that a sign hangs in a scene | unwritten | labelled |
| `speech` | chance that somebody says something in a scene | silent | talkative |
| `dissolve` | chance that a scene dissolves in instead of cutting in | hard cuts | soft joins |
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sightline.errors import BadQuery

_RANGES = {
    "seconds": (2.0, 1024.0),
    "scenes": (1, 128),
    "evidence": (0.25, 60.0),
    "concentration": (0.0, 1.0),
    "similarity": (0.0, 1.0),
    "glyph": (0.02, 0.3),
    "motion": (0.0, 1.0),
    "generic": (0.0, 1.0),
    "hold": (0.0, 60.0),
    "sign": (0.0, 1.0),
    "speech": (0.0, 1.0),
    "dissolve": (0.0, 1.0),
}


@dataclass(frozen=True)
class Dials:
    seconds: float = 20.0
    scenes: int = 3
    things: tuple[int, int] = (2, 4)
    evidence: float = 2.0
    concentration: float = 0.0
    similarity: float = 0.3
    glyph: float = 0.1
    motion: float = 0.5
    generic: float = 0.1
    hold: float = 0.0
    sign: float = 0.6
    speech: float = 0.6
    dissolve: float = 0.3

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadQuery(f"dial {name} goes from {low} to {high}, not {value}")
        if not 2 <= self.things[0] <= self.things[1] <= 5:
            raise BadQuery(f"dial things goes from 2 to 5, fewest first, not {self.things}")
        if self.seconds < 2 * self.scenes:
            raise BadQuery(f"{self.scenes} scenes need at least {2 * self.scenes} seconds, not {self.seconds:g}")


def usual(split: str) -> Dials:
    """The dials a split is drawn with when none are given: the challenge is longer, fuller and more alike."""
    plain = Dials()
    return replace(plain, seconds=75.0, scenes=8, similarity=0.6, glyph=0.08) if split == "challenge" else plain
