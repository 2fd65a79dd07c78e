"""The nearest rows: found through the runs, they are those a slow loop over all rows finds."""

from __future__ import annotations

import numpy as np
import pytest
from library_story import claimed

from sightline.encoders.encoder import Card
from sightline.errors import BadQuery
from sightline.store import nearest
from sightline.store.columns import Block
from sightline.store.library import Library
from sightline.store.nearest import Rows, largest, spread
from sightline.store.rows import FileStat, UnitDone
from sightline.store.runs import ALIKE, LONGEST, block_of, group

WIDTH, FRAMES, VIDEOS = 61, 101, 197


def unit_length(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def walks(videos=VIDEOS, frames=FRAMES, stride=0.3, seed=43):
    """Videos as random walks on the sphere, with a cut to somewhere else now and then."""
    draw = np.random.default_rng(seed)
    here, rows = unit_length(draw.normal(size=(videos, WIDTH))), []
    for _ in range(frames):
        cut = draw.random(videos) < 0.05
        here = np.where(cut[:, None], draw.normal(size=here.shape), here)
        here = unit_length(here + stride / np.sqrt(WIDTH) * draw.normal(size=here.shape))
        rows.append(here)
    return np.stack(rows, axis=1)  # [videos, frames, WIDTH]


def queries(rows, count=40):
    """Unlike the rows, as text is unlike pictures: a little of one row, much of nothing, and a part common to all."""
    draw = np.random.default_rng(47)
    common = unit_length(draw.normal(size=WIDTH))
    return unit_length(0.6 * rows[draw.integers(len(rows), size=count)] + draw.normal(size=(count, WIDTH)) / 8 + common)


def placed(videos):
    """The Rows over many videos [videos, FRAMES, WIDTH], of which every third is dead."""
    units, blocks, run = [], [], 0
    for number, frames in enumerate(videos):
        block = block_of(np.arange(float(len(frames))), frames)
        if number % 3 != 2:
            units.append((number * FRAMES, FRAMES, run, len(block.runs), number, 0))
        blocks.append(block)
        run += len(block.runs)
    columns = (np.concatenate([getattr(b, name) for b in blocks]) for name in ("vectors", "seconds", "means", "runs"))
    return Rows(Block(*columns), np.array(units, np.int64))


@pytest.fixture(scope="module")
def shelf():
    return placed(walks())


def by_hand(rows, query, k, allowed):
    """The slow loop: every row's product, the best k, equal ones by number."""
    scored = sorted((-float(np.dot(rows[row].astype(np.float64), query)), row) for row in np.flatnonzero(allowed))
    return [row for _, row in scored[:k]]


def alive(shelf):
    return shelf.content_of(np.arange(len(shelf.block.vectors))) >= 0


def recall(shelf, k, allowed, **filters):
    """The share of the true k nearest that are found, over all queries."""
    vectors = shelf.block.vectors
    kept = np.where(alive(shelf) & allowed, 0.0, -np.inf)
    found = 0
    for query in queries(vectors):
        truth = set(np.argsort(-(vectors @ query + kept), kind="stable")[:k].tolist())
        rows, _ = shelf.nearest(query, k, **filters)
        assert (alive(shelf) & allowed)[rows].all(), "a row that is dead or not asked for was returned"
        found += len(truth & set(rows.tolist()))
    return found / k / len(queries(vectors))


@pytest.fixture
def by_runs(monkeypatch):
    """Even this small library is searched through its runs."""
    monkeypatch.setattr(nearest, "EXACT_ROWS", 0)


EVERY = np.ones(VIDEOS * FRAMES, bool)


def test_the_scan_of_runs_finds_the_nearest_rows(shelf, by_runs):
    assert len(shelf.block.runs) < len(shelf.block.vectors) / 2, "the runs are too short for this test to say anything"
    assert recall(shelf, 10, EVERY) >= 0.99
    assert recall(shelf, 101, EVERY) >= 0.99


def test_frames_that_are_all_unlike_are_found_too(by_runs):
    shelf = placed(walks(stride=3.0, videos=53))
    assert len(shelf.block.runs) > 0.95 * len(shelf.block.vectors)
    assert recall(shelf, 10, EVERY[: 53 * FRAMES]) >= 0.99


def test_a_wide_filter_of_contents_loses_nothing(shelf, by_runs):
    contents = {content for content in range(VIDEOS) if content % 2}
    allowed = np.isin(np.arange(len(EVERY)) // FRAMES, list(contents))
    assert recall(shelf, 10, allowed, contents=contents) >= 0.99


def test_a_mask_over_rows_loses_nothing(shelf, by_runs):
    mask = np.random.default_rng(53).random(len(EVERY)) < 0.3
    assert recall(shelf, 10, mask, rows=mask) >= 0.99
    assert recall(shelf, 10, mask, rows=np.flatnonzero(mask)) >= 0.99


def test_both_filters_hold_together(shelf, by_runs):
    contents = range(0, VIDEOS, 4)
    mask = np.arange(len(EVERY)) % 7 < 3
    allowed = mask & np.isin(np.arange(len(EVERY)) // FRAMES, contents)
    assert recall(shelf, 10, allowed, contents=contents, rows=mask) >= 0.99


@pytest.mark.parametrize(
    "filters",
    [
        {"exact": True},
        {"contents": [4]},
        {"rows": np.arange(4 * FRAMES, 4 * FRAMES + 31)},
        {"contents": [3, 4], "rows": EVERY},
    ],
)
def test_few_rows_and_exact_searches_are_the_slow_loop(shelf, filters):
    vectors = shelf.block.vectors
    allowed = alive(shelf) & np.isin(np.arange(len(EVERY)) // FRAMES, filters.get("contents", range(VIDEOS)))
    if len(filters.get("rows", EVERY)) < len(EVERY):
        allowed &= np.isin(np.arange(len(EVERY)), filters["rows"])
    query = queries(vectors)[0]
    rows, scores = shelf.nearest(query, 13, **filters)
    assert rows.tolist() == by_hand(vectors, query, 13, allowed)
    assert np.allclose(scores, vectors[rows] @ query, atol=1e-6)
    assert (np.diff(scores) <= 0).all()


def test_a_row_scores_the_same_however_it_is_found(shelf, by_runs):
    query = queries(shelf.block.vectors)[0]
    rows, scores = shelf.nearest(query, 11)
    for row, score in zip(rows, scores, strict=True):
        alone = shelf.nearest(query, 1, rows=np.array([row]))[1][0]
        assert alone == score
    assert shelf.nearest(query, 11, exact=True)[1].tolist() == scores.tolist()


def test_equal_rows_come_in_their_order():
    still = np.repeat(unit_length(np.ones((1, WIDTH))), FRAMES, axis=0)
    shelf = placed([still, still])
    rows, scores = shelf.nearest(still[0], 150)
    assert rows.tolist() == list(range(150))
    assert len(set(scores.tolist())) == 1


def test_more_rows_than_there_are_is_all_of_them(shelf):
    rows, _ = shelf.nearest(queries(shelf.block.vectors)[0], 10**6, contents=[0])
    assert sorted(rows.tolist()) == list(range(FRAMES))


def test_a_filter_that_leaves_nothing_finds_nothing(shelf):
    query = queries(shelf.block.vectors)[0]
    for filters in ({"contents": []}, {"contents": [2]}, {"rows": np.zeros(len(EVERY), bool)}, {"rows": []}):
        assert [len(part) for part in shelf.nearest(query, 5, **filters)] == [0, 0]
    assert len(shelf.nearest(query, 0)[0]) == 0


def test_a_vector_that_says_nothing_finds_nothing(shelf):
    assert len(shelf.nearest(np.zeros(WIDTH), 5)[0]) == 0


def test_a_vector_of_another_space_is_refused(shelf):
    for vector in (np.ones(WIDTH + 2), np.full(WIDTH, np.nan), np.ones((1, WIDTH))):
        with pytest.raises(BadQuery, match=f"vectors of {WIDTH} finite numbers"):
            shelf.nearest(vector, 5)
    with pytest.raises(BadQuery, match="mask"):
        shelf.nearest(np.ones(WIDTH), 5, rows=np.ones(3, bool))


def test_the_length_of_the_query_scales_the_scores(shelf, by_runs):
    query = queries(shelf.block.vectors)[0]
    rows, scores = shelf.nearest(query, 7)
    longer, larger = shelf.nearest(3 * query, 7)
    assert longer.tolist() == rows.tolist()
    assert np.allclose(larger, 3 * scores, atol=1e-5)


def test_rows_tell_their_content_and_contents_their_rows(shelf):
    assert shelf.content_of([0, FRAMES - 1, FRAMES, 2 * FRAMES, 3 * FRAMES]).tolist() == [0, 0, 1, -1, 3]
    assert shelf.rows_of(3).tolist() == list(range(3 * FRAMES, 4 * FRAMES))
    assert len(shelf.rows_of(2)) == 0
    nothing = Rows(shelf.block, np.empty((0, 6), np.int64))
    assert nothing.content_of([0, 5]).tolist() == [-1, -1]


# --- runs ------------------------------------------------------------------------------------


def test_runs_hold_rows_that_look_like_their_mean():
    for frames in walks(videos=5):
        sizes = group(frames)
        assert sum(sizes) == len(frames)
        assert max(sizes) <= LONGEST
        start = 0
        for size in sizes:
            for joined in range(1, size):
                mean = frames[start : start + joined].mean(axis=0)
                cosine = frames[start + joined] @ mean / np.linalg.norm(mean)
                assert cosine >= ALIKE - 1e-4
            start += size


def test_a_cut_begins_a_run():
    before, after = unit_length(np.eye(2, WIDTH))
    assert group(np.array([before] * 5 + [after] * 3)) == [5, 3]


def test_a_run_tells_its_mean_and_how_far_its_members_lie():
    frames = walks(videos=1)[0]
    block = block_of(np.arange(float(FRAMES)), frames)
    start = 0
    for mean, (count, scale, radius) in zip(block.means, block.runs.tolist(), strict=True):
        members = frames[start : start + count]
        assert np.abs(mean * scale - members.mean(axis=0)).max() <= scale * 0.51
        assert np.isclose(radius, max(np.linalg.norm(row - mean * scale) for row in members), atol=1e-5)
        start += count


def test_largest_finds_the_largest():
    draw = np.random.default_rng(59)
    for length, n in ((5, 3), (5, 5), (5, 9), (10_007, 7), (10_007, 500), (64 * 29, 7)):
        values = draw.normal(size=length).astype(np.float32)
        values[draw.random(length) < 0.3] = -np.inf
        assert sorted(values[largest(values, n)]) == sorted(values)[max(length - n, 0) :]


def test_spread_lays_out_stretches():
    assert spread(np.array([5, 0, 9]), np.array([2, 0, 3])).tolist() == [5, 6, 9, 10, 11]
    assert len(spread(np.empty(0, np.int64), np.empty(0, np.int64))) == 0


# --- through a library -------------------------------------------------------------------------


def test_a_library_finds_what_the_slow_loop_finds(tmp_path, by_runs):
    """Two units per video, committed in turns, so that a video's rows lie in two places."""
    videos = walks(videos=7)
    with Library.open(tmp_path / "library", create=True) as library:
        generation = library.generation_for(Card("walk", "w", WIDTH, 96, True), {})
        contents = [library.place(f"/{i}", FileStat(1, 1, i), f"{i}") for i in range(7)]
        for content in contents:
            library.plan(content, generation, {}, [(0, 50), (50, float("inf"))])
        for half in (slice(0, 50), slice(50, FRAMES)):
            for content, frames in zip(contents, videos, strict=True):
                unit = claimed(library, generation, content)
                library.commit(unit, UnitDone(np.arange(float(FRAMES))[half], frames[half]), "me")
        for content in contents[:-1]:
            library.finish(content, generation, [])
        with library.view() as view:
            for content, frames in zip(contents[:-1], videos, strict=False):
                rows = view.rows_of(content)
                assert np.array_equal(view.vectors[rows], frames)
                assert np.array_equal(view.seconds[rows], np.arange(float(FRAMES)))
                assert (view.content_of(rows) == content).all()
            visible = np.zeros(view.rows, bool)
            visible[np.concatenate([view.rows_of(content) for content in contents[:-1]])] = True
            assert view.living_rows == visible.sum() == 6 * FRAMES
            for query in queries(np.asarray(view.vectors), 5):
                assert view.nearest(query, 9)[0].tolist() == by_hand(view.vectors, query, 9, visible)
