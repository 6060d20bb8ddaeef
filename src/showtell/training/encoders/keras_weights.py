"""Files that Keras exports -> layers and their weights, without Keras.

What is read:

* the architecture, ``model.to_json()`` of Keras 1, 2, 3 and tf.keras, brought to the words of Keras 2;
* weights as Keras 1, 2 and tf.keras write them (``.h5``): the attribute ``layer_names`` lists the groups,
  each of which lists its arrays in ``weight_names``; at the root (``save_weights``) or under
  ``model_weights`` (``save``);
* Keras 3's ``.weights.h5``: ``layers/conv2d_1/vars/0``, a number for each layer of the same class; tf.keras
  2.12 and 2.13 call the outer group ``_layer_checkpoint_dependencies``, and leave numbers out;
* ``.keras``, a zip of ``config.json`` and such a ``model.weights.h5``.

Tested are files that Keras 3 writes, and files that Keras 1.2 to 2.15 wrote themselves, on TensorFlow and Theano.

What is not read: weights split over several files (``.weights.json``), TensorFlow's saved models, Keras before
1.0. Nothing in a file is executed, and links out of an HDF5 file are not followed.
"""

import importlib
import json
import lzma
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import count, takewhile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from showtell.errors import BadBundle, MissingExtra, reason_of

HDF5 = b"\x89HDF\r\n\x1a\n"  # the first bytes of such a file

LARGEST_ARCHITECTURE = 16 * 2**20  # bytes; VGG16's takes some ten thousand
LARGEST_WEIGHTS = 8 * 2**30  # bytes unpacked; VGG16 with its optimiser's state takes less than two GiB

# What h5py raises on files that are broken on purpose or by accident.
BROKEN = (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError, OverflowError)
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, *BROKEN)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer as an architecture describes it, in the words of Keras 2: ``Conv2D`` with ``filters``, …"""

    kind: str
    name: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Architecture:
    """The layers of a network in order, and the backend that Keras ran on, if the file says so."""

    source: str
    layers: tuple[Layer, ...]
    backend: str | None


@dataclass(frozen=True, slots=True)
class SavedLayer:
    """A layer's arrays, which stay in the file until they are read: usually kernel and bias."""

    name: str
    arrays: tuple[Any, ...]  # h5py.Dataset, which has shape, ndim and dtype

    def read(self, number: int) -> NDArray[np.float32]:
        """One of the arrays as float32."""
        return np.asarray(self.arrays[number][()], dtype=np.float32)

    def backend(self) -> str | None:
        """What Keras 1 ran on, which its files do not say: TensorFlow calls a kernel ``fc1_W:0``, Theano ``fc1_W``."""
        name = self.arrays[0].name
        if name.endswith("_W"):
            return "theano"
        return "tensorflow" if name.endswith(":0") else None


@dataclass(frozen=True, slots=True)
class SavedNetwork:
    """What a weights file holds: the layers that have weights, in order, and what it says of them."""

    source: str
    layers: tuple[SavedLayer, ...]
    architecture: Architecture | None
    backend: str | None


def read_architecture(path: Path) -> Architecture:
    """Read what ``model.to_json()`` gave.

    Raises:
        BadBundle: the file is missing, is not JSON, or does not list layers.
    """
    try:
        if path.stat().st_size > LARGEST_ARCHITECTURE:
            raise BadBundle(
                f"{path} is too large for an architecture; give the JSON file that Keras exported"
            )
        text = path.read_bytes()
    except OSError as error:
        raise BadBundle(
            f"{path} cannot be read ({error.strerror}); give the JSON file that Keras exported"
        ) from None
    return _parse_architecture(text, str(path))


@contextmanager
def open_weights(path: Path) -> Iterator[SavedNetwork]:
    """Open a weights file of any of the layouts above; its arrays can be read until the block ends.

    Raises:
        BadBundle: the file is missing, cut short, or of another kind; or reading an array failed.
        MissingExtra: h5py is not installed.
    """
    h5py = _h5py()
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"PK"
    except OSError as error:
        raise BadBundle(f"{path} cannot be read ({error.strerror}); give a weights file") from None
    with _unzipped(path) if zipped else nullcontext((path, None)) as (file, config):
        try:
            root = h5py.File(file, "r")
        except BROKEN as error:
            raise BadBundle(f"{path} is not a whole HDF5 file: {reason_of(error)}") from None
        with root:
            try:
                network = _read_layout(root, config, str(path))
            except BROKEN as error:
                raise BadBundle(f"{path} is broken HDF5: {reason_of(error)}") from None
            try:
                yield network
            except OSError as error:
                raise BadBundle(f"{path} is broken: {reason_of(error)}") from None


# The architecture.

_KINDS = {"Convolution2D": "Conv2D"}
_SETTINGS = {
    "nb_filter": "filters",
    "subsample": "strides",
    "border_mode": "padding",
    "output_dim": "units",
    "bias": "use_bias",
    "dim_ordering": "data_format",
}
_ORDERINGS = {"tf": "channels_last", "th": "channels_first"}


def _parse_architecture(text: str | bytes, source: str) -> Architecture:
    """JSON of any Keras -> its layers; a model inside the model stays one layer."""
    try:
        model = json.loads(text)
        if isinstance(model, str):  # to_json's text was itself written with json.dump, as people do
            model = json.loads(model)
    except (ValueError, RecursionError):
        raise BadBundle(f"{source} is not JSON; give the architecture that Keras exported") from None
    config = model.get("config") if isinstance(model, dict) else None
    layers = config.get("layers") if isinstance(config, dict) else config  # a list alone: older Sequential
    if not isinstance(layers, list) or not all(_is_layer(layer) for layer in layers):
        raise BadBundle(
            f"{source} does not list the layers of a Keras model; give what model.to_json() returned"
        )
    backend = model.get("backend")
    return Architecture(source, tuple(map(_layer, layers)), backend if isinstance(backend, str) else None)


def _is_layer(layer: object) -> bool:
    return (
        isinstance(layer, dict)
        and isinstance(layer.get("class_name"), str)
        and isinstance(layer.get("config"), dict)
    )


def _layer(described: dict[str, Any]) -> Layer:
    """A layer in the words of Keras 2, whichever version wrote it."""
    settings = {_SETTINGS.get(key, key): value for key, value in described["config"].items()}
    if "nb_row" in settings and "nb_col" in settings:
        settings["kernel_size"] = [settings["nb_row"], settings["nb_col"]]
    ordering = settings.get("data_format")
    if isinstance(ordering, str):
        settings["data_format"] = _ORDERINGS.get(ordering, ordering)
    kind = described["class_name"]
    return Layer(_KINDS.get(kind, kind), str(settings.get("name", kind)), settings)


# The weights.


def _h5py() -> Any:
    try:
        return importlib.import_module("h5py")
    except ImportError:
        raise MissingExtra("Keras weights need h5py; install it: pip install 'showtell[train]'") from None


@contextmanager
def _unzipped(path: Path) -> Iterator[tuple[Path | IO[bytes], bytes | None]]:
    """The weights in a ``.keras`` file, and its ``config.json``."""
    with tempfile.TemporaryFile() as weights:
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
                if "model.weights.h5" not in names or "config.json" not in names:
                    found = ", ".join(names[:5]) or "nothing"
                    raise BadBundle(
                        f"{path} is a zip of {found}; a .keras file holds config.json and model.weights.h5"
                    )
                for name, largest in (
                    ("config.json", LARGEST_ARCHITECTURE),
                    ("model.weights.h5", LARGEST_WEIGHTS),
                ):
                    if archive.getinfo(name).file_size > largest:
                        raise BadBundle(
                            f"{path} holds a {name} of more than {largest:,} bytes, which is refused"
                        )
                config = archive.read("config.json")
                # HDF5 is read from here and there, which a zip is slow at.
                with archive.open("model.weights.h5") as packed:
                    shutil.copyfileobj(packed, weights, 2**20)
        except BROKEN_ZIP as error:
            raise BadBundle(f"{path} is not a whole .keras file: {reason_of(error)}") from None
        weights.seek(0)
        yield weights, config


def _read_layout(root: Any, config: bytes | None, source: str) -> SavedNetwork:
    """Tell the layouts apart by what stands at the root of the file."""
    if config is None:
        config = root.attrs.get("model_config")
    architecture = None if config is None else _parse_architecture(config, source)
    backend = _text(root.attrs.get("backend"))
    group = root
    if not _listed(root, "layer_names") and "model_weights" in root:
        group = _group(root, "model_weights")
    if _listed(group, "layer_names"):
        layers = _listed_layers(group, source)
        backend = _text(group.attrs.get("backend")) or backend
    else:
        outer = next((name for name in ("layers", "_layer_checkpoint_dependencies") if name in root), None)
        if outer is None:
            found = ", ".join([*root.keys(), *root.attrs.keys()][:8]) or "nothing"
            raise BadBundle(
                f"{source} is HDF5, but not as Keras writes weights: it holds {found}; "
                "expected the attribute layer_names, or a group model_weights or layers"
            )
        layers = _numbered_layers(_group(root, outer), source)
    return SavedNetwork(source, layers, architecture, backend)


def _listed_layers(group: Any, source: str) -> tuple[SavedLayer, ...]:
    """Keras 1, 2 and tf.keras: attributes list layers and arrays in order."""
    layers = []
    for name in _listed(group, "layer_names"):
        layer = _group(group, name)
        arrays = tuple(_array(layer, path, source) for path in _listed(layer, "weight_names"))
        if arrays:
            layers.append(SavedLayer(name, arrays))
    return tuple(layers)


def _numbered_layers(group: Any, source: str) -> tuple[SavedLayer, ...]:
    """Keras 3: ``conv2d``, ``conv2d_1``, … in the order of the model, but each class by itself."""
    layers = []
    for name in sorted(group.keys(), key=_class_and_number):
        if "vars" not in (layer := _group(group, name)):
            continue
        variables = _group(layer, "vars")
        arrays = tuple(_array(variables, number, source) for number in sorted(variables.keys(), key=int))
        if arrays:
            layers.append(SavedLayer(_text(variables.attrs.get("name")) or name, arrays))
    return tuple(layers)


def _class_and_number(name: str) -> tuple[str, int]:
    """``conv2d_10`` -> ("conv2d", 10); the first of a class has no number."""
    numbered = re.fullmatch(r"(.+)_(\d{1,9})", name)
    return (numbered[1], int(numbered[2])) if numbered else (name, 0)


def _listed(group: Any, attribute: str) -> list[str]:
    """An attribute that lists names; long lists are cut into ``layer_names0``, ``layer_names1``, …"""
    numbered = takewhile(lambda name: name in group.attrs, (f"{attribute}{part}" for part in count()))
    parts = [attribute] if attribute in group.attrs else numbered
    return [_text(name) or "" for part in parts for name in group.attrs[part]]


def _group(parent: Any, path: str) -> Any:
    found = _member(parent, path)
    if not isinstance(found, _h5py().Group):
        raise ValueError(f"{path} is an array, expected a group")
    return found


def _array(parent: Any, path: str, source: str) -> Any:
    """An array that lies in the file itself and holds floats."""
    found = _member(parent, path)
    if not isinstance(found, _h5py().Dataset) or found.dtype.kind != "f":
        raise BadBundle(f"{source} holds something else than floats where {path} should be")
    if found.external or found.is_virtual:
        raise BadBundle(f"{source} refers to other files for {path}, which is refused")
    return found


def _member(parent: Any, path: str) -> Any:
    """What stands at a path; links are not followed, since they can lead to any file."""
    h5py = _h5py()
    for part in filter(None, path.split("/")):
        if not isinstance(parent, h5py.Group) or part not in parent:
            raise KeyError(f"{path} is missing")
        if not isinstance(parent.get(part, getlink=True), h5py.HardLink):
            raise ValueError(f"{path} is a link, which is not followed")
        parent = parent[part]
    return parent


def _text(value: Any) -> str | None:
    """An attribute's text: h5py gives bytes or str, as the file was written."""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return None if value is None else str(value)
