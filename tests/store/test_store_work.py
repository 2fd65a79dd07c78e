"""Work: plans, claims, commits and refusals; every content ends in a state."""

from __future__ import annotations

import numpy as np
import pytest
from library_story import PATHS, RED, SAMPLING, claimed, seen, stat_of, take_in, unit_vectors

from sightline.errors import BadRecord, LibraryError
from sightline.records import Shot
from sightline.store.library import Library
from sightline.store.rows import UnitDone, Work
from sightline.store.work import _CLAIM, _PENDING

WEEK = [(0.0, 60.0), (60.0, 120.0), (120.0, float("inf"))]


@pytest.fixture
def library(tmp_path):
    with Library.open(tmp_path / "library", create=True) as library:
        yield library


@pytest.fixture
def red(library):
    return library.generation_for(RED, SAMPLING)


@pytest.fixture
def content(library, red):
    content = library.place(PATHS[0], stat_of(PATHS[0]), "digest")
    library.plan(content, red, {"duration": 150.0}, WEEK)
    return content


def done(red, rows=3, **other):
    return UnitDone(np.arange(float(rows)), unit_vectors("any", rows, red.width), **other)


def test_units_are_claimed_in_order_and_by_one_owner_each(library, red, content):
    units = [library.claim(red, owner) for owner in ("one", "two", "one")]
    assert [(unit.number, unit.start, unit.end) for unit in units] == [(i, *span) for i, span in enumerate(WEEK)]
    assert library.claim(red, "two") is None
    assert library.owners() == ["one", "two"]


def test_a_claim_can_be_restricted_to_contents(library, red, content):
    other = library.place(PATHS[1], stat_of(PATHS[1]), "other digest")
    library.plan(other, red, {}, WEEK)
    assert library.claim(red, "me", contents={other}).content == other
    assert library.claim(red, "me", contents=set()) is None
    assert library.claim(red, "me").content == content


@pytest.mark.parametrize("among", [_PENDING, "SELECT value FROM json_each(:contents)"])
def test_a_claim_looks_contents_up_one_by_one(library, red, content, among):
    """Thousands are wanted at once, and every piece begins with a claim: tables are never read from end to end."""
    values = dict.fromkeys(("owner", "until", "now", "generation"), 1) | {"contents": "[1]"}
    plan = library.ledger.db.execute("EXPLAIN QUERY PLAN " + _CLAIM.format(among=among), values)
    steps = [row["detail"] for row in plan]
    assert any("units_to_do (generation=? AND content=?)" in step for step in steps)
    assert not any("SCAN units" in step or "B-TREE" in step for step in steps)


def test_the_contents_wanted_are_claimed_in_order(library, red, content):
    bee, cow = (library.place(path, stat_of(path), path) for path in PATHS[1:])
    for other in (cow, bee):
        library.plan(other, red, {}, WEEK[:2])
    claims = [library.claim(red, "me", contents={cow, bee}) for _ in range(5)]
    assert [unit and (unit.content, unit.number) for unit in claims] == [(bee, 0), (bee, 1), (cow, 0), (cow, 1), None]


def test_only_steps_on_the_way_are_not_synced(library, red, content):
    """What they lose in a power cut is made again; what is acknowledged is synced, and all before it."""
    synced = {}
    library.ledger.db.set_trace_callback(lambda sql: sql.startswith("PRAGMA sync") and log.append(sql.split()[-1]))
    for name, act in {
        "claim": lambda: library.claim(red, "me"),
        "beat": lambda: library.beat("me"),
        "release": lambda: library.release("me"),
        "place": lambda: library.place("/new.mp4", stat_of("/new.mp4"), "new"),
        "plan": lambda: library.plan(content + 1, red, {}, WEEK[:1]),
        "commit": lambda: library.commit(claimed(library, red, content + 1), done(red), "me"),
        "finish": lambda: library.finish(content + 1, red, []),
        "forget": lambda: library.forget(["/new.mp4"]),
    }.items():
        log: list[str] = []
        act()
        synced[name] = log[-1]
    assert synced == dict.fromkeys(["claim", "beat", "release", "place", "plan"], "NORMAL") | dict.fromkeys(
        ["commit", "finish", "forget"], "FULL"
    )


def test_an_expired_lease_is_claimed_again_and_counted(library, red, content):
    first = library.claim(red, "dead", lease=-1.0)
    again = library.claim(red, "alive")
    assert (first.number, first.attempts, again.number, again.attempts) == (0, 1, 0, 2)


def test_a_heartbeat_keeps_a_claim(library, red, content):
    library.claim(red, "slow", lease=-1.0)
    library.beat("slow")
    assert library.claim(red, "other").number == 1


def test_released_claims_are_free_at_once_and_do_not_count(library, red, content):
    library.claim(red, "me")
    library.release("me")
    assert library.claim(red, "other").attempts == 1


def test_a_content_without_a_living_path_is_not_worked_on(library, red, content):
    library.lose([PATHS[0]])
    assert library.claim(red, "me") is None


def test_planning_twice_changes_nothing(library, red, content):
    library.commit(claimed(library, red, content), done(red), "me")
    library.plan(content, red, {"duration": 1.0}, [(0, 9)])
    assert [unit.state for unit in library.units(content, red)] == ["done", "pending", "pending"]


def test_a_plan_needs_spans(library, red):
    content = library.place(PATHS[0], stat_of(PATHS[0]), "digest")
    for spans in ([], [(3.0, 3.0)], [(float("nan"), 5.0)]):
        with pytest.raises(BadRecord, match="start < end"):
            library.plan(content, red, {}, spans)


def test_a_unit_is_committed_once(library, red, content):
    unit = claimed(library, red, content)
    assert library.commit(unit, done(red), "me") is True
    assert library.commit(unit, done(red, 5), "somebody slower") is False
    assert library.counts().rows == 3


def test_a_commit_is_known_with_all_that_was_seen(library, red, content):
    told = seen(PATHS[0], red, 0)
    library.commit(claimed(library, red, content), told, "me")
    unit = library.units(content, red)[0]
    assert (unit.state, unit.rows) == ("done", 13)
    for name in ("cuts", "edges", "seen", "similar", "decoded", "corrupt", "first", "last", "thumbnails"):
        assert getattr(unit.done, name) == getattr(told, name), name


def test_a_piece_without_frames_can_be_committed(library, red, content):
    for _ in WEEK:
        assert library.commit(claimed(library, red, content), done(red, 0), "me")
    library.finish(content, red, [])
    assert library.state(content, red) == Work("indexed")
    assert library.check(deep=True) == []


def wrong(red):
    good = unit_vectors("any", 3, red.width)
    spoiled = good.copy()
    spoiled[1, 2] = np.nan
    endless = good.copy()
    endless[0, 0] = np.inf
    return {
        "shape": (np.arange(3.0), good[:, :-1]),
        "not finite": (np.arange(3.0), spoiled),
        r"not finite ": (np.arange(3.0), endless),
        "length 1": (np.arange(3.0), good * 1.1),
        "seconds for 3 vectors": (np.arange(2.0), good),
        "ascending": (np.array([0.0, 2.0, 1.0]), good),
        "finite and": (np.array([0.0, np.nan, 1.0]), good),
    }


@pytest.mark.parametrize("complaint", ["shape", "not finite", "length 1", "seconds for 3", "ascending", "finite and"])
def test_rows_that_a_library_cannot_hold_are_refused_before_anything_is_written(library, red, content, complaint):
    seconds, vectors = next(value for words, value in wrong(red).items() if words.startswith(complaint))
    unit = claimed(library, red, content)
    with pytest.raises(LibraryError, match=complaint) as refused:
        library.commit(unit, UnitDone(seconds, vectors), "me")
    assert isinstance(refused.value, BadRecord)
    assert not list(library.folder.glob("vectors-*"))
    assert library.commit(unit, done(red), "me")


def test_a_row_of_zeros_is_kept(library, red, content):
    unit = claimed(library, red, content)
    assert library.commit(unit, UnitDone(np.zeros(1), np.zeros((1, red.width), np.float32)), "me")


def test_a_content_is_finished_only_when_all_pieces_are_in(library, red, content):
    library.commit(claimed(library, red, content), done(red), "me")
    with pytest.raises(LibraryError, match="1 of 3 pieces"):
        library.finish(content, red, [])
    with library.view() as view:
        assert not view.videos and not view.living_rows
    with pytest.raises(LibraryError, match="never planned"):
        library.finish(997, red, [])


def test_a_finished_content_is_seen_with_its_count_and_shots(library, red):
    content = take_in(library, red, PATHS[0])
    library.finish(content, red, [Shot(0.0, 1.0)])
    assert library.state(content, red) == Work("indexed", frames=27)
    with library.view() as view:
        assert view.shots(content) == [Shot(0.0, 73.0, b"jpeg" + PATHS[0].encode(), 1.0)]
        assert view.videos[content].duration == 75.0
        assert (view.videos[content].first, view.videos[content].last) == (0.0, 73.0)


def test_a_length_the_file_does_not_state_is_the_length_that_was_seen(library, red):
    content = library.place(PATHS[0], stat_of(PATHS[0]), "digest")
    library.plan(content, red, {}, [(0, 60)])
    library.commit(claimed(library, red, content), done(red, first=0.2, last=31.2), "me")
    library.finish(content, red, [])
    with library.view() as view:
        assert view.videos[content].duration == 31.0


def test_a_refusal_is_a_state_with_a_reason_and_is_counted(library, red, content):
    library.refuse(content, red, "failed", "crashed", "the decoder died \udcff")
    library.refuse(content, red, "failed", "timeout", "took too long")
    assert library.state(content, red) == Work("failed", "timeout", "took too long", attempts=2)
    assert library.claim(red, "me") is None
    assert library.counts().reasons == {"failed": {"timeout": 1}}


def test_a_refusal_never_touches_what_is_indexed(library, red):
    content = take_in(library, red, PATHS[0])
    library.refuse(content, red, "failed", "vanished", "the disk was away")
    assert library.state(content, red).state == "indexed"


def test_a_second_try_keeps_what_was_committed(library, red, content):
    library.commit(claimed(library, red, content), done(red), "me")
    claimed(library, red, content)
    library.refuse(content, red, "failed", "crashed", "")
    library.plan(content, red, {}, WEEK)
    assert [unit.state for unit in library.units(content, red)] == ["done", "pending", "pending"]
    assert library.claim(red, "me").attempts == 1
    library.refuse(content, red, "failed", "crashed", "")
    library.plan(content, red, {}, WEEK[:2])
    assert [unit.state for unit in library.units(content, red)] == ["pending", "pending"]


def test_a_unit_that_was_planned_anew_with_other_ends_is_another_unit(library, red, content):
    unit = claimed(library, red, content)
    library.refuse(content, red, "failed", "crashed", "")
    library.plan(content, red, {}, [(0.0, 45.0), (45.0, 90.0)])
    assert library.commit(unit, done(red), "one who was slow") is False
    assert library.counts().rows == 0


@pytest.mark.parametrize("stated", [float("nan"), float("inf"), "long", None, -7.0])
def test_a_stated_length_that_is_none_is_not_believed(library, red, stated):
    content = library.place(PATHS[0], stat_of(PATHS[0]), "digest")
    library.plan(content, red, {"duration": stated}, [(0, 60)])
    library.commit(claimed(library, red, content), done(red, first=1.0, last=32.0), "me")
    library.finish(content, red, [])
    with library.view() as view:
        assert view.videos[content].duration == 31.0
        assert "duration" in view.videos[content].facts


def test_an_encoder_that_sees_nothing_has_a_library_too(tmp_path):
    from sightline.encoders.encoder import NoEncoder

    library = Library.open(tmp_path / "wordless", create=True)
    none = library.generation_for(NoEncoder().card, SAMPLING)
    take_in(library, none, PATHS[0])
    with library.view() as view:
        assert view.vectors.shape == (27, 0)
        assert len(view.nearest(np.empty(0), 5)[0]) == 0
        assert len(view.text("ape", 5)) == 2
    assert library.check(deep=True) == []
