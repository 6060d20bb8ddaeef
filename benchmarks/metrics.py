"""Scoring beside pycocoevalcap, and CIDEr-D as a reward: seconds, and captions a second on one core.

    python benchmarks/metrics.py [--pictures 5000] [--references 5] [--repeat 3] [--captions FILE]

Made-up captions of ordinary length over a vocabulary like Flickr8k's, or those of a Flickr8k token file. Both
sides tokenise and compute BLEU-1 to 4, ROUGE-L and CIDEr; pycocoevalcap also needs Java. As whole commands, each side
starts anew, reads its files and prints its figures; Showtell's intervals are included. The best of the
repetitions counts; wall time, since pycocoevalcap's tokeniser is another process.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from showtell.corpora.caption_files import read_captions
from showtell.metrics import Bleu, Cider, DocumentFrequencies, References, RougeL
from showtell.text import ptb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=5000)
    parser.add_argument("--references", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--captions", type=Path, help="a Flickr8k token file")
    given = parser.parse_args()
    candidates, references = made_up(given.pictures, given.references)
    if given.captions is not None:
        candidates, references = from_file(given.captions, given.pictures)
    number = len(candidates) + sum(map(len, references.values()))
    print(f"{len(candidates)} candidates, {number} captions in all")

    ours_seconds, ours_scores = best(given.repeat, lambda: ours(candidates, references))
    theirs_seconds, theirs_scores = best(given.repeat, lambda: theirs(candidates, references))
    for name, value in theirs_scores.items():
        difference = abs(value - ours_scores[name])
        assert difference < 1e-6, (name, value, ours_scores[name])
    compare("in process", ours_seconds, theirs_seconds)
    compare("whole commands, intervals included", *commands(candidates, references, given.repeat))
    seconds, rewards = reward(candidates, references, given.repeat)
    print(f"CIDEr-D reward, {given.references} references each: {rewards / seconds:,.0f} captions/s")


def compare(what: str, ours_seconds: float, theirs_seconds: float) -> None:
    ratio = theirs_seconds / ours_seconds
    print(
        f"{what}: showtell {ours_seconds:.2f} s, pycocoevalcap {theirs_seconds:.2f} s, {ratio:.0f} times faster"
    )


def best(repeat: int, run: Callable[[], dict[str, float]]) -> tuple[float, dict[str, float]]:
    """The shortest time, and what came out."""
    times, found = [], {}
    for _ in range(repeat):
        start = time.perf_counter()
        found = run()
        times.append(time.perf_counter() - start)
    return min(times), found


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


def commands(candidates: object, references: object, repeat: int) -> tuple[float, float]:
    """Both as whole commands, from files."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / "candidates.json", Path(folder) / "references.json"]
        for file, captions in zip(files, (candidates, references), strict=True):
            file.write_text(json.dumps(captions))
        here = [sys.executable, str(Path(__file__).resolve())]
        showtell = [sys.executable, "-m", "showtell", "score", "--metrics", "BLEU,ROUGE-L,CIDEr"]
        paths = list(map(str, files))
        return command_seconds([*showtell, *paths], repeat), command_seconds(
            [*here, "--theirs", *paths], repeat
        )


def command_seconds(command: list[str], repeat: int) -> float:
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return min(times)


def reward(candidates: dict[str, str], references: dict[str, list[str]], repeat: int) -> tuple[float, int]:
    """CIDEr-D of batches of 160 captions (32 pictures, 5 samples each), references and frequencies prepared."""
    frequencies = DocumentFrequencies.build(list(references.values()))
    cider = Cider(References(references, frequencies=frequencies))
    names = list(references)
    chance = random.Random(0)
    batches = []
    for _ in range(20):
        ids = [name for name in chance.sample(names, min(32, len(names))) for _ in range(5)]
        batches.append((ids, [candidates[chance.choice(names)] for _ in ids]))
    cider.each(*batches[0])  # prepares
    start = time.process_time()
    for _ in range(repeat):
        for ids, captions in batches:
            cider.each(ids, captions)
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


def from_file(path: Path, pictures: int) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Each picture's first caption against the references of its own: the others, and the first of the next."""
    groups = dict(list(read_captions(path).captions.items())[:pictures])
    names = list(groups)
    following = dict(zip(names, [*names[1:], names[0]], strict=True))
    return (
        {name: groups[name][0] for name in names},
        {name: [*groups[name][1:], groups[following[name]][0]] for name in names},
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--theirs"]:
        print(theirs(*(json.loads(Path(path).read_text()) for path in sys.argv[2:4])))
    else:
        main()
