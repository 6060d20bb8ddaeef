"""A captioner that learnt from a file of features is exported with the network that made them, and with no other."""

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from shapes import draw_corpus
from small_vgg16 import use_small_vgg16, write_weights

from showtell.captioning.bundle import read_bundle
from showtell.captioning.captioner import BundleCaptioner
from showtell.cli import main
from showtell.errors import BadRecipe
from showtell.training.encoders import load_encoder, save_encoder
from showtell.training.features.files import read_features, write_features
from showtell.training.features.imported import encoder_of
from showtell.training.recipe import read_recipe

RECIPE = """
description = "Coloured shapes."

[text]
minimum_count = 1

[model]
name = "{model}"
settings = {{ width = 32 }}

[training]
batch = 8

[training.schedule]
epochs = 1
"""


class Trained:
    """A drawn corpus, features of it in files, and a run trained on each."""

    def __init__(self, folder: Path, weights: Path):
        self.folder, self.weights = folder, weights
        self.captions = draw_corpus(folder / "data", train=16, dev=4)
        self.data = f"flickr8k:{folder / 'data'}"
        self.pictures = [folder / "data" / "Flicker8k_Dataset" / name for name in self.captions]
        for model in ("merge", "soft_attention"):
            (folder / f"{model}.toml").write_text(RECIPE.format(model=model))
        for name in ("f.npz", "f.pkl", "map.npz"):
            encoder = "vgg16-map" if name.startswith("map") else "vgg16"
            options = ["--encoder", encoder, "--weights", weights, "--resample", "nearest"]
            assert call("features", self.data, *options, "--output", folder / name) == 0
            model = "soft_attention" if name.startswith("map") else "merge"
            assert self.train(model, name) == 0

    def train(self, model: str, features: str, *options: object) -> int:
        return call(
            "train",
            self.folder / f"{model}.toml",
            *("--data", self.data, "--features", self.folder / features),
            *("--output", self.folder / f"run-{features}", *options),
        )

    def export(self, features: str, *options: object, output: Path) -> int:
        return call("export", self.folder / f"run-{features}", "--output", output, *options)


def call(*arguments: object) -> int:
    return main(list(map(str, arguments)))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as monkeypatch:
        folder = tmp_path_factory.mktemp("given")
        yield Trained(folder, use_small_vgg16(monkeypatch, folder))


@pytest.mark.parametrize(
    ("features", "options"),
    [
        ("f.npz", ["--encoder", "vgg16"]),
        ("f.pkl", ["--encoder", "vgg16", "--resample", "nearest"]),
        ("map.npz", ["--encoder", "vgg16-map"]),
    ],
)
def test_the_bundle_sees_as_the_features_were_made(trained, tmp_path, features, options) -> None:
    assert trained.export(features, *options, "--weights", trained.weights, output=tmp_path / "b") == 0
    bundle = read_bundle(tmp_path / "b")
    assert bundle.preprocessing.resample == "nearest"
    assert bundle.training["encoder"]["features"] == read_run(trained, features).encoder.features != ""
    assert str(trained.folder) not in (tmp_path / "b" / "manifest.json").read_text()
    assert BundleCaptioner(bundle).caption(trained.pictures[0]).text


def read_run(trained, features):
    return read_recipe(trained.folder / f"run-{features}" / "recipe.toml")


def test_the_run_says_what_it_learnt_from(trained) -> None:
    assert read_run(trained, "f.npz").encoder.name == "vgg16"
    assert read_run(trained, "f.pkl").encoder.name == "unknown"  # a pickle does not say
    sample = read_features(trained.folder / "run-f.npz" / "sample.npz")
    whole = read_features(trained.folder / "f.npz")
    assert sample.ids == tuple(path.stem for path in trained.pictures[-4:])
    np.testing.assert_array_equal(sample.features, whole.features[-4:])
    assert sample.meta["preprocessing"]["resample"] == "nearest"


@pytest.mark.parametrize(
    ("features", "options", "message"),
    [
        ("f.pkl", [], "needs the network that made them; give --encoder NAME"),
        ("map.npz", [], "give --encoder vgg16-map --weights FILE"),
        ("f.npz", ["--resample", "nearest"], "belong to an encoder; add --encoder vgg16"),
        ("f.pkl", ["--encoder", "vgg16", "--weights", "THEIRS"], "do not say how .* add --resample nearest"),
        (
            "f.pkl",
            ["--encoder", "vgg16", "--weights", "THEIRS", "--resample", "bilinear"],
            "vgg16 does not give for 4 dev pictures what",
        ),
        (
            "f.npz",
            ["--encoder", "vgg16", "--weights", "THEIRS", "--resample", "bicubic"],
            "prepared in another way .* give the weights and the --resample",
        ),
        (
            "f.npz",
            ["--encoder", "vgg16", "--weights", "OTHER"],
            "does not give for 4 dev pictures what .* give the weights and the --resample that made the features",
        ),
        (
            "f.npz",
            ["--encoder", "vgg16-map", "--weights", "THEIRS"],
            r"features of the shape \[1, 20\], but vgg16-map gives \[49, 12\]",
        ),
        ("f.npz", ["--encoder", "efficientnet-lite0"], r"but efficientnet-lite0 gives \[49, 1280\]"),
    ],
)
def test_another_network_or_none_is_refused(trained, tmp_path, capsys, features, options, message) -> None:
    files = {"THEIRS": trained.weights, "OTHER": write_weights(tmp_path / "other.pth", seed=1)}
    assert trained.export(features, *(files.get(o, o) for o in options), output=tmp_path / "b") == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert re.search(message, said[0])
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("shape", "meta", "advice"),
    [
        ((1, 4096), None, "give --encoder vgg16 --weights FILE --architecture FILE"),
        ((49, 512), None, "give --encoder vgg16-map --weights FILE --architecture FILE"),
        ((49, 1280), None, r"give --encoder NAME, the network that made them \(\[49, 1280\] a picture\)"),
        ((49, 1280), {"encoder": "theirs"}, "give --encoder NAME"),
        ((1, 20), {"encoder": ["theirs"]}, "give --encoder NAME"),
        ((1, 20), {"encoder": "vgg16"}, "give --encoder vgg16 --weights"),
    ],
)
def test_the_network_to_give_is_guessed_from_what_the_features_say_or_are(tmp_path, shape, meta, advice):
    write_features(tmp_path / "sample.npz", ["a"], np.ones((1, *shape), np.float32), meta=meta)
    with pytest.raises(BadRecipe, match=advice):
        encoder_of(tmp_path, None, [])


def test_features_of_a_tuned_encoder_ask_for_its_file(trained, tmp_path, capsys) -> None:
    tuned = load_encoder("efficientnet-lite0")
    with torch.no_grad():
        for parameter in tuned.parameters():
            parameter.mul_(0.9)
    save_encoder(tuned, tmp_path / "tuned.safetensors")
    from_file = ["--encoder", tmp_path / "tuned.safetensors"]
    assert call("features", trained.data, *from_file, "--output", tmp_path / "f.npz") == 0
    merge, run = trained.folder / "merge.toml", tmp_path / "run"
    assert (
        call("train", merge, "--data", trained.data, "--features", tmp_path / "f.npz", "--output", run) == 0
    )
    capsys.readouterr()
    assert call("export", run, "--output", tmp_path / "b") == 2
    said = capsys.readouterr().err
    assert "give its file, --encoder tuned.safetensors" in said
    assert "--resample" not in said
    assert call("export", run, "--output", tmp_path / "b", *from_file) == 0


def test_a_run_is_continued_with_the_same_file_alone(trained, capsys) -> None:
    assert trained.train("merge", "f.npz") == 0
    changed = read_features(trained.folder / "f.npz")
    original = (trained.folder / "f.npz").read_bytes()
    write_features(trained.folder / "f.npz", changed.ids, changed.features + 1, meta=changed.meta)
    assert trained.train("merge", "f.npz") == 2
    assert "begun with other settings" in capsys.readouterr().err
    (trained.folder / "f.npz").write_bytes(original)


def test_features_of_a_shipped_encoder_need_no_network_to_be_named(trained, tmp_path) -> None:
    lite = tmp_path / "lite.npz"
    assert call("features", trained.data, "--encoder", "efficientnet-lite0", "--output", lite) == 0
    merge = trained.folder / "merge.toml"
    assert call("train", merge, "--data", trained.data, "--features", lite, "--output", tmp_path / "run") == 0
    assert call("export", tmp_path / "run", "--output", tmp_path / "b") == 0
    assert read_bundle(tmp_path / "b").preprocessing.resample == "bilinear"


def test_a_run_with_an_encoder_of_its_own_takes_no_other(trained, tmp_path, capsys) -> None:
    merge = tmp_path / "merge.toml"
    merge.write_text(
        RECIPE.format(model="merge").replace("batch = 8", "batch = 8\naugmentations = 0")
        + '[encoder]\nname = "efficientnet-lite0"\nsize = 64\n'
    )
    assert call("train", merge, "--data", trained.data, "--output", tmp_path / "run") == 0
    capsys.readouterr()
    other = ["--encoder", "vgg16", "--weights", trained.weights]
    assert call("export", tmp_path / "run", "--output", tmp_path / "b", *other) == 2
    assert "has an encoder of its own; leave out --encoder vgg16" in capsys.readouterr().err


def test_what_contradicts_a_file_of_features_is_said(trained, tmp_path, capsys) -> None:
    features = ["--data", trained.data, "--features", trained.folder / "f.npz", "--output", tmp_path / "run"]
    assert call("train", "base", *features) == 2
    assert "trains its encoder" in capsys.readouterr().err
    assert call("train", "merge", *features, "--encoder", "tuned.safetensors") == 2
    assert "are made already; leave out --encoder" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_features_that_lack_pictures_or_could_run_code_are_refused(trained, tmp_path, capsys) -> None:
    whole = read_features(trained.folder / "f.npz")
    write_features(tmp_path / "few.pkl", whole.ids[1:], whole.features[1:])

    class Harm:
        def __reduce__(self):
            return open, (str(tmp_path / "harm"), "w")

    (tmp_path / "harm.pkl").write_bytes(pickle.dumps({"a": Harm()}))
    for name, message in (
        ("few.pkl", "lacks the features of 1 picture: 00000;"),
        ("harm.pkl", "could be run as code"),
        ("none.pkl", "cannot be read"),
    ):
        options = [
            "--data",
            trained.data,
            "--features",
            tmp_path / name,
            "--output",
            tmp_path / f"run-{name}",
        ]
        assert call("train", trained.folder / "merge.toml", *options) == 2
        assert message in capsys.readouterr().err
        assert not (tmp_path / f"run-{name}").exists()
    assert not (tmp_path / "harm").exists()


def test_fewer_pictures_than_a_batch_are_too_few(trained, tmp_path, capsys) -> None:
    options = ["--data", trained.data, "--features", trained.folder / "f.npz", "--output", tmp_path / "run"]
    assert call("train", "merge", *options) == 2
    assert (
        "has 16 train pictures with a caption of 2 words or more, and a batch takes 32"
        in capsys.readouterr().err
    )
