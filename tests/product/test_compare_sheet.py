"""The page of a comparison: whole, closed, escaped, and right about what it shows."""

import hashlib
import re
from base64 import b64encode
from html.parser import HTMLParser

import pytest

from sightline.compare import Agreement, Comparison, Curve, Group, Tried, Way
from sightline.exports.comparison_sheet import page
from sightline.records import Answer, Exhibit, Moment, Step

HOSTILE = '<script>alert("1")</script>&\'"\u202e'
VIDEO = '/films/<b>kite\'s & "red".mp4'
SEEN = (0.2, 3.7, 11.3)
VOID = {"meta", "img", "rect", "line", "polygon", "polyline"}


class Tags(HTMLParser):
    """Every tag with its attributes, and whether they nest."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.nests = [], [], True
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        self.nests = self.nests and bool(self.open) and self.open.pop() == tag

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def made(text=HOSTILE, language="en", question=HOSTILE, **more):
    shown = [Exhibit(k, VIDEO, 0.0, 13.0, "picture", second) for k, second in enumerate(SEEN, 1)]
    moment = Moment(VIDEO, 3.0, 5.0, 0.9, 0.7)
    trace = [Step("choose", "dpp", "", "", 1.25), Step("read", HOSTILE, "", "", 2.5)]
    answered = Tried(Way("dpp", "built-in"), Answer(text, [moment], 0.7, False, trace), shown, 64, 99, 0.5, True)
    silent = Tried(Way("mmr", "built-in"), Answer("not here; nearest: x", [moment], 0.1, True, trace), shown[:1])
    groups = [Group(text, [answered.way]), Group("not here", [silent.way])]
    fields = {
        "question": question, "language": language, "video": VIDEO, "extent": (0.2, 13.0), "frames": 3, "budget": 64,
        "truth": (3.0, 4.0), "shared": [Step("look again", "finer", "", "17 frames", 10.0)],
        "tried": [answered, silent], "refused": [(Way("dpp", HOSTILE), HOSTILE)],
        "agreement": Agreement("", 0.5, groups),
        "curves": [Curve(HOSTILE, [0.2, 5.0, 13.0], [0.1, 0.9, 0.0]), Curve("mark", [0.2, 13.0], [0.0, 0.2])],
        "pictures": {SEEN[0]: b"\xff\xd8one", SEEN[1]: b"\xff\xd8two"},
    }  # fmt: skip
    return Comparison(**{**fields, **more})


@pytest.fixture(scope="module")
def sheet():
    text = page(made())
    return text, Tags(text)


def test_tags_nest_and_texts_of_strangers_are_escaped(sheet):
    text, tags = sheet
    assert tags.nests and tags.open == [] and tags.all("script") == []
    assert HOSTILE not in text and "&lt;script&gt;" in text and "\u202e" not in text


def test_nothing_is_asked_of_the_network_and_the_style_is_the_one_allowed(sheet):
    text, tags = sheet
    assert all(link["src"].startswith("data:image/jpeg;base64,") for link in tags.all("img"))
    assert all(link["href"].startswith(("file:///", "#way-")) for link in tags.all("a"))
    style = re.search("<style>(.*?)</style>", text, re.S)[1]
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert (
        f"style-src 'sha256-{digest}'" in tags.all("meta")[1]["content"] and "style=" not in text.split("</style>")[1]
    )
    assert "url(" not in style and "@import" not in style


def test_every_way_can_be_reached_with_the_keyboard(sheet):
    _, tags = sheet
    homes = {attrs["id"] for attrs in tags.all("article") if "id" in attrs}
    assert (
        {attrs["href"][1:] for attrs in tags.all("a") if attrs["href"].startswith("#")} == homes == {"way-1", "way-2"}
    )
    assert any(attrs.get("tabindex") == "0" and attrs["aria-label"] for attrs in tags.all("div"))


def test_frames_carry_their_seconds_and_those_in_the_citation_are_marked(sheet):
    text, tags = sheet
    films = [attrs["href"].rpartition("#t=")[2] for attrs in tags.all("a") if attrs.get("class") == "film"]
    assert films == ["0.200", "3.700", "11.300", "0.200"]
    assert [attrs["class"] for attrs in tags.all("li") if attrs.get("class")] == ["seen", "cited", "seen", "seen"]


def test_a_frame_whose_picture_is_gone_keeps_its_place(sheet):
    _, tags = sheet
    assert len(tags.all("img")) == 3 and sum(attrs.get("class") == "blank" for attrs in tags.all("span")) == 1


def test_strokes_and_bars_stand_at_their_seconds(sheet):
    _, tags = sheet
    strokes = [float(attrs["x1"]) for attrs in tags.all("line")]
    assert strokes[:3] == [pytest.approx((second - 0.2) / 12.8 * 960, abs=0.06) for second in SEEN]
    (bar,) = (attrs for attrs in tags.all("rect") if attrs["class"] == "bars")  # who is silent cites nothing
    assert float(bar["x"]) == pytest.approx(2.8 / 12.8 * 960, abs=0.06)
    assert float(bar["width"]) == pytest.approx(2.0 / 12.8 * 960, abs=0.11)


def test_what_could_not_answer_and_what_was_shared_are_told(sheet):
    text, _ = sheet
    assert "No answer" in text and "No majority" in text and "in 10 ms" in text and "17 frames" in text


def test_a_chinese_question_gets_a_chinese_page():
    text = page(made("红色", "zh", "风筝是什么颜色的？"))
    assert '<html lang="zh">' in text and "每种方式看了什么" in text and "confidence" not in text.split("</style>")[1]


def test_a_library_without_pictures_has_a_page_too():
    text = page(made(curves=[], pictures={}, tried=[], agreement=Agreement("", 0.0, [])))
    assert Tags(text).nests and 'class="high"' not in text
