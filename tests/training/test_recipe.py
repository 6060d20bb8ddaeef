"""Recipes are checked setting by setting, and a run's recipe reads back as it was."""

from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest
from shapes import draw_corpus

from showtell.errors import BadRecipe
from showtell.text.cleaning import Cleaning
from showtell.training.models import build_model
from showtell.training.recipe import read_recipe, recipe_names, write_recipe
from showtell.training.settings import EncoderTuning, JointTraining, Model, Recipe, WordVectors
from showtell.training.train import train


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
    assert read_recipe(written(tmp_path, "")) == Recipe(name="mine")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("seet = 1", "unknown setting 'seet'; did you mean 'seed'"),
        ("[training.schedule]\nepochz = 3", "unknown setting 'epochz'; did you mean 'epochs'"),
        ("seed = 'one'", "seed must be of the kind int"),
        ("seed = true", "seed must be of the kind int"),
        ("[training]\naugmentations = true", "augmentations must be of the kind int"),
        ("training = 3", "training must be a table"),
        ("[text]\nlanguages = 'en'", "languages must be a list of strings"),
        ("[text.cleaning]\nchinese = 'letters'", "chinese must be one of words, characters, not 'letters'"),
        ("[text.cleaning]\nlower = true", "unknown setting 'lower'; did you mean 'lower_case'"),
        ("[text.embeddings]\nfrozen = true", "embeddings lacks the setting 'file'"),
        ("seed =", "is not TOML"),
        ("seed = -1", "seed must be at least 0, not -1"),
        ("[training]\nbatch = 0", "training: batch must be at least 1, not 0"),
        ("[training]\naugmentations = -1", "augmentations must be at least 0"),
        ("[training]\nlabel_smoothing = 2", "label_smoothing must be from 0 to 0.99, not 2"),
        ("[training.schedule]\nepochs = 0", "epochs must be at least 1"),
        ("[training.schedule]\ncheckpoint_every = 0", "checkpoint_every must be at least 1"),
        ("[training.schedule]\nlearning_rate = -1.0", "learning_rate must be at least 0"),
        ("[training.schedule]\nlearning_rate = nan", "learning_rate must be at least 0, not nan"),
        ("[training.schedule]\nbeta2 = 1.0", "beta2 must be from 0 to 0.999999, not 1.0"),
        ("[training.schedule]\naverage = 2.0", "average must be from 0 to 0.999999"),
        ("[text]\nlanguages = []", "languages must be different ones, at least one"),
        ("[text]\nlanguages = ['en', 'en']", "languages must be different ones"),
        ("[text]\nmaximum_length = 0", "maximum_length must be at least 1"),
        ("[decoding]\nbeam = 0", "decoding: beam must be at least 1, not 0"),
        ("[decoding]\nmin_length = 30", "min_length must be from 0 to max_length"),
        ("[encoder.tuning]\ncrop_scale = 0", "crop_scale must be from 0.1 to 1, not 0"),
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
    assert recipe.text.embeddings == WordVectors(file="glove.txt", frozen=True)
    write_recipe(recipe, tmp_path / "recipe.toml")
    listed = (tmp_path / "recipe.toml").read_text()
    for setting in ("lower_case", "keep_punctuation", "drop_one_letter_words", "drop_words_with_digits"):
        assert f"{setting} = " in listed
    assert read_recipe(tmp_path / "recipe.toml") == recipe


def test_a_whole_number_may_stand_for_a_fraction(tmp_path: Path) -> None:
    assert read_recipe(written(tmp_path, "[training.schedule]\nclip = 2")).training.schedule.clip == 2.0


def test_a_recipe_that_does_not_exist_is_told_from_the_nearest() -> None:
    with pytest.raises(BadRecipe, match=r"no recipe 'bass'; did you mean 'base'"):
        read_recipe("bass")


@pytest.mark.parametrize(
    "settings",
    [{"width": "a"}, {"width": 0}, {"width": -8}, {"dropout": 2.0}, {"heads": 3, "width": 16}, {"heads": 0}],
)
def test_a_model_refuses_settings_that_cannot_be_before_a_picture_is_encoded(
    settings: dict[str, object], tmp_path: Path
) -> None:
    recipe = replace(Recipe(), model=Model(name="two_lstm", settings=settings))
    draw_corpus(tmp_path / "data", train=3, dev=2)
    with pytest.raises(BadRecipe, match="the model 'two_lstm' cannot be built with the settings"):
        train(recipe, f"flickr8k:{tmp_path / 'data'}", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_captions_too_long_for_a_transformer_are_refused_before_a_picture_is_encoded(tmp_path: Path) -> None:
    recipe = replace(Recipe(), model=Model(name="transformer", settings={"maximum_length": 12}))
    draw_corpus(tmp_path / "data", train=3, dev=2)
    with pytest.raises(BadRecipe, match="12"):
        train(recipe, f"flickr8k:{tmp_path / 'data'}", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_recipe_is_called_as_its_file_and_a_run_remembers_it(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, ""))
    assert recipe.name == "mine"
    write_recipe(recipe, tmp_path / "recipe.toml")
    assert read_recipe(tmp_path / "recipe.toml").name == "mine"


def test_settings_are_changed_one_by_one(tmp_path: Path) -> None:
    changes = ["training.schedule.epochs=2", "text.languages=['en', 'zh']", "model.name=nic", "seed = 7"]
    recipe = read_recipe(written(tmp_path, "[training]\nbatch = 4"), changes)
    assert (recipe.training.batch, recipe.training.schedule.epochs, recipe.seed) == (4, 2, 7)
    assert recipe.text.languages == ("en", "zh")
    assert recipe.model.name == "nic"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("training.batch", "no change of a setting; write for instance"),
        ("=3", "no change of a setting"),
        ("training.bach=3", "unknown setting 'bach'; did you mean 'batch'"),
        ("seed.more=1", "seed is no table"),
        ("text.source_weights.model=-1", "source_weights must be numbers from 0 up, not -1 for 'model'"),
    ],
)
def test_a_change_that_cannot_be_is_refused(change: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match=complaint):
        read_recipe(written(tmp_path, "seed = 1"), [change])


def settings_of(settings: object, prefix: str = "") -> list[str]:
    """The last name of every setting of a recipe."""
    found = []
    for item in fields(settings):  # type: ignore[arg-type]
        value = getattr(settings, item.name)
        if is_dataclass(value):
            found += settings_of(value, f"{prefix}{item.name}.")
        else:
            found.append(item.name)
    return found


def test_every_setting_is_explained() -> None:
    page = (Path(__file__).parents[2] / "docs/recipes.md").read_text(encoding="utf-8")
    optional = (EncoderTuning(), JointTraining(), WordVectors(file="f"))
    names = {name for one in (Recipe(), *optional) for name in settings_of(one)}
    missing = [name for name in names - {"name", "used", "features", "schedule"} if name not in page]
    assert missing == []
