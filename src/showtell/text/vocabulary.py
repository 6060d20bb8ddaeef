"""The words a captioner knows, each with an id; the special ids live here and nowhere else."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from showtell.errors import BadBundle, reason_of

_PAD, _UNKNOWN, _END = "<pad>", "<unknown>", "<end>"


class Vocabulary:
    """Words to ids and back.

    The order of ids is: padding, unknown, end, one start a language, then the words, the commonest first and
    equally common ones in alphabetical order. The same captions give the same vocabulary.

    Attributes:
        tokens: every token in the order of its id, the special ones included.
        pad_id, unknown_id, end_id: the ids that are no words.
        start_ids: the id that begins a caption, by language.
    """

    def __init__(self, tokens: Sequence[str]) -> None:
        """Take the tokens in the order of their ids, the special ones included.

        Raises:
            ValueError: a token twice, a special token missing, or something that is not a token.
        """
        self.tokens = tuple(tokens)
        for token in self.tokens:
            if not isinstance(token, str) or not token:
                raise ValueError(f"{token!r} is not a token")
        self._ids = {token: index for index, token in enumerate(self.tokens)}
        if len(self._ids) < len(self.tokens):
            twice = next(token for token, count in Counter(self.tokens).items() if count > 1)
            raise ValueError(f"the token {twice!r} stands there twice")
        missing = [token for token in (_PAD, _UNKNOWN, _END) if token not in self._ids]
        self.start_ids = {
            token[len("<start:") : -1]: index
            for token, index in self._ids.items()
            if token.startswith("<start:") and token.endswith(">")
        }
        if not self.start_ids:
            missing.append("<start:LANGUAGE>")
        if missing:
            raise ValueError(f"the special token {missing[0]} is missing")
        self.pad_id, self.unknown_id, self.end_id = (self._ids[token] for token in (_PAD, _UNKNOWN, _END))
        self._special = frozenset({self.pad_id, self.unknown_id, self.end_id, *self.start_ids.values()})

    @classmethod
    def build(
        cls,
        sentences: Iterable[Sequence[str]],
        *,
        languages: Sequence[str] = ("en",),
        minimum_count: int = 5,
    ) -> Self:
        """The vocabulary of captions that are already words (``text.cleaning.words``).

        Args:
            sentences: the words of each caption.
            languages: the languages that captions may begin in, in order of their start ids.
            minimum_count: leave out words said fewer times than this.
        """
        counts: Counter[str] = Counter()
        for sentence in sentences:
            counts.update(sentence)
        special = [_PAD, _UNKNOWN, _END, *(f"<start:{language}>" for language in languages)]
        for token in special:
            del counts[token]
        known = [word for word, count in counts.items() if count >= minimum_count]
        known.sort(key=lambda word: (-counts[word], word))
        return cls([*special, *known])

    def __len__(self) -> int:
        """How many ids there are, the special ones included."""
        return len(self.tokens)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.tokens == other.tokens

    def __hash__(self) -> int:
        return hash(self.tokens)

    def __contains__(self, word: object) -> bool:
        """Whether a word (not a special token) has an id of its own."""
        return word in self._ids and self._ids[str(word)] not in self._special

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} tokens, {', '.join(self.start_ids)})"

    def encode(self, words: Iterable[str]) -> list[int]:
        """The id of each word, unknown words (and words that look like special tokens) as ``unknown_id``."""
        ids = (self._ids.get(word, self.unknown_id) for word in words)
        return [self.unknown_id if index in self._special else index for index in ids]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The words of these ids up to the end id; special ids are dropped.

        Raises:
            IndexError: an id that is not in the vocabulary.
        """
        words: list[str] = []
        for index in map(int, ids):
            if not 0 <= index < len(self.tokens):
                raise IndexError(f"there is no token {index} in a vocabulary of {len(self.tokens)}")
            if index == self.end_id:
                break
            if index not in self._special:
                words.append(self.tokens[index])
        return words

    def save(self, path: str | Path) -> None:
        """Write the tokens as a JSON list in the order of their ids."""
        text = json.dumps(list(self.tokens), ensure_ascii=False, indent=0)
        Path(path).write_text(text + "\n", encoding="utf-8", newline="\n")

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """The vocabulary of what :meth:`save` wrote.

        Raises:
            ValueError: this is not such a list, repeats a token or lacks a special one.
        """
        try:
            tokens = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"it is not JSON: {error}") from error
        if not isinstance(tokens, list):
            raise ValueError("it is not a list of tokens")
        return cls(tokens)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            BadBundle: the file is missing or :meth:`parse` refuses it.
        """
        try:
            return cls.parse(Path(path).read_bytes())
        except OSError as error:
            raise BadBundle(f"the vocabulary {path} cannot be read: {reason_of(error)}") from error
        except ValueError as error:
            raise BadBundle(f"the vocabulary {path} is broken: {error}; export the bundle again") from error


def padded(rows: Sequence[Sequence[int]], pad: int) -> NDArray[np.int64]:
    """Rows of token ids, all as long as the longest [rows, T]."""
    array = np.full((len(rows), max(map(len, rows), default=1)), pad, np.int64)
    for target, row in zip(array, rows, strict=True):
        target[: len(row)] = row
    return array
