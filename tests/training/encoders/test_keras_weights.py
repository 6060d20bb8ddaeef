"""VGG16 as Keras 3 exports it gives the same features through Showtell, from every layout, on real pictures.

Older versions' files are in ``test_old_keras_files.py``.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from showtell.images import open_picture, preprocess
from showtell.training.encoders.vgg16 import VGG16, preprocessing
from showtell.training.encoders.vgg16_weights import load_vgg16

layouts = pytest.importorskip("keras_layouts", reason="needs keras and h5py", exc_type=ImportError)
h5py, keras = layouts.h5py, layouts.keras
SMALL, exported, small_vgg16 = layouts.SMALL, layouts.exported, layouts.small_vgg16
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own

EXAMPLES = Path(__file__).parents[3] / "examples"
PICTURES = [EXAMPLES / name for name in ("cat.jpg", "coffee.jpg", "rocket.jpg")]
TOLERANCE = 1e-4


def through_keras(model, resample="bilinear", data_format="channels_last") -> np.ndarray:
    """A model's outputs on real pictures, read and prepared by Keras itself."""
    pictures = [
        keras.utils.img_to_array(
            keras.utils.load_img(path, target_size=(224, 224), interpolation=resample),
            data_format=data_format,
        )
        for path in PICTURES
    ]
    prepared = keras.applications.vgg16.preprocess_input(np.stack(pictures), data_format=data_format)
    return np.asarray(model.predict(prepared, verbose=0))


def through_showtell(network: VGG16) -> np.ndarray:
    """Regions [B, R, D] of the same pictures, read and prepared by Showtell."""
    how = network.preprocessing
    pixels = np.stack([preprocess(open_picture(path, at_least=how.at_least), how) for path in PICTURES])
    with torch.inference_mode():
        return network(torch.from_numpy(pixels)).numpy()


@pytest.fixture(scope="module")
def model():
    return small_vgg16()


@pytest.fixture(scope="module")
def weights(model):
    return layouts.weights_of(model)


@pytest.fixture(scope="module")
def features(model):
    """What Keras's own second fully connected layer says of the pictures [B, 20]."""
    found = through_keras(exported(model), "nearest")
    assert 0.01 < found.std() < 10  # else a tolerance of 1e-4 would mean little
    return found


def load_small(path, architecture=None, **options):
    return load_vgg16(path, architecture, plan=SMALL, **{"resample": "nearest", **options})


def assert_same(path, architecture, features):
    found = through_showtell(load_small(path, architecture))
    np.testing.assert_allclose(found[:, 0], features, atol=TOLERANCE, rtol=0)


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


# Every layout.


@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("name", ["exported.h5", "exported.weights.h5", "exported.keras"])
@pytest.mark.parametrize("with_architecture", [True, False])
def test_what_keras_3_writes(model, features, tmp_path, name, drop_last, with_architecture):
    chosen = exported(model) if drop_last else model
    path = tmp_path / name
    (chosen.save_weights if name.endswith(".weights.h5") else chosen.save)(path)
    architecture = written(tmp_path / "exported.json", chosen.to_json()) if with_architecture else None
    assert_same(path, architecture, features)


def test_a_compiled_model_saved_with_its_optimiser(features, tmp_path):
    trained = small_vgg16()
    trained.compile("adam", "categorical_crossentropy")
    trained.fit(np.zeros((1, 224, 224, 3)), np.zeros((1, 30)), verbose=0)
    for name in ("trained.h5", "trained.keras", "trained.weights.h5"):
        path = tmp_path / name
        (trained.save_weights if name.endswith(".weights.h5") else trained.save)(path)
        assert_same(path, None, through_keras(exported(trained), "nearest"))


def test_a_list_of_layers_cut_into_several_attributes(weights, features, tmp_path):
    layouts.write_keras2(tmp_path / "vgg16.h5", weights, cut=3)
    assert_same(tmp_path / "vgg16.h5", None, features)


def test_channels_first_maps_whose_flatten_puts_the_channels_last(tmp_path):
    model = small_vgg16(data_format="channels_first")
    model.save(tmp_path / "vgg16.h5")
    assert_same(tmp_path / "vgg16.h5", None, through_keras(exported(model), "nearest", "channels_first"))


def test_an_architecture_that_was_itself_dumped_as_a_json_string(model, features, tmp_path):
    model.save_weights(tmp_path / "vgg16.weights.h5")
    twice = written(tmp_path / "vgg16.json", json.dumps(model.to_json()))
    assert_same(tmp_path / "vgg16.weights.h5", twice, features)


def test_dropout_between_the_layers_makes_no_difference(weights, features, tmp_path):
    layouts.write_keras2(tmp_path / "vgg16.h5", weights)
    described = json.loads(layouts.keras2_json(weights))
    dropout = {"class_name": "Dropout", "config": {"name": "dropout", "rate": 0.5}}
    described["config"]["layers"].insert(-1, dropout)
    assert_same(tmp_path / "vgg16.h5", written(tmp_path / "a.json", json.dumps(described)), features)


def test_half_precision_weights_are_read_as_float32(weights, features, tmp_path):
    halves = {name: tuple(array.astype(np.float16) for array in pair) for name, pair in weights.items()}
    layouts.write_keras2(tmp_path / "vgg16.h5", halves)
    network = load_small(tmp_path / "vgg16.h5")
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    np.testing.assert_allclose(through_showtell(network)[:, 0], features, atol=0.05)


@pytest.mark.parametrize("resample", ["nearest", "bilinear", "bicubic"])
def test_pictures_are_resized_as_keras_resizes_them(model, tmp_path, resample):
    model.save(tmp_path / "vgg16.keras")
    network = load_small(tmp_path / "vgg16.keras", resample=resample)
    found = through_showtell(network)[:, 0]
    expected = through_keras(exported(model), resample)
    np.testing.assert_allclose(found, expected, atol=TOLERANCE)


@pytest.mark.parametrize("top", [True, False])
def test_the_last_map_row_by_row_from_the_top_left(tmp_path, top):
    model = small_vgg16(top=top)
    model.save(tmp_path / "vgg16.h5")
    network = load_small(tmp_path / "vgg16.h5", output="map")
    found = through_showtell(network)
    assert found.shape == (len(PICTURES), 49, 12)
    expected = through_keras(exported(model, "block5_pool"), "nearest")  # [B, 7, 7, C]
    np.testing.assert_allclose(found, expected.reshape(-1, 49, 12), atol=TOLERANCE)


# The whole network.


@pytest.fixture(scope="module")
def full(keras_vgg16):
    """The whole network with random weights, and its own features of the pictures."""
    return keras_vgg16, through_keras(exported(keras_vgg16), "nearest")


@pytest.fixture
def folder(tmp_path):
    """A folder that is emptied at once: each file in it takes half a gigabyte."""
    yield tmp_path
    shutil.rmtree(tmp_path)


def assert_full(path, architecture, expected):
    network = load_vgg16(path, architecture, resample="nearest")
    found = through_showtell(network)
    assert found.shape == (len(PICTURES), 1, 4096)
    assert 0.01 < expected.std() < 10
    np.testing.assert_allclose(found[:, 0], expected, atol=TOLERANCE, rtol=0)


@pytest.mark.slow  # half a gigabyte of weights
def test_the_exported_pair_gives_the_same_4096_numbers(full, exported_pair):
    assert_full(exported_pair / "vgg16_exported.h5", exported_pair / "vgg16_exported.json", full[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vgg16.h5", "vgg16.weights.h5", "vgg16.keras"])
def test_the_whole_network_as_keras_3_writes_it(full, folder, name):
    model, expected = full
    (model.save_weights if name.endswith(".weights.h5") else model.save)(folder / name)
    assert_full(folder / name, written(folder / "vgg16.json", model.to_json()), expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vgg16.pth", "vgg16.safetensors"])
def test_the_whole_network_as_a_state_dict(full, folder, name):
    model, expected = full
    model.save_weights(folder / "vgg16.weights.h5")
    state = load_vgg16(folder / "vgg16.weights.h5").state_dict()
    (save_file if name.endswith("safetensors") else torch.save)(state, folder / name)
    network = load_vgg16(folder / name)
    network.preprocessing = preprocessing(
        "keras", "nearest"
    )  # these weights were not torchvision's after all
    np.testing.assert_allclose(through_showtell(network)[:, 0], expected, atol=TOLERANCE)
