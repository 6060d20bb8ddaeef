"""CIDEr-D as a reward in training: thousands of captions per second on one core.

S. Rennie et al., *Self-critical Sequence Training for Image Captioning*, CVPR 2017. The end of a caption counts as
a token on both sides (G. Hu et al., *SacreEOS*, 2023): without it, the best reward goes to captions that stop in
the middle ("a man with a").
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from showtell.metrics.base import References
from showtell.metrics.cider import Cider
from showtell.metrics.document_frequencies import DocumentFrequencies
from showtell.metrics.ngrams import Floats

Token: TypeAlias = int | str
Tokens: TypeAlias = str | Sequence[Token]


class CiderReward:
    """CIDEr-D of captions against the references of their pictures.

    ::

        reward = CiderReward({"1": [[4, 9, 7], [4, 8]]}, end=2)     # all training pictures, once
        reward(["1", "1"], [[4, 9, 7, 2], [4, 9]])                  # [2], 0 to 10
    """

    def __init__(
        self,
        references: Mapping[str, Sequence[Tokens]],
        *,
        end: Token | None = None,
        frequencies: DocumentFrequencies | None = None,
    ) -> None:
        """Count the references once.

        Args:
            references: ``{id: [captions]}`` of all pictures that will be asked for. A caption is a list of tokens
                (ids of a vocabulary or words), or a string of words with spaces between.
            end: the token that ends a caption. It is added to each reference, and counts in the captions that are
                judged: one that never ends has none. Without it, ends do not count.
            frequencies: document frequencies of other references, counted with the tokeniser ``none``; those of
                these references unless given.

        Raises:
            BadCorpus: a picture has no reference.
        """
        self._end = end
        tail = [] if end is None else [end]
        groups = {
            name: [as_text([*_words(caption), *tail], end) for caption in captions]
            for name, captions in references.items()
        }
        self._cider = Cider(References(groups, tokeniser="none", frequencies=frequencies))

    def __call__(self, ids: Sequence[str], captions: Sequence[Tokens]) -> Floats:
        """The reward of each caption.

        Args:
            ids: the picture of each caption; a picture may come any number of times.
            captions: as the references; tokens after the first end do not count.

        Returns:
            Fractions from 0 to 10, [captions].

        Raises:
            BadCorpus: a picture has no references.
        """
        return self._cider.each(ids, [as_text(_words(caption), self._end) for caption in captions])[:, 0]


def as_text(tokens: Sequence[Token], end: Token | None, *, end_counts: bool = True) -> str:
    """Tokens up to the first end as metrics read them; the end is one of them if it counts."""
    words, last = list(map(str, tokens)), str(end)
    if end is not None and last in words:
        words = words[: words.index(last) + end_counts]
    return " ".join(words)


def _words(caption: Tokens) -> Sequence[Token]:
    return caption.split() if isinstance(caption, str) else caption
