"""How good captions are: the numbers of pycocoevalcap, without Java, each with a signature and an interval.

``score(candidates, references)`` gives the whole report, ``compare`` a paired test of two candidate sets. One
class a metric serves those who loop, with references prepared once:
``Cider(References(references, language="en")).score(candidates)["CIDEr"]``. Old code that calls
``compute_score(gts, res)`` imports from :mod:`showtell.metrics.coco`.
"""

from typing import TYPE_CHECKING

from showtell.lazy import lazy_names
from showtell.metrics.hygiene import Hygiene, hygiene  # not lazily: the function hides the module of its name

if TYPE_CHECKING:
    from showtell.metrics.base import Metric, References, Score, Signature
    from showtell.metrics.bleu import Bleu
    from showtell.metrics.cider import Cider, OriginalCider
    from showtell.metrics.document_frequencies import DocumentFrequencies
    from showtell.metrics.meteor import Meteor
    from showtell.metrics.names import METRICS, USUAL, WITHOUT_JAVA
    from showtell.metrics.ranks import Ranks, Retrieval, retrieval
    from showtell.metrics.report import Report, score
    from showtell.metrics.reward import CiderReward
    from showtell.metrics.rouge import RougeL
    from showtell.metrics.significance import Comparison, Difference, Ranking, compare, rank
    from showtell.metrics.spice import Spice

__all__ = [
    "METRICS",
    "USUAL",
    "WITHOUT_JAVA",
    "Bleu",
    "Cider",
    "CiderReward",
    "Comparison",
    "Difference",
    "DocumentFrequencies",
    "Hygiene",
    "Meteor",
    "Metric",
    "OriginalCider",
    "Ranking",
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
    "rank",
    "retrieval",
    "score",
]

_HOMES = {
    **dict.fromkeys(("Metric", "References", "Score", "Signature"), "base"),
    **dict.fromkeys(("METRICS", "USUAL", "WITHOUT_JAVA"), "names"),
    **dict.fromkeys(("Cider", "OriginalCider"), "cider"),
    **dict.fromkeys(("Ranks", "Retrieval", "retrieval"), "ranks"),
    **dict.fromkeys(("Report", "score"), "report"),
    **dict.fromkeys(("Comparison", "Difference", "Ranking", "compare", "rank"), "significance"),
    "Bleu": "bleu",
    "CiderReward": "reward",
    "DocumentFrequencies": "document_frequencies",
    "Meteor": "meteor",
    "RougeL": "rouge",
    "Spice": "spice",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
