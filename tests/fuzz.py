"""Damaged files for the readers of bundles, features, corpora, libraries and feedback: only ShowtellError comes out.

    python tests/fuzz.py --minutes 30 --seed 1 [--reader bundles …]

Each reader's good files are made once; then one of them is damaged at random, read, and put back, over and over, in
child processes, so that a crash is a finding too. Damaged files that end otherwise are kept in ``findings/``. Pictures
have a script of their own, ``tests/images/hostile.py``. The suite runs a few hundred of each: ``test_fuzz.py``.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from damage import CORPORA, SPLICES

import showtell
from showtell.corpora import open_corpus
from showtell.errors import ShowtellError
from showtell.feedback import Feedback, FeedbackStore, picture_hash

PICTURE = np.full((32, 32, 3), (200, 0, 0), np.uint8)
BATCH = 50


def damaged(content: bytes, generator: random.Random) -> bytes:
    """A file with one to four places cut out, spliced or overwritten, or with its end cut off."""
    for _ in range(generator.randint(1, 4)):
        start = generator.randint(0, len(content))
        if generator.random() < 0.1:
            content = content[:start]
            continue
        put = generator.choice((generator.choice(SPLICES), generator.randbytes(generator.randint(1, 20))))
        taken = len(put) if generator.random() < 0.5 else generator.randint(0, 30)
        content = content[:start] + put + content[start + taken :]
    return content


@dataclass(frozen=True)
class Reader:
    """What is tried.

    Attributes:
        files: that are damaged, one at a time, with their contents.
        read: raises a ShowtellError or returns.
    """

    files: dict[Path, bytes]
    read: Callable[[], object]

    def attempt(self, generator: random.Random) -> str | None:
        """Damage a file and read it; what went wrong, if anything did. The good files are back afterwards."""
        path = generator.choice(sorted(self.files))
        content = damaged(self.files[path], generator)
        path.write_bytes(content)
        try:
            with suppress(ShowtellError):
                self.read()
        except BaseException:
            return keep(path, content, traceback.format_exc())
        finally:
            for file, good in self.files.items():
                file.write_bytes(good)
        return None


def keep(path: Path, content: bytes, said: str) -> str:
    """Keep a finding and say where it is."""
    kept = Path("findings") / f"{zlib.crc32(content):08x}-{path.name}"
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(content)
    return f"{kept}\n{said}"


def contents(*paths: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in paths}


def bundles(folder: Path) -> Reader:
    """A bundle's manifest, vocabulary and card; a damaged graph is known by its checksum."""
    from tiny_bundle import write_tiny_bundle

    write_tiny_bundle(folder / "bundle", languages=("en", "zh"))
    files = [path for path in (folder / "bundle").iterdir() if path.suffix != ".onnx"]

    return Reader(contents(*files), lambda: showtell.load(folder / "bundle").caption(PICTURE))


def graphs(folder: Path) -> Reader:
    """A bundle's graphs whose checksums are right: ONNX Runtime reads what is damaged."""
    from tiny_bundle import write_tiny_bundle

    from showtell.captioning.bundle import read_bundle, write_bundle

    write_tiny_bundle(folder / "graphs", languages=("en",))
    bundle = read_bundle(folder / "graphs")

    def read() -> None:
        graphs = {name: (folder / name).read_bytes() for name in bundle.graphs}
        write_bundle(replace(bundle, folder=folder / "damaged", graphs=graphs), {})
        showtell.load(folder / "damaged").caption(PICTURE)

    for name, content in bundle.graphs.items():
        (folder / name).write_bytes(content)
    return Reader(contents(*(folder / name for name in bundle.graphs)), read)


def features(folder: Path) -> Reader:
    """A folder of features, a ``.npz`` and a ``.pkl``."""
    from showtell.training.features.cache import CacheWriter, open_features
    from showtell.training.features.files import read_features, write_features

    made = np.random.default_rng(0).normal(size=(4, 2, 3)).astype(np.float32)
    writer = CacheWriter(folder / "cache", list("abcd"), {"regions": 2, "width": 3, "augmentations": 0})
    writer.append(made.astype(np.float16))
    writer.finish()
    files = [folder / "features.npz", folder / "features.pkl"]
    for file in files:
        write_features(file, list("abcd"), made)

    def read() -> None:
        for step in (
            partial(open_features, folder / "cache"),
            *(partial(read_features, file) for file in files),
        ):
            with suppress(ShowtellError):
                step()

    return Reader(contents(*files, *(folder / "cache").iterdir()), read)


def corpora(folder: Path) -> Reader:
    """A corpus of every format."""
    files, specs = {}, []
    for kind, (spec, name, content, others) in CORPORA.items():
        for other, text in ({"Images/a.jpg": b"", "Images/b.jpg": b""} | others | {name: content}).items():
            path = folder / kind / other
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        files[folder / kind / name] = content
        specs.append(spec.format(folder / kind))

    def read() -> None:
        for spec in specs:
            with suppress(ShowtellError):
                open_corpus(spec).fingerprint()

    return Reader(files, read)


def libraries(folder: Path) -> Reader:
    """A library's file: opened, searched, and indexed again."""
    from PIL import Image
    from tiny_bundle import COLOURS, SEARCH, graphs, search_graphs, vocabulary, write_tiny_bundle

    words = vocabulary(("en", "zh"))
    write_tiny_bundle(
        folder / "model", languages=("en", "zh"), files=graphs(words) | search_graphs(words), search=SEARCH
    )
    (folder / "pictures").mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (16, 16), tuple(colour)).save(folder / f"pictures/{name}.png")
    model = showtell.load(folder / "model")
    with showtell.open_library(folder / "library", model=model) as library:
        library.index([folder / "pictures"])
    files = contents(*(path for path in (folder / "library").iterdir() if path.suffix == ".sqlite"))
    assert files

    def read() -> None:
        for path in (folder / "library").iterdir():
            if path not in files:
                path.unlink()  # the journal of another attempt
        with showtell.open_library(folder / "library", model=model) as library:
            list(library.find("a red picture"))
            library.index([folder / "pictures"])

    return Reader(files, read)


def feedback(folder: Path) -> Reader:
    """A file of feedback, and an export."""
    row = Feedback(
        kind="rating",
        picture=picture_hash(b""),
        language="en",
        model="m",
        version="1",
        machine="a dog",
        rating=3,
    )
    with FeedbackStore(folder / "feedback.sqlite") as store:
        store.add(row)
    export = folder / "export.jsonl"
    export.write_text(json.dumps(row.to_dict()) + "\n", encoding="utf-8")

    def read() -> None:
        for name in ("feedback.sqlite-wal", "feedback.sqlite-shm"):
            (folder / name).unlink(missing_ok=True)
        with suppress(ShowtellError), FeedbackStore(folder / "feedback.sqlite") as store:
            store.rows()
            store.delete_all()
        with FeedbackStore(folder / "other.sqlite") as store, suppress(ShowtellError):
            store.import_lines(export.read_text(encoding="utf-8", errors="surrogateescape").split("\n"))

    return Reader(contents(folder / "feedback.sqlite", export), read)


READERS: dict[str, Callable[[Path], Reader]] = {
    one.__name__: one for one in (bundles, graphs, features, corpora, libraries, feedback)
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30, help="for all readers together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reader", action="append", choices=READERS)
    options = parser.parse_args()
    chosen = options.reader or list(READERS)
    tried: Counter[str] = Counter()
    found = 0
    for name in chosen:
        folder = Path(tempfile.mkdtemp())
        until = time.monotonic() + 60 * options.minutes / len(chosen)
        batch = 0
        while time.monotonic() < until:
            done, well = in_a_child(name, folder, f"{options.seed} {name} {batch}")
            tried[name] += done
            found += not well
            batch += 1
        shutil.rmtree(folder)
        print(f"{name}: {tried[name]:,} tried", flush=True)
    print(f"seed {options.seed}: {sum(tried.values()):,} tried, {found} findings")
    sys.exit(bool(found))


def in_a_child(name: str, folder: Path, seed: str) -> tuple[int, bool]:
    """How many attempts a child made, and whether all went well."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            warnings.simplefilter("ignore")
            generator = random.Random(seed)
            place = Path(tempfile.mkdtemp(dir=folder))
            tried = READERS[name](place)
            for _ in range(BATCH):
                said = tried.attempt(generator)
                os.write(writer, b"." if said is None else b"!")
                if said is not None:
                    print(said, file=sys.stderr, flush=True)
            shutil.rmtree(place)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        outcomes = file.read()
    _, status = os.waitpid(child, 0)
    if status:
        print(f"{name}, seed {seed!r}: the process ended with {status}", file=sys.stderr, flush=True)
    return len(outcomes), status == 0 and b"!" not in outcomes


if __name__ == "__main__":
    main()
