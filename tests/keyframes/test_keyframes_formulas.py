"""Every training-free way of choosing against a second, slow writing of its formula."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from sightline.errors import BadRecord
from sightline.keyframes import CHOOSERS
from sightline.keyframes.coarse_to_fine import choose_within
from sightline.keyframes.inverse_cdf import capped
from sightline.keyframes.merging import merge_neighbours, soft_targets
from sightline.keyframes.steepness import slopes

T, E = 31, 7
seeds = pytest.mark.parametrize("seed", range(5))
budgets = pytest.mark.parametrize("k", [1, 2, 5, 11, 23])


def drawn(seed):
    """A wandering curve and wandering pictures: neighbours are alike, as in a video."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=T).cumsum(), rng.normal(size=(T, E)).cumsum(axis=0)


def chosen(name, curve, k, vectors=None, **options):
    return CHOOSERS[name](curve, k, vectors=vectors, **options).index[0].tolist()


def scaled(curve):
    return [(s - min(curve)) / (max(curve) - min(curve)) for s in curve]


def cosine(a, b):
    return float(np.dot(a, b)) / math.sqrt(float(np.dot(a, a)) * float(np.dot(b, b)))


# --- blind to content -------------------------------------------------------------------------


@pytest.mark.formula("keyframes/uniform")
@budgets
def test_uniform_takes_the_frame_under_the_middle_of_each_segment(k):
    middles = [(i + 0.5) * T / k for i in range(k)]
    under = [next(t for t in range(T) if t <= middle < t + 1) for middle in middles]
    assert chosen("uniform", np.zeros(T), k) == under


@pytest.mark.formula("keyframes/random-in-segment")
@budgets
def test_random_in_segment_takes_one_frame_of_each_segment_and_over_seeds_every_frame(k):
    taken = [chosen("random-in-segment", np.zeros(T), k, seed=seed) for seed in range(150)]
    borders = [i * T // k for i in range(k + 1)]
    for frames in taken:
        assert all(low <= frame < high for frame, low, high in zip(frames, borders, borders[1:], strict=False))
    assert set(itertools.chain(*taken)) == set(range(T))


# --- by score ---------------------------------------------------------------------------------


@pytest.mark.formula("keyframes/similarity")
@seeds
@budgets
def test_similarity_takes_the_highest_and_of_equals_the_earlier(seed, k):
    curve = np.round(drawn(seed)[0])
    assert chosen("similarity", curve, k) == sorted(sorted(range(T), key=lambda t: (-curve[t], t))[:k])


def greedy_apart(values, k, reach):
    taken, silent = [], set()
    while len(taken) < k:
        heard = [t for t in range(T) if t not in taken and t not in silent]
        if not heard:
            silent = set()
            continue
        best = min(heard, key=lambda t: (-values[t], t))
        taken.append(best)
        silent |= {t for t in range(T) if abs(t - best) <= reach}
    return sorted(taken)


@pytest.mark.formula("keyframes/suppressed-similarity")
@seeds
@budgets
@pytest.mark.parametrize("reach", [0, 2, 5])
def test_suppression_silences_neighbours_until_nobody_is_left(seed, k, reach):
    curve = drawn(seed)[0]
    assert chosen("suppressed-similarity", curve, k, reach=reach) == greedy_apart(curve, k, reach)


def test_suppression_may_be_told_in_seconds():
    seconds = np.array([0.0, 0.1, 0.2, 5.0, 5.1, 9.0])
    assert CHOOSERS["suppressed-similarity"](
        [3, 5, 4, 1, 2, 0], 3, seconds=seconds, reach_seconds=1.0
    ).index.tolist() == [[1, 4, 5]]
    with pytest.raises(BadRecord, match="1.0 seconds apart needs their seconds"):
        CHOOSERS["suppressed-similarity"]([3, 5, 4, 1, 2, 0], 3, reach_seconds=1.0)


def slow_slopes(curve):
    at = lambda t: curve[min(max(t, 0), T - 1)]  # noqa: E731
    smooth = [(at(t - 1) + 2 * at(t) + at(t + 1)) / 4 for t in range(T)]
    inside = [abs(smooth[t + 1] - smooth[t - 1]) / 2 for t in range(1, T - 1)]
    return [abs(smooth[1] - smooth[0]), *inside, abs(smooth[-1] - smooth[-2])]


@pytest.mark.formula("keyframes/steepest")
@seeds
@budgets
def test_steepest_takes_the_largest_slopes_of_the_smoothed_curve(seed, k):
    curve = drawn(seed)[0]
    assert np.allclose(slopes(curve), slow_slopes(curve), atol=1e-12)
    assert chosen("steepest", curve, k) == greedy_apart(slow_slopes(curve), k, reach=1)


def test_a_step_in_the_curve_is_where_it_is_steepest():
    assert chosen("steepest", np.repeat([0.1, 0.9], [13, 18]), 1)[0] in (12, 13)


# --- merging ----------------------------------------------------------------------------------


def merged_slowly(curve, rows, k, distance):
    segments = [[t] for t in range(T)]
    while len(segments) > k:
        gaps = [
            (distance(np.mean([rows[t] for t in a], axis=0), np.mean([rows[t] for t in b], axis=0)), len(a) + len(b))
            for a, b in zip(segments, segments[1:], strict=False)
        ]
        at = gaps.index(min(gaps))
        segments[at : at + 2] = [segments[at] + segments[at + 1]]
    return segments, [max(segment, key=lambda t: curve[t]) for segment in segments]


@pytest.mark.formula("keyframes/merged-by-curve")
@seeds
@budgets
def test_merging_by_the_curve_joins_the_closest_neighbours_first(seed, k):
    curve = drawn(seed)[0]
    _, best = merged_slowly(curve, curve[:, None], k, lambda a, b: abs(a[0] - b[0]))
    assert chosen("merged-by-curve", curve, k) == best


@pytest.mark.formula("keyframes/merged-by-features")
@seeds
@budgets
def test_merging_by_features_joins_the_most_alike_neighbours_first(seed, k):
    curve, vectors = drawn(seed)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    _, best = merged_slowly(curve, unit, k, lambda a, b: 1 - cosine(a, b))
    assert chosen("merged-by-features", curve, k, vectors) == best


@seeds
def test_soft_targets_are_a_softmax_inside_each_merged_segment(seed):
    curve, k = drawn(seed)[0], 5
    segments, _ = merged_slowly(curve, curve[:, None], k, lambda a, b: abs(a[0] - b[0]))
    choice = soft_targets(curve, k, temperature=0.5)
    for row, span, segment in zip(choice.weight[0], choice.extras["span"][0], segments, strict=True):
        heat = [math.exp((curve[t] - max(curve[segment])) / 0.5) for t in segment]
        expected = {t: h / sum(heat) for t, h in zip(segment, heat, strict=True)}
        assert np.allclose(row, [expected.get(t, 0.0) for t in range(T)], atol=1e-6)
        assert span.tolist() == [segment[0], segment[-1]]


def test_a_cold_target_is_the_hard_choice_and_a_hot_one_the_segment_mean():
    curve = drawn(1)[0]
    cold, hot = (soft_targets(curve, 5, temperature=t) for t in (1e-6, 1e9))
    assert np.allclose(cold.weight, CHOOSERS["merged-by-curve"](curve, 5).weight)
    for row, (first, last) in zip(hot.weight[0], hot.extras["span"][0], strict=True):
        assert np.allclose(row[first : last + 1], 1 / (last + 1 - first), atol=1e-6)


def test_soft_targets_of_a_padded_video_put_nothing_on_padding():
    mask = np.arange(T) % 4 != 1
    choice = soft_targets(drawn(2)[0], 7, mask=mask, vectors=drawn(2)[1])
    assert (choice.weight[0][:, ~mask] == 0).all() and np.allclose(choice.weight.sum(axis=-1), 1)


def test_a_still_video_is_cut_into_even_pieces():
    lengths = np.diff(merge_neighbours(np.ones((32, 1)), 4, lambda a, b: abs(float(a[0] - b[0]))))
    assert lengths.tolist() == [8, 8, 8, 8]


# --- relevant and different -------------------------------------------------------------------


@pytest.mark.formula("keyframes/mmr")
@seeds
@budgets
@pytest.mark.parametrize("balance", [0.3, 0.7, 1.0])
def test_mmr_adds_the_relevant_frame_least_like_those_chosen(seed, k, balance):
    curve, vectors = drawn(seed)
    relevance, taken = scaled(curve), []
    while len(taken) < k:
        best, best_value = None, -math.inf
        for t in range(T):
            if t in taken:
                continue
            redundancy = max((cosine(vectors[t], vectors[j]) for j in taken), default=0.0)
            value = balance * relevance[t] - (1 - balance) * redundancy
            if value > best_value + 1e-9:
                best, best_value = t, value
        taken.append(best)
    assert chosen("mmr", curve, k, vectors, balance=balance) == sorted(taken)


def gaussians(a, b):
    distance = float(np.sum((a - b) ** 2))
    return sum(math.exp(-distance / (2 * width)) for width in (0.125, 0.25, 0.5, 1.0, 2.0)) / 5


def dpp_tables(curve, vectors):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    alike = np.array([[gaussians(a, b) for b in unit] for a in unit])
    words = [np.array([c, math.sqrt(1 - c * c)]) for c in (0.2 * r for r in scaled(curve))]
    worth = [10 * math.log(gaussians(w, np.array([1.0, 0.0]))) for w in words]  # 2 / 0.2
    return alike, worth


def log_det(alike, frames):
    return float(np.linalg.slogdet(alike[np.ix_(frames, frames)])[1]) if frames else 0.0


def greedy_order(alike, worth, among, k, given=()):
    """The greedy order among these frames and the value of its beginnings, given frames chosen before."""
    taken, values = [], [0.0]
    for _ in range(min(k, len(among))):
        value = {
            t: log_det(alike, [*given, *taken, t]) - log_det(alike, list(given)) + sum(worth[j] for j in [*taken, t])
            for t in among
            if t not in taken
        }
        best = max(value, key=value.get)
        taken.append(best)
        values.append(value[best])
    return taken, values


@pytest.mark.formula("keyframes/dpp")
@seeds
@pytest.mark.parametrize("k", [1, 2, 5, 7])
def test_dpp_adds_the_frame_that_raises_the_log_determinant_most(seed, k):
    curve, vectors = drawn(seed)
    alike, worth = dpp_tables(curve, vectors)
    assert chosen("dpp", curve, k, vectors) == sorted(greedy_order(alike, worth, range(T), k)[0])


@pytest.mark.formula("keyframes/sequential-dpp")
@seeds
@pytest.mark.parametrize("k", [1, 3, 7])
def test_sequential_dpp_shares_the_budget_where_the_whole_is_worth_most(seed, k):
    curve, vectors = drawn(seed)
    alike, worth = dpp_tables(curve, vectors)
    best = {0: (0.0, [])}
    for first in range(0, T, 11):
        after = {}
        for spent, (value, frames) in best.items():
            given = [max(frames)] if frames else []
            taken, values = greedy_order(alike, worth, range(first, min(first + 11, T)), k - spent, given)
            for take in range(len(values)):
                total = value + values[take]
                if spent + take not in after or total > after[spent + take][0]:
                    after[spent + take] = (total, frames + taken[:take])
        best = after
    assert chosen("sequential-dpp", curve, k, vectors, segment=11) == sorted(best[k][1])


def test_one_segment_is_the_plain_dpp():
    curve, vectors = drawn(3)
    assert chosen("sequential-dpp", curve, 5, vectors, segment=T) == chosen("dpp", curve, 5, vectors)


# --- by density -------------------------------------------------------------------------------


def capped_by_bisection(weight, k):
    low, high = 0.0, 1e9
    for _ in range(200):
        scale = (low + high) / 2
        low, high = (scale, high) if sum(min(1 / k, scale * w) for w in weight) < 1 else (low, scale)
    return [min(1 / k, high * w) for w in weight]


def stepped_slowly(weight, k):
    share = capped_by_bisection([w / max(weight) + 1e-6 for w in weight], k)
    places, walked = [], 0.0
    for place, part in enumerate(share):
        walked += part
        if len(places) < k and walked > (len(places) + 0.5) / k:
            places.append(place)
    return places


@pytest.mark.formula("keyframes/inverse-cdf")
@seeds
@budgets
@pytest.mark.parametrize("power", [1.0, 2.5, 8.0])
def test_inverse_cdf_walks_even_steps_of_the_capped_scores(seed, k, power):
    curve = drawn(seed)[0]
    weight = [r**power for r in scaled(curve)]
    assert np.allclose(capped(np.array(weight), k), capped_by_bisection(weight, k), atol=1e-9)
    assert chosen("inverse-cdf", curve, k, power=power) == stepped_slowly(weight, k)


def test_a_single_peak_is_taken_once_and_the_rest_spread():
    frames = chosen("inverse-cdf", np.eye(60)[17], 8)
    assert 17 in frames and max(np.diff(frames)) <= 10


def test_a_sharper_power_crowds_frames_around_the_peak():
    curve = np.exp(-(((np.arange(101) - 50) / 20) ** 2))
    spread = [np.std(chosen("inverse-cdf", curve, 11, power=power)) for power in (0.0, 1.0, 2.5, 6.0)]
    assert spread == sorted(spread, reverse=True)


# --- by parts ---------------------------------------------------------------------------------


@pytest.mark.formula("keyframes/adaptive-split")
@seeds
@budgets
@pytest.mark.parametrize("stands_out", [0.2, 0.5, 0.8])
def test_adaptive_split_halves_what_does_not_stand_out_and_keeps_the_odd_frame(seed, k, stands_out):
    relevance = scaled(drawn(seed)[0])
    parts, frames = [(list(range(T)), k, 0)], []
    while parts:
        part, budget, depth = parts.pop()
        highest = sorted(part, key=lambda t: (-relevance[t], t))[:budget]
        if budget > 1 and budget < len(part) and depth < 5:
            contrast = sum(relevance[t] for t in highest) / budget - sum(relevance[t] for t in part) / len(part)
            if contrast < stands_out:
                left, right = part[: len(part) // 2], part[len(part) // 2 :]
                odd_left = max(relevance[t] for t in left) >= max(relevance[t] for t in right)
                to_left = math.ceil(budget / 2) if odd_left else math.floor(budget / 2)
                to_left = min(to_left, len(left))
                if budget - to_left > len(right):
                    to_left = budget - len(right)
                parts += [(left, to_left, depth + 1), (right, budget - to_left, depth + 1)]
                continue
        frames += highest
    assert chosen("adaptive-split", drawn(seed)[0], k, stands_out=stands_out) == sorted(frames)


def test_a_peak_that_stands_out_gets_the_whole_budget_and_a_flat_curve_is_covered():
    peak = np.where(abs(np.arange(64) - 40) < 4, 1.0, 0.0)
    assert all(abs(frame - 40) < 4 for frame in chosen("adaptive-split", peak, 4))
    covered = chosen("adaptive-split", np.full(64, 0.5), 8)
    assert max(np.diff(covered)) <= 8


# --- with few looks ---------------------------------------------------------------------------


def looked_slowly(curve, budget):
    grid = max(1, round(0.8 * budget))
    looked = [math.floor((i + 0.5) * T / grid) for i in range(grid)]
    while len(looked) < budget:
        looked.sort()
        gaps = []
        for before, after in zip([-1, *looked], [*looked, T], strict=True):
            ends = [curve[t] for t in (before, after) if 0 <= t < T]
            if after - before > 1:
                gaps.append((-max(ends), -(after - before), before, (before + after) // 2))
        looked += [gap[3] for gap in sorted(gaps)[: max(1, (budget - len(looked)) // 2)]]
    return sorted(looked)


@seeds
@pytest.mark.parametrize("budget", [1, 2, 7, 13, 23, 30])
def test_looking_closer_halves_the_gap_beside_the_highest_score(seed, budget):
    curve = drawn(seed)[0]
    choice = choose_within(lambda frames: curve[frames], T, 1, budget=budget)
    assert choice.extras["looked"][0].tolist() == looked_slowly(curve, budget)
    assert choice.index[0].tolist() == [max(looked_slowly(curve, budget), key=lambda t: curve[t])]


@seeds
def test_a_fifth_of_the_frames_are_the_highest_of_those_looked_at(seed):
    curve = drawn(seed)[0]
    looked = looked_slowly(curve, 19)
    highest = sorted(looked, key=lambda t: -curve[t])[:2]
    assert set(highest) <= set(choose_within(lambda frames: curve[frames], T, 10, budget=19).index[0].tolist())


@pytest.mark.formula("keyframes/coarse-to-fine")
@seeds
@pytest.mark.parametrize("k", [1, 2, 7, 10])
def test_coarse_to_fine_is_a_fifth_of_the_highest_and_even_steps_through_the_heat_of_the_rest(seed, k):
    curve = drawn(seed)[0]
    looked = looked_slowly(curve, 19)
    falling = sorted(looked, key=lambda t: -curve[t])
    sure = falling[: max(1, round(0.2 * k))]
    rest = [t for t in looked if t not in sure]
    low, high = min(curve[t] for t in looked), max(curve[t] for t in looked)
    heat = [math.exp(((curve[t] - low) / (high - low) - 1) / 0.06) for t in rest]
    spread = [rest[place] for place in stepped_slowly(heat, k - len(sure))] if k > len(sure) else []
    chosen = choose_within(lambda frames: curve[frames], T, k, budget=19)
    assert chosen.index[0].tolist() == sorted(sure + spread)


def test_looking_at_every_frame_reads_the_whole_curve():
    curve = drawn(4)[0]
    assert np.array_equal(choose_within(lambda frames: curve[frames], T, 3, budget=T).scores[0], curve)
