"""What is trained on and what is validated on is decided by languages, sources and splits."""

from pathlib import Path

import pytest

from showtell.corpora import Corpus, Example, Reference
from showtell.errors import BadCorpus
from showtell.training.data.selection import (
    build_vocabulary,
    select,
    start_id,
    validation_sets,
    without_sources,
)
from showtell.training.settings import Text

BOTH = ("en", "zh")


def example(name: str, split: str | None, *said: tuple[str, str, str], corpus: str = "first") -> Example:
    references = tuple(Reference(text, language, source) for text, language, source in said)
    return Example(name, Path(name), references, split, corpus)


def corpus(*examples: Example) -> Corpus:
    return Corpus("animals", examples)


DOG = ("a dog runs", "en", "people")
CHINESE = ("狗在跑", "zh", "people")
WRITTEN = ("a dog runs far away", "en", "model")
TRANSLATED = ("一只狗跑", "zh", "baidu")
DEV = example("dev", "dev", DOG, CHINESE)


def test_a_validation_set_holds_what_people_said_of_one_corpus_in_one_language() -> None:
    found = validation_sets(
        corpus(DEV, example("other", "dev", WRITTEN), example("far", "dev", DOG, corpus="second")), BOTH
    )
    assert [(one.name, one.ids) for one in found] == [
        ("first/en", ["dev"]),
        ("first/zh", ["dev"]),
        ("second/en", ["far"]),
    ]
    assert found[0].references == {"dev": ["a dog runs"]}


def test_a_few_pictures_in_another_language_are_no_validation_set() -> None:
    many = [example(f"dev{number}", "dev", DOG) for number in range(4)]
    found = validation_sets(corpus(DEV, *many, example("far", "dev", CHINESE, corpus="second")), BOTH)
    assert [one.name for one in found] == ["first/en", "second/zh"]


def test_a_language_without_captions_by_people_in_dev_cannot_be_chosen_by() -> None:
    only_a_model = corpus(example("other", "dev", WRITTEN))
    with pytest.raises(BadCorpus, match="no captions by people in 'en' in its dev split"):
        validation_sets(only_a_model, ["en"])


def test_captions_in_the_languages_of_the_recipe_are_trained_on_with_their_weights() -> None:
    pictures = corpus(
        example("one", "train", DOG, CHINESE, WRITTEN, TRANSLATED),
        example("two", None, CHINESE, corpus="second"),
        example("three", "train", TRANSLATED),
        example("test", "test", DOG),
        DEV,
        example("more", "dev", DOG, corpus="second"),
    )
    text = Text(languages=BOTH, source_weights={"baidu": 0, "model": 0.5}, corpus_weights={"second": 3.0})
    found = select(pictures, text)
    said = {one.id: [(caption.source, caption.weight) for caption in one.captions] for one in found.train}
    assert said == {"one": [("people", 1.0), ("people", 1.0), ("model", 0.5)], "two": [("people", 3.0)]}
    assert [name for name, _ in found.pictures] == ["one", "two", "three", "dev", "more"]
    english = select(pictures, Text())
    assert [one.id for one in english.train] == ["one"]
    assert english.fingerprint != found.fingerprint


def test_a_weight_for_a_source_that_is_not_there_is_told() -> None:
    found = select(corpus(example("one", "train", DOG), DEV), Text(source_weights={"modle": 0.5}))
    assert found.warnings == (
        "text.source_weights weighs 'modle', which animals does not have; it has people",
    )


def test_sources_but_people_have_start_tokens_that_an_export_cuts_off() -> None:
    text = Text(languages=BOTH, sources=True, minimum_count=1)
    found = select(corpus(example("one", "train", DOG, CHINESE, WRITTEN, TRANSLATED), DEV), text)
    vocabulary = build_vocabulary(found, text)
    assert vocabulary.tokens[-2:] == ("<start:en:model>", "<start:zh:baidu>")
    starts = [vocabulary.tokens[start_id(vocabulary, caption)] for caption in found.captions()]
    assert starts == ["<start:en>", "<start:zh>", "<start:en:model>", "<start:zh:baidu>"]
    short = without_sources(vocabulary)
    assert short.tokens == vocabulary.tokens[:-2]
    assert list(short.start_ids) == ["en", "zh"]
    plain = build_vocabulary(found, Text(languages=BOTH, minimum_count=1))
    assert plain == short == without_sources(plain)
    assert {start_id(plain, one) for one in found.captions()} == set(plain.start_ids.values())


def test_too_few_pictures_for_a_batch_are_named() -> None:
    with pytest.raises(
        BadCorpus, match="1 train picture with a caption of 2 words or more, and a batch takes 2"
    ):
        select(corpus(example("one", "train", DOG), DEV), Text(), batch=2)
