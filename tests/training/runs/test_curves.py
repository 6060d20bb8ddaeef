"""Whatever was logged can be drawn."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib", reason="drawing curves needs the training extra")

from showtell.training.runs import RunSummary, draw_curves
from showtell.training.runs.curves import COLOURS


def run(name: str, ciders: list[float]) -> RunSummary:
    history = tuple(
        {"epoch": float(number), "loss": 6.0 / number, "CIDEr": cider}
        for number, cider in enumerate(ciders, start=1)
    )
    return RunSummary(name=name, model="nic", parameters=1, size=4, seconds=1.0, history=history)


def drawn(runs: list[RunSummary], folder: Path) -> np.ndarray:
    draw_curves(runs, folder / "runs.png")
    return np.asarray(Image.open(folder / "runs.png").convert("RGB"))


def pixels_of(picture: np.ndarray, colour: str) -> int:
    wanted = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    return int((picture == wanted).all(axis=-1).sum())


def test_each_run_is_drawn_in_a_colour_of_its_own_and_the_better_has_the_higher_bar(tmp_path: Path) -> None:
    picture = drawn([run("a", [20.0]), run("b", [40.0])], tmp_path)
    assert pixels_of(picture, COLOURS[2]) == 0
    bars = picture[:, -400:]
    low, high = (pixels_of(bars, colour) for colour in COLOURS[:2])
    assert 1.8 < high / low < 2.2


@pytest.mark.parametrize(
    "ciders",
    [[], [0.0], [40.0], [math.nan, 40.0], [1e-9, 2e-9]],
    ids=["no epoch", "nothing", "one epoch", "not a number", "tiny"],
)
def test_whatever_was_logged_can_be_drawn(ciders: list[float], tmp_path: Path) -> None:
    assert drawn([run("a", ciders), run("b", [])], tmp_path).shape[1] == 1280


def test_many_runs_with_long_names_stay_readable(tmp_path: Path) -> None:
    few, many = (
        drawn([run(f"{n}-{'frozen' * 9}", [40]) for n in range(count)], tmp_path) for count in (2, 9)
    )
    assert many.shape[0] > few.shape[0]
