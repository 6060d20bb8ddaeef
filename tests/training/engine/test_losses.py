"""Cross entropy with teachers: what their mean predicts is a target beside what people wrote."""

import pytest
import torch
from small_models import REGIONS, VOCABULARY, WIDTH, small
from torch.nn import functional as F

from showtell.training.data.batches import Batch
from showtell.training.engine.losses import CrossEntropy

PAD = 0


@pytest.fixture
def batch() -> Batch:
    """Three pictures, four captions of different lengths."""
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(4, VOCABULARY, (4, 7), generator=generator)
    tokens[1, 4:] = PAD
    tokens[3, 6:] = PAD
    return Batch(
        ids=("a", "b", "c"),
        regions=torch.randn(3, REGIONS, WIDTH, generator=generator),
        tokens=tokens,
        pictures=torch.tensor([0, 1, 1, 2]),
        weights=torch.tensor([1.0, 0.5, 1.0, 2.0]),
        mirrored=torch.zeros(3, dtype=torch.bool),
    )


def captioner(seed: int):
    """One that predicts what no other seed's does."""
    model = small("two_lstm").eval()
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def distributions(model, batch: Batch) -> torch.Tensor:
    """What a model predicts after each token of each caption [C, T, V]."""
    with torch.no_grad():
        state = tuple(tensor[batch.pictures] for tensor in model.begin(batch.regions))
        return model.step(batch.tokens[:, :-1], state)[0].softmax(dim=-1)


@pytest.mark.parametrize("taught", [0.0, 0.3, 1.0])
def test_the_target_is_in_part_the_mean_of_what_the_teachers_predict(batch: Batch, taught: float) -> None:
    model, teachers = captioner(1), [captioner(2), captioner(3)]
    found = CrossEntropy(PAD, teachers=teachers, taught=taught)(model, batch)
    targets = (distributions(teachers[0], batch) + distributions(teachers[1], batch)) / 2
    losses = -(targets * distributions(model, batch).log()).sum(dim=-1)  # [C, T]
    words = (batch.tokens[:, 1:] != PAD) * batch.weights[:, None]
    soft = (losses * words).sum() / words.sum()
    torch.testing.assert_close(found, (1 - taught) * CrossEntropy(PAD)(model, batch) + taught * soft)


def test_who_predicts_what_the_teachers_do_has_nothing_to_learn_of_them(batch: Batch) -> None:
    model, teacher, other = captioner(1), captioner(1), captioner(2)

    def steepness(teacher) -> float:
        model.zero_grad()
        CrossEntropy(PAD, teachers=[teacher], taught=1.0)(model, batch).backward()
        return sum(float(one.grad.square().sum()) for one in model.parameters() if one.grad is not None)

    assert steepness(teacher) < 1e-8 < steepness(other)


def test_teachers_learn_nothing(batch: Batch) -> None:
    model, teacher = captioner(1), captioner(2)
    CrossEntropy(PAD, teachers=[teacher], taught=0.5)(model, batch).backward()
    assert all(one.grad is None for one in teacher.parameters())
    assert not teacher.training


def test_what_teachers_say_of_padding_counts_for_nothing(batch: Batch) -> None:
    model, loss = captioner(1), CrossEntropy(PAD, teachers=[captioner(2)], taught=1.0)
    longer = F.pad(batch.tokens, (0, 3), value=PAD)
    torch.testing.assert_close(loss(model, Batch(**{**vars(batch), "tokens": longer})), loss(model, batch))
