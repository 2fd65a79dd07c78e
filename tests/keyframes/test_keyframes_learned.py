"""The learned ways of choosing: one contract over all of them, golden numbers, and the traps of their public forms."""

# ruff: noqa: E402 - what needs torch is imported only where there is torch
from __future__ import annotations

import importlib
import math

import pytest

torch = pytest.importorskip("torch", reason="learned choosing needs torch (the lab extra)")

from golden import fill, of_the_gaussian, wave  # noqa: E402
from sightline.errors import BadRecord
from sightline.keyframes import CHOOSERS, LEARNED
from sightline.keyframes.gaussian import GaussianChooser, interleaved_sinusoid, mixture, share_of_the_way
from sightline.keyframes.localiser import FrameReader, Localiser, frame_labels
from sightline.keyframes.probe import SingleFrameProbe
from sightline.keyframes.prompter import FramePrompter, ReleasedPrompter, released_temperature, segment_of
from sightline.records import Seen, Words

B, T, N, D, E, L, K = 2, 11, 5, 7, 8, 3, 3

BUILD = {
    "probe": lambda: SingleFrameProbe(E, inner=12),
    "localiser": lambda: Localiser(FrameReader(D, E, 13, inner=8, layers=1), K, yes=2),
    "prompter": lambda: FramePrompter(D, E, K),
    "gaussian": lambda: GaussianChooser(E, K, inner=8, frames=13, samples=50),
}
everyone = pytest.mark.parametrize("name", BUILD)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Parts this small only lose by sharing their work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def built(name, seed=0):
    torch.manual_seed(seed)
    return BUILD[name]().eval()


def watched(batch=B, frames=T, seed=0, valid=None):
    generator = torch.Generator().manual_seed(seed)
    mask = torch.ones(batch, frames, dtype=torch.bool) if valid is None else valid
    return Seen(
        vectors=torch.randn(batch, frames, E, generator=generator),
        seconds=torch.arange(frames, dtype=torch.float64).expand(batch, -1),
        mask=mask,
        tokens=torch.randn(batch, frames, N, D, generator=generator),
    )


def asked(batch=B, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return Words(
        vector=torch.randn(batch, E, generator=generator),
        mask=torch.ones(batch, L, dtype=torch.bool),
        tokens=torch.randn(batch, L, E, generator=generator),
    )


def padded(seen, more):
    """The same frames with frames of nonsense behind them."""
    grown = {
        name: torch.cat([array, array.new_full((len(array), more, *array.shape[2:]), math.nan)], dim=1)
        for name, array in (("vectors", seen.vectors), ("seconds", seen.seconds), ("tokens", seen.tokens))
    }
    return Seen(mask=torch.cat([seen.mask, seen.mask.new_zeros(len(seen.mask), more)], dim=1), **grown)


def of_sample(record, b):
    parts = {name: getattr(record, name) for name in record.__dataclass_fields__ if name not in ("grid", "cls", "ids")}
    return type(record)(**{name: None if part is None else part[b : b + 1] for name, part in parts.items()})


# --- the contract -----------------------------------------------------------------------------


def test_every_learned_chooser_can_be_imported_by_its_name():
    for where in LEARNED.values():
        module, _, part = where.partition(":")
        assert issubclass(getattr(importlib.import_module(module), part), torch.nn.Module)


@everyone
def test_reading_gives_distinct_frames_in_time_order_one_hot_and_the_same_twice(name):
    part = built(name)
    first, second = part(watched(), asked()), part(watched(), asked())
    assert (first.index.diff(dim=1) > 0).all()
    assert torch.equal(first.weight, torch.nn.functional.one_hot(first.index, T).float())
    assert torch.equal(first.index, second.index) and torch.equal(first.scores, second.scores)


@everyone
def test_padding_changes_nothing_and_is_never_chosen(name):
    part = built(name)
    plain, grown = part(watched(), asked()), part(padded(watched(), 6), asked())
    assert torch.equal(plain.index, grown.index)
    assert torch.allclose(plain.scores, grown.scores[:, :T], atol=1e-5)
    assert (grown.weight[..., T:] == 0).all() and grown.weight.isfinite().all()


@everyone
def test_batch_mates_do_not_matter(name):
    part = built(name)
    together = part(watched(), asked())
    for b in range(B):
        alone = part(of_sample(watched(), b), of_sample(asked(), b))
        assert torch.equal(alone.index[0], together.index[b])
        assert torch.allclose(alone.scores[0], together.scores[b], atol=1e-5)


@everyone
def test_fewer_frames_than_wanted_are_all_taken(name):
    valid = torch.arange(T).expand(B, -1) < 2
    choice = built(name)(watched(valid=valid), asked())
    assert choice.index.tolist() == [[0, 1]] * B if name != "probe" else choice.index.shape == (B, 1)


@everyone
def test_any_number_of_frames_from_one_on(name):
    for frames in (1, 2, 3, 17, 41):
        choice = built(name)(watched(frames=frames), asked())
        assert choice.index.shape[1] == (1 if name == "probe" else min(K, frames))
        assert choice.weight.isfinite().all()


@everyone
def test_the_gradient_reaches_every_parameter(name):
    torch.manual_seed(0)
    part = BUILD[name]().train()
    choice = part(watched(), asked())
    if name == "localiser":  # learns from its labels; its choice is hard
        torch.nn.functional.cross_entropy(choice.extras["logits"].flatten(0, 1), torch.arange(B * T) % 13).backward()
    else:
        (choice.weight * torch.randn(choice.weight.shape)).sum().backward()
    for parameter_name, parameter in part.named_parameters():
        if parameter_name == "kind.weight":  # the probe was shown no options
            assert parameter.grad[:2].abs().sum() > 0
        elif not parameter_name.endswith(("key.bias", "judge.3.bias", "score.bias", "attend.2.bias")):
            # the excepted ones shift all logits of a softmax alike: their gradient is zero by construction
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, parameter_name


@everyone
def test_the_question_matters(name):
    part = built(name)
    scores = [part(watched(), asked(seed=seed)).scores for seed in (1, 2)]
    assert not torch.allclose(scores[0], scores[1], atol=1e-4)


@everyone
def test_saved_and_loaded_it_chooses_the_same(name):
    part, other = built(name), built(name, seed=5)
    other.load_state_dict(part.state_dict())
    assert torch.equal(part(watched(), asked()).scores, other(watched(), asked()).scores)


@pytest.mark.parametrize("name", ["probe", "prompter", "gaussian"])
def test_training_explores_and_a_seed_repeats_it(name):
    part = built(name).train()

    def weights(seed):
        torch.manual_seed(seed)
        return torch.stack([part(watched(), asked()).weight for _ in range(7)])

    assert torch.equal(weights(3), weights(3)) and not torch.equal(weights(3), weights(4))
    assert torch.allclose(weights(3).sum(-1), torch.ones(()), atol=1e-5)


# --- golden numbers ---------------------------------------------------------------------------


@pytest.fixture
def released_prompter():
    part = ReleasedPrompter(tokens=5, frames=8, segments=2, temperature=0.5).double().eval()
    first, norm, _, second = part.judge
    fill([first.weight, first.bias, norm.weight, norm.bias, second.weight, second.bias], [norm.weight])
    return part


def golden_frames():
    return Seen(torch.zeros(1, 8, 1), torch.arange(8.0)[None], torch.ones(1, 8).bool(), wave(1, 8, 5, 6, step=0.3))


@pytest.mark.formula("keyframes/released-prompter")
def test_golden_logits_and_frames_of_the_released_prompter(released_prompter):
    uniform = 0.49 * (1 + wave(1, 2, 4, step=1.1)) + 0.01
    choice = released_prompter(golden_frames(), noise=-torch.log(1e-10 - torch.log(uniform + 1e-10)))
    golden = [-0.236376, 0.081334, -0.104905, 0.156145, -0.268111, 0.077271, -0.065513, 0.085976]
    assert torch.allclose(choice.scores[0], torch.tensor(golden, dtype=torch.float64), atol=1e-6)
    assert choice.index.tolist() == [[1, 7]]


@pytest.fixture
def golden_gaussian():
    part = GaussianChooser(32, 2, frames=8, heads=2, dropout=0.0, released_width=0.2).double().eval()
    fill(*of_the_gaussian(part))
    return part


@pytest.mark.formula("keyframes/gaussian")
def test_golden_centres_of_the_gaussian_generator(golden_gaussian):
    vectors, texts = wave(3, 8, 32, step=0.3), wave(3, 6, 32, step=0.2, of=torch.cos)
    seen = Seen(vectors, torch.arange(8.0).expand(3, -1), torch.ones(3, 8).bool())
    centres = golden_gaussian(seen, Words(texts[:, 0]), texts[:, 1:]).extras["centres"]
    golden = [[0.548505, 0.541110], [0.548143, 0.542309], [0.544052, 0.542941]]
    assert torch.allclose(centres, torch.tensor(golden, dtype=torch.float64), atol=2e-6)

    labels = torch.cat([torch.as_tensor(CHOOSERS["similarity"](row, 2).index) for row in wave(3, 8, step=1.3).numpy()])
    assert labels.tolist() == [[1, 6], [3, 7], [0, 5]]
    frames = centres * 7
    regression = torch.nn.functional.smooth_l1_loss(frames, labels.double())
    hinge = (1 + frames[:, 0] - frames[:, 1]).clamp(min=0).mean()
    assert math.isclose(float(regression.detach()), 1.852277, abs_tol=1e-5)
    assert math.isclose(float((regression + hinge).detach()), 2.885737, abs_tol=1e-5)


def released_mixture(centres, frames):
    when = torch.arange(frames)[None] / (frames - 1)
    return mixture(torch.tensor([centres]), when, torch.ones(1, frames).bool(), torch.tensor([[0.2 / 9]]))[0]


def test_golden_mixture_shows_the_released_width_losing_its_second_centre():
    golden = torch.tensor([0, 3.3e-5, 1, 0, 0, 0.002139, 0.133365, 0])
    assert torch.allclose(released_mixture([0.25, 0.80], 8), golden, atol=5e-6)


@pytest.mark.parametrize("frames", [8, 16, 32, 64])
def test_the_scaled_width_lights_a_frame_beside_any_centre_at_any_length(frames):
    """A centre half-way between two frames gives both 0.77 of a centre's height."""
    when, between = torch.arange(frames)[None] / (frames - 1), (frames // 2 + 0.5) / (frames - 1)
    part = GaussianChooser(E, 2, inner=8)
    sigma = part._widths(torch.ones(1, frames).bool())
    heights = torch.exp(-((when - between) ** 2) / (2 * sigma**2))
    assert math.isclose(float(heights.max()), math.exp(-(0.5**2) / (2 * 0.7**2)), rel_tol=1e-4)


def test_the_mixture_is_the_sum_of_gaussians_over_its_maximum():
    centres, sigma = [0.21, 0.55, 0.9], 0.06
    when, mask = torch.arange(13)[None] / 12, torch.arange(13)[None] < 11
    summed = [sum(math.exp(-((i / 12 - c) ** 2) / (2 * sigma**2)) for c in centres) for i in range(11)]
    expected = torch.tensor([[s / max(summed) for s in summed] + [0.0, 0.0]])
    assert torch.allclose(mixture(torch.tensor([centres]), when, mask, torch.tensor([[sigma]])), expected, atol=1e-5)


def test_a_mixture_too_narrow_for_any_frame_still_lights_the_nearest():
    lit = mixture(
        torch.tensor([[0.49]]), torch.tensor([[0.0, 0.5, 1.0]]), torch.ones(1, 3).bool(), torch.tensor([[1e-4]])
    )
    assert lit.argmax() == 1 and lit.max() == 1


def test_positions_are_the_interleaved_sinusoid():
    table = interleaved_sinusoid(5, 6)
    for row in range(5):
        for column in range(6):
            angle = row / 10_000 ** ((column - column % 2) / 6)
            wanted = math.cos(angle) if column % 2 else math.sin(angle)
            assert math.isclose(float(table[row, column]), wanted, abs_tol=1e-5)


def test_the_way_is_measured_in_seconds_of_valid_frames():
    seconds = torch.tensor([[10.0, 11.0, 15.0, 20.0, 99.0], [7.0, 7.0, 7.0, 7.0, 7.0]])
    mask = torch.tensor([[True, True, True, True, False], [True] * 5])
    assert share_of_the_way(seconds, mask)[0].tolist() == pytest.approx([0.0, 0.1, 0.5, 1.0, 0.0])
    assert share_of_the_way(seconds, mask)[1].tolist() == [0.0] * 5


# --- the traps of the public prompter ---------------------------------------------------------


def test_the_released_prompter_chooses_by_lot_when_reading_and_stops_when_told(released_prompter):
    torch.manual_seed(0)
    drawn = {tuple(released_prompter(golden_frames()).index[0].tolist()) for _ in range(200)}
    assert len(drawn) > 8
    released_prompter.noise_when_reading = False
    assert {tuple(released_prompter(golden_frames()).index[0].tolist()) for _ in range(20)} == {(3, 7)}


def normed(seen):
    """The same tokens after a fresh layer norm: what the released prompter is given."""
    return Seen(seen.vectors, seen.seconds, seen.mask, torch.nn.functional.layer_norm(seen.tokens, (D,)))


def test_after_a_fresh_layer_norm_the_released_prompter_cannot_tell_videos_apart():
    torch.manual_seed(0)
    part = ReleasedPrompter(N, 12, K, noise_when_reading=False).eval()
    first, second = (part(normed(watched(frames=12, seed=seed))).scores for seed in (0, 1))
    assert torch.allclose(first, second, atol=1e-5)
    own = built("prompter")
    first, second = (own(normed(watched(frames=12, seed=seed)), asked()).scores for seed in (0, 1))
    assert not torch.allclose(first, second, atol=1e-2)


def test_the_released_prompter_counts_a_cls_as_a_token_and_refuses_padding():
    seen = watched(frames=12)
    with_cls = Seen(seen.vectors, seen.seconds, seen.mask, seen.tokens, seen.tokens[:, :, 0])
    assert ReleasedPrompter(N + 1, 12, K)(with_cls).index.shape == (B, K)
    with pytest.raises(BadRecord, match="reads 12 frames without padding"):
        ReleasedPrompter(N, 12, K)(watched(frames=11))
    with pytest.raises(BadRecord, match="11 frames do not make 3 equal segments"):
        ReleasedPrompter(N, 11, K)


def test_the_released_prompter_is_as_large_as_reported():
    assert sum(p.numel() for p in ReleasedPrompter(257, 32, 4).parameters()) == 16_544


def test_the_gaussian_chooser_is_as_large_as_reported():
    contrastive_head = 1024 * 128 + 128 * 128 + 128  # belongs to the objective here
    assert sum(p.numel() for p in GaussianChooser(1024, 4).parameters()) + contrastive_head == 2_032_005


def test_the_released_temperature_is_still_high_when_training_ends():
    assert [round(released_temperature(epoch * 100, 100), 3) for epoch in (0, 1, 5, 10, 50)] == [
        1,
        0.912,
        0.631,
        0.398,
        0.01,
    ]


def test_the_prompter_takes_one_frame_of_each_segment_of_valid_frames():
    mask = torch.tensor([[True] * 11, [True, False] * 5 + [True]])
    segments = segment_of(mask, K)
    assert segments[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2]
    assert segments[1].tolist() == [0, -1, 0, -1, 1, -1, 1, -1, 2, -1, 2]
    choice = built("prompter")(watched(valid=mask), asked())
    assert segments.gather(1, choice.index).tolist() == [[0, 1, 2]] * B


@pytest.mark.formula("keyframes/prompter")
def test_the_prompter_scores_by_the_formula():
    part, seen, words = built("prompter"), watched(), asked()
    scores = part(seen, words).scores
    for b in range(B):
        question = (part.question.weight @ words.vector[b]).detach()
        for t in range(T):
            heat = [math.exp(float(seen.tokens[b, t, n] @ question) / math.sqrt(D)) for n in range(N)]
            looked_at = sum(h / sum(heat) * seen.tokens[b, t, n] for n, h in enumerate(heat))
            judged = part.judge(torch.cat([looked_at, sum(seen.tokens[b, t]) / N, looked_at * question]))
            assert torch.allclose(judged[0], scores[b, t], atol=1e-5)


# --- probe and localiser ----------------------------------------------------------------------


def test_the_probe_does_not_know_the_order_of_frames():
    part, seen, shuffled = built("probe"), watched(), torch.randperm(T, generator=torch.Generator().manual_seed(2))
    moved = Seen(seen.vectors[:, shuffled], seen.seconds, seen.mask)
    assert torch.allclose(part(seen, asked()).scores[:, shuffled], part(moved, asked()).scores, atol=1e-5)


def test_the_probe_may_see_the_options():
    options = torch.randn(B, 5, E, generator=torch.Generator().manual_seed(3))
    part = built("probe")
    assert not torch.allclose(part(watched(), asked(), options).scores, part(watched(), asked()).scores, atol=1e-4)
    assert part(watched()).index.shape == (B, 1)


@pytest.mark.formula("keyframes/probe")
def test_the_probe_agrees_with_torchs_own_transformer():
    part, seen, words = built("probe"), watched(), asked()
    x = torch.cat([seen.vectors, words.vector[:, None]], dim=1) @ part.down.weight.T + part.down.bias
    x = x * math.sqrt(12) + torch.cat([part.kind.weight[:1].expand(T, -1), part.kind.weight[1:2]])
    for block in part.blocks:
        layer = torch.nn.TransformerEncoderLayer(12, 2, 12, dropout=0.0, batch_first=True)
        attention, thinking = block.attend.inner, block.think.inner
        inward = (attention.query, attention.key, attention.value)
        with torch.no_grad():
            layer.self_attn.in_proj_weight.copy_(torch.cat([part.weight for part in inward]))
            layer.self_attn.in_proj_bias.copy_(torch.cat([part.bias for part in inward]))
        pairs = (
            (layer.self_attn.out_proj, attention.out),
            (layer.norm1, block.attend.norm),
            (layer.norm2, block.think.norm),
            (layer.linear1, thinking[0]),
            (layer.linear2, thinking[2]),
        )
        for theirs, ours in pairs:
            theirs.load_state_dict(ours.state_dict())
        x = layer(x)
    assert torch.allclose(part.score(x[:, :T]).squeeze(-1), part(seen, words).scores, atol=1e-5)


class Echo(torch.nn.Module):
    """A reader that says "yes" as loudly as the frame's first number, and repeats the question's in another word."""

    def forward(self, tokens, words):
        return torch.stack([tokens[:, 0, 0], words.vector[:, 0], torch.zeros(len(tokens))], dim=1)


@pytest.mark.formula("keyframes/localiser")
def test_each_frame_is_read_alone_with_its_own_question():
    seen, words = watched(), asked()
    choice = Localiser(Echo(), K, yes=0)(seen, words)
    for b in range(B):
        probability = []
        for t in range(T):
            yes, other = math.exp(seen.tokens[b, t, 0, 0]), math.exp(words.vector[b, 0])
            probability.append(yes / (yes + other + 1))
        assert choice.scores[b].tolist() == pytest.approx(probability, abs=1e-6)
        assert choice.index[b].tolist() == sorted(sorted(range(T), key=lambda t: -probability[t])[:K])


def test_the_public_score_is_the_raw_logit():
    seen = watched()
    assert torch.equal(Localiser(Echo(), K, yes=0, score="logit")(seen, asked()).scores, seen.tokens[:, :, 0, 0])
    with pytest.raises(BadRecord, match="'probability', 'logit'"):
        Localiser(Echo(), K, yes=0, score="loudness")


def test_the_reader_speaks_from_the_last_valid_word_wherever_padding_lies():
    part, words = built("localiser").reader, asked()
    longer = torch.cat([words.tokens, torch.randn(B, 4, E)], dim=1)
    mask = torch.cat([words.mask, torch.zeros(B, 4, dtype=torch.bool)], dim=1)
    tokens = torch.randn(B, N, D)
    assert torch.allclose(part(tokens, words), part(tokens, Words(words.vector, mask=mask, tokens=longer)), atol=1e-5)


def test_a_frame_is_labelled_yes_where_it_alone_gives_the_right_answer():
    answers = torch.tensor([[[0.1, 0.9], [0.8, 0.2]], [[0.6, 0.4], [0.3, 0.7]]])
    assert frame_labels(answers, torch.tensor([1, 0])).tolist() == [[True, False], [True, False]]


# --- it learns --------------------------------------------------------------------------------


FEW = 5


def videos(count):
    """One frame of five holds the question's vector, the others are noise; and which one it is."""
    question, frames, at = torch.randn(count, E), torch.randn(count, FEW, E), torch.randint(FEW, (count,))
    frames[torch.arange(count), at] = question
    mask = torch.ones(count, FEW, dtype=torch.bool)
    return Seen(frames, torch.arange(float(FEW)).expand(count, -1), mask, frames[:, :, None]), Words(question), at


def let_through(choice, seen, words, at):
    """How far what the choice lets through is from what was asked for: all that a task's loss would see."""
    shown = torch.einsum("bkt,bte->bke", choice.weight, seen.vectors)[:, 0]
    return ((shown - words.vector) ** 2).mean()


def off_centre(choice, seen, words, at):
    """GCG's regression, in frames."""
    return torch.nn.functional.smooth_l1_loss((FEW - 1) * choice.extras["centres"][:, 0], at.float())


LEARNERS = {
    "probe": (lambda: SingleFrameProbe(E, inner=32, layers=2), let_through),
    "prompter": (lambda: FramePrompter(E, E, 1, hidden=32), let_through),
    "gaussian": (lambda: GaussianChooser(E, 1, inner=32, frames=FEW, layers=2, dropout=0.0, samples=2), off_centre),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_it_learns_to_find_the_frame_that_the_question_shows(name):
    torch.manual_seed(0)
    build, loss_of = LEARNERS[name]
    part = build().train()
    optimiser = torch.optim.AdamW(part.parameters(), lr=4e-3)
    for _ in range(200):
        seen, words, at = videos(64)
        optimiser.zero_grad()
        loss_of(part(seen, words), seen, words, at).backward()
        optimiser.step()
    seen, words, at = videos(500)
    found = float((part.eval()(seen, words).index[:, 0] == at).float().mean())
    assert found > 0.5, f"{found:.2f} against 0.20 by chance"
