"""A folder of features: encoded once, memory-mapped ever after.

It holds ``features.npy`` (float16 [N, R, D]: N pictures, R regions, D width), ``augmentations.npy`` and
``mirrored.npy`` ([K, N, R, D] and [K, N]: K augmentations of each picture, when asked for), ``ids.json`` and
``meta.json``. A kill loses at most one batch and a second start continues; a folder of other pictures, or made with
another encoder or preprocessing, is refused. ``encode.py`` fills it.
"""

import errno
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from showtell.errors import BadFeatures
from showtell.files import naming, write_json
from showtell.text.printable import counted, some

FORMAT = 3

Arrays = dict[str, tuple[tuple[int, ...], type]]  # file name -> shape and type


@dataclass(frozen=True)
class FeatureCache:
    """An opened folder of features.

    Attributes:
        folder: where they lie.
        ids: the pictures, in the order of the rows.
        features: [N, R, D], memory-mapped; float16, or float32 where they were brought in a file.
        augmentations: [K, N, R, D], the same of K augmentations of each picture; K may be 0.
        mirrored: bool [K, N], which of these are mirrored.
        meta: encoder, weights' checksum, preprocessing, regions, width, done.
    """

    folder: Path
    ids: tuple[str, ...]
    features: NDArray[np.floating]
    augmentations: NDArray[np.floating]
    mirrored: NDArray[np.bool_]
    meta: dict[str, Any]

    def rows(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """The row of each id.

        Raises:
            BadFeatures: pictures that the folder does not hold; names some.
        """
        return rows_of(ids, self.ids, self.folder)

    def read(self, rows: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.floating]:
        """Features [B, R, D] of pictures by row [B], each as one of its augmentations [B]; 0 is the picture itself."""
        found = np.empty((len(rows), *self.features.shape[1:]), self.features.dtype)
        plain = numbers == 0
        found[plain] = self.features[rows[plain]]
        if not plain.all():
            found[~plain] = self.augmentations[numbers[~plain] - 1, rows[~plain]]
        return found

    def is_mirrored(self, rows: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether left and right have changed places in these augmentations of these pictures [B]."""
        found = numbers > 0
        found[found] = self.mirrored[numbers[found] - 1, rows[found]]
        return found


def rows_of(wanted: Sequence[str], there: Sequence[str], where: Path) -> NDArray[np.int64]:
    """The row of each of the wanted pictures among those that a folder or a file has.

    Raises:
        BadFeatures: it lacks some; names them.
    """
    places = {name: row for row, name in enumerate(there)}
    if missing := [name for name in wanted if name not in places]:
        raise BadFeatures(
            f"{where} lacks the features of {counted(len(missing), 'picture')}: {some(missing, 3)}; make them with "
            "showtell features"
        )
    return np.array([places[name] for name in wanted], dtype=np.int64)


def open_features(folder: Path, *, made_by: dict[str, Any] | None = None) -> FeatureCache:
    """Open a finished folder of features.

    Args:
        made_by: ``PictureNetwork.described()`` of the network it must come from, or None for any.

    Raises:
        BadFeatures: it is missing, unfinished, broken, or made in another way.
    """
    meta = _read_meta(folder)
    ids = _read_ids(folder)
    if made_by is not None:
        _refuse_other(folder, meta, made_by)
    if meta["done"] != len(ids):
        raise BadFeatures(
            f"{folder} holds {meta['done']} of {len(ids)} pictures; run the same command again to finish it"
        )
    features, augmentations, mirrored = (
        _map(folder / name, *array) for name, array in _arrays(len(ids), meta).items()
    )
    return FeatureCache(folder, tuple(ids), features, augmentations, mirrored, meta)


class CacheWriter:
    """A folder of features that is being filled, from its first picture that is not done yet.

    Args:
        ids: the pictures, in the order of the rows.
        made_by: what must agree for a begun folder to be continued: ``regions``, ``width``, ``augmentations`` (K),
            and whatever else says how they are made; ``dtype`` is float16 unless it says ``float32``.

    Attributes:
        done: how many pictures are there already.

    Raises:
        BadFeatures: the folder is of other pictures, or made in another way.
    """

    def __init__(self, folder: Path, ids: Sequence[str], made_by: dict[str, Any]):
        self._folder = folder
        self._made_by = made_by | {"format": FORMAT}
        self._count = len(ids)
        self.done = self._begin(list(ids))
        arrays = _arrays(len(ids), made_by).items()
        self._arrays = [_map(folder / name, *array, write=True) for name, array in arrays]

    def append(
        self,
        features: NDArray[np.floating],
        augmentations: Sequence[NDArray[np.floating]] = (),
        mirrored: NDArray[np.bool_] | None = None,
    ) -> None:
        """Add the next pictures: features [B, R, D], K times the same of augmentations, which are mirrored [K, B]."""
        rows = slice(self.done, self.done + len(features))
        plain, augmented, turned = self._arrays
        plain[rows] = features
        for number, one in enumerate(augmentations):
            augmented[number, rows] = one
        if mirrored is not None:
            turned[:, rows] = mirrored
        for array in self._arrays:
            if isinstance(array, np.memmap):
                array.flush()
        self.done += len(features)
        # After the rows: they are there if it says so.
        write_json(self._folder / "meta.json", self._made_by | {"done": self.done})

    def finish(self) -> FeatureCache:
        """The folder, opened to be read."""
        return open_features(self._folder, made_by=self._made_by)

    def _begin(self, ids: list[str]) -> int:
        """Make the folder, or check that it continues the same work; returns the pictures already done."""
        if (self._folder / "meta.json").exists():
            meta = _read_meta(self._folder)
            _refuse_other(self._folder, meta, self._made_by)
            if _read_ids(self._folder) != ids:
                raise BadFeatures(
                    f"{self._folder} holds features of other pictures; choose another folder or delete it"
                )
            return int(meta["done"])
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, (shape, kind) in _arrays(self._count, self._made_by).items():
            with naming(self._folder / name):
                if 0 in shape:  # nothing can be mapped of an empty file
                    np.save(self._folder / name, np.zeros(shape, kind))
                else:
                    np.lib.format.open_memmap(self._folder / name, mode="w+", dtype=kind, shape=shape)
                    _reserve(self._folder / name)
        write_json(self._folder / "ids.json", ids)
        write_json(self._folder / "meta.json", self._made_by | {"done": 0})
        return 0


def _reserve(path: Path) -> None:
    """Take the space on the disk for all of a mapped file: a disk that fills up later would kill the process.

    Raises:
        BadFeatures: there is not enough of it; the file is gone again.
    """
    size = path.stat().st_size
    try:
        if hasattr(os, "posix_fallocate"):
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):  # the file system cannot
            return
        path.unlink()
        raise BadFeatures(
            f"{path} cannot be made: it takes {size / 1e6:,.0f} MB on the disk ({error.strerror})"
        ) from None


def _arrays(pictures: int, meta: dict[str, Any]) -> Arrays:
    """Shape and type of each array of the folder."""
    shape = (pictures, meta["regions"], meta["width"])
    kind = np.float32 if meta.get("dtype") == "float32" else np.float16
    return {
        "features.npy": (shape, kind),
        "augmentations.npy": ((meta["augmentations"], *shape), kind),
        "mirrored.npy": ((meta["augmentations"], pictures), np.bool_),
    }


def _refuse_other(folder: Path, meta: dict[str, Any], made_by: dict[str, Any]) -> None:
    for key, wanted in made_by.items():
        if meta.get(key) != wanted:
            raise BadFeatures(
                f"{folder} was made in another way: its {key} is {meta.get(key)}, not {wanted}; "
                "choose another folder or delete it"
            )


def _read_meta(folder: Path) -> dict[str, Any]:
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadFeatures(f"{folder} is not a folder of features: it has no meta.json") from None
    except (OSError, ValueError, RecursionError):
        raise BadFeatures(
            f"{folder / 'meta.json'} is not JSON; delete the folder and make it again"
        ) from None
    if not isinstance(meta, dict) or not {"format", "done", "regions", "width"} <= meta.keys():
        raise BadFeatures(f"{folder / 'meta.json'} lacks settings; delete the folder and make it again")
    counts = [meta.get(key, 0) for key in ("done", "regions", "width", "augmentations")]
    if not all(isinstance(count, int) and 0 <= count < 2**40 for count in counts):
        raise BadFeatures(
            f"{folder / 'meta.json'} has counts that cannot be; delete the folder and make it again"
        )
    if meta["format"] != FORMAT or "augmentations" not in meta:
        raise BadFeatures(
            f"{folder} has the format {meta['format']}, and this version reads {FORMAT}; make it again"
        )
    return meta


def _read_ids(folder: Path) -> list[str]:
    try:
        ids = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadFeatures(f"{folder / 'ids.json'} cannot be read ({error}); make the folder again") from None
    if not isinstance(ids, list) or not all(isinstance(name, str) for name in ids):
        raise BadFeatures(f"{folder / 'ids.json'} is not a list of names; make the folder again")
    return ids


def _map(path: Path, shape: tuple[int, ...], kind: type, *, write: bool = False) -> NDArray[Any]:
    mode: Any = None if 0 in shape else "r+" if write else "r"
    try:
        array = np.load(path, mmap_mode=mode, allow_pickle=False)
    except Exception as error:  # a broken header raises every kind of error
        raise BadFeatures(f"{path} cannot be read ({error}); delete the folder and make it again") from None
    if array.shape != shape or array.dtype != kind:
        raise BadFeatures(
            f"{path} holds {array.dtype} {array.shape}, not {np.dtype(kind)} {shape}; make the folder again"
        )
    return array
