"""The questions that every encoder is asked."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from sightline.encoders.by_name import open_encoder
from sightline.encoders.encoder import Encoder, NoEncoder, fingerprint, unit_rows
from sightline.records import Frames

BUILT_IN = ("colour", "none")
MODELS = (
    "hf clip",
    "hf siglip",
    "hf altclip",
    "hf chinese_clip",
    "hf metaclip_2",
    "onnx clip",
    "int8 clip",
    "int8 siglip",
)
TEXTS = ["red", "a red car on the left", "", "红色的汽车", "red"]


@pytest.fixture(params=[*BUILT_IN, *MODELS])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    kind, _, family = request.param.partition(" ")
    if not family:
        return open_encoder(kind)
    if kind == "hf":
        return open_encoder(str(request.getfixturevalue("tiny")(family)))
    folder, _ = request.getfixturevalue("exported")(family)
    return open_encoder(f"{folder}@{'int8' if kind == 'int8' else 'float'}")


def first(frames: Frames, count: int) -> Frames:
    return Frames(frames.pixels[:count], frames.seconds[:count])


def test_it_keeps_the_contract(encoder: Encoder, frames: Frames) -> None:
    """One test, because a model is loaded for it: each line is one promise."""
    seen, words = encoder.see(frames), encoder.read(TEXTS)
    width = encoder.card.width
    assert seen.vectors.shape == (1, len(frames), width), "width as on the card"
    assert words.vector.shape == (len(TEXTS), width), "words in the same space"
    assert seen.vectors.dtype == words.vector.dtype == np.float32
    assert not words.vector[2].any(), "silence is a zero row"
    np.testing.assert_array_equal(seen.seconds[0], frames.seconds)
    assert seen.mask.all()
    if width:
        np.testing.assert_allclose(np.linalg.norm(seen.vectors[0], axis=1), 1, atol=1e-5, err_msg="unit length")
        np.testing.assert_allclose(np.linalg.norm(words.vector[[0, 1, 3, 4]], axis=1), 1, atol=1e-5)
        np.testing.assert_array_equal(words.vector[0], words.vector[4])
    alone = encoder.see(first(frames, 1))
    np.testing.assert_allclose(alone.vectors[0, 0], seen.vectors[0, 0], atol=2e-6, err_msg="batch mates do not matter")
    np.testing.assert_array_equal(encoder.see(frames).vectors, seen.vectors, err_msg="same twice")
    assert encoder.see(first(frames, 0)).vectors.shape == (1, 0, width)
    assert encoder.read([]).vector.shape == (0, width)


def test_a_text_does_not_depend_on_the_texts_beside_it(encoder: Encoder) -> None:
    together = encoder.read(["two people talking", "snow", "红色的汽车"]).vector
    again = open_encoder(encoder.card.name)
    np.testing.assert_allclose(again.read(["snow"]).vector[0], together[1], atol=2e-6)


def test_the_name_on_the_card_opens_the_same_encoder(encoder: Encoder) -> None:
    assert open_encoder(encoder.card.name).card == encoder.card


def test_the_encoder_none_sees_and_reads_nothing(frames: Frames) -> None:
    assert NoEncoder().see(frames).vectors.size == 0
    assert NoEncoder().card.words is False


def test_a_fingerprint_tells_where_one_part_ends_and_the_next_begins() -> None:
    assert fingerprint(["ab", "c"]) != fingerprint(["a", "bc"])


def test_rows_become_unit_length_and_zero_rows_stay() -> None:
    rows = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]]), "m")
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0]])


def test_importing_the_encoders_loads_nothing_heavy() -> None:
    import re
    import subprocess

    files = (Path(__file__).parents[2] / "src/sightline/encoders").glob("[a-z]*.py")
    modules = sorted(
        path.stem for path in files if not re.search(r"^(import|from) torch", path.read_text(), re.M)
    )  # learned parts are named
    heavy = "{'torch', 'transformers', 'onnxruntime', 'onnx', 'PIL', 'tokenizers', 'huggingface_hub', 'safetensors'}"
    code = (
        f"import sys\nfor name in {modules}: __import__('sightline.encoders.' + name)\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
