"""The frame tower against CLIP's, and what time attention may and may not see."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="nn needs torch (the lab extra)")

from sightline.nn.vit import FrameTower, kept_patches  # noqa: E402
from stirring import stirred  # noqa: E402

B, T, C, HEADS, SIDE, PATCH = 2, 3, 10, 2, 12, 4


def tower(time="none", **options):
    return stirred(FrameTower(C, HEADS, 2, side=SIDE, patch=PATCH, time=time, **options), by=0.05)


def frames(batch=B, count=T, side=(SIDE, SIDE)):
    pixels = torch.randn(batch, count, 3, *side)
    return pixels, torch.arange(count).expand(batch, -1) + 0.2, torch.ones(batch, count, dtype=torch.bool)


@pytest.mark.formula("nn/frame-tower")
def test_without_time_the_tower_is_clips():
    pytest.importorskip("transformers", reason="the reference class lives in transformers (the lab extra)")
    from transformers import CLIPVisionConfig, CLIPVisionModel

    config = CLIPVisionConfig(
        hidden_size=C,
        intermediate_size=4 * C,
        num_hidden_layers=2,
        num_attention_heads=HEADS,
        image_size=SIDE,
        patch_size=PATCH,
    )
    theirs = CLIPVisionModel(config).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    ours = FrameTower(C, HEADS, 2, side=SIDE, patch=PATCH, activation="quick-gelu").eval()
    from_theirs = {name.removeprefix("vision_model."): value for name, value in theirs.state_dict().items()}
    copied = {
        "cls": from_theirs["embeddings.class_embedding"],
        "patchify.weight": from_theirs["embeddings.patch_embedding.weight"],
        "positions": from_theirs["embeddings.position_embedding.weight"],
    }
    names = {"norm_in": "pre_layrnorm", "norm_out": "post_layernorm"}
    for layer in range(2):
        names |= {
            f"blocks.{layer}.attend.inner.{mine}": f"encoder.layers.{layer}.self_attn.{yours}"
            for mine, yours in {"query": "q_proj", "key": "k_proj", "value": "v_proj", "out": "out_proj"}.items()
        }
        names |= {
            f"blocks.{layer}.{mine}": f"encoder.layers.{layer}.{yours}"
            for mine, yours in {
                "attend.norm": "layer_norm1",
                "think.norm": "layer_norm2",
                "think.inner.0": "mlp.fc1",
                "think.inner.2": "mlp.fc2",
            }.items()
        }
    copied |= {f"{a}.{part}": from_theirs[f"{b}.{part}"] for a, b in names.items() for part in ("weight", "bias")}
    ours.load_state_dict(copied)
    pixels, seconds, mask = frames()
    with torch.no_grad():
        said = theirs(pixels.flatten(0, 1))
        tokens, cls, grid = ours(pixels, seconds, mask)
        assert (cls.flatten(0, 1) - said.pooler_output).abs().max() <= 1e-5
        places = ours.norm_out(said.last_hidden_state[:, 1:])
        assert (tokens.flatten(0, 1) - places).abs().max() <= 1e-5
    assert grid == (3, 3) and tokens.shape == (B, T, 9, C)


@pytest.mark.parametrize("time", ["none", "before", "progressive"])
def test_any_picture_size_and_number_of_frames_is_taken(time):
    for count, side in ((1, (12, 12)), (5, (8, 20)), (2, (16, 4))):
        tokens, cls, grid = tower(time)(*frames(count=count, side=side))
        assert grid == (side[0] // 4, side[1] // 4)
        assert tokens.shape == (B, count, grid[0] * grid[1], C) and cls.shape == (B, count, C)


@pytest.mark.parametrize("time", ["none", "before", "progressive"])
def test_padded_frames_never_matter(time):
    made, (pixels, seconds, mask) = tower(time), frames(count=4)
    mask[1, 2:] = False
    noise, later = pixels.clone(), seconds.clone()
    noise[1, 2:], later[1, 2:] = float("nan"), float("nan")
    quiet, loud = made(pixels, seconds, mask)[0], made(noise, later, mask)[0]
    assert torch.equal(quiet[mask], loud[mask])
    alone = made(pixels[1:, :2], seconds[1:, :2], mask[1:, :2])[0]
    torch.testing.assert_close(alone[0], quiet[1, :2], atol=1e-5, rtol=1e-5)


def test_later_frames_never_change_earlier_ones_in_a_progressive_tower():
    made, (pixels, seconds, mask) = tower("progressive"), frames(count=5)
    changed = pixels.clone()
    changed[:, 3:] = 7.0
    before, after = made(pixels, seconds, mask), made(changed, seconds, mask)
    assert torch.equal(before[0][:, :3], after[0][:, :3]) and torch.equal(before[1][:, :3], after[1][:, :3])
    assert not torch.equal(before[0][:, 4], after[0][:, 4])


def test_earlier_frames_do_change_later_ones_when_there_is_time_attention():
    pixels, seconds, mask = frames()
    changed = pixels.clone()
    changed[:, 0] = 7.0
    for time, differs in (("none", False), ("before", True), ("progressive", True)):
        made = tower(time)
        assert torch.equal(made(pixels, seconds, mask)[0][:, 2], made(changed, seconds, mask)[0][:, 2]) != differs


def test_a_repeated_picture_is_told_apart_by_time_alone():
    made = tower("progressive")
    pixels = torch.randn(1, 1, 3, SIDE, SIDE).expand(1, 4, -1, -1, -1)
    mask = torch.ones(1, 4, dtype=torch.bool)
    still = made(pixels, torch.zeros(1, 4), mask)[0]
    moving = made(pixels, torch.arange(4.0)[None], mask)[0]
    apart = [(tokens[:, 0] - tokens[:, 3]).abs().max().item() for tokens in (still, moving)]
    assert apart[0] <= 1e-6 and apart[1] > 100 * apart[0] and apart[1] > 1e-4


def test_time_attention_before_space_begins_as_a_copy_of_it():
    block = FrameTower(C, HEADS, 1, side=SIDE, patch=PATCH, time="before").blocks[0]
    for name, value in block.attend.state_dict().items():
        assert torch.equal(block.before.attend.state_dict()[name], value)


def test_only_the_last_layers_of_a_progressive_tower_look_back():
    made = FrameTower(C, HEADS, 3, side=SIDE, patch=PATCH, time="progressive", time_layers=1)
    assert [block.after is not None for block in made.blocks] == [False, False, True]


def test_patch_dropout_keeps_the_same_patches_in_every_frame():
    tokens = torch.arange(10.0)[None, None, :, None].expand(B, T, 10, 2)
    kept = kept_patches(tokens, 0.5)
    assert kept.shape == (B, T, 5, 2)
    assert all(torch.equal(kept[:, 0], kept[:, t]) for t in range(T))
    assert len(set(kept[0, 0, :, 0].tolist())) == 5
    assert kept_patches(tokens, 0.99).shape[2] == 1


def test_patches_are_dropped_in_training_only():
    made = tower(drop=0.5)
    assert made(*frames())[0].shape[2] == 9
    assert made.train()(*frames())[0].shape[2] == 4


@pytest.mark.parametrize("time", ["none", "before", "progressive"])
def test_the_gradient_reaches_every_parameter(time):
    made = tower(time)
    tokens, cls, _ = made(*frames())
    ((tokens.sum(2) + cls) * torch.arange(C)).sum().backward()
    for path, parameter in made.named_parameters():
        assert parameter.grad.abs().sum() > 0 or path.endswith("key.bias"), path
