"""The commands of docs/lineage.md, run as they stand there on a corpus that draws itself."""

import os
import pickle
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from shapes import draw_corpus, in_other_words

from showtell.captioning.bundle import read_bundle

ROOT = Path(__file__).parents[2]
HEADING = "## From Keras' VGG16 to a captioner in three commands"


def commands() -> tuple[list[str], list[str]]:
    """What stands in the section's block of code, a command a line; and the commands that its text names."""
    page = (ROOT / "docs/lineage.md").read_text(encoding="utf-8")
    section = page.partition(HEADING)[2].partition("\n## ")[0]
    block = re.search(r"```\n(.*?)```", section, re.DOTALL)
    assert block
    return block[1].splitlines(), re.findall(r"`(showtell [^`]*)`", section.replace(block[0], ""))


def run(command: str, folder: Path, **names: str) -> subprocess.CompletedProcess:
    program, *words = shlex.split(command)
    assert program == "showtell"
    for name, value in names.items():
        words = [word.replace(name, value) for word in words]
    return subprocess.run(
        [sys.executable, "-m", "showtell", *words], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def keras_features(keras_vgg16):
    """What Keras itself says of pictures, resized as it does unless told otherwise: [B, 4096]."""
    from keras_layouts import exported, keras

    def features(paths):
        pictures = [
            keras.utils.img_to_array(keras.utils.load_img(path, target_size=(224, 224))) for path in paths
        ]
        prepared = keras.applications.vgg16.preprocess_input(np.stack(pictures))
        return np.asarray(exported(keras_vgg16).predict(prepared, verbose=0))

    return features


@pytest.mark.slow  # VGG16 has half a gigabyte of weights
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own
def test_three_commands_lead_from_kerass_vgg16_to_a_captioner(
    exported_pair, keras_features, tmp_path
) -> None:
    captions = draw_corpus(tmp_path / "data", train=32, dev=6)
    for name in ("vgg16_exported.h5", "vgg16_exported.json"):
        os.symlink(exported_pair / name, tmp_path / name)
    three, others = commands()
    assert len(three) == 3
    for command in three:
        done = run(command, tmp_path, DIR="data")
        assert done.returncode == 0, done.stderr
    pictures = [tmp_path / "data" / "Flicker8k_Dataset" / name for name in list(captions)[:3]]
    features = pickle.loads((tmp_path / "features.pkl").read_bytes())
    assert set(features) == {name.partition(".")[0] for name in captions}
    found = np.concatenate([features[path.stem] for path in pictures])
    np.testing.assert_allclose(found, keras_features(pictures), atol=1e-4, rtol=0)
    assert read_bundle(tmp_path / "BUNDLE").preprocessing.resample == "nearest"
    said = [run(command, tmp_path, DIR="data", **{"photo.jpg": str(pictures[0])}) for command in others]
    assert [done.returncode for done in said] == [0] * len(others), [done.stderr for done in said]
    caption = said[0].stdout.split()
    assert set(caption) <= {word for caption in captions.values() for word in in_other_words(caption).split()}
    shutil.rmtree(tmp_path / "BUNDLE")  # pytest keeps folders, and this one takes a quarter of a gigabyte
