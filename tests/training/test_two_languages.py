"""One model of two languages and their sources, its encoder trained together with it, from pictures to a bundle."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from shapes import draw_corpus

from showtell.captioning.bundle import read_bundle
from showtell.captioning.captioner import BundleCaptioner
from showtell.progress import Advance, Progress
from showtell.text.vocabulary import Vocabulary
from showtell.training.encoders import checksum, load_encoder
from showtell.training.export.export import export_run
from showtell.training.features.cache import open_features
from showtell.training.recipe import read_recipe
from showtell.training.train import train

RECIPE = """
[encoder]
name = "efficientnet-lite0"
size = 64

[encoder.tuning]
minimum_count = 2
batch = 16
schedule = { epochs = 1, warmup = 1 }

[encoder.joint]
learning_rate = 1e-3

[text]
languages = ["en", "zh"]
sources = true
source_weights = { baidu = 0.5 }
minimum_count = 1
cleaning = { chinese = "characters" }

[model]
name = "two_lstm"
settings = { width = 32 }

[training]
batch = 16
augmentations = 1
schedule = { epochs = 2, warmup = 4, average = 0.5, checkpoint_every = 3 }
"""
CHINESE = {
    "red": "红",
    "green": "绿",
    "blue": "蓝",
    "yellow": "黄",
    "circle": "圆",
    "square": "方",
    "triangle": "三角",
}


class Trained:
    """A run that was trained in one go, and what it told."""

    def __init__(self, folder: Path):
        captions = draw_corpus(folder / "flickr8k", train=48, dev=4)
        cn = folder / "flickr8k-cn"
        cn.mkdir()
        for source in ("zhc", "zhb"):
            rows = [
                f"{name}#{source}#0 {''.join(CHINESE.get(word, '') for word in text.split())}{source[2]}。\n"
                for name, text in captions.items()
            ]
            (cn / f"flickr8k{source}.caption.txt").write_text("".join(rows), encoding="utf-8")
        (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
        self.recipe = read_recipe(folder / "recipe.toml")
        self.spec = f"flickr8k:{folder / 'flickr8k'}+cn"
        self.picture = next((folder / "flickr8k").rglob("*.jpg"))
        self.run = folder / "run"
        self.told: list[str] = []
        train(self.recipe, self.spec, self.run, progress=Progress(note=self.told.append))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    pytest.importorskip("rjieba", reason="cutting Chinese into words needs the extra zh")
    return Trained(tmp_path_factory.mktemp("both"))


def test_every_language_is_validated_and_their_mean_decides(trained: Trained) -> None:
    rows = [json.loads(line) for line in (trained.run / "log.jsonl").read_text().splitlines()]
    assert len(rows) == 2
    for row in rows:
        own = [row["flickr8k/en CIDEr"], row["flickr8k/zh CIDEr"]]
        assert row["CIDEr"] == pytest.approx(sum(own) / 2)
    assert any(
        "validating on flickr8k/en (4 pictures), flickr8k/zh (4 pictures)" in line for line in trained.told
    )
    assert trained.told[-1].startswith("next: showtell export ")


def test_the_encoder_of_the_run_is_the_one_that_was_trained_with_the_captioner(trained: Trained) -> None:
    encoder = load_encoder(str(trained.run / "encoder.safetensors"))
    average = load_file(trained.run / "checkpoints" / "best.safetensors")
    head = average["average.late.head.0.weight"]
    assert torch.equal(encoder.head[0].weight, head)
    untouched = load_encoder("efficientnet-lite0", size=64)
    assert not torch.equal(untouched.head[0].weight, head)
    assert torch.equal(untouched.stem[0].weight, encoder.stem[0].weight)
    assert torch.equal(untouched.head[1].running_mean, encoder.head[1].running_mean)
    assert open_features(trained.run / "features").meta["weights"] == checksum(encoder)
    assert not (trained.run / "early_maps").exists()


def test_the_bundle_speaks_both_languages_and_has_no_start_token_of_a_source(
    trained: Trained, tmp_path: Path
) -> None:
    assert Vocabulary.load(trained.run / "vocabulary.json").tokens[-1] == "<start:zh:baidu>"
    export_run(trained.run, tmp_path / "bundle", name="both")
    bundle = read_bundle(tmp_path / "bundle")
    assert bundle.languages == ("en", "zh")
    assert not any("baidu" in token for token in bundle.vocabulary.tokens)
    assert set(bundle.calibration) == {"en", "zh"}
    captioner = BundleCaptioner(bundle)
    for language in bundle.languages:
        caption = captioner.caption(trained.picture, language=language)
        assert caption.language == language
        assert caption.confidence is not None
    card = (tmp_path / "bundle" / "card.md").read_text(encoding="utf-8")
    assert "### flickr8k, English" in card
    assert "### flickr8k, Chinese" in card


def test_a_run_that_is_stopped_while_both_learn_ends_with_the_same_weights(
    trained: Trained, tmp_path: Path
) -> None:
    @contextmanager
    def stops(_total: int | None, title: str) -> Iterator[Advance]:
        left = 4

        def advance(steps: int) -> None:
            nonlocal left
            left -= steps
            if title.startswith("Training") and left <= 0:
                raise KeyboardInterrupt

        yield advance

    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(trained.recipe, trained.spec, run, progress=Progress(bar=stops))
    train(trained.recipe, trained.spec, run)
    for name in ("encoder.safetensors", "checkpoints/last.safetensors", "checkpoints/best.safetensors"):
        expected, found = load_file(trained.run / name), load_file(run / name)
        assert expected.keys() == found.keys()
        assert all(torch.equal(expected[key], found[key]) for key in expected), name
