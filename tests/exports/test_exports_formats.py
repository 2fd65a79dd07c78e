"""Exports read back by readers of their own: subtitles, edit lists, tables, FCPXML, JSON lines; hostile names."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sightline.errors import ExportError
from sightline.exports import FORMATS, export
from sightline.exports.timecode import Rate, rate_of, timecode
from sightline.finding.results import Curve, Results
from sightline.records import Moment

HOSTILE = [
    "\"quoted\", 'twice'",
    "红色的风筝落下来了",
    "first line\nsecond line\r\n\r\n3\n00:00:00,000 --> 00:00:09,000\nforged",
    '<script>alert("x")</script>',
    "</style><img src=x onerror=alert(1)>",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2",
    "@SUM(A1)",
    "＝1",
    "12 angry |M:forged |D:99",
    "* comment",
    "a --> b & c < d > e",
    "{\\an8}up",
    "tab\there",
    "null\x00 bell\x07 esc\x1b[2J",
    "bidi \u202egnp.exe\u202c",
    "half \udce9 surrogate",
    "&lt;b&gt;",
    "]]>",
]


def moment(
    start: float, end: float, text: str = "", video: str = "/v/a.mp4", sure: float = 0.9, **sources: float
) -> Moment:
    return Moment(video, start, end, 1.0, sure, sources or {"picture": 0.3}, (start + end) / 2, text)


def results(moments: list[Moment], query: str = "red kite", rate: float = 25.0, **more) -> Results:
    facts = {m.video: {"frame_rate": rate, "duration": 7200.0, "width": 640, "height": 360} for m in moments}
    return Results(query, moments, len(moments), facts=facts, **more)


def written(name: str, given: Results, folder: Path) -> str:
    (path,) = export(name, given, folder / f"out.{name}", overwrite=True)
    return path.read_bytes().decode("utf-8")


SAID = [moment(3 + 20 * i, 5.25 + 20 * i, text, speech=2.0) for i, text in enumerate(HOSTILE)]

# --- every format ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "clips"])
def test_hostile_text_is_written_as_sound_utf8(name: str, tmp_path: Path) -> None:
    for query in HOSTILE:
        text = written(name, results(SAID, query), tmp_path)
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\u202e]", text)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "clips"])
def test_nothing_found_writes_a_file_all_the_same(name: str, tmp_path: Path) -> None:
    assert Path(tmp_path / f"out.{name}") in export(name, results([]), tmp_path / f"out.{name}")


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("clips",)])
def test_the_same_results_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    assert written(name, results(SAID), tmp_path) == written(name, results(SAID), tmp_path)


def test_no_half_written_file_is_left_behind(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot write .*: .*; choose another place"):
        export("srt", results(SAID), tmp_path / ("long" * 70))
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no export 'avi'; choose from srt, vtt"):
        export("avi", results(SAID), tmp_path / "x")


def test_several_videos_give_one_subtitle_file_each(tmp_path: Path) -> None:
    given = results([moment(1, 2, "a"), moment(5, 6, "b", "/w/a.mp4"), moment(7, 8, "c", "/v/狗.mp4")])
    names = [path.name for path in export("srt", given, tmp_path / "found.srt")]
    assert sorted(names) == ["found.a-2.srt", "found.a.srt", "found.狗.srt"]


def test_occurrences_are_exported_too(tmp_path: Path) -> None:
    given = results([moment(1, 2)], occurrences=[[moment(11, 12), moment(21, 22)]])
    assert written("srt", given, tmp_path).count("-->") == 3


# --- subtitles ------------------------------------------------------------------------------------


def strict_srt(text: str) -> list[tuple[float, float, str]]:
    """A reader of SubRip that forgives nothing."""
    cues = []
    for number, block in enumerate(text.removesuffix("\n").split("\n\n"), 1):
        index, times, *lines = block.split("\n")
        assert index == str(number) and len([line for line in lines if line]) == 1
        found = re.fullmatch(r"(\d\d+):(\d\d):(\d\d),(\d{3}) --> (\d\d+):(\d\d):(\d\d),(\d{3})", times)
        assert found, times
        n = [int(group) for group in found.groups()]
        start, end = (n[k] * 3600 + n[k + 1] * 60 + n[k + 2] + n[k + 3] / 1000 for k in (0, 4))
        assert end > start and n[1] < 60 and n[2] < 60 and n[5] < 60 and n[6] < 60
        cues.append((start, end, lines[0]))
    return cues


def test_srt_has_one_cue_for_each_moment_to_the_millisecond(tmp_path: Path) -> None:
    given = results([moment(0.0004, 1.9996, "a"), moment(3599.9999, 3725.0301, "b")])
    assert strict_srt(written("srt", given, tmp_path)) == [(0, 2, "a"), (3600, 3725.03, "b")]


def test_srt_keeps_hostile_text_inside_its_cue(tmp_path: Path) -> None:
    cues = strict_srt(written("srt", results(SAID), tmp_path))
    assert [cue[0] for cue in cues] == [m.start for m in SAID]
    assert not any(re.search(r"<[a-zA-Z/!]|-->|\{\\", cue[2]) for cue in cues)


def test_a_point_in_time_is_shown_for_a_second(tmp_path: Path) -> None:
    assert strict_srt(written("srt", results([moment(4.5, 4.5, "a")]), tmp_path)) == [(4.5, 5.5, "a")]


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_ffmpeg_reads_the_subtitles_back(name: str, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    (path,) = export(name, results(SAID, "红 kite"), tmp_path / f"x.{name}")
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        starts = [float(packet.pts * stream.time_base) for packet in container.demux(stream) if packet.pts is not None]
    assert starts == [m.start for m in SAID]


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_pysubs2_reads_the_subtitles_back(name: str, tmp_path: Path) -> None:
    pysubs2 = pytest.importorskip("pysubs2", reason="pip install pysubs2 gives a second reader")
    (path,) = export(name, results(SAID), tmp_path / f"x.{name}")
    assert [(e.start, e.end) for e in pysubs2.load(str(path))] == [(m.start * 1000, m.end * 1000) for m in SAID]


def strict_vtt(text: str) -> list[tuple[float, float, str]]:
    head, *blocks = text.removesuffix("\n").split("\n\n")
    assert head == "WEBVTT"
    cues = []
    for block in blocks:
        times, body = block.split("\n")
        found = re.fullmatch(r"(\d\d):(\d\d):(\d\d)\.(\d{3}) --> (\d\d):(\d\d):(\d\d)\.(\d{3})", times)
        assert found and "-->" not in body and not re.search(r"[<>]|&(?!amp;|lt;|gt;)", body)
        n = [int(group) for group in found.groups()]
        start, end = (n[k] * 3600 + n[k + 1] * 60 + n[k + 2] + n[k + 3] / 1000 for k in (0, 4))
        cues.append((start, end, body.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")))
    return cues


def test_vtt_gives_the_text_back_as_it_was(tmp_path: Path) -> None:
    texts = ['<script>alert("x")</script>', "a < b & c > d", "&lt;b&gt;", "红色的风筝"]
    given = results([moment(i, i + 0.5, text) for i, text in enumerate(texts)])
    assert [cue[2] for cue in strict_vtt(written("vtt", given, tmp_path))] == texts


def test_vtt_keeps_hostile_text_inside_its_cue(tmp_path: Path) -> None:
    assert len(strict_vtt(written("vtt", results(SAID), tmp_path))) == len(SAID)


def test_chapters_do_not_overlap(tmp_path: Path) -> None:
    given = results([moment(0, 30, "a"), moment(10, 20, "b"), moment(40, 50, "c"), moment(10, 15, "same start")])
    cues = strict_vtt(written("chapters", given, tmp_path))
    assert [(start, end, text) for start, end, text in cues] == [(0, 10, "a"), (10, 15, "same start"), (40, 50, "c")]


# --- timecode -------------------------------------------------------------------------------------


def slow_drop_frame(frames: int, count: int) -> str:
    """Counts frame by frame, leaving out the numbers that drop-frame leaves out."""
    left_out = count // 15
    h = m = s = f = 0
    for _ in range(frames):
        f += 1
        if f == count:
            f, s = 0, s + 1
        if s == 60:
            s, m = 0, m + 1
            if m == 60:
                m, h = 0, h + 1
            if m % 10:
                f = left_out
    return f"{h:02d}:{m:02d}:{s:02d};{f:02d}"


@pytest.mark.parametrize("count", [30, 60])
def test_drop_frame_is_counting_and_leaving_out(count: int) -> None:
    rate = Rate(Fraction(count * 1000, 1001))
    for frame in [
        0,
        1,
        count * 60 - 1,
        count * 60,
        count * 60 + 1,
        17_981,
        17_982,
        17_983,
        35_963,
        35_964,
        107_891,
        107_892,
    ]:
        assert timecode(frame, rate) == slow_drop_frame(frame, count)


def test_a_drop_frame_timeline_from_one_hour_starts_at_one_hour() -> None:
    assert timecode(0, Rate(Fraction(30_000, 1001)), 1) == "01:00:00;00"
    assert timecode(0, Rate(Fraction(60_000, 1001)), 1) == "01:00:00;00"


@pytest.mark.parametrize(
    ("frame", "rate", "code"),
    [
        (0, 25, "01:00:00:00"),
        (24, 25, "01:00:00:24"),
        (25, 25, "01:00:01:00"),
        (90_000, 25, "02:00:00:00"),
        (59, 60, "01:00:00:59"),
    ],
)
def test_whole_rates_count_every_number(frame: int, rate: int, code: str) -> None:
    assert timecode(frame, Rate(Fraction(rate)), 1) == code


@pytest.mark.parametrize(
    ("stated", "exact"),
    [
        (29.97, Fraction(30_000, 1001)),
        (29.970029, Fraction(30_000, 1001)),
        (23.976, Fraction(24_000, 1001)),
        (23.98, Fraction(24_000, 1001)),
        (59.94, Fraction(60_000, 1001)),
        (24.0, Fraction(24)),
        (30.0, Fraction(30)),
        (12.5, Fraction(25, 2)),
        (0.0, Fraction(25)),
        (None, Fraction(25)),
        (90_000.0, Fraction(25)),
        (float("nan"), Fraction(25)),
    ],
)
def test_a_stated_rate_becomes_the_exact_one(stated: float | None, exact: Fraction) -> None:
    assert rate_of({"frame_rate": stated}).exact == exact


def test_frame_zero_is_the_videos_first_frame() -> None:
    rate = rate_of({"frame_rate": 25.0, "first": 0.2})
    assert (rate.frame(0.2), rate.frame(1.2), rate.frame(0.0)) == (0, 25, 0)


# --- edit lists and tables ------------------------------------------------------------------------

EVENT = re.compile(
    r"(?P<number>\d{3})  001      V     C        (?P<si>\S{11}) (?P<so>\S{11}) (?P<ri>\S{11}) (?P<ro>\S{11})\n"
    r"(?P<note>[^\n|]*)\|C:ResolveColor(?P<colour>[A-Z][a-z]+) \|M:(?P<name>[^\n|]*) \|D:(?P<length>\d+)\n"
)


def events(text: str) -> list[dict[str, str]]:
    """Reads a marker list and leaves nothing unread."""
    title, mode, blank, body = text.split("\n", 3)
    assert title.startswith("TITLE: ") and mode in ("FCM: NON-DROP FRAME", "FCM: DROP FRAME") and blank == ""
    found = [match.groupdict() for match in EVENT.finditer(body)]
    assert EVENT.sub("", body).strip() == ""
    return found


def test_an_edit_list_has_one_frame_events_from_one_hour(tmp_path: Path) -> None:
    (event,) = events(written("edl", results([moment(18.24, 21.24, "look", speech=2.0)]), tmp_path))
    assert (event["si"], event["so"]) == (event["ri"], event["ro"]) == ("01:00:18:06", "01:00:18:07")
    assert (event["number"], event["length"], event["name"], event["colour"]) == ("001", "75", "red kite", "Green")
    assert event["note"] == "confidence 0.90 / look "


def test_drop_frame_is_told_in_the_head_and_in_the_codes(tmp_path: Path) -> None:
    text = written("edl", results([moment(60.06, 61)], rate=29.97), tmp_path)
    assert "FCM: DROP FRAME" in text and events(text)[0]["si"] == "01:01:00;02"


def test_hostile_text_adds_no_event_and_no_field(tmp_path: Path) -> None:
    for query in HOSTILE:
        found = events(written("edl", results(SAID, query), tmp_path))
        assert len(found) == len(SAID)
        assert not any(re.match(r"[\d*]", field) for event in found for field in (event["note"], event["name"]))


def test_moments_of_one_frame_are_one_marker(tmp_path: Path) -> None:
    given = results([moment(1.0, 2.0, "a"), moment(1.01, 4.0, "b"), moment(1.04, 2.0, "c")])
    found = events(written("edl", given, tmp_path))
    assert [(event["si"], event["length"]) for event in found] == [("01:00:01:00", "75"), ("01:00:01:01", "24")]
    assert "a / b" in found[0]["note"]


def test_a_marker_is_never_shorter_than_a_frame(tmp_path: Path) -> None:
    assert events(written("edl", results([moment(5, 5)]), tmp_path))[0]["length"] == "1"


def test_more_events_than_the_format_holds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="holds 999 events, there are 1000"):
        export("edl", results([moment(i, i + 0.5) for i in range(1000)]), tmp_path / "x.edl")


def table(text: str, separator: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))


def test_the_resolve_table_has_its_columns(tmp_path: Path) -> None:
    head, row = table(written("csv", results([moment(18.24, 21.24, "look")]), tmp_path), ",")
    assert head == ["No.", "Name", "Start", "End", "Duration", "Color", "Notes"]
    assert row[:6] == ["1", "red kite", "01:00:18:06", "01:00:21:06", "00:00:03:00", "Blue"]


def test_the_premiere_table_is_tab_separated_from_zero(tmp_path: Path) -> None:
    head, row = table(written("premiere", results([moment(18.24, 21.24, "look")]), tmp_path), "\t")
    assert head == ["Marker Name", "Description", "In", "Out", "Duration", "Marker Type"]
    assert row[2:] == ["00:00:18:06", "00:00:21:06", "00:00:03:00", "Comment"]


def test_the_premiere_table_writes_drop_frame_with_semicolons(tmp_path: Path) -> None:
    row = table(written("premiere", results([moment(60.06, 61)], rate=29.97), tmp_path), "\t")[1]
    assert row[2] == "00;01;00;02"


@pytest.mark.parametrize(("name", "separator"), [("csv", ","), ("premiere", "\t")])
def test_no_cell_is_a_formula_and_no_text_breaks_its_row(name: str, separator: str, tmp_path: Path) -> None:
    for query in HOSTILE:
        rows = table(written(name, results(SAID, query), tmp_path), separator)
        assert {len(row) for row in rows} == {len(rows[0])} and len(rows) == len(SAID) + 1
        assert not any(cell.lstrip()[:1] in tuple("=+-@＝＋－＠") for row in rows for cell in row if cell)


# --- FCPXML ---------------------------------------------------------------------------------------


def test_fcpxml_has_a_project_for_each_video_with_its_markers(tmp_path: Path) -> None:
    given = results([moment(1, 2, "a"), moment(3, 4, "b", "/v/狗 & cat.mp4")], rate=29.97)
    root = ET.fromstring(written("fcpxml", given, tmp_path))
    assert (root.tag, root.get("version")) == ("fcpxml", "1.9")
    assert [child.tag for child in root] == ["resources", "library"]
    assert [p.get("name") for p in root.iterfind("library/event/project")] == ["a.mp4", "狗 & cat.mp4"]
    assert len(root.findall(".//spine/asset-clip/marker")) == 2
    assert [rep.get("src") for rep in root.iterfind(".//media-rep")][1] == "file:///v/%E7%8B%97%20%26%20cat.mp4"


def test_every_fcpxml_time_is_a_whole_number_of_frames(tmp_path: Path) -> None:
    root = ET.fromstring(written("fcpxml", results([moment(1.2345, 7.891)], rate=29.97), tmp_path))
    frame = Fraction(root.find(".//format").get("frameDuration").removesuffix("s"))
    assert frame == Fraction(1001, 30_000)
    times = [v for e in root.iter() for k, v in e.attrib.items() if k in ("start", "duration", "offset", "tcStart")]
    assert len(times) > 6 and all((Fraction(t.removesuffix("s")) / frame).denominator == 1 for t in times)


def test_every_fcpxml_reference_leads_somewhere(tmp_path: Path) -> None:
    given = results([moment(1, 2), moment(3, 4, video="/v/b.mp4")])
    root = ET.fromstring(written("fcpxml", given, tmp_path))
    known = {e.get("id") for e in root.find("resources")}
    assert {e.get(key) for e in root.iter() for key in ("ref", "format") if e.get(key)} <= known


def test_markers_lie_inside_their_clip(tmp_path: Path) -> None:
    root = ET.fromstring(written("fcpxml", results([moment(7199, 7300)]), tmp_path))
    clip, marker = root.find(".//asset-clip"), root.find(".//marker")
    start, length, whole = (
        Fraction(t.removesuffix("s")) for t in (marker.get("start"), marker.get("duration"), clip.get("duration"))
    )
    assert start + length <= whole


def test_hostile_text_is_one_attribute_in_fcpxml(tmp_path: Path) -> None:
    for query in HOSTILE:
        root = ET.fromstring(written("fcpxml", results(SAID, query), tmp_path))
        assert len(root.findall(".//marker")) == len(SAID) and root.find(".//script") is None


# --- JSON lines -----------------------------------------------------------------------------------


def test_json_lines_give_everything_back(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in written("jsonl", results(SAID, "红 kite"), tmp_path).splitlines()]
    assert [(row["start"], row["text"], row["sources"], row["query"]) for row in rows] == [
        (m.start, m.text, m.sources, "红 kite") for m in SAID
    ]


def test_chinese_stays_readable_in_json_lines(tmp_path: Path) -> None:
    assert "风筝" in written("jsonl", results([moment(1, 2, "风筝")]), tmp_path)


# --- contact sheet --------------------------------------------------------------------------------


class Page(HTMLParser):
    """Everything in a page that could act or reach out."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


JPEG = b"\xff\xd8\xff\xe0 not really"


def sheet(given: Results, folder: Path) -> Page:
    return Page(written("sheet", given, folder))


def with_all(query: str = "red kite") -> Results:
    several = len(SAID)
    curve = Curve([float(i) for i in range(500)], [0.2 + 0.001 * (i % 97) for i in range(500)])
    return results(SAID, query, curves=[curve] * several, thumbnails=[JPEG] * several, occurrences=[[]] * several)


def test_the_sheet_has_a_card_for_each_moment(tmp_path: Path) -> None:
    page = sheet(with_all(), tmp_path)
    assert len([a for a in page.all("li") if a.get("class") == "card"]) == len(SAID)
    assert len(page.all("img")) == len(page.all("figure")) == len(SAID)


def test_the_sheet_runs_nothing_and_asks_the_network_for_nothing(tmp_path: Path) -> None:
    for query in HOSTILE:
        page = sheet(with_all(query), tmp_path)
        assert not {tag for tag, _ in page.tags} & {"script", "iframe", "object", "embed", "link", "base", "form"}
        assert not [key for _, attrs in page.tags for key in attrs if key.startswith("on") or key == "style"]
        assert all(attrs["src"].startswith("data:image/jpeg;base64,") for attrs in page.all("img"))
        assert all(attrs["href"].startswith("file:///v/a.mp4#t=") for attrs in page.all("a"))


def test_the_sheets_policy_allows_its_own_style_and_pictures_only(tmp_path: Path) -> None:
    import hashlib
    from base64 import b64encode

    text = written("sheet", with_all(), tmp_path)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(a["content"] for a in Page(text).all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith(f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'")
    assert "unsafe" not in policy and "url(" not in style and "@import" not in style


def test_hostile_text_is_shown_as_text(tmp_path: Path) -> None:
    page = sheet(with_all('<script>alert("x")</script>'), tmp_path)
    assert '<script>alert("x")</script>' in page.text and "</style><img src=x onerror=alert(1)>" in page.text


def test_the_sheet_speaks_chinese_to_a_chinese_query(tmp_path: Path) -> None:
    page = sheet(results([moment(1, 2, "风筝")], "红色的风筝"), tmp_path)
    assert page.all("html")[0]["lang"] == "zh" and "置信度" in page.text


def test_a_curve_keeps_its_peak_when_it_is_thinned(tmp_path: Path) -> None:
    scores = [0.1] * 5_000
    scores[3_333] = 0.9
    given = results([moment(3333, 3334)], curves=[Curve([float(i) for i in range(5_000)], scores)])
    (line,) = sheet(given, tmp_path).all("polyline")
    points = [tuple(map(float, point.split(","))) for point in line["points"].split()]
    assert len(points) <= 240 and min(y for _, y in points) == pytest.approx(3.0)


@pytest.mark.parametrize("curve", [Curve(), Curve([1.0], [0.3]), Curve([1.0, 1.0], [0.3, 0.3])])
def test_a_video_without_a_curve_has_no_drawing(curve: Curve, tmp_path: Path) -> None:
    assert sheet(results([moment(1, 2)], curves=[curve]), tmp_path).all("figure") == []


def test_no_match_shows_the_reason_and_the_nearest_thing(tmp_path: Path) -> None:
    given = Results("zeppelin", [], no_match=True, reason="too far <b>away</b>", nearest=moment(61, 62, sure=0.21))
    page = sheet(given, tmp_path)
    assert "too far <b>away</b>" in page.text and "01:01.000" in page.text and "0.21" in page.text
