"""Row 12: one training step of GCG on cached features, forward, losses and backward, beside its dense and looped form.

Both take the same weights, noise and dropout, and start from the same features, as float32 and as float16. Plain is
what the description says, step by step: every draw of the perturbed top-k a one-hot, the choice's weights multiplied
onto all tokens, every chosen token projected and averaged last, positives and negatives sample by sample. A second
plain form spares what one would spare first: it weights the tokens of a sample in one product and averages before it
projects. Memory is the growth over the features, a fresh process each.

From: GCG (arXiv 2401.10711), from its description; the public module took 335 ms and 388 MB at 32 frames, and 1,408 ms
and 1,230 MB at 128 frames of 64 tokens, on one core of such a machine.
Shapes: tokens [B, T, N, D], vectors [B, T, E] -> four losses and the gradient of every weight
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor

from benches.rounds import ROUNDS, Times, lead, side_by_side
from benches.row11_operator import Dense
from benches.tokens import peak, threads, told
from sightline.keyframes.gaussian import FRAME, TEXT
from sightline.recipes import gcg, starting_lm
from sightline.recipes.gcg_released import RELEASED
from sightline.records import Prefix, Seen, Words
from sightline.training import drawn_frames
from sightline.training.batches import Batch
from sightline.training.system import answer_terms

Losses = Callable[[gcg.GCG, Batch], dict[str, Tensor]]
BATCH, TOKENS, WIDTH, SHARED, OPTIONS, VOCABULARY = 8, 257, 1408, 1024, 5, 1024
TARGETS = {32: (0.5, 0.5), 128: (0.3, 0.2)}  # of time and of memory
TYPES = {"float32": torch.float32, "float16": torch.float16}


@threads(1)
def measure() -> list[str]:
    lines = [f"12 train-step: GCG, batch {BATCH}, {TOKENS} x {WIDTH} tokens a frame, 500 draws; 1 thread"]
    for frames in TARGETS:
        for dtype in TYPES:
            lines += _one(frames, dtype)
    return lines


def _one(frames: int, dtype: str) -> list[str]:
    model, batch = material(frames, TYPES[dtype])
    steps = {name: lambda losses=losses: step(losses, model, batch) for name, losses in FORMS.items()}
    times = side_by_side(steps, rounds=ROUNDS if frames < 100 else min(ROUNDS, 3))
    memory = {name: _peak_of(name, frames, dtype) for name in FORMS}
    lines = [f"  {frames} frames, {dtype} ({told(batch.seen.tokens)}); {_drawn(model, batch)}"]
    lines += [f"    {name}: {own.told(1000, 'ms')}, {memory[name]:.0f} MB peak" for name, own in times.items()]
    for name in PLAIN:
        lines.append(_shares(name, times["ours"], times[name], TARGETS[frames][0]))
        lines[-1] += f", {memory['ours'] / memory[name]:.3f} of its memory (target <= {TARGETS[frames][1]})"
        lines[-1] += _apart(times["ours"].result, times[name].result)
    return lines


def _shares(name: str, ours: Times, plain: Times, target: float) -> str:
    ratio, low = lead(ours, plain)
    by_cpu = ours.median_cpu / plain.median_cpu
    share = f"    ours beside {name}: {1 / ratio:.3f} of its time (95 % below {1 / low:.3f}, by processor time "
    return share + f"{by_cpu:.3f}; target <= {target})"


def _apart(ours: Any, plain: Any) -> str:
    loss, gradient = apart(ours, plain)
    assert loss <= 1e-5, f"the losses are {loss:.1e} apart"
    return f"; losses {loss:.1e} apart (target <= 1e-5), gradients {gradient:.1e} of the largest"


def _drawn(model: gcg.GCG, batch: Batch) -> str:
    torch.manual_seed(1)  # as in a step
    count = model.pick(batch).weight.any(dim=1).sum(dim=1)
    return f"{int(count.min())} to {int(count.max())} frames of a video drawn"


def _peak_of(name: str, frames: int, dtype: str) -> float:
    command = [sys.executable, "-m", "benches.row12_gcg_step", name, str(frames), dtype]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def material(frames: int, dtype: torch.dtype, tokens: int = TOKENS, width: int = WIDTH) -> tuple[gcg.GCG, Batch]:
    """A model that has learned nothing yet, so that its centres lie close together, and eight questions."""
    torch.manual_seed(0)
    size = starting_lm.SIZES["tiny"]
    size = replace(size, learn=replace(size.learn, frames=frames))
    shape = {"seen_width": width, "shared_width": SHARED, "grid": [1, tokens]}
    start = starting_lm.blank_start(size, range(VOCABULARY), shape)
    one = torch.randn(frames, tokens, width)
    cached = torch.empty(BATCH, frames, tokens, width, dtype=dtype)
    for sample, place in enumerate(cached):
        place.copy_(one.roll(sample, dims=2))
    model = gcg.GCG(start, replace(RELEASED, draws=500), picks=True).train()
    return model, asked_about(cached)


def asked_about(tokens: Tensor, shared: int = SHARED, vocabulary: int = VOCABULARY) -> Batch:
    """A question with five options about each video."""
    batch, frames = tokens.shape[:2]

    def unit(*shape: int) -> Tensor:
        return F.normalize(torch.randn(*shape, shared), dim=-1)

    def words(*shape: int) -> tuple[Tensor, Tensor]:
        return torch.randint(3, vocabulary, shape), torch.ones(shape, dtype=torch.bool)

    seconds, valid = torch.arange(frames).float().repeat(batch, 1), torch.ones(batch, frames, dtype=torch.bool)
    return Batch(
        Seen(unit(batch, frames), seconds, valid, tokens),
        Words(unit(batch), *words(batch, 13)),
        words(batch, OPTIONS, 3),
        torch.ones(batch, OPTIONS, dtype=torch.bool),
        unit(batch, OPTIONS),
        torch.arange(batch) % OPTIONS,
        unit(batch),
        torch.zeros(batch, frames, dtype=torch.bool),
        tuple(range(batch)),
    )


def step(losses: Losses, model: gcg.GCG, batch: Batch) -> tuple[dict[str, float], dict[str, Tensor]]:
    """The losses and the gradient of every weight; the same noise and dropout at each call."""
    model.zero_grad()
    torch.manual_seed(1)
    terms = losses(model, batch)
    terms["loss"].backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return {name: float(term.detach()) for name, term in terms.items()}, gradients


def apart(ours: Any, plain: Any) -> tuple[float, float]:
    """The largest difference of a loss (as a share of it where it is above 1), and of a gradient as a share of the
    largest gradient."""
    assert ours[0].keys() == plain[0].keys() and ours[1].keys() == plain[1].keys()
    loss = max(abs(ours[0][name] - plain[0][name]) / max(1.0, abs(plain[0][name])) for name in ours[0])
    largest = max(float(gradient.abs().max()) for gradient in plain[1].values())
    return loss, max(float((ours[1][name] - plain[1][name]).abs().max()) for name in ours[1]) / largest


def plain_losses(model: gcg.GCG, batch: Batch) -> dict[str, Tensor]:
    """Plain: weights onto all tokens, place by place; every chosen token projected; runs averaged last."""
    return _plain(model, batch, multiplied, lambda chosen: mean_of_runs(model.connect.project(chosen), model.tokens))


def sparing_losses(model: gcg.GCG, batch: Batch) -> dict[str, Tensor]:
    """Plain, but a sample's tokens in one product, and runs averaged before they are projected."""
    return _plain(model, batch, product, lambda chosen: model.connect.project(mean_of_runs(chosen, model.tokens)))


def undecided_losses(model: gcg.GCG, batch: Batch) -> dict[str, Tensor]:
    """Ours where every frame is drawn at least once: all tokens are read."""
    with mock.patch.object(
        drawn_frames, "drawn", lambda weight: (weight, torch.arange(weight.shape[2]).expand(len(weight), -1))
    ):
        return gcg.losses(model, batch)


PLAIN: dict[str, Losses] = {"plain": plain_losses, "plain, sparing": sparing_losses}
FORMS: dict[str, Losses] = {"ours": gcg.losses, "ours, as if every frame were drawn": undecided_losses} | PLAIN


def _plain(model: gcg.GCG, batch: Batch, weighted: Any, connected: Any) -> dict[str, Tensor]:
    centres, scores = plain_scores(model, batch)
    draws, k = model.settings.draws, centres.shape[1]
    weight = Dense.of(scores, k, draws, 0.05)
    embeddings = connected(weighted(weight, batch.seen.tokens.to(weight.dtype)))
    mask = torch.ones(embeddings.shape[:2], dtype=torch.bool)
    answer = answer_terms(model.scores(batch, Prefix(embeddings, mask, torch.zeros(*mask.shape, 2))), batch)
    left = Dense.of(1 - scores, scores.shape[1] - k, draws, 0.05)
    terms = {
        **answer,
        "regression": plain_regression(centres, batch),
        "contrast": plain_contrast(model, batch, weight, left),
    }
    return {"loss": torch.stack(list(terms.values())).sum(), **terms}


def plain_scores(model: gcg.GCG, batch: Batch) -> tuple[Tensor, Tensor]:
    """Centres [B, K], and the Gaussians around them at every frame, added up, over their maximum [B, T]."""
    chooser, frames = model.chooser, batch.seen.vectors.shape[1]
    seen = chooser.down(batch.seen.vectors) + chooser.positions + chooser.kind[FRAME]
    texts = torch.cat([batch.words.vector[:, None], batch.option_vectors], dim=1)
    x = torch.cat([seen, chooser.down(texts) + chooser.kind[TEXT]], dim=1)
    for block in chooser.blocks:
        x = block(x)
    x = x[:, :frames] + chooser.positions
    centres = chooser.point((chooser.attend(x).softmax(dim=1) * x).sum(dim=1)).sigmoid()
    sigma, when = model.settings.released_width / 9, torch.linspace(0, 1, frames, dtype=x.dtype)
    gaussians = torch.exp(-((when - centres[..., None]) ** 2) / (2 * sigma**2)) / (math.sqrt(2 * math.pi) * sigma)
    total = gaussians.sum(dim=1)
    return centres, total / total.amax(dim=1, keepdim=True)


def multiplied(weight: Tensor, tokens: Tensor) -> Tensor:
    places = weight.unbind(dim=1)
    return torch.stack([(place[:, :, None, None] * tokens).sum(dim=1) for place in places], dim=1)  # [B, K, N, D]


def product(weight: Tensor, tokens: Tensor) -> Tensor:
    samples = zip(weight, tokens, strict=True)
    return torch.stack([(own @ of_one.flatten(1)).unflatten(1, of_one.shape[1:]) for own, of_one in samples])


def mean_of_runs(chosen: Tensor, count: int) -> Tensor:
    """[B, K, N, W] -> [B, count, W]: neighbours in order averaged, sample by sample and run by run."""
    rows = [sample.flatten(0, 1) for sample in chosen]
    bounds = [-(-run * len(rows[0]) // count) for run in range(count + 1)]
    pairs = list(zip(bounds, bounds[1:], strict=False))
    return torch.stack([torch.stack([own[first:end].mean(dim=0) for first, end in pairs]) for own in rows])


def plain_regression(centres: Tensor, batch: Batch) -> Tensor:
    """Centre by centre to the K frames most like the answer, and the order hinge, both in frames."""
    batches, k = centres.shape
    last, pulled, late = batch.seen.vectors.shape[1] - 1, [], []
    for b in range(batches):
        similar = F.cosine_similarity(batch.seen.vectors[b], batch.answer_vector[b], dim=-1)
        likely, at = similar.topk(k).indices.sort().values.to(centres.dtype), centres[b] * last
        pulled += [F.smooth_l1_loss(at[j], likely[j]) for j in range(k)]
        late += [(1 + at[j] - at[j + 1]).clamp(min=0) for j in range(k - 1)]
    return torch.stack(pulled).mean() + torch.stack(late).mean()


def plain_contrast(model: gcg.GCG, batch: Batch, weight: Tensor, left: Tensor) -> Tensor:
    """Every sample and place by itself against its left frames, wrong options and the other samples' answers."""
    vectors, head = batch.seen.vectors, model.head
    samples = range(len(weight))
    chosen = F.normalize(head(torch.stack([weight[b] @ vectors[b] for b in samples])), dim=-1)
    answers = F.normalize(head(batch.answer_vector), dim=-1)
    negatives = F.normalize(head(torch.stack([left[b] @ vectors[b] for b in samples])), dim=-1)
    options = F.normalize(head(batch.option_vectors), dim=-1)
    rows = []
    for b in samples:
        others = torch.stack([answers[a] for a in samples if a != b])
        for frame in chosen[b]:
            against = [negatives[b] @ answers[b], options[b][batch.wrong[b]] @ frame, others @ frame]
            logits = torch.cat([(frame @ answers[b])[None], *against]) / 0.1
            rows.append(F.cross_entropy(logits[None], torch.zeros(1, dtype=torch.long)))
    return torch.stack(rows).mean()


def _print_peak(name: str, frames: int, dtype: str) -> None:
    """MB by which this process grows in one step; what torch sets up once is paid by a small step before."""
    with threads(1):
        step(FORMS[name], *material(13, TYPES[dtype], tokens=11, width=29))
        model, batch = material(frames, TYPES[dtype])
        print(peak(lambda: step(FORMS[name], model, batch)))


if __name__ == "__main__":
    _print_peak(sys.argv[1], int(sys.argv[2]), sys.argv[3])
