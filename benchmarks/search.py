"""What a library of pictures costs, and how well it finds: see the commands.

    python benchmarks/search.py scale [--model base] [--pictures 1000 100000 1000000] [--queries 200]
    python benchmarks/search.py index FOLDER [--model base]

``scale``: made-up vectors and captions of so many pictures; the time to add them, the latency of queries, memory,
disk, and a cold ``showtell find``. ``index``: indexing the pictures of a folder without captions, beside reading and
encoding them alone; then an index run in which nothing has changed, and captions.

One thread for the arithmetic of a query. Times are of the processor, which other work on the machine disturbs little,
except those of the cold start, of adding (it waits for the disk) and of what is called wall.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import numpy as np

import showtell
from showtell.captioning import hub
from showtell.captioning.onnx import default_threads
from showtell.errors import BadImage
from showtell.images import find_pictures
from showtell.search.model import Model
from showtell.search.records import Caption, Contents, FileState
from showtell.search.store import Store

AT_ONCE = 8  # pictures a transaction, as an index run writes them


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    scale_ = commands.add_parser("scale", help="time, memory and disk of large libraries")
    scale_.add_argument("--model", default="base")
    scale_.add_argument("--pictures", type=int, nargs="+", default=[1000, 100_000, 1_000_000])
    scale_.add_argument("--queries", type=int, default=200)
    scale_.set_defaults(run=lambda options: scale(options.model, options.pictures, options.queries))
    index_ = commands.add_parser("index", help="time of indexing beside that of encoding")
    index_.add_argument("folder", type=Path)
    index_.add_argument("--model", default="base")
    index_.set_defaults(run=lambda options: index(options.folder, options.model))
    options = parser.parse_args()
    options.run(options)


def scale(model: str, sizes: list[int], queries: int) -> None:
    """A row for each size of library, measured in a process of its own."""
    titles = ("pictures", "add one", "first find", "find p50", "find p99", "cold find", "memory", "disk")
    print(*(f"{title:>11}" for title in titles), flush=True)
    for pictures in sizes:
        with tempfile.TemporaryDirectory() as folder:
            code = f"import search; search.measure({folder!r}, {model!r}, {pictures}, {queries})"
            subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, check=True)


def measure(folder: str, model_name: str, pictures: int, queries: int) -> None:
    """Build a library of made-up pictures, and print its row."""
    model = Model(model_name)
    seconds = fill(folder, model, pictures)
    asked = list(sentences(model, queries, seed=1, words=5))
    before = resident()
    with showtell.open_library(folder) as library:
        first = timed(lambda: library.find(asked[0]))
        times = [timed(lambda query=query: library.find(query)) for query in asked]
    memory = resident() - before
    p50, p99 = np.percentile(times, [50, 99]) * 1000
    cold = min(timed_find(folder, query) for query in asked[:3])
    disk = sum(file.stat().st_size for file in Path(folder).iterdir())
    figures = (
        f"{pictures:,}",
        f"{1000 * seconds / pictures:.2f} ms",
        f"{first:.2f} s",
        f"{p50:.1f} ms",
        f"{p99:.1f} ms",
        f"{cold:.2f} s",
        f"{memory / 1e6:,.0f} MB",
        f"{disk / 1e6:,.0f} MB",
    )
    print(*(f"{figure:>11}" for figure in figures), flush=True)


def timed(work: Callable[[], object]) -> float:
    """Seconds of the processor."""
    began = time.process_time()
    work()
    return time.process_time() - began


def index(folder: Path, model: str) -> None:
    """Rows of index runs over a folder, and of the encoder alone on as many threads."""
    captioner = hub.load(model, threads=1)
    pictures = find_pictures([str(folder)], recursive=True).files
    print(f"{len(pictures):,} pictures")
    print(f"{'':<34} {'processor':>12} {'wall':>10}")

    def encode(path: str) -> None:
        with contextlib.suppress(BadImage):
            captioner.encode(Path(path).read_bytes())

    def alone() -> None:
        with ThreadPoolExecutor(default_threads()) as pool:
            list(pool.map(encode, pictures))

    with tempfile.TemporaryDirectory() as place, showtell.open_library(place, model=model) as library:
        encoder = row("reading and encoding alone", alone)
        indexed = row("index --no-captions", lambda: library.index(folder, captions=False))
        row("again: nothing has changed", lambda: library.index(folder, captions=False))
        row("index, with captions", lambda: library.index(folder))
    print(f"index --no-captions takes {indexed / encoder:.2f} times the encoder's own time (processor)")


def row(what: str, work: Callable[[], object]) -> float:
    """Do it, and print how long it took; the seconds of the processor."""
    began, began_wall = time.process_time(), time.perf_counter()
    work()
    seconds, wall = time.process_time() - began, time.perf_counter() - began_wall
    print(f"{what:<34} {seconds:10.2f} s {wall:8.2f} s", flush=True)
    return seconds


def fill(folder: str, model: Model, pictures: int) -> float:
    """Write made-up pictures into a library as an index run would; the seconds that the writing took."""
    random = np.random.default_rng(0)
    width = len(model.text_vector("a"))
    store = Store(folder)
    store.set("model", model.name)
    said = sentences(model, pictures, seed=0, words=10)
    seconds = 0.0
    for start in range(0, pictures, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, pictures))
        vectors = random.standard_normal((len(numbers), width)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        batch: list[tuple[FileState, Contents | str]] = [
            (
                FileState(f"/pictures/{number // 500:04}/{number:07}.jpg", 1, 1),
                Contents(number.to_bytes(32, "big"), 1, 1, None, vector, captions(next(said), model)),
            )
            for number, vector in zip(numbers, vectors, strict=True)
        ]
        began = time.perf_counter()
        store.save(batch, model=model.space)
        seconds += time.perf_counter() - began
    store.close()
    return seconds


def captions(sentence: str, model: Model) -> tuple[Caption, ...]:
    """The same sentence as a caption in two languages, as a model that speaks both would leave two."""
    return tuple(Caption(sentence, language, "machine", model.captions_by, 0.5) for language in ("en", "zh"))


def sentences(model: Model, number: int, *, seed: int, words: int) -> Iterator[str]:
    """Sentences of words as frequent as in captions: vocabularies are in order of frequency (Zipf's law)."""
    random = np.random.default_rng(seed)
    known = [token for token in model.bundle.vocabulary.tokens if not token.startswith("<")]
    weights = 1 / (10 + np.arange(len(known)))
    weights /= weights.sum()
    for _ in range(number):
        yield " ".join(known[place] for place in random.choice(len(known), words, p=weights))


def timed_find(folder: str, query: str) -> float:
    """Seconds of a ``showtell find`` of its own process."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "showtell", "find", query, "--library", folder]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def resident() -> int:
    """Bytes of memory that the process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
