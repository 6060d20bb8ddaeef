"""The judges of captions: the numbers of pycocoevalcap, without Java, each with a signature and an interval.

``score(candidates, references)`` gives the whole report, ``compare`` a paired test of two candidate sets. One
class a metric serves those who loop, with references prepared once:
``Cider(References(references, language="en")).score(candidates)["CIDEr"]``. Old code that calls
``compute_score(gts, res)`` imports from :mod:`showtell.metrics.coco`.
"""

from showtell.metrics.base import Metric, References, Score, Signature
from showtell.metrics.bleu import Bleu
from showtell.metrics.cider import Cider, OriginalCider
from showtell.metrics.document_frequencies import DocumentFrequencies
from showtell.metrics.hygiene import Hygiene, hygiene
from showtell.metrics.meteor import Meteor
from showtell.metrics.report import METRICS, USUAL, WITHOUT_JAVA, Report, score
from showtell.metrics.retrieval import Ranks, Retrieval, retrieval
from showtell.metrics.rouge import RougeL
from showtell.metrics.significance import Comparison, Difference, compare
from showtell.metrics.spice import Spice

__all__ = [
    "METRICS",
    "USUAL",
    "WITHOUT_JAVA",
    "Bleu",
    "Cider",
    "Comparison",
    "Difference",
    "DocumentFrequencies",
    "Hygiene",
    "Meteor",
    "Metric",
    "OriginalCider",
    "Ranks",
    "References",
    "Report",
    "Retrieval",
    "RougeL",
    "Score",
    "Signature",
    "Spice",
    "compare",
    "hygiene",
    "retrieval",
    "score",
]
