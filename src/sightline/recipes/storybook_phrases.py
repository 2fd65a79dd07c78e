"""What can be said of a storybook picture in English and Chinese, and of which pictures each phrase is true.

A picture's facts are numbers: a place and up to five things, each with kind, name, colour, texture, size and action.
A phrase makes up to four claims about different things, one about the place, and one about how the first two stand. So
whether any phrase is true of any picture of a batch is computed, not assumed: two pictures with a red cat both count as
right for "a red cat", and nothing is taught to be wrong that is not.
Shapes: Facts of F pictures against T phrases -> truth [F, T]
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from sightline.data.storybook.props import kind_of
from sightline.data.storybook.splits import colour_group
from sightline.data.storybook.words import (
    ACTION_NAMES,
    ACTIONS,
    COLOUR_WORDS,
    KIND_WORDS,
    NUMBERS_ZH,
    PLACES,
    SIZE_WORDS,
    TEXTURE_WORDS,
    THINGS,
    TIMES_EN,
    article,
)
from sightline.encoders.lexicon import Lexicon

Array = Any

TABLES = (KIND_WORDS, THINGS, COLOUR_WORDS, TEXTURE_WORDS, SIZE_WORDS, ACTION_NAMES)
KIND, THING, COLOUR, TEXTURE, SIZE, ACTION = range(6)
NUMBERS = tuple({name: k for k, name in enumerate(table)} for table in TABLES)
NAMES = tuple(tuple(table) for table in TABLES)
PLACE_NAMES = tuple(PLACES)
PLACE_NUMBERS = {name: k for k, name in enumerate(PLACE_NAMES)}
ANY, NOTHING = -1, -2
SLOTS, CLAIMS = 5, 4
# How the first thing stands to the second, by the difference of their middles in shares of the picture.
RELATIONS = {
    "under": (("under", "below", "beneath"), ("下面", "下方")),
    "above": (("above", "over"), ("上面", "上方")),
    "left": (("to the left of", "left of"), ("左边", "左侧")),
    "right": (("to the right of", "right of"), ("右边", "右侧")),
}
OPPOSITE = (1, 0, 3, 2)
APART = 0.2
# In which part of the picture a thing stands: below, above, left or right of its middle, by more than ASIDE.
SIDES = (
    (("below",), ("下面",)),
    (("above",), ("上面",)),
    (("on the left",), ("左边",)),
    (("on the right",), ("右边",)),
)
ASIDE = 0.1
# Which things training shows in which colours. [things, colours]
SHOWN = np.array([[colour_group(thing, colour) == "train" for colour in NAMES[COLOUR]] for thing in NAMES[THING]])


@dataclass(frozen=True)
class Facts:
    """Shapes: things [F, SLOTS, 6] int8 (NOTHING where a slot is empty), middles [F, SLOTS, 2] (x, y), places [F]."""

    things: Array
    middles: Array
    places: Array

    def __len__(self) -> int:
        return len(self.places)

    def at(self, rows: Array) -> Facts:
        return Facts(self.things[rows], self.middles[rows], self.places[rows])


def joined(parts: Sequence[Facts]) -> Facts:
    return Facts(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("things", "middles", "places")))


def thing_facts(prop: str, colour: str, texture: str | None, size: str, action: str | None = None) -> list[int]:
    """One slot; None where it is not known or not done."""
    given = (kind_of(prop), prop, colour, texture, size, action)
    return [NOTHING if name is None else NUMBERS[k][name] for k, name in enumerate(given)]


Claim = tuple[int, int, int, int, int, int]
FREE: Claim = (ANY,) * 6


@dataclass(frozen=True)
class Phrase:
    text: str
    claims: tuple[Claim, ...] = ()
    place: int = ANY
    relation: int = ANY
    side: int = ANY  # where in the picture the first thing stands, a number of RELATIONS
    parts: tuple[str, ...] = ()  # of two things, what is said of each alone; with a relation, on its side

    @property
    def alone(self) -> bool:
        """It speaks of one thing and nothing else."""
        return len(self.claims) == 1 and self.place == self.side == ANY


def truth(facts: Facts, phrases: Sequence[Phrase]) -> Array:
    """Which phrase is true of which picture. Shapes: F pictures, T phrases -> bool [F, T]"""
    claims = np.array([(*p.claims, *[FREE] * (CLAIMS - len(p.claims))) for p in phrases], np.int8)  # [T, C, 6]
    meets = _meets(facts, claims)  # [F, T, C, S]
    said = (claims != ANY).any(axis=-1)  # [T, C]
    right = (meets.any(axis=-1) | ~said).all(axis=-1)
    places = np.array([p.place for p in phrases])
    right &= (places == ANY) | (places == facts.places[:, None])
    for t, phrase in enumerate(phrases):
        if phrase.relation != ANY:
            pairs = _stand(facts.middles, phrase.relation)  # [F, S, S]
            right[:, t] &= (meets[:, t, 0, :, None] & meets[:, t, 1, None, :] & pairs).any(axis=(1, 2))
        if phrase.side != ANY:
            right[:, t] &= (meets[:, t, 0] & (_aside(facts.middles, phrase.side) > ASIDE)).any(axis=1)
    return right


def undecided(facts: Facts, phrases: Sequence[Phrase]) -> Array:
    """Which phrase names a side for a thing that stands about the middle. Shapes: -> bool [F, T]"""
    found = np.zeros((len(facts), len(phrases)), bool)
    sided = [t for t, phrase in enumerate(phrases) if phrase.side != ANY]
    meets = truth_of_things(facts, [phrases[t] for t in sided])  # [F, S, sided]
    for k, t in enumerate(sided):
        found[:, t] = (meets[..., k] & (abs(_aside(facts.middles, phrases[t].side)) <= ASIDE)).any(axis=1)
    return found


def truth_of_things(facts: Facts, phrases: Sequence[Phrase]) -> Array:
    """Of each thing, whether a phrase's first claim is true of it. Shapes: -> bool [F, SLOTS, T]"""
    claims = np.array([phrase.claims[0] if phrase.claims else FREE for phrase in phrases], np.int8).reshape(-1, 6)
    return _meets(facts, claims[:, None])[:, :, 0].transpose(0, 2, 1)


def _meets(facts: Facts, claims: Array) -> Array:
    """Shapes: claims [T, C, 6] -> which thing meets which claim, bool [F, T, C, SLOTS]"""
    meets = np.ones((len(facts), *claims.shape[:2], SLOTS), bool)
    for k in range(claims.shape[2]):  # one attribute after another: a short last axis is slow
        wanted = claims[None, :, :, None, k]  # [1, T, C, 1]
        meets &= (wanted == ANY) | (wanted == facts.things[:, None, None, :, k])
    return meets


def _stand(middles: Array, relation: int) -> Array:
    """Whether the thing in one slot stands so to the thing in another. Shapes: [F, S, 2] -> [F, S, S]"""
    far = _aside(middles, relation)
    return far[:, :, None] - far[:, None] > APART


def _aside(middles: Array, way: int) -> Array:
    """How far a thing stands from the picture's middle that way. Shapes: [F, S, 2] -> [F, S]"""
    axis, sign = ((1, 1), (1, -1), (0, -1), (0, 1))[way]
    return sign * (middles[..., axis] - 0.5)


# --- saying something --------------------------------------------------------------------------


def about(facts: Facts, row: int, dice: Random, chinese: bool) -> Phrase:
    """Something true of one picture, chosen at random: often short, at times everything."""
    return with_twin(facts, row, dice, chinese)[0]


def with_twin(
    facts: Facts, row: int, dice: Random, chinese: bool, alone: float = 0.5, captions: float = 0.0
) -> tuple[Phrase, Phrase | None]:
    """Something true of one picture, and the same words bound the other way, which mostly is not.

    `captions` is the share of phrases that say all there is to see. Of the others, below `alone` the die says that one
    thing is spoken of; up to 0.9, two.
    From: hard negatives by exchanged words (NegCLIP, arXiv 2210.01936).
    """
    things, place = facts.things[row], int(facts.places[row])
    slots = [slot for slot in range(SLOTS) if things[slot, THING] >= 0]
    all_of_it = captions > 0 and bool(slots) and dice.random() < captions
    chance = dice.random()
    if not slots or (chance < 0.08 and not all_of_it):
        return _placed(Phrase(""), place, dice, chinese), None
    many = CLAIMS if all_of_it else 1 if chance < alone else 2 if chance < 0.9 else 4
    chosen = dice.sample(slots, min(len(slots), CLAIMS, many))
    relation = _relation(facts.middles[row], chosen, dice) if len(chosen) == 2 and not all_of_it else ANY
    place = place if dice.random() < (0.8 if all_of_it else 0.5 if len(chosen) > 2 else 0.15) else ANY
    if len(chosen) == 1 and not all_of_it and dice.random() < 0.25:
        return _beside(facts, row, chosen[0], place, dice, chinese)
    state = dice.getstate()
    plainly = all_of_it or len(chosen) > 2
    said = _said(things, chosen, relation, place, dice, chinese, plainly)
    if relation != ANY and dice.random() < 0.65:
        other, turned = things, OPPOSITE[relation]
    else:
        other, turned = _exchanged(things, chosen, [s for s in slots if s not in chosen], said.claims, dice), relation
    if other is None:
        return said, None
    after = dice.getstate()
    dice.setstate(state)  # the same words again
    twin = _said(other, chosen, turned, place, dice, chinese, plainly)
    dice.setstate(after)
    return said, twin


def _beside(facts: Facts, row: int, slot: int, place: int, dice: Random, chinese: bool) -> tuple[Phrase, Phrase | None]:
    """One thing with the part of the picture it stands in, and with the opposite part."""
    fits = [way for way in range(len(SIDES)) if _aside(facts.middles[row, slot], way) > ASIDE]
    said = _said(facts.things[row], [slot], ANY, ANY, dice, chinese, False)
    if not fits:
        return said, None
    way = dice.choice(fits)
    made = []
    for side in (way, OPPOSITE[way]):
        made.append(Phrase(_sided(said.text, side, chinese), said.claims, side=side))
    return made[0], made[1]


def _sided(text: str, side: int, chinese: bool) -> str:
    words = SIDES[side][1 if chinese else 0][0]
    return f"{words}的{text}" if chinese else f"{text} {words}"


def _said(
    things: Array, chosen: list[int], relation: int, place: int, dice: Random, chinese: bool, plainly: bool
) -> Phrase:
    """The things, and where: in many words, or plainly with all that is known of each."""
    parts = [_named(things[slot], Random(dice.getrandbits(32)), chinese, len(chosen), plainly) for slot in chosen]
    text = _listed([text for text, _ in parts], relation, dice, chinese)
    each = [text for text, _ in parts] if len(parts) == 2 and place == ANY else []
    if relation != ANY:
        each = [_sided(text, way, chinese) for text, way in zip(each, (relation, OPPOSITE[relation]), strict=False)]
    said = Phrase(text, tuple(claim for _, claim in parts), ANY, relation, parts=tuple(each))
    return said if place == ANY else _placed(said, place, dice, chinese)


def _exchanged(
    things: Array, chosen: list[int], others: list[int], claims: tuple[Claim, ...], dice: Random
) -> Array | None:
    """The things with one attribute that was said exchanged between two of them, or None where that changes nothing.

    A single thing that was named takes the attribute from another of the picture. A colour moves only to where training
    shows it: of a combination that is held out, nothing is said, not even that it is not there.
    """
    pairs = [(0, chosen[0], chosen[1])] if len(chosen) > 1 else [(0, chosen[0], slot) for slot in others]
    dice.shuffle(pairs)
    for attribute in (COLOUR, SIZE, TEXTURE):
        for claim, one, other in pairs:
            here, there = things[one], things[other]
            said = claims[claim][attribute] != ANY and (len(chosen) == 1 or claims[1][attribute] != ANY)
            if not said or min(here[attribute], there[attribute]) < 0 or here[attribute] == there[attribute]:
                continue
            if attribute == COLOUR and not (SHOWN[here[THING], there[COLOUR]] and SHOWN[there[THING], here[COLOUR]]):
                continue
            made = things.copy()
            made[one, attribute], made[other, attribute] = there[attribute], here[attribute]
            return made
    return None


def _relation(middles: Array, chosen: list[int], dice: Random) -> int:
    fits = [k for k in range(len(RELATIONS)) if _stand(middles[None], k)[0, chosen[0], chosen[1]]]
    return dice.choice(fits) if fits and dice.random() < 0.5 else ANY


def _pick(words: Sequence[str], dice: Random) -> str:
    """Mostly the plain word, at times a synonym."""
    return words[0] if dice.random() < 0.65 else dice.choice(words)


def _named(slot: Array, dice: Random, chinese: bool, among: int, plain: bool) -> tuple[str, Claim]:
    """A thing by some of its attributes, `among` so many that are named; or plainly by nearly all, as captions do."""
    likely = {COLOUR: 0.7, TEXTURE: 0.3, SIZE: 0.3, ACTION: 0.25}
    if plain:
        likely = {COLOUR: 1.0, TEXTURE: 0.9, SIZE: 0.9, ACTION: 0.0}
    elif among == 2:
        likely = {COLOUR: 0.85, TEXTURE: 0.15, SIZE: 0.15, ACTION: 0.1}
    elif dice.random() < 0.25:
        likely = {}  # the name alone
    said = {k for k, chance in likely.items() if slot[k] >= 0 and dice.random() < chance}
    chance, unsaid = dice.random(), plain or dice.random() < 0.5
    if slot[TEXTURE] == NUMBERS[TEXTURE]["plain"] and unsaid:
        said.discard(TEXTURE)
    noun = THING if plain or chance < 0.84 or not said & {COLOUR, TEXTURE, SIZE} else KIND if chance < 0.9 else None
    if noun is not None:
        said.add(noun)
    if noun == THING and not chinese and dice.random() < 0.5 and slot[SIZE] == NUMBERS[SIZE]["middle"]:
        said.discard(SIZE)  # hardly anybody says so
    words = {
        k: _pick((TABLES[k][NAMES[k][slot[k]]].zh if chinese else TABLES[k][NAMES[k][slot[k]]].en), dice) for k in said
    }
    made = tuple(int(slot[k]) if k in said else ANY for k in range(6))
    measure = THINGS[NAMES[THING][slot[THING]]].measure
    return (_chinese(words, noun, measure, slot, dice) if chinese else _english(words, noun, slot, dice)), made  # type: ignore[return-value]


def _english(words: dict[int, str], noun: int | None, slot: Array, dice: Random) -> str:
    marks = [words[k] for k in (SIZE, TEXTURE, COLOUR) if k in words]
    if noun is None and dice.random() < 0.5:
        text = "something " + " ".join(marks)
    else:
        text = " ".join([*marks, words[noun] if noun is not None else dice.choice(("thing", "one"))])
        start = dice.random()
        text = article(text) if start < 0.6 else f"the {text}" if start < 0.8 else text
    return f"{text} {_doing(words[ACTION], slot, dice, False)}" if ACTION in words else text


def _chinese(words: dict[int, str], noun: int | None, measure: str, slot: Array, dice: Random) -> str:
    text = words[noun] if noun is not None else "东西"
    colour, size = words.get(COLOUR, ""), words.get(SIZE, "")
    if size:
        text = f"{size}{text}" if size in ("小", "大") else f"{size}的{text}"
    if colour:
        text = f"{colour}的{text}" if len(colour) > 1 or dice.random() < 0.3 else f"{colour}{text}"
    if TEXTURE in words:
        text = f"带{words[TEXTURE]}的{text}" if dice.random() < 0.6 else f"{words[TEXTURE]}{text}"
    if dice.random() < 0.55:
        text = f"一{measure if noun == THING else '个'}{text}"
    return text + _doing(words[ACTION], slot, dice, True) if ACTION in words else text


def _doing(name: str, slot: Array, dice: Random, chinese: bool) -> str:
    """The action by its name, or as a whole statement has it."""
    action = ACTIONS[NAMES[ACTION][slot[ACTION]]]
    whole = dice.choice(action.zh if chinese else action.en)
    if "{other}" in whole or dice.random() < 0.5:
        return ("正在" if dice.random() < 0.2 else "") + name if chinese else name
    times = dice.randint(1, 5)  # a single picture does not show how often
    return whole.format(n=NUMBERS_ZH[times], times=TIMES_EN[times])


def _listed(parts: list[str], relation: int, dice: Random, chinese: bool) -> str:
    if relation != ANY:
        words = dice.choice(list(RELATIONS.values())[relation][1 if chinese else 0])
        return f"{parts[0]}在{parts[1]}的{words}" if chinese else f"{parts[0]} {words} {parts[1]}"
    if chinese:
        return "、".join(parts[:-1]) + ("和" if len(parts) > 1 else "") + parts[-1]
    between = dice.choice((" and ", " and ", " with ", " next to ")) if len(parts) == 2 else " and "
    return ", ".join(parts[:-1]) + (between if len(parts) > 1 else "") + parts[-1]


def _placed(said: Phrase, place: int, dice: Random, chinese: bool) -> Phrase:
    """The phrase with where it is; of an empty phrase, the place alone."""
    words = _pick((PLACES[PLACE_NAMES[place]].zh if chinese else PLACES[PLACE_NAMES[place]].en), dice)
    if not said.text:
        bare = dice.random() < 0.5
        text = (place_nouns_zh(words)[-1] if bare else words) if chinese else (bare_place(words) if bare else words)
    elif chinese:
        text = f"{words}{dice.choice(('有', '有', '的'))}{said.text}" if dice.random() < 0.8 else f"{said.text}{words}"
    else:
        text = f"{said.text} {words}" if dice.random() < 0.85 else f"{words}, {said.text}"
    return Phrase(text, said.claims, place, said.relation)


def bare_place(words: str) -> str:
    """ "on the beach" -> "beach": the way a place is searched for."""
    return re.sub(r"^(on|at|in|under|among|by) (the )?", "", words) if words != "under water" else "underwater"


def place_nouns_zh(words: str) -> list[str]:
    """在海滩上 -> 海滩上, 海滩."""
    whole = words.removeprefix("在")
    return [whole, whole[:-1]] if len(whole) > 2 and whole[-1] in "上里下边间" else [whole]


# --- the words of this world ---------------------------------------------------------------------

GRAMMAR_EN = """a an the and of with in on at to from by is are was there it its this that one ones some any near next
picture photo image drawing scene video moment something thing things someone who where when while which has have be
being shows showing show seen see look looks us me i find please s out for as into beside together one two three four
five"""
GRAMMAR_ZH = """的 了 在 有 和 与 是 着 正在 正 一 两 二 三 四 五 个 只 这 那 里 把 被 东西 旁边 附近 画面 图片 照片
视频 场景 出现 看见 看到 中 到 从 带 被 地 得 它 也 还 并 上 我 你 请 找 什么 哪里 一些 几 、"""


def lexicon() -> Lexicon:
    """All words that storybook says, and the small words around them, in a fixed order."""
    english: list[str] = []
    chinese: list[str] = []
    for table in (*TABLES, PLACES, ACTIONS):
        for word in table.values():
            english += [
                part for text in word.en for part in re.findall(r"[a-z]+(?:-[a-z]+)*", re.sub(r"{\w+}", "", text))
            ]
            chinese += [part for text in word.zh for part in re.split(r"{\w+}", text) if part]
            english += [
                part for text in word.en for whole in re.findall(r"[a-z]+-[a-z-]+", text) for part in whole.split("-")
            ]
    for words_en, words_zh in RELATIONS.values():
        english += [part for text in words_en for part in text.split()]
        chinese += words_zh
    chinese += [noun for word in PLACES.values() for text in word.zh for noun in place_nouns_zh(text)]
    chinese = [word for word in chinese if word not in {text for place in PLACES.values() for text in place.zh}]
    chinese += "沙 水 冰 跳 转 摇 晃 飞 躲 藏 掉 落 滑 走 色".split()
    english += ["underwater", *" ".join(TIMES_EN.values()).split()]
    chinese += [word.measure for word in THINGS.values()]
    grammar = [*GRAMMAR_EN.split(), *GRAMMAR_ZH.split(), *(word.measure for word in THINGS.values())]
    words = tuple(dict.fromkeys([*english, *chinese, *grammar]))
    return Lexicon(words, frozenset(words) - frozenset(grammar))
