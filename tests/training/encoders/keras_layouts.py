"""Small VGG16s in Keras 3, and Keras 2's layout written by hand, for files that no version writes: damaged ones.

What older versions of Keras wrote themselves is in ``old_keras/`` (see ``record_old_keras.py``).
"""

import json
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

import h5py
import keras
import numpy as np
from numpy.typing import NDArray

from showtell.training.encoders.vgg16 import Plan

SMALL = Plan(blocks=((4, 4), (5, 6), (7, 8, 8), (9, 9, 10), (10, 11, 12)), hidden=20)
CLASSES = 30

Weights = dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]  # by layer: kernel, bias


def small_vgg16(*, data_format: str = "channels_last", top: bool = True) -> keras.Model:
    """``keras.applications.VGG16``'s layers with ``SMALL``'s widths, and random weights and biases."""
    inputs = keras.Input((3, 224, 224) if data_format == "channels_first" else (224, 224, 3))
    outputs = inputs
    for b, block in enumerate(SMALL.blocks, start=1):
        for c, filters in enumerate(block, start=1):
            outputs = keras.layers.Conv2D(
                filters,
                (3, 3),
                activation="relu",
                padding="same",
                data_format=data_format,
                kernel_initializer="he_normal",
                name=f"block{b}_conv{c}",
            )(outputs)
        pool = keras.layers.MaxPooling2D((2, 2), (2, 2), data_format=data_format, name=f"block{b}_pool")
        outputs = pool(outputs)
    if top:
        outputs = keras.layers.Flatten(data_format=data_format, name="flatten")(outputs)
        for name in ("fc1", "fc2"):
            dense = keras.layers.Dense(
                SMALL.hidden, activation="relu", kernel_initializer="he_normal", name=name
            )
            outputs = dense(outputs)
        outputs = keras.layers.Dense(CLASSES, activation="softmax", name="predictions")(outputs)
    model = keras.Model(inputs, outputs, name="vgg16")
    randomise_biases(model)
    return model


def randomise_biases(model: keras.Model) -> None:
    """Keras begins with biases of 0, which would hide that they are read wrongly."""
    random = np.random.default_rng(0)
    for layer in model.layers:
        if layer.weights:
            layer.bias.assign(random.uniform(-0.1, 0.1, layer.bias.shape).astype(np.float32))
    # Pixels are some hundred times as large as what the layers behind expect.
    first = model.get_layer("block1_conv1")
    first.kernel.assign(first.kernel / 100)


def exported(model: keras.Model, layer: str = "fc2") -> keras.Model:
    """The network up to a layer: how people drop the last one."""
    return keras.Model(model.inputs, model.get_layer(layer).output)


def weights_of(model: keras.Model) -> Weights:
    return {layer.name: tuple(layer.get_weights()) for layer in model.layers if layer.weights}


# Keras 2.


def write_keras2(path: Path, weights: Weights, *, cut: int = 1) -> None:
    """``save_weights``.

    /                         attributes layer_names, backend, keras_version (fixed-length bytes)
    /block1_conv1             attribute weight_names = [b"block1_conv1/kernel:0", b"block1_conv1/bias:0"]
    /block1_conv1/block1_conv1/kernel:0     float32 [3, 3, inputs, outputs]
    /input_1, /block1_pool, … an empty weight_names

    cut: into how many attributes (layer_names0, layer_names1, …) the list of layers is cut; Keras does so
    when it is longer than 64 KiB.
    """
    with h5py.File(path, "w") as file:
        names = [b"input_1", *(name.encode() for name in weights), b"block5_pool"]
        if cut == 1:
            file.attrs["layer_names"] = names
        for number, part in enumerate(np.array_split(np.array(names), cut) if cut > 1 else []):
            file.attrs[f"layer_names{number}"] = part
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = b"2.2.4"
        for name in names:
            file.create_group(name).attrs["weight_names"] = []
        for name, (kernel, bias) in weights.items():
            arrays = {f"{name}/kernel:0": kernel, f"{name}/bias:0": bias}
            file[name].attrs["weight_names"] = [array.encode() for array in arrays]
            for array, values in arrays.items():
                file[name].create_dataset(array, data=values)


def keras2_json(weights: Weights) -> str:
    """``model.to_json()`` of Keras 2."""
    layers = [_keras2_layer("InputLayer", "input_1", batch_input_shape=[None, 224, 224, 3])]
    for name, (kernel, _) in weights.items():
        if kernel.ndim == 4:
            layers.append(
                _keras2_layer(
                    "Conv2D",
                    name,
                    filters=kernel.shape[3],
                    kernel_size=[3, 3],
                    strides=[1, 1],
                    padding="same",
                    data_format="channels_last",
                    dilation_rate=[1, 1],
                    activation="relu",
                    use_bias=True,
                )
            )
            if _ends_block(name):
                layers.append(
                    _keras2_layer(
                        "MaxPooling2D",
                        f"{name[:6]}_pool",
                        pool_size=[2, 2],
                        padding="valid",
                        strides=[2, 2],
                        data_format="channels_last",
                    )
                )
        else:
            if name == "fc1":
                layers.append(_keras2_layer("Flatten", "flatten", data_format="channels_last"))
            activation = "softmax" if name == "predictions" else "relu"
            layers.append(
                _keras2_layer("Dense", name, units=kernel.shape[1], activation=activation, use_bias=True)
            )
    model = {
        "class_name": "Model",
        "config": {"name": "vgg16", "layers": layers, "input_layers": [["input_1", 0, 0]]},
        "keras_version": "2.2.4",
        "backend": "tensorflow",
    }
    return json.dumps(model)


def _keras2_layer(kind: str, name: str, **settings: object) -> dict:
    config = {"name": name, "trainable": True, **settings}
    return {"name": name, "class_name": kind, "config": config, "inbound_nodes": [[["before", 0, 0, {}]]]}


def _ends_block(name: str) -> bool:
    return name in ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3")
