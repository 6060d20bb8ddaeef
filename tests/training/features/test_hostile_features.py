"""Files and folders of features that mean harm end as BadFeatures, quickly and in little memory."""

import contextlib
import errno
import os
import pickle
import resource
import struct
import subprocess
import sys
import time

import numpy as np
import pytest

from showtell.errors import BadFeatures
from showtell.training.features import cache
from showtell.training.features.cache import CacheWriter, open_features
from showtell.training.features.files import read_features, write_features


def shared_tuples():
    """A key whose hash takes 2 ** 60 steps: each tuple holds the one before it twice."""
    value = b"K\x01" + b"".join(b"q" + bytes([n]) + b"h" + bytes([n]) + b"\x86" for n in range(60))
    return b"\x80\x02}" + value + b"K\x01s."


PICKLES = {
    "a key of shared tuples": shared_tuples(),
    "a key of nested tuples": b"\x80\x02}" + b"K\x01" + b"\x85" * 200_000 + b"K\x01s.",
    "a value of nested tuples": b"\x80\x02}X\x01\0\0\0a" + b"K\x01" + b"\x85" * 200_000 + b"s.",
    "a dict by marks with a tuple for a key": b"\x80\x02((K\x01tK\x01d.",
    "bytes of 6 GB in 12": b"\x80\x05\x96" + struct.pack("<Q", 6 * 10**9) + b".",
    "a string of 6 GB": b"\x80\x05\x8d" + struct.pack("<Q", 6 * 10**9) + b".",
    "a frame of 6 GB": b"\x80\x05\x95" + struct.pack("<Q", 6 * 10**9) + b".",
    "a set of tuples": b"\x80\x04\x8f(K\x01\x85\x90.",
    "an integer of 6 GB": b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b".",
    "a memo number of 2 billion": b"\x80\x02}r\xff\xff\xff\x7f.",
    "a function": pickle.dumps(print),
    "nothing": b"",
}


@pytest.mark.parametrize("data", PICKLES.values(), ids=PICKLES)
def test_pickles(data, tmp_path):
    path = tmp_path / "features.pkl"
    path.write_bytes(data)
    begun, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadFeatures):
        read_features(path)
    assert time.process_time() - begun < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB


def test_whole_pickles_are_still_read(tmp_path):
    arrays = {f"{number}.jpg": np.full((1, 4), number, np.float32) for number in range(3000)}
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        (tmp_path / "features.pkl").write_bytes(pickle.dumps(arrays, protocol))
        read = read_features(tmp_path / "features.pkl")
        assert len(read.ids) == 3000
        assert read.features[7].tolist() == [[7, 7, 7, 7]]


def test_members_of_a_npz_are_limited_together(tmp_path, monkeypatch):
    monkeypatch.setattr("showtell.training.features.files.LARGEST", 1000)
    np.savez(tmp_path / "f.npz", **{f"{number}": np.zeros(100, np.float32) for number in range(5)})
    with pytest.raises(BadFeatures, match="unpacks to more than"):
        read_features(tmp_path / "f.npz")


MADE_BY = {"regions": 4, "width": 8, "augmentations": 0}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("meta.json", "[" * 100_000),
        ("ids.json", "[" * 100_000),
        ("meta.json", '{"format": 3, "done": -1, "regions": 4, "width": 8, "augmentations": 0}'),
        ("meta.json", '{"format": 3, "done": 2, "regions": 1e999, "width": 8, "augmentations": 0}'),
        ("meta.json", '{"format": 3, "done": 2, "regions": "4", "width": 8, "augmentations": 0}'),
        (
            "meta.json",
            '{"format": 3, "done": 2, "regions": ' + "9" * 5000 + ', "width": 8, "augmentations": 0}',
        ),
    ],
)
def test_folders(name, text, tmp_path):
    writer = CacheWriter(tmp_path / "f", ["a", "b"], MADE_BY)
    writer.append(np.zeros((2, 4, 8), np.float16))
    (tmp_path / "f" / name).write_text(text)
    with pytest.raises(BadFeatures):
        open_features(tmp_path / "f")


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system cannot reserve space")
def test_space_is_taken_when_the_folder_is_made(tmp_path, monkeypatch):
    CacheWriter(tmp_path / "f", [str(number) for number in range(1000)], MADE_BY)
    status = (tmp_path / "f/features.npy").stat()
    assert status.st_blocks * 512 >= status.st_size

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cache.os, "posix_fallocate", full)
    with pytest.raises(BadFeatures, match=r"features\.npy cannot be made: .*No space left"):
        CacheWriter(tmp_path / "g", ["a"], MADE_BY)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system cannot reserve space")
def test_a_file_that_the_system_does_not_allow_is_an_error_and_no_signal(tmp_path):
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from showtell.training.features.cache import CacheWriter\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "made_by = {'regions': 4, 'width': 8, 'augmentations': 0}\n"
        "CacheWriter(Path(sys.argv[1]), [str(n) for n in range(10_000)], made_by)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "f")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(("showtell.errors.BadFeatures", "OSError"))


def test_files_damaged_at_random(tmp_path):
    generator = np.random.default_rng(3)
    writer = CacheWriter(tmp_path / "f", ["a", "b"], MADE_BY)
    writer.append(np.zeros((2, 4, 8), np.float16))
    write_features(tmp_path / "f.pkl", ["a", "b"], np.zeros((2, 3, 4)))
    write_features(tmp_path / "f.npz", ["a", "b"], np.zeros((2, 3, 4)))
    whole = {path: path.read_bytes() for path in [*(tmp_path / "f").iterdir(), *tmp_path.glob("f.*")]}
    for turn in range(800):
        path, data = list(whole.items())[turn % len(whole)]
        damaged = bytearray(data[: generator.integers(0, len(data))] if turn % 3 == 0 else data)
        for place in generator.integers(0, max(1, min(len(damaged), 200)), 3 if damaged else 0):
            damaged[place] = generator.integers(0, 256)
        path.write_bytes(damaged)
        with contextlib.suppress(BadFeatures):
            read_features(path) if path.parent == tmp_path else open_features(path.parent)
        path.write_bytes(data)
