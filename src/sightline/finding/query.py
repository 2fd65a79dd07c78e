"""Reads what was asked: words, arithmetic of words, order in time, and filters.

    red kite + beach - people              arithmetic: an operator stands between spaces, so t-shirt is one word
    kite -beach -"two dogs"                a minus before a word leaves out that word alone
    dog OR robot, 狗或者机器人             either; beside no order word
    "to be or not to be"                   a quoted phrase; inside quotes nothing is an operator
    the dog after the kite falls           also before, while, during; 狗在风筝落下之后, 风筝之前, 下雨的时候
    everything between the two signs       also between A and B, X between A and B; A 和 B 之间
    first kite, last kite                  第一次…, 最后一次…
    video:holiday tag:cat source:speech time:1:30-2:00

Operators are looked for in a masked copy of the text that has the same length (what is quoted is filled up, filters are
blanked), so a column in a message is always a column of what was typed. Every pattern here is linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import NoReturn

from sightline.errors import BadQuery

LONGEST = 4_000  # characters; a longer text is a document, not a query
SOURCES = ("picture", "speech", "screen")
MOST_EITHER = 8  # things joined by OR: each is a search of its own
FILLED = "\ue000"  # stands in the masked copy for every character inside quotes
QUOTES = {'"': '"', "“": "”", "「": "」", "『": "』"}
SIGNS = {"+": 1.0, "＋": 1.0, "-": -1.0, "－": -1.0, "−": -1.0}


@dataclass(frozen=True)
class Term:
    """One thing to look for (weight 1) or to stay away from (weight -1)."""

    text: str
    weight: float = 1.0
    phrases: tuple[str, ...] = ()  # the parts of `text` that were quoted: these words stand together


@dataclass(frozen=True)
class Filters:
    videos: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True)
class Query:
    """`order` joins the things asked for: '' (one), 'either' (two or more), 'first'/'last' (one), 'after' 'before'
    'during' (A, B), 'between' (A, B), 'between two' (A twice), 'within' (X between A and B). In 'after' and 'before' A
    may be empty: then everything after (before) B is asked for."""

    text: str
    asks: tuple[tuple[Term, ...], ...] = ()
    order: str = ""
    filters: Filters = field(default_factory=Filters)


def parse(text: str) -> Query:
    """The query that `text` spells; BadQuery with the column and the cure where it spells none."""
    clean = _plain(text)
    masked, filters = _take_filters(clean, _mask_quotes(clean))
    order, spans = _find_either(masked) or _find_order(masked)
    asks = tuple(_arithmetic(clean, masked, *span) for span in spans)
    return Query(clean.strip(), asks if any(asks) else (), order if any(asks) else "", filters)


def seconds_of(stated: str) -> float:
    """`90`, `1:30` and `0:01:30.5` in seconds; ValueError otherwise."""
    total = 0.0
    parts = stated.split(":")
    if len(parts) > 3 or not all(re.fullmatch(r"\d{1,6}(\.\d{1,9})?", part) for part in parts):
        raise ValueError(stated)
    for part in parts:
        total = total * 60 + float(part)
    return total


def _fail(column: int, found: str, cure: str) -> NoReturn:
    raise BadQuery(f"column {column + 1}: {found}; {cure}")


# --- the text, and its masked copy ----------------------------------------------------------------


def _plain(text: str) -> str:
    """Control characters, line ends and half surrogates become spaces, one for one."""
    if len(text) > LONGEST:
        _fail(LONGEST, f"the query has {len(text)} characters", f"ask in {LONGEST} or fewer")
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Co", "Zl", "Zp", "Zs") else c for c in text)


def _mask_quotes(text: str) -> str:
    out, at = [], 0
    while at < len(text):
        closing = QUOTES.get(text[at])
        if closing is None:
            out.append(text[at])
            at += 1
            continue
        end = text.find(closing, at + 1)
        if end < 0:
            _fail(at, f"the quote {text[at]} is never closed", f"close it with {closing} or leave it out")
        out.append(FILLED * (end + 1 - at))
        at = end + 1
    return "".join(out)


def _take_filters(text: str, masked: str) -> tuple[str, Filters]:
    """Reads `video: source: tag: time:` and blanks them. Other words with a colon (links, times) stay words."""
    videos, sources, tags = [], [], []
    start = end = None
    for found in re.finditer(r"(?<!\S)(video|source|tag|time):(\S*)", masked, re.IGNORECASE):
        name, at = found[1].lower(), found.start(2)
        value = _unquoted(text[at : found.end()])
        if not value:
            _fail(at, f"{name}: is followed by nothing", f"write {name}:{_EXAMPLES[name]} without a space")
        if name == "video":
            videos.append(value)
        elif name == "tag":
            tags.append(value)
        elif name == "source":
            sources += _sources(value, at)
        else:
            start, end = _times(value, at)
    blank = re.sub(r"(?<!\S)(video|source|tag|time):\S*", lambda m: " " * len(m[0]), masked, flags=re.IGNORECASE)
    return blank, Filters(tuple(videos), tuple(dict.fromkeys(sources)), tuple(tags), start, end)


_EXAMPLES = {"video": "holiday.mp4", "tag": "cat", "source": "speech", "time": "10-60"}


def _sources(value: str, column: int) -> list[str]:
    names = [name for name in value.lower().split(",") if name]
    for name in names:
        if name not in SOURCES:
            _fail(column, f"there is no source {name!r}", f"choose from {', '.join(SOURCES)}")
    return names


def _times(value: str, column: int) -> tuple[float | None, float | None]:
    low, dash, high = value.partition("-")
    try:
        start, end = (seconds_of(low) if low else None), (seconds_of(high) if high else None)
    except ValueError:
        dash = ""
    if not dash or (not low and not high):
        _fail(column, f"{value!r} is no stretch of time", "write time:10-60, time:1:30-2:00, time:10- or time:-60")
    if start is not None and end is not None and end <= start:
        _fail(column, f"the stretch {value!r} ends before it starts", f"write time:{high}-{low}")
    return start, end


def _unquoted(text: str) -> str:
    return " ".join("".join(" " if c in _ALL_QUOTES else c for c in text).split())


_ALL_QUOTES = set(QUOTES) | set(QUOTES.values())


# --- order in time --------------------------------------------------------------------------------

# Each pattern is tried in turn on the masked text; A, B and X name the spans. The longer forms stand first.
_EVERYTHING = r"(?:everything|anything|all|what(?:\s+(?:happens|comes|is))?)"
_ALL_OF_IT = r"(?:的?(?:一切|所有|全部|内容|部分))?\s*"
_ORDERS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (order, re.compile(pattern, re.IGNORECASE))
    for order, pattern in (
        ("between two", rf"^\s*(?:{_EVERYTHING}\s+)?between\s+(?:the\s+)?two\s+(?P<A>\S.*)$"),
        ("between", rf"^\s*(?:{_EVERYTHING}\s+)?between\s+(?P<A>\S.*?)\s+and\s+(?P<B>\S.*)$"),
        ("within", r"^(?P<X>.*?\S)\s+between\s+(?P<A>\S.*?)\s+and\s+(?P<B>\S.*)$"),
        ("after", rf"^\s*{_EVERYTHING}\s+after\s+(?P<B>\S.*)$"),
        ("before", rf"^\s*{_EVERYTHING}\s+before\s+(?P<B>\S.*)$"),
        ("after", r"^(?P<A>.*?\S)\s+after\s+(?P<B>\S.*)$"),
        ("before", r"^(?P<A>.*?\S)\s+before\s+(?P<B>\S.*)$"),
        ("during", r"^(?P<A>.*?\S)\s+(?:while|during)\s+(?P<B>\S.*)$"),
        ("between two", rf"^\s*两[个次张块座条只]?(?P<A>\S.*?)\s*之间{_ALL_OF_IT}$"),
        ("between", rf"^\s*(?:在\s*)?(?P<A>\S.*?)\s*[和与跟]\s*(?P<B>\S.*?)\s*之间{_ALL_OF_IT}$"),
        ("within", r"^\s*(?:在\s*)?(?P<A>\S.*?)\s*[和与跟]\s*(?P<B>\S.*?)\s*之间的?\s*(?P<X>\S.*)$"),
        ("after", r"^\s*(?P<A>[^在\s][^在]*?)\s*在\s*(?P<B>\S.*?)\s*(?:之后|以后)\s*$"),
        ("before", r"^\s*(?P<A>[^在\s][^在]*?)\s*在\s*(?P<B>\S.*?)\s*(?:之前|以前)\s*$"),
        ("during", r"^\s*(?P<A>[^在\s][^在]*?)\s*在\s*(?P<B>\S.*?)\s*(?:期间|的时候|时)\s*$"),
        ("after", r"^\s*(?:在\s*)?(?P<B>\S.*?)\s*(?:之后|以后)的?(?P<A>.*)$"),
        ("before", r"^\s*(?:在\s*)?(?P<B>\S.*?)\s*(?:之前|以前)的?(?P<A>.*)$"),
        ("during", r"^\s*[在当]?\s*(?P<B>\S.*?)\s*(?:期间|的时候)[，,]?的?(?P<A>.*\S.*)$"),
        ("first", r"^\s*(?:the\s+)?first\s+(?:time\s+(?:that\s+)?|appearance\s+of\s+)?(?P<A>\S.*)$"),
        ("last", r"^\s*(?:the\s+)?last\s+(?:time\s+(?:that\s+)?|appearance\s+of\s+)?(?P<A>\S.*)$"),
        ("first", r"^\s*(?:第一次|首次)\s*(?:出现)?的?(?P<A>\S.*)$"),
        ("last", r"^\s*最后一次\s*(?:出现)?的?(?P<A>\S.*)$"),
    )
)
_EMPTY_SIDES = {"", "and", "or", "the", "和", "的", "，", ","}


def _find_order(masked: str) -> tuple[str, list[tuple[int, int]]]:
    """The order word and the spans it joins (X first, then A, B); no order word: one span, the whole text."""
    for order, pattern in _ORDERS:
        found = pattern.search(masked)
        if found is None:
            continue
        spans = {name: found.span(name) for name in ("X", "A", "B") if name in pattern.groupindex}
        if order in ("after", "before"):
            spans = {"A": spans.get("A", (0, 0)), "B": spans["B"]}
        said = {name: masked[slice(*span)].strip().lower() for name, span in spans.items()}
        everything = order in ("after", "before") and not said["A"]
        if any(words in _EMPTY_SIDES for name, words in said.items() if not (everything and name == "A")):
            continue  # "before and after": nothing stands on one side, so these are plain words
        return order, list(spans.values())
    return "", [(0, len(masked))]


_OR = re.compile(r"(?<!\S)OR(?!\S)|或者")


def _find_either(masked: str) -> tuple[str, list[tuple[int, int]]] | None:
    """The spans that OR joins; None where it joins nothing, for then it is a word."""
    found = [m.span() for m in _OR.finditer(masked)]
    spans = list(zip([0, *(end for _, end in found)], [*(start for start, _ in found), len(masked)], strict=True))
    if not found or not all(re.search(rf"[^\W_]|{FILLED}", masked[start:end]) for start, end in spans):
        return None
    if len(spans) > MOST_EITHER:
        _fail(found[MOST_EITHER - 1][0], f"{len(spans)} things are joined by OR", f"join {MOST_EITHER} or fewer")
    for start, end in spans:
        if order := _find_order(masked[start:end])[0]:
            _fail(found[0][0], f"OR stands beside the order word {order!r}", "ask one thing after the other")
    return "either", spans


# --- arithmetic -----------------------------------------------------------------------------------


_LEFT_OUT = re.compile(rf"(?<!\S)[-－−](?:[^\W\d_]|{FILLED})\S*")  # a number keeps its sign


def _arithmetic(text: str, masked: str, start: int, end: int) -> tuple[Term, ...]:
    """Terms between signs that stand alone, and words with a minus before them. The first sign may be left out."""
    if not _unquoted(text[start:end]) or not masked[start:end].strip():
        return ()
    left_out = [m.span() for m in _LEFT_OUT.finditer(masked, start, end)]
    unwanted = tuple(_term(text, masked, -1.0, low + 1, high) for low, high in left_out)
    for low, high in left_out:
        masked = masked[:low] + " " * (high - low) + masked[high:]
    return (*_between_signs(text, masked, start, end), *unwanted)


def _between_signs(text: str, masked: str, start: int, end: int) -> tuple[Term, ...]:
    signs = [(m.start(), SIGNS[m[0]]) for m in re.finditer(r"(?<!\S)[+＋\-－−](?!\S)", masked[start:end])]
    if not masked[start:end].strip():
        _only_unwanted(start)
    pieces: list[tuple[float, int, int]] = []  # weight, and the span of its words
    cuts = [(-1, 1.0), *signs] if not signs or masked[start : start + signs[0][0]].strip() else signs
    for (at, weight), (until, _) in zip(cuts, [*cuts[1:], (end - start, 0.0)], strict=True):
        if not masked[start + at + 1 : start + until].strip():
            _fail(
                start + max(at, 0),
                f"nothing follows the sign {text[start + at]!r}",
                "name a thing after it, or drop it",
            )
        pieces.append((weight, start + at + 1, start + until))
    terms = tuple(_term(text, masked, weight, *span) for weight, *span in pieces)
    if all(term.weight < 0 for term in terms):
        _only_unwanted(start)
    return terms


def _only_unwanted(column: int) -> NoReturn:
    _fail(column, "there are only things to leave out", "name something to look for before the first minus")


def _term(text: str, masked: str, weight: float, start: int, end: int) -> Term:
    words = [text[i] if masked[i] == FILLED or not masked[i].isspace() else " " for i in range(start, end)]
    phrases = (
        _unquoted(text[start + m.start() : start + m.end()]) for m in re.finditer(f"{FILLED}+", masked[start:end])
    )
    return Term(_unquoted("".join(words)), weight, tuple(phrase for phrase in phrases if phrase))
