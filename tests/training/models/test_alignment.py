"""Models of alignment: padding changes nothing, losses equal slow definitions, words find the best chain of regions."""

import itertools
import math
from typing import NamedTuple

import pytest
import torch
from torch import nn

from showtell.text.vocabulary import Vocabulary
from showtell.training.data.batches import Batch
from showtell.training.engine.alignment import ContrastiveLoss, RankingLoss, sentences
from showtell.training.models import ALIGNMENTS, build_model
from showtell.training.models.alignment import reversal

VOCABULARY = Vocabulary(["<pad>", "<unknown>", "<end>", "<start:en>", *"abcdefgh"])


def small(name: str) -> nn.Module:
    torch.manual_seed(1)
    settings = {"devsa": {"width": 16}, "dual_encoder": {"width": 16, "size": 8, "word_width": 12}}[name]
    model = build_model(name, vocabulary=len(VOCABULARY), regions=4, region_width=6, settings=settings)
    return model.eval().requires_grad_(False)


@pytest.mark.parametrize("name", sorted(ALIGNMENTS))
class TestModels:
    def test_a_score_for_each_picture_and_sentence(self, name: str) -> None:
        scores = small(name).scores(torch.randn(3, 4, 6), torch.tensor([[4, 5], [6, 0]]))
        assert scores.shape == (3, 2)

    def test_padding_and_neighbours_change_no_score(self, name: str) -> None:
        model, regions = small(name), torch.randn(2, 4, 6)
        alone = model.scores(regions, torch.tensor([[4, 5, 6]]))
        padded = model.scores(regions, torch.tensor([[4, 5, 6, 0, 0], [7, 8, 9, 10, 11]]))
        torch.testing.assert_close(padded[:, :1], alone)

    def test_the_order_of_the_words_matters(self, name: str) -> None:
        model, regions = small(name), torch.randn(1, 4, 6)
        one, other = model.scores(regions, torch.tensor([[4, 5, 6], [6, 5, 4]]))[0]
        assert abs(one - other) > 1e-6


def test_devsa_scores_a_sentence_by_the_best_region_of_each_word() -> None:
    model, regions, tokens = small("devsa"), torch.randn(2, 4, 6), torch.tensor([[4, 5, 6], [7, 8, 0]])
    vectors, words = model.encode_regions(regions), model.encode_words(tokens)
    for picture, sentence in itertools.product(range(2), range(2)):
        slow = sum(
            max(float(region @ word) for region in vectors[picture])
            for word, token in zip(words[sentence], tokens[sentence], strict=True)
            if token
        )
        assert model.scores(regions, tokens)[picture, sentence] == pytest.approx(slow, rel=1e-4)


def test_vectors_of_the_dual_encoder_have_length_one() -> None:
    model = small("dual_encoder")
    for vectors in (
        model.encode_pictures(torch.randn(3, 4, 6)),
        model.encode_texts(torch.tensor([[4, 5], [6, 0]])),
    ):
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(vectors)))


def test_a_sentence_is_reversed_in_front_of_its_padding() -> None:
    tokens = torch.tensor([[4, 5, 6, 0], [7, 8, 9, 10]])
    assert tokens.gather(1, reversal(tokens)).tolist() == [[6, 5, 4, 0], [10, 9, 8, 7]]


class Scores(nn.Module):
    """A model whose scores are given."""

    def __init__(self, scores: torch.Tensor):
        super().__init__()
        self.given = scores
        self.log_scale = nn.Parameter(torch.tensor(math.log(2.0)))

    def scores(self, regions: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return self.given


class Case(NamedTuple):
    scores: torch.Tensor
    batch: Batch
    owner: list[int]


@pytest.fixture
def case() -> Case:
    owner = [0, 0, 1]
    batch = Batch(
        ids=("a", "b"),
        regions=torch.zeros(2, 4, 6),
        tokens=torch.tensor([[3, 4, 5, 2], [3, 6, 2, 0], [3, 7, 8, 2]]),
        pictures=torch.tensor(owner),
        weights=torch.ones(3),
        mirrored=torch.zeros(2, dtype=torch.bool),
    )
    return Case(torch.tensor([[2.0, 0.5, 1.8], [1.2, 0.9, 1.0]]), batch, owner)


def test_the_ranking_loss_equals_its_definition(case: Case) -> None:
    pictures, captions = 2, 3
    first = second = 0.0
    for k in range(captions):
        own = float(case.scores[case.owner[k], k])
        for picture in range(pictures):
            if picture != case.owner[k]:
                first += max(0.0, float(case.scores[picture, k]) - own + 1)
        for other in range(captions):
            if case.owner[other] != case.owner[k]:
                second += max(0.0, float(case.scores[case.owner[k], other]) - own + 1)
    expected = first / (pictures * captions) + second / captions**2
    assert float(RankingLoss(VOCABULARY)(Scores(case.scores), case.batch)) == pytest.approx(expected)


def test_the_contrastive_loss_equals_its_definition(case: Case) -> None:
    scaled = 2 * case.scores
    to_picture = -sum(float(scaled.log_softmax(0)[case.owner[k], k]) for k in range(3)) / 3
    shares = scaled.softmax(1)
    to_sentence = -(math.log(float(shares[0, 0] + shares[0, 1])) + math.log(float(shares[1, 2]))) / 2
    found = ContrastiveLoss(VOCABULARY)(Scores(case.scores), case.batch)
    assert float(found) == pytest.approx(to_picture + to_sentence)


def test_sentences_have_neither_start_nor_end(case: Case) -> None:
    assert sentences(case.batch, end=2, pad=0).tolist() == [[4, 5], [6, 0], [7, 8]]
