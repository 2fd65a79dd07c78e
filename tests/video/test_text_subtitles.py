"""Subtitle files of all kinds, and text tracks muxed here."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import pytest

from sightline.errors import BadTimedText, FileVanished
from sightline.records import Line
from sightline.video import subtitles
from sightline.video.subtitles import embedded, language_of, read_subtitles, read_timed_text, sidecars

CLIPS = Path(__file__).parents[2] / "../shared/data/clips"


def written(folder: Path, text: str | bytes, name: str = "a.srt") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def texts(path: Path) -> list[str]:
    return [line.text for line in read_subtitles(path)]


def spans(path: Path) -> list[tuple[float, float]]:
    return [(line.start, line.end) for line in read_subtitles(path)]


def srt(*cues: tuple[str, str, str]) -> str:
    return "\n".join(f"{n}\n{start} --> {end}\n{text}\n" for n, (start, end, text) in enumerate(cues, 1))


# --- which files belong to a video -----------------------------------------------------------


@pytest.mark.parametrize("stem", ["movie", "my.film.2024", "a [b] (c)*?", "{x}", "-rf", "电影", "Ünï"])
def test_the_files_beside_a_video_are_found_in_a_stable_order(tmp_path: Path, stem: str) -> None:
    names = [f"{stem}.srt", f"{stem}.ass", f"{stem}.EN.SRT", f"{stem}.mp4.vtt", f"{stem}.zh-Hans.vtt"]
    for name in [*names, f"{stem}.mp4", f"{stem}.txt", f"{stem}x.srt", "other.srt"]:
        written(tmp_path, "", name)
    (tmp_path / f"{stem}.de.srt").mkdir()
    found = [path.name for path in sidecars(tmp_path / f"{stem}.mp4")]
    assert sorted(found) == sorted(names) and set(found[:2]) == {names[0], names[1]}
    backwards = sorted((path.name for path in tmp_path.iterdir()), reverse=True)
    assert found == [path.name for path in sidecars(tmp_path / f"{stem}.mp4", backwards)]


def test_a_file_that_fits_a_longer_named_neighbour_is_left_to_it(tmp_path: Path) -> None:
    for name in ("movie.mp4", "movie.part2.mp4", "movie.srt", "movie.part2.srt", "movie.part2.en.srt"):
        written(tmp_path, "", name)
    assert [p.name for p in sidecars(tmp_path / "movie.mp4")] == ["movie.srt"]
    assert [p.name for p in sidecars(tmp_path / "movie.part2.mp4")] == ["movie.part2.srt", "movie.part2.en.srt"]


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("m.en.srt", "en"),
        ("m.zh-Hans.vtt", "zh-Hans"),
        ("m.ENG.forced.srt", "en"),
        ("m.chs.ass", "zh-Hans"),
        ("m.srt", ""),
        ("m.mp4.srt", ""),
        ("en.srt", ""),
        ("m.pt_BR.srt", "pt-BR"),
        ("m.The.Cat.srt", ""),
    ],
)
def test_the_language_is_what_the_file_name_says(name: str, language: str) -> None:
    assert language_of(name) == language


# --- formats ---------------------------------------------------------------------------------


def test_a_public_srt_file_is_read() -> None:
    if not CLIPS.is_dir():
        pytest.skip("the public clips are not beside the checkout")
    lines = read_subtitles(CLIPS / "subtitles.srt")
    assert [(line.start, line.end, line.text) for line in lines] == [
        (0.0, 1.0, "Red!"),
        (2.0, 3.5, "More Red!"),
        (5.0, 6.0, "Green!"),
        (7.0, 8.0, "Blue"),
        (9.0, 10.0, "More Blue!"),
    ]
    assert texts(CLIPS / "subtitles-unicode.srt") == ["ÁÉíöÙ"]


def test_a_line_carries_its_source_track_and_language(tmp_path: Path) -> None:
    path = written(tmp_path, srt(("00:00:01,000", "00:00:02,500", "Hi")), "m.en.srt")
    assert read_subtitles(path) == [Line(1.0, 2.5, "Hi", "speech", "m.en.srt", "en")]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ("00:00:01,5 --> 00:00:02.25", (1.5, 2.25)),
        ("01:02.5 --> 01:03", (62.5, 63.0)),
        ("1:00:00,001-->1:00:00,002", (3600.001, 3600.002)),
        ("100:00:00.000 --> 100:00:01.000", (360000.0, 360001.0)),
        ("00:00:05,000  -->  00:00:06,000 X1:1 Y1:2", (5.0, 6.0)),
        ("00:00:01.000 --> 00:00:02.000 align:start position:10%", (1.0, 2.0)),
        ("0:0:1 -> 0:0:2", (1.0, 2.0)),
    ],
)
def test_times_are_read_as_players_read_them(tmp_path: Path, times: str, expected: tuple[float, float]) -> None:
    assert spans(written(tmp_path, f"1\n{times}\nx\n")) == [expected]


def test_windows_and_old_mac_line_ends_are_read(tmp_path: Path) -> None:
    text = srt(("00:00:01,000", "00:00:02,000", "a\nb"), ("00:00:03,000", "00:00:04,000", "c"))
    for end in ("\r\n", "\r"):
        assert texts(written(tmp_path, text.replace("\n", end))) == ["a b", "c"]


def test_index_lines_and_blank_lines_may_be_missing(tmp_path: Path) -> None:
    text = "00:00:01,000 --> 00:00:02,000\none\n00:00:03,000 --> 00:00:04,000\ntwo\n3\n"
    text += "00:00:05,000 --> 00:00:06,000\n42\n\n"
    assert texts(written(tmp_path, text)) == ["one", "two", "42"]


def test_a_blank_row_inside_an_srt_cue_does_not_lose_the_rest(tmp_path: Path) -> None:
    assert texts(written(tmp_path, srt(("00:00:01,000", "00:00:02,000", "a\n\nb")))) == ["a b"]


def test_webvtt_comments_styles_regions_and_identifiers_are_not_text(tmp_path: Path) -> None:
    text = """\ufeffWEBVTT - title
Kind: captions

NOTE a comment
00:01.000 --> 00:02.000
still the comment

STYLE
::cue { color: red }

REGION
id:fred

intro
00:03.000 --> 00:04.500 line:0 position:20%
<v Roger Bingham>We are in <c.yellow>New York</c>

NOTE

00:05.000 --> 00:06.000
<00:05.100><i>Fish</i> &amp; chips &lt;3
"""
    path = written(tmp_path, text, "a.vtt")
    assert texts(path) == ["We are in New York", "Fish & chips <3"]
    assert spans(path) == [(3.0, 4.5), (5.0, 6.0)]


def test_ass_events_are_read_in_the_order_of_their_format_line(tmp_path: Path) -> None:
    text = """[Script Info]
Title: x
[V4+ Styles]
Format: Name, Fontname
Style: Default,Arial
[Events]
Format: Start, End, Style, Text
Comment: 0:00:00.00,0:00:01.00,Default,hidden
Dialogue: 0:00:03.00,0:00:04.50,Default,{\\pos(1,2)\\i1}Well,{\\i0} yes\\Nand\\hno
Dialogue: 0:00:01.20,0:00:02.00,Default,first
Dialogue: 0:00:05.00,0:00:06.00,Default,{\\p1}m 0 0 l 100 0 100 100
"""
    path = written(tmp_path, text, "a.ass")
    assert texts(path) == ["first", "Well, yes and no"]
    assert spans(path) == [(1.2, 2.0), (3.0, 4.5)]


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("<i>a</i> <font color='red'>b</font>", "a b"),
        ("{\\an8}a", "a"),
        ("{\\pos(3,4)}a {b}", "a {b}"),
        ("x < y and y > z", "x < y and y > z"),
        ("I <3 you", "I <3 you"),
        ("&lt;b&gt;&nbsp;&#20320;", "<b> 你"),
        ("a\u202eb\u200bc\x00d", "abcd"),
        ("a&#x202e;b&#8203;c", "abc"),
        ("  a \t b ", "a b"),
        ("<script>x</script>", "x"),
    ],
)
def test_markup_and_invisible_characters_are_not_text(tmp_path: Path, marked: str, plain: str) -> None:
    assert texts(written(tmp_path, srt(("00:00:01,000", "00:00:02,000", marked)))) == [plain]


def test_overlapping_cues_are_kept_and_sorted_by_start(tmp_path: Path) -> None:
    path = written(tmp_path, srt(("00:00:02,000", "00:00:09,000", "b"), ("00:00:01,000", "00:00:05,000", "a")))
    assert texts(path) == ["a", "b"]


def test_cues_that_end_before_they_start_are_dropped_and_counted(tmp_path: Path) -> None:
    path = written(tmp_path, srt(("00:00:02,000", "00:00:01,000", "a"), ("00:00:03,000", "00:00:03,000", "b")))
    found = read_timed_text(path)
    assert [line.text for line in found.lines] == ["b"] and found.backwards == 1


def test_rolling_captions_say_each_row_once(tmp_path: Path) -> None:
    text = """WEBVTT

00:00:00.000 --> 00:00:02.000 align:start

so<00:00:00.500><c> today</c>

00:00:02.000 --> 00:00:02.010
so today

00:00:02.010 --> 00:00:04.000
so today
we<00:00:03.000><c> cook</c>

00:00:04.000 --> 00:00:04.010
we cook

00:00:04.010 --> 00:00:06.000
we cook
noodles
"""
    text = text.replace("align:start\n\n", "align:start\n \n")  # as YouTube writes it: a row with one space
    path = written(tmp_path, text.replace("\n \n", "\n"), "a.vtt")
    assert texts(path) == ["so today", "we cook", "noodles"]
    assert spans(path) == [(0.0, 2.01), (2.01, 4.01), (4.01, 6.0)]


def test_the_same_words_said_again_later_are_two_lines(tmp_path: Path) -> None:
    assert (
        texts(written(tmp_path, srt(("00:00:01,000", "00:00:02,000", "No!"), ("00:00:03,000", "00:00:04,000", "No!"))))
        == ["No!"] * 2
    )


# --- encodings -------------------------------------------------------------------------------

CHINESE = "今天我们在厨房做饭，他打开冰箱拿出牛奶。"
TRADITIONAL = "今天我們在廚房做飯，他打開冰箱拿出牛奶。"
JAPANESE = "今日は台所で料理をします。冷蔵庫を開けて牛乳を出しました。"
KOREAN = "오늘 우리는 부엌에서 요리를 합니다. 그는 냉장고를 열고 우유를 꺼냈습니다."
RUSSIAN = "Сегодня мы готовим на кухне. Он открыл холодильник и достал молоко."
GERMAN = "Über die Straße läuft ein großer Hund – „schön“, sagte sie."
FRENCH = "Où est le garçon ? Il a mangé l'été dernier à la forêt."


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (text, encoding)
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be")
        for text in (CHINESE, GERMAN)
    ]
    + [
        (CHINESE, "gb2312"),
        (CHINESE, "gbk"),
        (CHINESE, "gb18030"),
        (TRADITIONAL, "big5"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "cp932"),
        (KOREAN, "cp949"),
        (RUSSIAN, "cp1251"),
        (GERMAN, "cp1252"),
        (FRENCH, "cp1252"),
        ("caf\u00e9", "cp1252"),
        ("你好", "gbk"),
        ("我們走吧", "big5"),
        ("ありがとう", "shift_jis"),
    ],
)
def test_the_encoding_is_recognised(tmp_path: Path, text: str, encoding: str) -> None:
    assert texts(written(tmp_path, srt(("00:00:01,000", "00:00:02,000", text)).encode(encoding))) == [text]


def test_utf8_cut_in_the_middle_of_a_character_is_still_utf8(tmp_path: Path) -> None:
    data = srt(("00:00:01,000", "00:00:02,000", CHINESE * 3)).encode()[:-2]
    assert texts(written(tmp_path, data))[0].startswith(CHINESE)


def test_bytes_that_fit_nowhere_do_not_lose_the_file(tmp_path: Path) -> None:
    data = b"1\n00:00:01,000 --> 00:00:02,000\nab \x81 \xff\x9d c\n"
    assert texts(written(tmp_path, data))[0].startswith("ab")


# --- limits and faults -----------------------------------------------------------------------


def test_a_file_that_is_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subtitles, "MOST_BYTES", 1 << 20)
    with pytest.raises(BadTimedText, match="has more than 1 MB"):
        read_subtitles(written(tmp_path, b"x" * (1 << 20) + b"y"))


def test_cues_beyond_the_limit_are_counted_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subtitles, "MOST_CUES", 3)
    path = written(tmp_path, srt(*[("00:00:01,000", "00:00:02,000", str(n) + "x") for n in range(7)]))
    found = read_timed_text(path)
    assert [line.text for line in found.lines] == ["0x", "1x", "2x"] and found.beyond == 4


def test_a_very_long_cue_is_cut(tmp_path: Path) -> None:
    found = read_timed_text(written(tmp_path, srt(("00:00:01,000", "00:00:02,000", "<b" * 9 + "好" * 1_000_000))))
    assert [len(line.text) for line in found.lines] == [subtitles.MOST_CHARACTERS] and found.cut == 1


@pytest.mark.parametrize(
    "unit", ["<", "{", "{\\p1", "\\p1", "<a", "&", "{\\", "-->", "[", "<b>", "00:", "\n\n", "&#x", "WEBVTT\n", "-"]
)
def test_a_megabyte_of_the_same_sign_is_read_in_linear_time(tmp_path: Path, unit: str) -> None:
    """A quadratic pattern would need hours here, not seconds."""
    body = unit * (1_000_000 // len(unit))
    assert texts(written(tmp_path, f"1\n00:00:01,000 --> 00:00:02,000\nstart {body}"))[0].startswith("start")
    ass = f"[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,,,,,,,start {body}"
    assert texts(written(tmp_path, ass))[0].startswith("start")


def test_the_first_wrong_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        BadTimedText, match=r"a\.srt: no cue could be read; line 2 is '00:00:01 > 00:00:02', where a time line"
    ):
        read_subtitles(written(tmp_path, "1\n00:00:01 > 00:00:02\nHello\n"))
    with pytest.raises(BadTimedText, match="line 4 is '00:00 --> never'"):
        read_subtitles(written(tmp_path, "Title\n\n1\n00:00 --> never\nHello\n"))


def test_what_can_be_read_of_a_broken_file_is_read(tmp_path: Path) -> None:
    text = "rubbish\n1\n00:00:01,000 --> later\nlost\n\n2\n00:00:03,000 --> 00:00:04,000\nkept\n"
    assert texts(written(tmp_path, text)) == ["kept"]


def test_an_empty_file_and_one_without_forward_cues_say_so(tmp_path: Path) -> None:
    with pytest.raises(BadTimedText, match="is empty"):
        read_subtitles(written(tmp_path, "\ufeff\n"))
    with pytest.raises(BadTimedText, match="each of its 1 cues ends before it starts"):
        read_subtitles(written(tmp_path, srt(("00:00:02,000", "00:00:01,000", "a"))))
    with pytest.raises(FileVanished, match="is not there"):
        read_subtitles(tmp_path / "none.srt")


def test_a_webvtt_file_without_cues_is_no_fault(tmp_path: Path) -> None:
    assert read_subtitles(written(tmp_path, "WEBVTT\n\nNOTE nothing yet\n", "a.vtt")) == []


@pytest.mark.parametrize("seed", range(40))
def test_random_bytes_give_lines_or_one_clear_error(tmp_path: Path, seed: int) -> None:
    import random

    dice = random.Random(seed)
    pieces = [
        b"00:00:01,000 --> 00:00:02,000",
        b"\n",
        b"\r\n",
        b"WEBVTT",
        b"[Events]\n",
        b"Dialogue: ",
        b",",
        b"{\\p1}",
        b"<",
        b">",
        b"&#",
        b"\xff\xfe",
        b"\x00",
        b"\xe4\xbd",
        b"9" * 30,
        b"1:",
        b"-->",
        bytes(dice.randrange(256) for _ in range(9)),
    ]
    path = written(tmp_path, b"".join(dice.choices(pieces, k=60)))
    try:
        assert all(
            line.end >= line.start and len(line.text) <= subtitles.MOST_CHARACTERS for line in read_subtitles(path)
        )
    except BadTimedText as error:
        assert "a.srt" in str(error)


# --- inside the video ------------------------------------------------------------------------


def muxed(path: Path, *tracks: tuple[str, str, list[tuple[int, int, bytes]]]) -> Path:
    """A container with nothing but text tracks: (codec, language, [(milliseconds, length, payload)])."""
    with av.open(str(path), "w") as out:
        streams = []
        for codec, language, _ in tracks:
            stream = out.add_mux_stream(codec)
            stream.time_base = Fraction(1, 1000)
            stream.metadata["language"] = language
            streams.append(stream)
        for stream, (_, _, packets) in zip(streams, tracks, strict=True):
            for start, length, payload in packets:
                packet = av.Packet(payload)
                packet.pts = packet.dts = start
                packet.duration, packet.time_base, packet.stream = length, Fraction(1, 1000), stream
                out.mux(packet)
    return path


def mov_text(text: str) -> bytes:
    return struct.pack(">H", len(text.encode())) + text.encode()


def test_the_text_track_of_an_mp4_is_read(tmp_path: Path) -> None:
    path = muxed(
        tmp_path / "a.mp4", ("mov_text", "zho", [(500, 1000, mov_text("你好")), (2000, 1500, mov_text("two\nrows"))])
    )
    assert embedded(path) == {
        "stream 0 (zho)": [
            Line(0.5, 1.5, "你好", "speech", "stream 0", "zh"),
            Line(2.0, 3.5, "two rows", "speech", "stream 0", "zh"),
        ]
    }


def test_all_text_tracks_of_a_matroska_file_are_read(tmp_path: Path) -> None:
    path = muxed(
        tmp_path / "a.mkv",
        ("subrip", "eng", [(0, 1000, b"<i>Hi</i> &amp; bye"), (1000, 1000, b"broken \xff\xfe bytes")]),
        ("ass", "jpn", [(250, 1000, b"0,0,Default,,0,0,0,,{\\an8}One, two\\Nthree")]),
        ("webvtt", "und", [(750, 1000, b"<c.red>Third</c>")]),
    )
    tracks = embedded(path)
    assert list(tracks) == ["stream 0 (eng)", "stream 1 (jpn)", "stream 2"]
    assert tracks["stream 0 (eng)"][0].text.startswith("Hi") and tracks["stream 0 (eng)"][0].language == "en"
    assert [(line.start, line.text) for line in tracks["stream 1 (jpn)"]] == [(0.25, "One, two three")]
    assert [(line.start, line.end, line.text) for line in tracks["stream 2"]] == [(0.75, 1.75, "Third")]


def test_a_track_line_without_length_lasts_until_the_next(tmp_path: Path) -> None:
    path = muxed(tmp_path / "a.mkv", ("subrip", "eng", [(0, 0, b"a"), (3000, 0, b"b"), (60000, 0, b"c")]))
    assert [(line.start, line.end) for line in embedded(path)["stream 0 (eng)"]] == [
        (0.0, 3.0),
        (3.0, 8.0),
        (60.0, 65.0),
    ]


def test_a_video_without_text_tracks_has_none() -> None:
    if not CLIPS.is_dir():
        pytest.skip("the public clips are not beside the checkout")
    assert embedded(CLIPS / "counter.mp4") == {}
