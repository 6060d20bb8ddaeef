"""Keras files that are not VGG16, not whole, or not safe are refused with what was found and what was expected."""

import json
import random
import zipfile

import numpy as np
import pytest

from showtell.errors import BadBundle
from showtell.training.encoders.keras_weights import read_architecture
from showtell.training.encoders.vgg16_weights import load_vgg16

layouts = pytest.importorskip("keras_layouts", reason="needs keras and h5py", exc_type=ImportError)
h5py, keras = layouts.h5py, layouts.keras
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own


@pytest.fixture(scope="module")
def model():
    return layouts.small_vgg16()


@pytest.fixture(scope="module")
def weights(model):
    return layouts.weights_of(model)


def load_small(path, architecture=None):
    return load_vgg16(path, architecture, plan=layouts.SMALL)


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def changed(architecture: str, number: int, **settings) -> str:
    described = json.loads(architecture)
    described["config"]["layers"][number]["config"].update(settings)
    return json.dumps(described)


@pytest.mark.parametrize(
    ("number", "settings", "message"),
    [
        (1, {"filters": 5}, r"layer 1 \(block1_conv1\) is Conv2D \(filters 5, .*expected Conv2D \(filters 4"),
        (1, {"kernel_size": [5, 5]}, r"kernel_size \[5, 5\]"),
        (2, {"padding": "valid"}, r"layer 2 .*padding valid"),
        (2, {"strides": [2, 2]}, r"layer 2 .*strides \[2, 2\]"),
        (2, {"use_bias": False}, r"layer 2 .*use_bias False"),
        (2, {"activation": "tanh"}, r"layer 2 .*activation tanh"),
        (3, {"pool_size": [3, 3]}, r"layer 3 \(block1_pool\) is MaxPooling2D \(pool_size \[3, 3\]"),
        (20, {"units": 21}, r"layer 20 \(fc1\) is Dense \(units 21"),
        (21, {"activation": "linear"}, r"layer 21 \(fc2\) .*activation linear"),
    ],
)
def test_another_architecture_is_refused_by_its_first_difference(
    weights, tmp_path, number, settings, message
):
    layouts.write_keras2(tmp_path / "a.h5", weights)
    architecture = written(tmp_path / "a.json", changed(layouts.keras2_json(weights), number, **settings))
    with pytest.raises(BadBundle, match=rf"a\.json is not VGG16: .*{message}"):
        load_small(tmp_path / "a.h5", architecture)


def test_vgg19_a_model_in_a_model_and_more_layers_are_refused(weights, tmp_path):
    layouts.write_keras2(tmp_path / "a.h5", weights)
    path = tmp_path / "a.json"
    described = json.loads(layouts.keras2_json(weights))
    layers = described["config"]["layers"]

    def refused(changed_layers, message):
        described["config"]["layers"] = changed_layers
        with pytest.raises(BadBundle, match=message):
            load_small(tmp_path / "a.h5", written(path, json.dumps(described)))

    vgg19 = [
        *layers[:10],
        {**layers[9], "config": {**layers[9]["config"], "name": "block3_conv4"}},
        *layers[10:],
    ]
    refused(vgg19, r"layer 10 \(block3_conv4\) is Conv2D, expected MaxPooling2D")
    inside = {"class_name": "Functional", "config": {"name": "vgg16", "layers": layers}}
    refused([inside, *layers[-3:]], r"layer 1 \(vgg16\) is Functional, expected Conv2D")
    refused([*layers, layers[-1]], "Dense, Dense follow the second fully connected layer")
    refused(layers[:-2], "it ends before layer 21, expected Dense")
    refused([], "it ends before layer 1,")


def test_the_architecture_inside_the_weights_file_is_checked_too(model, tmp_path):
    inputs = keras.Input((224, 224, 3))
    other = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(inputs)))
    other.save(tmp_path / "other.h5")
    architecture = written(tmp_path / "vgg16.json", model.to_json())
    with pytest.raises(
        BadBundle, match=r"other\.h5 is not VGG16: layer 1 \(flatten.* is Flatten, expected Conv2D"
    ):
        load_small(tmp_path / "other.h5", architecture)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ('{"class_name": "Functional", ', "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "does not list the layers"),
        ('"text"', "is not JSON"),
        ('{"config": {"layers": [1]}}', "does not list the layers"),
        ('{"config": {"layers": {"a": 1}}}', "does not list the layers"),
        ('{"captions": "of something else"}', "does not list the layers"),
    ],
)
def test_what_is_no_architecture_is_refused(tmp_path, text, message):
    with pytest.raises(BadBundle, match=message):
        read_architecture(written(tmp_path / "a.json", text))


def test_wrong_shapes_are_refused_with_what_was_found_and_expected(weights, tmp_path):
    kernel, bias = weights["block3_conv2"]
    layouts.write_keras2(tmp_path / "a.h5", weights | {"block3_conv2": (kernel[..., :5], bias[:5])})
    message = r"block3_conv2 holds arrays of the shapes \[\[3, 3, 7, 5\], \[5\]\], expected \[\[3, 3, 7, 8\]"
    with pytest.raises(BadBundle, match=message):
        load_small(tmp_path / "a.h5")
    fewer = {name: pair for name, pair in weights.items() if name != "block3_conv2"}
    layouts.write_keras2(tmp_path / "a.h5", fewer)
    with pytest.raises(
        BadBundle, match="holds 12 convolutions and 3 fully connected layers; expected VGG16's 13"
    ):
        load_small(tmp_path / "a.h5")


def test_weights_without_the_fully_connected_layers_give_a_map_alone(tmp_path):
    layouts.small_vgg16(top=False).save_weights(tmp_path / "notop.weights.h5")
    with pytest.raises(BadBundle, match=r"13 convolutions and 0 fully connected.*ask for its map instead"):
        load_small(tmp_path / "notop.weights.h5")


def test_values_that_are_not_finite_are_refused(weights, tmp_path):
    kernel, bias = weights["fc2"]
    layouts.write_keras2(tmp_path / "a.h5", weights | {"fc2": (kernel, np.full_like(bias, np.nan))})
    with pytest.raises(BadBundle, match=r"values in classifier\.3\.bias that are not finite"):
        load_small(tmp_path / "a.h5")


def test_missing_and_foreign_files_are_refused(tmp_path):
    with pytest.raises(BadBundle, match="cannot be read"):
        load_small(tmp_path / "none.h5")
    with pytest.raises(BadBundle, match="cannot be read"):
        load_small(tmp_path)
    pointer = written(tmp_path / "pointer.h5", "version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    with pytest.raises(BadBundle, match="is not a file of weights: it begins with b'version https"):
        load_small(pointer)
    with h5py.File(tmp_path / "table.h5", "w") as file:
        file["measurements"] = np.zeros(3)
    with pytest.raises(BadBundle, match="not as Keras writes weights: it holds measurements; expected"):
        load_small(tmp_path / "table.h5")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("name", ["a.h5", "a.weights.h5", "a.keras"])
def test_a_truncated_file_is_refused(model, tmp_path, name, kept):
    path = tmp_path / name
    (model.save_weights if name.endswith(".weights.h5") else model.save)(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(BadBundle, match=r"a\..* is not a whole (HDF5|\.keras) file"):
        load_small(path)


@pytest.mark.parametrize("name", ["a.h5", "a.weights.h5", "a.keras"])
def test_damaged_files_never_raise_anything_else(model, tmp_path, name):
    path = tmp_path / name
    (model.save_weights if name.endswith(".weights.h5") else model.save)(path)
    whole = path.read_bytes()
    chance = random.Random(0)
    refused = 0
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(8):
            damaged[chance.randrange(8, 20_000)] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            load_small(path)
        except BadBundle:
            refused += 1
    assert refused > 10


def test_links_out_of_the_file_are_not_followed(weights, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["kernel"] = weights["fc2"][0]
        file["group/vars/0"] = weights["fc2"][0]
    for link in (
        h5py.ExternalLink(str(tmp_path / "secret.h5"), "/kernel"),
        h5py.SoftLink("/fc1/fc1/kernel:0"),
    ):
        layouts.write_keras2(tmp_path / "a.h5", weights)
        with h5py.File(tmp_path / "a.h5", "a") as file:
            del file["fc2/fc2/kernel:0"]
            file["fc2/fc2/kernel:0"] = link
        with pytest.raises(BadBundle, match="is a link, which is not followed"):
            load_small(tmp_path / "a.h5")


def test_arrays_kept_in_other_files_are_refused(weights, tmp_path):
    kernel, _ = weights["fc2"]
    (tmp_path / "secret").write_bytes(kernel.tobytes())
    virtual = h5py.VirtualLayout(kernel.shape, np.float32)
    virtual[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "kernel", kernel.shape)
    for where in ("external", "virtual"):
        layouts.write_keras2(tmp_path / "a.h5", weights)
        with h5py.File(tmp_path / "a.h5", "a") as file:
            del file["fc2/fc2/kernel:0"]
            if where == "external":
                file["fc2"].create_dataset(
                    "fc2/kernel:0",
                    kernel.shape,
                    np.float32,
                    external=[(str(tmp_path / "secret"), 0, kernel.nbytes)],
                )
            else:
                file["fc2"].create_virtual_dataset("fc2/kernel:0", virtual)
        with pytest.raises(BadBundle, match="refers to other files"):
            load_small(tmp_path / "a.h5")


def test_text_where_numbers_should_be_is_refused(weights, tmp_path):
    layouts.write_keras2(tmp_path / "a.h5", weights)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        del file["fc2/fc2/bias:0"]
        file["fc2"].create_dataset("fc2/bias:0", data=["a"] * 20)
    with pytest.raises(BadBundle, match="something else than floats where fc2/bias:0 should be"):
        load_small(tmp_path / "a.h5")


def test_an_array_that_claims_to_be_huge_is_never_read(weights, tmp_path):
    layouts.write_keras2(tmp_path / "a.h5", weights)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        del file["fc2/fc2/kernel:0"]
        file["fc2"].create_dataset("fc2/kernel:0", (2**20, 2**20), np.float32, chunks=(1024, 1024))
    with pytest.raises(BadBundle, match="1048576"):
        load_small(tmp_path / "a.h5")


def test_a_keras_file_without_weights_a_damaged_one_and_one_of_gigabytes_are_refused(
    model, tmp_path, monkeypatch
):
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("config.json", model.to_json())
        archive.writestr("model.weights.npz", b"")
    with pytest.raises(BadBundle, match=r"zip of config\.json, model\.weights\.npz; a \.keras file holds"):
        load_small(tmp_path / "a.keras")
    with zipfile.ZipFile(tmp_path / "lzma.keras", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("config.json", model.to_json())
        archive.writestr("model.weights.h5", bytes(5000))
    damaged = bytearray((tmp_path / "lzma.keras").read_bytes())
    start = damaged.index(b"model.weights.h5") + len("model.weights.h5")
    damaged[start + 9 : start + 40] = b"\xff" * 31
    (tmp_path / "lzma.keras").write_bytes(damaged)
    with pytest.raises(BadBundle, match=r"lzma\.keras is not a whole \.keras file"):
        load_small(tmp_path / "lzma.keras")
    monkeypatch.setattr("showtell.training.encoders.keras_weights.LARGEST_WEIGHTS", 1000)
    model.save(tmp_path / "a.keras")
    with pytest.raises(BadBundle, match=r"model\.weights\.h5 of more than 1,000 bytes"):
        load_small(tmp_path / "a.keras")
