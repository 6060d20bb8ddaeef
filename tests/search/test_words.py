"""Words of queries, and how Chinese is stored so that the full text finds it."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showtell.search.words import language_of, phrase, query_terms, query_words, spaced

KNOWN = {"狗", "两只", "草地", "草", "地", "上", "奔跑", "在", "一只", "dog", "the"}

CUTS = [
    ("两只狗在草地上奔跑", ["两只", "狗", "在", "草地", "上", "奔跑"]),
    ("草地上", ["草地", "上"]),
    ("企鹅在草地", ["企", "鹅", "在", "草地"]),
    ("The dogs' ball", ["the", "dogs", "ball"]),
    ("a t-shirt,红 dog", ["a", "t-shirt", "红", "dog"]),
    ("ＤＯＧ", ["dog"]),
    ("…!?", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "cut"), CUTS)
def test_a_query_is_cut_into_words_of_the_vocabulary(text, cut):
    assert query_words(text, KNOWN) == cut


def test_words_that_say_nothing_are_not_looked_for_unless_there_are_no_others():
    assert query_terms(["a", "dog", "on", "the", "dog"]) == ["dog"]
    assert query_terms(["on", "the"]) == ["on", "the"]


@pytest.mark.parametrize(
    ("text", "language"), [("a dog", "en"), ("", "en"), ("一只 dog", "zh"), ("\U00020000", "zh")]
)
def test_a_han_character_makes_a_text_chinese(text, language):
    assert language_of(text) == language


@pytest.fixture(scope="module")
def full_text():
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'porter unicode61')")
    return connection


FINDS = [
    ("一只狗在海滩上", "狗", True),
    ("一只狗在海滩上", "海滩", True),
    ("一只狗在海滩上", "狗在海滩", True),
    ("一只狗在海滩上", "滩海", False),
    ("一只狗在海滩上", "一狗", False),
    ("穿T恤的男人", "T恤", True),
    ("two dogs running", "dog", True),
    ("a dog runs", "running", True),
    ("a t-shirt", "t-shirt", True),
    ("a café", "cafe", True),
    ("a dog", "do", False),
    ("a dog", '"', False),
    ("a dog", 'dog" OR "cat', False),
    ("a dog", "NEAR", False),
    ("a dog", "*", False),
]


@pytest.mark.parametrize(("caption", "term", "found"), FINDS)
def test_the_full_text_finds_words_of_any_length_in_both_languages(full_text, caption, term, found):
    full_text.execute("DELETE FROM words")
    full_text.execute("INSERT INTO words VALUES (?)", (spaced(caption),))
    rows = full_text.execute("SELECT 1 FROM words WHERE words MATCH ?", (phrase(term),)).fetchall()
    assert bool(rows) == found


@given(st.text())
def test_no_text_breaks_a_query(full_text, text):
    full_text.execute("SELECT 1 FROM words WHERE words MATCH ?", (phrase(text),)).fetchall()
    for word in query_words(text, KNOWN):
        full_text.execute("SELECT 1 FROM words WHERE words MATCH ?", (phrase(word),)).fetchall()


@given(st.text(st.sampled_from("狗草地上在两只企"), min_size=1))
def test_cutting_chinese_loses_no_character(text):
    assert "".join(query_words(text, KNOWN)) == text
