"""The one training loop: batches in, a run folder with checkpoints and a log out.

It knows neither pictures nor captions: a model is an ``nn.Module``, a batch a tuple of tensors, the loss a function of
both, and the evaluation a function from the model to figures of which the first decides.
"""

import contextlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel
from torch.utils.tensorboard import SummaryWriter

from showtell.errors import BadRecipe
from showtell.training.engine.checkpoint import Position, load_checkpoint, save_checkpoint
from showtell.training.settings import check_ranges

Batch = tuple[Tensor, ...]
Loss = Callable[[nn.Module, Batch], Tensor]
Evaluation = Callable[[nn.Module], dict[str, float]]
Progress = Callable[[Position], None]  # called after each step and each pass


class Batches(Protocol):
    """Training data: the same batches in the same order for the same pass, wherever a run is taken up again."""

    def __len__(self) -> int: ...

    def of_pass(self, number: int, *, start: int, rank: int, ranks: int) -> Iterator[Batch]:
        """The batches of one pass from the ``start``-th on; rank r of n gets its share of each."""
        ...


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long and how fast to learn.

    Attributes:
        passes: over the data.
        learning_rate: at its highest; linear warm-up, then half a cosine down to a fiftieth.
        warmup: steps.
        weight_decay: of AdamW, on matrices alone.
        beta2: decay of AdamW's mean of squared gradients, a step.
        clip: largest norm of the gradient.
        average: decay of the moving average of the weights, a step.
        patience: passes without a better score before it stops; 0 never stops early.
        checkpoint_every: steps between checkpoints, besides one at the end of each pass.
    """

    passes: int = 7
    learning_rate: float = 1e-3
    warmup: int = 200
    weight_decay: float = 0.01
    beta2: float = 0.98
    clip: float = 1.0
    average: float = 0.998
    patience: int = 0
    checkpoint_every: int = 100

    def __post_init__(self) -> None:
        check_ranges(
            self,
            passes=(1, math.inf),
            learning_rate=(0, math.inf),
            warmup=(0, math.inf),
            weight_decay=(0, math.inf),
            beta2=(0, 0.999999),
            clip=(1e-6, math.inf),
            average=(0, 1),
            patience=(0, math.inf),
            checkpoint_every=(1, math.inf),
        )


def fit(
    model: nn.Module,
    batches: Batches,
    *,
    loss: Loss,
    evaluate: Evaluation,
    schedule: Schedule,
    folder: Path,
    device: torch.device,
    progress: Progress | None = None,
) -> Position:
    """Train a model, or continue where its run stands; the best averaged weights end in ``checkpoints/best``.

    A run that was killed and continued ends with the weights of one that was not (on a CPU). Under ``torchrun`` each
    process takes its share of every batch and the first one evaluates and writes.

    Args:
        model: trained in place; holds the last, not the averaged weights afterwards.
        evaluate: called with the averaged model after each pass; its first figure is the score, higher is better.
        folder: of the run; ``checkpoints/``, ``log.jsonl`` and TensorBoard events are written there.
    """
    rank, ranks = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    model.to(device)
    optimizer = make_optimizer(model, schedule)
    average = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    last = checkpoints / "last.safetensors"
    position = Position()
    if last.exists():
        position = load_checkpoint(last, model=model, average=average, optimizer=optimizer)
    whole = _LossOf(model, loss)
    trained = DistributedDataParallel(whole) if ranks > 1 else whole
    total = schedule.passes * len(batches)

    def save(path: Path = last) -> None:
        if rank == 0:
            save_checkpoint(path, model=model, average=average, optimizer=optimizer, position=position)

    while not _finished(position, schedule):
        model.train()
        began = time.monotonic()
        for batch in batches.of_pass(position.finished_passes, start=position.batch, rank=rank, ranks=ranks):
            rate = learning_rate(position.step, total, schedule)
            value = _one_step(trained, model, batch, optimizer, rate, schedule.clip, device)
            _move_average(average, model, min(schedule.average, (1 + position.step) / (10 + position.step)))
            position.step += 1
            position.batch += 1
            position.loss_sum += value
            position.seconds += time.monotonic() - began
            if position.step % schedule.checkpoint_every == 0:
                save()
            if progress and rank == 0:
                progress(position)
            began = time.monotonic()  # reading the next batch is training too, saving is not
        figures = _evaluate_average(model, average, evaluate) if rank == 0 else None
        _finish_pass(position, _from_first(figures, ranks))
        # The last comes last: after a kill before it the pass is finished again, and nothing is lost.
        if position.best_pass == position.finished_passes:
            save(checkpoints / "best.safetensors")
        if rank == 0:
            _write_log(folder, position)
        save()
        if progress and rank == 0:
            progress(position)
    if ranks > 1:
        dist.barrier()  # until the first has written what the others may read next
    return position


def make_optimizer(model: nn.Module, schedule: Schedule) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter, 2019) that decays matrices, not biases and norms."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": schedule.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=schedule.learning_rate, betas=(0.9, schedule.beta2))


def learning_rate(step: int, total: int, schedule: Schedule) -> float:
    """Linear warm-up, then half a cosine that ends at a fiftieth of the highest rate."""
    if step < schedule.warmup:
        return schedule.learning_rate * (step + 1) / schedule.warmup
    done = (step - schedule.warmup) / max(1, total - schedule.warmup)
    return schedule.learning_rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


def choose_device(wanted: str) -> torch.device:
    """``auto`` takes a GPU where there is one, under ``torchrun`` each process its own; ``cpu`` takes none.

    Raises:
        BadRecipe: ``cuda`` is wanted, and PyTorch finds no GPU.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise BadRecipe("PyTorch finds no GPU here; leave out --device cuda, or install its build for CUDA.")
    if wanted == "cpu" or not there:
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def gains_from_bfloat16(device: torch.device) -> bool:
    """Whether half-width arithmetic is faster here: most GPUs since 2020, and processors with AMX or AVX512-BF16."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return any(
        getattr(torch.cpu, probe, lambda: False)()
        for probe in ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    )


class _LossOf(nn.Module):
    """A model and its loss as one module, since data parallelism watches ``forward`` alone."""

    def __init__(self, model: nn.Module, loss: Loss):
        super().__init__()
        self.model = model
        self.loss = loss

    def forward(self, *batch: Tensor) -> Tensor:
        return self.loss(self.model, batch)


def _one_step(
    trained: nn.Module,
    model: nn.Module,
    batch: Batch,
    optimizer: torch.optim.Optimizer,
    rate: float,
    clip: float,
    device: torch.device,
) -> float:
    """One update of the weights; returns the loss."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=gains_from_bfloat16(device)):
        value = trained(*(tensor.to(device, non_blocking=True) for tensor in batch))
    optimizer.zero_grad(set_to_none=True)
    value.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return float(value.detach())


@torch.no_grad()
def _move_average(average: dict[str, Tensor], model: nn.Module, decay: float) -> None:
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            average[name].lerp_(tensor, 1 - decay)
        else:
            average[name].copy_(tensor)


def _evaluate_average(model: nn.Module, average: dict[str, Tensor], evaluate: Evaluation) -> dict[str, float]:
    """Figures of the averaged weights; the random state is put back, so that looking changes nothing."""
    kept = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    random_state = torch.get_rng_state()
    model.load_state_dict(average)
    model.eval()
    with torch.inference_mode():
        figures = evaluate(model)
    model.load_state_dict(kept)
    torch.set_rng_state(random_state)
    return figures


def _from_first(figures: dict[str, float] | None, ranks: int) -> dict[str, float]:
    """What the first process found, in all processes, so that they stop together."""
    found = [figures]
    if ranks > 1:
        dist.broadcast_object_list(found, src=0)
    assert found[0] is not None
    return found[0]


def _finish_pass(position: Position, figures: dict[str, float]) -> None:
    """Count the pass, note its figures, and whether it is the best so far."""
    position.finished_passes += 1
    position.history.append(
        {
            "pass": position.finished_passes,
            "step": position.step,
            "loss": position.loss_sum / max(1, position.batch),
            "seconds": round(position.seconds, 1),
            **figures,
        }
    )
    position.batch, position.loss_sum = 0, 0.0
    score = next(iter(figures.values()))
    if position.best_score is None or score > position.best_score:
        position.best_score, position.best_pass = score, position.finished_passes


def _write_log(folder: Path, position: Position) -> None:
    """``log.jsonl`` from the history, whole, so that a kill between two writes leaves no line twice."""
    temporary = folder / "log.tmp"
    temporary.write_text("".join(json.dumps(row) + "\n" for row in position.history), encoding="utf-8")
    temporary.replace(folder / "log.jsonl")
    row = position.history[-1]
    with contextlib.closing(SummaryWriter(str(folder / "tensorboard"))) as writer:
        for name, value in row.items():
            if name not in ("pass", "step"):
                writer.add_scalar(name, value, row["step"])


def _finished(position: Position, schedule: Schedule) -> bool:
    if position.finished_passes >= schedule.passes:
        return True
    waited = position.finished_passes - position.best_pass
    return bool(schedule.patience) and waited >= schedule.patience
