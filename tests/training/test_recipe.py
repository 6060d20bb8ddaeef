"""Recipes are checked setting by setting, and a run's recipe reads back as it was."""

from dataclasses import replace
from pathlib import Path

import pytest

from showtell.errors import BadRecipe
from showtell.text.cleaning import Cleaning
from showtell.training.models import build_model
from showtell.training.recipe import EmbeddingRecipe, Recipe, read_recipe, recipe_names, write_recipe


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_of_the_package_reads_and_names_a_model_that_exists(name: str) -> None:
    recipe = read_recipe(name)
    build_model(recipe.model.name, vocabulary=9, regions=49, region_width=8, settings=recipe.model.settings)


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_that_is_written_reads_the_same(name: str, tmp_path: Path) -> None:
    recipe = replace(read_recipe(name), used={"data": "flickr8k:somewhere"})
    write_recipe(recipe, tmp_path / "recipe.toml")
    assert read_recipe(tmp_path / "recipe.toml") == recipe


def test_an_empty_recipe_is_all_defaults(tmp_path: Path) -> None:
    assert read_recipe(written(tmp_path, "")) == Recipe()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("seet = 1", "unknown setting 'seet'; did you mean 'seed'"),
        ("[training.schedule]\npases = 3", "unknown setting 'pases'; did you mean 'passes'"),
        ("seed = 'one'", "seed must be of the kind int"),
        ("seed = true", "seed must be of the kind int"),
        ("[training]\nviews = true", "views must be of the kind int"),
        ("training = 3", "training must be a table"),
        ("[text]\nlanguages = 'en'", "languages must be a list of strings"),
        ("[text.cleaning]\nchinese = 'letters'", "chinese must be one of words, characters, not 'letters'"),
        ("[text.cleaning]\nlower = true", "unknown setting 'lower'; did you mean 'lower_case'"),
        ("[text.embeddings]\nfrozen = true", "embeddings lacks the setting 'file'"),
        ("seed =", "is not TOML"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match=rf"mine\.toml.*{complaint}"):
        read_recipe(written(tmp_path, text))


def test_cleaning_and_embeddings_are_listed_in_a_written_recipe(tmp_path: Path) -> None:
    text = (
        "[text.cleaning]\ndrop_one_letter_words = true\n[text.embeddings]\nfile = 'glove.txt'\nfrozen = true"
    )
    recipe = read_recipe(written(tmp_path, text))
    assert recipe.text.cleaning == Cleaning(drop_one_letter_words=True)
    assert recipe.text.embeddings == EmbeddingRecipe(file="glove.txt", frozen=True)
    write_recipe(recipe, tmp_path / "recipe.toml")
    listed = (tmp_path / "recipe.toml").read_text()
    for setting in ("lower_case", "keep_punctuation", "drop_one_letter_words", "drop_words_with_digits"):
        assert f"{setting} = " in listed
    assert read_recipe(tmp_path / "recipe.toml") == recipe


def test_a_whole_number_may_stand_for_a_fraction(tmp_path: Path) -> None:
    assert read_recipe(written(tmp_path, "[training.schedule]\nclip = 2")).training.schedule.clip == 2.0


def test_a_recipe_that_does_not_exist_lists_those_that_do() -> None:
    with pytest.raises(BadRecipe, match=r"no recipe 'bass'; known are .*base, "):
        read_recipe("bass")
