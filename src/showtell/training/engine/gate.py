"""What a tuned captioner must not lose: a validation that lets an epoch win only if nothing else got worse.

A reward can be raised by captions that nobody wants: shorter ones, fragments, the same one for many pictures. The
reward itself does not show it, so these are held to what they were before the tuning.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from showtell.training.engine.validation import CaptionValidation

MOST_UNFINISHED = 1.0  # points by which the share of badly ending captions may rise
MOST_DISTINCT_LOST = 5.0  # points by which the share of distinct captions may fall
MOST_WORDS_LOST = 1.0  # words by which the mean length may fall

UNREWARDED = {"cider": "CIDEr", "bleu4": "BLEU-4", "rouge": "ROUGE-L"}


@dataclass
class Gate:
    """A validation whose score stays at the start's unless an epoch passes.

    Attributes:
        validation: gives the figures; its score is the mean CIDEr of the dev sets with the beam that ships.
        start: the figures of the captioner that is tuned.
        rewarded: names of the rewards; of the other metrics, none may fall.
        training: called for the figures of the training since the last validation.
    """

    validation: CaptionValidation
    start: dict[str, float]
    rewarded: frozenset[str]
    training: Callable[[], dict[str, float]]

    def __call__(self, model: nn.Module) -> tuple[float, dict[str, float]]:
        """Score and figures; the figure ``lost`` counts what got worse than it may."""
        score, figures = self.validation(model)
        lost = self.lost(figures)
        figures = figures | self.training() | {"lost": len(lost)}
        return (self.start["CIDEr"] if lost else score), figures

    def lost(self, figures: dict[str, float]) -> list[str]:
        """The figures that are worse than they may be."""
        rose = {name: figures[name] - self.start[name] for name in self.start if name in figures}
        lost = []
        if rose["unfinished"] > MOST_UNFINISHED:
            lost.append("unfinished")
        if rose["distinct"] < -MOST_DISTINCT_LOST:
            lost.append("distinct")
        if rose["length"] < -MOST_WORDS_LOST:
            lost.append("length")
        unrewarded = [metric for reward, metric in UNREWARDED.items() if reward not in self.rewarded]
        lost += [metric for metric in unrewarded if metric != "CIDEr" and rose[metric] < 0]
        return lost
