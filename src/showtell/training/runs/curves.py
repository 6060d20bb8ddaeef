"""Runs -> one picture: training loss and dev CIDEr of each epoch, and the best score of each run."""

import math
from collections.abc import Sequence
from pathlib import Path

from showtell.files import written_whole
from showtell.training.runs.reading import RunSummary

__all__ = ["draw_curves"]

WIDTH, HEIGHT, LEGEND_LINE, DPI = 12.8, 4.4, 0.25, 100  # inches, and pixels per inch
# Told apart with any colour vision: M. Okabe, K. Ito, *Color Universal Design*, 2008.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKS = "os^D"


def draw_curves(runs: Sequence[RunSummary], path: Path) -> None:
    """Draw three panels side by side, and a legend below them, into a PNG file.

    Runs without a finished epoch stand in the legend alone.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure((WIDTH, HEIGHT + LEGEND_LINE * len(runs)), dpi=DPI, layout="constrained")
    losses, scores, best = figure.subplots(1, 3)
    for panel, title in ((losses, "training loss"), (scores, "dev CIDEr"), (best, "best dev CIDEr")):
        panel.set_title(title)
        panel.grid(color="#DDDDDD")
        panel.set_axisbelow(True)
    for panel in (losses, scores):
        panel.set_xlabel("epoch")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    for number, run in enumerate(runs):
        colour, mark = COLOURS[number % len(COLOURS)], MARKS[number % len(MARKS)]
        for panel, name in ((losses, "loss"), (scores, "CIDEr")):
            epochs = [row["epoch"] for row in run.history if "epoch" in row]
            values = [row.get(name, math.nan) for row in run.history if "epoch" in row]
            panel.plot(epochs, values, color=colour, marker=mark, label=run.name)
        best.bar(number, run.best.get("CIDEr", 0.0), color=colour)
    best.set_xticks(range(len(runs)), [str(number) for number in range(1, len(runs) + 1)])
    handles, names = losses.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower left", frameon=False)
    with written_whole(path) as temporary, temporary.open("wb") as file:
        FigureCanvasAgg(figure).print_png(file)
