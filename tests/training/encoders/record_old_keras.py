"""Let old versions of Keras write a small VGG16 in every layout they have, and say what it sees.

Run once for each line, in a new virtual environment that holds that version alone; each run writes one archive of
``old_keras/``, named by version, backend and order of the channels:

    # Python 3.7
    pip install keras==1.2.2 theano==1.0.5 tensorflow==1.13.2 'numpy<1.17' 'h5py<3' 'protobuf<3.21' 'pyyaml<6'
    pip install keras==2.1.5 theano==1.0.5 tensorflow==1.15.5 'numpy<1.19' 'h5py<3' 'protobuf<3.21' 'pyyaml<6'
    pip install keras==2.2.4 theano==1.0.5 tensorflow==1.15.5 'numpy<1.19' 'h5py<3' 'protobuf<3.21' 'pyyaml<6'
    export THEANO_FLAGS=cxx=,optimizer=None    # the network is small, and compiling it takes many minutes
    KERAS_BACKEND=theano python tests/training/encoders/record_old_keras.py keras channels_first
    KERAS_BACKEND=theano python tests/training/encoders/record_old_keras.py keras channels_last    # not with 2.1.5
    KERAS_BACKEND=tensorflow python tests/training/encoders/record_old_keras.py keras channels_first
    KERAS_BACKEND=tensorflow python tests/training/encoders/record_old_keras.py keras channels_last    # not with 2.1.5
    python tests/training/encoders/record_old_keras.py tf.keras channels_last    # TensorFlow 1.15's, called 2.2.4-tf

    # Python 3.11
    pip install tensorflow-cpu==2.12.1    # and 2.13.1, 2.15.1; from 2.4 on, keras is tf.keras
    python tests/training/encoders/record_old_keras.py keras channels_last
    python tests/training/encoders/record_old_keras.py keras channels_first    # with 2.15.1 only

An archive holds the network as a person would export it, and ``fc2.json``: what its second fully connected layer says
of ``pictures()``, computed by the version that wrote it. Nothing here knows how a version lays its numbers out: every
array is drawn in the shape in which that version asks for it.
"""

from __future__ import annotations  # for Python 3.7

import io
import json
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "old_keras"
BLOCKS = ((4, 4), (5, 6), (7, 8, 8), (9, 9, 10), (10, 11, 12))
HIDDEN = 20
CLASSES = 30


def pictures() -> np.ndarray:
    """Three pictures of coloured squares, uint8 [3, 224, 224, 3]: the same from every version of NumPy."""
    squares = np.random.RandomState(0).randint(0, 256, (3, 14, 14, 3)).astype(np.uint8)
    return squares.repeat(16, axis=1).repeat(16, axis=2)


def layers_of_vgg16(keras: Any, **of_first: Any) -> list[Any]:
    """``keras.applications.VGG16``'s layers with few channels."""
    layers, found = keras.layers, []
    for b, block in enumerate(BLOCKS, start=1):
        for c, filters in enumerate(block, start=1):
            settings = {"activation": "relu", "name": f"block{b}_conv{c}", **of_first}
            if keras.__version__.startswith("1."):
                found.append(layers.Convolution2D(filters, 3, 3, border_mode="same", **settings))
            else:
                found.append(layers.Conv2D(filters, (3, 3), padding="same", **settings))
            of_first = {}
        found.append(layers.MaxPooling2D((2, 2), strides=(2, 2), name=f"block{b}_pool"))
    return [
        *found,
        layers.Flatten(name="flatten"),
        layers.Dense(HIDDEN, activation="relu", name="fc1"),
        layers.Dense(HIDDEN, activation="relu", name="fc2"),
        layers.Dense(CLASSES, activation="softmax", name="predictions"),
    ]


def small_vgg16(keras: Any) -> Any:
    """The network as ``keras.applications`` builds it."""
    inputs = keras.layers.Input(input_shape(keras))
    outputs = inputs
    for layer in layers_of_vgg16(keras):
        outputs = layer(outputs)
    return randomised(keras.models.Model(inputs, outputs, name="vgg16"))


def in_a_row(keras: Any) -> Any:
    """The same network as a Sequential model."""
    return randomised(keras.models.Sequential(layers_of_vgg16(keras, input_shape=input_shape(keras))))


def input_shape(keras: Any) -> tuple[int, int, int]:
    return (3, 224, 224) if image_order(keras) == "channels_first" else (224, 224, 3)


def randomised(model: Any) -> Any:
    """The model with kernels and biases by a fixed seed, in half precision so that the files are small when packed."""
    random = np.random.RandomState(1)
    for layer in model.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            inputs = kernel.size / bias.size  # of each output
            # Pixels are some hundred times as large as what the layers behind expect.
            scale = (2 / inputs) ** 0.5 / (100 if layer.name == "block1_conv1" else 1)
            drawn = [random.normal(0, scale, kernel.shape), random.uniform(-0.1, 0.1, bias.shape)]
            layer.set_weights([values.astype(np.float16).astype(np.float32) for values in drawn])
    return model


def image_order(keras: Any, order: str | None = None) -> str:
    """Which axis of a picture is its channels; Keras 1 calls the orders after its backends."""
    backend = keras.backend
    if keras.__version__.startswith("1."):
        if order is not None:
            backend.set_image_dim_ordering({"channels_first": "th", "channels_last": "tf"}[order])
        return {"th": "channels_first", "tf": "channels_last"}[backend.image_dim_ordering()]
    if order is not None:
        backend.set_image_data_format(order)
    return backend.image_data_format()


def up_to_fc2(keras: Any, model: Any) -> Any:
    """The network without its last layer, as people export it."""
    return keras.models.Model(model.inputs, model.get_layer("fc2").output)


def write_layouts(keras: Any, model: Any, folder: Path) -> None:
    """Everything that this version can write, under the names by which people know it."""
    # A network that has been trained brings its optimiser; at a rate of 0 its weights stay as they are.
    model.compile(keras.optimizers.SGD(0.0, momentum=0.9), "categorical_crossentropy")
    model.train_on_batch(np.ones((1, *input_shape(keras)), np.float32), np.eye(CLASSES, dtype=np.float32)[:1])
    exported, sequential = up_to_fc2(keras, model), in_a_row(keras)
    version = tuple(map(int, keras.__version__.split(".")[:2]))
    for name, network in (("vgg16", model), ("exported", exported), ("sequential", sequential)):
        (folder / f"{name}.json").write_text(network.to_json())
        network.save(str(folder / f"{name}.h5"))
        network.save_weights(str(folder / f"{name}_weights.h5"))
        if keras.__version__.endswith("-tf") or version >= (2, 12):
            # 2.12 could write zips already, but only when it was asked to.
            asked = {"save_format": "keras_v3"} if version == (2, 12) else {}
            network.save(str(folder / f"{name}.keras"), **asked)
        if version >= (2, 12):
            network.save_weights(str(folder / f"{name}.weights.h5"))


def features(keras: Any, model: Any) -> np.ndarray:
    """What the network says of the pictures [3, 20], which this version prepares as well."""
    from_zero_to_255 = pictures().astype(np.float32)
    if image_order(keras) == "channels_first":
        from_zero_to_255 = from_zero_to_255.transpose(0, 3, 1, 2).copy()
    prepared = keras.applications.vgg16.preprocess_input(from_zero_to_255)
    return up_to_fc2(keras, model).predict(prepared)


def pack(folder: Path, archive: Path) -> None:
    """One archive of a folder's files; xz finds the same weights again in every layout."""
    with tarfile.open(archive, "w:xz", preset=9) as tar:
        for path in sorted(folder.iterdir()):
            member = tarfile.TarInfo(path.name)  # without owner and date
            member.size = path.stat().st_size
            tar.addfile(member, io.BytesIO(path.read_bytes()))


def record(library: str, order: str) -> Path:
    """Write the archive of the version that is installed."""
    if library == "keras":
        import keras
        import keras.applications.vgg16

        backend = keras.backend.backend()
    else:
        import tensorflow

        keras, backend = tensorflow.keras, ""
    image_order(keras, order)
    model = small_vgg16(keras)
    found = features(keras, model)
    name = "-".join(filter(None, [library, keras.__version__, backend, order]))
    with tempfile.TemporaryDirectory() as folder:
        write_layouts(keras, model, Path(folder))
        np.testing.assert_array_equal(features(keras, model), found)  # training changed nothing
        (Path(folder) / "fc2.json").write_text(json.dumps(found.tolist()))
        FOLDER.mkdir(exist_ok=True)
        pack(Path(folder), FOLDER / f"{name}.tar.xz")
    return FOLDER / f"{name}.tar.xz"


if __name__ == "__main__":
    print(record(*sys.argv[1:]))
