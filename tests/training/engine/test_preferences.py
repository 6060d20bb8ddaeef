"""The loss of people's judgements, and batches that carry them."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import MODELS, REGIONS, SENTINEL, WIDTH, small

from showtell.text.vocabulary import Vocabulary
from showtell.training.data.batches import CaptionBatches
from showtell.training.data.criticism import Criticism, Judgement
from showtell.training.data.selection import TrainingCaption, TrainingPicture
from showtell.training.engine.losses import CrossEntropy
from showtell.training.engine.preferences import (
    CriticisedBatches,
    CriticisedLoss,
    Judgements,
    log_probabilities,
)
from showtell.training.features.cache import CacheWriter, FeatureCache

WORDS = Vocabulary.build([f"w{number}".split() for number in range(25)], languages=["en"], minimum_count=1)
IGNORED = (WORDS.pad_id, WORDS.unknown_id)
GOOD, BAD = ("w1", "w2", "w3"), ("w4", "w5")
PICTURES = ("p0", "p1", "p2")


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    made_by = {"regions": REGIONS, "width": WIDTH, "augmentations": 0}
    writer = CacheWriter(tmp_path / "features", PICTURES, made_by)
    writer.append(np.random.default_rng(0).normal(size=(len(PICTURES), REGIONS, WIDTH)).astype(np.float16))
    return writer.finish()


def model_of(name: str = "nic") -> torch.nn.Module:
    return small(name, vocabulary=len(WORDS)).eval()


def picture(name: str, *captions: tuple[str, ...]) -> TrainingPicture:
    return TrainingPicture(
        name, Path(name), tuple(TrainingCaption("en", "people", one, 1) for one in captions)
    )


def judgements_of(cache: FeatureCache, *judgements: Judgement, model=None, beta: float = 0.2) -> Judgements:
    criticism = Criticism(tuple(picture(name) for name in PICTURES), judgements, {})
    return Judgements(criticism, cache, WORDS, model or model_of(), maximum_length=10, beta=beta)


def everything(judgements: Judgements):
    return judgements.read(np.arange(len(judgements))).to(torch.device("cpu"))


BOTH = Judgement("p0", "en", GOOD, BAD)
ONLY_GOOD = Judgement("p1", "en", GOOD, None, weight=0.5)
ONLY_BAD = Judgement("p2", "en", None, BAD)


@pytest.mark.parametrize("judgement", [BOTH, ONLY_GOOD, ONLY_BAD])
def test_the_start_agrees_by_half(cache: FeatureCache, judgement: Judgement) -> None:
    model = model_of()
    judgements = judgements_of(cache, judgement, model=model)
    assert judgements.loss(model, everything(judgements)).item() == pytest.approx(math.log(2), abs=1e-5)
    assert judgements.agreement(model) == pytest.approx(50, abs=1e-3)


def test_the_loss_is_that_of_the_paper(cache: FeatureCache) -> None:
    start, moved = model_of(), model_of()
    with torch.no_grad():
        for parameter in moved.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    judgements = judgements_of(cache, BOTH, ONLY_BAD, model=start, beta=0.3)

    def log_probability(model, name: str, words: tuple[str, ...]) -> float:
        regions = torch.from_numpy(cache.read(cache.rows([name]), np.zeros(1, dtype=np.int64))).float()
        tokens = [WORDS.start_ids["en"], *WORDS.encode(words), WORDS.end_id]
        logits, _, _ = model.step(torch.tensor([tokens[:-1]]), model.begin(regions))
        log_softmax = logits[0].log_softmax(dim=-1)
        return sum(log_softmax[place, token].item() for place, token in enumerate(tokens[1:]))

    def moved_by(name: str, words: tuple[str, ...]) -> float:
        return log_probability(moved, name, words) - log_probability(start, name, words)

    with torch.no_grad():
        margins = [0.3 * (moved_by("p0", GOOD) - moved_by("p0", BAD)), 0.3 * -moved_by("p2", BAD)]
        expected = np.mean([math.log(1 + math.exp(-one)) for one in margins])
        assert judgements.loss(moved, everything(judgements)).item() == pytest.approx(expected, rel=1e-4)


def test_unknown_words_count_for_nothing(cache: FeatureCache) -> None:
    model = model_of()
    judgements = judgements_of(cache, Judgement("p0", "en", ("unheard", "of"), ("unheard",)), model=model)
    judged = everything(judgements)
    logits, _, _ = model.step(judged.tokens[:, 0, :-1], model.begin(judged.regions))
    end = logits[0, 2].log_softmax(dim=-1)[WORDS.end_id]
    assert log_probabilities(model, judged, IGNORED)[0, 0].item() == pytest.approx(end.item(), rel=1e-5)


@pytest.mark.parametrize("name", [*sorted(MODELS), SENTINEL])
def test_following_it_makes_the_better_caption_likelier(cache: FeatureCache, name: str) -> None:
    model = model_of(name)
    judgements = judgements_of(cache, BOTH, ONLY_GOOD, ONLY_BAD, model=model)
    judged = everything(judgements)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(30):
        optimizer.zero_grad()
        judgements.loss(model, judged).backward()
        optimizer.step()
    moved = (log_probabilities(model, judged, IGNORED) - judged.start).detach()
    assert moved[0, 0] > moved[0, 1]
    assert moved[1, 0] > 0
    assert moved[2, 1] < 0
    assert judgements.agreement(model) > 60


class TestBatches:
    def batches(self, cache: FeatureCache, *, number: int = 2) -> CriticisedBatches:
        def captions(*pictures: TrainingPicture, batch: int) -> CaptionBatches:
            return CaptionBatches(pictures, cache, WORDS, batch=batch, maximum_length=10, seed=1)

        return CriticisedBatches(
            captions(*(picture(name, GOOD, BAD) for name in PICTURES), batch=1),
            judgements_of(cache, BOTH, ONLY_GOOD, ONLY_BAD),
            captions(picture("p0", GOOD), picture("p1", BAD), batch=1),
            number=number,
            seed=1,
        )

    def test_a_step_has_train_pictures_judgements_and_corrections(self, cache: FeatureCache) -> None:
        for batch in self.batches(cache).of_epoch(0, start=0, rank=0, ranks=1):
            assert len(batch.ordinary.ids) == 1
            assert len(batch.judged.weights) == 2
            assert len(batch.corrected.ids) == 2

    def test_all_judgements_have_their_turn(self, cache: FeatureCache) -> None:
        steps = self.batches(cache, number=1).of_epoch(0, start=0, rank=0, ranks=1)
        assert sorted(batch.judged.weights.item() for batch in steps) == [0.5, 1.0, 1.0]

    def test_no_judgement_comes_twice_in_a_step(self, cache: FeatureCache) -> None:
        steps = self.batches(cache, number=50).of_epoch(0, start=0, rank=0, ranks=1)
        assert {len(batch.judged.weights) for batch in steps} == {3}

    def test_an_epoch_that_is_taken_up_has_the_batches_that_were_left(self, cache: FeatureCache) -> None:
        batches = self.batches(cache)
        whole = list(batches.of_epoch(3, start=0, rank=0, ranks=1))
        rest = list(batches.of_epoch(3, start=1, rank=0, ranks=1))
        assert len(rest) == len(whole) - 1
        for one, other in zip(whole[1:], rest, strict=True):
            assert one.ordinary.ids == other.ordinary.ids
            assert one.corrected.ids == other.corrected.ids
            assert torch.equal(one.judged.tokens, other.judged.tokens)

    def test_the_loss_is_of_captions_corrections_and_judgements(self, cache: FeatureCache) -> None:
        batches, model, captions = self.batches(cache), model_of(), CrossEntropy(WORDS.pad_id)
        judgements = judgements_of(cache, BOTH, ONLY_GOOD, ONLY_BAD, model=model)
        batch = next(batches.of_epoch(0, start=0, rank=0, ranks=1)).to(torch.device("cpu"))
        expected = captions(model, batch.ordinary) + captions(model, batch.corrected) + 3 * math.log(2)
        found = CriticisedLoss(captions, judgements, weight=3)(model, batch)
        assert found.item() == pytest.approx(expected.item(), rel=1e-4)
