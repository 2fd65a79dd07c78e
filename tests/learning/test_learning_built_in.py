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


def test_the_shipped_files_name_no_folder_of_those_who_made_them() -> None:
    for file in HOME.iterdir():
        assert b"sightline/encoders/" not in file.read_bytes(), file.name


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
    ways = {"under": (1, 1), "above": (1, -1), "left": (0, -1), "right": (0, 1)}

    def meets(slot: int, claim: say.Claim) -> bool:
        return all(c in (say.ANY, int(facts.things[row, slot, k])) for k, c in enumerate(claim))

    slots = range(say.SLOTS)
    if phrase.place not in (say.ANY, facts.places[row]):
        return False
    if phrase.side != say.ANY:
        axis, sign = ways[list(say.RELATIONS)[phrase.side]]
        far = sign * (facts.middles[row, :, axis] - 0.5)
        return any(meets(s, phrase.claims[0]) and far[s] > say.ASIDE for s in slots)
    if phrase.relation == say.ANY:
        return all(any(meets(s, claim) for s in slots) for claim in phrase.claims)
    way = ways[list(say.RELATIONS)[phrase.relation]]
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


def test_a_twin_has_the_same_words_and_names_no_combination_that_is_held_out() -> None:
    facts, dice = draw_sheaf(7, 0, (64, 64), 31).facts, Random(3)
    pairs = [say.with_twin(facts, k % 31, dice, chinese=False) for k in range(600)]
    twins = [(said, twin) for said, twin in pairs if twin]
    assert len(twins) > 150 and all(said.text != twin.text for said, twin in twins)
    for _, twin in twins:
        for claim in twin.claims:
            if min(claim[say.THING], claim[say.COLOUR]) >= 0:
                assert say.SHOWN[claim[say.THING], claim[say.COLOUR]], twin.text
    exchanged = [(s.claims, t.claims) for s, t in twins if len(s.claims) == 2 and s.relation == t.relation]
    coloured = [
        (said, twin)
        for said, twin in exchanged
        if any(a[say.COLOUR] != b[say.COLOUR] for a, b in zip(said, twin, strict=True))
    ]
    assert len(coloured) > 15
    for said, twin in coloured:
        for k in (say.THING, say.COLOUR):
            assert sorted(claim[k] for claim in said) == sorted(claim[k] for claim in twin)


def test_what_is_said_of_two_things_has_each_of_them_alone_on_its_own_side() -> None:
    cat, dog = (say.thing_facts(name, colour, None, "big") for name, colour in (("cat", "red"), ("dog", "blue")))
    middles = np.zeros((1, 5, 2))
    middles[0, :2, 0] = (0.2, 0.8)
    facts, dice = (
        say.Facts(np.array([[cat, dog, *[[say.NOTHING] * 6] * 3]], np.int8), middles, np.zeros(1, int)),
        Random(1),
    )
    made = [say.with_twin(facts, 0, dice, chinese=False, alone=0.0)[0] for _ in range(200)]
    left, right = (list(say.RELATIONS).index(way) for way in ("left", "right"))
    beside = [phrase for phrase in made if phrase.parts and phrase.relation == left]
    joined = [phrase for phrase in made if phrase.parts and phrase.relation == say.ANY]
    assert beside and joined and not any(phrase.parts for phrase in made if phrase.place != say.ANY)
    for phrase in beside:
        first, other = (
            part.removesuffix(end) for part, end in zip(phrase.parts, (" on the left", " on the right"), strict=True)
        )
        assert phrase.text.startswith(first) and phrase.text.endswith(other) and first not in phrase.parts
    assert all(phrase.text.startswith(phrase.parts[0]) and phrase.text.endswith(phrase.parts[1]) for phrase in joined)
    assert right in {phrase.relation for phrase in made}


def test_a_twin_is_mostly_false_of_its_picture() -> None:
    facts, dice = draw_sheaf(7, 0, (64, 64), 31).facts, Random(3)
    made = [(k % 31, *say.with_twin(facts, k % 31, dice, chinese=True)) for k in range(600)]
    false = [not say.truth(facts, [twin])[row, 0] for row, _, twin in made if twin]
    assert np.mean(false) > 0.9


def test_twin_pictures_hold_the_same_things_bound_in_two_ways() -> None:
    from sightline.recipes.storybook_pictures import twins

    dice = Random(9)
    for _ in range(20):
        (_, one, place), (_, other, also) = twins(dice, (64, 64), "train")
        assert place == also and [t[say.THING] for t, _ in one] == [t[say.THING] for t, _ in other]
        assert sorted(t[say.COLOUR] for t, _ in one) == sorted(t[say.COLOUR] for t, _ in other)
        assert [(t[say.COLOUR], middle) for t, middle in one] != [(t[say.COLOUR], middle) for t, middle in other]


def test_the_texture_of_a_thing_too_small_to_show_it_is_not_among_the_facts() -> None:
    from sightline.recipes import storybook_pictures as pictures

    layout = pictures._strewn(Random(4), (64, 64), "train", count=3)
    for finest in (0, 15, 1000):
        _, slots, _ = pictures._laid(layout, finest)
        known = [facts[say.TEXTURE] != say.NOTHING for facts, _ in slots]
        assert known == [thing.pixels >= finest for thing in layout.things]


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


def test_a_phrase_about_two_things_is_measured_against_the_sum_of_its_parts() -> None:
    torch = pytest.importorskip("torch")
    from types import SimpleNamespace

    from sightline.recipes.built_in import of_their_parts

    rows = np.random.default_rng(3).normal(size=(11, 5))
    texts, parts = rows[:7] / np.linalg.norm(rows[:7], axis=1, keepdims=True), rows[7:]
    model = SimpleNamespace(texts=lambda ids, mask: torch.tensor(parts))
    batch = SimpleNamespace(sums=torch.tensor([2, 5]), parts=(None, None))
    sums = [parts[0] + parts[1], parts[2] + parts[3]]
    slow = np.mean([1 - texts[k] @ each / math.sqrt(each @ each) for k, each in zip((2, 5), sums, strict=True)])
    assert float(of_their_parts(model, torch.tensor(texts), batch)) == pytest.approx(slow)
    assert float(of_their_parts(model, torch.tensor(texts), SimpleNamespace(sums=torch.tensor([])))) == 0


def test_a_lesson_goes_from_names_to_pairs_to_sums() -> None:
    pytest.importorskip("torch")
    from sightline.recipes import built_in_lessons as teach

    sheaf, words = draw_sheaf(0, 4, (64, 64), 29), say.lexicon()
    first, later, last = (
        teach.lesson(sheaf.pixels, sheaf.facts, 97, Random(1), words, teach.phase_at(step)) for step in (0, 700, 1200)
    )
    assert [one.stress for one in (first, later, last)] == [2.0, 8.0, 8.0]
    assert first.alone.sum() > later.alone.sum() and len(first.sums) == len(later.sums) == 0 < len(last.sums) <= 48
    assert len(last.parts[0]) == 2 * len(last.sums)


def test_from_the_second_stage_on_strangers_come_in() -> None:
    pytest.importorskip("torch")
    from sightline.recipes import built_in_lessons as teach

    first, second = (next(teach.lessons(12, 61, 0, start=step)) for step in (0, 2700))
    assert (first.places != teach.NOWHERE).all()
    assert (second.places == teach.NOWHERE).tolist() == [False] * 6 + [True] * 6
    assert not second.truth[-6:].any() and second.counted[-6:].all()
    assert (second.things[-6:] == say.NOTHING).all()


def test_a_caption_names_all_there_is_by_all_that_is_known_of_it() -> None:
    facts, dice = draw_sheaf(7, 0, (64, 64), 31).facts, Random(3)
    for row in range(31):
        said, _ = say.with_twin(facts, row, dice, False, 0.0, captions=1.0)
        there = facts.things[row][facts.things[row, :, say.THING] >= 0]
        assert len(said.claims) == min(len(there), say.CLAIMS)
        assert all(claim[say.THING] != say.ANY for claim in said.claims)
        assert {c[say.COLOUR] for c in said.claims} <= set(there[:, say.COLOUR].tolist())


def test_strange_pictures_differ_and_come_out_alike_from_the_same_dice() -> None:
    from sightline.recipes.strange_pictures import strange_pictures

    one, two = (strange_pictures(23, (48, 32), np.random.default_rng(5)) for _ in range(2))
    assert one.shape == (23, 3, 32, 48) and one.dtype == np.uint8 and np.array_equal(one, two)
    assert len({picture.tobytes() for picture in one}) == 23


def test_the_noise_falls_with_frequency_as_it_is_told() -> None:
    """The spectrum's slope in double logarithm, from a plain fit, over many pictures."""
    from sightline.recipes.strange_pictures import _falling

    dice = np.random.default_rng(0)
    power = np.mean([abs(np.fft.fft2(_falling((64, 64), 1.2, dice)[0])) for _ in range(40)], axis=0)
    places = range(2, 30)
    slope = np.polyfit(np.log(places), [np.log((power[0, k] + power[k, 0]) / 2) for k in places], 1)[0]
    assert slope == pytest.approx(-1.2, abs=0.1)


def test_mixed_pictures_say_no_colour_and_the_others_are_left_alone() -> None:
    from sightline.recipes.built_in_lessons import colours_mixed

    sheaf, mixed = draw_sheaf(0, 0, (48, 48), 13), np.arange(13) % 2 == 1
    pixels, facts = colours_mixed(sheaf.pixels, sheaf.facts, mixed, np.random.default_rng(1))
    assert np.array_equal(pixels[~mixed], sheaf.pixels[~mixed]) and not np.array_equal(pixels, sheaf.pixels)
    assert (facts.things[mixed][..., say.COLOUR] == say.NOTHING).all()
    assert np.array_equal(facts.things[~mixed], sheaf.facts.things[~mixed])


def test_a_mixture_never_comes_near_a_combination_that_is_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mixture is read off three pictures of one channel each; then every thing's coat is mixed by hand."""
    from sightline.data.storybook.palette import COLOURS
    from sightline.recipes import built_in_lessons

    monkeypatch.setattr(built_in_lessons, "GREY", 0.0)
    facts = draw_sheaf(0, 2, (48, 48), 61).facts
    channels = np.zeros((61, 3, 1, 3), np.uint8)
    channels[:, (0, 1, 2), 0, (0, 1, 2)] = 200
    mixed, _ = built_in_lessons.colours_mixed(channels, facts, np.ones(61, bool), np.random.default_rng(3))
    coloured = 0
    for shares, things in zip(mixed[:, :, 0] / 200, facts.things, strict=True):
        if np.ptp(shares, axis=0).max() < 0.01:
            continue  # without colour
        coloured += 1
        for thing in things[things[:, say.THING] >= 0]:
            look = shares @ np.array(COLOURS[say.NAMES[say.COLOUR][thing[say.COLOUR]]].coat)
            for k, name in enumerate(say.NAMES[say.COLOUR]):
                far = math.dist(look, COLOURS[name].coat) > built_in_lessons.NEAR - 2
                assert far or say.SHOWN[thing[say.THING], k]
    assert coloured > 5


def test_what_is_not_known_of_a_picture_does_not_count_there() -> None:
    from sightline.recipes.built_in_lessons import counted

    known = say.thing_facts("cat", "red", "striped", "big")
    unknown = [*known]
    unknown[say.COLOUR] = unknown[say.TEXTURE] = say.NOTHING
    empty = [say.NOTHING] * 6
    facts = say.Facts(
        np.array([[thing, *[empty] * 4] for thing in (known, unknown)], np.int8), np.zeros((2, 5, 2)), np.zeros(2, int)
    )
    any_ = [say.ANY] * 6
    claims = [any_[:k] + [known[k]] + any_[k + 1 :] for k in (say.THING, say.COLOUR, say.TEXTURE, say.SIZE)]
    of_pictures, of_things = counted(facts, [say.Phrase("", (tuple(claim),)) for claim in claims])
    assert of_pictures.tolist() == [[True, True, True, True], [True, False, False, True]]
    assert of_things[:, 0].tolist() == of_pictures.tolist()


def test_a_side_does_not_count_for_a_thing_about_the_middle() -> None:
    cat = say.thing_facts("cat", "red", "plain", "big")
    middles = np.zeros((3, 5, 2))
    middles[:, 0, 0] = (0.3, 0.45, 0.7)
    facts = say.Facts(np.array([[cat, *[[say.NOTHING] * 6] * 4]] * 3, np.int8), middles, np.zeros(3, int))
    left = say.Phrase("a red cat on the left", (tuple(cat),), side=list(say.RELATIONS).index("left"))
    assert say.truth(facts, [left])[:, 0].tolist() == [True, False, False]
    assert say.undecided(facts, [left])[:, 0].tolist() == [False, True, False]
    assert not left.alone


def test_a_name_is_wrong_only_of_colours_that_training_shows_it_in() -> None:
    from sightline.recipes.built_in_lessons import counted

    dog = say.NUMBERS[say.THING]["dog"]
    empty = [say.NOTHING] * 6
    cats = [say.thing_facts("cat", colour, "plain", "big") for colour in say.NAMES[say.COLOUR]]
    facts = say.Facts(np.array([[cat, *[empty] * 4] for cat in cats], np.int8), np.zeros((11, 5, 2)), np.zeros(11, int))
    bare = (say.ANY, dog, say.ANY, say.ANY, say.ANY, say.ANY)
    of_pictures, of_things = counted(facts, [say.Phrase("a dog", (bare,))])
    assert of_pictures[:, 0].tolist() == of_things[:, 0, 0].tolist() == say.SHOWN[dog].tolist()
    assert say.SHOWN.sum(axis=1).tolist() == [6] * len(say.SHOWN)


def test_a_colour_does_not_decide_among_the_names_it_never_comes_with() -> None:
    torch = pytest.importorskip("torch")
    from sightline.recipes.built_in import NAMED, naming

    logits = torch.tensor(np.random.default_rng(2).normal(size=(7, sum(NAMED.values()))), dtype=torch.float64)
    things = draw_sheaf(0, 1, (48, 48), 7).facts.things[:, 0].copy()
    things[3, say.COLOUR] = things[4, say.TEXTURE] = say.NOTHING
    slow, start = 0.0, 0
    for k, width in NAMED.items():
        parts = []
        for row, thing in zip(logits[:, start : start + width].tolist(), things, strict=True):
            if thing[k] == say.NOTHING:
                continue
            free = k != say.THING or thing[say.COLOUR] == say.NOTHING
            whole = sum(math.exp(v) for j, v in enumerate(row) if free or say.SHOWN[j, thing[say.COLOUR]])
            parts.append(math.log(whole) - row[thing[k]])
        slow, start = slow + sum(parts) / len(parts), start + width
    assert float(naming(logits, torch.tensor(things))) == pytest.approx(slow, rel=1e-6)


def test_twins_are_told_apart_where_one_is_true_and_the_other_is_not() -> None:
    torch = pytest.importorskip("torch")
    from types import SimpleNamespace

    from sightline.recipes.built_in import TWINS_SHARPNESS, twins_apart

    chance = np.random.default_rng(5)
    cosines, truth, counts = chance.uniform(-1, 1, (5, 7)), chance.random((5, 7)) < 0.5, chance.random((5, 7)) < 0.8
    pairs = [(0, 3), (6, 2), (1, 5)]
    slow = []
    for row in range(5):
        for one, other in pairs:
            if counts[row, one] and counts[row, other] and truth[row, one] != truth[row, other]:
                lead = cosines[row, one] - cosines[row, other]
                slow.append(math.log(1 + math.exp(-TWINS_SHARPNESS * (lead if truth[row, one] else -lead))))
    batch = SimpleNamespace(truth=torch.tensor(truth), counted=torch.tensor(counts), twins=torch.tensor(pairs))
    assert slow and float(twins_apart(torch.tensor(cosines), batch)) == pytest.approx(np.mean(slow), rel=1e-5)


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


def test_a_rate_that_is_held_falls_only_then() -> None:
    from sightline.training.loop import Course, rate_at

    course = Course(100, peak=1.0, rising=5, held=0.6)
    assert [rate_at(k, course) for k in (0, 4, 5, 59)] == pytest.approx([0.2, 1.0, 1.0, 1.0])
    assert rate_at(80, course) == pytest.approx(0.505) and rate_at(99, course) < 0.02


def test_a_place_is_told_how_far_right_and_down_it_is() -> None:
    torch = pytest.importorskip("torch")
    from sightline.encoders.picture_tower import where

    right, down = where(torch.zeros(3, 5, 2, 7))[1]
    assert right[0].tolist() == right[1].tolist() == pytest.approx([(2 * k + 1) / 7 - 1 for k in range(7)])
    assert down[:, 4].tolist() == pytest.approx([-0.5, 0.5])


def test_a_picture_is_the_weighted_sum_of_what_stands_where() -> None:
    """Against a loop over places, read off the tower's own features."""
    torch = pytest.importorskip("torch")
    from torch.nn.functional import normalize, softplus

    from sightline.encoders.picture_tower import PictureTower

    torch.manual_seed(3)
    tower = PictureTower((5, 7, 11), (1, 1), 13, 17).eval()
    features: list[object] = []
    tower.coarse.register_forward_hook(lambda _, __, made: features.append(made))
    with torch.inference_mode():
        vector, shown = tower.at_places(torch.randint(0, 256, (1, 3, 24, 40), dtype=torch.uint8))
        x, weight = features[0][0], softplus(tower.weight(features[0]))[0, 0]
        summed = tower.whole(x.mean(dim=(1, 2))) + tower.what.bias + tower.right.bias + tower.down.bias
        for row in range(3):
            for column in range(5):
                at, share = shown[0, :, row, column], weight[row, column] / weight.sum()
                right, down = (2 * column + 1) / 5 - 1, (2 * row + 1) / 3 - 1
                says = (
                    at @ tower.what.weight.T + right * (at @ tower.right.weight.T) + down * (at @ tower.down.weight.T)
                )
                summed = summed + share * says
    np.testing.assert_allclose(vector[0].numpy(), normalize(summed, dim=0).numpy(), atol=1e-5)


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

    made = train("built-in", tmp_path, size="small", stop_after=sum(SIZES["small"].steps) // 10)
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
