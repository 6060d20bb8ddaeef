"""Word embeddings that others have trained, for a vocabulary: GloVe's and word2vec's text files.

J. Pennington, R. Socher, C. Manning, *GloVe: Global Vectors for Word Representation*, EMNLP 2014; T. Mikolov et al.,
*Efficient Estimation of Word Representations in Vector Space*, 2013. Both write one line per word: the word and its
numbers, set apart by spaces; word2vec (and fastText) begin with a line of two counts. A file may be gzipped. It is
read once, line by line, and only the vocabulary's words are kept.

Axes: V vocabulary, D width of an embedding.
"""

import codecs
import gzip
import itertools
import math
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from showtell.errors import BadCorpus, reason_of
from showtell.text.vocabulary import Vocabulary
from showtell.training.models.embedding import GivenEmbedding

LONGEST_LINE = 1 << 20  # bytes; 300 numbers take some three thousand


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Embeddings of a vocabulary.

    Attributes:
        matrix: float32 [V, D], a row a token. Words that the file lacks, and the special tokens, are drawn at random
            with the mean and deviation of those found; padding is 0.
        found: the words that the file holds, in the vocabulary's order.
        missing: the words that it lacks, in the same order.
    """

    matrix: NDArray[np.float32]
    found: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def coverage(self) -> float:
        """The share of the vocabulary's words that the file holds, 0 to 1; special tokens do not count."""
        return len(self.found) / max(1, len(self.found) + len(self.missing))

    def __str__(self) -> str:
        """How many of the words are covered, in a sentence."""
        covered = f"vectors for {len(self.found):,} of {len(self.found) + len(self.missing):,} words"
        some = f"; the others begin at random: {', '.join(self.missing[:5])}" if self.missing else ""
        more = ", …" if len(self.missing) > 5 else ""
        return f"{covered} ({self.coverage:.1%}){some}{more}"


def read_embeddings(path: Path, vocabulary: Vocabulary, *, seed: int = 0) -> Embeddings:
    """Read the embeddings of a vocabulary's words from a text file; of words that stand there twice, the first.

    Args:
        seed: of the numbers drawn for words that the file lacks.

    Raises:
        BadCorpus: the file is missing, cut short, not of this form, or holds none of the words; names the line.
    """
    special = {vocabulary.pad_id, vocabulary.unknown_id, vocabulary.end_id, *vocabulary.start_ids.values()}
    words = {token: row for row, token in enumerate(vocabulary.tokens) if row not in special}
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            vectors = _read_vectors(file, {word.encode(): row for word, row in words.items()}, path)
    # gzip: BadGzipFile is an OSError, a truncated file an EOFError, a damaged one zlib's.
    except (OSError, EOFError, zlib.error) as error:
        raise BadCorpus(
            f"{path} cannot be read ({reason_of(error)}); give a text file of embeddings"
        ) from None
    if not vectors:
        raise BadCorpus(
            f"{path} holds none of the vocabulary's {len(words)} words; is it of another language?"
        )
    known = np.array(list(vectors.values()), np.float32)  # [found, D]
    if np.abs(known).max() < 1e-10:  # whose squares are 0 in single precision
        raise BadCorpus(f"{path} holds nothing but zeros for the vocabulary's words; give another file")
    random = np.random.default_rng(seed)
    matrix = random.normal(known.mean(), known.std(), (len(vocabulary), known.shape[1])).astype(
        np.float32
    )  # [V, D]
    matrix[vocabulary.pad_id] = 0
    matrix[list(vectors)] = known
    return Embeddings(
        matrix,
        found=tuple(word for word, row in words.items() if row in vectors),
        missing=tuple(word for word, row in words.items() if row not in vectors),
    )


def start_from(model: nn.Module, vocabulary: Vocabulary, embeddings: Embeddings, *, frozen: bool) -> None:
    """Let a model's words start from embeddings, in place; ``frozen`` ones stay as they are."""
    found = frozenset(embeddings.found)
    known = torch.tensor([token in found for token in vocabulary.tokens])
    width = cast(nn.Embedding, model.embedding).embedding_dim
    model.embedding = GivenEmbedding(torch.from_numpy(embeddings.matrix), known, width, frozen=frozen)


def _read_vectors(
    file: IO[bytes] | gzip.GzipFile, rows: Mapping[bytes, int], path: Path
) -> dict[int, NDArray[np.float32]]:
    """The vectors of the wanted words by row."""
    vectors: dict[int, NDArray[np.float32]] = {}
    promised: int | None = None
    width = 0
    number = lines = 0
    for number, line in enumerate(_lines(file, path), start=1):
        if number == 1:
            promised, width = _begin(line, path)
            if promised is not None:
                continue
        lines += 1
        word = _word(line, width, f"{path}, line {number}")
        row = rows.get(word)
        if row is not None and row not in vectors:
            vectors[row] = _numbers(line[len(word) :], f"{path}, line {number}")
    if number == 0:
        raise BadCorpus(f"{path} is empty; give a text file of embeddings")
    if promised is not None and lines != promised:
        words = "word" if promised == 1 else "words"
        advice = "the file is cut short" if lines < promised else "correct the count, or take the line out"
        raise BadCorpus(f"{path}, line 1 promises {promised:,} {words}, but {lines:,} follow; {advice}")
    return vectors


def _lines(file: IO[bytes] | gzip.GzipFile, path: Path) -> Iterator[bytes]:
    """Lines without the white space behind them, without a mark of UTF-8, and without empty ones at the end.

    A file without line ends is not taken into memory.
    """
    number = empty = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise BadCorpus(
                f"{path}, line {number} has no end; binary embeddings must be saved as text first"
            )
        line = (line.removeprefix(codecs.BOM_UTF8) if number == 1 else line).rstrip()
        if not line:
            empty += 1
            continue
        yield from itertools.repeat(b"", empty)  # they were not the last
        empty = 0
        yield line


def _begin(line: bytes, path: Path) -> tuple[int | None, int]:
    """The first line -> the number of words that word2vec promises, if it does, and the width D."""
    if line.startswith(b"PK\x03\x04"):
        raise BadCorpus(f"{path} is a zip archive; unzip it first, and give the text file in it")
    fields = line.split(b" ")
    counts = [int(field) for field in fields if re.fullmatch(rb"\d{1,12}", field)]
    if len(fields) == len(counts) == 2 and counts[1] > 0:
        return counts[0], counts[1]
    if len(fields) < 2:
        raise BadCorpus(f"{path}, line 1 is not a word and its numbers; give GloVe's or word2vec's text file")
    return None, len(fields) - 1


def _word(line: bytes, width: int, where: str) -> bytes:
    """The word before the last ``width`` fields; some files have words with spaces in them."""
    spaces = line.count(b" ")
    if spaces == width:
        return line[: line.index(b" ")]
    if spaces < width:
        raise BadCorpus(
            f"{where} holds {spaces} numbers, expected {width}; the file is cut short, or binary and to be saved as "
            "text first"
        )
    return line.rsplit(b" ", width)[0]


def _numbers(text: bytes, where: str) -> NDArray[np.float32]:
    """The numbers behind a word -> float32 [D]."""
    try:
        numbers = [float(field) for field in text.split()]
    except ValueError as error:
        raise BadCorpus(f"{where} holds something else than numbers ({error})") from None
    if not all(math.isfinite(value) and abs(value) < 1e30 for value in numbers):
        raise BadCorpus(f"{where} holds numbers that are not finite")
    return np.array(numbers, np.float32)
