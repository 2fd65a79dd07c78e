"""Our preprocessing against the models' own processors, and against settings that cannot be meant."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.encoders.preprocess import Preprocessing, read_preprocessing
from sightline.errors import BadModel

CLIP = {
    "do_center_crop": True,
    "crop_size": {"height": 29, "width": 31},
    "size": {"shortest_edge": 31},
    "image_mean": [0.48, 0.46, 0.41],
    "image_std": [0.27, 0.26, 0.28],
    "resample": 3,
}
SIGLIP = {
    "size": {"height": 23, "width": 29},
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "resample": 2,
    "rescale_factor": 1 / 255,
}


def pictures(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height).integers(0, 256, (3, 3, height, width)).astype(np.uint8)


@pytest.mark.parametrize("shape", [(47, 83), (83, 47), (31, 53), (31, 31), (211, 97), (19, 17)])
@pytest.mark.parametrize(
    ("settings", "processor"), [(CLIP, "CLIPImageProcessorPil"), (SIGLIP, "SiglipImageProcessorPil")]
)
def test_pixels_equal_the_models_own_processor_within_one_grey_level(shape, settings, processor) -> None:
    transformers = pytest.importorskip("transformers", reason="the models' own processors are in transformers")
    theirs = getattr(transformers, processor)(**settings)
    given = pictures(*shape)
    expected = np.stack(theirs(list(given), return_tensors="np")["pixel_values"])
    ours = read_preprocessing(settings, "m").apply(given)
    grey_level = 1 / 255 / min(settings["image_std"])
    assert ours.shape == expected.shape
    assert np.abs(ours - expected).max() <= grey_level * 1.001


def test_cubic_resize_equals_a_slow_sum_over_the_kernel() -> None:
    column = np.random.default_rng(3).integers(0, 256, 23).astype(np.uint8)
    frame = np.broadcast_to(column[None, :, None], (3, 23, 5)).copy()
    made = Preprocessing(size=(7, 5), crop=None, rescale=1.0).apply(frame[None])[0, 0, :, 2]
    for row in range(7):
        scale = 23 / 7
        centre, weights = (row + 0.5) * scale, []
        for sample in range(23):
            distance = abs((sample + 0.5 - centre) / scale)
            if distance < 1:
                weights.append(1.5 * distance**3 - 2.5 * distance**2 + 1)
            elif distance < 2:
                weights.append(-0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2)
            else:
                weights.append(0.0)
        expected = np.clip(np.dot(weights, column) / np.sum(weights), 0, 255)
        assert abs(made[row] - expected) <= 1


def test_a_frame_of_the_right_size_is_left_alone() -> None:
    given = pictures(13, 17)
    made = Preprocessing(size=(13, 17), crop=None, rescale=1.0).apply(given)
    np.testing.assert_array_equal(made, given)


def test_older_spellings_mean_the_same() -> None:
    old = {**CLIP, "size": 31, "crop_size": 31}
    new = {**CLIP, "size": {"shortest_edge": 31}, "crop_size": {"height": 31, "width": 31}}
    assert read_preprocessing(old, "m") == read_preprocessing(new, "m")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": {"height": 9_000_000, "width": 3}}, "sides of 1 to 4096"),
        ({"size": {"height": 0, "width": 3}}, "sides of 1 to 4096"),
        ({"size": "large"}, "cannot be read"),
        ({"image_std": [0.5, 0, 0.5]}, "std not zero"),
        ({"image_mean": [float("nan"), 0, 0]}, "must be finite"),
        ({"image_mean": [0.5]}, "cannot be read"),
        ({"resample": 77}, "resampling 77"),
        ({"max_num_patches": 256}, "NaFlex"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(change: dict, words: str) -> None:
    with pytest.raises(BadModel, match=words):
        read_preprocessing({**SIGLIP, **change}, "m")


def test_pictures_smaller_than_the_crop_get_a_black_border() -> None:
    frame = np.full((1, 3, 5, 9), 7, dtype=np.uint8)
    made = Preprocessing(size=None, crop=(8, 7), rescale=1.0).apply(frame)[0, 0]
    assert made[:2].max() == 0 and made[7:].max() == 0
    np.testing.assert_array_equal(made[2:7], np.full((5, 7), 7))
