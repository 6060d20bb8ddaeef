from pathlib import Path

import pytest

from showtell.corpora import Corpus, Example, Reference
from showtell.corpora.statistics import descriptions, figures
from showtell.errors import BadCorpus
from showtell.text.cleaning import Cleaning


def english(*texts: str) -> tuple[Reference, ...]:
    return tuple(Reference(text, "en", "people") for text in texts)


CORPUS = Corpus(
    "little",
    (
        Example("a", Path("a.jpg"), english("A dog .", "2 dogs run .", "."), "train"),
        Example("b", Path("b.jpg"), (*english("The dog's ball"), Reference("狗", "zh", "baidu")), "dev"),
        Example("c", Path("c.jpg"), english("A dog", "a DOG"), None),
    ),
    ["a flaw"],
    missing=("x.jpg",),
    orphans=("y.jpg", "z.jpg"),
)


def test_splits_are_counted_and_pictures_in_no_list_apart():
    counts = [(one.split, one.pictures, one.captions) for one in figures(CORPUS).splits]
    assert counts == [("train", 1, 3), ("dev", 1, 2), (None, 1, 2)]


def test_captions_are_counted_in_cleaned_words_by_language_and_source():
    pytest.importorskip("rjieba")
    english_figures, chinese = figures(CORPUS).languages
    assert (
        english_figures.captions,
        english_figures.fewest_per_picture,
        english_figures.most_per_picture,
    ) == (
        6,
        1,
        3,
    )
    assert (english_figures.shortest, english_figures.median, english_figures.longest) == (0, 2, 4)
    assert english_figures.words == 13
    assert english_figures.mean == pytest.approx(13 / 6)
    assert (english_figures.distinct_words, english_figures.frequent_words) == (8, 0)
    assert (chinese.language, chinese.source, chinese.captions) == ("zh", "baidu", 1)


def test_absences_and_warnings_are_told():
    pytest.importorskip("rjieba")
    found = figures(CORPUS).to_dict()
    assert found["missing"] == ("x.jpg",)
    assert found["orphans"] == ("y.jpg", "z.jpg")
    assert found["warnings"] == ("a flaw",)


def test_descriptions_have_a_line_for_each_caption_that_says_something():
    assert list(descriptions(CORPUS, "en")) == [
        "a a dog",
        "a 2 dogs run",
        "b the dog 's ball",
        "c a dog",
        "c a dog",
    ]
    careful = Cleaning(drop_one_letter_words=True, drop_words_with_digits=True)
    assert list(descriptions(CORPUS, "en", careful))[:2] == ["a dog", "a dogs run"]
    with pytest.raises(BadCorpus, match="no captions in 'fr'; it has en, zh"):
        list(descriptions(CORPUS, "fr"))
