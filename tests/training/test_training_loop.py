"""The loop: killed and continued equals uninterrupted, stages, policies, and everything that shall learn feels it."""

import math

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from torch import nn  # noqa: E402

from sightline.errors import BadQuery  # noqa: E402
from sightline.training.log import read_log  # noqa: E402
from sightline.training.loop import Course, Diverged, NoGradient, Stage, learn_in_stages, rate_at  # noqa: E402


def model_with_dropout(seed=0):
    torch.manual_seed(seed)
    return nn.ModuleDict({"body": nn.Sequential(nn.Linear(5, 7), nn.Dropout(0.3)), "head": nn.Linear(7, 1)})


def batches(step):
    while True:
        yield torch.randn(11, 5, generator=torch.Generator().manual_seed(step))
        step += 1


def losses(model, x):
    away = (model["head"](model["body"](x)) - x.sum(dim=1, keepdim=True)).square().mean()
    return {"loss": away, "away": away}


def two_stages(steps=6, **course):
    course = {"half": False, "log_every": 2, "save_every": 3} | course
    return [
        Stage("first", Course(steps, **course), losses, {"head": "frozen"}),
        Stage("second", Course(steps, **course), losses, {"body": "trained 0.1"}),
    ]


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize("stop", [2, 6, 8], ids=["within the first stage", "between the stages", "within the second"])
def test_a_run_that_is_stopped_and_continued_equals_one_that_is_not(tmp_path, stop):
    whole, parts = model_with_dropout(), model_with_dropout()
    torch.manual_seed(3)
    learn_in_stages(whole, batches, two_stages(), tmp_path / "whole")
    torch.manual_seed(3)
    learn_in_stages(parts, batches, two_stages(), tmp_path / "parts", stop_after=stop)
    again = model_with_dropout(seed=9)  # another process starts from anything
    assert learn_in_stages(again, batches, two_stages(), tmp_path / "parts", resume=True) == 12
    assert torch.equal(weights(whole), weights(again))
    terms = [
        [(e["step"], e["loss"], e["stage"]) for e in read_log(tmp_path / n / "log.jsonl")] for n in ("whole", "parts")
    ]
    assert [t[0] for t in terms[0]] == [2, 4, 6, 8, 10, 12]
    assert {t[0]: t for t in terms[1]}[12] == terms[0][-1]


def test_what_was_learned_after_the_last_checkpoint_is_learned_again(tmp_path):
    whole, killed = model_with_dropout(), model_with_dropout()
    stages = [Stage("one", Course(8, half=False, save_every=3), losses)]

    class Killed(Exception):
        pass

    def dying(step):
        for number, x in enumerate(batches(step), step):
            if number == 5:
                raise Killed
            yield x

    torch.manual_seed(3)
    learn_in_stages(whole, batches, stages, tmp_path / "whole")
    torch.manual_seed(3)
    with pytest.raises(Killed):
        learn_in_stages(killed, dying, stages, tmp_path / "killed")
    again = model_with_dropout(seed=4)
    learn_in_stages(again, batches, stages, tmp_path / "killed", resume=True)
    assert torch.equal(weights(whole), weights(again))


def learn(model, batches, losses, course, folder, **more):
    """One stage that is not looked into."""
    return learn_in_stages(model, batches, [Stage("", course, losses)], folder, check=False, **more)


def test_a_half_written_line_of_the_log_is_dropped_when_the_run_goes_on(tmp_path):
    model = model_with_dropout()
    learn(model, batches, losses, Course(4, log_every=1, half=False), tmp_path, stop_after=2)
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 3, "los')
    learn(model, batches, losses, Course(4, log_every=1, half=False), tmp_path, resume=True)
    assert [entry["step"] for entry in read_log(tmp_path / "log.jsonl")] == [1, 2, 3, 4]


def test_what_is_frozen_stays_and_the_rest_learns(tmp_path):
    model = model_with_dropout()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    learn_in_stages(model, batches, two_stages()[:1], tmp_path)
    same = {name for name, p in model.named_parameters() if torch.equal(p, before[name])}
    assert same == {"head.weight", "head.bias"}


def test_a_share_of_the_rate_moves_a_weight_by_that_share(tmp_path):
    moved = []
    for share in (1.0, 0.25):
        model = model_with_dropout()
        before = model["body"][0].weight.detach().clone()
        stage = Stage("one", Course(1, decay=0.0, half=False), losses, {"body": f"trained {share}"})
        torch.manual_seed(1)
        learn_in_stages(model, batches, [stage], tmp_path / str(share))
        moved.append((model["body"][0].weight - before).abs().max().item())
    assert moved[1] == pytest.approx(0.25 * moved[0], rel=1e-4)


def test_a_parameter_that_the_loss_does_not_reach_is_named(tmp_path):
    model = model_with_dropout()
    model["idle"] = nn.Linear(3, 3)
    with pytest.raises(NoGradient, match=r"2 parameters.*'one'.*idle\.weight"):
        learn_in_stages(model, batches, [Stage("one", Course(20, half=False), losses)], tmp_path)


def test_a_model_that_is_frozen_whole_is_refused(tmp_path):
    with pytest.raises(NoGradient, match="freezes the whole model"):
        learn_in_stages(model_with_dropout(), batches, [Stage("one", Course(2), losses, {"": "frozen"})], tmp_path)


def test_a_loss_that_is_not_a_number_stops_the_run(tmp_path):
    with pytest.raises(Diverged, match="nan at step 1"):
        learn(
            model_with_dropout(), batches, lambda m, x: {"loss": m["head"].weight.sum() * math.nan}, Course(1), tmp_path
        )


def test_the_rate_rises_to_its_peak_and_falls_to_a_hundredth():
    course = Course(100, peak=1.0, rising=0.1)
    rates = [rate_at(step, course) for step in range(101)]
    assert rates[9] == max(rates) == 1.0
    assert rates[100] == pytest.approx(0.01)
    assert all(a <= b for a, b in zip(rates[:9], rates[1:10], strict=True))
    assert all(a >= b for a, b in zip(rates[10:-1], rates[11:], strict=True))


def test_lora_learns_beside_weights_that_stay(tmp_path):
    pytest.importorskip("peft")
    model = model_with_dropout()
    body, head = model["body"][0].weight.detach().clone(), model["head"].weight.detach().clone()
    stage = Stage("one", Course(6, half=False), losses, {"body": "lora 2", "head": "frozen"})
    learn_in_stages(model, batches, [stage], tmp_path)
    named = dict(model.named_parameters())
    assert torch.equal(named["body.0.base_layer.weight"], body) and torch.equal(named["head.weight"], head)
    assert named["body.0.lora_A.default.weight"].shape == (2, 5)
    assert bool(named["body.0.lora_B.default.weight"].any())  # it begins at zero


def test_a_lora_run_continues_bit_for_bit(tmp_path):
    pytest.importorskip("peft")
    stages = [
        Stage("first", Course(4, half=False), losses),
        Stage("second", Course(4, half=False), losses, {"body": "lora 2"}),
    ]
    whole, parts, again = model_with_dropout(), model_with_dropout(), model_with_dropout(seed=8)
    torch.manual_seed(3)
    learn_in_stages(whole, batches, stages, tmp_path / "whole")
    torch.manual_seed(3)
    learn_in_stages(parts, batches, stages, tmp_path / "parts", stop_after=6)
    learn_in_stages(again, batches, stages, tmp_path / "parts", resume=True)
    assert torch.equal(weights(whole), weights(again))


@pytest.mark.parametrize("words", ["train", "trained much", "frozen 3", "lora x"])
def test_a_policy_that_means_nothing_is_refused(words, tmp_path):
    with pytest.raises(BadQuery):
        learn_in_stages(model_with_dropout(), batches, [Stage("one", Course(1), losses, {"body": words})], tmp_path)


def test_a_policy_for_a_part_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadQuery, match="'tail'"):
        learn_in_stages(model_with_dropout(), batches, [Stage("one", Course(1), losses, {"tail": "frozen"})], tmp_path)


def test_what_is_locked_stays_in_reading_mode(tmp_path):
    model, modes = model_with_dropout(), []

    def watching(m, x):
        modes.append((m["body"].training, m["head"].training))
        return losses(m, x)

    learn_in_stages(model, batches, [Stage("one", Course(2, half=False), watching, {"body": "locked"})], tmp_path)
    assert modes == [(False, True)] * 2
