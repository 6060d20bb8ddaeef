"""The tokeniser gives the tokens of the Java tool: recorded, and live where Java and pycocoevalcap are."""

import json
import os
from pathlib import Path

import pytest
from nasty_captions import BY_HAND, captions
from record_ptb import GOLDEN, tool_is_here, tool_lines

from showtell.text.ptb import PUNCTUATION, all_tokens, tokenise

live = pytest.mark.skipif(not tool_is_here(), reason="needs Java and pycocoevalcap")


def recorded() -> list[tuple[str, str]]:
    return [tuple(json.loads(line)) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]


def without_punctuation(line: str) -> str:
    """As pycocoevalcap reads a line of the tool."""
    return " ".join(token for token in line.rstrip().split(" ") if token not in PUNCTUATION)


@pytest.mark.parametrize(("caption", "line"), recorded()[: len(BY_HAND)])
def test_hand_written_nasty_captions_give_the_recorded_tokens(caption, line):
    assert " ".join(all_tokens(caption)) == line


def test_random_nasty_captions_give_the_recorded_tokens():
    found = [(caption, " ".join(all_tokens(caption)), line) for caption, line in recorded()]
    assert [row for row in found if row[1] != row[2]] == []


def test_dropped_punctuation_is_pycocoevalcaps():
    found = [(caption, tokenise(caption), without_punctuation(line)) for caption, line in recorded()]
    assert [row for row in found if row[1] != row[2]] == []


@live
def test_other_random_captions_give_the_live_tools_tokens():
    fresh = captions(1500, seed=2)[len(BY_HAND) :]
    found = [
        (caption, " ".join(all_tokens(caption)), line)
        for caption, line in zip(fresh, tool_lines(fresh), strict=True)
    ]
    assert [row for row in found if row[1] != row[2]] == []


@live
def test_the_dropped_punctuation_is_the_packages_own():
    ptbtokenizer = pytest.importorskip("pycocoevalcap.tokenizer.ptbtokenizer")
    assert frozenset(ptbtokenizer.PUNCTUATIONS) == PUNCTUATION


@live
@pytest.mark.slow
def test_every_caption_of_flickr8k_gives_the_live_tools_tokens():
    file = Path(os.environ.get("SHOWTELL_FLICKR8K", "../shared/data/flickr8k")) / "Flickr8k.token.txt"
    if not file.exists():
        pytest.skip("needs Flickr8k's captions")
    every = [line.split("\t", 1)[1] for line in file.read_text(encoding="utf-8").splitlines()]
    lines = tool_lines(every)
    assert len(every) > 35_000
    assert [
        caption
        for caption, line in zip(every, lines, strict=True)
        if all_tokens(caption) != line.split(" ") and (caption.strip() or line)
    ] == []
    assert [
        caption
        for caption, line in zip(every, lines, strict=True)
        if tokenise(caption) != without_punctuation(line)
    ] == []


@live
@pytest.mark.slow
def test_pycocoevalcaps_own_wrapper_gives_flickr8ks_captions_the_same_tokens():
    ptbtokenizer = pytest.importorskip("pycocoevalcap.tokenizer.ptbtokenizer")
    file = Path(os.environ.get("SHOWTELL_FLICKR8K", "../shared/data/flickr8k")) / "Flickr8k.token.txt"
    if not file.exists():
        pytest.skip("needs Flickr8k's captions")
    every = [line.split("\t", 1)[1] for line in file.read_text(encoding="utf-8").splitlines()]
    theirs = ptbtokenizer.PTBTokenizer().tokenize({0: [{"caption": caption} for caption in every]})[0]
    assert [row for row in zip(every, map(tokenise, every), theirs, strict=True) if row[1] != row[2]] == []
