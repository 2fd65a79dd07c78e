"""Parity: how far our parts are from public reference classes with the same weights, and from golden numbers.

The comparisons are the tests' own. Each named test is run, and every difference whose size it takes is written down:
what goes into `.abs()`, `allclose`, `assert_close` and `math.isclose` in a test file. Golden numbers have six digits.
"""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

ROOT = Path(__file__).parents[1]
LIMIT = 1e-5

REFERENCES: dict[str, tuple[str, str]] = {
    "Q-Former, contrast + generation + matching · BLIP-2": (
        "connectors/test_connectors_references.py",
        "test_the_qformer_is_blip2s_in_every_task",
    ),
    "Q-Former without text · BLIP-2": (
        "connectors/test_connectors_references.py",
        "test_queries_alone_are_blip2s_without_text",
    ),
    "video and audio Q-Former · BLIP-2": (
        "connectors/test_connectors_references.py",
        "test_a_videos_qformer_is_blip2s_with_a_look_in_every_layer",
    ),
    "resampler · Idefics' Perceiver": (
        "connectors/test_connectors_references.py",
        "test_the_resampler_is_idefics_perceiver",
    ),
    "mlp · LLaVA's projector": ("connectors/test_connectors_references.py", "test_the_mlp_is_llavas_projector"),
    "vocabulary · Ovis 2's head and table": (
        "connectors/test_connectors_references.py",
        "test_the_vocabulary_is_ovis2s_head_and_table",
    ),
    "frame tower · CLIP's picture tower": ("nn/test_nn_vit.py", "test_without_time_the_tower_is_clips"),
    "image encoder · CLIP": ("encoders/test_encoders_learned_towers.py", "test_the_image_encoder_is_clips"),
    "text encoder · CLIP": ("encoders/test_encoders_learned_towers.py", "test_the_text_encoder_is_clips"),
    "transformer block · torch's encoder layer": ("nn/test_nn_attention.py", "test_a_block_is_torchs_encoder_layer"),
    "state space · Mamba's mixer": ("nn/test_nn_mamba.py", "test_the_mixer_is_the_public_one"),
    "tiny language model · GPT-2": ("language/test_language_model.py", "test_the_tiny_lm_is_gpt2"),
    "symmetric contrast · CLIP's loss": (
        "objectives/test_objectives_contrast.py",
        "test_symmetric_contrast_is_the_loss_of_clip",
    ),
    "sigmoid contrast · SigLIP's loss": (
        "objectives/test_objectives_contrast.py",
        "test_sigmoid_contrast_is_the_loss_of_siglip",
    ),
    "a step back · diffusers' DDPM": (
        "nn/test_nn_unet.py",
        "test_a_step_back_is_the_one_of_diffusers",
    ),
    "mean of a step back · DDPM's formula": ("nn/test_nn_unet.py", "test_the_mean_is_the_papers_formula_in_float32"),
    "splice · LLaVA": ("fusion/test_fusion_formulas.py", "test_the_splice_is_the_one_of_llava"),
    "cross-attention · BERT's decoder layers": (
        "fusion/test_fusion_formulas.py",
        "test_looking_layers_are_the_decoder_layers_of_bert_without_its_causal_mask",
    ),
    "gated block · Idefics": (
        "fusion/test_fusion_formulas.py",
        "test_a_gated_block_is_the_one_of_idefics_with_its_norms_and_thinking_replaced",
    ),
    "single stream · BERT's layers": (
        "fusion/test_fusion_formulas.py",
        "test_a_single_stream_is_berts_layers_over_words_tags_and_regions",
    ),
    "layer prompts · peft's adaption prompt": (
        "fusion/test_fusion_formulas.py",
        "test_prompted_attention_is_the_adaption_prompt_of_peft_without_rotation",
    ),
}
GOLDEN: dict[str, tuple[str, str]] = {
    "ViLA's prompter: logits, chosen frames": (
        "keyframes/test_keyframes_learned.py",
        "test_golden_logits_and_frames_of_the_released_prompter",
    ),
    "ViLA's prompter: gradient": (
        "keyframes/test_keyframes_operators.py",
        "test_golden_selection_and_gradient_of_the_frame_prompter",
    ),
    "ViLA's decoder and distance": (
        "objectives/test_objectives_grounding.py",
        "test_golden_decoder_and_distance_of_vila",
    ),
    "GCG's centres and labels": (
        "keyframes/test_keyframes_learned.py",
        "test_golden_centres_of_the_gaussian_generator",
    ),
    "GCG's mixture at the released width": (
        "keyframes/test_keyframes_learned.py",
        "test_golden_mixture_shows_the_released_width_losing_its_second_centre",
    ),
    "GCG's regression and hinge": (
        "objectives/test_objectives_grounding.py",
        "test_golden_regression_and_hinge_of_gcg",
    ),
    "GCG's contrast, with and without options": (
        "objectives/test_objectives_grounding.py",
        "test_golden_contrast_of_gcg_with_hard_choices",
    ),
    "PPLLaVA's pooling": (
        "connectors/test_connectors_formulas.py",
        "test_released_prompt_pooling_gives_the_golden_values",
    ),
    "PPLLaVA without a question: the average": (
        "connectors/test_connectors_formulas.py",
        "test_without_a_question_prompt_pooling_is_average_pooling",
    ),
}


def measure() -> list[str]:
    watcher = Watcher()
    tests = [f"{ROOT}/tests/{file}::{test}" for file, test in (REFERENCES | GOLDEN).values()]
    with redirect_stdout(io.StringIO()) as printed:
        status = pytest.main([*tests, "-q", "-p", "no:cacheprovider", "--rootdir", str(ROOT)], plugins=[watcher])
    if not watcher.outcomes:
        raise RuntimeError(f"pytest ended with {status} before a test ran:\n{printed.getvalue()}")
    lines = [f"parity: largest differences, float32 where the test has it; at most {LIMIT:.0e}"]
    lines += ["  against reference classes with the same random weights", *_rows(REFERENCES, watcher)]
    lines += ["  against golden numbers", *_rows(GOLDEN, watcher)]
    return lines


def _rows(compared: dict[str, tuple[str, str]], watcher: Watcher) -> list[str]:
    return [f"    {what:52} {watcher.told(f'{file}::{test}')}" for what, (file, test) in compared.items()]


class Watcher(TorchFunctionMode):
    """A pytest plugin that writes down the differences that each test takes."""

    def __init__(self) -> None:
        super().__init__()
        self.differences: dict[str, list[float]] = {}
        self.outcomes: dict[str, list[str]] = {}
        self.now: list[float] = []

    def told(self, test: str) -> str:
        outcomes, differences = self.outcomes.get(test, ["not found"]), self.differences.get(test, [])
        if set(outcomes) != {"passed"}:
            return ", ".join(sorted(set(outcomes)))
        if not differences:
            return f"passed ({len(outcomes)})"
        largest = max(differences)
        return f"{largest:.1e}  {'' if largest <= LIMIT else 'LARGER'}".rstrip()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        self.now = self.differences.setdefault(_short(item.nodeid), [])
        with self, self._watched_isclose():
            return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.skipped or report.failed:
            why = f"skipped: {report.longrepr[2]}" if report.skipped and isinstance(report.longrepr, tuple) else ""
            self.outcomes.setdefault(_short(report.nodeid), []).append(why or report.outcome)

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        caller = sys._getframe(1).f_code.co_filename
        if function in (torch.Tensor.abs, torch.abs) and "/tests/" in caller:
            self.now.append(float(result.detach().max()))
        elif (
            function is torch.allclose and "/tests/" in caller or function is torch.isclose and "_comparison" in caller
        ):
            left, right = (torch.as_tensor(side).detach().double() for side in args[:2])
            self.now.append(float((left - right).abs().max()))
        return result

    @contextmanager
    def _watched_isclose(self) -> Iterator[None]:
        original = math.isclose

        def isclose(left: float, right: float, **tolerance: float) -> bool:
            self.now.append(abs(left - right))
            return original(left, right, **tolerance)

        math.isclose = isclose
        try:
            yield
        finally:
            math.isclose = original


def _short(nodeid: str) -> str:
    return nodeid.split("tests/", 1)[-1].split("[")[0]
