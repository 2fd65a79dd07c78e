"""The built-in model: what is shipped, what it reads and refuses, and that its recipe learns."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest

from sightline.data.storybook.words import PLACES
from sightline.encoders.built_in import HOME, SIDE, WEIGHTS, open_built_in, scaled
from sightline.encoders.by_name import open_encoder
from sightline.encoders.lexicon import Lexicon
from sightline.errors import BadQuery, NoSuchEncoder
from sightline.recipes import storybook_phrases as say
from sightline.recipes.storybook_held_out import seen_cuts
from sightline.recipes.storybook_pictures import draw_sheaf, seen_at, strewn
from sightline.records import Frames


@pytest.fixture(scope="module")
def encoder():
    return open_built_in(threads=1)


@pytest.fixture(scope="module")
def sheaf():
    return draw_sheaf(5, 0, (112, 64), 11, split="challenge")


def frames(pixels: np.ndarray) -> Frames:
    return Frames(pixels, np.arange(len(pixels), dtype=np.float64))


def cosine(encoder, one: str, other: str) -> float:
    """Of what the towers say; the last number, which no picture has, is left out."""
    rows = encoder.read([one, other]).vector[:, :-1]
    return float(rows[0] @ rows[1] / np.linalg.norm(rows[0]) / np.linalg.norm(rows[1]))


# --- what is shipped --------------------------------------------------------------------------------


def test_the_shipped_files_take_no_more_than_twelve_megabytes() -> None:
    assert 0 < sum(file.stat().st_size for file in HOME.iterdir()) <= 12_000_000


def test_it_opens_by_its_name_and_its_card_says_so() -> None:
    card = open_encoder("storybook").card
    assert (card.name, card.side, card.words) == ("storybook", SIDE, True)


def test_seeing_and_reading_load_no_torch() -> None:
    code = (
        "import sys, numpy as np\n"
        "from sightline.encoders.by_name import open_encoder\n"
        "from sightline.records import Frames\n"
        "e = open_encoder('storybook')\n"
        "e.read(['red cat']); e.see(Frames(np.zeros((1, 3, 64, 64), np.uint8), np.zeros(1)))\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_onnx_files_give_what_the_safetensors_towers_give(encoder, sheaf) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    from sightline.recipes import built_in

    assert (HOME / WEIGHTS).is_file()
    model = built_in.load(HOME)
    ids, mask, _ = say.lexicon().numbers(["a small red cat", "在海滩上有一只蓝色的狗"])
    with torch.inference_mode():
        seen = model.pictures(torch.from_numpy(sheaf.pixels)).numpy()
        read = model.texts(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
    np.testing.assert_allclose(encoder.see(frames(sheaf.pixels)).vectors[0][:, :-1], seen, atol=2e-4)
    told = encoder.read(["a small red cat", "在海滩上有一只蓝色的狗"]).vector[:, :-1]
    np.testing.assert_allclose(told / np.linalg.norm(told, axis=1, keepdims=True), read, atol=2e-4)


def test_the_words_shipped_are_the_words_of_storybook() -> None:
    assert Lexicon.read(HOME / "words.json") == say.lexicon()


def test_a_folder_without_the_model_is_told_by_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(NoSuchEncoder, match=r"lacks pictures\.onnx.*sightline train built-in"):
        open_built_in(tmp_path)


# --- the contract of an encoder ---------------------------------------------------------------------


def test_pictures_and_texts_have_length_one(encoder, sheaf) -> None:
    seen = encoder.see(frames(sheaf.pixels)).vectors[0]
    read = encoder.read(["a red cat", "在水下", "red kite and bicycle"]).vector
    assert seen.shape == (11, encoder.card.width) and read.shape == (3, encoder.card.width)
    np.testing.assert_allclose(np.linalg.norm(np.concatenate([seen, read]), axis=1), 1, atol=1e-5)


def test_a_vector_does_not_depend_on_its_neighbours(encoder, sheaf) -> None:
    together = encoder.see(frames(sheaf.pixels)).vectors[0]
    alone = encoder.see(frames(sheaf.pixels[3:4])).vectors[0]
    np.testing.assert_allclose(together[3], alone[0], atol=1e-5)
    texts = ["a red cat", "two blue dogs in the forest and a big green striped elephant under the night sky"]
    np.testing.assert_allclose(encoder.read(texts).vector[0], encoder.read(texts[:1]).vector[0], atol=1e-5)


def test_no_frames_and_no_texts_give_no_rows(encoder) -> None:
    assert encoder.see(frames(np.zeros((0, 3, 64, 64), np.uint8))).vectors.shape == (1, 0, encoder.card.width)
    assert encoder.read([]).vector.shape == (0, encoder.card.width)


@pytest.mark.parametrize("shape", [(64, 64), (131, 71), (37, 211), (5, 3)])
def test_pictures_of_any_shape_are_seen(encoder, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (2, 3, *shape), dtype=np.uint8)
    assert min(scaled(pixels).shape[2:]) == SIDE
    assert np.isfinite(encoder.see(frames(pixels)).vectors).all()


# --- words: known, unknown, alike ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "  ", "the of and", "a horse", "a tent by a river", "一匹马", "法官宣读判决书", "?!"]
)
def test_words_it_does_not_know_are_a_zero_row(encoder, text: str) -> None:
    assert not encoder.read([text]).vector.any()


def test_an_unknown_word_takes_its_share_of_the_row(encoder) -> None:
    """Three content words of which one is strange: two thirds of the square stay."""
    whole, mixed = encoder.read(["red boat", "red boat xylograph"]).vector
    assert (mixed[:-1] ** 2).sum() == pytest.approx(2 / 3 * (whole[:-1] ** 2).sum(), rel=1e-4)


@pytest.mark.parametrize(
    ("one", "other", "stranger"),
    [
        ("red", "红色", "蓝色"),
        ("a cat", "小猫", "一辆汽车"),
        ("kitten", "cat", "car"),
        ("on the beach", "在海滩上", "在森林里"),
        ("a blue car", "蓝色的汽车", "红色的汽车"),
        ("紅色的貓", "a red cat", "a green cat"),
    ],
)
def test_the_same_said_in_other_words_is_near(encoder, one: str, other: str, stranger: str) -> None:
    assert cosine(encoder, one, other) > 0.8
    assert cosine(encoder, one, other) > cosine(encoder, one, stranger) + 0.2


def test_a_picture_is_nearest_to_its_own_place(encoder) -> None:
    """A few words, a few pictures; the figures of docs/model-card.md are measured on thousands."""
    dice = Random(11)
    made = [strewn(dice, (112, 64), "train", count=1) for _ in range(24)]
    seen = encoder.see(frames(np.stack([np.asarray(drawn).transpose(2, 0, 1) for drawn, _, _ in made]))).vectors[0]
    places = encoder.read([place.en[0] for place in PLACES.values()]).vector
    right = np.array([list(PLACES).index(place) for _, _, place in made])
    assert ((seen @ places.T).argmax(axis=1) == right).mean() > 0.9


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hot-air balloons!", ["hot-air", "balloon"]),
        ("kittens hopping", ["kitten", "hops"]),
        ("一只小猫头鹰", ["一", "只", "小", "猫头鹰"]),
        ("紅色的車", ["红色", "的", None]),
        ("blue-ish cat", ["blue", None, "cat"]),
    ],
)
def test_texts_are_parted_into_known_words(text: str, words: list[str | None]) -> None:
    assert say.lexicon().split(text) == words


def test_everything_the_recipe_says_is_in_its_lexicon(sheaf) -> None:
    dice, words = Random(2), say.lexicon()
    for k in range(300):
        phrase = say.about(sheaf.facts, k % len(sheaf.facts), dice, chinese=k % 2 == 0)
        assert None not in words.split(phrase.text), phrase.text


# --- what is true of a picture -------------------------------------------------------------------------


def slow_truth(facts: say.Facts, row: int, phrase: say.Phrase) -> bool:
    """Read the phrase claim by claim."""

    def meets(slot: int, claim: say.Claim) -> bool:
        return all(c in (say.ANY, int(facts.things[row, slot, k])) for k, c in enumerate(claim))

    slots = range(say.SLOTS)
    if phrase.place not in (say.ANY, facts.places[row]):
        return False
    if phrase.relation == say.ANY:
        return all(any(meets(s, claim) for s in slots) for claim in phrase.claims)
    way = {"under": (1, 1), "above": (1, -1), "left": (0, -1), "right": (0, 1)}[list(say.RELATIONS)[phrase.relation]]
    return any(
        meets(s, phrase.claims[0])
        and meets(t, phrase.claims[1])
        and way[1] * (facts.middles[row, s, way[0]] - facts.middles[row, t, way[0]]) > say.APART
        for s in slots
        for t in slots
    )


def test_truth_is_what_reading_claim_by_claim_gives(sheaf) -> None:
    dice = Random(4)
    phrases = [say.about(sheaf.facts, k % 11, dice, chinese=False) for k in range(97)]
    fast = say.truth(sheaf.facts, phrases)
    assert fast.tolist() == [[slow_truth(sheaf.facts, row, p) for p in phrases] for row in range(11)]


def test_what_is_said_of_a_picture_is_true_of_it(sheaf) -> None:
    dice = Random(6)
    phrases = [say.about(sheaf.facts, k % 11, dice, chinese=k % 3 == 0) for k in range(200)]
    table = say.truth(sheaf.facts, phrases)
    assert all(table[k % 11, k] for k in range(200))


def test_training_draws_no_combination_that_is_held_out() -> None:
    from sightline.data.storybook.splits import colour_group

    facts = draw_sheaf(0, 3, (64, 64), 41).facts
    pairs = {(t[say.THING], t[say.COLOUR]) for row in facts.things for t in row if t[say.THING] >= 0}
    assert pairs and all(colour_group(say.NAMES[say.THING][p], say.NAMES[say.COLOUR][c]) == "train" for p, c in pairs)


def test_a_sheaf_is_the_same_whenever_it_is_drawn() -> None:
    one, two = (draw_sheaf(3, 7, (48, 48), 7) for _ in range(2))
    assert np.array_equal(one.pixels, two.pixels) and np.array_equal(one.facts.things, two.facts.things)


def test_a_thing_that_has_left_is_not_among_the_facts() -> None:
    from sightline.data.storybook.script import Event, Scene, Script, Thing

    cat = Thing("cat", "red", x=0.5, y=0.7)
    script = Script(1, 8.0, (Scene("beach", 0.0, 8.0, (0,)),), (cat,), (Event(0, "leaves", 2.0, 4.0),))
    assert len(seen_at(script, 1.0, 1.0)) == 1 and not seen_at(script, 5.0, 1.0)


def test_a_cut_is_seen_between_two_backdrops() -> None:
    dark, light = np.full((3, 3, 64, 112), 40, np.uint8), np.full((2, 3, 64, 112), 200, np.uint8)
    assert seen_cuts(frames(np.concatenate([dark, light]))) == [3.0]


# --- the recipe -----------------------------------------------------------------------------------------


def test_the_softmax_over_many_right_answers_is_the_mean_of_their_logs() -> None:
    torch = pytest.importorskip("torch")
    from sightline.recipes.built_in import softmax_many

    cosines = torch.tensor(np.random.default_rng(8).uniform(-1, 1, (5, 7)), dtype=torch.float64)
    true = torch.tensor(np.random.default_rng(9).random((5, 7)) < 0.4)
    true[2] = False  # a row that nothing is true of is left out
    counted = true | torch.tensor(np.random.default_rng(10).random((5, 7)) < 0.7)
    slow = []
    for row in range(5):
        those_that_count = [float(c) for c, counts in zip(cosines[row], counted[row], strict=True) if counts]
        whole = math.log(sum(math.exp(3 * c) for c in those_that_count))
        right = [3 * float(c) - whole for c, is_true in zip(cosines[row], true[row], strict=True) if is_true]
        slow += [-sum(right) / len(right)] if right else []
    found = float(softmax_many(cosines, torch.tensor(3.0), true, counted))
    assert found == pytest.approx(sum(slow) / len(slow), rel=1e-5)


def test_a_pair_that_does_not_count_changes_nothing() -> None:
    torch = pytest.importorskip("torch")
    from sightline.recipes.built_in import sigmoid_pairs

    cosines = torch.tensor(np.random.default_rng(8).uniform(-1, 1, (3, 5)), dtype=torch.float64)
    true, counted = torch.zeros(3, 5, dtype=torch.bool), torch.ones(3, 5, dtype=torch.bool)
    counted[1, 2] = False
    other = cosines.clone()
    other[1, 2] = 0.9
    scale, bias = torch.tensor(7.0), torch.tensor(-2.0)
    slow = sum(math.log(1 + math.exp(7 * float(c) - 2)) for c in cosines[counted]) / 3
    found = [float(sigmoid_pairs(values, scale, bias, true, counted)) for values in (cosines, other)]
    assert found == pytest.approx([slow, slow])


def test_pictures_without_colour_have_one_value_per_point_and_say_no_colour() -> None:
    pytest.importorskip("torch")
    from sightline.recipes.built_in_lessons import without_colour

    sheaf, grey = draw_sheaf(0, 0, (48, 48), 5), np.array([False, True, False, True, False])
    pixels, facts = without_colour(sheaf.pixels, sheaf.facts, grey, np.random.default_rng(1))
    assert (pixels[grey] == pixels[grey][:, :1]).all() and np.array_equal(pixels[~grey], sheaf.pixels[~grey])
    assert (facts.things[grey][..., say.COLOUR] == say.NOTHING).all()
    assert np.array_equal(facts.things[~grey], sheaf.facts.things[~grey])


def test_a_thing_is_compared_at_its_own_place() -> None:
    torch = pytest.importorskip("torch")
    from sightline.recipes.built_in import SIZES, at_their_places
    from sightline.recipes.built_in_lessons import lesson

    sheaf = draw_sheaf(0, 0, (64, 64), 3)
    batch = lesson(sheaf.pixels, sheaf.facts, SIZES["tiny"].phrases, Random(1), say.lexicon())
    places = torch.arange(3 * 2 * 8 * 8, dtype=torch.float32).reshape(3, 2, 8, 8) + 1
    _, _, vectors = at_their_places(places, batch)
    expected = []
    for row in range(3):
        for slot in range(say.SLOTS):
            if sheaf.facts.things[row, slot, say.THING] >= 0:
                x, y = (int(m * 8) for m in sheaf.facts.middles[row, slot])
                expected.append(places[row, :, min(max(y, 0), 7), min(max(x, 0), 7)].tolist())
    np.testing.assert_allclose(vectors.numpy(), expected, rtol=1e-5)


def test_the_rate_rises_in_a_line_and_falls_to_a_hundredth() -> None:
    from sightline.training.loop import Course, rate_at

    course = Course(100, peak=1.0, rising=0.1)
    assert [rate_at(k, course) for k in (0, 4, 9)] == pytest.approx([0.1, 0.5, 1.0])
    assert rate_at(99, course) < 0.012 and max(rate_at(k, course) for k in range(100)) == pytest.approx(1.0)


def test_a_size_that_is_not_there_is_told_with_those_that_are() -> None:
    from sightline.recipes.built_in import size_named

    with pytest.raises(BadQuery, match="'huge'; there are tiny, small"):
        size_named("huge")


@pytest.mark.slow
def test_a_run_that_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from sightline.train import train
    from sightline.training.log import read_log

    train("built-in", tmp_path, size="tiny", stop_after=30)
    made = train("built-in", tmp_path, size="tiny", resume=True)
    assert made["steps"] == 60
    assert [entry["step"] for entry in read_log(tmp_path / "log.jsonl")] == [25, 30, 50, 60]
    assert open_built_in(tmp_path).read(["a red cat"]).vector.any()


@pytest.mark.slow
def test_a_tenth_of_the_training_reaches_the_documented_loss(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from sightline.recipes.built_in import SIZES, TENTH
    from sightline.train import train

    made = train("built-in", tmp_path, size="small", stop_after=SIZES["small"].steps // 10)
    assert TENTH[0] <= made["loss"] <= TENTH[1]


def test_in_an_encoded_video_most_names_are_brightest_in_their_own_scene(encoder, tmp_path: Path) -> None:
    """Through the codec, the decoder and the scaler; a blind guess would be right for one name in three."""
    from sightline.data.storybook.film import video
    from sightline.data.storybook.script import random_script
    from sightline.video.sample import Watching

    script = random_script(7)
    video(script, tmp_path / "7.mp4", (320, 180))
    watched = list(Watching(str(tmp_path / "7.mp4"), side=encoder.card.side))
    seen = np.concatenate([encoder.see(some).vectors[0] for some in watched])
    seconds = np.concatenate([some.seconds for some in watched])
    right = []
    for k, thing in enumerate(script.things):
        scene = script.scene_of(k)
        for words in encoder.read([thing.name.en, thing.name.zh]).vector:
            right.append(scene.start <= seconds[(seen @ words).argmax()] <= scene.end)
    assert np.mean(right) > 0.6
