"""Words that start from vectors of others: in every model, frozen or not, through a run and into its bundle."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from shapes import draw_corpus
from small_models import SENTINEL, small

from showtell.captioning.bundle import read_bundle
from showtell.captioning.captioner import BundleCaptioner
from showtell.cli import main
from showtell.text.vocabulary import Vocabulary
from showtell.training.data.word_vectors import read_embeddings
from showtell.training.engine.checkpoint import load_average
from showtell.training.models import MODELS
from showtell.training.models.embedding import GivenEmbedding

KNOWN = torch.tensor([False, False, True, True, False, True])


@pytest.fixture
def vectors() -> torch.Tensor:
    return torch.randn(6, 4, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def embedding(vectors) -> GivenEmbedding:
    torch.manual_seed(0)
    return GivenEmbedding(vectors, KNOWN, 32)


def test_each_word_has_its_own_vector_projected(embedding, vectors) -> None:
    torch.testing.assert_close(embedding.weight, vectors @ embedding.project.weight.T)
    tokens = torch.tensor([[5, 0], [2, 2]])
    torch.testing.assert_close(embedding(tokens), embedding.weight[tokens])
    assert embedding.embedding_dim == 32


def test_it_begins_with_the_spread_that_the_models_expect() -> None:
    torch.manual_seed(0)
    wide = GivenEmbedding(0.4 * torch.randn(3000, 100), torch.ones(3000, dtype=torch.bool), 512)
    assert float(wide.weight.detach().std()) == pytest.approx(512**-0.5, rel=0.1)


@pytest.mark.parametrize("frozen", [False, True])
def test_frozen_vectors_stay_and_all_else_learns(vectors, frozen) -> None:
    embedding = GivenEmbedding(vectors, KNOWN, 8, frozen=frozen)
    before = {name: tensor.clone() for name, tensor in embedding.state_dict().items()}
    learning = [parameter for parameter in embedding.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=0.1, weight_decay=0.1)
    embedding(torch.arange(6)).square().sum().backward()
    optimizer.step()
    same = {name for name, tensor in embedding.state_dict().items() if torch.equal(tensor, before[name])}
    assert same == ({"given", "order"} if frozen else {"order"})


def test_its_shape_is_found_in_what_was_saved(embedding) -> None:
    saved = {f"embedding.{name}": tensor for name, tensor in embedding.state_dict().items()}
    again = GivenEmbedding.of_shape(saved, "embedding.")
    again.load_state_dict(embedding.state_dict())
    torch.testing.assert_close(again.weight, embedding.weight)
    torch.testing.assert_close(again.finished().weight, embedding.weight)


@pytest.mark.parametrize("name", [*sorted(MODELS), SENTINEL])
def test_every_model_takes_it_in_the_place_of_its_own(name, embedding) -> None:
    model = small(name, vocabulary=6, regions=4, region_width=8).train()
    before = model.embedding
    model.embedding = GivenEmbedding(torch.randn(6, 5), KNOWN, before.embedding_dim)
    logits, _, _ = model.step(torch.tensor([[3, 4]]), model.begin(torch.randn(1, 4, 8)))
    logits.sum().backward()
    assert logits.shape == (1, 2, 6)
    assert all(parameter.grad is not None for parameter in model.embedding.parameters())


RECIPE = """
[encoder]
name = "efficientnet-lite0"
size = 64

[text]
minimum_count = 1

[text.cleaning]
drop_one_letter_words = true

[model]
name = "merge"
settings = { width = 32 }

[training]
batch = 8
augmentations = 0

[training.schedule]
epochs = 2
"""


def test_a_run_starts_from_a_file_tells_its_coverage_and_makes_a_bundle_without_it(tmp_path, capsys) -> None:
    captions = draw_corpus(tmp_path / "data", train=16, dev=4)
    (tmp_path / "mine.toml").write_text(RECIPE)
    glove = tmp_path / "glove.txt"
    words = ("red", "green", "blue", "circle", "square", "above")
    numbers = np.random.default_rng(0).normal(size=(len(words), 5))
    lines = [f"{word} {' '.join(map(str, row))}" for word, row in zip(words, numbers, strict=True)]
    glove.write_text("\n".join(lines))
    train = ["train", str(tmp_path / "mine.toml"), "--data", f"flickr8k:{tmp_path / 'data'}"]
    run = ["--output", str(tmp_path / "run"), "--embeddings", str(glove), "--freeze-embeddings"]
    assert main([*train, *run]) == 0
    assert "glove.txt has vectors for 6 of 10 words (60.0%); the others begin at random: " in (
        capsys.readouterr().err
    )
    vocabulary = Vocabulary.load(tmp_path / "run" / "vocabulary.json")
    assert "a" not in vocabulary  # the recipe leaves words of one letter out
    read = read_embeddings(glove, vocabulary)
    weights = load_average(tmp_path / "run" / "checkpoints" / "best.safetensors")
    found = [vocabulary.tokens.index(word) for word in read.found]
    np.testing.assert_array_equal(weights["embedding.given"], read.matrix[found])  # frozen: as in the file
    assert main([*train, *run]) == 0  # finished: the checkpoint fits what the file gives
    glove.unlink()
    assert main(["export", str(tmp_path / "run"), "--output", str(tmp_path / "bundle")]) == 0
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    assert manifest["training"]["text"]["embeddings"] == {"file": "glove.txt", "frozen": True}
    picture = tmp_path / "data" / "Flicker8k_Dataset" / next(iter(captions))
    assert "a" not in str(BundleCaptioner(read_bundle(tmp_path / "bundle")).caption(picture)).split()


def test_a_file_that_is_not_there_begins_no_run(tmp_path: Path, capsys) -> None:
    draw_corpus(tmp_path / "data", train=16, dev=4)
    (tmp_path / "mine.toml").write_text(RECIPE)
    train = ["train", str(tmp_path / "mine.toml"), "--data", f"flickr8k:{tmp_path / 'data'}"]
    missing = ["--output", str(tmp_path / "run"), "--embeddings", str(tmp_path / "typo.txt")]
    assert main([*train, *missing]) == 2
    assert "typo.txt cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_freezing_nothing_is_a_mistake(tmp_path: Path, capsys) -> None:
    options = ["--data", "flickr8k:x", "--output", str(tmp_path / "run"), "--freeze-embeddings"]
    assert main(["train", "merge", *options]) == 2
    assert "--freeze-embeddings needs --embeddings FILE" in capsys.readouterr().err
