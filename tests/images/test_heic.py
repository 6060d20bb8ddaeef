"""HEIC, as phones store pictures, is read where a library for it is installed, and named where none is."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scenes import quarters

from showtell.errors import BadImage
from showtell.images import folders, open_picture

HEIC = Path(__file__).with_name("heic")
ALL = sorted(path.stem for path in HEIC.iterdir())


@pytest.fixture
def library():
    pytest.importorskip("pi_heif", reason="HEIC is read by the package pi-heif")


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("name", [name for name in ALL if name not in ("transparent", "grey")])
def test_it_shows_what_was_stored(name):
    seen = open_picture(HEIC / f"{name}.heic")
    assert seen.shape == (40, 60, 3)
    assert np.abs(seen.astype(int) - quarters()).mean() < 4


@pytest.mark.usefixtures("library")
def test_what_is_transparent_is_white():
    seen = open_picture(HEIC / "transparent.heic")
    assert seen[5, 5].tolist() == [255, 255, 255]
    assert np.abs(seen[:, 32:].astype(int) - quarters()[:, 32:]).mean() < 4


@pytest.mark.usefixtures("library")
def test_grey():
    seen = open_picture(HEIC / "grey.heic")
    assert np.ptp(seen, axis=2).max() <= 2
    assert seen[5, 5, 0] < seen[5, 50, 0] < seen[35, 50, 0]


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_a_cut_file_is_refused(share):
    data = (HEIC / "quarters.heic").read_bytes()
    with pytest.raises(BadImage, match="broken or cut short"):
        open_picture(data[: int(len(data) * share)])


@pytest.mark.usefixtures("library")
def test_damage_gives_a_picture_or_bad_image_and_nothing_else():
    generator = np.random.default_rng(1)
    for name in ("burst", "turned_6", "transparent"):
        data = (HEIC / f"{name}.heic").read_bytes()
        for _ in range(100):
            broken = bytearray(data)
            for place in generator.integers(0, len(broken), 3):
                broken[place] = generator.integers(0, 256)
            try:
                assert open_picture(bytes(broken)).shape[2] == 3
            except BadImage:
                continue


def test_without_a_library_a_file_says_what_to_install(monkeypatch):
    for name in ("pi_heif", "pillow_heif"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        BadImage, match="is HEIC, which needs one more library: pip install 'showtell\\[heic\\]'"
    ):
        open_picture(HEIC / "quarters.heic")


def test_without_a_library_a_folder_says_how_many_are_passed_over(monkeypatch):
    monkeypatch.setattr(folders, "reads_heic", lambda: False)
    found = folders.find_pictures([str(HEIC)])
    assert found.files == []
    assert folders.passed_over_sentences(found.passed_over) == [
        f"{len(ALL)} HEIC files passed over: pip install 'showtell[heic]'"
    ]
