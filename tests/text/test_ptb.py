"""What the Penn Treebank tokeniser is for; that it equals the Java tool is tested in tests/parity."""

import time
from itertools import zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showtell.text.ptb import PUNCTUATION, all_tokens, tokenise, tokenise_all


def long_way(caption: str) -> str:
    """All tokens as the Java tool prints them, less those that pycocoevalcap drops."""
    line = " ".join(all_tokens(caption)).rstrip()
    return " ".join(token for token in line.split(" ") if token not in PUNCTUATION)


@pytest.mark.parametrize(
    ("caption", "tokens"),
    [
        ("A dog 's ball isn't here .", "a dog 's ball is n't here"),
        ("Two t-shirts, one hat; three!", "two t-shirts one hat three"),
        ("A man ( left ) sits", "a man -lrb- left -rrb- sits"),
        ("Washington D.C.", "washington d.c."),
        ("a dog 😀 runs", "a dog runs"),
        ("I cannot see 1 1/2 dogs", "i can not see 1\xa01/2 dogs"),
        ("St. Bernard barks.", "st. bernard barks"),
        ("", ""),
        ("!!", "!!"),
        (" . , ", ""),
    ],
)
def test_captions_give_the_tokens_that_are_scored(caption, tokens):
    assert tokenise(caption) == tokens


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\u2028", "\u2029"])
def test_a_line_break_within_a_caption_is_a_space(end):
    assert tokenise(f"a dog{end}runs") == "a dog runs"


def test_plain_captions_take_the_short_way_to_the_same_tokens():
    caption = "The well-known dog's ball, a man 's hat is n't here I cannot see it."
    assert tokenise(caption) == long_way(caption)


plain_looking = st.lists(
    st.sampled_from(
        [
            *"a A dog's the o's st St. no. fig mr Mr etc. cannot gonna x-ray 's n't . , ! ; : its' is-n't".split(),
            *["", " ", "The", "dog.", "dog,", "dog!", "can not", "i.", "I", "y's", "ol's", "b."],
        ]
    ),
    max_size=8,
).map(" ".join)


@given(plain_looking)
def test_the_short_way_never_changes_the_tokens(caption):
    assert tokenise(caption) == long_way(caption)


@given(
    st.lists(
        st.sampled_from(
            ['"dog"', "(", "4", "1/2", "mr.", "a,b", "😀", "é", "--", "'", "#1", "x.com", "\u3000"]
        )
    ),
    plain_looking,
)
def test_plain_pieces_between_odd_ones_give_the_same_tokens(odd, plain):
    pieces = plain.split(" ")
    mixed = [piece for pair in zip_longest(odd, pieces, fillvalue="") for piece in pair]
    caption = " ".join(mixed)
    assert tokenise(caption) == long_way(caption)


@given(st.lists(st.text() | plain_looking))
def test_many_captions_at_once_give_the_same_tokens(captions):
    assert tokenise_all(captions) == list(map(long_way, captions))


def test_very_many_captions_give_the_same_tokens():
    captions = ["A dog.", "", "it isn't (here)", "two\nlines", "one"] * 5_000
    assert tokenise_all(captions) == list(map(tokenise, captions))


@given(st.text())
def test_any_text_in_any_script_gives_tokens_without_spaces_or_upper_case(caption):
    tokens = tokenise(caption)
    assert tokens == tokens.strip(" ")
    assert not set(tokens.split(" ")) & PUNCTUATION
    tokens.encode("utf-8")


@pytest.mark.parametrize(
    "piece",
    ["a,", "a@", "<a ", "a.", "'a", "1 ", "www.", "(", "a-", "&", "a  ", "é", ". ", '<a b="', "a/", "!?"],
)
def test_very_long_lines_take_no_longer_than_they_must(piece):
    start = time.process_time()
    tokenise(piece * 3000 + "é")
    assert time.process_time() - start < 20
