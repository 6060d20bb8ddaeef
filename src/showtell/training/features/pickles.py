"""Pickles of arrays, as other scripts wrote them, read without running anything in them: see ``files.py``.

Memory and time are bounded by the file: nothing is taken that it does not have, and keys are checked before they are
hashed.
"""

import os
import pickle
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from showtell.errors import BadFeatures, reason_of


def read_pickle(file: IO[bytes], path: Path) -> Mapping[str, NDArray[Any]]:
    """The arrays in a pickle by id.

    Raises:
        BadFeatures: it is no pickle of arrays alone.
    """
    try:
        return _arrays(_ArrayUnpickler(file).load())
    except BadFeatures as error:  # said without the file's name, which the unpickler does not know
        raise BadFeatures(f"{path} {error}") from None
    except (OSError, MemoryError):
        raise
    except Exception as error:  # broken and made-up pickles raise every kind of error
        raise BadFeatures(f"{path} is not a whole pickle of features: {reason_of(error)}") from None


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
            raise BadFeatures(f"holds features of {name} that are broken: {reason_of(error)}") from None


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


_PythonUnpickler: Any = pickle._Unpickler


class _ArrayUnpickler(_PythonUnpickler):
    """Python's own unpickler, which admits the names above alone.

    The one written in Python: the one in C can be made to take gigabytes by a pickle of ten bytes, which says that
    an object has the number 2,000,000,000.
    """

    def __init__(self, file: IO[bytes]):
        self._size = os.fstat(file.fileno()).st_size
        super().__init__(_Bounded(file, self._size), encoding="latin1")
        # Made anew for each file, so that nothing is left behind by one for the next.
        self._names = {name: _Name(make) for name, make in _allowed()}

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._names[module, name]
        except KeyError:
            raise BadFeatures(
                f"names {module}.{name}, which could be run as code; only arrays of numbers are read"
            ) from None

    def load_bytearray8(self) -> None:
        [length] = struct.unpack("<Q", self.read(8))
        if length > self._size:  # memory would be taken before anything is read
            raise EOFError("it claims to hold more bytes than the file has")
        self.append(bytearray(self.read(length)))

    def load_setitem(self) -> None:
        _refuse_keys(self.stack[-2:-1])
        super().load_setitem()

    def load_setitems(self) -> None:
        _refuse_keys(self.stack[::2])
        super().load_setitems()

    def load_dict(self) -> None:
        _refuse_keys(self.stack[::2])
        super().load_dict()

    def load_set(self, *_: object) -> None:
        raise BadFeatures("holds a set, expected a dict of id -> array")

    dispatch = dict(_PythonUnpickler.dispatch) | {
        pickle.BYTEARRAY8[0]: load_bytearray8,
        pickle.SETITEM[0]: load_setitem,
        pickle.SETITEMS[0]: load_setitems,
        pickle.DICT[0]: load_dict,
        pickle.EMPTY_SET[0]: load_set,
        pickle.ADDITEMS[0]: load_set,
        pickle.FROZENSET[0]: load_set,
    }

    def get_extension(self, code: int) -> None:
        raise BadFeatures(f"uses the extension {code} of pickle, which could be run as code")


def _refuse_keys(keys: Sequence[object]) -> None:
    """Refuse keys that are no strings before they are hashed: tuples of tuples take for ever, or all of the stack."""
    for key in keys:
        if not isinstance(key, str):
            raise BadFeatures(f"has {_kind(key)} among its ids, expected texts")


class _Bounded:
    """A file that is never asked for more than it has, for which memory would be taken first."""

    def __init__(self, file: IO[bytes], size: int):
        self._file, self._size = file, size
        self.readline = file.readline

    def read(self, length: int = -1) -> bytes:
        if length > self._size:
            raise EOFError("it claims to hold more bytes than the file has")
        return self._file.read(length)

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)  # type: ignore[attr-defined]


def _kind(value: object) -> str:
    """What a value is called in a sentence."""
    standing_for = {_Array: "an array", _DType: "a dtype", _Name: "a function"}
    return standing_for.get(type(value), f"a value of type {type(value).__name__}")
