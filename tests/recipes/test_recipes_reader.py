"""The built-in reader's recipe: what it learns from, that a run can go on, that what is shipped is what was learned."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from sightline.asking.judging import NOT_HERE, Judging  # noqa: E402
from sightline.encoders.built_in import open_built_in  # noqa: E402
from sightline.language.judge import by_option  # noqa: E402
from sightline.language.tokenizer import Tokenizer  # noqa: E402
from sightline.recipes import reader  # noqa: E402
from sightline.recipes.questions_seen import HOME, Eye, drawn, seen_world  # noqa: E402
from sightline.recipes.reader_lessons import Lessons, named_things, script_of  # noqa: E402
from sightline.train import train  # noqa: E402


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("SIGHTLINE_CACHE", str(tmp_path_factory.mktemp("seen")))
    size = replace(
        reader.SIZES["tiny"],
        learn=replace(reader.SIZES["tiny"].learn, videos=5, frames=11),
        val=replace(reader.SIZES["tiny"].val, videos=2, frames=11),
        steps=4,
    )
    patch.setitem(reader.SIZES, "mini", size)
    yield size
    patch.undo()


@pytest.fixture(scope="module")
def lessons(mini):
    made = Lessons(mini.learn, seen_world(mini.learn))
    made.cut = made.tokenizer(mini.pieces).ids
    return made


def test_a_batch_is_a_pure_function_of_seed_and_step(lessons):
    one, other = (next(lessons.forever(7, 3, 5)) for _ in range(2))
    assert torch.equal(one.ids, other.ids) and torch.equal(one.tokens, other.tokens)
    third = next(lessons.forever(7, 3, 6))
    assert one.ids.shape != third.ids.shape or not torch.equal(one.ids, third.ids)


def test_a_question_is_asked_in_two_languages_and_two_wordings(lessons):
    item = next(item for item in lessons.items if item.kind == "colour")
    assert len({question for question, _ in item.words.values()}) == 4
    assert item.words["en", False][1] != item.words["zh", False][1]


def test_of_another_film_nothing_of_what_is_asked_is_there(lessons, mini):
    dice, found = np.random.default_rng(0), 0
    for task, item in zip(lessons.in_order(1), lessons.items, strict=True):
        del task
        line = lessons._elsewhere(lessons._plain(item, ("en", False)), dice)
        if line is not None:
            found += 1
            assert not any(name in line.question for name in named_things(script_of(mini.learn, line.film)))
    assert found > 5


def test_of_another_film_not_here_is_right(lessons):
    for task in lessons.in_order(3, elsewhere=True):
        real = (task.group.amax(dim=1) - 1).tolist()  # the last option's place, from 0
        assert task.answer.tolist() == real


def test_chosen_frames_are_in_the_order_of_time(lessons):
    for step in range(4):
        seconds = next(lessons.forever(5, 0, step)).seconds
        assert (seconds[:, 1:] > seconds[:, :-1]).all()


def test_chinese_is_parted_where_the_text_towers_words_end(lessons, mini):
    pieces = lessons.tokenizer(mini.pieces)
    for text in (NOT_HERE[1], "红色的狐狸在沙漠里"):
        assert pieces.text(pieces.ids(text)) == text
    assert pieces.ids("红色的狐狸") == [*pieces.ids("红色"), *pieces.ids("的"), *pieces.ids("狐狸")]


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(mini, tmp_path):
    train("reader", tmp_path / "whole", size="mini")
    train("reader", tmp_path / "halved", size="mini", stop_after=2)
    train("reader", tmp_path / "halved", size="mini", resume=True)
    one, other = ((tmp_path / name / "judge.safetensors").read_bytes() for name in ("whole", "halved"))
    assert one == other


def test_what_is_shipped_judges_as_what_was_learned(mini, tmp_path):
    from safetensors.torch import load_file

    made = train("reader", tmp_path, size="mini")
    assert made["steps"] == 4 and 0 <= made["val zh"]["right"] <= 1
    film = drawn(script_of(mini.val, 0), 7)
    question, options = "What colour is the cat?", ["red", "dark blue", "green"]
    shipped = Judging.opened(tmp_path)
    judged = shipped.judge(question, options, np.asarray(film.pixels), film.seconds)
    assert judged.chances.shape == (4,) and judged.alone.shape == (7, 4)
    assert Judging.tower_of(tmp_path) == open_built_in().card.fingerprint

    from sightline.asking.judging import laid_out

    tokenizer = Tokenizer.load(tmp_path)
    model = reader.build(mini, tokenizer, 192, 28)
    model.load_state_dict({name: part.float() for name, part in load_file(tmp_path / "judge.safetensors").items()})
    tokens, _ = Eye.opened(HOME).see(np.asarray(film.pixels))
    pieces = [torch.from_numpy(p)[None] for p in laid_out(question, [*options, NOT_HERE[0]], tokenizer.ids)]
    shown = torch.ones(1, 7, dtype=torch.bool)
    with torch.no_grad():
        seconds = torch.from_numpy(np.asarray(film.seconds)).float()[None]
        values = model.eval()(*pieces, torch.from_numpy(tokens).float()[None], seconds, shown)
    chances = (by_option(values, pieces[2], 4) * shipped.sharpness).softmax(dim=1)[0]
    assert np.allclose(judged.chances, chances.numpy(), atol=2e-3)
