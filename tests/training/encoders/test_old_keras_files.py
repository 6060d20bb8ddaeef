"""VGG16 as old versions of Keras themselves wrote it gives the features that they computed.

The files were written by ``record_old_keras.py``, whose first lines say which versions and how; reading them needs
none of those versions.
"""

import json
import shutil
import tarfile

import numpy as np
import pytest
import torch
from record_old_keras import BLOCKS, FOLDER, HIDDEN, pictures

from showtell.errors import BadBundle
from showtell.images import preprocess
from showtell.training.encoders.vgg16 import VGG16, Plan
from showtell.training.encoders.vgg16_weights import load_vgg16

h5py = pytest.importorskip("h5py")

TOLERANCE = 1e-4
SMALL = Plan(BLOCKS, HIDDEN)

ALWAYS = ("{}.h5", "{}_weights.h5")
TF_KERAS = (*ALWAYS, "{}.keras")  # HDF5 until 2.11, a zip since 2.12
SINCE_212 = (*TF_KERAS, "{}.weights.h5")
RECORDED = {
    "keras-1.2.2-tensorflow-channels_first": ALWAYS,
    "keras-1.2.2-tensorflow-channels_last": ALWAYS,
    "keras-1.2.2-theano-channels_first": ALWAYS,
    "keras-1.2.2-theano-channels_last": ALWAYS,
    "keras-2.1.5-tensorflow-channels_first": ALWAYS,
    "keras-2.1.5-theano-channels_first": ALWAYS,
    "keras-2.2.4-tensorflow-channels_first": ALWAYS,
    "keras-2.2.4-tensorflow-channels_last": ALWAYS,
    "keras-2.2.4-theano-channels_first": ALWAYS,
    "keras-2.2.4-theano-channels_last": ALWAYS,
    "tf.keras-2.2.4-tf-channels_last": TF_KERAS,
    "keras-2.12.0-tensorflow-channels_last": SINCE_212,
    "keras-2.13.1-tensorflow-channels_last": SINCE_212,
    "keras-2.15.0-tensorflow-channels_first": SINCE_212,
    "keras-2.15.0-tensorflow-channels_last": SINCE_212,
}
NETWORKS = ("vgg16", "exported", "sequential")  # the whole; up to fc2; the whole as a Sequential model
FILES = [
    (archive, name.format(network), f"{network}.json")
    for archive, names in RECORDED.items()
    for name in names
    for network in NETWORKS
]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """A folder for each archive."""
    folder = tmp_path_factory.mktemp("old_keras")
    for archive in RECORDED:
        with tarfile.open(FOLDER / f"{archive}.tar.xz") as tar:
            tar.extractall(folder / archive, filter="data")
    return folder


SEEN: dict[bytes, np.ndarray] = {}  # most files hold the same weights; by these


def through_showtell(network: VGG16) -> np.ndarray:
    """The second fully connected layer's outputs [3, 20]."""
    weights = b"".join(tensor.numpy().tobytes() for tensor in network.state_dict().values())
    if weights not in SEEN:
        pixels = np.stack([preprocess(picture, network.preprocessing) for picture in pictures()])
        with torch.inference_mode():
            SEEN[weights] = network(torch.from_numpy(pixels))[:, 0].numpy()
    return SEEN[weights]


def assert_same(weights, architecture=None):
    expected = np.array(json.loads((weights.parent / "fc2.json").read_text()))
    assert 0.01 < expected.std() < 10  # else the tolerance would mean little
    found = through_showtell(load_vgg16(weights, architecture, plan=SMALL))
    np.testing.assert_allclose(found, expected, atol=TOLERANCE, rtol=0)


def test_every_archive_is_read():
    assert {path.name.removesuffix(".tar.xz") for path in FOLDER.iterdir()} == set(RECORDED)


@pytest.mark.parametrize(("archive", "name", "architecture"), FILES)
def test_with_the_architecture(unpacked, archive, name, architecture):
    assert_same(unpacked / archive / name, unpacked / archive / architecture)


# Until Keras 2.1.6 Flatten left the channels where they are, and weights alone do not say where that is.
TELLING = [
    file for file in FILES if not (file[0].startswith("keras-2.1.5") and file[1].endswith("_weights.h5"))
]


@pytest.mark.parametrize(("archive", "name", "_"), TELLING)
def test_without_the_architecture(unpacked, archive, name, _):
    assert_same(unpacked / archive / name)


@pytest.mark.parametrize("backend", ["theano", "tensorflow"])
def test_kernels_of_keras_1_whose_names_do_not_tell_the_backend(unpacked, tmp_path, backend):
    # Keras 1 calls arrays without a name param_0, …; kernels in Theano's order may then be turned or not.
    folder = shutil.copytree(unpacked / f"keras-1.2.2-{backend}-channels_first", tmp_path / "copy")
    weights, architecture = folder / "vgg16_weights.h5", folder / "vgg16.json"
    with h5py.File(weights, "a") as file:
        for layer in file.values():
            names = layer.attrs["weight_names"]
            for number, name in enumerate(names):
                layer.move(name, f"param_{number}")
            layer.attrs["weight_names"] = [f"param_{number}".encode() for number in range(len(names))]
    for unclear in (None, architecture):
        with pytest.raises(BadBundle, match='add "backend": "theano" or "backend": "tensorflow"'):
            load_vgg16(weights, unclear, plan=SMALL)
    architecture.write_text(json.dumps(json.loads(architecture.read_text()) | {"backend": backend}))
    assert_same(weights, architecture)
