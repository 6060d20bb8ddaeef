"""The encoder learns to predict the words of captions."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.encoders.stages import EarlyStages
from showtell.training.engine.encoder_tuning import blend
from showtell.training.engine.word_prediction import (
    WordBatch,
    WordBatches,
    WordPredictor,
    WordValidation,
    choose_words,
    word_loss,
    word_targets,
)
from showtell.training.features.cache import FeatureCache

CAPTIONS = [
    [("en", ["a", "red", "dog"]), ("en", ["the", "dog", "runs"])],
    [("en", ["a", "red", "car"])],
    [("en", ["a", "car"]), ("en", ["two", "cars"])],
]


def test_words_are_frequent_and_mean_something() -> None:
    assert choose_words(CAPTIONS, 2) == [("en", "car"), ("en", "dog"), ("en", "red")]
    assert ("en", "a") not in choose_words(CAPTIONS, 1)
    assert choose_words([[("zh", ["一个", "狗"])]], 1) == [("zh", "狗")]


def test_a_target_is_half_for_one_mention_and_whole_for_two() -> None:
    targets = word_targets(CAPTIONS, [("en", "car"), ("en", "dog"), ("en", "red")])
    np.testing.assert_array_equal(targets, [[0, 1, 0.5], [0.5, 0, 0.5], [0.5, 0, 0]])


def test_what_nobody_described_in_a_language_is_unknown_and_counts_for_nothing(encoder) -> None:
    targets = word_targets([*CAPTIONS, [("zh", ["狗"])]], [("en", "dog"), ("zh", "狗")])
    np.testing.assert_array_equal(targets[0], [1, np.nan])
    np.testing.assert_array_equal(targets[3], [np.nan, 0.5])
    model = WordPredictor(encoder, torch.tensor([0.5, 0.9]), dropout=0.0, crop_scale=1.0).eval()
    cells = torch.randn(1, encoder.early_side**2, encoder.early_width)
    with torch.inference_mode():
        losses = [
            float(word_loss(model, WordBatch(("a",), cells, torch.tensor([[1.0, unknown]]))))
            for unknown in (torch.nan, 0.0)
        ]
    assert losses[0] == pytest.approx(np.log(2), rel=1e-5)
    assert losses[1] > losses[0] + 1


@pytest.fixture(scope="module")
def encoder() -> EfficientNetLite:
    torch.manual_seed(0)
    return EfficientNetLite(0, 64)


def test_before_learning_each_word_is_as_likely_as_it_is(encoder) -> None:
    frequencies = torch.tensor([0.5, 0.1, 0.02])
    model = WordPredictor(encoder, frequencies, dropout=0.0, crop_scale=1.0).eval()
    with torch.inference_mode():
        cells = EarlyStages(encoder)(torch.randn(2, 3, 64, 64))
        torch.testing.assert_close(model(cells).sigmoid(), frequencies.expand(2, 3))


def test_late_stages_of_the_predictor_are_those_of_the_encoder(encoder) -> None:
    model = WordPredictor(encoder, torch.tensor([0.5]), dropout=0.0, crop_scale=1.0).eval()
    pixels = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        model.classifier.weight.fill_(1.0)
        expected = encoder.eval()(pixels).mean(dim=1).sum(dim=-1) + model.classifier.bias
        found = model(EarlyStages(encoder)(pixels))[:, 0]
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-4)


def test_training_leaves_the_statistics_of_batch_normalisation_alone(encoder) -> None:
    model = WordPredictor(encoder, torch.tensor([0.5]), dropout=0.0, crop_scale=0.7).train()
    before = {name: tensor.clone() for name, tensor in encoder.named_buffers()}
    cells = torch.randn(3, encoder.early_side**2, encoder.early_width)
    word_loss(model, WordBatch((), cells, torch.ones(3, 1))).backward()
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.named_buffers())
    assert encoder.head[0].weight.grad is not None
    assert encoder.stem[0].weight.grad is None


def test_a_tuned_network_moves_back_by_a_share_of_the_way(encoder) -> None:
    tuned = copy.deepcopy(encoder)
    with torch.no_grad():
        tuned.head[0].weight.add_(4.0)
    blend(tuned, encoder, 0.25)
    torch.testing.assert_close(tuned.head[0].weight, encoder.head[0].weight + 3.0)
    blend(tuned, encoder, 1.0)
    assert all(torch.equal(tuned.state_dict()[name], tensor) for name, tensor in encoder.state_dict().items())


def test_the_validation_is_the_mean_loss(encoder) -> None:
    generator = np.random.default_rng(0)
    features = generator.standard_normal((5, encoder.early_side**2, encoder.early_width)).astype(np.float16)
    cache = FeatureCache(Path(), tuple("abcde"), features, features[:0, None], np.zeros((0, 5), bool), {})
    targets = generator.random((5, 2)).astype(np.float32)
    model = WordPredictor(encoder, torch.tensor([0.5, 0.3]), dropout=0.0, crop_scale=1.0).eval()
    with torch.inference_mode():
        whole = word_loss(model, WordBatch((), torch.from_numpy(features).float(), torch.from_numpy(targets)))
        score, figures = WordValidation(cache, "abcde", targets, batch=2)(model)
    assert figures == {"dev loss": pytest.approx(float(whole), rel=1e-3)}
    assert score == -figures["dev loss"]
    batches = WordBatches(cache, "abcde", np.stack((targets, targets)), batch=2, seed=1)
    assert len(batches) == len(list(batches.of_epoch(0, start=0, rank=0, ranks=1))) == 2


def test_a_mirrored_augmentation_comes_with_the_words_of_the_mirrored_captions() -> None:
    pictures = np.zeros((6, 1, 1), np.float16)
    augmented = np.stack(
        [pictures + 1, pictures - 1]
    )  # the second augmentation of each picture is its mirrored one
    mirrored = np.array([[False] * 6, [True] * 6])
    cache = FeatureCache(Path(), tuple("abcdef"), pictures, augmented, mirrored, {})
    targets = np.tile(np.float32([1, 0]), (6, 1))  # "left" is said, "right" is not
    batches = WordBatches(cache, "abcdef", np.stack((targets, targets[:, ::-1])), batch=2, seed=0)
    shown = set()
    for batch in batches.of_epoch(0, start=0, rank=0, ranks=1):
        for (cell,), (left, right) in zip(batch.cells[:, 0].tolist(), batch.targets.tolist(), strict=True):
            assert (left, right) == ((0, 1) if cell < 0 else (1, 0))
            shown.add(cell)
    assert -1 in shown
    assert len(shown) > 1
