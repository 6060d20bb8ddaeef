"""Features as scripts exchange them: ``features.pkl`` and ``features.npz``.

A ``.pkl`` is a pickled dict of id -> array, as older captioning scripts write it. A pickle can run any program when
it is read. This reader runs none: it knows the few names that numpy's arrays are pickled with, puts harmless
functions of its own in their place, and refuses every other name. Not even numpy's own constructors are called, since
a dtype made up on purpose lets them read foreign memory.

A ``.npz`` is a zip of arrays: ``ids`` [N] and ``features`` [N, R, D], with ``meta``, a JSON text that says how they
were made; or, as others write it, an array for each id.

Axes: N pictures, R regions, D width of a region.
"""

import json
import pickle
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from showtell.errors import BadFeatures, reason_of
from showtell.files import written_whole
from showtell.images import EXTENSIONS
from showtell.training.features.pickles import read_pickle

FORMATS = (".npz", ".pkl", ".pickle")

LARGEST = 16 * 2**30  # bytes of features in memory; few bytes of a file can claim to be many


@dataclass(frozen=True, slots=True)
class Features:
    """Features of pictures in memory.

    Attributes:
        ids: the pictures, in the file's order.
        features: float32 [N, R, D].
        meta: how they were made, preprocessing included, if the file says so.
    """

    ids: tuple[str, ...]
    features: NDArray[np.float32]
    meta: Mapping[str, Any] | None = None


def read_features(path: Path) -> Features:
    """Read a ``.pkl`` or ``.npz`` file.

    An id that ends as a picture's file name does loses the ending. An array of one picture may be [D], [1, D],
    [R, D], or a map [H, W, D] or [1, H, W, D], whose cells become regions row by row; a map with more
    rows than channels is refused, since its channels seem to come first.

    Raises:
        BadFeatures: the file is missing, broken or of another kind, holds anything but arrays of finite numbers
            that are all of one shape, or names something that could be run.
    """
    if path.suffix.lower() not in FORMATS:
        raise BadFeatures(f"{path} is neither a .pkl nor a .npz file of features; give one of these")
    try:
        with path.open("rb") as file:
            if path.suffix.lower() == ".npz":
                arrays, meta = _read_npz(file, path)
                return _stack(arrays, path, meta)
            return _stack(read_pickle(file, path), path)
    except OSError as error:
        raise BadFeatures(f"{path} cannot be read ({reason_of(error)}); give a file of features") from None
    except MemoryError:
        raise BadFeatures(
            f"{path} claims to hold more than fits into memory; it is broken or unsafe"
        ) from None


def write_features(
    path: Path, ids: Sequence[str], features: NDArray[Any], *, meta: Mapping[str, Any] | None = None
) -> None:
    """Write features [N, R, D] of any float type as ``.pkl`` or ``.npz``, by the path's ending.

    A pickle holds a float32 [R, D] array for each id ([1, 4096] for VGG16) and nothing else, so that older scripts
    read it; any numpy since 1.0 can.

    Args:
        meta: how the features were made, preprocessing included; kept in a ``.npz``.

    Raises:
        ValueError: another ending, or ids and features that do not match.
    """
    if features.ndim != 3 or len(ids) != len(features) or len(set(ids)) != len(ids):
        raise ValueError(f"{len(ids)} ids (each once) and features {features.shape} do not match")
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"features are written as {', '.join(FORMATS)}, not as {path.name}")
    with written_whole(path) as temporary, temporary.open("wb") as file:
        if path.suffix.lower() == ".npz":
            arrays: dict[str, Any] = {"ids": np.array(ids, dtype=np.str_), "features": features}
            if meta is not None:
                arrays["meta"] = np.array(json.dumps(meta))
            np.savez(file, **arrays)
        else:
            _ArrayPickler(file, protocol=4).dump(
                {name: np.asarray(array, np.float32) for name, array in zip(ids, features, strict=True)}
            )


def _stack(arrays: Mapping[str, NDArray[Any]], path: Path, meta: Mapping[str, Any] | None = None) -> Features:
    """Arrays by id, each of one picture -> one array [N, R, D]."""
    ids = [_picture_id(name) for name in arrays]
    if len(set(ids)) < len(ids):
        twice = next(name for number, name in enumerate(ids) if name in ids[:number])
        raise BadFeatures(f"{path} holds the features of {twice} twice, with and without its file ending")
    stacked: NDArray[np.float32] | None = None
    for row, (name, array) in enumerate(zip(ids, arrays.values(), strict=True)):
        regions = _regions(array, name, path)  # [R, D]
        if stacked is None:
            if len(ids) * regions.size * 4 > LARGEST:
                raise BadFeatures(f"{path} holds more than {LARGEST:,} bytes of features, which is refused")
            stacked = np.empty((len(ids), *regions.shape), np.float32)  # [N, R, D]
        elif regions.shape != stacked.shape[1:]:
            raise BadFeatures(
                f"{path} holds features of the shape {list(stacked.shape[1:])} for {ids[0]} and "
                f"{list(regions.shape)} for {name}; they must agree"
            )
        with np.errstate(over="ignore"):  # what overflows becomes infinite, and is refused as such
            stacked[row] = regions
        if not np.isfinite(stacked[row]).all():
            raise BadFeatures(f"{path} holds features of {name} that are not finite")
    if stacked is None:
        raise BadFeatures(f"{path} holds no features")
    return Features(tuple(ids), stacked, meta)


def _picture_id(name: str) -> str:
    """The name of a picture's file, or its id -> its id."""
    place = name.rfind(".")
    return name[:place] if place > 0 and name[place:].lower() in EXTENSIONS else name


def _regions(array: NDArray[Any], name: str, path: Path) -> NDArray[Any]:
    """An array of one picture -> [R, D]."""
    # numpy gives foreign members as bytes.
    kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise BadFeatures(f"{path} holds {kind} for {name}, expected numbers")
    shape = array.shape[1:] if array.ndim == 4 and array.shape[0] == 1 else array.shape
    if not 1 <= len(shape) <= 3 or 0 in shape:
        raise BadFeatures(
            f"{path} holds an array of the shape {list(array.shape)} for {name}; "
            "expected [D], [R, D], or a map [H, W, D]"
        )
    if len(shape) == 3 and shape[0] > shape[-1]:
        raise BadFeatures(
            f"{path} holds a map {list(shape)} for {name}, which seems to have its channels first; "
            "expected [H, W, D], which numpy.moveaxis(array, 0, -1) makes of it"
        )
    return array.reshape(-1, shape[-1])


# .npz


def _read_npz(file: IO[bytes], path: Path) -> tuple[Mapping[str, NDArray[Any]], Mapping[str, Any] | None]:
    try:
        if sum(member.file_size for member in zipfile.ZipFile(file).infolist()) > LARGEST:
            raise BadFeatures(f"{path} unpacks to more than {LARGEST:,} bytes")
        file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (BadFeatures, OSError, MemoryError):
        raise
    except Exception as error:  # broken and made-up zips raise every kind of error, and so do headers in them
        raise BadFeatures(f"{path} is not a whole .npz file of arrays: {reason_of(error)}") from None
    named = set(arrays) - {"meta"}
    if named == {"features"}:
        raise BadFeatures(
            f"{path} holds features {list(arrays['features'].shape)} but no ids; add an array 'ids', the pictures' "
            "names in the order of the features"
        )
    if named != {"ids", "features"}:
        return arrays, None
    ids, features = arrays["ids"], arrays["features"]
    if ids.dtype.kind != "U" or ids.ndim != 1 or features.ndim < 2 or len(ids) != len(features):
        raise BadFeatures(
            f"{path} holds ids {ids.dtype} {list(ids.shape)} and features {list(features.shape)}; "
            "expected texts [N] and [N, R, D]"
        )
    if len(set(ids.tolist())) < len(ids):
        raise BadFeatures(f"{path} names a picture twice")
    try:
        meta = json.loads(str(arrays["meta"])) if "meta" in arrays else None
    except (ValueError, RecursionError):
        raise BadFeatures(f"{path} holds a meta that is not JSON") from None
    return dict(zip(ids.tolist(), features, strict=True)), meta if isinstance(meta, dict) else None


class _ArrayPickler(pickle.Pickler):
    """Pickles an array as ``numpy.ndarray(shape, dtype, bytes)``.

    Left alone it names ``numpy._core``, which numpy before 1.26 does not have, and older scripts run on that.
    """

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return np.ndarray, (value.shape, value.dtype.str, value.tobytes())
        return NotImplemented
