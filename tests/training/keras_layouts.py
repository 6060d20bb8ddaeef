"""Small VGG16s in Keras, and the file layouts of Keras versions that can no longer be run beside today's.

What Keras 3 writes is written by Keras 3 itself. The older layouts are written here by hand, as the public source of
those versions describes them (``keras/engine/topology.py`` of Keras 1 and 2, ``hdf5_format.py`` of tf.keras, and the
reader that Keras 3 keeps for files of 2.12 and 2.13); no file that one of these versions wrote is among the tests.
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


# Keras 2 and tf.keras.


def write_keras2(
    path: Path, weights: Weights, *, backend: str = "tensorflow", whole: bool = False, cut: int = 1
) -> None:
    """``save_weights``, or ``save`` with ``whole``: the same one level down, beside the optimiser.

    /                         attributes layer_names, backend, keras_version (fixed-length bytes)
    /block1_conv1             attribute weight_names = [b"block1_conv1/kernel:0", b"block1_conv1/bias:0"]
    /block1_conv1/block1_conv1/kernel:0     float32 [3, 3, inputs, outputs]
    /input_1, /block1_pool, … an empty weight_names

    cut: into how many attributes (layer_names0, layer_names1, …) the list of layers is cut; Keras does so
    when it is longer than 64 KiB.
    """
    with h5py.File(path, "w") as file:
        group = file
        if whole:
            file.attrs["keras_version"] = b"2.2.4"
            file.attrs["backend"] = backend.encode()
            group = file.create_group("model_weights")
            file.create_group("optimizer_weights").attrs["weight_names"] = [b"Adam/iterations:0"]
            file["optimizer_weights/Adam/iterations:0"] = np.int64(7)
        names = [b"input_1", *(name.encode() for name in weights), b"block5_pool"]
        if cut == 1:
            group.attrs["layer_names"] = names
        for number, part in enumerate(np.array_split(np.array(names), cut) if cut > 1 else []):
            group.attrs[f"layer_names{number}"] = part
        group.attrs["backend"] = backend.encode()
        group.attrs["keras_version"] = b"2.2.4-tf"
        for name in names:
            group.create_group(name).attrs["weight_names"] = np.array([], dtype="S1")
        for name, (kernel, bias) in weights.items():
            arrays = {f"{name}/kernel:0": kernel, f"{name}/bias:0": bias}
            group[name].attrs["weight_names"] = [array.encode() for array in arrays]
            for array, values in arrays.items():
                group[name].create_dataset(array, data=values)


def keras2_json(weights: Weights, *, data_format: str = "channels_last", flatten: dict | None = None) -> str:
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
                    data_format=data_format,
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
                        data_format=data_format,
                    )
                )
        else:
            if name == "fc1":
                layers.append(_keras2_layer("Flatten", "flatten", **(flatten or {})))
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


# Keras 1.


def write_keras1(path: Path, weights: Weights) -> None:
    """``save_weights`` of Keras 1.

    /                  attribute layer_names; neither backend nor version
    /block1_conv1      attribute weight_names = [b"block1_conv1_W:0", b"block1_conv1_b:0"]
    /block1_conv1/block1_conv1_W:0     [3, 3, inputs, outputs] with "tf" ordering,
                                       [outputs, inputs, 3, 3] with "th"
    """
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"input_1", *(name.encode() for name in weights)]
        file.create_group("input_1").attrs["weight_names"] = np.array([], dtype="S1")
        for name, arrays in weights.items():
            group = file.create_group(name)
            names = [f"{name}_W:0", f"{name}_b:0"]
            group.attrs["weight_names"] = [array.encode() for array in names]
            for array, values in zip(names, arrays, strict=True):
                group.create_dataset(array, data=values)


def keras1_json(weights: Weights, *, ordering: str = "tf", backend: str | None = None) -> str:
    """``model.to_json()`` of Keras 1; ``backend`` as people must add it by hand for "th" ordering."""
    layers = [
        {"class_name": "InputLayer", "config": {"batch_input_shape": [None, 224, 224, 3], "name": "input_1"}}
    ]
    for name, (_, bias) in weights.items():
        if name.startswith("block"):
            config = {
                "name": name,
                "nb_filter": len(bias),
                "nb_row": 3,
                "nb_col": 3,
                "border_mode": "same",
                "subsample": [1, 1],
                "activation": "relu",
                "dim_ordering": ordering,
                "bias": True,
            }
            layers.append({"class_name": "Convolution2D", "config": config})
            if _ends_block(name):
                config = {
                    "name": f"{name[:6]}_pool",
                    "pool_size": [2, 2],
                    "strides": [2, 2],
                    "border_mode": "valid",
                    "dim_ordering": ordering,
                }
                layers.append({"class_name": "MaxPooling2D", "config": config})
        else:
            if name == "fc1":
                layers.append({"class_name": "Flatten", "config": {"name": "flatten"}})
            activation = "softmax" if name == "predictions" else "relu"
            config = {"name": name, "output_dim": len(bias), "activation": activation, "bias": True}
            layers.append({"class_name": "Dense", "config": config})
    model = {"class_name": "Model", "config": {"name": "vgg16", "layers": layers}, "keras_version": "1.2.2"}
    return json.dumps(model if backend is None else model | {"backend": backend})


def as_theano(weights: Weights, side: int = 7) -> Weights:
    """The same network as Theano computes it in "th" ordering: kernels turned, channels outermost."""
    turned = dict(weights)
    for name, (kernel, bias) in weights.items():
        if kernel.ndim == 4:
            turned[name] = (kernel.transpose(3, 2, 0, 1)[:, :, ::-1, ::-1], bias)
    if "fc1" in weights:
        kernel, bias = weights["fc1"]
        maps = kernel.reshape(side, side, -1, kernel.shape[1])
        turned["fc1"] = (maps.transpose(2, 0, 1, 3).reshape(kernel.shape), bias)
    return turned


# tf.keras 2.12 and 2.13, the first to write .keras files.


def write_keras212(path: Path, weights: Weights) -> None:
    """``_layer_checkpoint_dependencies/conv2d_1/vars/0``: numbered by class, without the layers' names."""
    numbers = {"conv2d": 0, "dense": 0}
    with h5py.File(path, "w") as file:
        for arrays in weights.values():
            kind = "conv2d" if arrays[0].ndim == 4 else "dense"
            name = f"{kind}_{numbers[kind]}" if numbers[kind] else kind
            numbers[kind] += 1
            for number, values in enumerate(arrays):
                file[f"_layer_checkpoint_dependencies/{name}/vars/{number}"] = values
        file.create_group("_layer_checkpoint_dependencies/flatten/vars")
        file.create_group("optimizer/vars")


def _ends_block(name: str) -> bool:
    return name in ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3")
