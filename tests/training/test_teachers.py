"""A run that learns from finished runs: what it takes from them, and what cannot be a teacher."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from shapes import draw_corpus
from toy_recipe import TOY_RECIPE

from showtell.errors import BadRecipe
from showtell.text.vocabulary import Vocabulary
from showtell.training.recipe import read_recipe
from showtell.training.train import train

JOINT = ["encoder.joint.crop_scale=0.9"]


class Taught:
    """A drawn corpus and runs on it."""

    def __init__(self, folder: Path):
        self.folder = folder
        draw_corpus(folder / "data", train=64, dev=8)
        text = TOY_RECIPE.format(model="two_lstm", epochs=1).replace("width = 128", "width = 32")
        (folder / "toy.toml").write_text(text)

    def train(self, name: str, *changes: str, teachers: Sequence[Path] = (), **options: Path) -> Path:
        recipe = read_recipe(self.folder / "toy.toml", changes)
        output = self.folder / name
        train(recipe, f"flickr8k:{self.folder / 'data'}", output, teachers=teachers, **options)
        return output


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    return Taught(tmp_path_factory.mktemp("taught"))


@pytest.fixture(scope="module", params=[[], JOINT], ids=["encoder kept", "encoder trained too"])
def changes(request: pytest.FixtureRequest) -> list[str]:
    return request.param


@pytest.fixture(scope="module")
def teacher(drawn: Taught, changes: list[str]) -> Path:
    return drawn.train(f"teacher{len(changes)}", *changes)


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "checkpoints" / "best.safetensors")


def test_teachers_change_what_is_learnt_are_written_down_and_stay_the_same(
    drawn: Taught, teacher: Path, changes: list[str]
) -> None:
    run = drawn.train(f"taught{len(changes)}", *changes, teachers=[teacher])
    learnt = weights(run)
    assert any(not torch.equal(one, weights(teacher)[name]) for name, one in learnt.items())
    assert len(read_recipe(run / "recipe.toml").used["teachers"]) == 64
    drawn.train(run.name, *changes, teachers=[teacher])
    assert all(torch.equal(one, weights(run)[name]) for name, one in learnt.items())
    for others in ([], [teacher, teacher]):
        with pytest.raises(BadRecipe, match="begun with other teachers"):
            drawn.train(run.name, *changes, teachers=others)


def test_a_run_without_teachers_gets_none_when_it_goes_on(
    drawn: Taught, teacher: Path, changes: list[str]
) -> None:
    with pytest.raises(BadRecipe, match="begun with other teachers"):
        drawn.train(teacher.name, *changes, teachers=[teacher])


@pytest.mark.parametrize("missing", ["recipe.toml", "encoder.safetensors", "checkpoints/best.safetensors"])
def test_what_is_no_finished_run_is_no_teacher(
    drawn: Taught, teacher: Path, missing: str, tmp_path: Path
) -> None:
    shutil.copytree(teacher, tmp_path / "half", ignore=shutil.ignore_patterns("features"))
    (tmp_path / "half" / missing).unlink()
    with pytest.raises(BadRecipe, match=f"it has no {missing}; give the folder of a finished run"):
        drawn.train("refused", teachers=[tmp_path / "half"])
    assert not (drawn.folder / "refused").exists()


def test_a_teacher_of_other_words_or_of_pictures_of_another_size_is_refused_before_anything_is_encoded(
    drawn: Taught, teacher: Path, changes: list[str], tmp_path: Path
) -> None:
    with pytest.raises(
        BadRecipe, match=r"its encoder is efficientnet-lite0 for 128 pixels, and this run's is .* 96"
    ):
        drawn.train("refused", *changes, "encoder.size=96", teachers=[teacher])
    shutil.copytree(teacher, tmp_path / "other", ignore=shutil.ignore_patterns("features"))
    known = Vocabulary.load(teacher / "vocabulary.json")
    Vocabulary([*known.tokens, "zebra"]).save(tmp_path / "other" / "vocabulary.json")
    with pytest.raises(BadRecipe, match="knows other words"):
        drawn.train("refused", *changes, teachers=[tmp_path / "other"])
    assert not (drawn.folder / "refused").exists()


def test_a_frozen_encoder_must_be_the_teachers_own(drawn: Taught, tmp_path: Path) -> None:
    tuned = drawn.train("tuned_encoder", *JOINT)
    with pytest.raises(
        BadRecipe, match=r"its encoder is another one; give its encoder.safetensors with --encoder"
    ):
        drawn.train("frozen", teachers=[tuned])


def test_an_alignment_learns_from_no_teacher(drawn: Taught, teacher: Path) -> None:
    with pytest.raises(BadRecipe, match="leave out --teacher"):
        drawn.train(
            "aligned", 'model.name="dual_encoder"', "model.settings={width=8, size=8}", teachers=[teacher]
        )
