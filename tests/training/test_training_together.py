"""Two processes that learn as one: the same weights as one process with the whole batches."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

SCRIPT = """
import sys, torch
from pathlib import Path
from torch import nn
from sightline.training.loop import Course, Stage, learn_in_stages
from sightline.training.together import join, leave

rank, world = join()
torch.set_num_threads(1)
torch.manual_seed(rank)  # only the first process's start counts
model = nn.Linear(3, 2)

def batches(step):
    while True:
        yield torch.randn(8, 3, generator=torch.Generator().manual_seed(step))[rank::world]
        step += 1

def losses(model, x):
    away = (model(x) - x[:, :2].flip(1)).square().mean()
    return {"loss": away, "away": away}

out = Path(sys.argv[1])
learn_in_stages(model, batches, [Stage("one", Course(5, half=False, log_every=1), losses)], out)
torch.save(model.state_dict(), out / f"weights-{rank}-of-{world}.pt")
leave()
"""


def run(folder: Path, *launcher: str) -> None:
    script = folder / "learn.py"
    script.write_text(SCRIPT)
    (folder / "out").mkdir(exist_ok=True)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, str(script), str(folder / "out")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


def test_two_processes_reach_the_weights_of_one(tmp_path):
    run(tmp_path)
    run(tmp_path, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    alone, first, second = (
        torch.load(tmp_path / "out" / f"weights-{name}.pt", weights_only=True)
        for name in ("0-of-1", "0-of-2", "1-of-2")
    )
    for name, weight in alone.items():
        assert torch.equal(first[name], second[name])
        assert torch.allclose(weight, first[name], atol=1e-6)
