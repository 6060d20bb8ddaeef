"""What captioning costs: start-up, one picture, a folder of a thousand, memory, and the size of the install.

    python benchmarks/caption.py [--model base] [--pictures 1000] [--folder DIR] [--repeat 5]

Every figure is that of the command as people run it, a process of its own. Captions are found with the bundle's own
beam. Start-up figures are the best of several runs, since other work on the machine can only add to them. Without
``--folder`` the pictures are copies of those in examples/. Wall-clock figures want a machine that does nothing else;
two processors are used at most (``--processors``), where the operating system can say so. The install is counted file
by file as the environment that runs this has it: showtell with the base dependencies and theirs.
"""

import argparse
import importlib.metadata
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.jpg"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="base")
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--folder", type=Path, help="caption the pictures of this folder instead")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--processors", type=int, default=2)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.processors])

    row("what", "measured", "wanted")
    started = best(options.repeat, "-c", "pass")
    row("python alone", f"{started:.2f} s", "")
    imported = best(options.repeat, "-c", "import showtell") - started
    row("import showtell", f"{imported:.3f} s", "under 0.2 s")
    row("showtell --help", f"{best(options.repeat, '-m', 'showtell', '--help'):.2f} s", "under 0.5 s")
    one = ["-m", "showtell", "caption", str(EXAMPLES[0]), "--model", options.model]
    row("one picture, cold start", f"{best(options.repeat, *one):.2f} s", "under 1.5 s")
    with tempfile.TemporaryDirectory() as place:
        folder = options.folder or copies(Path(place), options.pictures)
        seconds, pictures, memory = whole_folder(folder, options.model)
    row(f"a folder of {pictures:,} pictures", f"{pictures / seconds:.1f} pictures/s", "at least 40")
    row("its peak of memory", f"{memory:.0f} MB", "under 1,000 MB")
    row("light install", f"{installed('showtell') / 1e6:.0f} MB", "under 250 MB")


def row(what: str, measured: str, wanted: str) -> None:
    print(f"{what:<32} {measured:<20} {wanted}", flush=True)


def best(repeat: int, *arguments: str) -> float:
    """The shortest of several runs, in seconds."""
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - began)
    return min(times)


def copies(folder: Path, number: int) -> Path:
    """A folder of so many pictures: the examples in turn."""
    for index in range(number):
        shutil.copy(EXAMPLES[index % len(EXAMPLES)], folder / f"{index:05}.jpg")
    return folder


def whole_folder(folder: Path, model: str) -> tuple[float, int, float]:
    """Seconds, start included; captions; and the largest resident memory in MB of a run over a folder."""
    command = [sys.executable, "-m", "showtell", "caption", str(folder), "--model", model]
    began = time.perf_counter()
    done = subprocess.run([*command, "--format", "jsonl"], stdout=subprocess.PIPE, text=True, check=True)
    seconds = time.perf_counter() - began
    # Of all the processes that have ended this one was the largest: kilobytes on Linux, bytes on macOS.
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    memory = largest / (1024**2 if sys.platform == "darwin" else 1024)
    return seconds, done.stdout.count("\n"), memory


def installed(name: str) -> int:
    """The bytes of a package's files and of all that it needs, extras left out."""
    packages: dict[str, int] = {}
    wanted = [name]
    while wanted:
        package = re.sub(r"[-_.]+", "-", wanted.pop()).lower()
        if package in packages:
            continue
        try:
            distribution = importlib.metadata.distribution(package)
        except importlib.metadata.PackageNotFoundError:
            continue  # wanted on another system alone
        packages[package] = size(distribution)
        needs = [need for need in distribution.requires or () if "extra ==" not in need]
        wanted += [re.match(r"[\w.-]+", need)[0] for need in needs]
    return sum(packages.values())


def size(distribution: importlib.metadata.Distribution) -> int:
    """The bytes of a package's files; of one that is installed as a link to its sources, of those."""
    files = [Path(distribution.locate_file(file)) for file in distribution.files or ()]
    if any(file.suffix == ".pth" for file in files):
        source = Path(__file__).parent.parent / "src"
        files += [file for file in source.rglob("*") if "__pycache__" not in file.parts]
    return sum(file.stat().st_size for file in files if file.is_file())


if __name__ == "__main__":
    main()
