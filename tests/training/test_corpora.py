"""Every kind of corpus trains with a recipe as it is."""

import csv
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from shapes import draw_corpus
from toy_recipe import TOY_RECIPE

import showtell
from showtell.captioning.evaluate import evaluate
from showtell.corpora import open_corpus
from showtell.training.export import export
from showtell.training.recipe import read_recipe
from showtell.training.train import train

Drawn = tuple[Path, dict[str, str]]


def table(pictures: Path, said: dict[str, str], folder: Path) -> str:
    with (folder / "captions.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "caption"), *said.items()])
    shutil.copytree(pictures, folder / "pictures")
    return f"table:{folder / 'captions.csv'}"


def sidecars(pictures: Path, said: dict[str, str], folder: Path) -> str:
    shutil.copytree(pictures, folder / "pictures")
    for name, caption in said.items():
        (folder / "pictures" / name).with_suffix(".txt").write_text(caption)
    return f"folder:{folder}"


def shards(pictures: Path, said: dict[str, str], folder: Path) -> str:
    sidecars(pictures, said, folder)
    names = sorted((folder / "pictures").iterdir())
    for shard, chosen in (
        ("train-0.tar", names[:50]),
        ("train-1.tar", names[50:80]),
        ("val-0.tar", names[80:]),
    ):
        with tarfile.open(folder / shard, "w") as archive:
            for path in chosen:
                archive.add(path, path.name)
    shutil.rmtree(folder / "pictures")
    return f"webdataset:{folder}"


def coco(pictures: Path, said: dict[str, str], folder: Path) -> str:
    shutil.copytree(pictures, folder / "pictures")
    names = list(said)
    for part, chosen in (("train", names[:40]), ("val", names[40:])):
        content = {
            "images": [{"id": name, "file_name": name} for name in chosen],
            "annotations": [{"image_id": name, "caption": said[name]} for name in chosen],
        }
        (folder / f"captions_{part}.json").write_text(json.dumps(content))
    return f"coco:{folder}"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    folder = tmp_path_factory.mktemp("drawn")
    captions = draw_corpus(folder, train=44, dev=6)
    return folder / "Flicker8k_Dataset", captions


@pytest.mark.parametrize(
    "written",
    [shards, *(pytest.param(one, marks=pytest.mark.slow) for one in (table, sidecars, coco))],
    ids=lambda written: written.__name__,
)
def test_it_is_trained_on_exported_and_evaluated(
    drawn: Drawn, written: Callable[[Path, dict[str, str], Path], str], tmp_path: Path
) -> None:
    (tmp_path / "corpus").mkdir()
    spec = written(*drawn, tmp_path / "corpus")
    recipe = tmp_path / "toy.toml"
    recipe.write_text(TOY_RECIPE.format(model="merge", epochs=1).replace("heads = 4\n", ""))
    train(read_recipe(recipe), spec, tmp_path / "run")
    bundle = export.export_run(tmp_path / "run", tmp_path / "bundle", name="toy")
    corpus = open_corpus(spec)
    found = evaluate(showtell.load(bundle.folder), corpus)
    assert found.captions.keys() == {example.id for example in corpus.split("dev")}
