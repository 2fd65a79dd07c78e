"""Row 11: choosing that can be learned, forward and backward: perturbed top-k and straight-through Gumbel.

Beside perturbed top-k, the plain dense form (every draw a one-hot, gradient along the diagonal) and the plain loop over
draws; beside Gumbel, the plain loop over samples and segments. The mean gradient is compared with finite differences.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from benches.rounds import ROUNDS, side_by_side
from benches.tokens import Work, beside, peak, threads
from sightline.nn.choice import gumbel_noise, perturbed_top_k, straight_through

SIGMA, DRAWS = 0.05, 500
# batch, frames, chosen, target of the lead over the dense form
SHAPES = ((8, 32, 4, ">= 1.5"), (8, 32, 28, ">= 6"), (1, 600, 32, ">= 20"), (8, 600, 32, ">= 20"))
SEGMENTS = ((8, 8, 4), (64, 8, 4), (8, 32, 19))  # batch, segments, frames in each


@threads(1)  # arrays this small only lose by sharing their work
def measure() -> list[str]:
    lines = [f"11 operator: {DRAWS} draws, forward and backward; {torch.get_num_threads()} thread"]
    for shape in SHAPES:
        lines += _perturbed(*shape)
    lines += ["  mean gradient of 200 runs at 16 frames, 4 chosen", *_gradients()]
    for segments in SEGMENTS:
        lines += _gumbel(*segments)
    return lines


def _perturbed(batch: int, frames: int, k: int, target: str) -> list[str]:
    draw = torch.Generator().manual_seed(0)
    scores, upstream = torch.randn(batch, frames, generator=draw), torch.randn(batch, k, frames, generator=draw)
    contestants: dict[str, Work] = {
        "ours": lambda: _gradient(perturbed_top_k, scores, upstream),
        "dense diagonal, plain": lambda: _gradient(Dense.of, scores, upstream),
    }
    next(iter(contestants.values()))()  # what torch sets up once is nobody's memory
    memory = {name: peak(work) for name, work in contestants.items()}
    rounds = 3 if batch * frames > 1000 else 4 * ROUNDS  # milliseconds need more rounds than seconds do
    times = side_by_side(contestants, rounds=rounds)
    if frames < 100:  # a loop over draws takes seconds beyond; by itself, for it leaves nobody's numbers in the cache
        slow: dict[str, Work] = {"loop over draws, plain": lambda: _gradient(Loop.of, scores, upstream)}
        times |= side_by_side(slow, rounds=3)
        memory |= {name: peak(work) for name, work in slow.items()}
    lines = [f"  perturbed top-k, batch {batch}, {frames} frames, {k} chosen"]
    lines += [f"    {name}: {t.told(1000, 'ms')}, {memory[name]:.1f} MB peak" for name, t in times.items()]
    share = memory["ours"] / memory["dense diagonal, plain"]
    memory_told = f", {share:.3f} of its memory (target <= 0.05)" if frames > 100 else ""
    lines.append(beside("the dense form", times["ours"], times["dense diagonal, plain"], target) + memory_told)
    return lines


def _gradient(operator: Any, scores: Tensor, upstream: Tensor) -> Tensor:
    scores = scores.clone().requires_grad_()
    (operator(scores, upstream.shape[1], samples=DRAWS, sigma=SIGMA) * upstream).sum().backward()
    assert scores.grad is not None
    return scores.grad


def _drawn(scores: Tensor, k: int, samples: int, sigma: float) -> tuple[Tensor, Tensor]:
    """Chosen frames in time order, [B, n, k], and their noise [B, n, T]."""
    noise = torch.randn(len(scores), samples, scores.shape[1])
    return (scores[:, None] + sigma * noise).topk(k, dim=-1).indices.sort(dim=-1).values, noise


class Dense(torch.autograd.Function):
    """Plain: one-hots [B, n, k, T] are averaged; backward contracts them with the noise, frame by frame."""

    @staticmethod
    def of(scores: Tensor, k: int, samples: int, sigma: float) -> Tensor:
        return Dense.apply(scores, k, samples, sigma)

    @staticmethod
    def forward(ctx: Any, scores: Tensor, k: int, samples: int, sigma: float) -> Tensor:
        index, noise = _drawn(scores, k, samples, sigma)
        chosen = torch.nn.functional.one_hot(index, scores.shape[1]).float()
        ctx.save_for_backward(chosen, noise)
        ctx.sigma = sigma
        return chosen.mean(dim=1)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        chosen, noise = ctx.saved_tensors
        expected = torch.einsum("bnkt,bnt->bkt", chosen, noise) / (noise.shape[1] * ctx.sigma)
        return torch.einsum("bkt,bkt->bt", upstream[0], expected), None, None, None


class Loop(torch.autograd.Function):
    """Plain: sample by sample and draw by draw; backward is the true gradient, draw by draw."""

    @staticmethod
    def of(scores: Tensor, k: int, samples: int, sigma: float) -> Tensor:
        return Loop.apply(scores, k, samples, sigma)

    @staticmethod
    def forward(ctx: Any, scores: Tensor, k: int, samples: int, sigma: float) -> Tensor:
        weight = torch.zeros(len(scores), k, scores.shape[1])
        draws = []
        for b in range(len(scores)):
            for _ in range(samples):
                noise = torch.randn(scores.shape[1])
                frames = (scores[b] + sigma * noise).topk(k).indices.sort().values
                for slot, frame in enumerate(frames.tolist()):
                    weight[b, slot, frame] += 1 / samples
                draws.append((b, frames, noise))
        ctx.draws, ctx.samples, ctx.sigma, ctx.shape = draws, samples, sigma, scores.shape
        return weight

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        grad, slots = torch.zeros(ctx.shape), torch.arange(upstream[0].shape[1])
        worth = [float(upstream[0][b, slots, frames].sum()) for b, frames, _ in ctx.draws]
        for b in range(ctx.shape[0]):
            own = range(b * ctx.samples, (b + 1) * ctx.samples)
            mean = sum(worth[i] for i in own) / ctx.samples
            for i in own:
                grad[b] += (worth[i] - mean) * ctx.draws[i][2] / ((ctx.samples - 1) * ctx.sigma)
        return grad, None, None, None


def _gradients(frames: int = 16, k: int = 4, runs: int = 200, step: float = 0.01, draws: int = 400_000) -> list[str]:
    """Cosine and relative error of the mean gradient against central differences of the expectation."""
    torch.manual_seed(0)
    scores = torch.linspace(0.4, 0.6, frames)[torch.randperm(frames)]
    upstream = torch.randn(k, frames)
    noise = torch.randn(draws, frames)

    def expectation(moved: Tensor) -> Tensor:
        chosen = (moved + SIGMA * noise).topk(k, dim=-1).indices.sort(dim=-1).values
        return upstream.gather(1, chosen.T).sum() / draws

    exact = torch.stack(
        [(expectation(scores + h) - expectation(scores - h)) / (2 * step) for h in step * torch.eye(frames)]
    )
    many = (scores.expand(runs, -1), upstream.expand(runs, -1, -1))
    lines = []
    for name, operator in (("ours", perturbed_top_k), ("dense diagonal, plain", Dense.of)):
        mean = _gradient(operator, *many).mean(dim=0)
        cosine = float(torch.nn.functional.cosine_similarity(mean, exact, dim=0))
        error = float((mean - exact).norm() / exact.norm())
        target = " (target >= 0.99)" if name == "ours" else ""
        lines.append(f"    {name}: cosine to finite differences {cosine:.4f}{target}, relative error {error:.3f}")
    return lines


def _gumbel(batch: int, segments: int, frames: int) -> list[str]:
    logits = torch.randn(batch, segments, frames, generator=torch.Generator().manual_seed(0))
    upstream = torch.randn(batch, segments, frames, generator=torch.Generator().manual_seed(1))
    contestants: dict[str, Work] = {
        "ours": lambda: _gumbel_gradient(
            lambda x: straight_through(x, temperature=0.5, noise=gumbel_noise(x)), logits, upstream
        ),
        "loop, plain": lambda: _gumbel_gradient(plain_gumbel, logits, upstream),
    }
    times = side_by_side(contestants)
    lines = [f"  straight-through Gumbel, batch {batch}, {segments} segments of {frames} frames"]
    lines += [f"    {name}: {t.told(1000, 'ms')}" for name, t in times.items()]
    return [*lines, beside("the loop", times["ours"], times["loop, plain"], ">= 10")]


def _gumbel_gradient(operator: Any, logits: Tensor, upstream: Tensor) -> Tensor:
    logits = logits.clone().requires_grad_()
    (operator(logits) * upstream).sum().backward()
    assert logits.grad is not None
    return logits.grad


def plain_gumbel(logits: Tensor) -> Tensor:
    """Plain: segment by segment of every sample."""
    rows = []
    for sample in logits:
        for segment in sample:
            noise = -torch.log(1e-10 - torch.log(torch.rand_like(segment) + 1e-10))
            soft = torch.softmax((segment + noise) / 0.5, dim=0)
            hard = torch.zeros_like(soft)
            hard[soft.argmax()] = 1.0
            rows.append(hard - soft.detach() + soft)
    return torch.stack(rows).view_as(logits)
