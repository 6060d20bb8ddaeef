"""Runs -> one picture: training loss and dev CIDEr pass by pass, and the best score of each.

Drawn with Pillow alone, twice as large as wanted and then reduced, which smooths the lines. Runs differ by colour
(M. Okabe, K. Ito, *Color Universal Design*, 2008: told apart with any colour vision) and by the shape of their marks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from showtell.training.runs.reading import Run

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

__all__ = ["draw_chart", "ticks"]

WIDTH, PANEL_HEIGHT, LEGEND_LINE = 1280, 400, 26  # pixels of the finished picture
LEGEND_ROOM = 60  # pixels of a column of the legend besides a name: a run's mark, and space
SCALE = 2
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKS = ("circle", "square", "triangle", "diamond")
INK, FAINT = "#333333", "#DDDDDD"
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 40, 46  # margins of a panel, in pixels of the finished picture

Point = tuple[float, float]


def draw_chart(runs: Sequence[Run]) -> "Image":
    """Three panels side by side and a legend below them; runs without a finished pass stand in the legend alone."""
    from PIL import Image, ImageDraw, ImageFont

    widest = max(ImageFont.load_default(13).getlength(run.name) for run in runs)
    columns = max(1, min(len(runs), 4, int((WIDTH - LEFT) / (widest + LEGEND_ROOM))))
    height = PANEL_HEIGHT + LEGEND_LINE * math.ceil(len(runs) / columns) + 14
    picture = Image.new("RGB", (WIDTH * SCALE, height * SCALE), "white")
    pen = _Pen(ImageDraw.Draw(picture))
    third = WIDTH / 3
    _curves(pen, _Box(0, third), "training loss", [_line(run, "loss") for run in runs])
    _curves(pen, _Box(third, 2 * third), "dev CIDEr", [_line(run, "CIDEr") for run in runs])
    _bars(pen, _Box(2 * third, WIDTH), "best dev CIDEr", [run.best.get("CIDEr") for run in runs])
    for number, run in enumerate(runs):
        x = LEFT + (number % columns) * (WIDTH - LEFT) / columns
        y = PANEL_HEIGHT + 10 + LEGEND_LINE * (number // columns)
        pen.line([(x - 14, y), (x + 14, y)], colour(number), 2)
        pen.mark((x, y), number)
        pen.text((x + 22, y), run.name, "lm")
    return picture.resize((WIDTH, height), Image.Resampling.LANCZOS)


def colour(number: int) -> str:
    """The colour of the n-th run."""
    return COLOURS[number % len(COLOURS)]


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers from low to high: steps of 1, 2 or 5 times a power of ten, about as many as wanted."""
    step = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(step))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= step * 0.999)
    return [
        number * step for number in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    ]


@dataclass(frozen=True, slots=True)
class _Box:
    """A panel: its left and right end; inside its margins it draws."""

    start: float
    end: float

    @property
    def left(self) -> float:
        return self.start + LEFT

    @property
    def right(self) -> float:
        return self.end - RIGHT

    top, bottom = TOP, PANEL_HEIGHT - BOTTOM


class _Pen:
    """Draws in pixels of the finished picture."""

    def __init__(self, canvas: "ImageDraw") -> None:
        from PIL import ImageFont

        self._canvas = canvas
        self._fonts = {size: ImageFont.load_default(size * SCALE) for size in (13, 16)}

    def line(self, points: Sequence[Point], ink: str, width: float) -> None:
        self._canvas.line(self._scaled(points), fill=ink, width=round(width * SCALE), joint="curve")

    def text(self, place: Point, words: str, anchor: str, size: int = 13) -> None:
        self._canvas.text(self._scaled([place])[0], words, fill=INK, font=self._fonts[size], anchor=anchor)

    def bar(self, corner: Point, opposite: Point, ink: str) -> None:
        self._canvas.rectangle(self._scaled([corner, opposite]), fill=ink)

    def mark(self, place: Point, number: int) -> None:
        """The mark of the n-th run."""
        x, y = place
        shape, ink = MARKS[number % len(MARKS)], colour(number)
        outlines = {
            "square": [(x - 4, y - 4), (x + 4, y - 4), (x + 4, y + 4), (x - 4, y + 4)],
            "triangle": [(x, y - 5), (x + 5, y + 4), (x - 5, y + 4)],
            "diamond": [(x, y - 5.5), (x + 5.5, y), (x, y + 5.5), (x - 5.5, y)],
        }
        if shape == "circle":
            self._canvas.ellipse(self._scaled([(x - 4.5, y - 4.5), (x + 4.5, y + 4.5)]), fill=ink)
        else:
            self._canvas.polygon(self._scaled(outlines[shape]), fill=ink)

    @staticmethod
    def _scaled(points: Sequence[Point]) -> list[Point]:
        return [(x * SCALE, y * SCALE) for x, y in points]


def _line(run: Run, figure: str) -> list[Point]:
    """A figure pass by pass; passes that lack it, or where it is no number, are left out."""
    points = [(row.get("epoch", math.nan), row.get(figure, math.nan)) for row in run.history]
    return [point for point in points if all(map(math.isfinite, point))]


def _curves(pen: _Pen, box: _Box, title: str, lines: Sequence[list[Point]]) -> None:
    """A panel of lines over passes."""
    points = [point for line in lines for point in line]
    pen.text(((box.left + box.right) / 2, 16), title, "mm", 16)
    if not points:
        pen.text(((box.left + box.right) / 2, (box.top + box.bottom) / 2), "no pass is finished yet", "mm")
        return
    last = max(2.0, *(x for x, _ in points))
    low, high = _range([y for _, y in points])

    def place(point: Point) -> Point:
        across, up = (point[0] - 1) / (last - 1), (point[1] - low) / (high - low)
        return box.left + 8 + across * (box.right - box.left - 16), box.bottom - up * (box.bottom - box.top)

    for y in ticks(low, high):
        height = place((1, y))[1]
        pen.line([(box.left, height), (box.right, height)], FAINT, 1)
        pen.text((box.left - 8, height), f"{y:g}", "rm")
    for x in ticks(1, last):
        if x == round(x):
            pen.text((place((x, low))[0], box.bottom + 14), f"{x:.0f}", "mm")
    pen.text(((box.left + box.right) / 2, box.bottom + 34), "epochs", "mm")
    pen.line([(box.left, box.top), (box.left, box.bottom), (box.right, box.bottom)], INK, 1)
    for number, line in enumerate(lines):
        if len(line) > 1:
            pen.line([place(point) for point in line], colour(number), 2)
        for point in line:
            pen.mark(place(point), number)


def _range(values: Sequence[float]) -> Point:
    """From a little under the least to a little over the largest value."""
    low, high = min(values), max(values)
    room = 0.06 * (high - low) or max(1e-3, 0.05 * abs(high))
    return low - room, high + room


def _bars(pen: _Pen, box: _Box, title: str, scores: Sequence[float | None]) -> None:
    """A panel of bars from 0, with the score written over each."""
    pen.text(((box.left + box.right) / 2, 16), title, "mm", 16)
    high = 1.1 * max([score for score in scores if score is not None], default=1.0) or 1.0
    each = (box.right - box.left) / len(scores)

    def height(score: float) -> float:
        return box.bottom - score / high * (box.bottom - box.top)

    for y in ticks(0, high):
        pen.line([(box.left, height(y)), (box.right, height(y))], FAINT, 1)
        pen.text((box.left - 8, height(y)), f"{y:g}", "rm")
    for number, score in enumerate(scores):
        middle = box.left + (number + 0.5) * each
        half = min(0.35 * each, 40)
        if score is not None:
            pen.bar((middle - half, height(score)), (middle + half, box.bottom), colour(number))
        top = height(score or 0.0)
        pen.text((middle, top - 10), "–" if score is None else f"{score:.1f}", "mm")
        pen.mark((middle, box.bottom + 14), number)
    pen.line([(box.left, box.top), (box.left, box.bottom), (box.right, box.bottom)], INK, 1)
