"""VGG16's weights as people have them -> the network.

Read are what Keras exports (see ``keras_weights``), torchvision's state dict (``.pth``) and safetensors named
as torchvision or timm name them. A classification layer is left out; its absence is fine.

Keras and PyTorch lay the same numbers out differently:

* Keras keeps kernels as [height, width, inputs, outputs], PyTorch as [outputs, inputs, height, width]; so did
  Keras 1 with Theano's order of axes ("th").
* Keras flattens the last map row by row with the channels innermost [7, 7, 512], PyTorch channel by channel
  [512, 7, 7]; the first fully connected layer's inputs are put in PyTorch's order.
* Theano turned kernels by 180 degrees; they are turned back when the file or the architecture names Theano, or
  the file calls its arrays as Theano does.
"""

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from showtell.errors import BadBundle, reason_of
from showtell.images import Resample
from showtell.training.encoders import keras_weights
from showtell.training.encoders.keras_weights import Architecture, SavedLayer, SavedNetwork
from showtell.training.encoders.vgg16 import PLAN, SIDE, VGG16, Origin, Output, Plan

Weights = dict[str, Tensor]


def load_vgg16(
    weights: Path,
    architecture: Path | None = None,
    *,
    output: Output = "fc2",
    resample: Resample = "bilinear",
    plan: Plan = PLAN,
) -> VGG16:
    """VGG16 with the weights of a file.

    Args:
        weights: ``.h5``, ``.weights.h5``, ``.keras``, ``.pth`` or ``.safetensors``, told apart by their first
            bytes (a zip is PyTorch's unless it is called ``.keras``).
        architecture: the ``.json`` that Keras exported along with the weights. Without it, and where the file
            does not hold one itself, Keras's weights are taken to be channels-last, as nearly all are.
        output, resample, plan: as for ``VGG16``.

    Raises:
        BadBundle: a file is missing, cut short, unsafe or of another kind, or the network in it is not VGG16.
        MissingExtra: Keras's files need h5py.
    """
    kind = _kind(weights)
    origin: Origin = "keras" if kind == "keras" else "torchvision"
    with torch.device("meta"):  # no memory and no random numbers for weights that are about to be replaced
        network = VGG16(output=output, resample=resample, origin=origin, plan=plan)
    if kind == "keras":
        loaded = _from_keras(weights, architecture, network, plan)
    else:
        if architecture is not None:
            raise BadBundle(f"{weights} is not Keras's, so {architecture} says nothing of it; leave it out")
        loaded = _from_torch(_state_dict(weights, kind), network, weights)
    for name, tensor in loaded.items():
        if not torch.isfinite(torch.stack(tensor.aminmax())).all():  # both are NaN if one value is
            raise BadBundle(f"{weights} holds values in {name} that are not finite; its training failed")
    network.load_state_dict(loaded, assign=True)
    return network.eval()


def _kind(path: Path) -> str:
    """``keras``, ``safetensors`` or ``torch``, by a file's first bytes."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise BadBundle(f"{path} cannot be read ({error.strerror}); give a file of VGG16's weights") from None
    if head.startswith(keras_weights.HDF5):
        return "keras"
    if head.startswith(b"PK"):
        return "keras" if path.suffix == ".keras" else "torch"
    if head[8:9] == b"{":
        return "safetensors"
    if head.startswith(b"\x80"):
        return "torch"
    raise BadBundle(
        f"{path} is not a file of weights: it begins with {head!r}; "
        "expected HDF5, .keras, .pth or .safetensors"
    )


# Keras.


def _from_keras(path: Path, architecture: Path | None, network: VGG16, plan: Plan) -> Weights:
    given = None if architecture is None else keras_weights.read_architecture(architecture)
    with keras_weights.open_weights(path) as saved:
        for described in (given, saved.architecture):
            if described is not None:
                _check_architecture(described, plan, map_alone=network.classifier is None)
        pairs = _paired(saved, network, plan)
        layout = _layout(saved, given or saved.architecture, pairs[0][2])
        loaded: Weights = {}
        for name, module, layer in pairs:
            _check_shapes(saved, layer, module)
            kernel, bias = layer.read(0), layer.read(1)
            if isinstance(module, nn.Conv2d):
                loaded[f"{name}.weight"] = _convolution(kernel, layout)
            else:
                first = name == "classifier.0"
                loaded[f"{name}.weight"] = _first_dense(kernel, layout) if first else _dense(kernel)
            loaded[f"{name}.bias"] = torch.from_numpy(bias)
    return loaded


def _paired(saved: SavedNetwork, network: VGG16, plan: Plan) -> list[tuple[str, nn.Module, SavedLayer]]:
    """The network's layers by name, each with the layer of the file that belongs to it, in order."""
    modules = [
        (name, module)
        for name, module in network.named_modules()
        if isinstance(module, (nn.Conv2d, nn.Linear))
    ]
    convolutions = [layer for layer in saved.layers if layer.arrays[0].ndim == 4]
    dense = [layer for layer in saved.layers if layer.arrays[0].ndim == 2]
    wanted = sum(map(len, plan.blocks))
    if len(convolutions) != wanted or len(dense) < len(modules) - wanted:
        hint = "; ask for its map instead" if len(convolutions) == wanted else ""
        raise BadBundle(
            f"{saved.source} holds {len(convolutions)} convolutions and {len(dense)} fully connected layers; "
            f"expected VGG16's {wanted} and {len(modules) - wanted} (or one more, which is left out){hint}"
        )
    return [
        (name, module, layer) for (name, module), layer in zip(modules, convolutions + dense, strict=False)
    ]


def _check_shapes(saved: SavedNetwork, layer: SavedLayer, module: nn.Module) -> None:
    """Compare shapes before anything is read, so that a huge array is never asked for."""
    found = [list(array.shape) for array in layer.arrays]
    if isinstance(module, nn.Conv2d):
        outputs, inputs = module.out_channels, module.in_channels
        expected = [[[3, 3, inputs, outputs], [outputs]], [[outputs, inputs, 3, 3], [outputs]]]
    else:
        assert isinstance(module, nn.Linear)
        expected = [[[module.in_features, module.out_features], [module.out_features]]]
    if found not in expected:
        raise BadBundle(
            f"{saved.source} is not VGG16: {layer.name} holds arrays of the shapes {found}, "
            f"expected {expected[0]}"
        )


@dataclass(frozen=True, slots=True)
class Layout:
    """How a Keras file lays its numbers out.

    Attributes:
        kernels_first: kernels are [outputs, inputs, height, width], not [height, width, inputs, outputs].
        turned: kernels are turned by 180 degrees, as Theano's are.
        channels_outermost: the first fully connected layer's inputs are ordered [512, 7, 7], not [7, 7, 512].
    """

    kernels_first: bool
    turned: bool
    channels_outermost: bool


def _layout(saved: SavedNetwork, described: Architecture | None, first: SavedLayer) -> Layout:
    kernels_first = first.arrays[0].shape[:2] != (3, 3)
    backend = saved.backend or (described.backend if described else None) or first.backend()
    if kernels_first and backend is None:
        raise BadBundle(
            f"{saved.source} keeps its kernels in Theano's order, but does not say if Theano wrote them, "
            'which turns them by 180 degrees; add "backend": "theano" or "backend": "tensorflow" to the '
            "architecture file"
        )
    return Layout(kernels_first, backend == "theano", kernels_first or _flattens_as_it_is(described))


def _flattens_as_it_is(described: Architecture | None) -> bool:
    """Whether the last map is channels first, and is flattened without moving its axes."""
    settings = {layer.kind: layer.settings for layer in described.layers} if described else {}
    channels_first = settings.get("Conv2D", {}).get("data_format") == "channels_first"
    # From Keras 2.2 on, Flatten has a data_format too, and moves the channels of such maps to the end.
    return channels_first and settings.get("Flatten", {}).get("data_format") != "channels_first"


def _convolution(kernel: NDArray[np.float32], layout: Layout) -> Tensor:
    """A kernel as PyTorch has it: [outputs, inputs, 3, 3]."""
    weight = torch.from_numpy(kernel)
    if not layout.kernels_first:
        weight = weight.permute(3, 2, 0, 1)  # [outputs, inputs, 3, 3]
    return (weight.flip(2, 3) if layout.turned else weight).contiguous()


def _first_dense(kernel: NDArray[np.float32], layout: Layout) -> Tensor:
    """The weights behind Flatten as PyTorch has them: [outputs, channels * 7 * 7]."""
    weight = torch.from_numpy(kernel)  # [inputs, outputs]
    if not layout.channels_outermost:
        maps = weight.unflatten(0, (SIDE, SIDE, -1))  # [7, 7, C, outputs]
        weight = maps.permute(2, 0, 1, 3).flatten(0, 2)  # [C * 7 * 7, outputs]
    return weight.T.contiguous()


def _dense(kernel: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(kernel).T.contiguous()  # [outputs, inputs]


def _check_architecture(described: Architecture, plan: Plan, *, map_alone: bool) -> None:
    """Compare layer by layer, and name the first difference."""
    # Dropout does nothing once a network is trained.
    layers = [layer for layer in described.layers if layer.kind not in ("InputLayer", "Dropout")]
    expected = list(_expected(plan, map_alone=map_alone))
    for number, (kind, settings) in enumerate(expected, start=1):
        wanted = _in_words(kind, settings)
        if number > len(layers):
            raise BadBundle(
                f"{described.source} is not VGG16: it ends before layer {number}, expected {wanted}"
            )
        layer = layers[number - 1]
        found = {key: layer.settings.get(key, DEFAULTS.get(key)) for key in settings}
        if layer.kind != kind or found != settings:
            has = _in_words(layer.kind, found if layer.kind == kind else {})
            raise BadBundle(
                f"{described.source} is not VGG16: layer {number} ({layer.name}) is {has}, expected {wanted}"
            )
    rest = [layer.kind for layer in layers[len(expected) :]]
    if not map_alone and rest not in ([], ["Dense"], ["Dense", "Activation"]):
        raise BadBundle(
            f"{described.source} is not VGG16: {', '.join(rest)} follow the second fully connected layer, "
            "expected one classification layer (Dense) or none"
        )


# What an older Keras leaves unsaid.
DEFAULTS = {"strides": [1, 1], "dilation_rate": [1, 1], "groups": 1, "use_bias": True}


def _expected(plan: Plan, *, map_alone: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """VGG16's layers in Keras's words, up to the features."""
    for block in plan.blocks:
        for filters in block:
            yield (
                "Conv2D",
                {
                    "filters": filters,
                    "kernel_size": [3, 3],
                    "padding": "same",
                    "activation": "relu",
                    **DEFAULTS,
                },
            )
        yield "MaxPooling2D", {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid"}
    if not map_alone:
        yield "Flatten", {}
        for _ in range(2):
            yield "Dense", {"units": plan.hidden, "activation": "relu", "use_bias": True}


def _in_words(kind: str, settings: Mapping[str, Any]) -> str:
    told = ", ".join(f"{key} {value}" for key, value in settings.items())
    return f"{kind} ({told})" if told else kind


# PyTorch.

# timm's names; its fully connected layers are convolutions over the whole map.
TIMM = {"pre_logits.fc1.": "classifier.0.", "pre_logits.fc2.": "classifier.3."}


def _state_dict(path: Path, kind: str) -> Mapping[str, Any]:
    """The tensors of a file by name. What could run code is refused."""
    try:
        if kind == "safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise BadBundle(
            f"{path} holds more than tensors, or is broken; save it again: torch.save(model.state_dict(), …)"
        ) from None
    except Exception as error:  # broken files make torch raise every kind of error
        raise BadBundle(f"{path} is cut short or broken: {reason_of(error)}") from None
    if not isinstance(state, dict):
        raise BadBundle(
            f"{path} holds a {type(state).__name__}, expected the state dict of torchvision's vgg16"
        )
    return state


def _from_torch(state: Mapping[str, Any], network: VGG16, path: Path) -> Weights:
    """Pick the network's own weights, and check that the rest is a classification layer at most."""
    renamed = {_torchvision_name(str(name)): value for name, value in state.items()}
    expected = network.state_dict()
    loaded: Weights = {}
    for name, wanted in expected.items():
        found = renamed.get(name)
        if not isinstance(found, Tensor) or not found.is_floating_point():
            holds = ", ".join(list(renamed)[:4]) or "nothing"
            raise BadBundle(f"{path} is not VGG16: {name} is missing; it holds {holds}, …")
        if found.ndim == 4 and wanted.ndim == 2:
            found = found.flatten(1)  # timm: [4096, 512, 7, 7]
        if found.shape != wanted.shape:
            raise BadBundle(
                f"{path} is not VGG16: {name} has the shape {list(found.shape)}, "
                f"expected {list(wanted.shape)}"
            )
        loaded[name] = found.float().contiguous()
    unknown = [name for name in renamed if name.startswith("features.") and name not in expected]
    if unknown:
        raise BadBundle(f"{path} is not VGG16: it also holds {unknown[0]}")
    return loaded


def _torchvision_name(name: str) -> str:
    for theirs, ours in TIMM.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name
