"""What every stage of a run shares: its settings, its folder, encoding pictures, and telling how far it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import distributed as dist

from showtell.corpora import Corpus, Example
from showtell.errors import BadCorpus
from showtell.training.engine.checkpoint import Position
from showtell.training.engine.loop import Progress
from showtell.training.features.cache import FeatureCache, encode_pictures, open_features
from showtell.training.features.network import PictureNetwork
from showtell.training.progress import Reporter, advancing
from showtell.training.recipe import Recipe


@dataclass(frozen=True)
class Run:
    """A run that is under way.

    Attributes:
        output: its folder.
        first: whether this process encodes pictures and writes files; without ``torchrun`` it does.
    """

    recipe: Recipe
    corpus: Corpus
    output: Path
    device: torch.device
    first: bool
    reporter: Reporter

    @property
    def language(self) -> str:
        """The language that dev figures are of."""
        return self.recipe.text.languages[0]

    def encode(
        self, examples: list[Example], network: PictureNetwork, folder: Path, description: str
    ) -> FeatureCache:
        """Encode in the first process; the others wait and then open what it made."""
        if self.first:
            with self.reporter.bar(len(examples), description) as advance:
                encode_pictures(
                    [(example.id, example.path) for example in examples],
                    network,
                    folder,
                    views=self.recipe.training.views,
                    progress=advancing(advance),
                )
        wait()
        return open_features(folder, made_by=network.described())

    @contextmanager
    def pass_bar(self, steps: int, description: str) -> Iterator[Progress]:
        """A bar over all steps of a schedule, and a message after each pass."""
        with self.reporter.bar(steps, description) as advance:
            move = advancing(advance)
            told = 0

            def progress(position: Position) -> None:
                nonlocal told
                move(position.step, steps)
                for row in position.history[told:]:
                    figures = ", ".join(f"{name} {value:.4g}" for name, value in row.items())
                    self.reporter.note(f"{description}: {figures}")
                told = len(position.history)

            yield progress


def wait() -> None:
    """Wait for the other processes of ``torchrun``, if there are any."""
    if dist.is_initialized():
        dist.barrier()


def training_examples(corpus: Corpus) -> list[Example]:
    """The train split and the pictures that stand in no split."""
    examples = list(corpus.training_examples)
    if not examples:
        raise BadCorpus(f"{corpus.name} has no pictures to train on: its train split is empty.")
    return examples
