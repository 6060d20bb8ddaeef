"""What a tuned captioner must not lose: a validation that lets an epoch win only if nothing else got worse.

A reward can be raised by captions that nobody wants: shorter ones, fragments, the same one for many pictures. The
reward itself does not show it, so these are held to what they were before the tuning.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from torch import nn

MOST_UNFINISHED = 1.0  # points by which the share of badly ending captions may rise
MOST_DISTINCT_LOST = 5.0  # points by which the share of distinct captions may fall
MOST_WORDS_LOST = 1.0  # words by which the mean length may fall
MOST_POINTS_LOST = 1.0  # by which a metric may fall where people's judgements alone are followed

METRICS = {"cider": "CIDEr", "bleu4": "BLEU-4", "rouge": "ROUGE-L"}
AGREEMENT = "agreement"


def deciding(rewarded: Collection[str]) -> str:
    """The figure that an epoch must raise."""
    return "CIDEr" if METRICS.keys() & set(rewarded) else AGREEMENT


@dataclass
class Gate:
    """A validation whose score stays at the start's unless an epoch passes.

    Its score is the mean CIDEr of the dev sets with the beam that ships; or, where people's judgements alone are
    followed, the agreement with these, and then no metric may fall far.

    Attributes:
        validation: gives the figures.
        start: the figures of the captioner that is tuned.
        rewarded: names of the rewards; of the other metrics, none may fall.
        training: called for the figures of the training since the last validation.
    """

    validation: Callable[[nn.Module], tuple[float, dict[str, float]]]
    start: dict[str, float]
    rewarded: frozenset[str]
    training: Callable[[], dict[str, float]]

    def __call__(self, model: nn.Module) -> tuple[float, dict[str, float]]:
        """Score and figures; the figure ``lost`` counts what got worse than it may."""
        _, figures = self.validation(model)
        lost = self.lost(figures)
        score = (self.start if lost else figures)[deciding(self.rewarded)]
        return score, figures | self.training() | {"lost": len(lost)}

    def lost(self, figures: dict[str, float]) -> list[str]:
        """The figures that are worse than they may be."""
        rose = {name: figures[name] - self.start[name] for name in self.start if name in figures}
        may_fall = {"distinct": MOST_DISTINCT_LOST, "length": MOST_WORDS_LOST}
        points = MOST_POINTS_LOST if deciding(self.rewarded) == AGREEMENT else 0.0
        may_fall |= {
            metric: points
            for reward, metric in METRICS.items()
            if reward not in self.rewarded and metric != deciding(self.rewarded)
        }
        lost = [name for name, points in may_fall.items() if rose[name] < -points]
        return lost + ["unfinished"] * (rose["unfinished"] > MOST_UNFINISHED)
