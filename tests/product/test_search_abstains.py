"""Twenty things that are there are found, and twenty that are not are refused: in pictures, and in what is said."""

from pathlib import Path

import numpy as np
import pytest
from search_world import WordEncoder, add_video

from sightline.finding.confidence import calibration_curve
from sightline.records import Line
from sightline.search import find_moments
from sightline.store.library import Library

PRESENT = (
    "kite dog boat tree lamp horse bridge cup train clock apple star house fish drum book flower car rocket tent"
).split()
ABSENT = (
    "tax glacier piano orchestra penguin mosque tractor pizza helmet saxophone canyon yoga cactus vault ferry".split()
)
NONSENSE = ["xqzv blorp", "fnord", "asdf jkl", "wibble wobble", "qwertz 1234"]
PLACES = ["park", "room", "street", "field"]
SAID = [
    "the {} was painted by my grandmother",
    "nobody knows how old this {} is",
    "and here you can see the {} very well",
    "i bought a {} last summer",
]
SAID_OF_NOTHING = ["so let us begin", "that is how it goes", "and the rest is history", "well it was a long day"]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory):
    draw = np.random.default_rng(3)
    with Library.open(tmp_path_factory.mktemp("abstain") / "library", create=True) as library:
        for v in range(10):
            shown = [PRESENT[(2 * v + i) % 20] for i in range(4)]
            scenes = [(15 * i, 15 * i + 15, f"{thing} in {PLACES[draw.integers(4)]}") for i, thing in enumerate(shown)]
            lines = [Line(15 * i + 2, 15 * i + 5, SAID[i].format(thing), track="said") for i, thing in enumerate(shown)]
            lines += [Line(15 * i + 8, 15 * i + 10, SAID_OF_NOTHING[i], track="said") for i in range(4)]
            add_video(library, f"/videos/{v:02d}.mp4", scenes, lines)
        yield library


@pytest.mark.parametrize("sources", [["picture"], ["speech"], None])
def test_twenty_of_twenty_that_are_there_are_found(library: Library, sources: list[str] | None) -> None:
    missed = [q for q in PRESENT if find_moments(library, q, sources=sources, encoder=WordEncoder()).no_match]
    assert missed == []


@pytest.mark.parametrize("sources", [["picture"], ["speech"], None])
def test_twenty_of_twenty_that_are_not_there_are_refused(library: Library, sources: list[str] | None) -> None:
    asked = [*ABSENT, *NONSENSE]
    assert len(asked) == 20
    assert [q for q in asked if not find_moments(library, q, sources=sources, encoder=WordEncoder()).no_match] == []


def test_what_is_found_is_right(library: Library) -> None:
    """Every moment above the line overlaps a scene that shows (and a line that names) the thing."""
    for thing in PRESENT:
        for moment in find_moments(library, thing, encoder=WordEncoder()).moments:
            video = int(Path(moment.video).stem)
            place = [PRESENT[(2 * video + i) % 20] for i in range(4)].index(thing)
            assert (moment.start, moment.end) == (15 * place, 15 * place + 15)


def test_stated_confidence_agrees_with_what_is_right(library: Library) -> None:
    stated, right = [], []
    for query in [*PRESENT, *ABSENT, *NONSENSE]:
        for moment in find_moments(library, query, min_confidence=0.0, limit=3, encoder=WordEncoder()).moments:
            video = int(Path(moment.video).stem)
            shown = [PRESENT[(2 * video + i) % 20] for i in range(4)]
            stated.append(moment.confidence)
            right.append(query in shown and moment.start == 15 * shown.index(query))
    rows = calibration_curve(stated, right, bins=2)
    assert rows[0].observed < 0.1 and rows[1].observed > 0.95
