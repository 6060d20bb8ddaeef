"""Features are made once, survive kills, and are never reused for what they are not."""

import json
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from showtell.errors import BadFeatures, BadImage
from showtell.images import Preprocessing, open_picture, preprocess
from showtell.progress import Progress
from showtell.training.data.augmentation import augment
from showtell.training.features.cache import open_features
from showtell.training.features.encode import BATCH, encode_maps, encode_pictures
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

    name = "grid"

    def __init__(self, preprocessing: Preprocessing = SMALL):
        super().__init__()
        self.preprocessing = preprocessing

    def forward(self, pixels):
        return nn.functional.avg_pool2d(pixels, pixels.shape[-1] // 2).flatten(2).transpose(1, 2)


class Weighted(Grid):
    """The same through a layer that has weights."""

    def __init__(self):
        super().__init__()
        self.weights = nn.Linear(3, 3)

    def forward(self, pixels):
        return self.weights(super().forward(pixels))


class Late(nn.Linear):
    """What follows the grid: [B, 4, 3] -> [B, 4, 2]."""

    name, preprocessing = "late", SMALL


def network(preprocessing: Preprocessing = SMALL) -> PictureNetwork:
    return PictureNetwork(Grid(preprocessing))


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


def test_rows_are_the_pictures_in_order_each_with_its_augmentations(pictures, tmp_path) -> None:
    cache = encode_pictures(pictures, network(), tmp_path / "f", augmentations=2)
    assert cache.ids == tuple(name for name, _ in pictures)
    assert cache.features.shape == (len(pictures), 4, 3)
    assert cache.features.dtype == cache.augmentations.dtype == np.float16
    for name, path in pictures[::7]:
        row = int(cache.rows([name])[0])
        for number in range(3):
            found, mirrored = augment(open_picture(path), name, number)
            pixels = preprocess(found, SMALL)  # [3, 16, 16]
            cells = pixels.reshape(3, 2, 8, 2, 8).mean(axis=(2, 4)).reshape(3, 4).T
            place, which = np.array([row]), np.array([number])
            np.testing.assert_allclose(cache.read(place, which)[0], cells, atol=0.01)
            assert cache.is_mirrored(place, which)[0] == mirrored


def test_a_killed_encoding_continues_and_ends_the_same(pictures, tmp_path) -> None:
    whole = encode_pictures(pictures, network(), tmp_path / "whole", augmentations=2)
    program = (
        f"import sys, time; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "from contextlib import nullcontext\n"
        "from showtell.training.features.encode import encode_pictures\n"
        "from showtell.progress import Progress\n"
        "from test_cache import network\n"
        "paths = sorted(Path(sys.argv[1]).iterdir())\n"
        "slow = Progress(bar=lambda *_: nullcontext(lambda done: time.sleep(0.5)))\n"
        "pictures = [(path.stem, path) for path in paths]\n"
        "encode_pictures(pictures, network(), Path(sys.argv[2]), augmentations=2, progress=slow)\n"
    )
    folder = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", program, str(pictures[0][1].parent), str(folder)])
    while process.poll() is None:
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
        pictures,
        network(),
        folder,
        augmentations=2,
        progress=Progress(bar=lambda *_: nullcontext(seen.append)),
    )
    assert seen[0] == done  # what was done was not done again
    np.testing.assert_array_equal(continued.features, whole.features)
    np.testing.assert_array_equal(continued.augmentations, whole.augmentations)
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
    with pytest.raises(BadFeatures, match="its augmentations is 0, not 1"):
        encode_pictures(pictures, network(), folder, augmentations=1)
    with pytest.raises(BadFeatures, match="other pictures"):
        encode_pictures(pictures[1:], network(), folder)
    other = PictureNetwork(Weighted())
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


def test_maps_that_are_kept_give_the_same_features_as_the_pictures(pictures, tmp_path) -> None:
    maps = encode_pictures(pictures, network(), tmp_path / "maps", augmentations=1)
    late = PictureNetwork(Late(3, 2), blank=torch.zeros(1, 4, 3))
    described = {**late.described(), "encoder": "whole"}
    found = encode_maps(maps, late, tmp_path / "features", described)
    assert found.ids == maps.ids
    np.testing.assert_array_equal(found.mirrored, maps.mirrored)
    expected = late(maps.augmentations[0].astype(np.float32))
    np.testing.assert_allclose(found.augmentations[0], expected, atol=1e-3)
    open_features(tmp_path / "features", made_by=described)
