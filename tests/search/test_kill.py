"""An indexer that is killed at any moment: the library opens, nothing is counted twice, nothing reported is lost."""

import random
import shutil
import subprocess
import sys
import time

import pytest
from painted import paint
from tiny_bundle import COLOURS

import showtell
from showtell.search.store import Store

PICTURES = 120

INDEXER = """
import sys, showtell
from contextlib import nullcontext
from showtell.progress import Progress
folder, model, pictures = sys.argv[1:]
print("began", flush=True)
library = showtell.open_library(folder, model=model)
told = lambda count: print(len(library), flush=True)
library.index(pictures, progress=Progress(bar=lambda *_: nullcontext(told)))
print("ended", flush=True)
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    for number in range(PICTURES):
        paint(folder / f"{number % 4}" / f"{number:03}.png", list(COLOURS)[number % 5], size=(number + 1, 9))
    (folder / "bad.jpg").write_bytes(b"nonsense")
    return folder


def test_an_indexer_killed_at_a_few_moments(pictures, tmp_path, searching_model):
    kill_often(pictures, tmp_path / "library", searching_model, kills=4)


@pytest.mark.slow
def test_an_indexer_killed_at_fifty_moments(pictures, tmp_path, searching_model):
    kill_often(pictures, tmp_path / "library", searching_model, kills=50)


def kill_often(pictures, folder, model, *, kills):
    moments = random.Random(kills)
    cut_short = 0
    for number in range(kills):
        # Some while the library is being made, the rest while it is written to.
        reported, ended = kill(pictures, folder, model, moments, at_start=number % 4 == 3)
        cut_short += not ended
        with showtell.open_library(folder) as library:
            check(library, reported)
        if ended or number % 8 == 7:
            shutil.rmtree(folder)
    assert cut_short >= kills // 2
    with showtell.open_library(folder, model=model) as library:
        library.index(pictures)
        check(library, PICTURES)
        assert library.counts()["contents"] == PICTURES
        assert library.counts()["captions"] == 2 * PICTURES
        assert library.counts()["errors"] == 1


def kill(pictures, folder, model, moments, *, at_start):
    """How many pictures the indexer had reported done when it was killed, and whether it had ended before."""
    process = subprocess.Popen(
        [sys.executable, "-c", INDEXER, str(folder), str(model), str(pictures)],
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = [process.stdout.readline()]
    if not at_start:
        lines.append(process.stdout.readline())
    time.sleep(moments.uniform(0, 0.5 if at_start else 0.05))
    process.kill()
    lines += process.stdout.read().splitlines()
    process.wait()
    numbers = [int(line) for line in lines if line.strip().isdigit()]
    return max(numbers, default=0), any("ended" in line for line in lines)


def check(library, reported):
    rows = Store(library.folder).rows
    assert rows("PRAGMA integrity_check") == [("ok",)]
    assert rows("PRAGMA foreign_key_check") == []
    assert rows("INSERT INTO words (words) VALUES ('integrity-check')") == []
    assert reported <= len(library) <= PICTURES
    [[pictures, contents, vectors, words]] = rows(
        "SELECT (SELECT count(*) FROM pictures WHERE error IS NULL), (SELECT count(*) FROM contents), "
        "(SELECT count(*) FROM vectors), (SELECT count(*) FROM words)"
    )
    assert pictures == contents == vectors == words
    assert rows("SELECT count(*) FROM captions") == [(2 * pictures,)]
