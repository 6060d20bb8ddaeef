"""The training loop on a processor and, with ``pytest -m gpu``, on a GPU in bfloat16."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from showtell.decoding import DecodingOptions, SpecialIds, decode
from showtell.training.data.batches import Batch
from showtell.training.engine.checkpoint import Position, load_average
from showtell.training.engine.devices import gains_from_bfloat16
from showtell.training.engine.loop import fit
from showtell.training.engine.losses import CrossEntropy
from showtell.training.engine.stepper import TorchStepper
from showtell.training.models import build_model
from showtell.training.settings import Schedule

PICTURES, REGIONS, WIDTH, WORDS = 16, 4, 12, 12
IDS = SpecialIds(pad=0, unknown=1, end=2, start=3)
DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")],
    ),
]


class Memories:
    """Sixteen pictures of noise, each with a sentence of its own: there is nothing to do but remember."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.regions = torch.randn(PICTURES, REGIONS, WIDTH, generator=generator)
        words = torch.randint(4, WORDS, (PICTURES, 3), generator=generator)
        first, last = (torch.full((PICTURES, 1), index) for index in (IDS.start, IDS.end))
        self.tokens = torch.cat([first, words, last], dim=1)

    def __len__(self) -> int:
        return 10

    def of_epoch(self, number: int, *, start: int, rank: int, ranks: int) -> Iterator[Batch]:
        ids = tuple(map(str, range(PICTURES)))
        for _ in range(start, len(self)):
            plain = torch.zeros(PICTURES, dtype=torch.bool)
            yield Batch(
                ids, self.regions, self.tokens, torch.arange(PICTURES), torch.ones(PICTURES), mirrored=plain
            )

    def remembered(self, model: nn.Module) -> float:
        """The share of sentences that a model says right."""
        found = decode(TorchStepper(model), self.regions.numpy(), IDS, DecodingOptions(beam=1))
        said = [hypotheses[0].tokens for hypotheses in found]
        return float(
            np.mean([list(one) == row[1:-1].tolist() for one, row in zip(said, self.tokens, strict=True)])
        )


def build() -> nn.Module:
    torch.manual_seed(1)
    settings = {"width": 64, "dropout": 0.0, "region_dropout": 0.0}
    return build_model("nic", vocabulary=WORDS, regions=REGIONS, region_width=WIDTH, settings=settings)


def train(
    memories: Memories, folder: Path, device: str, epochs: int, precisions: set[torch.dtype]
) -> Position:
    cross_entropy = CrossEntropy(IDS.pad)

    def loss(model: nn.Module, batch: Batch) -> torch.Tensor:
        assert batch.regions.device.type == batch.tokens.device.type == batch.weights.device.type == device
        precisions.add(torch.nn.functional.linear(batch.regions, batch.regions[0]).dtype)
        return cross_entropy(model, batch)

    return fit(
        build(),
        memories,
        loss=loss,
        validate=lambda model: (memories.remembered(model), {}),
        schedule=Schedule(epochs=epochs, learning_rate=1e-2, warmup=5, average=0.9),
        folder=folder,
        device=torch.device(device),
    )


@pytest.mark.parametrize("device", DEVICES)
def test_a_model_learns_sentences_by_heart_continues_and_is_read_anywhere(
    device: str, tmp_path: Path
) -> None:
    memories, precisions = Memories(), set[torch.dtype]()
    first = train(memories, tmp_path, device, epochs=1, precisions=precisions)
    last = train(memories, tmp_path, device, epochs=12, precisions=precisions)
    assert (first.step, last.step) == (10, 120)
    assert last.best_score is not None
    assert last.best_score >= 0.9
    half = gains_from_bfloat16(torch.device(device))
    assert precisions == {torch.bfloat16 if half else torch.float32}
    anywhere = build()  # on the processor
    anywhere.load_state_dict(load_average(tmp_path / "checkpoints" / "best.safetensors"))
    assert memories.remembered(anywhere) >= 0.9
    assert all(tensor.dtype == torch.float32 for tensor in anywhere.state_dict().values())
