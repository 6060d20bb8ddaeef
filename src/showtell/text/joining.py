"""Tokens of a captioner -> a caption, for vocabularies of words and for those of other people's tokenizers.

* ``words``: words, or for Chinese words or characters: see `showtell.text.cleaning.join`.
* ``wordpiece``: BERT's pieces; ``##`` continues a word. M. Schuster, K. Nakajima, *Japanese and Korean Voice Search*,
  ICASSP 2012.
* ``byte-bpe``: GPT-2's pieces; each character stands for a byte of UTF-8. A. Radford et al., *Language Models are
  Unsupervised Multitask Learners*, 2019.

Both give what the library ``tokenizers`` gives, without it.
"""

from collections.abc import Sequence
from typing import Literal, get_args

from showtell.text.cleaning import join

__all__ = ["JOINS", "Join", "join_tokens"]

Join = Literal["words", "wordpiece", "byte-bpe"]
JOINS: tuple[str, ...] = get_args(Join)

_CLOSED_UP = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" do not", " don't"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)
"""What BERT's decoder makes of a piece and the space before it, in this order."""


def join_tokens(tokens: Sequence[str], language: str, how: Join) -> str:
    """The caption that tokens make, as people read it.

    Args:
        tokens: without special ones; those called ``<unused:…>`` are dropped.
        language: ``en`` or ``zh``; pieces of Chinese are written without spaces.
        how: see above.

    Raises:
        ValueError: another language, or another way to join.
    """
    tokens = [token for token in tokens if not token.startswith("<unused:")]
    if how == "byte-bpe":
        return _from_bytes(tokens).strip()
    if how == "words":
        return join(tokens, language)
    if how != "wordpiece":
        raise ValueError(f"tokens are joined in one of the ways {', '.join(JOINS)}, not {how!r}")
    return join(_whole_words(tokens), language) if language == "zh" else _from_pieces(tokens)


def _from_pieces(tokens: Sequence[str]) -> str:
    """English pieces of words -> text, closed up piece by piece."""
    text = ""
    for place, token in enumerate(tokens):
        piece = token.removeprefix("##") if place and token.startswith("##") else " " * bool(place) + token
        for before, after in _CLOSED_UP:
            piece = piece.replace(before, after)
        text += piece
    return text


def _whole_words(tokens: Sequence[str]) -> list[str]:
    words: list[str] = []
    for token in tokens:
        if words and token.startswith("##"):
            words[-1] += token[2:]
        else:
            words.append(token)
    return words


def _from_bytes(tokens: Sequence[str]) -> str:
    """Characters that stand for bytes -> text; what is no UTF-8 becomes U+FFFD, and other characters are themselves."""
    found = bytearray()
    for token in tokens:
        known = [_BYTES.get(character) for character in token]
        # A token that was added to the vocabulary is plain text, as a whole.
        found += token.encode() if None in known else bytes(byte for byte in known if byte is not None)
    return found.decode("utf-8", "replace")


def _byte_characters() -> dict[str, int]:
    """GPT-2's table: printable bytes are themselves, the others follow from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    table = {chr(byte): byte for byte in printable}
    return table | {chr(0x100 + place): byte for place, byte in enumerate(others)}


_BYTES = _byte_characters()
