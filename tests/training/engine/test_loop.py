"""The training loop: a killed run ends with the weights of one that was not, alone or with others."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from showtell.errors import BadBundle, BadRecipe
from showtell.progress import Progress
from showtell.training.engine import loop
from showtell.training.engine.checkpoint import load_average
from showtell.training.engine.devices import choose_device
from showtell.training.engine.loop import fit, rate
from showtell.training.settings import Schedule

SCHEDULE = Schedule(epochs=4, learning_rate=1e-2, warmup=5, average=0.9, checkpoint_every=3)


class Points(NamedTuple):
    """A batch of points and their values."""

    points: torch.Tensor
    values: torch.Tensor

    def to(self, device: torch.device) -> "Points":
        return Points(self.points.to(device), self.values.to(device))


class Lines:
    """Batches of points on a line, in an order that the pass decides."""

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay

    def __len__(self) -> int:
        return 10

    def of_epoch(self, number: int, *, start: int, rank: int, ranks: int) -> Iterator[Points]:
        generator = torch.Generator().manual_seed(number)
        points = torch.randn(len(self), 8, 3, generator=generator)
        for batch in range(start, len(self)):
            time.sleep(self.delay)
            mine = points[batch][rank::ranks]
            yield Points(mine, mine.sum(dim=1, keepdim=True))


def run(folder: Path, *, delay: float = 0.0, schedule: Schedule = SCHEDULE) -> nn.Module:
    torch.manual_seed(7)
    model = nn.Sequential(nn.Linear(3, 16), nn.Dropout(0.3), nn.Linear(16, 1))
    fit(
        model,
        Lines(delay),
        loss=lambda network, batch: ((network(batch[0]) - batch[1]) ** 2).mean(),
        # Drawing here must not change what training draws.
        validate=lambda network: (
            -float((network(torch.ones(1, 3)) - 3).abs() + torch.rand(1) * 0),
            {"score": 1},
        ),
        schedule=schedule,
        folder=folder,
        device=torch.device("cpu"),
    )
    return model


def weights(folder: Path, name: str = "last") -> dict[str, torch.Tensor]:
    return load_file(folder / "checkpoints" / f"{name}.safetensors")


def test_a_killed_run_that_continues_ends_with_the_same_weights(tmp_path: Path) -> None:
    run(tmp_path / "whole")
    program = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n" + (
        "from test_loop import run\nfrom pathlib import Path\nrun(Path(sys.argv[1]), delay=0.1)"
    )
    killed = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", program, str(killed)])
    while not (killed / "log.jsonl").exists() and process.poll() is None:
        time.sleep(0.02)
    time.sleep(0.45)  # into the second epoch, past a checkpoint
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert len((killed / "log.jsonl").read_text().splitlines()) < SCHEDULE.epochs
    run(killed)
    for name in ("last", "best"):
        expected, found = weights(tmp_path / "whole", name), weights(killed, name)
        assert expected.keys() == found.keys()
        assert all(torch.equal(expected[key], found[key]) for key in expected)


def test_a_kill_between_the_log_and_the_last_checkpoint_loses_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = loop.save_checkpoint

    def killed_before_the_last_of_a_pass(path: Path, **state: Any) -> None:
        if path.name == "last.safetensors" and state["position"].finished_epochs == SCHEDULE.epochs:
            raise KeyboardInterrupt
        honest(path, **state)

    monkeypatch.setattr(loop, "save_checkpoint", killed_before_the_last_of_a_pass)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    monkeypatch.undo()
    run(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]


def test_seconds_count_the_wait_for_batches(tmp_path: Path) -> None:
    run(tmp_path, delay=0.02, schedule=Schedule(epochs=1))
    (row,) = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert row["seconds"] >= 0.2


def test_a_step_is_no_longer_than_the_schedule_allows(tmp_path: Path) -> None:
    model = nn.Linear(3, 1)
    norms = []

    def loss(network: nn.Module, batch: Points) -> torch.Tensor:
        norms.append([one.grad.clone() for one in network.parameters() if one.grad is not None])
        return 1e4 * (network(batch.points) - batch.values).square().mean()

    fit(
        model,
        Lines(),
        loss=loss,
        validate=lambda _network: (0.0, {}),
        schedule=Schedule(epochs=1, clip=0.5),
        folder=tmp_path,
        device=torch.device("cpu"),
    )
    clipped = [float(torch.cat([one.flatten() for one in grads]).norm()) for grads in norms if grads]
    # The gradient is still there when the next loss is computed.
    assert clipped == pytest.approx([0.5] * 9, rel=1e-3)


def test_it_tells_where_it_is_and_what_is_longer_than_the_training(tmp_path: Path) -> None:
    told: list[str] = []
    settings = {
        "loss": lambda network, batch: (network(batch[0]) - batch[1]).square().mean(),
        "validate": lambda _network: (0.0, {"CIDEr": 12.3}),
        "folder": tmp_path,
        "device": torch.device("cpu"),
        "progress": Progress(note=told.append),
        "title": "Learning",
    }
    fit(nn.Linear(3, 1), Lines(), schedule=Schedule(epochs=1, warmup=0, average=0.5), **settings)
    assert len(told) == 1
    assert told[0].startswith("Learning: epoch 1 of 1: loss ")
    assert told[0].endswith(", CIDEr 12.3")
    told.clear()
    fit(nn.Linear(3, 1), Lines(), schedule=Schedule(epochs=2, warmup=30, average=0.99), **settings)
    assert told[0] == "Learning: continuing at epoch 2 of 2"
    assert "the warm-up takes 30 steps and the whole training has 20" in told[1]
    assert "the average of the weights takes 100 steps" in told[2]


def test_the_log_has_a_line_per_epoch_and_no_line_twice(tmp_path: Path) -> None:
    run(tmp_path)
    run(tmp_path)  # finished: nothing happens
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert [row["step"] for row in rows] == [10, 20, 30, 40]
    assert all({"loss", "score", "seconds"} <= row.keys() for row in rows)
    assert list((tmp_path / "tensorboard").iterdir())


def test_the_best_weights_are_those_of_the_best_epoch(tmp_path: Path) -> None:
    scores = iter([1.0, 3.0, 2.0, 0.0])
    model = nn.Linear(3, 1)
    position = fit(
        model,
        Lines(),
        loss=lambda network, batch: ((network(batch[0]) - batch[1]) ** 2).mean(),
        validate=lambda _network: (next(scores), {}),
        schedule=SCHEDULE,
        folder=tmp_path,
        device=torch.device("cpu"),
    )
    assert (position.best_epoch, position.best_score) == (2, 3.0)
    best = load_average(tmp_path / "checkpoints" / "best.safetensors")
    last = load_average(tmp_path / "checkpoints" / "last.safetensors")
    assert not torch.equal(best["weight"], last["weight"])


def test_it_stops_early_when_nothing_gets_better(tmp_path: Path) -> None:
    scores = iter([3.0, 2.0, 1.0, 0.0])
    position = fit(
        nn.Linear(3, 1),
        Lines(),
        loss=lambda network, batch: ((network(batch[0]) - batch[1]) ** 2).mean(),
        validate=lambda _network: (next(scores), {}),
        schedule=Schedule(epochs=9, patience=2),
        folder=tmp_path,
        device=torch.device("cpu"),
    )
    assert position.finished_epochs == 3


def test_a_broken_checkpoint_and_one_of_another_model_are_named(tmp_path: Path) -> None:
    run(tmp_path)
    torch.manual_seed(0)
    with pytest.raises(BadBundle, match="another model"):
        fit(
            nn.Linear(5, 1),
            Lines(),
            loss=lambda network, batch: network(batch[0]).mean(),
            validate=lambda _network: (0.0, {}),
            schedule=SCHEDULE,
            folder=tmp_path,
            device=torch.device("cpu"),
        )
    last = tmp_path / "checkpoints" / "last.safetensors"
    last.write_bytes(last.read_bytes()[:100])
    with pytest.raises(BadBundle, match=r"last\.safetensors cannot be read"):
        run(tmp_path)


def test_the_rate_warms_up_and_falls_to_a_fiftieth() -> None:
    rates = [rate(step, 100, warmup=10) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == 1.0
    assert rates[100] == pytest.approx(0.02)
    assert all(before >= after for before, after in pairwise(rates[10:]))


def test_devices_are_taken_at_their_word() -> None:
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_missed_in_one_sentence() -> None:
    with pytest.raises(BadRecipe, match="PyTorch finds no GPU here; leave out --device cuda"):
        choose_device("cuda")


def test_each_process_under_torchrun_takes_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert choose_device("auto") == choose_device("cuda") == torch.device("cuda", 3)


def test_two_processes_end_with_the_same_weights_as_each_other_and_learn(tmp_path: Path) -> None:
    program = tmp_path / "two.py"
    program.write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "import torch\n"
        "from torch import distributed as dist, multiprocessing\n"
        "from safetensors.torch import save_file\n"
        "from test_loop import run\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "def learn(rank):\n"
        "    dist.init_process_group('gloo', init_method=f'file://{folder}/meet', rank=rank, world_size=2)\n"
        "    model = run(folder / 'run')\n"
        "    save_file(model.state_dict(), folder / f'{rank}.safetensors')\n"
        "    dist.destroy_process_group()\n"
        # Both come from one process that has imported PyTorch, which takes longer than what they learn.
        "multiprocessing.start_processes(learn, nprocs=2, start_method='fork')\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, str(program)], check=True, env=environment, capture_output=True)
    first, second = (load_file(tmp_path / f"{rank}.safetensors") for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    losses = [json.loads(line)["loss"] for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0]
