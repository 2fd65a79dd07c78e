"""What a file is: kind, size, turn, clock, tracks; and what is refused, with which words."""

import os
import socket
import threading
from fractions import Fraction

import make_media as media
import pytest

from sightline.errors import FileVanished, MediaError, NoFrames, NotMedia, NoVideoStream, TooLarge
from sightline.video.open import Limits, facts, opened, picture_stream
from sightline.video.sample import Watching


def test_a_video_is_told_by_its_content_not_by_its_name(tmp_path):
    drawn = media.video(tmp_path / "a.mp4")
    assert facts(drawn.rename(tmp_path / "holiday.jpg")).kind == "video"


def test_a_picture_is_told_by_its_content_not_by_its_name(tmp_path):
    drawn = media.photograph(tmp_path / "a.jpg")
    assert facts(drawn.rename(tmp_path / "holiday.mp4")).kind == "still"


def test_facts_name_size_codec_length_and_rate(tmp_path):
    found = facts(media.video(tmp_path / "a.mp4", seconds=2, rate=25, size=(176, 80)))
    assert (found.width, found.height, found.codec, found.rotation) == (176, 80, "h264", 0)
    assert found.duration == pytest.approx(2.0, abs=0.001)
    assert found.frame_rate == pytest.approx(25.0)


def test_a_late_first_timestamp_is_kept(tmp_path):
    assert facts(media.video(tmp_path / "a.mp4", start=1.5)).first == 1.5


@pytest.mark.parametrize(("rotation", "size"), [(90, (96, 160)), (180, (160, 96)), (270, (96, 160))])
def test_a_turned_video_has_the_size_a_viewer_sees(tmp_path, rotation, size):
    found = facts(media.video(tmp_path / "a.mp4", rotation=rotation))
    assert (found.width, found.height, found.rotation) == (*size, rotation)
    assert (found.coded_width, found.coded_height) == (160, 96)


def test_pixels_that_are_not_square_are_made_square(tmp_path):
    found = facts(media.video(tmp_path / "a.mp4", pixel_shape=Fraction(4, 3)))
    assert (found.width, found.height) == (213, 96)


def test_a_length_that_is_not_stated_is_zero(shared_clip):
    assert facts(shared_clip("no_duration.webm")).duration == 0.0


def test_sound_and_text_tracks_are_counted(tmp_path):
    found = facts(media.video(tmp_path / "a.mkv", tone=True, subtitles=[(0.2, 1.0, "hello")]))
    assert found.audio_tracks == 1
    assert [(track.codec, track.language) for track in found.text_tracks] == [("subrip", "eng")]


@pytest.mark.parametrize("draw", [media.sound_only, media.song_with_cover])
@pytest.mark.parametrize("name", ["a.mp3", "a.m4a"])
def test_a_song_is_audio_even_with_a_cover(tmp_path, draw, name):
    song = draw(tmp_path / name)
    assert facts(song).kind == "audio"
    with opened(song) as container, pytest.raises(NoVideoStream, match=r"audio only \(1 track\)"):
        picture_stream(container)


@pytest.mark.parametrize("name", ["a.avi", "a.mkv", "a.mov", "a.ts", "a.flv", "a.m4v"])
def test_every_usual_container_opens(tmp_path, name):
    codec = "mpeg4" if name == "a.avi" else "libx264"
    assert facts(media.video(tmp_path / name, codec=codec, seconds=0.4)).kind == "video"


@pytest.mark.parametrize("clip", ["av1_video.mkv", "h264_10bits.mp4", "h265_video.mp4", "big_buck_bunny_0_30.webm"])
def test_every_usual_codec_opens(shared_clip, clip):
    assert facts(shared_clip(clip)).kind == "video"


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(FileVanished, match="moved or deleted"):
        facts(tmp_path / "gone.mp4")


def test_a_folder_a_pipe_an_empty_file_and_noise_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 40)
    for name, words in [
        ("", "folder"),
        ("pipe.mp4", "pipe"),
        ("empty.mp4", "0 bytes"),
        ("noise.mp4", "not a media file"),
    ]:
        with pytest.raises(NotMedia, match=words):
            facts(tmp_path / name)


def test_a_text_file_is_not_media(tmp_path):
    (tmp_path / "notes.txt").write_text("subtitles are not pictures\n" * 50)
    with pytest.raises(NotMedia):
        facts(tmp_path / "notes.txt")


def test_a_video_without_its_index_is_refused_with_the_reason(tmp_path):
    whole = media.video(tmp_path / "a.mov")
    with pytest.raises(NotMedia, match="Invalid data"):
        facts(media.cut_off(whole, tmp_path / "half.mov"))


def test_a_video_without_a_decodable_frame_is_said_to_have_none(tmp_path):
    whole = media.video(tmp_path / "a.mp4", times=[0.0])
    data = bytearray(whole.read_bytes())
    begin = data.index(b"mdat") + 4
    data[begin:] = bytes(len(data) - begin)
    whole.write_bytes(bytes(data))
    with pytest.raises(NoFrames, match="no picture that can be decoded"):
        facts(whole)
    with pytest.raises(NoFrames):
        list(Watching(whole))


def test_a_bare_stream_without_timestamps_is_refused_with_the_cure(tmp_path):
    bare = media.video(tmp_path / "a.h264", seconds=0.4)
    with pytest.raises(MediaError, match="without timestamps.*-c copy"):
        facts(bare)
    with pytest.raises(MediaError, match="without timestamps"):
        list(Watching(bare))


def test_a_picture_above_the_limit_is_refused_from_the_header(tmp_path):
    drawn = media.video(tmp_path / "a.mp4", times=[0.0])
    with pytest.raises(TooLarge, match=r"160 x 96 = 15,360 pixels, more than the limit 15,000"):
        facts(drawn, Limits(pixels=15_000))
    with pytest.raises(TooLarge):
        list(Watching(drawn, limits=Limits(pixels=15_000)))


# --- names and playlists -----------------------------------------------------------------------

NAMES = [
    "-i.mp4",
    "%03d.mp4",
    "two\nlines.mp4",
    "视频 片段.mp4",
    "http:foo.mp4",
    "concat:a|b.mp4",
    "a?b#c.mp4",
    os.fsdecode(b"\xff\xfe.mp4"),
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_strange_name_is_only_a_name(tmp_path, monkeypatch, name):
    media.video(tmp_path / "plain.mp4", times=[0.0]).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert facts(name).kind == "video"


def test_control_characters_of_a_name_do_not_reach_the_message(tmp_path):
    (tmp_path / "a\n\x1b[31mred.mp4").write_bytes(b"no video")
    with pytest.raises(NotMedia) as refusal:
        facts(tmp_path / "a\n\x1b[31mred.mp4")
    assert "\x1b" not in str(refusal.value) and "\n" not in str(refusal.value)


def playlists(target: str) -> dict[str, str]:
    return {
        "hls": f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10.0,\n{target}\n#EXT-X-ENDLIST\n",
        "concat": f"ffconcat version 1.0\nfile '{target}'\n",
        "dash": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT2S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet '
        f'mimeType="video/mp4"><Representation id="0" bandwidth="1"><BaseURL>{target}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>\n",
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\n",
        "m3u": f"#EXTM3U\n{target}\n",
    }


@pytest.mark.parametrize("kind", ["hls", "concat", "dash", "sdp", "m3u"])
@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".m3u8", ".mpd", ".ffconcat"])
def test_a_playlist_is_refused_and_the_file_it_names_is_not_shown(tmp_path, kind, ending):
    secret = media.video(tmp_path / "secret.ts", seconds=0.4)
    playlist = tmp_path / f"list{ending}"
    for target in (str(secret), secret.name, f"file:{secret}"):
        playlist.write_text(playlists(target)[kind])
        with pytest.raises(NotMedia):
            facts(playlist)
        with pytest.raises(NotMedia):
            list(Watching(playlist))


def test_a_playlist_does_not_reach_the_network(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        calls = []
        ear = threading.Thread(target=lambda: calls.extend(accept(server)))
        ear.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        for kind, text in playlists(url).items():
            (tmp_path / f"{kind}.mp4").write_text(text)
            with pytest.raises(NotMedia):
                facts(tmp_path / f"{kind}.mp4")
        ear.join()
    assert calls == []


def accept(server: socket.socket) -> list[object]:
    try:
        return [server.accept()]
    except TimeoutError:
        return []
