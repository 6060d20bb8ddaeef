"""What a run's folder holds, read without PyTorch.

A run holds ``recipe.toml``, ``log.jsonl`` (a line per epoch) and ``checkpoints/best.safetensors``, of which the header
alone is read. Where ``evaluation.json`` lies beside them, as ``showtell evaluate … --format json`` writes it, metrics
with their intervals, hygiene and speed are taken from there.
"""

import json
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError, safe_open

from showtell.errors import BadBundle, BadRecipe, reason_of

__all__ = ["EvaluationFile", "Interval", "RunSummary", "read_run", "read_runs"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Interval:
    """A metric in percent with its 95 % interval, where it has one."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationFile:
    """What ``evaluation.json`` holds of a captioner.

    Attributes:
        metrics: by name; those that could not be had are left out.
        hygiene: by the names of ``metrics.hygiene.Hygiene``; what cannot be known is left out.
        beam: that it decoded with.
        speed: captions per second, on the machine that evaluated.
    """

    metrics: Mapping[str, Interval] = field(default_factory=dict)
    hygiene: Mapping[str, float] = field(default_factory=dict)
    beam: float | None = None
    speed: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One run.

    Attributes:
        name: of its folder.
        model: the name in its recipe, with the settings that are switched on, as "soft_attention + sentinel".
        features: what it was given: "tuned" or "frozen" features of the encoder, with the file's name where one was
            given; None for runs of before this was kept.
        parameters: numbers in the captioner's averaged weights (not the encoder's); None without a
            checkpoint.
        size: bytes of these weights.
        seconds: how long it trained, without the dev evaluations; None before the first epoch.
        history: the lines of its log: epoch, step, loss, seconds of training so far, CIDEr first of its dev figures.
        evaluation: its ``evaluation.json``; empty if there is none.
    """

    name: str
    model: str
    parameters: int | None
    size: int | None
    seconds: float | None
    history: tuple[Mapping[str, float], ...]
    features: str | None = None
    evaluation: EvaluationFile = EvaluationFile()

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.history)

    @property
    def best(self) -> Mapping[str, float]:
        """The line of the epoch with the highest dev CIDEr; empty before the first."""
        scored = [row for row in self.history if math.isfinite(row.get("CIDEr", math.nan))]
        return max(scored, key=lambda row: row["CIDEr"], default={})


def read_run(folder: Path) -> RunSummary:
    """Read a run, finished or not.

    Raises:
        BadRecipe: it is no run, or its recipe or log cannot be read.
        BadBundle: its checkpoint cannot be read.
    """
    described = _read(folder / "recipe.toml", _described)
    if described is None:
        raise BadRecipe(f"{folder} is not a run: it has no recipe.toml; train one with showtell train")
    model, features = described
    checkpoint = folder / "checkpoints" / "best.safetensors"
    parameters, size = _averaged_weights(checkpoint) if checkpoint.exists() else (None, None)
    history = _read(folder / "log.jsonl", _history) or ()
    return RunSummary(
        name=folder.resolve().name,
        model=model,
        parameters=parameters,
        size=size,
        seconds=history[-1].get("seconds") if history else None,
        history=history,
        features=features,
        evaluation=_read(folder / "evaluation.json", _evaluation) or EvaluationFile(),
    )


def read_runs(folders: Sequence[Path]) -> list[RunSummary]:
    """Read runs; where two folders have the same name, all are called by their paths.

    Raises:
        BadRecipe, BadBundle: as ``read_run``.
    """
    runs = [read_run(folder) for folder in folders]
    if len({run.name for run in runs}) < len(runs):
        return [replace(run, name=str(folder)) for run, folder in zip(runs, folders, strict=True)]
    return runs


def _read(path: Path, parse: Callable[[str], _T]) -> _T | None:
    """A file of the run through a parser; None when it is missing."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, OSError, RecursionError) as error:
        raise BadRecipe(f"{path} cannot be read: {reason_of(error)}") from None


def _described(text: str) -> tuple[str, str | None]:
    """What a recipe tells of its run: ``RunSummary.model`` and ``RunSummary.features``."""
    recipe = tomllib.loads(text)
    model, used = _table(recipe, "model"), _table(recipe, "used")
    switched_on = [key for key, value in _table(model, "settings").items() if value is True]
    features = used.get("features")
    # A recipe that tunes its encoder says so itself.
    if features is None and {"tuning", "joint"} & _table(recipe, "encoder").keys():
        features = "tuned"
    name = " + ".join([str(model.get("name", "transformer")), *switched_on])  # the default of recipes
    return name, None if features is None else str(features)


def _table(recipe: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A table of a recipe, empty if it is not there."""
    table = recipe.get(name, {})
    if not isinstance(table, dict):
        raise ValueError(f"{name} is not a table of settings")
    return table


def _history(text: str) -> tuple[dict[str, float], ...]:
    """The lines of a log."""
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            rows.append({key: float(value) for key, value in json.loads(line).items()})
        except json.JSONDecodeError:
            raise ValueError(f"line {number} is not JSON") from None
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise ValueError(f"line {number} is not a table of figures") from None
    return tuple(rows)


def _evaluation(text: str) -> EvaluationFile:
    """What ``showtell evaluate --format json`` wrote; ``showtell score`` writes the same but for the speed."""
    try:
        told = json.loads(text)
        return EvaluationFile(
            metrics={
                name: Interval(float(found["value"]), _number(found.get("low")), _number(found.get("high")))
                for name, found in told["metrics"].items()
                if found.get("value") is not None
            },
            hygiene={
                name: float(value) for name, value in told.get("hygiene", {}).items() if value is not None
            },
            beam=_number(told.get("beam")),
            speed=_number(told.get("captions_per_second")),
        )
    except json.JSONDecodeError:
        raise ValueError("it is not JSON; write it with showtell evaluate --format json") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError("it is not as showtell evaluate --format json writes it") from None


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _averaged_weights(path: Path) -> tuple[int, int]:
    """Numbers and bytes of a checkpoint's averaged weights; the header alone is read."""
    try:
        with safe_open(path, framework="numpy") as file:
            slices = [file.get_slice(name) for name in file.keys() if name.startswith("average.")]  # noqa: SIM118
            found = [(math.prod(one.get_shape()), one.get_dtype()) for one in slices]
    except (SafetensorError, OSError) as error:
        raise BadBundle(f"{path} cannot be read as a checkpoint: {error}") from None
    bits = {kind: int("".join(filter(str.isdigit, kind)) or 8) for _, kind in found}  # F32, BF16, I64, BOOL
    return sum(count for count, _ in found), sum(count * bits[kind] // 8 for count, kind in found)
