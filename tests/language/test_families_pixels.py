"""Our frames against the families' own Pillow image processors, and the prompts against their processors' counts."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tiny_families import FAMILIES, tiny  # noqa: E402

from sightline.errors import BadModel, BadRecord  # noqa: E402
from sightline.language.families import (  # noqa: E402
    FILES,
    core_of,
    family_of,
    internvl,
    llava_onevision,
    qwen2_5_vl,
    qwen3_vl,
    smolvlm,
    video_llava,
)
from sightline.language.families.pixels import prepared, scaled  # noqa: E402
from sightline.language.families.qwen2_5_vl import fitting  # noqa: E402

SHAPES = [(67, 113), (113, 67), (59, 59), (240, 321)]
shapes = pytest.mark.parametrize("shape", SHAPES)


def frames(shape, count=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 3, *shape), dtype=np.uint8)


def pil(name, **settings):
    return getattr(transformers, name)(**settings)


def pictures(clip):
    from PIL import Image

    return [Image.fromarray(frame.transpose(1, 2, 0)) for frame in clip]


@shapes
def test_llava_onevision_frames_equal_the_pillow_processors_whole_picture(shape):
    clip = frames(shape)
    ours = llava_onevision.seen(clip, [0.0, 1.0, 2.0], llava_onevision.DEFAULTS, None)["pixel_values_videos"]
    theirs = pil("LlavaOnevisionImageProcessorPil")(pictures(clip), return_tensors="np")["pixel_values"]
    assert ours.shape == (1, 3, 3, 384, 384) and ours.dtype == np.float32
    assert np.abs(ours[0] - np.stack([each[0] for each in theirs])).max() <= 1e-5


@shapes
def test_video_llava_frames_equal_its_image_processors(shape):
    clip = frames(shape)
    ours = video_llava.seen(clip, [0.0, 1.0, 2.0], video_llava.DEFAULTS, None)["pixel_values_videos"]
    theirs = pil("VideoLlavaImageProcessor")(pictures(clip), return_tensors="np", return_legacy_image_output=False)
    assert np.abs(ours[0] - theirs["pixel_values"]).max() <= 1e-5


@shapes
def test_internvl_frames_equal_the_pillow_processors(shape):
    clip = frames(shape)
    ours = internvl.seen(clip, [0.0, 1.0, 2.0], internvl.DEFAULTS, None)["pixel_values"]
    processor = pil(
        "GotOcr2ImageProcessorPil",
        size=internvl.DEFAULTS["size"],
        image_mean=internvl.DEFAULTS["image_mean"],
        image_std=internvl.DEFAULTS["image_std"],
        crop_to_patches=False,
    )
    assert np.abs(ours - processor(pictures(clip), return_tensors="np")["pixel_values"]).max() <= 1e-5


@pytest.mark.parametrize("name", ["SmolVLMImageProcessorPil", "Idefics3ImageProcessorPil"])
@shapes
def test_smolvlm_and_idefics3_frames_equal_the_pillow_processors_without_tiles(name, shape):
    clip = frames(shape)
    ours = smolvlm.seen(clip, [0.0, 1.0, 2.0], smolvlm.DEFAULTS, None)
    theirs = pil(name, do_image_splitting=False)([pictures(clip)], return_tensors="np")
    assert np.abs(ours["pixel_values"] - theirs["pixel_values"]).max() <= 1e-5
    assert np.array_equal(ours["pixel_attention_mask"], theirs["pixel_attention_mask"])


@pytest.mark.parametrize("family", [qwen2_5_vl, qwen3_vl])
@shapes
def test_qwen_patches_equal_the_pillow_processors_frame_by_frame(family, shape):
    """Each frame of a step fills its half of a patch; the image processor shows one picture in both halves."""
    clip = frames(shape, count=4)
    settings = family.DEFAULTS | {"size": {"shortest_edge": 56 * 56, "longest_edge": 300 * 400}}
    ours = family.seen(clip, [0.0, 0.5, 1.0, 1.5], settings, None)
    patch = settings["patch_size"]
    high, wide = ours["video_grid_thw"][0, 1:] * patch
    processor = pil(
        "Qwen2VLImageProcessorPil",
        do_resize=False,
        patch_size=patch,
        image_mean=settings["image_mean"],
        image_std=settings["image_std"],
    )
    resized = np.stack([scaled(frame, high, wide, 3) for frame in clip])
    theirs = processor(pictures(resized), return_tensors="np")["pixel_values"].reshape(4, -1, 3, 2, patch, patch)
    halves = ours["pixel_values_videos"].reshape(2, -1, 3, 2, patch, patch)
    for number in range(4):
        assert np.abs(halves[number // 2, :, :, number % 2] - theirs[number, :, :, 0]).max() <= 1e-5


@shapes
def test_qwen_sizes_equal_the_image_processors(shape):
    for least, most in ((56 * 56, 28 * 28 * 4), (28 * 28 * 128, 28 * 28 * 768), (56 * 56, 28 * 28 * 1280)):
        processor = pil("Qwen2VLImageProcessorPil", size={"shortest_edge": least, "longest_edge": most})
        grid = processor(pictures(frames(shape, 1)), return_tensors="np")["image_grid_thw"][0]
        assert fitting(shape, 28, least, most) == (grid[1] * 14, grid[2] * 14)


def test_qwen3_sizes_are_those_of_a_whole_video():
    high, wide = fitting((720, 1280), 32, 128 * 32 * 32, 768 * 32 * 32, frames=16)
    assert 16 * high * wide <= 768 * 32 * 32 and high % 32 == wide % 32 == 0 and wide > high


def test_an_odd_last_frame_is_shown_twice():
    settings = qwen2_5_vl.DEFAULTS | {"size": {"shortest_edge": 56 * 56, "longest_edge": 300 * 400}}
    clip = frames((60, 60))
    odd = qwen2_5_vl.seen(clip, [0.0, 0.5, 1.0], settings, None)
    even = qwen2_5_vl.seen(np.concatenate([clip, clip[-1:]]), [0.0, 0.5, 1.0, 1.5], settings, None)
    assert np.array_equal(odd["pixel_values_videos"], even["pixel_values_videos"])
    assert odd["second_per_grid_ts"] == [1.0]


def test_a_frame_of_another_kind_is_refused_with_what_it_is():
    with pytest.raises(BadRecord, match=r"\[3, H, W\] uint8, not \(3, 8, 8\) float32"):
        scaled(np.zeros((3, 8, 8), np.float32), 4, 4, 3)


def test_a_frame_that_is_hardly_a_line_is_refused():
    with pytest.raises(BadRecord, match="too narrow"):
        fitting((2, 1000), 28, 56 * 56, 10**6)


def test_settings_that_ask_for_a_terabyte_are_refused():
    with pytest.raises(BadModel, match="sides of 1 to 4096"):
        prepared(frames((9, 9)), llava_onevision.DEFAULTS | {"size": {"height": 10**6, "width": 10**6}})


class Ids:
    """A tokenizer's one method that placeholders need."""

    def convert_ids_to_tokens(self, number):
        return f"<{number}>"


SMALL = {
    "llava_onevision": {"size": {"height": 56, "width": 56}},
    "video_llava": {"size": {"shortest_edge": 40}, "crop_size": {"height": 40, "width": 40}},
    "internvl": {"size": {"height": 48, "width": 48}},
    "smolvlm": {"size": {"longest_edge": 96}, "max_image_size": {"longest_edge": 48}},
    "qwen2_5_vl": {"size": {"shortest_edge": 56 * 56, "longest_edge": 84 * 140}},
    "qwen3_vl": {"size": {"shortest_edge": 56 * 56, "longest_edge": 4 * 84 * 140}, "patch_size": 14},
}


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_a_prompt_has_as_many_placeholders_as_the_model_gives_features(name):
    model = tiny(name)
    family, config = family_of(model.config), model.config
    seconds = [0.0, 0.5, 61.0, 62.5]
    settings = family.DEFAULTS | SMALL[FILES[name]]
    arrays = family.seen(frames((60, 100), 4), seconds, settings, config)
    text = family.placeholders(arrays, seconds, config, Ids())
    (shown,) = family.shown(core_of(model), {key: torch.from_numpy(value) for key, value in arrays.items()})
    assert text.count(f"<{shown.token}>") == len(shown.rows) > 0
    if name in ("smolvlm", "idefics3"):
        assert "Frame from 01:02:" in text
    if name == "qwen3_vl":
        assert text.startswith("<0.2 seconds><202>") and "<61.8 seconds>" in text
