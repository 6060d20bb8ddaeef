"""What the tests of training share; without PyTorch they are skipped."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra train is not installed")
torch.set_num_threads(
    1
)  # two wait for each other: on a busy machine models as small as these take ten times as long


@pytest.fixture(scope="session")
def keras_vgg16() -> Any:
    """``keras.applications.VGG16``, the whole of it, with random weights: made once, since it takes seconds."""
    layouts = pytest.importorskip("keras_layouts", reason="needs keras and h5py", exc_type=ImportError)
    model = layouts.keras.applications.VGG16(weights=None)
    layouts.randomise_biases(model)
    return model


@pytest.fixture(scope="session")
def exported_pair(keras_vgg16: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of ``vgg16_exported.json`` and ``vgg16_exported.h5``: that network up to fc2, half a gigabyte."""
    import keras_layouts

    folder = tmp_path_factory.mktemp("keras")
    model = keras_layouts.exported(keras_vgg16)
    model.save(folder / "vgg16_exported.h5")
    (folder / "vgg16_exported.json").write_text(model.to_json(), encoding="utf-8")
    yield folder
    shutil.rmtree(folder)
