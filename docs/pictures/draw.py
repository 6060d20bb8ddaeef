"""Draws the pictures of docs/lineage.md: how data flows through each model, with the shapes that the code has.

Run as `python docs/pictures/draw.py`; it writes an SVG a model beside itself. A test fails when one of them is stale.

A drawing is a grid of boxes, each with what happens in it and the shape of what comes out, and arrows between them. The
card behind it is opaque, and follows the reader's light or dark mode where the browser says which it is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from pathlib import Path

WIDE, HIGH = 132, 52  # pixels of a box
ACROSS, DOWN = 152, 104  # from one box to the next
LEFT, TOP = 22, 50
WIDTH = 2 * LEFT + 5 * ACROSS + WIDE

LEGEND = (
    ("given", "not trained here"),
    ("learnt", "learnt"),
    ("memory", "learnt memory"),
    ("said", "what is said"),
)

STYLE = """
.card{fill:#fbfbf8;stroke:#c9c9c0}.box{stroke:#5b6470;stroke-width:1.2}.given{fill:#e4e6ea}.learnt{fill:#d9e8f7}
.memory{fill:#fbe6c8}.said{fill:#d8efdb}.title,.shape,.note{fill:#1d232b;text-anchor:middle}
.title{font:600 12px sans-serif}.shape{font:12px monospace}.note{font:12px sans-serif}.left{text-anchor:start}
.end{text-anchor:end}
.head{font:700 15px sans-serif;text-anchor:start;fill:#1d232b}.line{fill:none;stroke:#4a5460;stroke-width:1.6}
.back{stroke:#b3541e;stroke-dasharray:6 4}.tip{fill:#4a5460}.backtip{fill:#b3541e}
.frame{fill:none;stroke:#7b8794;stroke-dasharray:3 3}
"""
DARK = """
.card{fill:#171b21;stroke:#39414b}.box{stroke:#9aa6b3}.given{fill:#333a44}.learnt{fill:#1d3d5c}.memory{fill:#5a4014}
.said{fill:#1f4a2a}.title,.shape,.note,.head{fill:#eef2f6}.line{stroke:#b4bfca}.back{stroke:#f0a070}.tip{fill:#b4bfca}
.backtip{fill:#f0a070}.frame{stroke:#8793a0}
"""

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A box at a column and row of the grid."""

    column: float
    row: float

    def at(self, side: str, shift: float = 0) -> Point:
        """The middle of a side, shifted along it."""
        x, y = LEFT + self.column * ACROSS, TOP + self.row * DOWN
        return {
            "left": (x, y + HIGH / 2 + shift),
            "right": (x + WIDE, y + HIGH / 2 + shift),
            "top": (x + WIDE / 2 + shift, y),
            "bottom": (x + WIDE / 2 + shift, y + HIGH),
        }[side]


@dataclass
class Drawing:
    """A picture that grows line by line."""

    title: str
    rows: float
    parts: list[str] = field(default_factory=list)

    def box(self, column: float, row: float, title: str, shape: str, kind: str = "learnt") -> Box:
        x, y = LEFT + column * ACROSS, TOP + row * DOWN
        self.parts.append(f'<rect class="box {kind}" x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="7"/>')
        self.text((x + WIDE / 2, y + 21), title, "title")
        self.text((x + WIDE / 2, y + 40), shape, "shape")
        return Box(column, row)

    def text(self, place: Point, words: str, kind: str = "note") -> None:
        self.parts.append(f'<text class="{kind}" x="{place[0]:g}" y="{place[1]:g}">{escape(words)}</text>')

    def arrow(self, *points: Point, back: bool = False) -> None:
        """Along the points; dashed when it carries something to the next word."""
        corners = " ".join(f"{x:g},{y:g}" for x, y in points)
        self.parts.append(f'<polyline class="line{" back" * back}" points="{corners}"/>')
        (x0, y0), (x, y) = points[-2:]
        if x == x0:
            up = 1 if y < y0 else -1
            tip = [(x, y), (x - 4.5, y + 9 * up), (x + 4.5, y + 9 * up)]
        else:
            along = 1 if x < x0 else -1
            tip = [(x, y), (x + 9 * along, y - 4.5), (x + 9 * along, y + 4.5)]
        corners = " ".join(f"{x:g},{y:g}" for x, y in tip)
        self.parts.append(f'<polygon class="{"back" * back}tip" points="{corners}"/>')

    def chain(self, *boxes: Box) -> None:
        """Each box to the one on its right."""
        for one, other in pairwise(boxes):
            self.arrow(one.at("right"), other.at("left"))

    def again(self, box: Box, words: str) -> None:
        """What a box keeps for the next word."""
        (x, y), (end, _) = box.at("bottom", 34), box.at("bottom", -34)
        self.arrow((x, y), (x, y + 20), (end, y + 20), (end, y), back=True)
        self.text(((x + end) / 2, y + 35), words)

    def svg(self, *, dark: bool = False) -> str:
        height = TOP + (self.rows - 1) * DOWN + HIGH + 96
        drawn = "".join(self.parts)
        used = [(kind, words) for kind, words in LEGEND if f"box {kind}" in drawn]
        for number, (kind, words) in enumerate(used):
            x = LEFT + 150 * number
            place = f'x="{x}" y="{height - 27}"'
            self.parts.append(f'<rect class="box {kind}" {place} width="14" height="14" rx="3"/>')
            self.text((x + 21, height - 15), words, "note left")
        if "line back" in drawn:
            x = LEFT + 150 * len(used)
            self.arrow((x + 2, height - 20), (x + 40, height - 20), back=True)
            self.text((x + 48, height - 15), "to the next word", "note left")
        style = STYLE + (DARK if dark else f"@media (prefers-color-scheme:dark){{{DARK}}}")
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" '
                f'height="{height:g}" role="img">',
                f"<title>{escape(self.title)}</title>",
                f"<style>{style}</style>",
                f'<rect class="card" x="1" y="1" width="{WIDTH - 2}" height="{height - 2:g}" rx="12"/>',
                f'<text class="head" x="{LEFT}" y="30">{escape(self.title)}</text>',
                *self.parts,
                "</svg>\n",
            )
        )


def drawings() -> Iterable[tuple[str, Drawing]]:
    """Every picture with its name."""
    for draw in (transfer, merge, nic, soft_attention, adaptive_attention, two_lstm, transformer):
        yield draw.__name__, draw()


def transfer() -> Drawing:
    it = Drawing("Transfer: one network, three tasks", 3)
    picture = it.box(0, 1, "pixels", "[B,3,224,224]", "given")
    early = it.box(1, 1, "early stages", "[B,196,120]", "given")
    late = it.box(2, 1, "late stages", "[B,49,1280]")
    classes = it.box(3.5, 0, "mean, classes", "[B,1000]", "given")
    words = it.box(3.5, 1, "mean, words", "[B,words]")
    captions = it.box(3.5, 2, "captioner", "[B,T,V]")
    goals = [
        it.box(5, row, *what, "said")
        for row, what in enumerate(
            (("ImageNet's", "class"), ("words that", "people used"), ("the next", "word"))
        )
    ]
    it.chain(picture, early, late, words)
    x = late.at("right")[0] + 48
    for end, words_there in ((classes, "1  thrown away"), (captions, "3  what we want")):
        it.arrow(late.at("right"), (x, late.at("right")[1]), (x, end.at("left")[1]), end.at("left"))
        it.text((x + 6, end.at("left")[1] - 10), words_there[:1], "note left")
        it.text((end.at("top")[0], end.at("top")[1] - 8), words_there[3:])
    it.text((x + 6, words.at("left")[1] - 10), "2", "note left")
    it.text((words.at("top")[0], words.at("top")[1] - 8), "tunes the late stages")
    for box, goal in zip((classes, words, captions), goals, strict=True):
        it.arrow(box.at("right"), goal.at("left"))
    return it


def merge() -> Drawing:
    it = Drawing("Merge: picture and sentence meet late", 2)
    seen = it.box(0, 0, "encoder", "a [B,R,D]", "given")
    mean = it.box(1, 0, "mean over R", "[B,D]", "given")
    project = it.box(2, 0, "linear, relu", "v [B,W]")
    words, embedded = _words(it, 1)
    lstm = it.box(2, 1, "LSTM", "h [B,T,W]", "memory")
    add = it.box(3, 1, "v + h", "[B,T,W]", "given")
    dense = it.box(4, 1, "dense, relu", "d [B,T,W]")
    said = it.box(5, 1, "softmax(E d + b)", "[B,T,V]", "said")
    it.chain(seen, mean, project)
    it.chain(words, embedded, lstm, add, dense, said)
    it.arrow(project.at("right"), (add.at("top")[0], project.at("right")[1]), add.at("top"))
    it.again(lstm, "h, c")
    return it


def nic() -> Drawing:
    it = Drawing("NIC: the picture is the first thing that the LSTM hears", 2)
    seen = it.box(0, 0, "encoder", "a [B,R,D]", "given")
    mean = it.box(1, 0, "mean over R", "[B,D]", "given")
    project = it.box(2, 0, "linear, norm", "x [B,W]")
    words, embedded = _words(it, 1)
    lstm = it.box(2, 1, "LSTM", "h [B,T,W]", "memory")
    norm = it.box(3, 1, "norm", "[B,T,W]")
    said = it.box(4, 1, "softmax(E h + b)", "[B,T,V]", "said")
    it.chain(seen, mean, project)
    it.chain(words, embedded, lstm, norm, said)
    it.arrow(project.at("bottom"), lstm.at("top"))
    it.text(
        (project.at("bottom")[0] + 8, project.at("bottom")[1] + 30),
        "once, before the first word",
        "note left",
    )
    it.again(lstm, "h, c")
    return it


def soft_attention() -> Drawing:
    it = Drawing("Soft attention: look again before each word", 2)
    seen, placed = _regions(it)
    look = it.box(2, 0, "attention", "alpha [B,R]")
    gate = it.box(3, 0, "gated mean", "z [B,W]")
    words, embedded = _words(it, 1)
    lstm = it.box(3, 1, "LSTM", "h [B,W]", "memory")
    deep = it.box(4, 1, "dense, norm", "L [B,T,W]")
    said = it.box(5, 1, "softmax(E L + b)", "[B,T,V]", "said")
    it.chain(seen, placed, look, gate)
    it.chain(words, embedded, lstm, deep, said)
    it.arrow(gate.at("bottom", 25), lstm.at("top", 25))
    it.arrow(gate.at("right"), (deep.at("top")[0], gate.at("right")[1]), deep.at("top"))
    middle = lstm.at("top")[1] - 26
    asks, asked = lstm.at("top", -25), look.at("bottom")
    it.arrow(asks, (asks[0], middle), (asked[0], middle), asked, back=True)
    it.text((asked[0] + 10, middle + 17), "h asks, gates", "note left")
    _bypass(it, embedded, deep)
    it.again(lstm, "h, c")
    return it


def adaptive_attention() -> Drawing:
    it = Drawing("Adaptive attention: a sentinel beside the regions", 3)
    seen, placed = _regions(it)
    look = it.box(3, 0, "attention", "alpha, beta")
    it.text((look.at("top")[0], look.at("top")[1] - 8), "[B,R], [B,1]", "shape")
    mixed = it.box(4, 0, "mean of both", "z [B,W]")
    sentinel = it.box(3, 1, "sentinel", "s [B,W]")
    words, embedded = _words(it, 2)
    lstm = it.box(2, 2, "LSTM", "h [B,W]", "memory")
    deep = it.box(5, 1, "dense, norm", "L [B,T,W]")
    said = it.box(5, 2, "softmax(E L + b)", "[B,T,V]", "said")
    it.chain(seen, placed, look, mixed)
    it.chain(words, embedded, lstm)
    it.arrow(deep.at("bottom"), said.at("top"))
    start, end = placed.at("bottom"), lstm.at("top", -40)
    it.arrow(start, (start[0], start[1] + 80), (end[0], start[1] + 80), end)
    it.text((start[0] + 8, start[1] + 72), "mean over R", "note left")
    start, end = lstm.at("top", -10), look.at("left", 15)
    it.arrow(start, (start[0], end[1]), end)
    it.text((start[0] + 8, end[1] + 50), "h asks", "note left")
    start, end = lstm.at("top", 34), sentinel.at("left")
    it.arrow(start, (start[0], end[1]), end)
    it.text((start[0] + 8, end[1] + 42), "memory c", "note left")
    start, end = lstm.at("right", -14), sentinel.at("bottom", -35)
    it.arrow(start, (end[0], start[1]), end)
    it.text((end[0] + 8, end[1] + 30), "its gate, of x and the last h", "note left")
    it.arrow(sentinel.at("top"), look.at("bottom"))
    it.arrow(sentinel.at("right"), (mixed.at("bottom")[0], sentinel.at("right")[1]), mixed.at("bottom"))
    it.arrow(mixed.at("right"), (deep.at("top")[0], mixed.at("right")[1]), deep.at("top"))
    start, end = lstm.at("right"), deep.at("left", -8)
    it.arrow(start, (end[0] - 40, start[1]), (end[0] - 40, end[1]), end)
    start, end = embedded.at("bottom"), deep.at("left", 12)
    low = start[1] + 48
    it.arrow(start, (start[0], low), (end[0] - 24, low), (end[0] - 24, end[1]), end)
    it.again(lstm, "h, c")
    return it


def two_lstm() -> Drawing:
    it = Drawing("Two LSTMs: one asks, one speaks", 2)
    seen, placed = _regions(it)
    keys = it.box(2, 0, "keys, values", "[B,H,R,W/H]")
    look = it.box(3, 0, "attention", "g [B,T,W]")
    words, embedded = _words(it, 1)
    listen = it.box(2, 1, "LSTM 1 listens", "h1 [B,T,W]", "memory")
    speak = it.box(3, 1, "LSTM 2 speaks", "h2 [B,T,W]", "memory")
    norm = it.box(4, 1, "norm(h2 + g)", "o [B,T,W]")
    said = it.box(5, 1, "softmax(E o + b)", "[B,T,V]", "said")
    it.chain(seen, placed, keys, look)
    it.chain(words, embedded, listen, speak, norm, said)
    middle = speak.at("top")[1] - 26
    asks, asked = listen.at("top"), look.at("bottom", -30)
    it.arrow(asks, (asks[0], middle), (asked[0], middle), asked)
    it.text((asks[0] + 8, middle + 17), "asks", "note left")
    it.arrow(look.at("bottom", 20), speak.at("top", 20))
    it.arrow(look.at("right"), (norm.at("top")[0], look.at("right")[1]), norm.at("top"))
    it.again(listen, "h, c")
    it.again(speak, "h, c")
    return it


def transformer() -> Drawing:
    it = Drawing("Transformer: attention alone", 2)
    seen, placed = _regions(it)
    encode = it.box(2, 0, "encoder layer", "[B,R,W]")
    keys = it.box(3, 0, "keys, values", "[B,H,R,W/H]")
    words = it.box(0, 1, "words so far", "y [B,T]", "given")
    embedded = it.box(1, 1, "embed + position", "[B,T,W]")
    listen = it.box(2, 1, "look at words", "[B,T,W]", "memory")
    look = it.box(3, 1, "look at regions", "[B,T,W]")
    feed = it.box(4, 1, "feed forward", "o [B,T,W]")
    said = it.box(5, 1, "softmax(E o + b)", "[B,T,V]", "said")
    it.chain(seen, placed, encode, keys)
    it.chain(words, embedded, listen, look, feed, said)
    it.arrow(keys.at("bottom"), look.at("top"))
    it.again(listen, "their keys, values")
    (x, y), (right, low) = listen.at("top", -WIDE / 2), feed.at("bottom", WIDE / 2)
    size = f'width="{right - x + 16:g}" height="{low - y + 58:g}"'
    it.parts.append(f'<rect class="frame" x="{x - 8:g}" y="{y - 16:g}" {size} rx="9"/>')
    it.text((right, low + 30), "three decoder layers", "note end")
    return it


def _regions(it: Drawing) -> tuple[Box, Box]:
    """What the encoder sees, in the model's width and with its place."""
    seen = it.box(0, 0, "encoder", "[B,R,D]", "given")
    return seen, it.box(1, 0, "linear + place", "a [B,R,W]")


def _words(it: Drawing, row: float) -> tuple[Box, Box]:
    return it.box(0, row, "words so far", "y [B,T]", "given"), it.box(1, row, "embed", "E y [B,T,W]")


def _bypass(it: Drawing, start: Box, end: Box) -> None:
    """Below everything from one box to another."""
    (x, y), (x_end, _) = start.at("bottom"), end.at("bottom")
    it.arrow((x, y), (x, y + 48), (x_end, y + 48), (x_end, y))


if __name__ == "__main__":
    for name, drawing in drawings():
        Path(__file__).with_name(f"{name}.svg").write_text(drawing.svg(), encoding="utf-8")
