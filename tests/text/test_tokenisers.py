"""Tokenisers by name."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showtell.errors import MissingExtra, ShowtellError
from showtell.text.tokenisers import TOKENISERS, tokeniser_named


@pytest.mark.parametrize(
    ("name", "language", "caption", "tokens"),
    [
        (None, "en", "A dog's ball.", "a dog 's ball"),
        ("none", "en", "A dog's ball.", "A dog's ball."),
        ("characters", "zh", "一只狗，穿T恤。", "一 只 狗 穿 t 恤"),
        ("characters", "zh", "3.5 米 iPhone", "3.5 米 iphone"),
        ("characters", "zh", "", ""),
    ],
)
def test_captions_are_cut_as_named(name, language, caption, tokens):
    assert tokeniser_named(name, language)(caption) == tokens


def test_chinese_words_are_the_usual_chinese_way():
    pytest.importorskip("rjieba")
    chosen = tokeniser_named(None, "zh")
    assert chosen.name == "words"
    assert chosen("一只黑白相间的狗在草地上奔跑。") == "一只 黑白相间 的 狗 在 草地 上 奔跑"


def test_chinese_words_without_rjieba_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "rjieba", None)
    with pytest.raises(MissingExtra, match=r"pip install 'showtell\[zh\]'"):
        tokeniser_named("words", "zh")("一只狗")


@pytest.mark.parametrize(("name", "language"), [("spaces", "en"), (None, "fr")])
def test_unknown_names_are_refused_with_the_known_ones(name, language):
    with pytest.raises(ShowtellError, match="ptb, words, characters, none"):
        tokeniser_named(name, language)


@pytest.mark.parametrize("name", ["ptb", "characters"])
@given(st.text())
def test_tokens_of_any_text_stand_apart_by_single_spaces(name, caption):
    tokens = TOKENISERS[name](caption)
    assert "  " not in tokens
    assert tokens == tokens.strip(" ")
