import builtins
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showtell.errors import MissingExtra
from showtell.text.cleaning import Cleaning, join, words

# Text that is likely to go wrong: apostrophes, hyphens, digits and contractions in any order.
nasty = st.lists(
    st.sampled_from(
        [
            "dog",
            "a",
            "s",
            "t",
            "n",
            "n't",
            "'s",
            "'",
            "-",
            ".",
            ",",
            " ",
            "3",
            "ISN'T",
            "’",
            "&",
            "'d",
            "_",
            "İ",
            "é",
        ]
    )
).map("".join)


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("A dog's ball .", ["a", "dog", "'s", "ball"]),
        ("A dog 's ball.", ["a", "dog", "'s", "ball"]),
        ("A dog’s ball", ["a", "dog", "'s", "ball"]),
        ("He isn't here", ["he", "is", "n't", "here"]),
        ("He is n't here", ["he", "is", "n't", "here"]),
        ("they shouldn't've", ["they", "should", "n't", "'ve"]),
        ("a T-shirt , tri-colored", ["a", "t-shirt", "tri-colored"]),
        ("a tug-of-war -- again", ["a", "tug-of-war", "again"]),
        ('the word "go" ( 2 dogs ) !', ["the", "word", "go", "2", "dogs"]),
        ("2.5 of 1,000 at 3:30", ["2.5", "of", "1,000", "at", "3:30"]),
        ("rock 'n' roll at AT&T", ["rock", "n", "roll", "at", "at", "t"]),
        ("a dog cannot read", ["a", "dog", "can", "not", "read"]),
        ("the tikes' toys", ["the", "tikes", "toys"]),
        ("a bird 's-eye-view", ["a", "bird", "'s", "eye-view"]),
        ("Cafe\u0301", ["café"]),
        ("one.Two", ["one", "two"]),
        ("", []),
        (" . ", []),
    ],
)
def test_english_captions_come_apart_as_the_treebank_cuts_them(caption, expected):
    assert words(caption, "en") == expected


@pytest.mark.parametrize("caption", ["a dog", "a dog.", "a dog .", "A DOG !", " a\tdog\n"])
def test_punctuation_and_spacing_do_not_matter(caption):
    assert words(caption, "en") == ["a", "dog"]


@pytest.mark.parametrize(
    ("tokens", "caption"),
    [
        (["a", "dog", "'s", "ball"], "a dog's ball"),
        (["he", "is", "n't", "here"], "he isn't here"),
        (["they", "'ve", "t-shirts"], "they've t-shirts"),
        (["'s", "ball"], "'s ball"),
        (["a", "dog", "."], "a dog."),
        ([], ""),
    ],
)
def test_join_writes_english_as_people_read_it(tokens, caption):
    assert join(tokens, "en") == caption


@given(st.one_of(st.text(), nasty))
def test_what_is_joined_comes_apart_into_the_same_words(text):
    found = words(text, "en")
    assert words(join(found, "en"), "en") == found


@given(st.one_of(st.text(alphabet=st.characters()), nasty))
def test_no_text_is_too_strange(text):
    for cleaning in (Cleaning(), Cleaning(lower_case=False, keep_punctuation=True, chinese="characters")):
        for language in ("en", "zh"):
            found = words(text, language, cleaning=cleaning)
            assert all(found), "no word is empty"
            assert not any(re.search(r"\s", word) for word in found), "no word has a space in it"


def test_lone_surrogates_are_survived():
    assert words("\ud800狗", "zh") == ["狗"]
    assert "dog" in words("\ud800 dog", "en")


def test_english_cleaning_can_be_chosen():
    caption = "A dog, 2 cats and 1 MP3 ."
    assert words(caption, "en", cleaning=Cleaning(lower_case=False))[:2] == ["A", "dog"]
    assert words(caption, "en", cleaning=Cleaning(keep_punctuation=True))[:3] == ["a", "dog", ","]
    assert words(caption, "en", cleaning=Cleaning(drop_one_letter_words=True)) == [
        "dog",
        "2",
        "cats",
        "and",
        "1",
        "mp3",
    ]
    assert words(caption, "en", cleaning=Cleaning(drop_words_with_digits=True)) == ["a", "dog", "cats", "and"]


def test_chinese_words_leave_punctuation_out():
    pytest.importorskip("rjieba")
    assert words("两只狗在雪地里玩耍，穿Ｔ恤。", "zh") == [
        "两只",
        "狗",
        "在",
        "雪地",
        "里",
        "玩耍",
        "穿",
        "T恤",
    ]


def test_chinese_characters_keep_foreign_words_and_numbers_whole():
    assert words("3.5米的SUV，狗。", "zh", cleaning=Cleaning(chinese="characters")) == [
        "3.5",
        "米",
        "的",
        "SUV",
        "狗",
    ]


def test_chinese_is_joined_without_spaces_save_between_foreign_words():
    assert join(["两只", "狗", "玩", "nerf", "gun", "3", "只"], "zh") == "两只狗玩nerf gun 3只"


def test_chinese_words_without_rjieba_name_the_extra(monkeypatch):
    really_import = builtins.__import__

    def without_rjieba(name, *rest):
        if name == "rjieba":
            raise ModuleNotFoundError(name)
        return really_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_rjieba)
    with pytest.raises(MissingExtra, match=r"showtell\[zh\]"):
        words("狗", "zh")
    assert words("小狗", "zh", cleaning=Cleaning(chinese="characters")) == ["小", "狗"]


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="'fr'"):
        words("un chien", "fr")
    with pytest.raises(ValueError, match="'fr'"):
        join(["un", "chien"], "fr")


@pytest.mark.parametrize("piece", ["'s", "n't", "a'", "-a", "1,1", "cannot", "😀", "_"])
def test_a_word_of_a_million_letters_is_cut_in_seconds(piece: str) -> None:
    began = time.process_time()
    found = words(f"dog{piece * (1_000_000 // len(piece))}", "en")
    assert time.process_time() - began < 20
    assert found[0].startswith("dog")
