"""The whole way on a corpus that draws itself: train, export, caption through the command line."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file
from shapes import draw_corpus, in_other_words
from toy_recipe import TOY_RECIPE

from showtell.captioning.bundle import read_bundle
from showtell.cli import main
from showtell.errors import BadBundle, BadRecipe
from showtell.training.export import export
from showtell.training.recipe import read_recipe
from showtell.training.train import train

HELD_OUT = 60
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}


def showtell(*arguments: object, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "showtell", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT, **options)


class Drawn:
    """A corpus that drew itself; its features are kept beside it, for all models."""

    def __init__(self, folder: Path):
        self.captions = draw_corpus(folder / "data", train=448, dev=HELD_OUT)
        self.spec = f"flickr8k:{folder / 'data'}"
        self.features = folder / "features"
        pictures = folder / "data" / "Flicker8k_Dataset"
        self.held_out = [pictures / name for name in list(self.captions)[-HELD_OUT:]]


class Toy:
    """A run trained on a drawn corpus through the command line, and its bundle."""

    def __init__(self, drawn: Drawn, folder: Path, model: str, epochs: int):
        self.captions, self.held_out, self.spec = drawn.captions, drawn.held_out, drawn.spec
        self.features = drawn.features
        self.recipe = folder / "toy.toml"
        self.recipe.write_text(TOY_RECIPE.format(model=model, epochs=epochs))
        self.run, self.bundle = folder / "run", folder / "bundle"
        self.trained = showtell(
            *("train", self.recipe, "--data", self.spec, "--output", self.run, "--features", self.features)
        )
        self.exported = main(["export", str(self.run), "--output", str(self.bundle)])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return Drawn(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("two_lstm", 8), id="two_lstm"),
        pytest.param(("transformer", 18), id="transformer", marks=pytest.mark.slow),
    ],
)
def toy(request: pytest.FixtureRequest, drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> Toy:
    return Toy(drawn, tmp_path_factory.mktemp("toy"), *request.param)


def test_a_captioner_trained_in_a_minute_describes_pictures_it_has_not_seen(toy: Toy) -> None:
    assert toy.trained.returncode == 0, toy.trained.stderr
    assert toy.exported == 0
    called = showtell("caption", *toy.held_out, "--model", toy.bundle, "--format", "jsonl")
    assert called.returncode == 0, called.stderr
    rows = [json.loads(line) for line in called.stdout.splitlines()]
    assert [row["path"] for row in rows] == [str(path) for path in toy.held_out]
    right = [
        row["caption"] in (told, in_other_words(told))
        for row, told in zip(rows, (toy.captions[path.name] for path in toy.held_out), strict=True)
    ]
    assert sum(right) >= 0.9 * HELD_OUT, f"{sum(right)} of {HELD_OUT} captions are right"


@pytest.mark.parametrize(
    ("model", "settings", "epochs"),
    [
        pytest.param("merge", "", 4, id="merge"),
        pytest.param("nic", "", 5, id="nic"),
        pytest.param("soft_attention", "", 3, id="soft_attention"),
        pytest.param("soft_attention", "sentinel = true", 3, id="adaptive_attention"),
        pytest.param("transformer", "heads = 4\ndecoder_layers = 1", 9, id="transformer"),
    ],
)
def test_each_model_of_the_lineage_goes_the_whole_way_and_looks_at_the_picture(
    drawn: Drawn, model: str, settings: str, epochs: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "toy.toml"
    text = TOY_RECIPE.format(model=model, epochs=epochs).replace("heads = 4", settings)
    recipe.write_text(text.replace("width = 128", "width = 64").replace("2e-3", "4e-3"))
    train(read_recipe(recipe), drawn.spec, tmp_path / "run", features=drawn.features)
    export.export_run(tmp_path / "run", tmp_path / "bundle", name=model)
    pictures = list(map(str, drawn.held_out))
    assert main(["caption", *pictures, "--model", str(tmp_path / "bundle"), "--format", "jsonl"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    said = [row["caption"].replace(" is ", " ") for row in rows]
    told = [drawn.captions[path.name] for path in drawn.held_out]
    right = [
        one == other
        for pair in zip(said, told, strict=True)
        for one, other in itertools.zip_longest(*map(str.split, pair))
    ]
    # Without looking, two words are known ("a … a …"), and of the others a half, a third or a quarter: 0.52 in all.
    assert sum(right) / len(right) >= 0.6


def test_the_bundle_knows_how_sure_it_may_be_and_how_it_was_made(toy: Toy) -> None:
    bundle = read_bundle(toy.bundle)
    assert bundle.languages == ("en",)
    assert bundle.calibration is not None
    assert bundle.training["used"]["data"] == "flickr8k"
    assert bundle.training["used"]["features"] == "frozen"
    card = (toy.bundle / "card.md").read_text()
    assert "CIDEr" in card
    assert "showtell evaluate" in card
    assert "Where it fails" in card
    for folder in (toy.run.parent, toy.features.parent):
        assert str(folder) not in card + (toy.bundle / "manifest.json").read_text()


def test_evaluating_the_bundle_gives_the_figures_of_its_card(toy: Toy) -> None:
    called = showtell("evaluate", toy.bundle, "--data", toy.spec, "--split", "dev", "--format", "json")
    assert called.returncode == 0, called.stderr
    found = json.loads(called.stdout)
    assert found["pictures"] == HELD_OUT
    assert f"| CIDEr | {found['metrics']['CIDEr']['value']:.1f} |" in (toy.bundle / "card.md").read_text()


def test_the_graphs_are_refused_when_they_do_not_say_what_pytorch_says(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # The graphs are made, then the weights change: what a broken conversion would look like.
    honest = export.make_graphs

    def other_weights(encoder, model, **how):
        graphs = honest(encoder, model, **how)
        for parameter in model.parameters():
            parameter.data.mul_(1.1)
        return graphs

    monkeypatch.setattr(export, "make_graphs", other_weights)
    with pytest.raises(BadBundle, match="do not give what PyTorch gives"):
        export.export_run(toy.run, tmp_path / "bundle", name="toy")
    assert not (tmp_path / "bundle").exists()


def test_a_run_goes_on_with_its_own_settings_alone(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", str(toy.recipe), "--data", toy.spec, "--output", str(toy.run)]
    assert main([*command, "--features", str(toy.features)]) == 0  # finished: nothing is trained again
    assert main([*command, "--seed", "99"]) == 2
    assert "begun with other settings: seed was 3 and is 99 now" in capsys.readouterr().err


def test_a_run_goes_on_with_its_own_captions_and_encoder_alone(tmp_path: Path) -> None:
    recipe = tmp_path / "toy.toml"
    recipe.write_text(TOY_RECIPE.format(model="two_lstm", epochs=1))
    specs = [f"flickr8k:{tmp_path / name}" for name in ("data", "other")]
    draw_corpus(tmp_path / "data", train=32, dev=4)
    train(read_recipe(recipe), specs[0], tmp_path / "run")
    vocabulary = (tmp_path / "run" / "vocabulary.json").read_bytes()
    shutil.copytree(tmp_path / "data", tmp_path / "other")
    tokens = tmp_path / "other" / "Flickr8k.token.txt"
    tokens.write_text(tokens.read_text().replace("red", "crimson"))
    with pytest.raises(BadRecipe, match="was begun with other captions or splits"):
        train(read_recipe(recipe), specs[1], tmp_path / "run")
    assert (tmp_path / "run" / "vocabulary.json").read_bytes() == vocabulary
    with pytest.raises(BadRecipe, match="was begun with another encoder or other features"):
        train(read_recipe(recipe), specs[0], tmp_path / "run", encoder=Path("efficientnet-lite0"))
    tokens.write_text((tmp_path / "data" / tokens.name).read_text())  # the same captions in another place
    train(read_recipe(recipe), specs[1], tmp_path / "run")
    assert read_recipe(tmp_path / "run" / "recipe.toml").used["data"] == specs[1]


def test_a_killed_training_continues_to_the_same_weights(tmp_path: Path) -> None:
    draw_corpus(tmp_path / "data", train=64, dev=8)
    recipe = tmp_path / "toy.toml"
    recipe.write_text(TOY_RECIPE.format(model="two_lstm", epochs=4))
    spec = f"flickr8k:{tmp_path / 'data'}"
    train(read_recipe(recipe), spec, tmp_path / "whole")
    killed = tmp_path / "killed"
    command = [sys.executable, "-m", "showtell", "train", recipe, "--data", spec, "--output", killed]
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    while not (killed / "log.jsonl").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    train(read_recipe(recipe), spec, killed)
    whole, found = (
        load_file(run / "checkpoints" / "last.safetensors") for run in (tmp_path / "whole", killed)
    )
    assert all((whole[name] == found[name]).all() for name in whole)


@pytest.mark.slow  # three processes; test_loop has the weights of two, and this the whole command
def test_two_processes_train_one_run_together(tmp_path: Path) -> None:
    draw_corpus(tmp_path / "data", train=64, dev=8)
    recipe = tmp_path / "toy.toml"
    tuned = "[encoder.tuning]\nminimum_count = 2\n[encoder.tuning.schedule]\nepochs = 1\n"
    recipe.write_text(TOY_RECIPE.format(model="two_lstm", epochs=3) + tuned)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    arguments = ["train", recipe, "--data", f"flickr8k:{tmp_path / 'data'}", "--output", tmp_path / "run"]
    called = subprocess.run(
        [*torchrun, "-m", "showtell", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )
    assert called.returncode == 0, called.stderr
    assert called.stderr.count("the best epoch is") == 1  # the first process speaks, the other is silent
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[-1]["loss"] < rows[0]["loss"]
    export.export_run(tmp_path / "run", tmp_path / "bundle", name="two")


def test_a_corpus_without_what_training_needs_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw_corpus(tmp_path / "data", train=3, dev=2)
    (tmp_path / "data" / "Flickr_8k.devImages.txt").unlink()
    (tmp_path / "toy.toml").write_text(TOY_RECIPE.format(model="two_lstm", epochs=1))
    command = ["train", str(tmp_path / "toy.toml"), "--data", f"flickr8k:{tmp_path / 'data'}"]
    assert main([*command, "--output", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert "dev" in said
    assert len(said.strip().splitlines()[-1]) < 300


def test_what_is_no_run_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match=r"no recipe\.toml"):
        export.export_run(tmp_path, tmp_path / "bundle", name="toy")
