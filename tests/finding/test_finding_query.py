"""What the words of a query mean: signs, quotes, order in time, filters, and messages that point at a column."""

import time

import pytest

from sightline.errors import BadQuery
from sightline.finding.query import LONGEST, Filters, Term, parse, seconds_of


def asked(text: str) -> list[list[str]]:
    return [[term.text for term in ask] for ask in parse(text).asks]


def test_plain_words_are_one_thing_to_look_for() -> None:
    assert parse("red kite").asks == ((Term("red kite"),),)


def test_signs_between_spaces_are_arithmetic() -> None:
    assert parse("red kite + beach - people").asks == ((Term("red kite"), Term("beach"), Term("people", -1.0)),)


def test_signs_of_a_chinese_keyboard_are_arithmetic() -> None:
    assert parse("红风筝 ＋ 沙滩 － 人").asks == ((Term("红风筝"), Term("沙滩"), Term("人", -1.0)),)


@pytest.mark.parametrize("word", ["t-shirt", "C++", "2-3", "follow-up", "a+b"])
def test_a_sign_inside_a_word_is_a_letter(word: str) -> None:
    assert parse(word).asks == ((Term(word),),)


def test_a_leading_minus_may_stand_before_what_is_wanted() -> None:
    assert parse("- people + beach").asks == ((Term("people", -1.0), Term("beach")),)


def test_a_minus_before_a_word_leaves_out_that_word_alone() -> None:
    assert parse("gift -green box").asks == ((Term("gift box"), Term("green", -1.0)),)
    assert parse('-"two dogs" kite －人').asks == (
        (Term("kite"), Term("two dogs", -1.0, ("two dogs",)), Term("人", -1.0)),
    )


@pytest.mark.parametrize("text", ["t-shirt", "outside -5 degrees", "the --help page", "a - b"])
def test_a_minus_elsewhere_leaves_out_no_single_word(text: str) -> None:
    assert all(term.text != "help page" and term.text != "5" for term in parse(text).asks[0])
    assert " ".join(term.text for term in parse(text).asks[0]) == text.replace(" - ", " ")


def test_or_asks_for_either() -> None:
    query = parse("dog OR red robot - cat")
    assert (query.order, asked("dog OR red robot - cat")) == ("either", [["dog"], ["red robot", "cat"]])
    assert asked("狗或者机器人") == [["狗"], ["机器人"]]


@pytest.mark.parametrize("text", ["dog or robot", "Portland OR", "OR", "OR *", '"dog OR robot"', "ORDER"])
def test_or_that_joins_nothing_is_a_word(text: str) -> None:
    assert parse(text).order == "" and len(parse(text).asks) == 1


def test_a_quoted_phrase_is_kept_together() -> None:
    assert parse('say "to be - or not"').asks == ((Term("say to be - or not", 1.0, ("to be - or not",)),),)


def test_chinese_quotes_are_quotes() -> None:
    assert parse("「第一次」握手").asks[0][0].phrases == ("第一次",)


def test_an_apostrophe_is_no_quote() -> None:
    assert parse("the dog's bowl").asks == ((Term("the dog's bowl"),),)


@pytest.mark.parametrize(
    ("text", "order", "sides"),
    [
        ("the dog after the kite falls", "after", [["the dog"], ["the kite falls"]]),
        ("dog before kite", "before", [["dog"], ["kite"]]),
        ("A while B", "during", [["A"], ["B"]]),
        ("talk during the rain", "during", [["talk"], ["the rain"]]),
        ("between the red sign and the blue sign", "between", [["the red sign"], ["the blue sign"]]),
        ("everything between the two signs", "between two", [["signs"]]),
        ("dog between kite and boat", "within", [["dog"], ["kite"], ["boat"]]),
        ("everything after the bell", "after", [[], ["the bell"]]),
        ("first kite", "first", [["kite"]]),
        ("the last time the dog jumps", "last", [["the dog jumps"]]),
        ("狗在风筝落下之后", "after", [["狗"], ["风筝落下"]]),
        ("在风筝落下之后的狗", "after", [["狗"], ["风筝落下"]]),
        ("狗在风筝之前", "before", [["狗"], ["风筝"]]),
        ("风筝 之前", "before", [[], ["风筝"]]),
        ("雨天以后", "after", [[], ["雨天"]]),
        ("A 和 B 之间", "between", [["A"], ["B"]]),
        ("红灯与绿灯之间的狗", "within", [["狗"], ["红灯"], ["绿灯"]]),
        ("两个标志之间", "between two", [["标志"]]),
        ("狗在下雨的时候", "during", [["狗"], ["下雨"]]),
        ("下雨的时候狗", "during", [["狗"], ["下雨"]]),
        ("第一次风筝", "first", [["风筝"]]),
        ("最后一次 出现的狗", "last", [["狗"]]),
    ],
)
def test_order_words_join_two_things(text: str, order: str, sides: list[list[str]]) -> None:
    assert (parse(text).order, asked(text)) == (order, sides)


@pytest.mark.parametrize(
    "text", ["before and after", '"the dog after the kite"', "after", "afternoon tea", "今后的计划"]
)
def test_words_that_join_nothing_stay_words(text: str) -> None:
    assert parse(text).order == ""


def test_arithmetic_works_on_both_sides_of_an_order_word() -> None:
    assert asked("dog - leash after kite + beach") == [["dog", "leash"], ["kite", "beach"]]


def test_filters_are_taken_out_of_the_words() -> None:
    query = parse('dog video:"my holiday.mp4" time:1:30-2:00 source:speech,screen tag:cat')
    assert query.asks == ((Term("dog"),),)
    assert query.filters == Filters(("my holiday.mp4",), ("speech", "screen"), ("cat",), 90.0, 120.0)


@pytest.mark.parametrize(("stated", "start", "end"), [("10-60", 10, 60), ("5-", 5, None), ("-7.5", None, 7.5)])
def test_a_stretch_may_be_open_at_one_end(stated: str, start: float | None, end: float | None) -> None:
    assert (parse(f"dog time:{stated}").filters.start, parse(f"dog time:{stated}").filters.end) == (start, end)


def test_a_link_is_no_filter() -> None:
    assert asked("http://example.org a:b") == [["http://example.org a:b"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kite +", r"^column 6: nothing follows the sign '\+'; name a thing after it"),
        ("kite + - dog", r"^column 6: nothing follows"),
        ("- people", r"^column 1: there are only things to leave out; name something to look for"),
        ('red "kite', r'^column 5: the quote " is never closed; close it with "'),
        ("-people", r"^column 1: there are only things to leave out; name something to look for"),
        (
            "dog OR kite after rain",
            r"^column 5: OR stands beside the order word 'after'; ask one thing after the other",
        ),
        (" OR ".join("abcdefghij"), r"^column 38: 10 things are joined by OR; join 8 or fewer"),
        ("dog source:smell", r"^column 12: there is no source 'smell'; choose from picture, speech, screen"),
        ("dog time:60-10", r"^column 10: the stretch '60-10' ends before it starts; write time:10-60"),
        ("dog time:noon", r"^column 10: 'noon' is no stretch of time"),
        ("video: dog", r"^column 7: video: is followed by nothing"),
        ("x" * (LONGEST + 1), rf"^column {LONGEST + 1}: the query has {LONGEST + 1} characters"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_column_and_the_cure(text: str, message: str) -> None:
    with pytest.raises(BadQuery, match=message):
        parse(text)


def test_a_column_counts_what_was_typed_before_a_filter_too() -> None:
    with pytest.raises(BadQuery, match=r"^column 16: nothing follows"):
        parse("video:abc kite +")


@pytest.mark.parametrize("text", ["", "   ", '""', "\n\t", "video:x"])
def test_a_query_without_words_asks_for_nothing(text: str) -> None:
    assert parse(text).asks == ()


@pytest.mark.parametrize(
    "text",
    [
        "a\x00b\x1b[31m'; DROP TABLE lines;--",
        '<script>alert(1)</script> NEAR(a b) "x" OR *',
        "\ud800 half a surrogate",
        "‮ right to left ‏",
        "\ue000\ue001 private",
        "%s {0} ${x} `id`",
    ],
)
def test_hostile_text_is_words(text: str) -> None:
    (terms,) = parse(text).asks
    assert terms and all(c.isprintable() or c in "\u202e\u200f" for c in terms[0].text)


@pytest.mark.parametrize(
    "piece", ["between ", "a after ", "和之间", "在", "a and ", "what ", "( ", "之", "before the ", "\ue000"]
)
def test_long_text_is_read_in_a_moment(piece: str) -> None:
    begun = time.process_time()
    parse((piece * LONGEST)[:LONGEST])
    assert time.process_time() - begun < 2.0  # a pattern that backtracks over the whole text takes hours


@pytest.mark.parametrize(("stated", "seconds"), [("90", 90.0), ("1:30", 90.0), ("1:00:00.5", 3600.5)])
def test_times_are_seconds_minutes_or_hours(stated: str, seconds: float) -> None:
    assert seconds_of(stated) == seconds


@pytest.mark.parametrize("stated", ["", "-1", "1:2:3:4", "nan", "inf", "1e9", "noon"])
def test_what_is_no_time_is_refused(stated: str) -> None:
    with pytest.raises(ValueError):
        seconds_of(stated)
