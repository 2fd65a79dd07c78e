"""The questions every learned encoder is asked, over the whole list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import pytest

torch = pytest.importorskip("torch", reason="learned encoders need torch (the lab extra)")

from sightline.encoders.audio import AudioEncoder  # noqa: E402
from sightline.encoders.bind import Binding  # noqa: E402
from sightline.encoders.crops import CropEncoder  # noqa: E402
from sightline.encoders.difference import DifferenceBlock  # noqa: E402
from sightline.encoders.frame_pooling import POOLINGS  # noqa: E402
from sightline.encoders.image import ImageEncoder  # noqa: E402
from sightline.encoders.parts import ENCODER_PARTS  # noqa: E402
from sightline.encoders.progressive import ProgressiveEncoder  # noqa: E402
from sightline.encoders.prompts import LearnedPrompts  # noqa: E402
from sightline.encoders.shared_centres import SharedCentres  # noqa: E402
from sightline.encoders.text import TextEncoder  # noqa: E402
from sightline.errors import BadRecord  # noqa: E402
from stirring import stirred  # noqa: E402

B, T, R, D, E, V, HEADS = 2, 3, 5, 14, 7, 29, 2
PADDING = 2
TOWER = {"side": 12, "patch": 4}


@dataclass(frozen=True)
class Case:
    """How a part is built and called. `length` says where padding is added: input name -> dimension."""

    build: Callable[[], torch.nn.Module]
    inputs: Callable[[], dict[str, torch.Tensor]]
    run: Callable[[torch.nn.Module, dict[str, torch.Tensor]], torch.Tensor]
    length: dict[str, int]


def clips(**shapes):
    """Inputs of B clips of T frames: random `shapes`, growing seconds, all frames valid."""

    def make():
        draw = torch.Generator().manual_seed(3)
        made = {name: torch.randn(shape, generator=draw) for name, shape in shapes.items()}
        seconds = torch.rand(B, T, generator=draw).cumsum(dim=1) + 0.1
        return {**made, "seconds": seconds, "mask": torch.ones(B, T, dtype=torch.bool)}

    return make


def boxes():
    made = clips(pixels=(B, T, 3, 12, 12))()
    corner = torch.rand(B, R, T, 2, generator=torch.Generator().manual_seed(4)) / 2
    return made | {"boxes": torch.cat([corner, corner + 0.4], dim=-1), "mask": torch.ones(B, R, T, dtype=torch.bool)}


def sentences():
    ids = torch.randint(1, V, (B, T), generator=torch.Generator().manual_seed(5))
    return {"ids": ids, "mask": torch.ones(B, T, dtype=torch.bool)}


def text():
    return TextEncoder(V, D, HEADS, 2, E, longest=11)


def tower(part, **options):
    return lambda: part(D, HEADS, 2, E, **TOWER, **options)


def all_valid(module, given, first):
    """Everything an encoder says of the first T frames, in one row for each clip."""
    seen = module(given[first], given["seconds"], given["mask"])
    return torch.cat([part[:, :T].flatten(1) for part in (seen.vectors, seen.tokens, seen.cls)], dim=1)


def tracks(module, given):
    seen = module(given["pixels"], given["boxes"], given["seconds"], given["mask"])
    return torch.cat([seen.vectors, seen.cls], dim=2)[:, :T].flatten(1).unflatten(0, (-1, R)).flatten(1)


def bound(module, given):
    clip = module.see("video", given["pixels"], given["seconds"], given["mask"])
    return module(clip, module.read(torch.tensor([[1, 2, 3]]), torch.ones(1, 3, dtype=torch.bool)))


def motion(module, given):
    frames, clip = module(given["x"], given["seconds"], given["mask"])
    return torch.cat([frames[:, :T].flatten(1), clip], dim=1)


def pooled(module, given):
    return module(given["x"], given["mask"], given["seconds"], given["question"]).flatten(1)


ALONG_TIME = {"pixels": 1, "x": 1, "sound": 1, "seconds": 1, "mask": 1}
CASES = {
    "image": Case(
        tower(ImageEncoder, time="before"),
        clips(pixels=(B, T, 3, 12, 12)),
        lambda m, given: all_valid(m, given, "pixels"),
        ALONG_TIME,
    ),
    "text": Case(text, sentences, lambda m, given: m(given["ids"], given["mask"]).vector, {"ids": 1, "mask": 1}),
    "audio": Case(
        tower(AudioEncoder), clips(sound=(B, T, 8, 20)), lambda m, given: all_valid(m, given, "sound"), ALONG_TIME
    ),
    "crops": Case(
        lambda: CropEncoder(ImageEncoder(D, HEADS, 2, E, **TOWER), 12),
        boxes,
        tracks,
        {"pixels": 1, "boxes": 2, "seconds": 1, "mask": 2},
    ),
    "bind": Case(
        lambda: Binding(text(), video=ImageEncoder(D, HEADS, 2, E, time="before", **TOWER)),
        clips(pixels=(B, T, 3, 12, 12)),
        bound,
        ALONG_TIME,
    ),
    "prompts": Case(
        lambda: LearnedPrompts(text(), [[3], [4, 5]], start=1, end=2, context=3),
        lambda: {},
        lambda m, given: m().vector,
        {},
    ),
    "progressive": Case(
        tower(ProgressiveEncoder),
        clips(pixels=(B, T, 3, 12, 12)),
        lambda m, given: all_valid(m, given, "pixels"),
        ALONG_TIME,
    ),
    "difference": Case(lambda: DifferenceBlock(D, HEADS, 2), clips(x=(B, T, D)), motion, ALONG_TIME),
    "shared_centres": Case(
        lambda: SharedCentres(D), clips(x=(B, T, D)), lambda m, given: m(given["x"], given["mask"]), ALONG_TIME
    ),
} | {
    name: Case(lambda part=part: part(D), clips(x=(B, T, D), question=(B, D)), pooled, ALONG_TIME)
    for name, part in POOLINGS.items()
}
# The keys' bias moves all of a row's scores alike, which a softmax does not see.
UNSEEN = ("key.bias",)


def built(name):
    torch.manual_seed(0)
    return stirred(CASES[name].build())


def longer(given, along, fill):
    """Padding behind, with `fill` in it."""
    made = dict(given)
    for name, dim in along.items():
        if name not in given:
            continue
        shape = list(given[name].shape)
        shape[dim] = PADDING
        value = {torch.bool: False, torch.long: 7}.get(given[name].dtype, fill)
        made[name] = torch.cat([given[name], torch.full(shape, value, dtype=given[name].dtype)], dim=dim)
    return made


def test_every_listed_part_is_there_and_is_asked():
    assert set(CASES) == set(ENCODER_PARTS) and set(POOLINGS) <= set(ENCODER_PARTS)
    for place in ENCODER_PARTS.values():
        module, name = place.split(":")
        assert isinstance(getattr(import_module(module), name), type)


@pytest.mark.parametrize("name", CASES)
def test_the_same_comes_twice_and_is_finite(name):
    case, module = CASES[name], built(name)
    said = case.run(module, case.inputs())
    assert said.isfinite().all() and torch.equal(said, case.run(module, case.inputs()))
    assert torch.equal(said, case.run(built(name), case.inputs()))


@pytest.mark.parametrize("name", CASES)
def test_the_gradient_reaches_every_parameter_that_is_not_frozen(name):
    case, module = CASES[name], built(name)
    given = {part: value.requires_grad_(part in ("x", "pixels", "sound")) for part, value in case.inputs().items()}
    said = case.run(module, given)
    (said * torch.randn(said.shape)).sum().backward()
    assert all(value.grad.abs().sum() > 0 for value in given.values() if value.requires_grad)
    for path, parameter in module.named_parameters():
        if not parameter.requires_grad:
            assert parameter.grad is None and path.startswith("text.")
        else:
            assert parameter.grad.abs().max() > 1e-6 or path.endswith(UNSEEN), path


@pytest.mark.parametrize("name", sorted(set(CASES) - {"prompts"}))
def test_padding_does_not_matter(name):
    case, module = CASES[name], built(name)
    said = case.run(module, case.inputs())
    quiet = case.run(module, longer(case.inputs(), case.length, 0.0))
    loud = case.run(module, longer(case.inputs(), case.length, float("nan")))
    assert torch.equal(quiet, loud)
    torch.testing.assert_close(said, quiet, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"prompts"}))
def test_batch_mates_do_not_matter(name):
    case, module = CASES[name], built(name)
    together = case.run(module, case.inputs())
    given = case.inputs()
    other = {name: torch.cat([part[:1], part[:1].flip(-1)]) if name == "x" else part for name, part in given.items()}
    assert torch.equal(case.run(module, other)[0], together[0])
    alone = case.run(module, {name: part[1:] for name, part in given.items()})
    torch.testing.assert_close(alone[0], together[1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_saved_and_loaded_it_says_the_same(name, tmp_path):
    safetensors = pytest.importorskip("safetensors.torch", reason="weights are kept by safetensors (the lab extra)")
    case, module = CASES[name], built(name)
    safetensors.save_file(module.state_dict(), tmp_path / "weights.safetensors")
    torch.manual_seed(1)
    again = case.build().eval()
    again.load_state_dict(safetensors.load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(case.run(again, case.inputs()), case.run(module, case.inputs()))


@pytest.mark.parametrize("name", POOLINGS)
def test_a_clip_without_a_valid_frame_is_refused(name):
    mask = torch.tensor([[True, False], [False, False]])
    with pytest.raises(BadRecord, match="clip 1 has no valid frame"):
        POOLINGS[name](D)(torch.ones(2, 2, D), mask, question=torch.ones(2, D))
