"""What a captioner learns from people's feedback, with a simulated critic in the place of people.

    python benchmarks/feedback.py --data DIR --work FOLDER [--recipe two_lstm] [--set KEY=VALUE …] [--tune KEY=VALUE …]
        [--reward feedback] [--share 1.0]

DIR is Flickr8k. Half of its dev split (500 pictures) is measured and seen by nobody before. Of the other half, 300
pictures are criticised, and 200 stand in the dev split by which trainings choose their epochs. A captioner is trained
on the train split and captions the criticised pictures. The critic knows what five people wrote of each, and scores by
CIDEr-D: it rates the first caption from 1 to 5 by its fifth among all of them, prefers the best of five candidates to
the worst, and corrects the worst third of the first captions with the caption that agrees best with the other four.
`showtell tune --reward …` learns from that, and both captioners caption the measured half.

What is there in FOLDER is used again. `--share` leaves feedback on so many of the criticised pictures.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

import showtell
from showtell.corpora import Example, open_corpus
from showtell.corpora.base import PEOPLE
from showtell.feedback import Feedback, picture_hash
from showtell.metrics import Cider, DocumentFrequencies, References, rank

MEASURED, GATE = 500, 200
CORRECTED = 1 / 3  # of the captions, the worst


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the folder of Flickr8k")
    parser.add_argument("--work", type=Path, required=True, metavar="FOLDER", help="kept between calls")
    parser.add_argument("--recipe", default="two_lstm")
    parser.add_argument("--set", action="append", default=[], help="a setting of the recipe")
    parser.add_argument("--tune", action="append", default=[], help="a setting of the tuning")
    parser.add_argument("--reward", default="feedback")
    parser.add_argument("--share", type=float, default=1.0, help="of the criticised pictures")
    given = parser.parse_args()
    work: Path = given.work
    dev = open_corpus(f"flickr8k:{given.data}").split("dev")
    order = np.random.default_rng(0).permutation(len(dev))
    measured, gate, criticised = (
        [dev[place] for place in part] for part in np.split(order, [MEASURED, MEASURED + GATE])
    )
    lay_out(given.data, gate, criticised, work)
    run = work / "run"
    changes = [part for change in given.set for part in ("--set", change)]
    if not (work / "start").exists():
        run_showtell(
            "train", given.recipe, "--data", f"flickr8k:{work / 'corpus'}", "--output", run, *changes
        )
        run_showtell("export", run, "--output", work / "start")
    rows = criticise(showtell.load(work / "start"), criticised)
    kept = set(sorted({row.picture for row in rows})[: round(given.share * len(criticised))])
    feedback = work / f"feedback-{given.share:g}.jsonl"
    lines = [json.dumps(row.to_dict(), ensure_ascii=False) for row in rows if row.picture in kept]
    feedback.write_text("\n".join(lines) + "\n", encoding="utf-8")
    name = "-".join(
        ["tuned", given.reward.replace(":", "").replace(",", "-"), f"{given.share:g}", *given.tune]
    )
    settings = [part for change in given.tune for part in ("--set", change)]
    if "feedback" in given.reward:
        settings += ["--feedback", feedback, "--pictures", work / "criticised"]
    run_showtell("tune", run, "--reward", given.reward, "--output", work / name, *settings)
    run_showtell("export", work / name, "--output", work / f"{name}-bundle")
    print(f"{len(lines)} rows of feedback on {len(kept)} pictures; {len(measured)} others measured\n")
    print(
        rank(
            {folder: captions(work / folder, measured) for folder in ("start", f"{name}-bundle")},
            {one.id: captions_of(one) for one in measured},
        )
    )


def lay_out(data: Path, gate: list[Example], criticised: list[Example], work: Path) -> None:
    """The corpus that is trained on, and the folder of criticised pictures, as links."""
    corpus = work / "corpus"
    if corpus.exists():
        return
    train = open_corpus(f"flickr8k:{data}").split("train")
    for folder, examples in (
        (corpus / "Flicker8k_Dataset", [*train, *gate]),
        (work / "criticised", criticised),
    ):
        folder.mkdir(parents=True)
        for example in examples:
            (folder / example.path.name).symlink_to(example.path.resolve())
    (corpus / "Flickr8k.token.txt").symlink_to((data / "Flickr8k.token.txt").resolve())
    for split, examples in (("train", train), ("dev", gate)):
        names = "".join(f"{example.path.name}\n" for example in examples)
        (corpus / f"Flickr_8k.{split}Images.txt").write_text(names, encoding="utf-8")


def criticise(captioner: showtell.Captioner, examples: list[Example]) -> list[Feedback]:
    """What the critic says of the captioner's captions."""
    references = References({one.id: captions_of(one) for one in examples})
    frequencies = DocumentFrequencies.build([captions_of(one) for one in examples])
    cider = Cider(references)
    found = [one.caption for one in captioner.caption_many([one.path for one in examples], candidates=5)]
    candidates = [[str(one), *map(str, one.alternatives)] for one in found if one is not None]
    scores = [
        cider.each([example.id] * len(texts), texts)[:, 0]
        for example, texts in zip(examples, candidates, strict=True)
    ]
    firsts = np.array([one[0] for one in scores])
    places = firsts.argsort().argsort() / len(firsts)  # 0 for the worst, almost 1 for the best
    rows = []
    for example, texts, own, place in zip(examples, candidates, scores, places, strict=True):
        common = {
            "picture": picture_hash(example.path.read_bytes()),
            "language": "en",
            "model": "start",
            "version": "1",
            "machine": texts[0],
        }
        rows.append(Feedback(kind="rating", rating=1 + int(5 * place), **common))
        best, worst = texts[int(own.argmax())], texts[int(own.argmin())]
        if own.max() > own.min():
            rows.append(Feedback(kind="preference", text=best, rejected=worst, **common))
        if place < CORRECTED:
            rows.append(
                Feedback(kind="correction", text=most_agreed(captions_of(example), frequencies), **common)
            )
    return rows


def most_agreed(texts: list[str], frequencies: DocumentFrequencies) -> str:
    """The caption that agrees best with the others, by CIDEr-D."""

    def agreement(place: int) -> float:
        others = References({"": texts[:place] + texts[place + 1 :]}, frequencies=frequencies)
        return float(Cider(others).each([""], [texts[place]])[0, 0])

    return texts[max(range(len(texts)), key=agreement)]


def captions_of(example: Example) -> list[str]:
    return [one.text for one in example.references if (one.language, one.source) == ("en", PEOPLE)]


def captions(bundle: Path, examples: list[Example]) -> dict[str, str]:
    """What a captioner says of pictures, by their ids."""
    found = showtell.load(bundle).caption_many([one.path for one in examples])
    return {example.id: str(one.caption) for example, one in zip(examples, found, strict=True)}


def run_showtell(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "showtell", *map(str, arguments)], check=True)


if __name__ == "__main__":
    main()
