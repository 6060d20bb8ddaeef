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
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from showtell.errors import BadFeatures
from showtell.images import EXTENSIONS
from showtell.training.files import written_whole

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
            return _stack(_read_pickle(file, path), path)
    except OSError as error:
        raise BadFeatures(
            f"{path} cannot be read ({error.strerror or error}); give a file of features"
        ) from None
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
        for member in zipfile.ZipFile(file).infolist():
            if member.file_size > LARGEST:
                raise BadFeatures(
                    f"{path} holds {member.filename}, which unpacks to more than {LARGEST:,} bytes"
                )
        file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (BadFeatures, OSError, MemoryError):
        raise
    except Exception as error:  # broken and made-up zips raise every kind of error, and so do headers in them
        raise BadFeatures(f"{path} is not a whole .npz file of arrays: {_reason(error)}") from None
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


# .pkl


class _ArrayPickler(pickle.Pickler):
    """Pickles an array as ``numpy.ndarray(shape, dtype, bytes)``.

    Left alone it names ``numpy._core``, which numpy before 1.26 does not have, and older scripts run on that.
    """

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return np.ndarray, (value.shape, value.dtype.str, value.tobytes())
        return NotImplemented


def _read_pickle(file: IO[bytes], path: Path) -> Mapping[str, NDArray[Any]]:
    try:
        return _arrays(_ArrayUnpickler(file).load())
    except BadFeatures as error:  # said without the file's name, which the unpickler does not know
        raise BadFeatures(f"{path} {error}") from None
    except (OSError, MemoryError):
        raise
    except Exception as error:  # broken and made-up pickles raise every kind of error
        raise BadFeatures(f"{path} is not a whole pickle of features: {_reason(error)}") from None


def _arrays(loaded: object) -> Mapping[str, NDArray[Any]]:
    """What was unpickled -> arrays by id."""
    if not isinstance(loaded, dict):
        raise BadFeatures(f"holds {_kind(loaded)}, expected a dict of id -> array")
    for name, value in loaded.items():
        if not isinstance(name, str):
            raise BadFeatures(f"has {_kind(name)} among its ids, expected texts")
        if not isinstance(value, _Array):
            raise BadFeatures(f"holds {_kind(value)} for {name}, expected an array")
    return {name: value.array(name) for name, value in loaded.items()}


class _DType:
    """What stands for a numpy.dtype: the code and the order of bytes, read from plain values."""

    __slots__ = ("code",)

    def __init__(self, code: str, *_: object):
        if not isinstance(code, str) or not re.fullmatch(r"[<>=|]?[fiu][1248]", code):
            raise BadFeatures(f"holds arrays of dtype {str(code)[:20]!r}, expected numbers")
        self.code = code

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if len(state) < 5 or any(part is not None for part in state[2:5]) or state[1] not in "<>=|":
            raise BadFeatures("holds arrays of a composed dtype, expected numbers")
        self.code = state[1] + self.code.lstrip("<>=|")


class _Array:
    """What stands for a numpy.ndarray: a shape, a dtype and bytes, of which an array is made at the end."""

    __slots__ = ("data", "dtype", "fortran", "shape")

    def __init__(
        self, shape: object = (0,), dtype: object = None, data: object = b"", fortran: object = False
    ):
        self.shape, self.dtype, self.data, self.fortran = shape, dtype, data, fortran

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        *_, self.shape, self.dtype, self.fortran, self.data = state

    def array(self, name: str) -> NDArray[Any]:
        """The array of a picture over the pickle's own bytes."""
        dtype = _DType(self.dtype) if isinstance(self.dtype, str) else self.dtype
        # Pickles of Python 2 keep bytes as text.
        data = self.data.encode("latin-1") if isinstance(self.data, str) else self.data
        shape: Any = (self.shape,) if isinstance(self.shape, int) else self.shape
        whole = isinstance(shape, tuple) and all(isinstance(side, int) and side >= 0 for side in shape)
        if not whole or not isinstance(dtype, _DType) or not isinstance(data, (bytes, bytearray)):
            raise BadFeatures(f"holds features of {name} that are not an array of numbers")
        try:
            return np.frombuffer(data, dtype.code).reshape(shape, order="F" if self.fortran else "C")
        except (TypeError, ValueError) as error:
            raise BadFeatures(f"holds features of {name} that are broken: {_reason(error)}") from None


class _Name:
    """What a name in a pickle stands for: it can be called, but a pickle cannot change anything in it."""

    __slots__ = ("make",)
    make: Callable[..., object]

    def __init__(self, make: Callable[..., object]):
        object.__setattr__(self, "make", make)

    def __setattr__(self, name: str, value: object) -> None:
        raise BadFeatures(f"sets {name[:20]} of a function; only arrays of numbers are read")

    def __call__(self, *arguments: object) -> object:
        return self.make(*arguments)


def _reconstructed(*_: object) -> _Array:
    """numpy's ``_reconstruct(ndarray, (0,), b"b")``: an empty array, whose state follows."""
    return _Array()


def _scalar(dtype: object, data: object = b"") -> _Array:
    return _Array((), dtype, data)


def _over_a_buffer(data: object, dtype: object, shape: object, order: object = "C") -> _Array:
    return _Array(shape, dtype, data, order == "F")


def _encoded(text: str, encoding: str = "latin1") -> bytes:
    """``_codecs.encode``, by which Python 3 writes bytes into pickles of protocol 0 to 2."""
    if encoding not in ("latin1", "latin-1"):
        raise BadFeatures(f"encodes bytes as {str(encoding)[:20]!r}, which numpy does not do")
    return text.encode("latin-1")


def _allowed() -> Iterator[tuple[tuple[str, str], Callable[..., object]]]:
    yield ("numpy", "ndarray"), _Array
    yield ("numpy", "dtype"), _DType
    yield ("_codecs", "encode"), _encoded
    yield ("collections", "OrderedDict"), dict
    for core in ("numpy.core", "numpy._core"):  # before and since numpy 2
        yield (f"{core}.multiarray", "_reconstruct"), _reconstructed
        yield (f"{core}.multiarray", "scalar"), _scalar
        yield (f"{core}.numeric", "_frombuffer"), _over_a_buffer


class _ArrayUnpickler(pickle._Unpickler):
    """Python's own unpickler, which admits the names above alone.

    The one written in Python: the one in C can be made to take gigabytes by a pickle of ten bytes, which says that
    an object has the number 2,000,000,000.
    """

    def __init__(self, file: IO[bytes]):
        super().__init__(file, encoding="latin1")
        # Made anew for each file, so that nothing is left behind by one for the next.
        self._names = {name: _Name(make) for name, make in _allowed()}

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._names[module, name]
        except KeyError:
            raise BadFeatures(
                f"names {module}.{name}, which could be run as code; only arrays of numbers are read"
            ) from None

    def get_extension(self, code: int) -> None:
        raise BadFeatures(f"uses the extension {code} of pickle, which could be run as code")


def _kind(value: object) -> str:
    """What a value is called in a sentence."""
    standing_for = {_Array: "an array", _DType: "a dtype", _Name: "a function"}
    return standing_for.get(type(value), f"a value of type {type(value).__name__}")


def _reason(error: Exception) -> str:
    words = str(error).splitlines()
    return words[0].rstrip(".")[:200] if words else type(error).__name__
