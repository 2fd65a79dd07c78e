"""Compressing between the vision tower and the language model, at full size with random weights, beside no compression.

The shapes of LLaVA-OneVision 0.5B: Qwen2-0.5B behind SigLIP-so400m (384 pixels, 196 tokens a frame after pooling). What
is compared is the language model's prefill, so the vision tower is not run: its projected features are made up, like a
video's (shots with noise), and handed to both alike. The time of compressing itself is inside. Weights are bfloat16.
`SIGHTLINE_BENCH_FRAMES=8 python -m benches.row_compressed` is a quick look.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter, process_time
from typing import Any

import torch

from benches.rounds import Times, lead
from benches.tokens import peak, watched

FRAMES = int(os.environ.get("SIGHTLINE_BENCH_FRAMES", "64"))
ROUNDS = int(os.environ.get("SIGHTLINE_BENCH_ROUNDS", "1"))  # a round of 64 frames takes minutes
SHARE = 0.1
CONNECTORS = ("adaptive_pool", "prompt_pool", "token_merging", "temporal_merge")
IMAGE, VIDEO, BEFORE, AFTER = 151646, 151647, 31, 23


def measure() -> list[str]:
    model = full_size()
    given = prompt(model, FRAMES)
    visual = int((given["input_ids"] == VIDEO).sum())
    left = round(SHARE * visual)
    works: dict[str, Any] = {"all tokens": partial(prefill, model, given, None, None)}
    works |= {f"{name}, {SHARE:.0%}": partial(prefill, model, given, name, left) for name in CONNECTORS}
    prefill(model, prompt(model, 1), None, None)  # warms up
    times = {name: Times() for name in works}
    memory: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):  # in turn, so that a noisy neighbour disturbs all alike
        for name, work in works.items():
            memory[name].append(peak(partial(timed, work, times[name])))
    whole = times["all tokens"]
    size = sum(part.numel() for part in model.model.language_model.parameters()) / 1e9
    lines = [
        f"compressed: language model of {size:.2f} billion numbers, bfloat16, {FRAMES} frames, {visual:,} tokens; "
        f"{torch.get_num_threads()} threads, {ROUNDS} rounds"
    ]
    for name, time in times.items():
        tokens = visual if name == "all tokens" else left
        lines.append(
            f"    {name:22} {tokens:6,} tokens, {time.told()} prefill, "
            f"{max(memory[name]):6,.0f} MB peak over the weights"
        )
    for name, time in list(times.items())[1:]:
        spent = median(whole.cpu) / median(time.cpu)
        lines.append(
            f"    LEAD of {name} over all tokens {lead(time, whole)[0]:.1f} ({spent:.1f} in processor seconds)"
        )
    return lines


def timed(work: Callable[[], Any], times: Times) -> None:
    wall, cpu = perf_counter(), process_time()
    work()
    times.wall.append(perf_counter() - wall)
    times.cpu.append(process_time() - cpu)


def full_size() -> Any:
    """LLaVA-OneVision 0.5B with random weights; the vision tower, which is not run, has its shape and no memory."""
    import transformers

    text = transformers.Qwen2Config(
        hidden_size=896,
        intermediate_size=4864,
        num_hidden_layers=24,
        num_attention_heads=14,
        num_key_value_heads=2,
        vocab_size=152000,
        max_position_embeddings=32768,
        tie_word_embeddings=True,
    )
    vision = transformers.SiglipVisionConfig(
        hidden_size=1152,
        intermediate_size=4304,
        num_hidden_layers=26,
        num_attention_heads=16,
        image_size=384,
        patch_size=14,
    )
    config = transformers.LlavaOnevisionConfig(
        vision_config=vision, text_config=text, image_token_id=IMAGE, video_token_id=VIDEO, tie_word_embeddings=True
    )
    with torch.device("meta"):
        model = transformers.LlavaOnevisionForConditionalGeneration(config)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        torch.manual_seed(0)
        model.model.language_model = transformers.AutoModel.from_config(config.text_config)
    finally:
        torch.set_default_dtype(before)
    model.lm_head.weight = model.model.language_model.embed_tokens.weight
    return model.eval()


def prompt(model: Any, frames: int) -> dict[str, Any]:
    """Words, one video, words; the video's features as the projector would give them."""
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    width = model.config.text_config.hidden_size
    features = watched(frames, (14, 14), width).tokens.flatten(1, 2)
    features = 0.02 * torch.cat([features, torch.ones(1, 1, width)], dim=1).to(torch.bfloat16)
    draw = torch.Generator().manual_seed(0)
    words = torch.randint(100, 150000, (1, BEFORE + AFTER), generator=draw)
    places = torch.full((1, features.shape[1]), VIDEO)
    return {
        "input_ids": torch.cat([words[:, :BEFORE], places, words[:, BEFORE:]], dim=1),
        "mm_encoder_outputs": {"video": BaseModelOutputWithPooling(pooler_output=features)},
    }


@torch.inference_mode()
def prefill(model: Any, given: dict[str, Any], connector: str | None, tokens: int | None) -> torch.Tensor:
    """The logits of the next word; keys and values are kept, as for an answer."""
    from sightline.language.compressed import compressed

    with compressed(model, connector, tokens):
        return model(**given, use_cache=True, logits_to_keep=1).logits


if __name__ == "__main__":
    print("\n".join(measure()))
