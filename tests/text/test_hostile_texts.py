"""Texts that are made to take long: time grows with their length, not with its square."""

import time

import pytest

from showtell.errors import BadCorpus
from showtell.metrics import hygiene, score
from showtell.text.cleaning import words
from showtell.text.ptb import tokenise

PIECES = [
    *[
        "a,",
        "a@",
        "<a ",
        "a.",
        "'a",
        "1 ",
        "www.",
        "(",
        "a-",
        "&",
        "a  ",
        "é",
        ". ",
        '<a b="',
        "a/",
        "!?",
        "😀",
    ],
    *[
        "$1,1",
        "&&&",
        "QUJD",
        "'s",
        "1/",
        "-",
        "--",
        "a'",
        "n't",
        "&amp;",
        "x.com/",
        "@",
        "#a",
        "+1",
        "1,",
        "1.",
    ],
    *[
        "_",
        "/",
        "\\",
        "a_b",
        "¼",
        "‘",
        "A.",
        "U.S. ",
        "a1",
        "1a",
        "don't",
        "{",
        "]",
        "\u0301",
        "\xad",
        "٠",
        "一",
    ],
    *[
        "a+b",
        "http://",
        "www.a.",
        "a@b.",
        "mr. ",
        "<<",
        "*",
        "=",
        "^_^",
        ":-)",
        "\n",
        "\t",
        "\x01",
        "A&",
        "A&amp;A",
    ],
    *[
        "a ",
        "dog dog ",
        "a b c ",
        "startseq ",
        "<unk>",
        "['",
        "['a', ",
        "[,",
        "@@",
        "[ ",
        "< ",
        "<s",
        "unk",
        "@unk",
    ],
    *[
        "Ġ",
        "▁",
        "##",
        "@@ ",
        "</w>",
        "error: ",
        '""',
        '"',
        "``",
        "''",
        ")",
        "(1",
        "(12) ",
        "555 ",
        "12-",
        "S&",
        "e.g.",
    ],
    *[
        "\u3000",
        "\u2028",
        "ﬁ",
        "I'd've",
        "o'",
        "1½",
        "a\xa0",
        "\U00020000",
        "\ud83d",
        "&#1",
        "&lt;",
        "</a",
        "<!a",
        "C#",
    ],
]


def within(seconds: float, act, *arguments) -> None:
    start = time.process_time()
    act(*arguments)
    assert time.process_time() - start < seconds


def text_of(piece: str, length: int) -> str:
    """A text of pieces, with an end that makes the whole odd."""
    return (piece * (length // len(piece) + 1))[: length - 1] + "é"


def test_there_are_a_hundred_pieces():
    assert len(set(PIECES)) >= 100


@pytest.mark.parametrize("piece", PIECES)
def test_the_longest_captions_are_tokenised_in_time(piece):
    # Half a second at most on a quiet machine; 3 s and more when time grew with the square.
    within(2.5, tokenise, text_of(piece, 10_000))


@pytest.mark.parametrize("piece", PIECES)
def test_the_longest_captions_are_scored_and_looked_over_in_time(piece):
    text = text_of(piece, 3_000)
    candidates = {str(place): text for place in range(2)}
    within(8, lambda: score(candidates, {name: [text, "a dog"] for name in candidates}, resamples=10))


@pytest.mark.parametrize("piece", PIECES)
def test_a_megabyte_in_the_place_of_a_caption_is_refused_at_once(piece):
    text = text_of(piece, 1_000_000)
    for candidates, references in (({"1": text}, {"1": ["a dog"]}), ({"1": "a dog"}, {"1": [text]})):
        with pytest.raises(BadCorpus, match="more than 10,000 characters"):
            within(2, lambda one=candidates, two=references: score(one, two))


@pytest.mark.slow
@pytest.mark.parametrize("piece", PIECES)
def test_a_megabyte_is_cut_into_words_and_looked_over_in_seconds(piece):
    text = text_of(piece, 1_000_000)
    within(10, lambda: words(text, "en"))
    within(10, lambda: hygiene([text]))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_megabyte_of_each_is_tokenised_in_a_minute():
    for piece in ("a,", "😀", "&", "'a", "a+b", "¼"):
        within(120, tokenise, text_of(piece, 1_000_000))
