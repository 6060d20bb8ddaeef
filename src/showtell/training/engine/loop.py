"""The one training loop: batches in, a run folder with checkpoints and a log out.

It knows neither pictures nor captions: a model is an ``nn.Module``, the loss a function of it and a batch, and the
validation a function from the model to a score, which decides, and figures, which are logged.
"""

import contextlib
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel
from torch.utils.tensorboard import SummaryWriter

from showtell.files import written_whole
from showtell.progress import Progress, duration
from showtell.training.engine.checkpoint import Position, load_checkpoint, save_checkpoint
from showtell.training.engine.devices import gains_from_bfloat16
from showtell.training.settings import Schedule


class Batches(Protocol):
    """Training data: the same batches in the same order for the same epoch, wherever a run is taken up again."""

    def __len__(self) -> int: ...

    def of_epoch(self, number: int, *, start: int, rank: int, ranks: int) -> Iterator[Any]:
        """The batches of one epoch from the ``start``-th on; rank r of n gets its share of each."""
        ...


Loss = Callable[[nn.Module, Any], Tensor]  # model and batch -> []
Validate = Callable[
    [nn.Module], tuple[float, dict[str, float]]
]  # model -> score, higher is better, and figures


@dataclass(frozen=True)
class Parts:
    """What a model learns from, what it makes small, and what it is judged by."""

    batches: Batches
    loss: Loss
    validate: Validate


@dataclass(frozen=True)
class Group:
    """Parameters that learn at a rate of their own, and whose gradient is clipped apart.

    Attributes:
        parameters: those that need no gradient are left out.
        learning_rate: at its highest.
        weight_decay: on matrices alone.
    """

    parameters: Sequence[nn.Parameter]
    learning_rate: float
    weight_decay: float


def fit(
    model: nn.Module,
    batches: Batches,
    *,
    loss: Loss,
    validate: Validate,
    schedule: Schedule,
    folder: Path,
    device: torch.device,
    progress: Progress = Progress(),
    title: str = "Training",
    groups: Sequence[Group] | None = None,
) -> Position:
    """Train a model, or continue where its run stands; the best averaged weights end in ``checkpoints/best``.

    A run that was killed and continued ends with the weights of one that was not (on a CPU). Under ``torchrun`` each
    process takes its share of every batch and the first one validates and writes.

    Args:
        model: trained in place; holds the last, not the averaged weights afterwards.
        validate: called with the averaged model after each epoch.
        folder: of the run; ``checkpoints/``, ``log.jsonl`` and TensorBoard events are written there.
        title: of the bar and the messages.
        groups: how fast which parameters learn; all of them as the schedule says unless given.
    """
    rank, ranks = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    model.to(device)
    groups = groups or [Group(list(model.parameters()), schedule.learning_rate, schedule.weight_decay)]
    optimizer = make_optimizer(groups, schedule)
    average = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    best, last = (folder / "checkpoints" / f"{name}.safetensors" for name in ("best", "last"))
    position = Position()
    if last.exists():
        position = load_checkpoint(last, model=model, average=average, optimizer=optimizer)
    whole = _LossOf(model, loss)
    trained = DistributedDataParallel(whole) if ranks > 1 else whole
    total = schedule.epochs * len(batches)
    teller = _Teller(title, position, total, schedule, progress if rank == 0 else Progress())

    def save(path: Path) -> None:
        if rank == 0:
            save_checkpoint(path, model=model, average=average, optimizer=optimizer, position=position)

    with teller.bar() as advance:
        while not _finished(position, schedule):
            model.train()
            began = time.monotonic()
            losses = torch.zeros((), dtype=torch.float64, device=device)
            epoch = batches.of_epoch(position.finished_epochs, start=position.batch, rank=rank, ranks=ranks)
            for batch in _read_ahead(epoch, device):
                _set_rates(optimizer, rate(position.step, total, schedule.warmup))
                with torch.autocast(device.type, dtype=torch.bfloat16, enabled=gains_from_bfloat16(device)):
                    value = trained(batch)
                _update(value, optimizer, groups, schedule.clip)
                _move_average(
                    average, model, min(schedule.average, (1 + position.step) / (10 + position.step))
                )
                losses += value.detach()
                position.step += 1
                position.batch += 1
                if position.step % schedule.checkpoint_every == 0:
                    position.take(losses, time.monotonic() - began)
                    save(last)
                    began = time.monotonic()  # reading the next batch is training too, saving is not
                advance(1)
            position.take(losses, time.monotonic() - began)
            found = _validate_average(model, average, validate) if rank == 0 else None
            position.finish_epoch(*_from_first(found, ranks))
            # The last comes last: after a kill before it the epoch is finished again, and nothing is lost.
            if position.best_epoch == position.finished_epochs:
                save(best)
            if rank == 0:
                _write_log(folder, position)
            save(last)
            teller.report(position)
    if ranks > 1:
        dist.barrier()  # until the first has written what the others may read next
    return position


def make_optimizer(groups: Sequence[Group], schedule: Schedule) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter, 2019) that decays matrices, not biases and norms."""
    rows = [
        {
            "params": [one for one in group.parameters if one.requires_grad and (one.ndim > 1) == matrices],
            "weight_decay": group.weight_decay if matrices else 0.0,
            "highest": group.learning_rate,
        }
        for group in groups
        for matrices in (True, False)
    ]
    return torch.optim.AdamW(rows, lr=schedule.learning_rate, betas=(0.9, schedule.beta2))


def rate(step: int, total: int, warmup: int) -> float:
    """The learning rate as a share of its highest: linear warm-up, then half a cosine that ends at a fiftieth."""
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, total - warmup)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


class _LossOf(nn.Module):
    """A model and its loss as one module, since data parallelism watches ``forward`` alone."""

    def __init__(self, model: nn.Module, loss: Loss):
        super().__init__()
        self.model = model
        self.loss = loss

    def forward(self, batch: Any) -> Tensor:
        return self.loss(self.model, batch)


class _Teller:
    """Says where training is: when it begins, after each epoch, and a bar over all steps."""

    def __init__(self, title: str, position: Position, total: int, schedule: Schedule, progress: Progress):
        self._title = title
        self._total = total
        self._epochs = schedule.epochs
        self._progress = progress
        self._begun_at = position.step
        self._began = time.monotonic()
        if _finished(position, schedule):
            return
        if position.step:
            progress.note(f"{title}: continuing at epoch {position.finished_epochs + 1} of {schedule.epochs}")
        horizon = 1 / (1 - schedule.average) if schedule.average < 1 else math.inf
        for what, steps in (("the warm-up", schedule.warmup), ("the average of the weights", horizon)):
            if steps > total:
                progress.note(
                    f"{title}: {what} takes {steps:,.0f} steps and the whole training has {total:,}; little will be "
                    "learnt, so give more pictures or epochs, or shorten it in the recipe's schedule"
                )

    def bar(self) -> contextlib.AbstractContextManager[Callable[[int], None]]:
        """A bar over the steps that are left."""
        return self._progress.bar(self._total - self._begun_at, self._title)

    def report(self, position: Position) -> None:
        """One line for the epoch that was finished."""
        row = position.history[-1]
        first = list(row)[4] if len(row) > 4 else ""  # the figure that decides; of the sets, it alone is told
        figures = ", ".join(
            f"{name} {value:.4g}"
            for name, value in row.items()
            if name not in ("epoch", "step", "seconds") and ("/" not in name or name.endswith(f" {first}"))
        )
        left = self._total - position.step
        seconds = (time.monotonic() - self._began) / max(1, position.step - self._begun_at) * left
        rest = f"; {duration(seconds)} left" if left else ""
        self._progress.note(
            f"{self._title}: epoch {position.finished_epochs} of {self._epochs}: {figures}{rest}"
        )


def _read_ahead(batches: Iterator[Any], device: torch.device) -> Iterator[Any]:
    """The same batches on a device; a thread fetches the next one meanwhile."""

    def fetch() -> Any:
        batch = next(batches, None)
        return None if batch is None else batch.to(device)

    with ThreadPoolExecutor(max_workers=1) as pool:
        ahead = pool.submit(fetch)
        while (batch := ahead.result()) is not None:
            ahead = pool.submit(fetch)
            yield batch


def _set_rates(optimizer: torch.optim.Optimizer, share: float) -> None:
    """Set each group's learning rate to a share of its highest."""
    for group in optimizer.param_groups:
        group["lr"] = share * group["highest"]


def _update(value: Tensor, optimizer: torch.optim.Optimizer, groups: Sequence[Group], clip: float) -> None:
    """One update of the weights."""
    optimizer.zero_grad(set_to_none=True)
    value.backward()
    for group in groups:
        torch.nn.utils.clip_grad_norm_(group.parameters, clip)
    optimizer.step()


@torch.no_grad()
def _move_average(average: dict[str, Tensor], model: nn.Module, decay: float) -> None:
    moving = {name: tensor for name, tensor in model.state_dict().items() if tensor.is_floating_point()}
    torch._foreach_lerp_([average[name] for name in moving], list(moving.values()), 1 - decay)
    for name, tensor in model.state_dict().items():
        if name not in moving:
            average[name].copy_(tensor)


def _validate_average(
    model: nn.Module, average: dict[str, Tensor], validate: Validate
) -> tuple[float, dict[str, float]]:
    """Score and figures of the averaged weights; the random state is put back, so that looking changes nothing."""
    kept = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    random_state = torch.get_rng_state()
    model.load_state_dict(average)
    model.eval()
    with torch.inference_mode():
        found = validate(model)
    model.load_state_dict(kept)
    torch.set_rng_state(random_state)
    return found


def _from_first(found: tuple[float, dict[str, float]] | None, ranks: int) -> tuple[float, dict[str, float]]:
    """What the first process found, in all processes, so that they stop together."""
    shared = [found]
    if ranks > 1:
        dist.broadcast_object_list(shared, src=0)
    assert shared[0] is not None
    return shared[0]


def _write_log(folder: Path, position: Position) -> None:
    """``log.jsonl`` from the history, whole, so that a kill between two writes leaves no line twice."""
    with written_whole(folder / "log.jsonl") as temporary:
        temporary.write_text("".join(json.dumps(row) + "\n" for row in position.history), encoding="utf-8")
    row = position.history[-1]
    with contextlib.closing(SummaryWriter(str(folder / "tensorboard"))) as writer:
        for name, value in row.items():
            if name not in ("epoch", "step"):
                writer.add_scalar(name, value, row["step"])


def _finished(position: Position, schedule: Schedule) -> bool:
    if position.finished_epochs >= schedule.epochs:
        return True
    waited = position.finished_epochs - position.best_epoch
    return bool(schedule.patience) and waited >= schedule.patience
