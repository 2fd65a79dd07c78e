"""Speech: the sound pieces always; the recogniser itself where faster-whisper is installed, with weights made here."""

import builtins
import json
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from sightline.errors import MissingExtra, SightlineError
from sightline.video import speech
from sightline.video.speech import RATE, open_listener, quietest, sounds

CLIPS = Path(__file__).parents[2] / "../shared/data/clips"


def recorded(path: Path, *stretches: tuple[float, np.ndarray], rate: int = RATE) -> Path:
    """A Matroska file of plain samples; each stretch begins at its own second."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=rate, layout="mono")
        for second, samples in stretches:
            for i in range(0, len(samples), 1000):
                part = (np.clip(samples[i : i + 1000], -1, 1) * 32767).astype(np.int16)[None]
                frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
                frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
                frame.pts = round(second * rate) + i
                out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def tone(seconds: float, loud: float = 0.5) -> np.ndarray:
    return loud * np.sin(np.arange(round(seconds * RATE)) * 2 * np.pi * 440 / RATE)


def extents(path: Path, start: float = 0.0) -> list[tuple[float, float]]:
    return [(round(s.second, 2), round(s.second + len(s.samples) / RATE, 2)) for s in sounds(path, start)]


def test_sound_begins_at_its_own_timestamp(tmp_path: Path) -> None:
    assert extents(recorded(tmp_path / "a.mkv", (2.5, tone(3)))) == [(2.5, 5.5)]


def test_a_hole_in_the_sound_is_silence_of_its_length(tmp_path: Path) -> None:
    (sound,) = sounds(recorded(tmp_path / "a.mkv", (0.0, tone(1)), (4.0, tone(1))))
    loud = np.abs(sound.samples) > 0.1
    assert len(loud) / RATE == pytest.approx(5.0, abs=0.01)
    assert not loud[int(1.1 * RATE) : int(3.9 * RATE)].any() and loud[int(4.1 * RATE) : int(4.9 * RATE)].mean() > 0.5


def test_long_sound_comes_in_pieces_that_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "PIECE", 4.0)
    monkeypatch.setattr(speech, "TAIL", 2.0)
    found = extents(recorded(tmp_path / "a.mkv", (0.0, tone(11))))
    assert found[0][0] == 0.0 and found[-1][1] == 11.0 and len(found) > 2
    assert all(before[1] == after[0] for before, after in zip(found, found[1:], strict=False))


def test_a_hole_longer_than_a_piece_ends_the_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "PIECE", 4.0)
    assert extents(recorded(tmp_path / "a.mkv", (0.0, tone(1)), (50.0, tone(1)))) == [(0.0, 1.0), (50.0, 51.0)]


def test_a_piece_is_cut_where_it_is_quietest() -> None:
    samples = np.concatenate([tone(40), tone(1, loud=0.001), tone(5)]).astype(np.float32)
    assert 40.0 <= quietest(samples) / RATE <= 41.0


def test_listening_can_begin_in_the_middle(tmp_path: Path) -> None:
    ((first, last),) = extents(recorded(tmp_path / "a.mkv", (0.0, tone(9))), start=5.0)
    assert 4.9 <= first <= 5.0 and last == 9.0


def test_another_rate_and_layout_is_resampled(tmp_path: Path) -> None:
    assert extents(recorded(tmp_path / "a.mkv", (1.0, tone(2)), rate=8000))[0][0] == 1.0


def test_a_video_without_sound_has_none() -> None:
    if not CLIPS.is_dir():
        pytest.skip("the public clips are not beside the checkout")
    assert list(sounds(CLIPS / "counter.mp4")) == []


def test_the_sound_of_a_public_clip_is_decoded() -> None:
    if not CLIPS.is_dir():
        pytest.skip("the public clips are not beside the checkout")
    (sound,) = sounds(CLIPS / "nasa_13013.mp4")
    assert len(sound.samples) / RATE == pytest.approx(sound.total, abs=0.2)
    assert 0.01 < np.abs(sound.samples).max() <= 1.5


def test_without_the_extra_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: object, **more: object) -> object:
        if name == "faster_whisper":
            raise ImportError(name)
        return real(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(MissingExtra, match=r"pip install 'sightline\[speech\]'"):
        open_listener()


def test_an_unknown_listener_is_named() -> None:
    with pytest.raises(SightlineError, match="no listener is called 'vosk'; there is 'whisper:SIZE'"):
        open_listener("vosk")


# --- the recogniser itself -------------------------------------------------------------------

SPOKEN = [" hello", " world"]
STARTS, ENDS = 0.1, 1.5  # seconds the model made below always writes
DEPTH = 64


def made_model(folder: Path) -> Path:
    """A Whisper of real form whose weights say one thing: after <|0.10|> comes hello, then world, then <|1.50|>.

    A position only carries its own token's code, and the output weights are the codes of the token before. The decoder
    looks at the first half second for hello, at the second for world, and behind it for the end, which gives the words
    their times. Everything around the weights is faster-whisper's real path.
    """
    from ctranslate2.specs import whisper_spec
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [word.replace(" ", "Ġ") for word in SPOKEN]
    pieces = letters + words
    special = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>"]
    special += ["<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    stamps = [f"<|{i * 0.02:.2f}|>" for i in range(1501)]
    vocabulary = pieces + special + stamps
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(pieces)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    tokenizer.add_tokens(stamps)
    assert [tokenizer.token_to_id(token) for token in vocabulary] == list(range(len(vocabulary)))

    codes = np.random.default_rng(3).choice([-1.0, 1.0], (len(vocabulary), DEPTH)).astype(np.float32)
    follows = np.zeros_like(codes)
    first, last = f"<|{STARTS:.2f}|>", f"<|{ENDS:.2f}|>"
    chain = ["<|startoftranscript|>", first, *words, last, "<|endoftext|>"]
    for before, after in zip(chain, chain[1:], strict=False):
        follows[vocabulary.index(after)] += codes[vocabulary.index(before)]

    spec = whisper_spec.WhisperSpec(1, 2, 1, 2)
    fill(spec.encoder)
    fill(spec.decoder)
    spec.encoder.conv1.weight, spec.encoder.conv1.bias = (
        np.zeros((DEPTH, 80, 3), np.float32),
        np.zeros(DEPTH, np.float32),
    )
    spec.encoder.conv2.weight, spec.encoder.conv2.bias = (
        np.zeros((DEPTH, DEPTH, 3), np.float32),
        np.zeros(DEPTH, np.float32),
    )
    places = np.random.default_rng(5).choice([-1.0, 1.0], (3, DEPTH)).astype(np.float32)
    region = np.minimum(np.arange(1500) // 25, 2)  # fifty positions a second: half a second each for the first two
    spec.encoder.position_encodings.encodings = places[region]
    looks = {"<|notimestamps|>": 0, words[0]: 1, words[1]: 2}  # each token looks for the time of the one after it
    cross = spec.decoder.layer[0].attention
    cross.linear[0].weight = sum(np.outer(places[at], codes[vocabulary.index(word)]) for word, at in looks.items()) / 8
    cross.linear[1].weight[:DEPTH] = np.eye(DEPTH)
    spec.decoder.position_encodings.encodings = np.zeros((448, DEPTH), np.float32)
    spec.decoder.embeddings.weight = codes
    spec.decoder.projection.weight = follows
    spec.register_vocabulary(vocabulary)
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], []
    spec.config.lang_ids, spec.config.alignment_heads = [vocabulary.index("<|en|>")], [[0, 0]]
    spec.validate()
    folder.mkdir()
    spec.save(str(folder))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": 80}))
    return folder


def fill(tower: object) -> None:
    """Weights of a tower with nothing in it: norms of one, all else zero."""
    from ctranslate2.specs import common_spec

    def norm(layer: common_spec.LayerNormSpec) -> None:
        layer.gamma, layer.beta = np.ones(DEPTH, np.float32), np.zeros(DEPTH, np.float32)

    def linear(layer: common_spec.LinearSpec, rows: int, columns: int = DEPTH) -> None:
        layer.weight, layer.bias = np.zeros((rows, columns), np.float32), np.zeros(rows, np.float32)

    norm(tower.layer_norm)  # type: ignore[attr-defined]
    for layer in tower.layer:  # type: ignore[attr-defined]
        norm(layer.self_attention.layer_norm)
        linear(layer.self_attention.linear[0], 3 * DEPTH)
        linear(layer.self_attention.linear[1], DEPTH)
        if hasattr(layer, "attention"):
            norm(layer.attention.layer_norm)
            linear(layer.attention.linear[0], DEPTH)
            linear(layer.attention.linear[1], 2 * DEPTH)
            linear(layer.attention.linear[2], DEPTH)
        norm(layer.ffn.layer_norm)
        linear(layer.ffn.linear_0, 4 * DEPTH)
        linear(layer.ffn.linear_1, DEPTH, 4 * DEPTH)


def voice(seconds: float) -> np.ndarray:
    """Something voice detection takes for speech: pulses at a gliding pitch through changing vowel formants."""
    n = round(seconds * RATE)
    t = np.arange(n) / RATE
    pitch = 120 + 25 * np.sin(2 * np.pi * 0.9 * t)
    pulses = (np.diff(np.floor(np.cumsum(pitch) / RATE), prepend=0) > 0).astype(float)
    out = np.zeros(n)
    vowels = [(730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410)]
    length = int(0.18 * RATE)
    for k, begin in enumerate(range(0, n, length)):
        part = pulses[begin : begin + length]
        for formant in vowels[k % len(vowels)]:
            time = np.arange(800) / RATE
            ring = np.exp(-math.pi * 90 * time) * np.sin(2 * math.pi * formant * time)
            out[begin : begin + len(part)] += np.convolve(part, ring)[: len(part)] * np.hanning(len(part))
    return 0.6 * out / np.abs(out).max()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    pytest.importorskip("faster_whisper", reason="the optional part [speech] is not installed")
    yield made_model(tmp_path_factory.mktemp("speech") / "tiny")


def test_spoken_words_become_lines_at_the_seconds_of_the_sound(model: Path, tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.mkv", (3.0, np.concatenate([np.zeros(2 * RATE), voice(3), np.zeros(RATE)])))
    done: list[tuple[float, float]] = []
    lines = list(open_listener(f"whisper:{model}").listen(path, progress=lambda *at: done.append(at)))
    assert lines and lines[0].text == "hello world"
    assert lines[0].source == "speech" and lines[0].track == "whisper tiny" and lines[0].language == "en"
    assert all(type(value) is float for value in (lines[0].start, lines[0].end, lines[0].score))
    assert 4.5 < lines[0].start < 5.5 and lines[0].start < lines[0].end <= 8.6  # two seconds of silence after second 3
    assert 0.0 < (lines[0].score or 0.0) <= 1.0
    assert done[-1][0] == pytest.approx(9.0, abs=0.1) and done[-1][1] > 5.9


def test_silence_gives_no_lines(model: Path, tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.mkv", (0.0, np.zeros(5 * RATE)))
    assert list(open_listener(f"whisper:{model}").listen(path)) == []


def test_a_language_the_model_does_not_know_is_refused(model: Path) -> None:
    with pytest.raises(SightlineError, match="does not know the language 'xx'; it knows en"):
        open_listener(f"whisper:{model}", language="xx")


def test_a_model_that_is_not_there_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper", reason="the optional part [speech] is not installed")
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        SightlineError, match="'small' is not on this computer .* connect to the internet once, or copy"
    ):
        open_listener("whisper:small")
    with pytest.raises(SightlineError, match="no speech model is called 'huge'.*large-v3"):
        open_listener("whisper:huge")
    with pytest.raises(SightlineError, match="is no faster-whisper model: model.bin and tokenizer.json not in it"):
        open_listener(f"whisper:{tmp_path}")
