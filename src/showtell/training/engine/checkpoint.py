"""The whole state of a training run in one safetensors file, written whole or not at all.

Tensors are named ``model.*``, ``average.*``, ``optimizer.PARAMETER.KEY`` and ``random.*``; the numbers (step,
epoch, best score …) are JSON in the file's metadata. Nothing is pickled.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from showtell.errors import BadBundle, ShowtellError
from showtell.files import written_whole


@dataclass
class Position:
    """Where a run stands; the order of the data follows from it and the seed."""

    step: int = 0  # optimiser steps made
    finished_epochs: int = 0  # epochs made and validated
    batch: int = 0  # batches made of the epoch under way
    best_score: float | None = None
    best_epoch: int = 0
    seconds: float = 0.0  # of training, without validation, over all starts
    loss_sum: float = 0.0  # of the epoch under way
    history: list[dict[str, float]] = field(default_factory=list)

    def take(self, losses: Tensor, seconds: float) -> None:
        """Add the losses of the last steps and the time that they took; ``losses`` begin at nothing again."""
        self.loss_sum += float(losses)
        self.seconds += seconds
        losses.zero_()

    def finish_epoch(self, score: float, figures: dict[str, float]) -> None:
        """Count the epoch, note its figures, and whether it is the best so far."""
        self.finished_epochs += 1
        self.history.append(
            {
                "epoch": self.finished_epochs,
                "step": self.step,
                "loss": self.loss_sum / max(1, self.batch),
                "seconds": round(self.seconds, 1),
                **figures,
            }
        )
        self.batch, self.loss_sum = 0, 0.0
        if self.best_score is None or score > self.best_score:
            self.best_score, self.best_epoch = score, self.finished_epochs


def save_checkpoint(
    path: Path,
    *,
    model: nn.Module,
    average: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
    position: Position,
) -> None:
    """Write everything that a continued run needs to end with the same weights.

    Raises:
        ShowtellError: there is no room for it; the checkpoint before stays.
    """
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {f"average.{name}": tensor for name, tensor in average.items()}
    for parameter, state in optimizer.state_dict()["state"].items():
        for key, value in state.items():
            tensors[f"optimizer.{parameter}.{key}"] = torch.as_tensor(value)
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    # Clones, because safetensors refuses tensors that share memory (tied embeddings do).
    whole = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    try:
        with written_whole(path) as temporary:
            save_file(whole, temporary, metadata={"position": json.dumps(vars(position))})
    except (SafetensorError, OSError) as error:  # a full disk is the former, an unwritable folder the latter
        raise ShowtellError(
            f"{path}: the checkpoint cannot be written ({error}); make room and run the same command again, which goes "
            "on from the one before"
        ) from error


def load_checkpoint(
    path: Path, *, model: nn.Module, average: dict[str, Tensor], optimizer: torch.optim.Optimizer
) -> Position:
    """Put a run's state back into its parts, in place.

    Raises:
        BadBundle: the file is broken, or of another model.
    """
    tensors, position = _read(path)
    try:
        model.load_state_dict(_under(tensors, "model."))
        for name, tensor in _under(tensors, "average.").items():
            average[name].copy_(tensor)
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _under(tensors, "optimizer.").items():
            parameter, key = name.split(".", 1)
            state.setdefault(int(parameter), {})[key] = tensor
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
        torch.set_rng_state(tensors["random.cpu"])
    except (RuntimeError, KeyError, ValueError, TypeError) as error:
        raise BadBundle(f"{path} is of another model: {error}") from None
    if torch.cuda.is_available() and "random.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random.cuda"])
    return position


def load_average(path: Path) -> dict[str, Tensor]:
    """The averaged weights alone: those that are evaluated and exported."""
    return _under(_read(path)[0], "average.")


def _read(path: Path) -> tuple[dict[str, Tensor], Position]:
    try:
        with safe_open(path, framework="pt") as file:
            position = Position(**json.loads((file.metadata() or {})["position"]))
        return load_file(path), position
    except FileNotFoundError:
        raise BadBundle(f"there is no checkpoint {path}; train the run first") from None
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise BadBundle(f"{path} cannot be read as a checkpoint: {error}") from None


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
