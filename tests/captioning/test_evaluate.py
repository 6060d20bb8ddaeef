"""A captioner on a corpus gives captions by id, and figures about them."""

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_bundle import CHINESE, COLOURS

import showtell
from showtell.captioning.evaluate import evaluate, evaluate_all
from showtell.cli import main
from showtell.corpora import Reference, open_corpus
from showtell.errors import BadCorpus, BadImage
from showtell.progress import Progress

WORDS = list(COLOURS)


@pytest.fixture
def corpus(tmp_path):
    """A little Flickr8k: plain pictures, of which the captions say the colour; d4 is described wrongly."""
    folder = tmp_path / "flickr"
    (folder / "Images").mkdir(parents=True)
    lines = []
    for number in range(10):
        name, colour = f"{'td'[number < 5]}{number}.jpg", WORDS[number % 5]
        Image.fromarray(np.full((30, 40, 3), COLOURS[colour], np.uint8)).save(
            folder / "Images" / name, quality=95
        )
        told = "purple" if number == 4 else colour
        lines += [f"{name}#0\ta {told} picture\n", f"{name}#1\tThis is {told} all over .\n"]
    (folder / "Flickr8k.token.txt").write_text("".join(lines))
    for split, letter in (("train", "t"), ("dev", "d")):
        names = [f"{letter}{n}.jpg\n" for n in range(10) if (n < 5) == (letter == "d")]
        (folder / f"Flickr_8k.{split}Images.txt").write_text("".join(names))
    return f"flickr8k:{folder}"


def test_every_picture_of_the_split_is_captioned_and_scored(corpus, tiny_model):
    steps = []
    found = evaluate(
        showtell.load(tiny_model),
        open_corpus(corpus),
        progress=Progress(bar=lambda *_: nullcontext(steps.append)),
    )
    assert found.captions == {f"d{n}": f"a {WORDS[n]} picture" for n in range(5)}
    assert found.language == "en"
    assert found.report.pictures == sum(steps) == 5
    assert found.report.hygiene.distinct == 100
    assert found.report["BLEU-1"].value == pytest.approx(100 * 14 / 15)
    assert found.captions_per_second == pytest.approx(5 / found.seconds)


def test_the_documented_captioner_of_ones_own_is_evaluated(corpus):
    page = (Path(__file__).parents[2] / "docs/models.md").read_text(encoding="utf-8")
    names = {}
    exec(page.split("```python\n")[1].split("```")[0], names)
    captioner = names["Brightness"]()
    assert isinstance(captioner, showtell.Captioner)
    found = evaluate(captioner, open_corpus(corpus))
    assert len(found.captions) == 5
    assert set(found.captions.values()) <= {"a bright picture", "a dark picture"}
    assert found.report["BLEU-1"].value > 0
    assert "beam" not in found.made_with


def test_captions_by_a_model_change_no_figure(corpus, tiny_model):
    people = open_corpus(corpus)
    dream = Reference("a picture of a dream", "en", "model")
    both = replace(
        people,
        examples=tuple(replace(one, references=(dream, *one.references, dream)) for one in people),
    )
    captioner = showtell.load(tiny_model)
    figures = [evaluate(captioner, one).report.to_dict()["metrics"] for one in (people, both)]
    assert figures[0] == figures[1]
    alone = replace(people, examples=tuple(replace(one, references=(dream,)) for one in people))
    with pytest.raises(BadCorpus, match="never scored against"):
        evaluate(captioner, alone)


def test_captions_that_stand_word_for_word_in_the_train_split_are_counted(corpus, tiny_model, tmp_path):
    tokens = tmp_path / "flickr" / "Flickr8k.token.txt"
    tokens.write_text(tokens.read_text().replace("t5.jpg#0\ta red picture", "t5.jpg#0\ta crimson picture"))
    found = evaluate(showtell.load(tiny_model), open_corpus(corpus))
    assert found.report.hygiene.in_training == 80


def test_a_language_without_references(corpus, tiny_model):
    with pytest.raises(BadCorpus, match="no captions in 'zh'"):
        evaluate(showtell.load(tiny_model), open_corpus(corpus), language="zh")


def test_a_picture_that_cannot_be_read_ends_it(corpus, tiny_model, tmp_path):
    (tmp_path / "flickr" / "Images" / "d2.jpg").write_bytes(b"\xff\xd8\xff broken")
    with pytest.raises(BadImage, match=r"d2\.jpg: is broken"):
        evaluate(showtell.load(tiny_model), open_corpus(corpus))


def test_one_evaluation_is_of_one_language(corpus, tiny_model):
    with pytest.raises(ValueError, match="one language"):
        evaluate(showtell.load(tiny_model), open_corpus(corpus), language="both")


def test_every_language_and_every_corpus_of_a_model_is_evaluated(corpus, tiny_model, tmp_path):
    both = open_corpus(corpus)
    spoken = [
        replace(
            one,
            corpus="ab"[number % 2],
            references=(*one.references, Reference(f"一张{CHINESE[WORDS[number % 5]]}图片", "zh", "people")),
        )
        for number, one in enumerate(both.split("dev"))
    ]
    found = evaluate_all(showtell.load(tiny_model), replace(both, examples=tuple(spoken)))
    assert [(one.language, one.corpus, one.report.pictures) for one in found] == [
        (language, name, pictures)
        for language in ("en", "zh")
        for name, pictures in ((both.name, 5), ("a", 3), ("b", 2))
    ]
    assert found[3].report["BLEU-1"].value == pytest.approx(100)
    only = evaluate_all(showtell.load(tiny_model), replace(both, examples=tuple(spoken)), language="zh")
    assert [one.language for one in only] == ["zh"] * 3


def test_the_command_prints_figures_as_json(corpus, tiny_model, tmp_path, capsys):
    kept = tmp_path / "captions.json"
    arguments = ["evaluate", str(tiny_model), "--data", corpus, "--split", "train", "--beam", "1"]
    assert main([*arguments, "--format", "json", "--captions", str(kept)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["pictures"] == 5
    assert found["hygiene"]["distinct"] == 100
    assert (found["model"], found["corpus"], found["split"]) == ("tiny 1", "flickr8k", "train")
    assert (found["beam"], found["length_exponent"]) == (1, 0.7)
    assert set(found["metrics"]["CIDEr"]) >= {"value", "low", "high", "signature"}
    results = json.loads(kept.read_text("utf-8"))
    assert results[0] == {"image_id": "t5", "caption": "a red picture"}
    assert len(results) == 5


def test_the_command_prints_figures_as_text(corpus, tiny_model, capsys):
    assert main(["evaluate", str(tiny_model), "--data", corpus]) == 0
    printed = capsys.readouterr().out
    for name in ("tiny 1: flickr8k, dev, en", "CIDEr", "BLEU-4", "distinct", "captions per second: "):
        assert name in printed


def test_figures_kept_beside_a_run_are_what_compare_reads(corpus, tiny_model, tmp_path, capsys):
    run = tmp_path / "run"
    run.mkdir()
    (run / "recipe.toml").write_text('[model]\nname = "nic"\n')
    kept = run / "evaluation.json"
    arguments = ["evaluate", str(tiny_model), "--data", corpus, "--format", "json", "--output", str(kept)]
    assert main(arguments) == 0
    assert capsys.readouterr().out == ""
    assert main(["compare", str(run), "--format", "json"]) == 0
    [row] = json.loads(capsys.readouterr().out)
    assert row["evaluation.captions_per_second"] > 1
    assert row["evaluation.distinct"] == 100
    assert row["evaluation.beam"] == 3
    assert row["evaluation.CIDEr"] == {
        key: json.loads(kept.read_text("utf-8"))["metrics"]["CIDEr"][key] for key in ("value", "low", "high")
    }


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--split", "test"], "no split 'test'"),
        (["--language", "fr"], "no captions in 'fr'"),
        (["--language", "both"], "one language"),
    ],
)
def test_a_wrong_call_is_one_line(corpus, tiny_model, capsys, arguments, complaint):
    assert main(["evaluate", str(tiny_model), "--data", corpus, *arguments]) == 2
    errors = capsys.readouterr().err
    assert complaint in errors
    assert errors.count("\n") == 1
