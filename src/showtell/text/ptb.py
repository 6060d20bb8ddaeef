"""The tokens of the COCO caption evaluation in English, without Java.

Captions are scored by the tokens that ``PTBTokenizer -preserveLines -lowerCase`` of Stanford CoreNLP 3.4.1
gives (Penn Treebank conventions), less the punctuation that pycocoevalcap drops. This module gives the same
tokens. It was written from what the tool does, input by input, and not from its source: each pattern here
answers an observation, and ``tests/parity/`` holds both side by side.

Oddities are kept because every published figure has them: brackets stay, as ``-lrb-``; ``!!`` stays while
``!`` goes; emoji vanish; ``£`` becomes ``#``; "U.S." keeps its full stop. One is not: the tool reads a whole
file, so that the next caption's first word can decide whether "plan b." keeps its full stop. Here a caption
is followed by an empty line, and line breaks within it are spaces.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from showtell.text.ptb_rules import (
    CAPITAL,
    CAPITAL_ABBREVIATIONS,
    COMPANIES,
    DIGIT,
    ENDING_ABBREVIATIONS,
    LETTER,
    LINE_ENDS,
    MARK,
    NOTHING,
    NUMBERED,
    SINGLES,
    SPLIT,
    SYMBOL,
    TITLES,
    rules_from,
)

# What pycocoevalcap drops. Its brackets are in capitals there, so that lower-cased ones stay.
PUNCTUATION = frozenset(
    ["''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-", ".", "?", "!", ",", ":", "-", "--", "...", ";"]
)

__all__ = ["PUNCTUATION", "all_tokens", "tokenise", "tokenise_all"]


def tokenise(caption: str) -> str:
    """One caption -> its tokens in lower case with one space between, punctuation dropped."""
    tokens = " ".join(filter(None, map(_plain, caption.split(" "))))
    return _tokenise(caption) if _ODD in tokens or "\n" in tokens else tokens


def tokenise_all(captions: Sequence[str]) -> list[str]:
    """As `tokenise`, of many captions at half the time each."""
    found: list[str] = []
    for start in range(0, len(captions), _BLOCK):
        found += _tokenise_block(captions[start : start + _BLOCK])
    return found


def _tokenise_block(captions: Sequence[str]) -> list[str]:
    """All pieces of all captions in one go; a caption with a piece that is not plain is done again alone."""
    pieces = " \n ".join(captions).split(" ")
    lines = " ".join(filter(None, map(_plain, pieces))).split("\n")
    if len(lines) != len(captions):  # there are line breaks within captions
        return list(map(tokenise, captions))
    return [
        _tokenise(caption) if _ODD in line else line.strip(" ")
        for caption, line in zip(captions, lines, strict=True)
    ]


def all_tokens(caption: str) -> list[str]:
    """One caption -> its tokens in lower case, punctuation included, as the Java tool prints them."""
    return list(_tokens(caption))


def _tokens(caption: str, *, plain_pieces_whole: bool = False) -> Iterator[str]:
    """The tokens one after the other; if asked, those of a plain piece as `_plain` gives them."""
    text = caption.translate(_AS_UTF_16) if _BEYOND.search(caption) else caption
    shape = text.translate(_SHAPES) + "\n\n"
    place, end = 0, len(text)
    while place < end:
        if plain_pieces_whole and text[place - 1 : place] in ("", " "):
            space = text.find(" ", place)
            piece = text[place : end if space < 0 else space]
            tokens = _plain(piece)
            if tokens not in (_ODD, "\n"):
                yield tokens
                place += len(piece) + 1
                continue
        quick = _QUICK.match(shape, place, place + _FURTHEST)
        if quick and quick[1].lower() not in SPLIT:
            yield quick[1].lower()
            place = quick.end()
            continue
        token, place = _longest(text, shape, place)
        if token:
            # Two halves of a character beyond 16 bits are one again.
            whole = token.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
            yield whole.lower()


@lru_cache(maxsize=1 << 14)
def _tokenise(caption: str) -> str:
    # As pycocoevalcap reads the tool's line: stripped at its end, cut at spaces.
    line = " ".join(filter(None, _tokens(caption, plain_pieces_whole=True))).rstrip()
    return " ".join(token for token in line.split(" ") if token not in PUNCTUATION)


def _longest(text: str, shape: str, place: int) -> tuple[str, int]:
    """The token at this place, empty where there is none, and where the next one starts."""
    best, write, furthest = None, None, place
    for rule in rules_from(shape[place]):
        match = rule.pattern.match(shape, place, place + _FURTHEST)
        if match and match.end() > furthest:
            best, write, furthest = match, rule.write, match.end()
    if best is None or write is None:
        return "", place + 1
    groups = best.re.groupindex
    end = best.end("token") if "token" in groups else furthest
    token = write(text[place : min(end, len(text))])
    return token, (best.end("eaten") if "eaten" in groups else end)


class _Plain(dict[str, str]):
    """The tokens of what stands between two spaces; _ODD where they depend on what stands around it.

    Nearly all of a corpus is plain: words, hyphens, 's, single marks. Pieces are looked at once.
    """

    def __missing__(self, piece: str) -> str:
        tokens = _plain_tokens(piece)
        if len(self) < _PLAIN_PIECES:
            self[piece] = tokens
        return tokens


def _plain_tokens(piece: str) -> str:
    if piece.isalpha() and piece.isascii() and piece.lower() not in SPLIT:
        return piece.lower()
    match = _PLAIN_PIECE.fullmatch(piece)
    if match is None:
        return _ALONE.get(piece, _ODD)
    word, clitic = (match["word"] or "").lower(), match["clitic"]
    if match["mark"] == "." and word in _ABBREVIATIONS:
        return _ODD
    if clitic:
        return f"{word} {clitic}"
    return f"{word[: SPLIT[word]]} {word[SPLIT[word] :]}" if word in SPLIT else word


_ALONE = {
    "'s": "'s",
    "n't": "n't",
    "\n": "\n",
    "(": "-lrb-",
    ")": "-rrb-",
    "&": "&",
    "#": "#",
} | dict.fromkeys(['"', "'", "-", "--"], "")
_FURTHEST = 1000  # characters that a rule looks ahead; without a limit, time would grow with their square
_ODD = "\x00"
_BLOCK = 10_000
_PLAIN_PIECES = 1 << 18
_PLAIN_PIECE = re.compile(
    r"(?:(?P<word>[A-Za-z]+(?:-[A-Za-z]+)*)(?P<clitic>(?<=[A-Za-z]{3})'s)?)?(?P<mark>[.,;:!?])?"
)
_ABBREVIATIONS = frozenset(
    [*ENDING_ABBREVIATIONS, *CAPITAL_ABBREVIATIONS, *COMPANIES, *TITLES, *NUMBERED]
) | frozenset("abcdefghijklmnopqrstuvwxyz")
_plain = _Plain().__getitem__

# A word between spaces is a token whatever surrounds it.
_QUICK = re.compile(r"([A-Za-z]+) +")
_BEYOND = re.compile("[\U00010000-\U0010ffff]")


@cache
def _kinds() -> dict[int, str]:
    """The kind of every character outside ASCII that is a letter, mark or digit to the tool, or nothing."""
    from importlib.resources import files

    kinds = {}
    letters = {"letter": LETTER, "mark": MARK, "digit": DIGIT, "dropped": NOTHING}
    table = files("showtell.text").joinpath("ptb_characters.txt").read_text(encoding="ascii")
    for line in table.splitlines():
        name, *ranges = line.split()
        for part in ranges:
            first, _, last = part.partition("-")
            for code in range(int(first, 16), int(last or first, 16) + 1):
                kinds[code] = letters[name]
    return kinds


class _Shapes(dict[int, str]):
    """A translation table: each character's kind, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if character in LINE_ENDS:
            shape = " "
        elif character in SINGLES or 32 <= code < 127:
            shape = character
        elif code < 32 or code == 127 or 0xD800 <= code < 0xE000:
            shape = NOTHING
        else:
            shape = _kinds().get(code, SYMBOL)
            if shape == LETTER and character.isupper():
                shape = CAPITAL
        self[code] = shape
        return shape


class _AsUtf16(dict[int, str]):
    """A translation table: Java sees a character beyond 16 bits as two."""

    def __missing__(self, code: int) -> str:
        units = chr(code).encode("utf-16-le", "surrogatepass")
        halves = "".join(chr(units[i] | units[i + 1] << 8) for i in range(0, len(units), 2))
        self[code] = halves
        return halves


_SHAPES = _Shapes()
_AS_UTF_16 = _AsUtf16()
