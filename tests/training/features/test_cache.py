"""Features are made once, survive kills, and are never reused for what they are not."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import nn

from showtell.errors import BadFeatures, BadImage
from showtell.images import Preprocessing, open_picture, preprocess
from showtell.training.data.augmentation import view_of
from showtell.training.features.cache import BATCH, encode_pictures, open_features
from showtell.training.features.network import PictureNetwork

SMALL = Preprocessing(
    size=16,
    fit="squeeze",
    resample="bilinear",
    channels="rgb",
    mean=(127.0, 127.0, 127.0),
    std=(128.0, 128.0, 128.0),
)


class Grid(nn.Module):
    """Mean colours of a 2 x 2 grid: pixels [B, 3, S, S] -> [B, 4, 3]."""

    def forward(self, pixels):
        return nn.functional.avg_pool2d(pixels, pixels.shape[-1] // 2).flatten(2).transpose(1, 2)


def network(preprocessing: Preprocessing = SMALL) -> PictureNetwork:
    return PictureNetwork(Grid(), name="grid", preprocessing=preprocessing)


@pytest.fixture
def pictures(tmp_path: Path) -> list[tuple[str, Path]]:
    folder = tmp_path / "pictures"
    folder.mkdir()
    generator = np.random.default_rng(0)
    found = []
    for number in range(3 * BATCH + 5):
        path = folder / f"{number:03}.png"
        Image.fromarray(generator.integers(0, 255, (2, 2, 3), dtype=np.uint8)).resize((16, 16), 0).save(path)
        found.append((path.stem, path))
    return found


def test_rows_are_the_pictures_in_order_each_with_its_views(pictures, tmp_path) -> None:
    cache = encode_pictures(pictures, network(), tmp_path / "f", views=2)
    assert cache.ids == tuple(name for name, _ in pictures)
    assert cache.features.shape == (len(pictures), 4, 3)
    assert cache.features.dtype == cache.views.dtype == np.float16
    for name, path in pictures[::7]:
        row = int(cache.rows([name])[0])
        for number in range(3):
            view, mirrored = view_of(open_picture(path), name, number)
            pixels = preprocess(view, SMALL)  # [3, 16, 16]
            cells = pixels.reshape(3, 2, 8, 2, 8).mean(axis=(2, 4)).reshape(3, 4).T
            np.testing.assert_allclose(cache.of(row, number), cells, atol=0.01)
            assert cache.is_mirrored(row, number) == mirrored


def test_a_killed_encoding_continues_and_ends_the_same(pictures, tmp_path) -> None:
    whole = encode_pictures(pictures, network(), tmp_path / "whole", views=2)
    program = (
        f"import sys, time; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "from showtell.training.features.cache import encode_pictures\n"
        "from test_cache import network\n"
        "paths = sorted(Path(sys.argv[1]).iterdir())\n"
        "slow = lambda done, total: time.sleep(0.5)\n"
        "encode_pictures([(p.stem, p) for p in paths], network(), Path(sys.argv[2]), views=2, progress=slow)\n"
    )
    folder = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", program, str(pictures[0][1].parent), str(folder)])
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        meta = folder / "meta.json"
        if meta.exists() and json.loads(meta.read_text())["done"] >= BATCH:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = json.loads((folder / "meta.json").read_text())["done"]
    assert BATCH <= done < len(pictures)
    with pytest.raises(BadFeatures, match="run the same command again"):
        open_features(folder)
    seen = []
    continued = encode_pictures(
        pictures, network(), folder, views=2, progress=lambda done, _: seen.append(done)
    )
    assert seen[0] == done  # what was done was not done again
    np.testing.assert_array_equal(continued.features, whole.features)
    np.testing.assert_array_equal(continued.views, whole.views)
    np.testing.assert_array_equal(continued.mirrored, whole.mirrored)


def test_a_finished_folder_is_taken_as_it_is(pictures, tmp_path) -> None:
    encode_pictures(pictures, network(), tmp_path / "f")
    before = (tmp_path / "f" / "features.npy").stat().st_mtime_ns
    encode_pictures(pictures, network(), tmp_path / "f")
    assert (tmp_path / "f" / "features.npy").stat().st_mtime_ns == before


def test_features_made_in_another_way_are_refused(pictures, tmp_path) -> None:
    folder = tmp_path / "f"
    encode_pictures(pictures, network(), folder)
    with pytest.raises(BadFeatures, match="its preprocessing is"):
        encode_pictures(pictures, network(replace(SMALL, resample="nearest")), folder)
    with pytest.raises(BadFeatures, match="its views is 0, not 1"):
        encode_pictures(pictures, network(), folder, views=1)
    with pytest.raises(BadFeatures, match="other pictures"):
        encode_pictures(pictures[1:], network(), folder)
    other = PictureNetwork(nn.Sequential(Grid(), nn.Linear(3, 3)), name="grid", preprocessing=SMALL)
    with pytest.raises(BadFeatures, match="its weights is"):
        open_features(folder, made_by=other.described())


def test_broken_folders_are_named(pictures, tmp_path) -> None:
    folder = tmp_path / "f"
    with pytest.raises(BadFeatures, match=r"no meta\.json"):
        open_features(folder)
    encode_pictures(pictures, network(), folder)
    whole = (folder / "features.npy").read_bytes()
    (folder / "features.npy").write_bytes(whole[:200])
    with pytest.raises(BadFeatures, match=r"features\.npy cannot be read"):
        open_features(folder)
    (folder / "features.npy").write_bytes(whole)
    with pytest.raises(BadFeatures, match="lacks the features of 1 picture"):
        open_features(folder).rows(["nobody"])


def test_a_picture_that_cannot_be_read_stops_it_and_keeps_what_is_done(pictures, tmp_path) -> None:
    pictures[2 * BATCH][1].write_bytes(b"no picture")
    with pytest.raises(BadImage, match=pictures[2 * BATCH][0]):
        encode_pictures(pictures, network(), tmp_path / "f")
    assert json.loads((tmp_path / "f" / "meta.json").read_text())["done"] == 2 * BATCH


@pytest.mark.parametrize("batches", [0, 2])
def test_without_the_picture_that_could_not_be_read_the_rest_follows(batches, pictures, tmp_path) -> None:
    whole = [named for number, named in enumerate(pictures) if number != batches * BATCH + 1]
    pictures[batches * BATCH + 1][1].write_bytes(b"no picture")
    with pytest.raises(BadImage):
        encode_pictures(pictures, network(), tmp_path / "f", views=1)
    seen: list[int] = []
    found = encode_pictures(
        whole, network(), tmp_path / "f", views=1, progress=lambda done, _: seen.append(done)
    )
    expected = encode_pictures(whole, network(), tmp_path / "whole", views=1)
    assert seen[0] == batches * BATCH
    assert found.ids == expected.ids
    for name in ("features", "views", "mirrored"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
