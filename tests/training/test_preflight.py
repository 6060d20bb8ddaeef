"""What a run writes down of the features that it learns from."""

from pathlib import Path

import pytest
import torch
from shapes import draw_corpus
from toy_recipe import TOY_RECIPE

from showtell.progress import Progress
from showtell.training.encoders import load_encoder, save_encoder
from showtell.training.preflight import begin
from showtell.training.recipe import read_recipe


def begun(folder: Path, *, changes: list[str] = [], encoder: Path | None = None) -> dict[str, str]:  # noqa: B006
    """What the recipe of a run that was begun says it used."""
    draw_corpus(folder / "data", train=32, dev=2)
    (folder / "toy.toml").write_text(TOY_RECIPE.format(model="nic", epochs=1).replace("heads = 4", ""))
    begin(
        read_recipe(folder / "toy.toml", changes),
        f"flickr8k:{folder / 'data'}",
        folder / "run",
        features=None,
        encoder=encoder,
        device=torch.device("cpu"),
        first=True,
        progress=Progress(),
    )
    return read_recipe(folder / "run" / "recipe.toml").used


@pytest.mark.parametrize("touched", [False, True])
def test_a_given_encoder_is_tuned_when_its_weights_are_not_those_of_imagenet(
    touched: bool, tmp_path: Path
) -> None:
    network = load_encoder("efficientnet-lite0", size=128)
    if touched:
        with torch.no_grad():
            next(network.parameters()).mul_(1.001)
    save_encoder(network, tmp_path / "encoder.safetensors")
    used = begun(tmp_path, encoder=tmp_path / "encoder.safetensors")
    assert used["features"] == f"{'tuned' if touched else 'frozen'}, encoder.safetensors"
    assert len(used["encoder"]) == 64


@pytest.mark.parametrize(
    ("changes", "expected"),
    [([], "frozen"), (["encoder.tuning.batch=8"], "tuned"), (["encoder.joint.crop_scale=1"], "tuned")],
)
def test_without_one_the_recipe_decides(changes: list[str], expected: str, tmp_path: Path) -> None:
    assert begun(tmp_path, changes=changes)["features"] == expected
