"""``showtell features``: which pictures, which encoder, into which file; and what a kill leaves."""

import json
import pickle
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_vgg16 import use_small_vgg16

from showtell.cli import main
from showtell.progress import Progress
from showtell.training.encoders import NamedEncoder
from showtell.training.features.cache import open_features
from showtell.training.features.encode import BATCH
from showtell.training.features.files import read_features
from showtell.training.features.make import make_features

LITE = ["--encoder", "efficientnet-lite0"]


def draw(folder: Path, count: int) -> list[Path]:
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    paths = [folder / f"{number:03}.png" for number in range(count)]
    for path in paths:
        Image.fromarray(generator.integers(0, 255, (6, 8, 3), dtype=np.uint8)).save(path)
    return paths


def features(*arguments: object) -> int:
    return main(["features", *map(str, arguments)])


def test_a_folder_and_files_of_either_kind_hold_the_same_numbers_under_the_names_of_the_files(
    tmp_path, capsys
) -> None:
    paths = draw(tmp_path / "pictures", 3)
    for name in ("f", "f.npz", "f.PKL"):
        assert features(tmp_path / "pictures", *LITE, "--output", tmp_path / name) == 0
    assert "holds the features of 3 pictures, 49 x 1280 numbers each" in capsys.readouterr().err
    folder = open_features(tmp_path / "f")
    npz, pkl = (read_features(tmp_path / name) for name in ("f.npz", "f.PKL"))
    assert folder.ids == npz.ids == pkl.ids == tuple(path.stem for path in paths)
    np.testing.assert_array_equal(npz.features, pkl.features)
    np.testing.assert_allclose(npz.features, folder.features, rtol=1e-3, atol=1e-6)  # a folder's are halved
    assert npz.meta["encoder"] == "efficientnet-lite0"
    assert npz.meta["preprocessing"]["resample"] == "bilinear"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f", "f.PKL", "f.npz", "pictures"]


def test_vgg16_keeps_its_filter_in_an_npz_and_gives_fc2_or_its_map(tmp_path, monkeypatch) -> None:
    weights = use_small_vgg16(monkeypatch, tmp_path)
    paths = draw(tmp_path / "pictures", 2)
    vgg16 = [*paths, "--weights", weights, "--resample", "nearest"]
    assert features(*vgg16, "--encoder", "vgg16", "--output", tmp_path / "fc2.npz") == 0
    assert features(*vgg16, "--encoder", "vgg16-map", "--output", tmp_path / "map.npz") == 0
    assert features(*vgg16, "--encoder", "vgg16", "--output", tmp_path / "fc2.pkl") == 0
    fc2, cells = (read_features(tmp_path / f"{name}.npz") for name in ("fc2", "map"))
    assert (fc2.features.shape, cells.features.shape) == ((2, 1, 20), (2, 49, 12))
    assert fc2.meta["preprocessing"]["resample"] == "nearest"
    assert (fc2.meta["encoder"], cells.meta["encoder"]) == ("vgg16", "vgg16-map")
    older = pickle.loads((tmp_path / "fc2.pkl").read_bytes())
    np.testing.assert_array_equal(older["000"], fc2.features[0])


def test_a_killed_command_continues_and_ends_with_the_same_file(tmp_path, capsys) -> None:
    draw(tmp_path / "pictures", 3 * BATCH)
    arguments = [tmp_path / "pictures", *LITE, "--output"]
    command = [sys.executable, "-m", "showtell", "features", *arguments, tmp_path / "killed.pkl"]
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL)
    meta = tmp_path / "killed.pkl.part" / "meta.json"
    while process.poll() is None:
        if meta.exists() and json.loads(meta.read_text())["done"] >= BATCH:
            break
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = json.loads(meta.read_text())["done"]
    assert not (tmp_path / "killed.pkl").exists()
    assert features(*arguments, tmp_path / "killed.pkl") == 0
    assert f"{done} of {3 * BATCH} pictures were done before" in capsys.readouterr().err
    assert not meta.parent.exists()
    assert features(*arguments, tmp_path / "whole.pkl") == 0
    assert (tmp_path / "killed.pkl").read_bytes() == (tmp_path / "whole.pkl").read_bytes()


def test_a_file_that_is_there_is_taken_when_it_says_that_it_is_the_same_and_never_overwritten(
    tmp_path, capsys
) -> None:
    paths = draw(tmp_path / "pictures", 2)
    for name in ("f.npz", "f.pkl"):
        assert features(*paths, *LITE, "--output", tmp_path / name) == 0
    before = (tmp_path / "f.npz").stat().st_mtime_ns
    (tmp_path / "f.npz.part").mkdir()  # killed while it tidied up
    assert features(*paths, *LITE, "--output", tmp_path / "f.npz") == 0
    assert (tmp_path / "f.npz").stat().st_mtime_ns == before
    assert not (tmp_path / "f.npz.part").exists()
    capsys.readouterr()
    for pictures, name in ((paths[:1], "f.npz"), (paths, "f.pkl")):  # a pickle cannot say how it was made
        assert features(*pictures, *LITE, "--output", tmp_path / name) == 2
        assert "is there already and is not known to hold these features" in capsys.readouterr().err


def test_a_bar_follows_the_pictures(tmp_path) -> None:
    paths = draw(tmp_path / "pictures", 2 * BATCH + 1)
    bars, steps = [], []

    @contextmanager
    def bar(total: int | None, description: str) -> Iterator[Callable[[int], None]]:
        bars.append((total, description))
        yield steps.append

    make_features(
        [(path.stem, path) for path in paths],
        tmp_path / "f",
        NamedEncoder(name="efficientnet-lite0"),
        device="cpu",
        progress=Progress(bar=bar),
    )
    assert bars == [(len(paths), "Features")]
    assert sum(steps) == len(paths)
    assert len(steps) > 2


def test_two_pictures_of_one_id_are_refused_in_one_sentence_before_anything_is_encoded(
    tmp_path, capsys
) -> None:
    (first,) = draw(tmp_path / "a", 1)
    (second,) = draw(tmp_path / "b", 1)
    assert features(tmp_path / "a", tmp_path / "b", *LITE, "--output", tmp_path / "f.pkl") == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"{first} and {second} would have the same id '000'" in said
    assert features(first, tmp_path / "a", *LITE, "--output", tmp_path / "f.pkl") == 2
    assert f"{first} is named twice" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--encoder", "vgg16"], "comes without weights; give those that Keras or torchvision exported"),
        ([*LITE, "--weights", "x.h5"], "--weights is for vgg16 and vgg16-map"),
        ([*LITE, "--resample", "nearest"], "--resample is for vgg16 and vgg16-map"),
        (["--encoder", "vgg16", "--weights", "none.h5"], "none.h5 cannot be read"),
        (["--encoder", "vgg19"], "no encoder 'vgg19'.*vgg16-map"),
        ([*LITE, "--augmentations", "2"], "a file of features holds no augmentations"),
    ],
)
def test_what_does_not_fit_together_is_said_in_one_line(arguments, message, tmp_path, capsys) -> None:
    (picture,) = draw(tmp_path / "pictures", 1)
    assert features(picture, *arguments, "--output", tmp_path / "f.pkl") == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert re.search(message, said, re.IGNORECASE), said


def test_a_picture_that_is_not_there_or_no_picture_at_all_is_named(tmp_path, capsys) -> None:
    assert features(tmp_path / "none.jpg", *LITE, "--output", tmp_path / "f.pkl") == 2
    assert "none.jpg: there is no such file" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert features(tmp_path / "empty", *LITE, "--output", tmp_path / "g.pkl") == 2
    assert "there are no pictures to encode" in capsys.readouterr().err
