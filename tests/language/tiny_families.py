"""Tiny models of the real classes with random weights, and prompts as their processors would write them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import transformers

TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 211,
    "max_position_embeddings": 4096,
    "initializer_range": 0.2,  # random models of the usual 0.02 hardly look at anything
    "bos_token_id": 1,
    "eos_token_id": 210,
    "pad_token_id": 0,
}
IMAGE, VIDEO, START, END = 200, 201, 202, 203
FAMILIES = ["llava_onevision", "qwen2_5_vl", "qwen3_vl", "smolvlm", "idefics3", "internvl", "video_llava"]
FRAMES = 4


def tiny(name: str, seed: int = 0) -> Any:
    """A model in evaluation mode."""
    torch.manual_seed(seed)
    return _BUILD[name]().eval()


def _llava_onevision() -> Any:
    config = transformers.LlavaOnevisionConfig(
        vision_config=transformers.SiglipVisionConfig(
            hidden_size=24,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=56,
            patch_size=8,
        ),
        text_config=transformers.Qwen2Config(**TEXT),
        image_token_id=IMAGE,
        video_token_id=VIDEO,
        image_grid_pinpoints=[[56, 112], [112, 56], [112, 112]],
    )
    return transformers.LlavaOnevisionForConditionalGeneration(config)


def _qwen(config_class: str, model_class: str, vision: dict[str, Any], rope: dict[str, Any]) -> Any:
    config = getattr(transformers, config_class)(
        vision_config=vision,
        text_config={**TEXT, "rope_parameters": rope},
        image_token_id=IMAGE,
        video_token_id=VIDEO,
        vision_start_token_id=START,
        vision_end_token_id=END,
    )
    return getattr(transformers, model_class)(config)


def _qwen2_5_vl() -> Any:
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 2,
        "out_hidden_size": 32,
        "patch_size": 14,
        "window_size": 56,
        "fullatt_block_indexes": [1],
        "tokens_per_second": 2,
        "initializer_range": 0.2,
    }
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    return _qwen("Qwen2_5_VLConfig", "Qwen2_5_VLForConditionalGeneration", vision, rope)


def _qwen3_vl() -> Any:
    vision = {
        "depth": 3,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_heads": 2,
        "out_hidden_size": 32,
        "patch_size": 14,
        "num_position_embeddings": 16,
        "deepstack_visual_indexes": [0, 1],
        "initializer_range": 0.2,
    }
    rope = {"rope_type": "default", "mrope_section": [2, 1, 1], "mrope_interleaved": True, "rope_theta": 10000.0}
    global TEXT
    kept, TEXT = TEXT, {**TEXT, "head_dim": 8}
    try:
        return _qwen("Qwen3VLConfig", "Qwen3VLForConditionalGeneration", vision, rope)
    finally:
        TEXT = kept


def _smol(config_class: str, model_class: str) -> Any:
    vision = {
        "hidden_size": 24,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 48,
        "patch_size": 8,
    }
    config = getattr(transformers, config_class)(
        vision_config=vision, text_config=transformers.LlamaConfig(**TEXT), image_token_id=IMAGE, scale_factor=2
    )
    return getattr(transformers, model_class)(config)


def _internvl() -> Any:
    vision = transformers.InternVLVisionConfig(
        hidden_size=24,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=[48, 48],
        patch_size=[8, 8],
    )
    config = transformers.InternVLConfig(
        vision_config=vision,
        text_config=transformers.Qwen2Config(**TEXT),
        image_token_id=IMAGE,
        image_seq_length=9,
        tie_word_embeddings=False,
    )
    return transformers.InternVLForConditionalGeneration(config)


def _video_llava() -> Any:
    vision = transformers.CLIPVisionConfig(
        hidden_size=24, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=40, patch_size=8
    )
    config = transformers.VideoLlavaConfig(
        vision_config=vision,
        text_config=transformers.LlamaConfig(**TEXT),
        image_token_index=IMAGE,
        video_token_index=VIDEO,
        image_seq_length=25,
        video_seq_length=26 * FRAMES,
    )
    return transformers.VideoLlavaForConditionalGeneration(config)


_BUILD = {
    "llava_onevision": _llava_onevision,
    "qwen2_5_vl": _qwen2_5_vl,
    "qwen3_vl": _qwen3_vl,
    "smolvlm": lambda: _smol("SmolVLMConfig", "SmolVLMForConditionalGeneration"),
    "idefics3": lambda: _smol("Idefics3Config", "Idefics3ForConditionalGeneration"),
    "internvl": _internvl,
    "video_llava": _video_llava,
}


# --- prompts ---------------------------------------------------------------------------------


def words(count: int, seed: int) -> list[int]:
    return np.random.default_rng(seed).integers(2, 199, count).tolist()


def video(name: str, seed: int = 0, frames: int = FRAMES) -> tuple[list[int], dict[str, torch.Tensor]]:
    """The placeholders of one video, and what goes with them."""
    draw = torch.Generator().manual_seed(seed)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=draw)

    if name == "llava_onevision":
        return [VIDEO] * (frames * 16 + 1), {"pixel_values_videos": noise(1, frames, 3, 56, 56)}
    if name == "video_llava":
        return [VIDEO] * (frames * 26), {"pixel_values_videos": noise(1, frames, 3, 40, 40)}
    if name in ("qwen2_5_vl", "qwen3_vl"):
        high, wide, times = 6, 10, frames // 2
        given = {
            "pixel_values_videos": noise(times * high * wide, 3 * 2 * 14 * 14),
            "video_grid_thw": torch.tensor([[times, high, wide]]),
        }
        step = [START, *[VIDEO] * (high * wide // 4), END]
        if name == "qwen2_5_vl":
            given["second_per_grid_ts"] = torch.tensor([1.5])
            return [START, *[VIDEO] * (times * high * wide // 4), END], given
        return [token for i in range(times) for token in (*words(3, i), *step)], given
    pixels = noise(1, frames, 3, 48, 48)
    ids = [token for i in range(frames) for token in (*words(2, i), *[IMAGE] * 9)]
    return ids, {"pixel_values": pixels[0] if name == "internvl" else pixels}


def prompt(name: str, seed: int = 0, frames: int = FRAMES, after: int = 11) -> dict[str, torch.Tensor]:
    """One prompt with one video: words, the video, words."""
    ids, given = video(name, seed, frames)
    return finished(name, [[*words(5, 50 + seed), *ids, *words(after, 90 + seed)]], given)


def finished(name: str, rows: list[list[int]], given: dict[str, torch.Tensor], side: str = "left") -> dict[str, Any]:
    """Rows of ids as one padded batch."""
    longest = max(map(len, rows))

    def padded(row: list[int], fill: int) -> list[int]:
        pad = [fill] * (longest - len(row))
        return pad + row if side == "left" else row + pad

    ids = torch.tensor([padded(row, 0) for row in rows])
    mask = torch.tensor([padded([1] * len(row), 0) for row in rows])
    made = {"input_ids": ids, "attention_mask": mask, **given}
    if name.startswith("qwen"):
        made["mm_token_type_ids"] = (ids == IMAGE).int() + 2 * (ids == VIDEO).int()
    return made


def batch(name: str, side: str = "left") -> dict[str, Any]:
    """Two prompts of different lengths with a video each."""
    first, one = video(name, 1)
    second, two = video(name, 2)
    rows = [[*words(5, 1), *first, *words(11, 2)], [*words(2, 3), *second, *words(6, 4)]]
    return finished(name, rows, {key: torch.cat([one[key], two[key]]) for key in one}, side)
