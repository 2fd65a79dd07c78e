"""What the tower saw, on disk: seen once, found again, never half there; a step's batch is always the same."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sightline.errors import BadRecord  # noqa: E402
from sightline.language.tokenizer import Tokenizer  # noqa: E402
from sightline.training.asked import Asked  # noqa: E402
from sightline.training.batches import Batches  # noqa: E402
from sightline.training.kept import Film, kept, open_kept  # noqa: E402

FACTS = {"kind": "toy", "tower": "none", "grid": (1, 3)}
ASKED = [
    Asked("a", f"Which one is it, number {k}?", ("red", "blue", "green")[: 2 + k % 2], k % 2, ((1.0, 2.0),), "it is")
    for k in range(7)
]


def films():
    dice = np.random.default_rng(0)
    for name in ("a", "b"):
        yield Film(name, dice.random((5, 3, 4)), dice.random((5, 4)), np.arange(5) + 0.5, np.ones(5, bool))


def read(texts):
    return np.array([[len(text), text.count("e"), 1, 0] for text in texts], np.float32)


def made(folder, films=films, asked=ASKED, facts=FACTS):
    return kept(facts, films, lambda: asked, read, folder)


def test_videos_are_seen_once(tmp_path):
    first = made(tmp_path)

    def never():
        raise AssertionError("seen again")

    again = made(tmp_path, never)
    assert again.folder == first.folder and again.questions == ASKED
    assert np.array_equal(again.tokens, first.tokens) and again.tokens.shape == (2, 5, 3, 4)
    assert again.vector("green").tolist() == [5, 2, 1, 0]


def test_another_tower_makes_another_set(tmp_path):
    assert made(tmp_path).folder != made(tmp_path, facts=FACTS | {"tower": "new"}).folder


def test_a_set_whose_making_failed_is_not_there(tmp_path):
    def broken():
        yield next(films())
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        made(tmp_path, broken)
    assert list(tmp_path.iterdir()) == []


def test_questions_about_videos_that_were_not_seen_are_refused(tmp_path):
    with pytest.raises(BadRecord, match="asks about c"):
        made(tmp_path, asked=[replace(ASKED[0], video="c")])


@pytest.fixture
def batches(tmp_path):
    tokenizer = Tokenizer.trained([text for q in ASKED for text in (q.question, *q.options)], 300)
    return Batches(open_kept(made(tmp_path).folder), tokenizer)


def test_a_batch_is_the_same_for_the_same_step(batches):
    from itertools import islice

    straight = [batch.rows for batch in islice(batches.forever(3, 5), 9)]
    later = [batch.rows for batch in islice(batches.forever(3, 5, start=4), 5)]
    assert straight[4:] == later
    assert [row for rows in straight[:7] for row in rows][:7] != list(range(7))
    flat = [row for rows in straight for row in rows]
    assert sorted(flat[:7]) == sorted(flat[7:14]) == list(range(7))  # every epoch asks everything once


def test_processes_share_a_batch_out_without_overlap(batches):
    whole = next(batches.forever(6, 2)).rows
    parts = [next(batches.forever(6, 2, part=(rank, 2))).rows for rank in (0, 1)]
    assert sorted(whole) == sorted(parts[0] + parts[1])


def test_options_that_a_question_does_not_have_are_not_real(batches):
    batch = batches.batch([0, 1])
    assert batch.real.tolist() == [[True, True, False], [True, True, True]]
    assert batch.wrong.tolist() == [[False, True, False], [True, False, True]]
    assert batch.evidence.tolist() == [[False, True, False, False, False]] * 2
    assert batch.answer_vector[:, 0].tolist() == [3.0, 4.0]  # red, blue
    ids, mask = batch.options
    assert batches.tokenizer.text(ids[1, 2][mask[1, 2]].tolist()) == "green"
