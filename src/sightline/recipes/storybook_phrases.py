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
APART = 0.2


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


def thing_facts(prop: str, colour: str, texture: str, size: str, action: str | None = None) -> list[int]:
    """One slot."""
    given = (kind_of(prop), prop, colour, texture, size)
    return [*(NUMBERS[k][name] for k, name in enumerate(given)), NUMBERS[ACTION][action] if action else NOTHING]


Claim = tuple[int, int, int, int, int, int]
FREE: Claim = (ANY,) * 6


@dataclass(frozen=True)
class Phrase:
    text: str
    claims: tuple[Claim, ...] = ()
    place: int = ANY
    relation: int = ANY

    @property
    def alone(self) -> bool:
        """It speaks of one thing and nothing else."""
        return len(self.claims) == 1 and self.place == ANY


def truth(facts: Facts, phrases: Sequence[Phrase]) -> Array:
    """Which phrase is true of which picture. Shapes: F pictures, T phrases -> bool [F, T]"""
    claims = np.array([(*p.claims, *[FREE] * (CLAIMS - len(p.claims))) for p in phrases], np.int8)  # [T, C, 6]
    meets = _meets(facts, claims)  # [F, T, C, S]
    said = (claims != ANY).any(axis=-1)  # [T, C]
    right = (meets.any(axis=-1) | ~said).all(axis=-1)
    places = np.array([p.place for p in phrases])
    right &= (places == ANY) | (places == facts.places[:, None])
    for t, phrase in enumerate(phrases):
        if phrase.relation == ANY:
            continue
        pairs = _stand(facts.middles, phrase.relation)  # [F, S, S]
        right[:, t] &= (meets[:, t, 0, :, None] & meets[:, t, 1, None, :] & pairs).any(axis=(1, 2))
    return right


def truth_of_things(facts: Facts, phrases: Sequence[Phrase]) -> Array:
    """Of each thing, whether a phrase's first claim is true of it. Shapes: -> bool [F, SLOTS, T]"""
    claims = np.array([phrase.claims[0] if phrase.claims else FREE for phrase in phrases], np.int8)
    return _meets(facts, claims[:, None])[:, :, 0].transpose(0, 2, 1)


def _meets(facts: Facts, claims: Array) -> Array:
    """Shapes: claims [T, C, 6] -> which thing meets which claim, bool [F, T, C, SLOTS]"""
    wanted = claims[None, :, :, None]  # [1, T, C, 1, 6]
    return ((wanted == ANY) | (wanted == facts.things[:, None, None])).all(axis=-1)


def _stand(middles: Array, relation: int) -> Array:
    """Whether the thing in one slot stands so to the thing in another. Shapes: [F, S, 2] -> [F, S, S]"""
    step = middles[:, :, None] - middles[:, None]  # one less the other
    axis, sign = ((1, 1), (1, -1), (0, -1), (0, 1))[relation]
    return sign * step[..., axis] > APART


# --- saying something --------------------------------------------------------------------------


def about(facts: Facts, row: int, dice: Random, chinese: bool) -> Phrase:
    """Something true of one picture, chosen at random: often short, at times everything."""
    things = [slot for slot in range(SLOTS) if facts.things[row, slot, THING] >= 0]
    place = int(facts.places[row])
    chance = dice.random()
    if chance < 0.04 or not things:
        return _placed(Phrase(""), place, dice, chinese)
    count = min(len(things), CLAIMS, 1 if chance < 0.72 else 2 if chance < 0.9 else 4)
    chosen = dice.sample(things, count)
    parts = [_named(facts.things[row, slot], dice, chinese, plain=count > 2) for slot in chosen]
    relation = _relation(facts.middles[row], chosen, dice) if count == 2 else ANY
    said = Phrase(
        _listed([text for text, _ in parts], relation, dice, chinese), tuple(c for _, c in parts), ANY, relation
    )
    return _placed(said, place, dice, chinese) if dice.random() < (0.5 if count > 2 else 0.12) else said


def _relation(middles: Array, chosen: list[int], dice: Random) -> int:
    fits = [k for k in range(len(RELATIONS)) if _stand(middles[None], k)[0, chosen[0], chosen[1]]]
    return dice.choice(fits) if fits and dice.random() < 0.4 else ANY


def _pick(words: Sequence[str], dice: Random) -> str:
    """Mostly the plain word, at times a synonym."""
    return words[0] if dice.random() < 0.65 else dice.choice(words)


def _named(slot: Array, dice: Random, chinese: bool, plain: bool) -> tuple[str, Claim]:
    """A thing by some of its attributes; in a list of many, as captions say it."""
    likely = {COLOUR: 0.75, TEXTURE: 0.3, SIZE: 0.3, ACTION: 0.35}
    if plain:
        likely = {COLOUR: 1.0, TEXTURE: 0.9, SIZE: 0.9, ACTION: 0.0}
    said = {k for k, chance in likely.items() if slot[k] >= 0 and dice.random() < chance}
    if NAMES[TEXTURE][slot[TEXTURE]] == "plain":
        said.discard(TEXTURE)
    chance = dice.random()
    noun = THING if plain or chance < 0.9 or not said & {COLOUR, TEXTURE} else KIND if chance < 0.95 else None
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
