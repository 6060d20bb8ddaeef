"""A captioner's embedder on a corpus: does a caption find its picture by vectors alone, and a picture its captions?"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from showtell.captioning.captioner import BundleCaptioner
from showtell.corpora import Corpus
from showtell.errors import BadBundle
from showtell.metrics.ranks import Retrieval, retrieval
from showtell.progress import Progress
from showtell.search.words import query_words

__all__ = ["RetrievalEvaluation", "evaluate_retrieval"]


@dataclass(frozen=True, slots=True)
class RetrievalEvaluation:
    """What `evaluate_retrieval` found.

    Attributes:
        language: of the captions.
        found: recall and ranks, both ways.
        pictures, captions: how many there were.
        made_with: what the figures are of: model, corpus, split.
    """

    language: str
    found: Retrieval
    pictures: int
    captions: int
    made_with: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        counts = {"pictures": self.pictures, "captions": self.captions}
        return {**self.found.to_dict(), **self.made_with, "language": self.language, **counts}


def evaluate_retrieval(
    captioner: BundleCaptioner,
    corpus: Corpus,
    *,
    split: str = "dev",
    language: str,
    progress: Progress = Progress(),
) -> RetrievalEvaluation:
    """Rank the pictures of a split for each caption that people wrote, and these captions for each picture.

    Args:
        language: of the captions; each is cut as a query is.
        progress: shows a bar over the pictures.

    Raises:
        BadBundle: the captioner has no embedder.
        BadCorpus: there are no captions in the language.
        BadImage: a picture cannot be read.
    """
    if not captioner.embeds:
        raise BadBundle(
            f"the model {captioner.name} has no embedder, so it cannot rank pictures for captions"
        )
    examples = corpus.split(split)
    references = corpus.scoring_references(examples, language)
    pictures: list[Any] = []
    texts: list[Any] = []
    owner: list[int] = []
    with progress.bar(len(references), f"Embedding {corpus.name}, {language}") as advance:
        for place, example in enumerate(one for one in examples if one.id in references):
            pictures.append(captioner.encode(example.path).embedding)
            for text in references[example.id]:
                texts.append(captioner.embed_text(query_words(text, captioner.vocabulary)))
                owner.append(place)
            advance(1)
    similarity = np.stack(texts) @ np.stack(pictures).T  # [captions, pictures]
    made_with = {"model": f"{captioner.name} {captioner.version}", "corpus": corpus.name, "split": split}
    return RetrievalEvaluation(language, retrieval(similarity, owner), len(pictures), len(texts), made_with)
