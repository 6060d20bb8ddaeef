"""A captioner and an embedder on the same encoder become one bundle that searches."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from shapes import draw_corpus
from toy_recipe import TOY_RECIPE

from showtell.captioning.bundle import read_bundle
from showtell.captioning.captioner import BundleCaptioner
from showtell.errors import BadBundle, BadRecipe
from showtell.images import read_pixels
from showtell.text.vocabulary import Vocabulary
from showtell.training.encoders import load_encoder
from showtell.training.engine.checkpoint import load_average
from showtell.training.export.embedder import embedder_graphs
from showtell.training.export.export import export_run
from showtell.training.recipe import read_recipe
from showtell.training.runs.run import load_trained
from showtell.training.train import train

SETTINGS = {"width": 32, "size": 16, "word_width": 12}
SMALL = ["encoder.size=64", "training.batch=16", "training.schedule.epochs=1", "training.schedule.warmup=1"]


class Runs(NamedTuple):
    captioner: Path
    embedder: Path
    picture: Path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("embedder")
    draw_corpus(folder / "flickr8k", train=32, dev=6)
    data = f"flickr8k:{folder / 'flickr8k'}"
    (folder / "toy.toml").write_text(TOY_RECIPE.format(model="two_lstm", epochs=1), encoding="utf-8")
    train(read_recipe(folder / "toy.toml", SMALL), data, folder / "run")
    (folder / "glove.txt").write_text("red 0.1 0.2 0.3\nblue 0.3 0.1 0.2\n", encoding="utf-8")
    changes = [
        *SMALL,
        f"text.embeddings.file={folder / 'glove.txt'}",
        'text.languages=["en"]',
        "training.augmentations=0",
        f"text.vocabulary={folder / 'run/vocabulary.json'}",
        *(f"model.settings.{name}={value}" for name, value in SETTINGS.items()),
    ]
    train(
        read_recipe("embedder", changes),
        data,
        folder / "embedder",
        encoder=folder / "run/encoder.safetensors",
        features=folder / "run/features",
    )
    return Runs(folder / "run", folder / "embedder", next((folder / "flickr8k").rglob("*.jpg")))


def test_its_words_start_from_vectors_of_others(runs: Runs) -> None:
    weights = load_average(runs.embedder / "checkpoints/best.safetensors")
    assert weights["embedding.given"].shape == (2, 3)


def test_the_bundle_embeds_pictures_and_texts_as_pytorch_does(runs: Runs, tmp_path: Path) -> None:
    export_run(runs.captioner, tmp_path / "bundle", name="both", embedder=runs.embedder)
    captioner = BundleCaptioner(read_bundle(tmp_path / "bundle"))
    encoder = load_encoder(str(runs.captioner / "encoder.safetensors"))
    vocabulary = Vocabulary.load(runs.captioner / "vocabulary.json")
    recipe = read_recipe(runs.embedder / "recipe.toml")
    model = load_trained(
        runs.embedder, recipe, vocabulary, regions=encoder.regions, region_width=encoder.width
    )
    pixels = torch.from_numpy(read_pixels(runs.picture, encoder.preprocessing))[None]
    with torch.inference_mode():
        picture = model.encode_pictures(encoder.eval()(pixels))[0].numpy()
    np.testing.assert_allclose(captioner.encode(runs.picture).embedding, picture, atol=0.01)
    for words in (
        ["a"],
        "a red circle above a blue square".split(),
    ):  # of other lengths than the exporter saw
        with torch.inference_mode():
            text = model.encode_texts(torch.tensor([vocabulary.encode(words)]))[0].numpy()
        np.testing.assert_allclose(captioner.embed_text(words), text, atol=0.01)
        assert np.linalg.norm(captioner.embed_text(words)) == pytest.approx(1, abs=1e-3)


def graphs(run: Path, encoder: torch.nn.Module, vocabulary: Vocabulary) -> dict[str, bytes]:
    return embedder_graphs(run, encoder, vocabulary, regions=4, region_width=1280)


def test_an_embedder_of_another_encoder_is_refused(runs: Runs) -> None:
    other = load_encoder("efficientnet-lite0", size=64)
    torch.nn.init.zeros_(other.classifier.bias)
    with pytest.raises(BadBundle, match="another encoder"):
        graphs(runs.embedder, other, Vocabulary.load(runs.captioner / "vocabulary.json"))


def test_an_embedder_with_other_words_is_refused(runs: Runs) -> None:
    encoder = load_encoder(str(runs.captioner / "encoder.safetensors"))
    words = Vocabulary.load(runs.captioner / "vocabulary.json")
    with pytest.raises(BadBundle, match="another vocabulary"):
        graphs(runs.embedder, encoder, Vocabulary([*words.tokens, "more"]))


def test_a_captioner_is_no_embedder(runs: Runs) -> None:
    encoder = load_encoder(str(runs.captioner / "encoder.safetensors"))
    with pytest.raises(BadRecipe, match="two_lstm"):
        graphs(runs.captioner, encoder, Vocabulary.load(runs.captioner / "vocabulary.json"))
