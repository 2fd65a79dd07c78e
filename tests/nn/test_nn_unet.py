"""The noise arithmetic against Bayes, and a network that takes pictures of any size and learns."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch", reason="nn needs torch (the lab extra)")

from sightline.nn.unet import Noise, NoisyBlock, UNet, draw  # noqa: E402

B, P = 2, 3
WIDTHS = (4, 8)


def net(**options):
    return UNet(P, WIDTHS, heads=2, **options)


def tables(steps=1000):
    """beta and alpha-bar in plain numbers."""
    beta = [1e-4 + (0.02 - 1e-4) * t / (steps - 1) for t in range(steps)]
    kept, product = [], 1.0
    for b in beta:
        product *= 1.0 - b
        kept.append(product)
    return beta, kept


@pytest.mark.formula("nn/noise-schedule")
def test_the_tables_are_those_of_the_paper():
    beta, kept = tables()
    noise = Noise()
    assert max(abs(a - float(b)) for a, b in zip(beta, noise.beta, strict=True)) <= 1e-15
    assert max(abs(a - float(b)) for a, b in zip(kept, noise.kept, strict=True)) <= 1e-12
    assert float(noise.kept[-1]) == pytest.approx(4.036e-5, rel=1e-3)


@pytest.mark.formula("nn/noise-schedule")
@pytest.mark.parametrize("step", [1, 2, 321, 998, 999])
def test_the_mean_one_step_earlier_is_what_bayes_says(step):
    """x_{t-1} given the picture is a Gaussian, x_t given x_{t-1} another: the product's mean, by precisions."""
    beta, kept = tables()
    picture, eps = torch.randn(P, dtype=torch.float64), torch.randn(P, dtype=torch.float64)
    x = math.sqrt(kept[step]) * picture + math.sqrt(1 - kept[step]) * eps
    prior_precision = 1 / (1 - kept[step - 1])
    seen_precision = (1 - beta[step]) / beta[step]
    mean = (prior_precision * math.sqrt(kept[step - 1]) * picture + seen_precision * x / math.sqrt(1 - beta[step])) / (
        prior_precision + seen_precision
    )
    now = torch.tensor([step])
    noise = Noise()
    assert (noise.added(picture[None], now, eps[None]) - x).abs().max() <= 1e-12
    assert (noise.mean_before(x[None], now, eps[None])[0] - mean).abs().max() <= 1e-9
    variance = noise.variance_before(now, x[None], small=True)
    assert float(variance) == pytest.approx(1 / (prior_precision + seen_precision), rel=1e-9)


@pytest.mark.parametrize("step", [0, 1, 321, 999])
def test_the_mean_is_the_papers_formula_in_float32(step):
    beta, kept = tables()
    x, eps = torch.randn(B, P, 5, 7), torch.randn(B, P, 5, 7)
    expected = (x.double() - beta[step] / math.sqrt(1 - kept[step]) * eps.double()) / math.sqrt(1 - beta[step])
    mean = Noise().mean_before(x, torch.full((B,), step), eps)
    assert (mean - expected).abs().max() <= 1e-5


@pytest.mark.parametrize("step", [0, 1, 321, 999])
def test_a_step_back_is_the_one_of_diffusers(step):
    diffusers = pytest.importorskip("diffusers", reason="the reference is diffusers' DDPMScheduler")
    scheduler, noise = diffusers.DDPMScheduler(variance_type="fixed_large", clip_sample=False), Noise()
    assert torch.allclose(scheduler.betas, noise.beta.float(), rtol=1e-6)
    scheduler.alphas_cumprod = noise.kept  # in float32 theirs loses three digits at the first steps
    x, epsilon = (torch.randn(B, P, 5, dtype=torch.float64) for _ in range(2))
    theirs = scheduler.step(epsilon, step, x, generator=torch.Generator().manual_seed(5)).prev_sample
    drawn = torch.randn(x.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    at = torch.full((B,), step)
    ours = noise.mean_before(x, at, epsilon) + noise.variance_before(at, x).sqrt() * drawn
    assert (ours - theirs).abs().max() <= 1e-9


def test_the_true_noise_leads_back_to_the_picture():
    noise, picture, eps = Noise(), torch.randn(B, P, 5, 7).double(), torch.randn(B, P, 5, 7).double()
    step = torch.tensor([7, 803])
    assert (noise.picture(noise.added(picture, step, eps), step, eps) - picture).abs().max() <= 1e-9
    first = torch.tensor([0, 0])
    assert (noise.mean_before(noise.added(picture, first, eps), first, eps) - picture).abs().max() <= 1e-9


def test_a_clipped_picture_stays_between_minus_one_and_one():
    noise, step = Noise(), torch.tensor([0])
    assert noise.mean_before(torch.full((1, 1), 9.0), step, torch.zeros(1, 1), clip=True).item() == pytest.approx(1.0)


def test_the_last_step_adds_nothing_and_the_others_beta_or_less():
    noise, like = Noise(), torch.zeros(3, 1)
    large = noise.variance_before(torch.tensor([0, 1, 500]), like)[:, 0]
    small = noise.variance_before(torch.tensor([0, 1, 500]), like, small=True)[:, 0]
    assert large[0] == small[0] == 0 and (small[1:] < large[1:]).all()
    assert large[2] == pytest.approx(tables()[0][500], rel=1e-6)


@pytest.mark.parametrize("size", [(8, 8), (7, 5), (13, 2), (1, 1)])
def test_a_picture_of_any_size_comes_back_in_its_size(size):
    x = torch.randn(B, P, *size)
    assert net()(x, torch.tensor([0, 9])).shape == x.shape


def test_a_block_is_its_formula():
    block = NoisyBlock(4, 8, 5)
    x, when = torch.randn(B, 4, 3, 5), torch.randn(B, 5)

    def normed(part, values):
        norm, conv = part[0], part[2]
        group = values.reshape(B, norm.num_groups, -1)
        mean, variance = group.mean(2, keepdim=True), group.var(2, keepdim=True, unbiased=False)
        flat = ((group - mean) / (variance + 1e-5).sqrt()).reshape(values.shape)
        flat = flat * norm.weight[:, None, None] + norm.bias[:, None, None]
        return torch.nn.functional.conv2d(flat * torch.sigmoid(flat), conv.weight, conv.bias, padding=1)

    told = (when * torch.sigmoid(when)) @ block.when.weight.T + block.when.bias
    middle = normed(block.first, x) + told[:, :, None, None]
    expected = torch.einsum("oc,bchw->bohw", block.past.weight[:, :, 0, 0], x) + block.past.bias[:, None, None]
    torch.testing.assert_close(block(x, when), expected + normed(block.second, middle), atol=1e-5, rtol=1e-5)


@pytest.mark.formula("nn/unet")
def test_the_net_goes_down_and_up_again_past_what_each_size_looked_like():
    """Level by level with torch's own layers; a block is its formula above."""
    model, x, condition = net(condition_width=5), torch.randn(B, P, 7, 5), torch.randn(B, 5)
    step = torch.tensor([3, 700])
    angles = step[:, None] * torch.tensor([10_000.0 ** (-i / 2) for i in range(2)])
    codes = torch.cat([angles.cos(), angles.sin()], dim=1)  # as wide as the first level
    first, _, last = model.time
    when = torch.nn.functional.silu(codes @ first.weight.T + first.bias) @ last.weight.T + last.bias
    when = when + condition @ model.condition.weight.T + model.condition.bias

    fine = model.down[0](torch.nn.functional.conv2d(x, model.enter.weight, model.enter.bias, padding=1), when)
    half = model.smaller[0]
    coarse = model.down[1](torch.nn.functional.conv2d(fine, half.weight, half.bias, stride=2, padding=1), when)
    bottom = model.bottom(model.smaller[1](coarse), when)
    places = torch.stack([bottom[:, :, r, c] for r in range(bottom.shape[2]) for c in range(bottom.shape[3])], dim=1)
    looked = places + model.look.inner(model.look.norm(places))
    up = torch.stack(looked.unbind(1), dim=2).view_as(bottom)
    for block, beside in ((model.up[1], coarse), (model.up[0], fine)):
        rows = [r * up.shape[2] // beside.shape[2] for r in range(beside.shape[2])]
        columns = [c * up.shape[3] // beside.shape[3] for c in range(beside.shape[3])]
        up = block(torch.cat([up[:, :, rows][:, :, :, columns], beside], dim=1), when)
    torch.testing.assert_close(model(x, step, condition), model.leave(up), atol=1e-5, rtol=1e-5)


def test_the_step_and_the_condition_are_heard():
    model, x = net(condition_width=5), torch.randn(1, P, 8, 8)
    plain = model(x, torch.tensor([3]))
    assert (plain - model(x, torch.tensor([700]))).abs().max() > 1e-2
    assert (plain - model(x, torch.tensor([3]), torch.randn(1, 5))).abs().max() > 1e-2


@pytest.mark.parametrize("width", [3, 4, 8, 9, 12, 32, 64, 96])
def test_what_a_step_adds_to_a_channel_outlives_the_norm(width):
    norm = NoisyBlock(width, width, 5).second[0]
    told = torch.randn(1, width, 1, 1)
    assert norm(torch.randn(1, width, 5, 7) + told).mean(dim=(2, 3)).abs().max() > 1e-2


def test_batch_mates_do_not_matter():
    model, x, step = net().eval(), torch.randn(B, P, 8, 8), torch.tensor([3, 700])
    torch.testing.assert_close(model(x[1:], step[1:])[0], model(x, step)[1], atol=1e-5, rtol=1e-5)


def test_the_gradient_reaches_every_parameter():
    model = net(condition_width=5)
    said = model(torch.randn(B, P, 7, 5), torch.tensor([3, 700]), torch.randn(B, 5))
    (said * torch.randn(said.shape)).sum().backward()
    for path, parameter in model.named_parameters():
        assert parameter.grad.abs().max() > 1e-6 or path.endswith("key.bias"), path


def test_saved_and_loaded_it_says_the_same(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch", reason="weights are kept by safetensors (the lab extra)")
    model, x, step = net(), torch.randn(B, P, 8, 8), torch.tensor([3, 700])
    safetensors.save_file(model.state_dict(), tmp_path / "weights.safetensors")
    again = net()
    again.load_state_dict(safetensors.load_file(tmp_path / "weights.safetensors"))
    assert torch.equal(again(x, step), model(x, step))


def test_the_same_seed_draws_the_same_picture_and_another_one_another():
    model, noise = net().eval(), Noise(steps=7)
    first, again, other = (draw(model, noise, (1, P, 8, 8), seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other) and first.isfinite().all()


def test_what_is_drawn_with_perfect_foresight_is_the_picture():
    noise, picture = Noise(steps=50, last=0.3), torch.rand(1, P, 5, 7) * 2 - 1

    def knows(x, step, condition):
        kept = noise.kept[step].float()[:, None, None, None]
        return (x - kept.sqrt() * picture) / (1 - kept).sqrt()

    torch.testing.assert_close(draw(knows, noise, picture.shape), picture, atol=1e-4, rtol=1e-4)


def test_it_learns_to_tell_noise_from_one_picture():
    model, noise, picture = net(), Noise(), torch.rand(1, P, 8, 8) * 2 - 1
    learn = torch.optim.AdamW(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(40):
        step, eps = torch.randint(0, 1000, (11,)), torch.randn(11, P, 8, 8)
        loss = (model(noise.added(picture.expand(11, -1, -1, -1), step, eps), step) - eps).square().mean()
        learn.zero_grad()
        loss.backward()
        learn.step()
        losses.append(loss.item())
    assert sum(losses[-10:]) / 10 < 0.7 * losses[0]
