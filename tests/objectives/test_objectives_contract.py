"""The questions every objective is asked, over the whole list."""

# ruff: noqa: E402 - what needs torch is imported only where there is torch
from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field

import pytest

torch = pytest.importorskip("torch", reason="objectives need torch (the lab extra)")

from sightline.objectives import OBJECTIVES, objective
from sightline.objectives.triple_contrastive import Side

B, K, L, E, V, T, Q = 3, 2, 5, 7, 11, 13, 4
ALL = sorted(OBJECTIVES)


@dataclass
class Example:
    """`learns` get a gradient; `taught` are known from elsewhere and get none; `fixed` are numbers, ids and masks."""

    learns: dict
    taught: dict = field(default_factory=dict)
    fixed: dict = field(default_factory=dict)

    def value(self, of):
        return of({**self.learns, **self.taught, **self.fixed})


def draw(*shape):
    return torch.randn(*shape)


def keep(*valid, length):
    return torch.arange(length) < torch.tensor(valid)[:, None]


def two_sides(x):
    pictures = Side(x["pictures"], x["picture_twin"], x["picture_queue"], x["patches"])
    words = Side(x["words"], x["words_twin"], x["words_queue"], x["tokens"], x["mask"])
    return objective("triple_contrastive")(pictures, words)


def by_name(name):
    return lambda x: objective(name)(**x)


CALL = {name: by_name(name) for name in ALL} | {
    "triple_contrastive": two_sides,
    "modality_adversarial": lambda x: objective("modality_adversarial")(
        x["pictures"], x["words"], lambda v: v @ x["judge"]
    ),
}

EXAMPLES = {
    "symmetric_contrastive": lambda b: Example({"left": draw(b, E), "right": draw(b, E)}),
    "sigmoid_contrastive": lambda b: Example({"left": draw(b, E), "right": draw(b, E)}),
    "queue_contrastive": lambda b: Example({"query": draw(b, E)}, {"key": draw(b, E), "queue": draw(Q, E)}),
    "soft_contrastive": lambda b: Example(
        {"left": draw(b, E), "right": draw(b, E)},
        {
            "left_twin": draw(b, E),
            "right_twin": draw(b, E),
            "left_queue": draw(Q, E),
            "right_queue": draw(Q + 1, E),
        },
    ),
    "local_contrastive": lambda b: Example(
        {"whole": draw(b, E)}, {"parts": draw(b, L, E)}, {"mask": keep(*[L - i for i in range(b)], length=L)}
    ),
    "triple_contrastive": lambda b: Example(
        {"pictures": draw(b, E), "words": draw(b, E)},
        {
            "picture_twin": draw(b, E),
            "words_twin": draw(b, E),
            "picture_queue": draw(Q, E),
            "words_queue": draw(Q, E),
            "patches": draw(b, L, E),
            "tokens": draw(b, L, E),
        },
        {"mask": keep(*[L - i for i in range(b)], length=L)},
    ),
    "matching": lambda b: Example({"logits": draw(b, 2)}, fixed={"label": torch.arange(b) % 2}),
    "masked_words": lambda b: Example(
        {"logits": draw(b, L, V)},
        {"twin_logits": draw(b, L, V)},
        {"ids": torch.randint(V, (b, L)), "asked": keep(*[2] * b, length=L)},
    ),
    "masked_regions": lambda b: Example(
        {"logits": draw(b, L, V)}, {"seen": draw(b, L, V).softmax(-1)}, {"asked": keep(*[2] * b, length=L)}
    ),
    "next_word": lambda b: Example(
        {"logits": draw(b, L, V)}, fixed={"ids": torch.randint(V, (b, L)), "asked": keep(*[3] * b, length=L)}
    ),
    "centre_regression": lambda b: Example(
        {"centres": torch.rand(b, K)}, fixed={"likely": torch.randint(T, (b, K)).sort(1).values, "frames": T}
    ),
    "order_hinge": lambda b: Example(
        {"centres": torch.tensor([[0.6, 0.4]]).repeat(b, 1) + 0.1 * torch.rand(b, 2)}, fixed={"frames": T}
    ),
    "contrastive_grounding": lambda b: Example(
        {
            "chosen": draw(b, K, E),
            "event": draw(b, E),
            "left_frames": draw(b, L, E),
            "wrong_options": draw(b, 4, E),
            "other_frames": draw(b, 3, E),
        },
        fixed={
            "left_mask": keep(*[L - 1] * b, length=L),
            "options_mask": keep(*[3] * b, length=4),
            "other_mask": keep(*[2] * b, length=3),
            "other_answers": b > 1,
        },
    ),
    "distillation": lambda b: Example(
        {"decoded": draw(b, L, E)}, {"teacher": draw(b, L, E)}, {"mask": keep(*[3] * b, length=L)}
    ),
    "triplet": lambda b: Example(
        {"scores": 0.05 * draw(b, L)},
        fixed={"positives": keep(*[1] * b, length=L), "mask": keep(*[4] * b, length=L), "negatives": "semi-hard"},
    ),
    "modality_adversarial": lambda b: Example({"pictures": draw(b, E), "words": draw(b, E), "judge": draw(E, 2)}),
    "soft_multi_label": lambda b: Example(
        {"logits": draw(b, V)}, fixed={"shares": torch.rand(b, V), "mask": keep(*[4] * b, length=V)}
    ),
    "epsilon_matching": lambda b: Example({"predicted": draw(b, 2, 3, 5)}, {"noise": draw(b, 2, 3, 5)}),
    "code_reconstruction": lambda b: Example(
        {"rebuilt": draw(b, 2, 3, 5), "code_logits": draw(b, L, V)},
        fixed={"pictures": torch.rand(b, 2, 3, 5), "beta": 0.3},
    ),
    "preference": lambda b: Example(
        {"chosen": draw(b), "rejected": draw(b)}, {"chosen_before": draw(b), "rejected_before": draw(b)}
    ),
}

# Who stands in the batch is part of the question here.
AGAINST_THE_BATCH = {
    "symmetric_contrastive",
    "sigmoid_contrastive",
    "soft_contrastive",
    "local_contrastive",
    "triple_contrastive",
    "contrastive_grounding",
}
# mask -> what it covers, along its last dimension
COVERS = {
    "local_contrastive": {"mask": ["parts"]},
    "triple_contrastive": {"mask": ["tokens"]},
    "masked_words": {"asked": ["logits", "twin_logits", "ids"]},
    "masked_regions": {"asked": ["logits", "seen"]},
    "contrastive_grounding": {
        "left_mask": ["left_frames"],
        "options_mask": ["wrong_options"],
        "other_mask": ["other_frames"],
    },
    "distillation": {"mask": ["decoded", "teacher"]},
    "triplet": {"mask": ["scores"]},
    "soft_multi_label": {"mask": ["logits", "shares"]},
}


def example(name, batch=B, seed=0):
    torch.manual_seed(seed)
    made = EXAMPLES[name](batch)
    for part in (*made.learns.values(), *made.taught.values()):
        part.requires_grad_()
    return made


def test_every_objective_has_an_example():
    assert sorted(EXAMPLES) == ALL


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="no objective 'nothing'.*next_word"):
        objective("nothing")


def test_naming_the_objectives_does_not_load_torch():
    code = "import sys, sightline.objectives, sightline.fusion; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ALL)
def test_an_objective_is_one_number_and_its_gradient_reaches_what_learns_and_nothing_else(name):
    made = example(name)
    value = made.value(CALL[name])
    assert value.shape == () and value.isfinite()
    value.backward()
    for what, part in made.learns.items():
        assert part.grad is not None and part.grad.isfinite().all() and part.grad.abs().sum() > 0, what
    for what, part in made.taught.items():
        assert part.grad is None or not part.grad.any(), what


@pytest.mark.parametrize("name", ALL)
def test_the_same_comes_twice(name):
    assert torch.equal(example(name).value(CALL[name]), example(name).value(CALL[name]))


@pytest.mark.parametrize("name", ALL)
def test_one_sample_is_enough(name):
    made = example(name, batch=1)
    value = made.value(CALL[name])
    value.backward()
    assert value.isfinite() and all(part.grad.isfinite().all() for part in made.learns.values())


@pytest.mark.parametrize("factor", [0.0, 1e4])
@pytest.mark.parametrize("name", [name for name in ALL if name not in ("centre_regression", "order_hinge")])
def test_extreme_inputs_give_finite_values_and_gradients(name, factor):
    made = example(name)
    made.learns = {what: (part.detach() * factor).requires_grad_() for what, part in made.learns.items()}
    value = made.value(CALL[name])
    value.backward()
    assert value.isfinite() and all(part.grad.isfinite().all() for part in made.learns.values())


@pytest.mark.parametrize("name", sorted(COVERS))
def test_what_a_mask_covers_does_not_matter(name):
    plain, other = example(name), example(name)
    for mask, covered in COVERS[name].items():
        for what in covered:
            for group in (other.learns, other.taught, other.fixed):
                if what in group:
                    valid = other.fixed[mask].reshape(*other.fixed[mask].shape, *(1,) * (group[what].ndim - 2))
                    group[what] = torch.where(valid, group[what].detach(), 3).requires_grad_(what in other.learns)
    assert torch.equal(plain.value(CALL[name]), other.value(CALL[name]))
    other.value(CALL[name]).backward()
    for mask, covered in COVERS[name].items():
        for what in set(covered) & set(other.learns):
            assert not other.learns[what].grad[~other.fixed[mask]].any(), what


@pytest.mark.parametrize("name", sorted(set(ALL) - AGAINST_THE_BATCH))
def test_neighbours_in_the_batch_do_not_matter(name):
    made = example(name)
    of_batch = {"queue": False, "judge": False}

    def alone(group, i):
        tensors = {w: p for w, p in group.items() if isinstance(p, torch.Tensor) and of_batch.get(w, True)}
        return group | {w: p[i : i + 1] for w, p in tensors.items()}

    singles = [
        Example(alone(made.learns, i), alone(made.taught, i), alone(made.fixed, i)).value(CALL[name]) for i in range(B)
    ]
    assert torch.allclose(made.value(CALL[name]), torch.stack(singles).mean(), atol=1e-6)


@pytest.mark.parametrize("name", ["masked_words", "masked_regions", "next_word", "distillation", "triplet"])
def test_where_nothing_counts_the_objective_is_nothing(name):
    made = example(name)
    for what, part in made.fixed.items():
        if what in ("asked", "mask"):
            made.fixed[what] = torch.zeros_like(part)
    value = made.value(CALL[name])
    value.backward()
    assert value == 0 and not any(part.grad.any() for part in made.learns.values())


@pytest.mark.parametrize("name", ALL)
def test_in_bfloat16_the_value_stays_near_and_the_gradient_finite(name):
    exact, made = example(name).value(CALL[name]), example(name)
    with torch.autocast("cpu", torch.bfloat16):
        value = made.value(CALL[name])
    value.backward()
    assert torch.allclose(value.float(), exact, rtol=0.05, atol=0.05)
    assert all(part.grad.isfinite().all() for part in made.learns.values())


@pytest.mark.parametrize("name", ALL)
def test_double_precision_is_kept(name):
    made = example(name)
    for group in (made.learns, made.taught, made.fixed):
        group |= {w: p.double() for w, p in group.items() if isinstance(p, torch.Tensor) and p.is_floating_point()}
    assert made.value(CALL[name]).dtype == torch.float64
