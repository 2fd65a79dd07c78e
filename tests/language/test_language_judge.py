"""The judge of options: what an option is worth depends on nothing but the question, its own words and the frames."""

import pytest

torch = pytest.importorskip("torch")

from sightline.asking.judging import laid_out  # noqa: E402
from sightline.language.judge import Judge, by_option  # noqa: E402

F, N, D, W = 3, 5, 7, 8


@pytest.fixture(scope="module")
def judge():
    torch.manual_seed(0)
    return Judge(29, D, N, W, layers=2, heads=2).eval()


def cut(text):
    return [3 + ord(letter) % 26 for letter in text]


def pieces(question, options):
    return [torch.from_numpy(part)[None] for part in laid_out(question, options, cut)]


@pytest.fixture(scope="module")
def frames():
    dice = torch.Generator().manual_seed(1)
    shown = torch.ones(1, F, dtype=torch.bool)
    return torch.randn(1, F, N, D, generator=dice), torch.tensor([[0.0, 2.0, 7.0]]), shown


def values(judge, frames, question, options):
    ids, place, group = pieces(question, options)
    with torch.no_grad():
        return by_option(judge(ids, place, group, *frames), group, len(options))[0]


def test_an_options_value_does_not_depend_on_the_others_or_on_their_order(judge, frames):
    one = values(judge, frames, "which", ["red", "a blue cat", "no"])
    other = values(judge, frames, "which", ["no", "green as grass", "red"])
    assert torch.allclose(one[[0, 2]], other[[2, 0]], atol=1e-6)


def test_the_question_and_the_frames_decide_what_an_option_is_worth(judge, frames):
    one = values(judge, frames, "which", ["red", "blue"])
    assert not torch.allclose(one, values(judge, frames, "where", ["red", "blue"]), atol=1e-4)
    tokens, seconds, shown = frames
    assert not torch.allclose(one, values(judge, (tokens.flip(1), seconds, shown), "which", ["red", "blue"]), atol=1e-4)


def test_frames_that_are_not_shown_are_as_if_they_were_not_there(judge, frames):
    tokens, seconds, shown = frames
    hidden = shown.clone()
    hidden[:, 2] = False
    fewer = tokens[:, :2], seconds[:, :2], shown[:, :2]
    whole = values(judge, (tokens, seconds, hidden), "which", ["red", "blue"])
    assert torch.allclose(whole, values(judge, fewer, "which", ["red", "blue"]), atol=1e-6)


def test_a_samples_values_do_not_depend_on_its_neighbours_or_on_padding(judge, frames):
    short, long = pieces("which", ["red", "blue"]), pieces("what is it", ["a very long option", "b", "c"])
    length = long[0].shape[1]
    padded = [torch.nn.functional.pad(part, (0, length - part.shape[1]), value=-1 if k == 2 else 0) for k, part in
              enumerate(short)]  # fmt: skip
    both = [torch.cat([a, b]) for a, b in zip(padded, long, strict=True)]
    doubled = [part.expand(2, *part.shape[1:]) for part in frames]
    with torch.no_grad():
        together = by_option(judge(*both, *doubled), both[2], 3)
    assert torch.allclose(together[0, :2], values(judge, frames, "which", ["red", "blue"]), atol=1e-5)
    assert together[0, 2] == -torch.inf


def test_an_options_value_is_the_mean_over_its_own_words():
    group = torch.tensor([[0, 0, 1, 2, 2, -1]])
    found = by_option(torch.tensor([[9.0, 9.0, 3.0, 1.0, 2.0, 9.0]]), group, 3)
    assert found.tolist() == [[3.0, 1.5, -float("inf")]]


def test_every_parameter_feels_the_loss(judge, frames):
    ids, place, group = pieces("which", ["red", "blue"])
    by_option(judge(ids, place, group, *frames), group, 2)[0, 0].backward()
    silent = [name for name, part in judge.named_parameters() if part.grad is None or not part.grad.any()]
    judge.zero_grad()
    assert silent == []


def normed(x, norm):
    x = (x - x.mean()) / torch.sqrt(((x - x.mean()) ** 2).mean() + norm.eps)
    return x * norm.weight + norm.bias


def looked(x, others, part):
    """One head of attention for one word, written out."""
    query = part.query.weight @ x + part.query.bias
    keys = [part.key.weight @ other + part.key.bias for other in others]
    weights = torch.stack([(query * key).sum() / W**0.5 for key in keys]).exp()
    values = [part.value.weight @ other + part.value.bias for other in others]
    mixed = sum(weight * value for weight, value in zip(weights / weights.sum(), values, strict=True))
    return part.out.weight @ mixed + part.out.bias


@pytest.mark.formula("language/judge")
def test_the_judge_is_what_one_would_write_on_a_blackboard(frames):
    torch.manual_seed(3)
    model = Judge(29, D, N, W, layers=1, heads=1).eval().requires_grad_(False)
    (tokens, seconds, shown), (ids, place, group) = frames, pieces("ab", ["c", "de"])
    found = model(ids, place, group, tokens, seconds, shown)[0]
    pictures = []
    for f in range(F):
        gap = seconds[0, f] - seconds[0, f - 1] if f else torch.tensor(0.0)
        when = model.order.weight[f] + model.later.weight[:, 0] * torch.log(1 + gap) + model.later.bias
        for n in range(N):
            seen = normed(model.project.weight @ tokens[0, f, n] + model.project.bias, model.calm)
            pictures.append(seen + model.cell.weight[n] + when)
    layer = model.layers[0]
    words = [model.words.weight[i] + model.places.weight[p] for i, p in zip(ids[0], place[0], strict=True)]
    for k, x in enumerate(words):
        allowed = [j for j in range(len(words)) if group[0, j] in (0, group[0, k])]
        calm = [normed(words[j], layer.attend.norm) for j in allowed]
        x = x + looked(normed(x, layer.attend.norm), calm, layer.attend.inner)
        x = x + looked(normed(x, layer.look.norm), pictures, layer.look.inner)
        up, _, down = layer.think.inner
        hidden = torch.nn.functional.gelu(up.weight @ normed(x, layer.think.norm) + up.bias)
        x = x + down.weight @ hidden + down.bias
        value = (model.value.weight[0] * normed(x, model.norm)).sum() + model.value.bias[0]
        assert torch.allclose(found[k], value, atol=1e-4)
