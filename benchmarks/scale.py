"""What `caption --engine ray` costs beside one process: start, and pictures per second once it runs.

    python benchmarks/scale.py --folder DIR [--pictures 1000] [--workers 2] [--model base] [--processors 2]

Both are given the same processors. The start is the time until the first chunk is written, less what that
chunk takes at the rate of one process.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import showtell
from showtell.apps.batch import CHUNK, caption_with_ray
from showtell.images import find_pictures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", required=True)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model", default="base")
    parser.add_argument("--processors", type=int, default=2)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.processors])
    pictures = [str(path) for path in find_pictures([options.folder], recursive=True).files][
        : options.pictures
    ]

    begun = time.perf_counter()
    list(showtell.load(options.model).caption_many(pictures))
    alone = time.perf_counter() - begun
    print(f"one process: {alone:.1f} s, {len(pictures) / alone:.1f} pictures per second")

    with tempfile.TemporaryDirectory() as output:
        begun = time.perf_counter()
        moments = [
            time.perf_counter() - begun
            for _ in caption_with_ray(
                pictures, Path(output), model=options.model, options={}, workers=options.workers
            )
        ]
        whole = time.perf_counter() - begun
    # A worker's first chunk takes as long as a chunk does when all processors are shared.
    start = moments[0] - CHUNK * options.workers * alone / len(pictures)
    rate = len(pictures) / (moments[-1] - start)
    print(f"Ray: {whole:.1f} s in all ({whole / alone - 1:+.0%}), of which {start:.1f} s are its start")
    print(f"Ray, once it runs: {rate:.1f} pictures per second")
    print(f"chunks were written after {', '.join(f'{moment:.1f}' for moment in moments)} s")


if __name__ == "__main__":
    main()
