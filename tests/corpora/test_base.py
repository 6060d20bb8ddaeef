"""What a corpus hands out: to train on, to score against, to count documents in, to recognise it by."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import showtell
from showtell.corpora import Corpus, Example, Reference
from showtell.errors import BadCorpus


def example(name: str, split: str | None, *said: tuple[str, str, str], corpus: str = "") -> Example:
    return Example(name, Path(f"{name}.jpg"), tuple(Reference(*one) for one in said), split, corpus)


DOG = example("dog", "dev", ("A dog .", "en", "people"), ("a dog, seen from afar", "en", "model"))
CAT = example("cat", "train", ("a tabby cat on a mat", "en", "model"), ("一只猫", "zh", "model"))
EMU = example(
    "emu", "dev", ("a tall emu", "en", "model"), ("鸸鹋", "zh", "baidu"), ("一只鸸鹋", "zh", "model")
)
COW = example("cow", None, ("A cow .", "en", "people"), ("a brown cow", "en", "model"))
CORPUS = Corpus("animals", (CAT, COW, DOG, EMU))


def test_captions_by_a_model_are_never_scored_against():
    assert CORPUS.scoring_references(CORPUS.split("dev"), "en") == {"dog": ["A dog ."]}
    with pytest.raises(BadCorpus, match="never scored against"):
        CORPUS.scoring_references([CAT, EMU], "en")
    with pytest.raises(BadCorpus, match="no captions in 'zh'"):
        CORPUS.scoring_references(CORPUS.split("train"), "zh")


def test_translations_are_scored_against_only_where_people_wrote_nothing():
    assert CORPUS.scoring_references(CORPUS, "zh") == {"emu": ["鸸鹋"]}
    ant = example("ant", "dev", ("蚂蚁", "zh", "people"), ("蚁", "zh", "baidu"))
    assert CORPUS.scoring_references([*CORPUS, ant], "zh") == {"ant": ["蚂蚁"]}


def test_no_other_module_takes_the_references_of_an_example_for_its_figures():
    """Training reads all captions; whatever makes figures asks `scoring_references`."""
    package = Path(showtell.__file__).parent
    readers = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if path.parent.name != "corpora" and re.search(r"\bexample\.references", path.read_text())
    }
    trained_on = {
        "training/data/selection.py",
        "captioning/evaluate.py",
    }  # the latter: what was learnt by heart
    assert readers <= trained_on


def test_pictures_without_a_split_are_trained_on():
    assert CORPUS.training_examples == (CAT, COW)


def test_documents_are_of_the_train_split_one_a_picture_by_people_where_they_spoke():
    horse = example("horse", "train", ("A horse .", "en", "people"), ("a grey horse", "en", "model"))
    corpus = Corpus("animals", (*CORPUS, horse))
    assert corpus.training_documents("en") == {"cat": ["a tabby cat on a mat"], "horse": ["A horse ."]}
    with pytest.raises(BadCorpus, match="no captions in 'fr' for its train pictures"):
        corpus.training_documents("fr")


def test_documents_of_a_corpus_without_splits_are_of_all_its_pictures():
    undivided = [example("elk", None, ("An elk .", "en", "people"), corpus="forest")]
    named = [replace(one, corpus="animals") for one in CORPUS]
    assert Corpus("both", (*named, *undivided)).training_documents("en").keys() == {"cat", "elk"}
    assert Corpus("forest", tuple(undivided)).training_documents("en") == {"elk": ["An elk ."]}


def test_the_fingerprint_changes_with_ids_splits_captions_and_order_and_with_nothing_else():
    before = CORPUS.fingerprint()
    moved = tuple(replace(one, path=Path("/elsewhere") / one.path, corpus="other") for one in CORPUS)
    assert Corpus("renamed", moved, ["a flaw"]).fingerprint() == before
    test = example("yak", "test", ("A yak .", "en", "people"))
    assert Corpus("animals", (*CORPUS, test)).fingerprint() == before, "the test split is not looked at"
    for other in (
        (replace(CAT, id="chat"), COW, DOG, EMU),
        (replace(CAT, split="dev"), COW, DOG, EMU),
        (CAT, replace(COW, split="train"), DOG, EMU),
        (replace(CAT, references=CAT.references[:1]), COW, DOG, EMU),
        (replace(CAT, references=CAT.references[::-1]), COW, DOG, EMU),
        (replace(CAT, references=(replace(CAT.references[0], source="people"),)), COW, DOG, EMU),
        (COW, CAT, DOG, EMU),
        (COW, DOG, EMU),
    ):
        assert Corpus("animals", other).fingerprint() != before


def test_the_fingerprint_of_some_languages_does_not_see_the_others():
    english = tuple(
        replace(one, references=tuple(ref for ref in one.references if ref.language == "en"))
        for one in CORPUS
    )
    assert Corpus("animals", english).fingerprint() == CORPUS.fingerprint(["en"])
    assert CORPUS.fingerprint(["zh"]) != CORPUS.fingerprint(["en"]) != CORPUS.fingerprint()
    assert CORPUS.fingerprint(["zh", "en"]) == CORPUS.fingerprint()
