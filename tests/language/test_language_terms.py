"""Terms, tried against a real FTS5 table."""

import random
import sqlite3
import sys

import pytest

from sightline.language.folding import fold, simplified_forms
from sightline.language.stems import stem
from sightline.language.terms import LONGEST_TERM, MOST_QUERY_TERMS, fts_query, phrases, query_terms, terms

TWO_CHARACTER_WORDS = (
    "冰箱 电脑 汽车 学校 医院 天空 海洋 森林 老师 学生 朋友 孩子 妈妈 爸爸 音乐 电影 桌子 椅子 窗户 门口 "
    "手机 鞋子 帽子 衣服 苹果 香蕉 米饭 面条 牛奶 咖啡 飞机 火车 地铁 公园 河流 高山 太阳 月亮 星星 春天 "
    "夏天 秋天 冬天 早晨 晚上 城市 农村 工厂 商店 银行 警察 医生 厨师 司机 画家 篮球 足球 跑步 游泳 跳舞"
).split()


class Table:
    """The full-text table as the library makes it."""

    def __init__(self, *texts: str) -> None:
        self.base = sqlite3.connect(":memory:")
        self.base.execute("CREATE VIRTUAL TABLE t USING fts5(x, tokenize='unicode61 remove_diacritics 0')")
        self.base.executemany("INSERT INTO t(rowid, x) VALUES (?, ?)", enumerate(" ".join(terms(x)) for x in texts))

    def find(self, query: str) -> list[int]:
        rows = self.base.execute("SELECT rowid FROM t WHERE t MATCH ? ORDER BY rank", (fts_query(query),))
        return [row for (row,) in rows]

    def tokens(self) -> list[list[str]]:
        self.base.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, instance)")
        found: dict[int, list[str]] = {}
        for term, row in self.base.execute("SELECT term, doc FROM v ORDER BY doc, offset"):
            found.setdefault(row, []).append(term)
        return [found[row] for row in sorted(found)]


@pytest.mark.parametrize("word", TWO_CHARACTER_WORDS)
def test_a_two_character_word_is_found_in_a_sentence_around_it(word: str) -> None:
    others = [f"今天{other}旁边很安静" for other in TWO_CHARACTER_WORDS if other != word]
    assert Table(*others, f"他昨天看见那{word}就笑").find(word) == [len(others)]


def test_two_characters_that_stand_apart_are_not_found_as_a_word() -> None:
    assert Table("冰冷的水在箱子里", "箱冰").find("冰箱") == []


def test_a_word_of_one_character_is_found() -> None:
    assert Table("一只小猫睡着", "一只小狗睡着").find("猫") == [0]


@pytest.mark.parametrize(
    ("query", "text"), [("dog", "Two dogs."), ("dogs", "a DOG"), ("running", "They run"), ("runs", "running!")]
)
def test_english_forms_of_a_word_find_each_other(query: str, text: str) -> None:
    assert Table("a cat", text).find(query) == [1]


@pytest.mark.parametrize(
    ("query", "text"), [("開門", "请开门"), ("开门", "請開門"), ("電腦", "新电脑"), ("电脑", "新電腦")]
)
def test_traditional_and_simplified_find_each_other(query: str, text: str) -> None:
    assert Table("关窗", text).find(query) == [1]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("ＧＰＵ", "a gpu"),
        ("gpu", "ＧＰＵ加速"),
        ("cafe", "Café"),
        ("Müller", "MULLER"),
        ("strasse", "Straße"),
        ("カナ", "ｶﾅ"),
        ("naïve", "nai\u0308ve"),
        ("zürich", "Zu\u200brich"),
    ],
)
def test_width_case_accents_and_invisible_characters_make_no_difference(query: str, text: str) -> None:
    assert Table("other", text).find(query) == [1]


def test_scripts_in_one_word_are_taken_apart() -> None:
    assert terms("GPU加速") == ["gpu", "加", "速", "加速"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4K", ["4k"]),
        ("C++", ["cplusplus"]),
        ("C", ["c"]),
        ("C#", ["csharp"]),
        ("1,000", ["1000"]),
        ("3.5", ["3point5"]),
        ("don't", ["dont"]),
        ("don’t", ["dont"]),
        ("the dog's", ["the", "dog"]),
        ("l'eau", ["eau"]),
        ("a_b", ["a", "b"]),
        ("…!", []),
        ("", []),
    ],
)
def test_numbers_names_and_apostrophes_have_one_spelling(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_sqlite_reads_back_every_letter_of_unicode_as_the_term_it_is_in() -> None:
    """One row per letter or sign that Python knows: a term of two letters around it, as folding leaves it."""
    step = 7  # every seventh code point, and all of the scripts with signs on their letters
    codes = [*range(0x0900, 0x1D00), *range(0x1D00, sys.maxunicode + 1, step)]
    texts = [f"x{chr(code)}y" for code in codes if not 0xD800 <= code < 0xE000]
    texts = [text for text in texts if terms(text)]
    for text, tokens in zip(texts, Table(*texts).tokens(), strict=True):
        assert tokens == terms(text), f"U+{ord(text[1]):04X}"


@pytest.mark.parametrize(
    "text", ["हिन्दी में फ़िल्म", "ภาษาไทยน้ำ", "မြန်မာ", "ខ្មែរ", "العَرَبِيَّة", "תַּנַ״ךְ", "தமிழ்", "한국어 사과"]
)
def test_signs_on_letters_do_not_break_a_term_in_sqlite(text: str) -> None:
    assert Table(text).tokens() == [terms(text)]


def test_a_hindi_word_is_not_found_by_another_with_the_same_consonants() -> None:
    assert Table("दिन", "दान").find("दिन") == [0]


def test_words_of_grammar_are_left_out_of_a_query() -> None:
    assert query_terms("the man opens the fridge") == ["man", "open", "fridg"]
    assert query_terms("打开冰箱的男人") == ["打开", "开冰", "冰箱", "男人"]


def test_words_of_grammar_stay_when_there_is_nothing_else() -> None:
    assert query_terms("the") == ["the"]
    assert query_terms("我们的") == ["我们", "们的"]


def test_words_of_one_character_between_function_words_are_looked_for() -> None:
    assert query_terms("一只猫在跑") == ["猫", "跑"]


def test_a_word_that_contains_a_function_word_stays_whole() -> None:
    assert "和平" in query_terms("世界和平")


def test_repeated_terms_are_looked_for_once_and_in_order() -> None:
    assert query_terms("red dog, red dogs, cat") == ["red", "dog", "cat"]


@pytest.mark.parametrize("quoted", ['"red car"', "“red cars”", "«red car»", "「red car」", "＂red car＂"])
def test_a_quotation_must_stand_as_quoted(quoted: str) -> None:
    assert phrases(f"find {quoted}") == [["red", "car"]]
    assert Table("a red bus, a car", "the red car", "car red").find(quoted) == [1]


def test_a_quotation_of_two_scripts_asks_for_both() -> None:
    assert phrases("“GPU加速训练”") == [["gpu"], ["加速", "速训", "训练"]]
    assert Table("gpu", "加速训练", "用GPU加速训练").find("“GPU加速训练”") == [2]


def test_words_outside_the_quotation_only_rank() -> None:
    assert Table("red car", "red car at night", "night").find('"red car" night') == [1, 0]


def test_a_longer_chinese_word_ranks_where_it_stands_whole() -> None:
    assert Table("大学在北京", "京大和北京与大学", "我爱北京大学").find("北京大学")[0] == 2


HOSTILE = [
    '"',
    '""',
    '"""',
    "'",
    "' OR 1=1 --",
    '" OR "a',
    "a AND",
    "NOT",
    "NEAR(a b, 2)",
    "x:y",
    "{x} : a",
    "a*",
    "^a",
    "-a",
    "(a",
    "a)",
    "a + b",
    "\0",
    "a\0b",
    '"\0"',
    "\\",
    "%_",
    ";DROP TABLE t;",
    "x" * 10_000,
    "冰" * 10_000,
    '"' * 10_000,
    "a " * 5_000,
    "".join(map(chr, range(0x20, 0x2400))),
    "\udcff".encode("utf-8", "replace").decode(),
    "“" * 999 + "”" * 999,
]


@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_query_is_only_words(query: str) -> None:
    table = Table("nothing of the sort")
    assert table.find(query) in ([], [0])
    assert table.find(query + " sort") == [0] or phrases(query + " sort")
    assert len(query_terms(query)) <= MOST_QUERY_TERMS


def test_random_text_never_breaks_the_match_expression() -> None:
    dice = random.Random(7)
    table = Table("冰箱 red car")
    for _ in range(500):
        alphabet = "\"“”「」'*():^{}+-\0 abAND OR NOT冰箱的開,.#\u0301\u202e\U000f0301"
        table.find("".join(dice.choices(alphabet, k=dice.randrange(40))))


def test_an_empty_query_matches_nothing() -> None:
    assert Table("a", "").find("") == Table("a").find("?!") == []


def test_a_term_has_a_greatest_length() -> None:
    assert max(map(len, terms("q" * 9_999 + " short"))) == LONGEST_TERM


def test_every_simplified_form_is_final() -> None:
    forms = simplified_forms()
    assert len(forms) > 4000
    assert [c for c in forms.values() if fold(c) != c] == []


def test_folding_twice_changes_nothing_more() -> None:
    characters = [chr(code) for code in range(0x20, 0x30000, 5) if not 0xD800 <= code < 0xE000]
    assert [c for c in characters if fold(fold(c)) != fold(c)] == []


@pytest.mark.parametrize(
    "forms",
    """
    dog dogs|city cities|box boxes|house houses|nose noses|dance dances danced dancing|hope hopes hoped hoping
    hop hops hopped hopping|use uses used using|add adds added adding|fall falls falling
    travel travelled traveled travelling|fly flies flying|try tries tried trying|movie movies|potato potatoes
    change changing changed|sky skies|ski skis skiing|watch watches watching|create creating created
    table tables|open opens opened opening|agree agreed|bus buses|die died dying|make makes making|woman women
    child children|knife knives|lens lenses|see sees seeing|go goes going|shoe shoes
    """.strip()
    .replace("\n", "|")
    .split("|"),
)
def test_forms_of_one_word_have_one_stem(forms: str) -> None:
    assert len({stem(word) for word in forms.split()}) == 1


@pytest.mark.parametrize(
    "pair",
    [
        "hop hope",
        "new news",
        "even evening",
        "sky ski",
        "car care",
        "star stare",
        "bar bare",
        "thin thing",
        "bus bu",
        "king k",
    ],
)
def test_words_that_only_look_related_keep_apart(pair: str) -> None:
    one, other = pair.split()
    assert stem(one) != stem(other)
