"""Scoring beside pycocoevalcap, and CIDEr-D as a reward: seconds, and captions per second on one core.

    python benchmarks/metrics.py [--captions FILE] [--pictures 5000] [--references 4] [--distinct 0.8] [--repeat 5]

Captions of a Flickr8k token file, or made-up ones of ordinary length over a vocabulary like Flickr8k's: one
candidate and four references per picture. As in real sets, some captions come again at other pictures
(`--distinct`). Both sides tokenise and compute BLEU-1 to 4, ROUGE-L and CIDEr; pycocoevalcap also needs Java. As
whole processes, each side starts anew, reads its JSON files and prints its figures; Showtell's intervals are
included. The two sides take turns and the best of the repetitions counts; wall time, since pycocoevalcap's
tokeniser is another process. On a busy machine, read the processor seconds.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TypeVar

from showtell.corpora.caption_files import read_captions
from showtell.metrics import Bleu, Cider, CiderReward, References, RougeL
from showtell.text import ptb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--captions", type=Path, help="a Flickr8k token file")
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--references", type=int, default=4)
    parser.add_argument(
        "--distinct", type=float, default=0.8, help="share of pictures with captions of their own"
    )
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    number = max(1, round(given.pictures * given.distinct))
    if given.captions is not None:
        candidates, references = from_file(given.captions, number, given.references)
    else:
        candidates, references = made_up(number, given.references)
    candidates, references = repeated(candidates, given.pictures), repeated(references, given.pictures)
    captions = len(candidates) + sum(map(len, references.values()))
    print(f"{len(candidates)} candidates, {captions} captions in all")

    check(ours(candidates, references), theirs(candidates, references))
    compare(
        "in one process",
        *race(lambda: ours(candidates, references), lambda: theirs(candidates, references), given.repeat),
    )
    compare("as whole processes, intervals included", *commands(candidates, references, given.repeat))
    seconds, rewards = reward(candidates, references, given.repeat)
    print(f"CIDEr-D reward, {given.references} references each: {rewards / seconds:,.0f} captions per second")


def check(ours_scores: dict[str, float], theirs_scores: dict[str, float]) -> None:
    for name, value in theirs_scores.items():
        assert abs(value - ours_scores[name]) < 1e-6, (name, value, ours_scores[name])


Captions = TypeVar("Captions")
Seconds = tuple[float, float]  # wall, processor


def compare(what: str, ours_seconds: Seconds, theirs_seconds: Seconds) -> None:
    for kind, mine, other in zip(("wall", "processor"), ours_seconds, theirs_seconds, strict=True):
        print(
            f"{what}, {kind}: showtell {mine:.2f} s, pycocoevalcap {other:.2f} s, {other / mine:.1f} times as quick"
        )


def race(first: Callable[[], object], second: Callable[[], object], repeat: int) -> tuple[Seconds, Seconds]:
    """The shortest wall and processor times of both, run in turn."""
    times: tuple[list[Seconds], list[Seconds]] = ([], [])
    for _ in range(repeat):
        for run, kept in zip((first, second), times, strict=True):
            start, used = time.perf_counter(), processor_seconds()
            run()
            kept.append((time.perf_counter() - start, processor_seconds() - used))
    one, two = ((min(wall for wall, _ in kept), min(used for _, used in kept)) for kept in times)
    return one, two


def processor_seconds() -> float:
    """Of this process and of those it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def ours(candidates: dict[str, str], references: dict[str, list[str]]) -> dict[str, float]:
    """BLEU, ROUGE-L and CIDEr as fractions, from captions as people wrote them."""
    ptb._tokenise.cache_clear()  # a second run must not find the first one's tokens
    prepared = References(references)
    found = prepared.candidates(candidates)
    scores = {}
    for metric in (Bleu, RougeL, Cider):
        scores |= metric(prepared).score(found)
    return {name: value / 100 for name, value in scores.items()}


def theirs(candidates: dict[str, str], references: dict[str, list[str]]) -> dict[str, float]:
    """The same by pycocoevalcap."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    tokenizer = PTBTokenizer()
    gts = tokenizer.tokenize(
        {name: [{"caption": text} for text in group] for name, group in references.items()}
    )
    res = tokenizer.tokenize({name: [{"caption": text}] for name, text in candidates.items()})
    with redirect_stdout(StringIO()):
        bleu, _ = Bleu(4).compute_score(gts, res)
    scores = {f"BLEU-{n + 1}": value for n, value in enumerate(bleu)}
    scores["ROUGE-L"] = float(Rouge().compute_score(gts, res)[0])
    scores["CIDEr"] = float(Cider().compute_score(gts, res)[0])
    return scores


def commands(candidates: object, references: object, repeat: int) -> tuple[Seconds, Seconds]:
    """Both as whole processes, from files."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / "candidates.json", Path(folder) / "references.json"]
        for file, captions in zip(files, (candidates, references), strict=True):
            file.write_text(json.dumps(captions))
        here = [sys.executable, str(Path(__file__).resolve()), "--theirs"]
        showtell = [sys.executable, "-m", "showtell", "score"]
        paths = list(map(str, files))
        return race(lambda: finished([*showtell, *paths]), lambda: finished([*here, *paths]), repeat)


def finished(command: list[str]) -> None:
    # Modules are compiled once and kept, as they are where a package is installed.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)


def reward(candidates: dict[str, str], references: dict[str, list[str]], repeat: int) -> tuple[float, int]:
    """CIDEr-D of batches of 160 captions (32 pictures, 5 samples each), references and frequencies prepared."""
    judge = CiderReward(
        {name: list(map(ptb.tokenise, group)) for name, group in references.items()}, end="<end>"
    )
    names = list(references)
    chance = random.Random(0)
    batches = []
    for _ in range(20):
        ids = [name for name in chance.sample(names, min(32, len(names))) for _ in range(5)]
        batches.append((ids, [f"{ptb.tokenise(candidates[chance.choice(names)])} <end>" for _ in ids]))
    judge(*batches[0])  # prepares
    start = time.process_time()
    for _ in range(repeat):
        for ids, captions in batches:
            judge(ids, captions)
    return time.process_time() - start, repeat * sum(len(ids) for ids, _ in batches)


def made_up(pictures: int, number: int) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Captions that share words with one another as those of one picture do, with the usual punctuation."""
    chance = random.Random(0)
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocabulary = ["a", "the", "in", "man", "on", "dog", "and", "with", "two", "t-shirt", "'s"]
    vocabulary += ["".join(chance.choices(letters, k=chance.randint(3, 9))) for _ in range(7500)]
    weights = [1 / (rank + 2) for rank in range(len(vocabulary))]

    def caption(topic: list[str]) -> str:
        length = max(1, round(chance.gauss(10.8, 3.5)))
        words = chance.choices(vocabulary, weights, k=length)
        words = [chance.choice(topic) if chance.random() < 0.4 else word for word in words]
        text = " ".join(words).capitalize()
        # After "a." the Java tool looks at the next caption's first word; nobody writes that.
        glued = "." if len(words[-1]) > 1 else " ."
        return text + chance.choice([" .", " .", " .", glued, "", ", seen from above ."])

    candidates, references = {}, {}
    for place in range(pictures):
        topic = chance.choices(vocabulary, weights, k=8)
        references[str(place)] = [caption(topic) for _ in range(number)]
        candidates[str(place)] = caption(topic)
    return candidates, references


def from_file(path: Path, pictures: int, number: int) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Each picture's last caption against so many of its others."""
    groups = {name: found for name, found in read_captions(path).captions.items() if len(found) > number}
    names = list(groups)[:pictures]
    return {name: groups[name][-1] for name in names}, {name: groups[name][:number] for name in names}


def repeated(captions: dict[str, Captions], pictures: int) -> dict[str, Captions]:
    """As many pictures: after the last one, they begin again under other ids."""
    values = list(captions.values())
    return {str(place): values[place % len(values)] for place in range(pictures)}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--theirs"]:
        print(theirs(*(json.loads(Path(path).read_text()) for path in sys.argv[2:4])))
    else:
        main()
