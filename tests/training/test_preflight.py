"""What a run writes down of the features that it learns from."""

from pathlib import Path

import pytest
import torch

from showtell.training.encoders import load_encoder, save_encoder
from showtell.training.preflight import _seen_with
from showtell.training.recipe import EncoderRecipe, Recipe, WordTuning


@pytest.mark.parametrize("touched", [False, True])
def test_a_given_encoder_is_tuned_when_its_weights_are_not_those_of_imagenet(
    touched: bool, tmp_path: Path
) -> None:
    network = load_encoder("efficientnet-lite0", size=128)
    if touched:
        with torch.no_grad():
            next(network.parameters()).mul_(1.001)
    save_encoder(network, tmp_path / "encoder.safetensors")
    seen = _seen_with(Recipe(), None, tmp_path / "encoder.safetensors")
    assert seen["features"] == f"{'tuned' if touched else 'frozen'}, encoder.safetensors"
    assert len(seen["encoder"]) == 64
    assert str(tmp_path) not in str(seen)


@pytest.mark.parametrize(("words", "expected"), [(None, "frozen"), (WordTuning(), "tuned")])
def test_without_one_the_recipe_decides(words: WordTuning | None, expected: str) -> None:
    assert _seen_with(Recipe(encoder=EncoderRecipe(words=words)), None, None) == {"features": expected}
