"""Each connector's formula, written a second time as the loop one would explain on a blackboard."""

from __future__ import annotations

import itertools
import math

import pytest

torch = pytest.importorskip("torch", reason="connectors need torch (the lab extra)")
import torch.nn.functional as F  # noqa: E402

from sightline.connectors import CONNECTORS  # noqa: E402
from sightline.connectors.adaptive_pool import boxes, shape_for  # noqa: E402
from sightline.connectors.attention_pruning import attention, outliers, pruned  # noqa: E402
from sightline.connectors.clips import Clip, Groups, gathered, shares  # noqa: E402
from sightline.connectors.pixel_shuffle import PixelShuffle  # noqa: E402
from sightline.connectors.prompt_pool import PromptPool, box_weights  # noqa: E402
from sightline.connectors.static_windows import savings, static, windows  # noqa: E402
from sightline.connectors.temporal_merge import repeated  # noqa: E402
from sightline.connectors.token_clustering import clustered, density_peaks  # noqa: E402
from sightline.connectors.token_merging import averaged, bipartite, merge_round  # noqa: E402
from sightline.connectors.two_token import TwoToken  # noqa: E402
from sightline.connectors.vocabulary import Vocabulary  # noqa: E402
from sightline.records import Seen, Words  # noqa: E402
from stirring import stirred  # noqa: E402

T, D, W = 3, 7, 11


def clip(frames=T, grid=(1, 5), seed=0, still=()):
    draw = torch.Generator().manual_seed(seed)
    tokens = torch.randn(frames, grid[0] * grid[1], D, generator=draw)
    for frame in still:  # this frame nearly repeats the one before
        tokens[frame] = tokens[frame - 1] + 0.02 * torch.randn(tokens[frame].shape, generator=draw)
    return Clip(tokens, torch.arange(frames, dtype=torch.float64) + 0.2, grid)


def as_seen(one: Clip) -> Seen:
    tokens = one.tokens[None]
    mask = torch.ones(1, len(one.seconds), dtype=torch.bool)
    return Seen(tokens.mean(2), one.seconds[None], mask, tokens=tokens, grid=one.grid)


def members(groups: Groups):
    """Group -> its rows, as sets."""
    found = [set() for _ in range(groups.count)]
    for row, place in zip(groups.index.tolist(), groups.place.tolist(), strict=True):
        found[place].add(row)
    return found


def close(left, right, atol=1e-5):
    torch.testing.assert_close(left, right, atol=atol, rtol=1e-5)


def test_gathering_is_the_weighted_sum_of_each_groups_rows():
    rows = torch.randn(9, D)
    groups = Groups.of(torch.tensor([1, 0, 1, 2, 2, 2]), index=torch.tensor([8, 3, 0, 0, 4, 5]), weight=torch.rand(6))
    expected = torch.zeros(3, D)
    for row, place, weight in zip(groups.index, groups.place, groups.weight, strict=True):
        expected[place] += weight * rows[row]
    close(gathered(rows, groups), expected)
    close(torch.zeros(3).index_add(0, groups.place, groups.weight), torch.ones(3))


def test_shares_add_up_and_the_last_part_has_one():
    for count, parts in itertools.product(range(1, 20), range(1, 9)):
        dealt = shares(count, parts)
        assert sum(dealt) == count and dealt[-1] >= 1 and max(dealt) - min(dealt) <= 1


@pytest.mark.formula("connectors/linear")
def test_a_budget_averages_neighbouring_tokens():
    one, linear = clip(), CONNECTORS["linear"](D, W, 4)
    rows = one.tokens.reshape(15, D)
    bounds = [math.ceil(i * 15 / 4) for i in range(5)]
    expected = torch.stack([linear.project(rows[a:b]).mean(0) for a, b in itertools.pairwise(bounds)])
    close(linear(as_seen(one)).embeddings[0], expected)


@pytest.mark.formula("connectors/mean_pool")
def test_mean_pool_is_the_mean_over_time_then_the_mean_over_space():
    one, pool = clip(), CONNECTORS["mean_pool"](D, W)
    expected = [sum(one.tokens[t, n] for t in range(T)) / T for n in range(5)]
    expected += [sum(one.tokens[t, n] for n in range(5)) / 5 for t in range(T)]
    prefix = pool(as_seen(one))
    close(prefix.embeddings[0], pool.project(torch.stack(expected)))
    assert prefix.span[0, 0].tolist() == [0.2, 2.2] and prefix.span[0, 5 + 1].tolist() == [1.2, 1.2]


@pytest.mark.formula("connectors/adaptive_pool")
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 2), (5, 2, 3), (3, 5, 7)])
def test_adaptive_pool_is_torchs_adaptive_average_pooling(shape):
    one = clip(frames=5, grid=(5, 7))
    pool = CONNECTORS["adaptive_pool"](D, W, shape=shape)
    projected = pool.project(one.tokens).unflatten(1, (5, 7)).permute(3, 0, 1, 2)  # PLLaVA projects first
    expected = F.adaptive_avg_pool3d(projected, shape).permute(1, 2, 3, 0).flatten(0, 2)
    close(pool(as_seen(one)).embeddings[0], expected)


def test_a_budget_of_boxes_spends_space_before_time():
    assert shape_for(8 * 64, (8, 16, 16)) == (8, 8, 8)
    assert shape_for(8 * 15, (8, 10, 6)) == (8, 5, 3)
    assert shape_for(5, (8, 16, 16)) == (5, 1, 1)


def looped_prompt_pool(values, scores, kernel):
    """The released form: windows of kernel = stride, softmax of scores in each, weighted sum.  values [T, h, w, C]"""
    frames, high, wide, _ = values.shape
    out = []
    for t, r, c in itertools.product(range(0, frames, kernel[0]), range(0, high, kernel[1]), range(0, wide, kernel[2])):
        box = (slice(t, t + kernel[0]), slice(r, r + kernel[1]), slice(c, c + kernel[2]))
        weight = torch.softmax(scores[box].flatten(), 0)
        out.append((weight[:, None] * values[box].flatten(0, 2)).sum(0))
    return torch.stack(out)


def test_released_prompt_pooling_gives_the_golden_values():
    values = torch.sin(0.3 * torch.arange(2 * 4 * 6 * 6).double()).view(2, 4, 6, 6).permute(1, 2, 3, 0)
    cosine = torch.sin(0.9 * torch.arange(4 * 6 * 6).double())
    row, box = boxes((4, 6, 6), (2, 2, 2), overlap=False)
    weight = box_weights(cosine[row], box, 8, "released", scale=10.0, temperature=0.01)
    pooled = gathered(values.reshape(-1, 2).contiguous(), Groups(row, box, weight, 8))
    golden = [
        [0.205918, -0.114587, 0.312683, 0.211039, -0.258696, 0.211492, 0.407710, -0.404500],
        [-0.258529, 0.257055, 0.673859, -0.200104, -0.136959, 0.392322, 0.352103, -0.287808],
    ]
    close(pooled.T, torch.tensor(golden).double(), atol=2e-6)  # float32 moves the last of these digits
    close(pooled, looped_prompt_pool(values, torch.softmax(10 * cosine, 0).view(4, 6, 6) / 0.01, (2, 3, 3)))


def test_without_a_question_prompt_pooling_is_average_pooling():
    values = torch.sin(0.3 * torch.arange(2 * 4 * 6 * 6)).view(2, 4, 6, 6).permute(1, 2, 3, 0)
    one = Clip(values.reshape(4, 36, 2), torch.arange(4.0), (6, 6))
    pooled = gathered(one.rows.contiguous(), PromptPool(2, W).groups(one))
    golden = [0.105048, 0.095708, 0.036674, 0.105686, -0.082314, -0.110651, 0.006438, -0.083579]
    close(pooled[:, 0], torch.tensor(golden), atol=2e-6)


@pytest.mark.formula("connectors/prompt_pool")
@pytest.mark.parametrize("weighting", ["box", "released"])
@pytest.mark.parametrize("project_first", [True, False])
def test_prompt_pool_is_the_window_loop(weighting, project_first):
    torch.manual_seed(1)
    one = clip(frames=4, grid=(6, 6))
    pool = PromptPool(D, W, words_width=5, weighting=weighting, project_first=project_first)
    question = F.normalize(torch.randn(1, 5), dim=-1)
    meets = F.normalize(F.layer_norm(one.tokens, (D,)) @ pool.to_words.weight.T, dim=-1) @ question[0]
    scores = 100 * meets if weighting == "box" else torch.softmax(100 * meets.flatten(), 0).view_as(meets) / 0.01
    values = pool.project(one.tokens) if project_first else one.tokens
    expected = looped_prompt_pool(values.unflatten(1, (6, 6)), scores.unflatten(1, (6, 6)), (2, 3, 3))
    expected = expected if project_first else pool.project(expected)
    close(pool(as_seen(one), Words(question)).embeddings[0], expected)


def test_prompt_pooling_looks_where_the_question_points():
    torch.manual_seed(0)
    one = clip(frames=2, grid=(3, 3))
    pool = PromptPool(D, D)
    with torch.no_grad():
        pool.to_words.weight.copy_(torch.eye(D))
    target = F.layer_norm(one.tokens[1, 4], (D,))
    with_question = Clip(one.tokens, one.seconds, one.grid, question_vector=target)
    close(gathered(one.rows, pool.groups(with_question))[0], one.tokens[1, 4], atol=1e-2)


def test_a_question_that_says_nothing_leaves_the_plain_average():
    one, pool = clip(frames=4, grid=(6, 6)), PromptPool(D, W)
    nothing = pool(as_seen(one), Words(torch.zeros(1, D)))
    close(nothing.embeddings, pool(as_seen(one)).embeddings)


def test_pixel_shuffle_orders_row_offset_column_offset_channel():
    torch.manual_seed(0)
    one = clip(frames=2, grid=(3, 4))
    fold = PixelShuffle(D, W, square=2)
    expected = []
    for frame, r, c in itertools.product(range(2), range(2), range(2)):  # 3 rows are filled to 4 by the last
        spots = [(min(2 * r + i, 2), 2 * c + j) for i in range(2) for j in range(2)]
        x = torch.cat([one.tokens[frame, 4 * row + column] for row, column in spots])
        z = x + fold.when((one.seconds[frame] - one.seconds[0])[None])[0]
        normed = (x - x.mean()) / (x.var(unbiased=False) + 1e-5).sqrt()
        expected.append(fold.project(fold.norm.scale(z) * normed + fold.norm.shift(z)))
    close(fold(as_seen(one)).embeddings[0], torch.stack(expected))


@pytest.mark.formula("connectors/pixel_shuffle")
def test_pixel_shuffle_scales_and_shifts_by_content_and_time_then_projects():
    one, shuffle = clip(frames=3, grid=(3, 5)), stirred(PixelShuffle(D, W, square=2))
    pictures, expected = one.tokens.view(3, 3, 5, D), []
    for frame in range(3):
        when = shuffle.when(one.seconds[frame] - one.seconds[0])
        for row, column in itertools.product((0, 2), (0, 2, 4)):
            cells = [pictures[frame, min(row + r, 2), min(column + c, 4)] for r in (0, 1) for c in (0, 1)]
            x = torch.cat(cells)
            plain = (x - x.mean()) / (x.var(unbiased=False) + 1e-5).sqrt()
            expected.append(shuffle.project(shuffle.norm.scale(x + when) * plain + shuffle.norm.shift(x + when)))
    close(shuffle(as_seen(one)).embeddings[0], torch.stack(expected))


def test_later_frames_never_change_earlier_tokens_of_pixel_shuffle():
    fold, one = stirred(PixelShuffle(D, W, square=2)), clip(frames=5, grid=(4, 4))
    changed = Clip(one.tokens.clone(), one.seconds, one.grid)
    changed.tokens[3:] = 9.0
    assert torch.equal(fold(as_seen(one)).embeddings[0, :12], fold(as_seen(changed)).embeddings[0, :12])


def test_a_place_that_says_one_visual_word_gets_that_words_embedding():
    vocabulary, one = Vocabulary(D, W, words=4, square=1), clip()
    with torch.no_grad():
        vocabulary.head.weight.zero_()
        vocabulary.norm.bias.copy_(torch.tensor([0.0, 0.0, 1e4, 0.0]))
    assert torch.equal(vocabulary(as_seen(one)).embeddings[0], vocabulary.table[2].expand(15, -1))


@pytest.mark.formula("connectors/two_token")
def test_two_token_is_attention_by_the_question_and_the_mean():
    torch.manual_seed(0)
    one, both = clip(), TwoToken(D, W, words_width=2)
    question = torch.randn(1, 3, 2)
    expected = []
    for frame in one.tokens:
        gathered_by = []
        for word in question[0]:
            asked = both.ask(word)
            looks = torch.stack([asked @ both.key(token) / math.sqrt(D) for token in frame]).softmax(0)
            gathered_by.append(sum(look * token for look, token in zip(looks, frame, strict=True)))
        context = both.context(sum(gathered_by) / 3)
        expected += [both.project(context), both.project(sum(frame) / len(frame))]
    prefix = both(as_seen(one), Words(torch.zeros(1, 2), tokens=question))
    close(prefix.embeddings[0], torch.stack(expected))
    assert prefix.span[0, :, 0].tolist() == [0.2, 0.2, 1.2, 1.2, 2.2, 2.2]


def watched_and_asked():
    """Two videos, of three frames and of two, and a question of four words to each, the second of three."""
    draw = torch.Generator().manual_seed(3)
    tokens, told = torch.randn(2, 3, 5, D, generator=draw), torch.randn(2, 4, 6, generator=draw)
    mask, said = torch.ones(2, 3, dtype=torch.bool), torch.ones(2, 4, dtype=torch.bool)
    mask[1, 2], said[1, 3] = False, False
    seconds = torch.tensor([[0.2, 1.2, 4.0], [3.0, 3.5, 9.0]], dtype=torch.float64)
    return Seen(tokens.mean(2), seconds, mask, tokens=tokens), Words(torch.zeros(2, 6), mask=said, tokens=told)


def valid(seen, words, sample):
    """The tokens of a sample's valid frames, the seconds since its first one, its words: no padding left."""
    frames = seen.mask[sample]
    seconds = seen.seconds[sample][frames]
    return seen.tokens[sample][frames], seconds - seconds[0], words.tokens[sample][words.mask[sample]]


def read(connector, told):
    inner = connector.read.out_features
    half = (inner + 1) // 2
    angles = torch.arange(len(told))[:, None] * 10_000.0 ** (-torch.arange(half) / half)
    return connector.read(told) + 0.02 * torch.cat([angles.cos(), angles.sin()], 1)[:, :inner]


@pytest.mark.formula("connectors/qformer")
def test_the_qformer_asks_all_frames_at_their_seconds_with_the_questions_words():
    connector = stirred(CONNECTORS["qformer"](D, W, 2, words_width=6, inner=8, heads=2))
    seen, words = watched_and_asked()
    embeddings = connector(seen, words).embeddings
    for sample in range(2):
        tokens, since, told = valid(seen, words, sample)
        context = torch.cat([frame + connector.when(at) for frame, at in zip(tokens, since, strict=True)])
        queries, _ = connector.qformer(context[None], None, read(connector, told)[None])
        close(embeddings[sample], connector.project(queries[0]))


@pytest.mark.formula("connectors/video_qformer")
def test_the_video_qformer_asks_each_frame_then_what_the_frames_said():
    connector = stirred(CONNECTORS["video_qformer"](D, W, 2, words_width=6, inner=8, heads=2, per_frame=3))
    seen, words = watched_and_asked()
    embeddings = connector(seen, words).embeddings
    for sample in range(2):
        tokens, since, told = valid(seen, words, sample)
        asked = read(connector, told)[None]
        said = [connector.frame(frame[None], None, asked)[0][0] for frame in tokens]
        context = torch.cat([frame + connector.when(at) for frame, at in zip(said, since, strict=True)])
        close(embeddings[sample], connector.project(connector.video(context[None])[0][0]))


@pytest.mark.formula("connectors/resampler")
def test_the_resampler_looks_at_all_frames_at_their_seconds():
    connector = stirred(CONNECTORS["resampler"](D, W, 2, heads=2, head_width=3))
    seen, words = watched_and_asked()
    embeddings = connector(seen).embeddings
    for sample in range(2):
        tokens, since, _ = valid(seen, words, sample)
        context = torch.cat([frame + connector.when(at) for frame, at in zip(tokens, since, strict=True)])
        everything = torch.ones(1, len(context), dtype=torch.bool)
        close(embeddings[sample], connector.project(connector.perceiver(context[None], everything)[0]))


@pytest.mark.formula("connectors/token_merging")
def test_one_merging_round_is_the_described_one():
    tokens, sizes = clip(frames=2, grid=(1, 9), seed=4).tokens, torch.rand(2, 9) + 1
    merged, new_sizes = averaged(tokens, sizes, merge_round(tokens, 3), left=6)
    for group in range(2):
        edges = []
        for a in range(0, 9, 2):
            alike = [float(F.cosine_similarity(tokens[group, a], tokens[group, b], dim=0)) for b in range(1, 9, 2)]
            edges.append((max(alike), a, 1 + 2 * alike.index(max(alike))))
        gone = {a: b for _, a, b in sorted(edges, reverse=True)[:3]}
        expected, weight = [], []
        for token in (t for t in range(9) if t not in gone):
            joined = [token] + [a for a, b in gone.items() if b == token]
            weight.append(sum(sizes[group, j] for j in joined))
            expected.append(sum(sizes[group, j] * tokens[group, j] for j in joined) / weight[-1])
        close(merged[group], torch.stack(expected))
        close(new_sizes[group], torch.stack(weight))


@pytest.mark.parametrize("count", [1, 2, 3, 8, 14, 15])
def test_merging_leaves_any_number_and_loses_no_token(count):
    groups = bipartite(clip(), count)
    assert groups.count == count
    assert sorted(groups.index.tolist()) == list(range(15))


def test_merging_joins_equal_tokens_first():
    one = clip(frames=1, grid=(1, 6))
    one.tokens[0, 3] = one.tokens[0, 0]
    assert {0, 3} in members(bipartite(one, 5))


def looped_density_peaks(rows, centres, neighbours):
    n = len(rows)
    apart = [[float(((rows[i] - rows[j]) ** 2).sum() / D) for j in range(n)] for i in range(n)]
    density = [math.exp(-sum(sorted(line)[:neighbours]) / neighbours) for line in apart]
    score = []
    for i in range(n):
        denser = [math.sqrt(apart[i][j]) for j in range(n) if density[j] > density[i]]
        far = min(denser) if denser else math.sqrt(max(map(max, apart)))
        score.append(density[i] * far)
    peaks = sorted(range(n), key=lambda i: -score[i])[:centres]
    return [peaks.index(i) if i in peaks else min(range(centres), key=lambda c: apart[i][peaks[c]]) for i in range(n)]


@pytest.mark.parametrize("seed", range(5))
def test_density_peaks_are_the_described_ones(seed):
    rows = clip(frames=1, grid=(1, 23), seed=seed).tokens[0]
    assert density_peaks(rows, 5, 4).tolist() == looped_density_peaks(rows, 5, 4)


@pytest.mark.formula("connectors/token_clustering")
@pytest.mark.parametrize("count", [9, 14])
def test_clustering_finds_density_peaks_event_by_event_and_averages_them(count):
    one = clip(frames=7, grid=(1, 5), seed=2)
    together = looped_density_peaks(one.tokens.mean(1), 1, 5)  # a centre for every four frames
    starts = [0]
    for t in range(1, 7):
        if together[t] != together[t - 1] or t - starts[-1] == 4:
            starts.append(t)
    share, expected = shares(count, 7), []
    for first, end in itertools.pairwise([*starts, 7]):
        rows = one.tokens[first:end].reshape(-1, D)
        cluster = looped_density_peaks(rows, max(1, sum(share[first:end])), 5)
        for owner in dict.fromkeys(cluster):  # in the order of their first tokens
            expected.append(torch.stack([row for row, own in zip(rows, cluster, strict=True) if own == owner]).mean(0))
    close(gathered(one.rows, clustered(one, count)), torch.stack(expected))


def test_three_heaps_are_three_clusters():
    heaps = torch.cat([10.0 * heap + 0.1 * torch.randn(6, D) for heap in range(3)])
    found = density_peaks(heaps, 3).view(3, 6)
    assert all(len(set(heap.tolist())) == 1 for heap in found) and len(set(found[:, 0].tolist())) == 3


@pytest.mark.formula("connectors/attention_pruning")
@pytest.mark.parametrize("count", [None, 2, 7, 12])
def test_pruning_keeps_what_the_class_token_looks_at(count):
    one = clip(frames=3, grid=(1, 9), seed=3)
    looked = attention(one)
    keep = outliers(looked).tolist() if count is None else shares(count, 3)
    expected = []
    for frame in range(3):
        kept = sorted(sorted(range(9), key=lambda n: -float(looked[frame, n]))[: keep[frame]])
        for centre in kept:
            tokens = one.tokens[frame]
            near = sorted(range(9), key=lambda n: -float(F.cosine_similarity(tokens[centre], tokens[n], dim=0)))[:4]
            joined = [centre] + [n for n in near if n not in kept]
            weight = [looked[frame, n] for n in joined]
            expected.append(sum(w * tokens[n] for w, n in zip(weight, joined, strict=True)) / sum(weight))
    close(gathered(one.rows, pruned(one, count, neighbours=4)), torch.stack(expected))


def test_outliers_follow_the_interquartile_rule():
    looked = torch.cat([torch.full((1, 15), 0.05), torch.tensor([[0.25]])], dim=1)
    looked[0, :8] -= 0.001
    assert outliers(looked).tolist() == [1]
    assert outliers(torch.full((1, 16), 1 / 16)).tolist() == [1]  # at least one


@pytest.mark.formula("connectors/temporal_merge")
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 7, 9])
def test_temporal_merging_follows_groups_of_four(frames):
    one = clip(frames=frames, grid=(1, 10))
    owner = {(t, n): (t, n) for t in range(frames) for n in range(10)}
    for frame in range(frames):
        if frame % 4 == 0:
            continue
        back = {1: 1, 2: 2, 3: 1}[frame % 4]
        alike = [
            float(F.cosine_similarity(one.tokens[frame, n], one.tokens[frame - back, n], dim=0)) for n in range(10)
        ]
        for n in sorted(range(10), key=lambda n: -alike[n])[:7]:
            owner[frame, n] = owner[frame - back, n]
    expected = {}
    for (frame, n), root in owner.items():
        expected.setdefault(root, set()).add(frame * 10 + n)
    assert members(repeated(one, None, merged=0.7)) == [expected[root] for root in sorted(expected)]


def all_cuts(frames):
    for cut in itertools.product([False, True], repeat=frames - 1):
        starts = [0] + [t + 1 for t, here in enumerate(cut) if here]
        yield [(a, b - 1) for a, b in itertools.pairwise(starts + [frames])]


@pytest.mark.formula("connectors/static_windows")
@pytest.mark.parametrize("seed", range(8))
def test_static_windows_save_as_much_as_the_best_of_all_cuts(seed):
    one = clip(frames=8, grid=(1, 5), seed=seed, still=(2, 3, 6))
    alike = F.cosine_similarity(one.tokens[1:], one.tokens[:-1], dim=-1)  # [T - 1, N]
    threshold = 0.2

    def saved(cut):
        return sum((b - a) * int((alike[a:b] > threshold).all(0).sum()) for a, b in cut)

    groups = static(one, None, threshold=threshold)
    assert 8 * 5 - groups.count == max(saved(cut) for cut in all_cuts(8)) > 0
    run_start = torch.zeros(8, 5, dtype=torch.long)
    for t in range(1, 8):
        run_start[t] = torch.where(alike[t - 1] > threshold, run_start[t - 1], t)
    assert saved(windows(savings(run_start))) == max(saved(cut) for cut in all_cuts(8))


def test_a_still_video_is_one_window():
    one = clip(frames=6, grid=(1, 4), still=range(1, 6))
    groups = static(one, None)
    assert groups.count == 4 and members(groups)[0] == {0, 4, 8, 12, 16, 20}
