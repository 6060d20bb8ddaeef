"""Pictures -> a folder of features, encoded once and memory-mapped ever after; or a file that others can read.

The folder holds ``features.npy`` (float16 [N, R, D]: N pictures, R regions, D width), ``views.npy`` and
``mirrored.npy`` ([K, N, R, D] and [K, N]: K augmented views of each picture, when asked for), ``ids.json`` and
``meta.json``. A kill loses at most one batch; a second start continues; a folder that was made with another encoder or
preprocessing is refused. A file (``files.py``) is made through such a folder, in single precision, which lies
beside it until it is whole.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from showtell.corpora.base import counted
from showtell.errors import BadFeatures
from showtell.images import Preprocessing, open_picture, preprocess
from showtell.training.data.augmentation import view_of
from showtell.training.features.files import FORMATS, read_features, write_features
from showtell.training.features.network import PictureNetwork

FORMAT = 2
BATCH = 16

Progress = Callable[[int, int], None]  # done, total
Arrays = dict[str, tuple[tuple[int, ...], type]]  # file name -> shape and kind


@dataclass(frozen=True)
class FeatureCache:
    """An opened folder of features, or a file of them.

    Attributes:
        folder: where they lie, the file's path if they lie in one.
        ids: the pictures, in the order of the rows.
        features: [N, R, D], float16 and memory-mapped in a folder, float32 from a file.
        views: [K, N, R, D], the same of K augmented copies of each picture (``data/augmentation.py``); K may be 0.
        mirrored: bool [K, N], which of these are mirrored.
        meta: encoder, weights' checksum, preprocessing, regions, width, done; empty if a file does not say.
    """

    folder: Path
    ids: tuple[str, ...]
    features: NDArray[np.floating]
    views: NDArray[np.floating]
    mirrored: NDArray[np.bool_]
    meta: dict[str, Any]

    def rows(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """The row of each id.

        Raises:
            BadFeatures: pictures that the folder does not hold; names some.
        """
        places = {name: row for row, name in enumerate(self.ids)}
        missing = [name for name in ids if name not in places]
        if missing:
            some = ", ".join(missing[:3])
            raise BadFeatures(
                f"{self.folder} lacks the features of {counted(len(missing), 'picture', 'pictures')}: {some}"
                f"{', …' if len(missing) > 3 else ''}; make them with showtell features."
            )
        return np.array([places[name] for name in ids], dtype=np.int64)

    def of(self, row: int, view: int = 0) -> NDArray[np.floating]:
        """Features of one view of a picture [R, D]; view 0 is the picture itself."""
        return self.views[view - 1, row] if view else self.features[row]

    def is_mirrored(self, row: int, view: int) -> bool:
        """Whether left and right have changed places in a view."""
        return bool(view and self.mirrored[view - 1, row])


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
            f"{folder} holds {meta['done']} of {len(ids)} pictures; run the same command again to finish it."
        )
    features, views, mirrored = (
        _map(folder / name, *array) for name, array in _arrays(len(ids), meta).items()
    )
    return FeatureCache(folder, tuple(ids), features, views, mirrored, meta)


def encode_pictures(
    pictures: Sequence[tuple[str, Path]],
    network: PictureNetwork,
    folder: Path,
    *,
    views: int = 0,
    dtype: type[np.floating] = np.float16,
    progress: Progress | None = None,
) -> FeatureCache:
    """Encode pictures into a folder; continue one that was begun, and return at once when it is whole.

    Args:
        pictures: id and path of each, in the order the rows will have.
        views: augmented copies of each picture to encode too.
        dtype: float16, which is precise enough to learn from, or float32.
        progress: called with the pictures done and their total.

    Raises:
        BadImage: a picture cannot be read; what is done is kept, also when the picture is then taken out.
        BadFeatures: the folder holds features of other pictures, or made in another way.
    """
    ids = [name for name, _ in pictures]
    made_by = network.described() | {"format": FORMAT, "views": views}
    if dtype != np.float16:
        made_by["dtype"] = np.dtype(dtype).name
    done = _begin(folder, ids, made_by)
    features, others, mirrored = (
        _map(folder / name, *array, write=True) for name, array in _arrays(len(ids), made_by).items()
    )
    if progress:
        progress(done, len(ids))
    for batch in _batches(pictures[done:], network.preprocessing, views):
        rows = slice(done, done + len(batch))
        pixels, turned = (np.stack(part) for part in zip(*batch, strict=True))  # [B, 1 + K, 3, S, S], [B, K]
        features[rows] = network(pixels[:, 0])
        for view in range(views):
            others[view, rows] = network(pixels[:, view + 1])
        mirrored[:, rows] = turned.T
        for array in (features, others, mirrored):
            if isinstance(array, np.memmap):
                array.flush()
        done += len(batch)
        # After the rows: they are there if it says so.
        _write_json(folder / "meta.json", made_by | {"done": done})
        if progress:
            progress(done, len(ids))
    return open_features(folder, made_by=made_by)


def is_file(path: Path) -> bool:
    """Whether a path means a file of features, by its ending, and not a folder."""
    return path.suffix.lower() in FORMATS and not path.is_dir()


def open_file(path: Path) -> FeatureCache:
    """Read a file of features (``files.read_features``); it has no views."""
    read = read_features(path)
    none = np.zeros((0, *read.features.shape), np.float32)
    return FeatureCache(
        path, read.ids, read.features, none, np.zeros(none.shape[:2], np.bool_), dict(read.meta or {})
    )


def encode_to_file(
    pictures: Sequence[tuple[str, Path]],
    network: PictureNetwork,
    path: Path,
    *,
    progress: Progress | None = None,
) -> None:
    """Encode pictures into a ``.npz`` or ``.pkl`` file of single precision; continue what was begun.

    What is done lies in the folder ``NAME.part`` beside the file, which becomes the file at the end.

    Raises:
        BadImage: a picture cannot be read; what is done is kept.
        BadFeatures: the file is there already and is not known to be the same; the folder is of other work.
    """
    part = path.with_name(f"{path.name}.part")
    meta = {key: value for key, value in network.described().items() if key != "format"}
    ids = [name for name, _ in pictures]
    if path.exists() and not (part / "meta.json").exists():
        found = read_features(path)
        if found.meta == meta and list(found.ids) == ids:
            shutil.rmtree(part, ignore_errors=True)  # what a kill left of it
            if progress:
                progress(len(ids), len(ids))
            return
        raise BadFeatures(
            f"{path} is there already and is not known to hold these features; "
            "delete it or choose another --output."
        )
    cache = encode_pictures(pictures, network, part, dtype=np.float32, progress=progress)
    write_features(path, cache.ids, cache.features, meta=meta)
    (part / "meta.json").unlink()  # first: without it, the file is taken to be whole
    shutil.rmtree(part)


def _batches(
    pictures: Sequence[tuple[str, Path]], preprocessing: Preprocessing, views: int
) -> Iterator[list[tuple[NDArray[np.float32], NDArray[np.bool_]]]]:
    """Pixels [1 + K, 3, S, S] of each picture of a batch and its views, and which views are mirrored [K].

    Pictures are read in threads while the network works on the batch before.
    """

    def read(named: tuple[str, Path]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        name, path = named
        picture = open_picture(path, at_least=preprocessing.at_least)
        seen, mirrored = zip(*(view_of(picture, name, number) for number in range(1 + views)), strict=True)
        return np.stack([preprocess(view, preprocessing) for view in seen]), np.array(
            mirrored[1:], dtype=bool
        )

    remaining = iter(pictures)
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        ahead = [pool.submit(read, named) for named in islice(remaining, BATCH)]
        while ahead:
            current, ahead = ahead, [pool.submit(read, named) for named in islice(remaining, BATCH)]
            yield [future.result() for future in current]


def _arrays(pictures: int, meta: dict[str, Any]) -> Arrays:
    """Shape and kind of each array of the folder."""
    shape = (pictures, meta["regions"], meta["width"])
    kind = np.float32 if meta.get("dtype") == "float32" else np.float16
    return {
        "features.npy": (shape, kind),
        "views.npy": ((meta["views"], *shape), kind),
        "mirrored.npy": ((meta["views"], pictures), np.bool_),
    }


def _begin(folder: Path, ids: list[str], made_by: dict[str, Any]) -> int:
    """Make the folder, or check that it continues the same work; returns the pictures already done."""
    if (folder / "meta.json").exists():
        meta = _read_meta(folder)
        _refuse_other(folder, meta, made_by)
        before, done = _read_ids(folder), int(meta["done"])
        if before == ids:
            return done
        # A picture further on that could not be read may have been taken out meanwhile: what is done stays.
        if done == len(before) or before[:done] != ids[:done]:
            raise BadFeatures(
                f"{folder} holds features of other pictures; choose another folder or delete it."
            )
        _resize(folder, done, _arrays(len(before), meta), _arrays(len(ids), made_by))
        _write_json(folder / "ids.json", ids)
        return done
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in _arrays(len(ids), made_by).items():
        _make(folder / name, *array)
    _write_json(folder / "ids.json", ids)
    _write_json(folder / "meta.json", made_by | {"done": 0})
    return 0


def _make(path: Path, shape: tuple[int, ...], kind: type) -> NDArray[Any]:
    """A new array on disk, to be written to."""
    if 0 in shape:  # nothing can be mapped of an empty file
        np.save(path, np.zeros(shape, kind))
        return np.zeros(shape, kind)
    return np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape)


def _resize(folder: Path, done: int, before: Arrays, after: Arrays) -> None:
    """Make room for another number of pictures; the first ``done`` rows stay."""
    for name in after:
        old = _map(folder / name, *before[name])
        new = _make(folder / f"new.{name}", *after[name])
        rows = (slice(done),) if name == "features.npy" else (slice(None), slice(done))
        new[rows] = old[rows]
    for name in after:  # only now, when all are whole
        (folder / f"new.{name}").replace(folder / name)


def _refuse_other(folder: Path, meta: dict[str, Any], made_by: dict[str, Any]) -> None:
    for key, wanted in made_by.items():
        if meta.get(key) != wanted:
            raise BadFeatures(
                f"{folder} was made in another way: its {key} is {meta.get(key)}, not {wanted}; "
                "choose another folder or delete it."
            )


def _read_meta(folder: Path) -> dict[str, Any]:
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadFeatures(f"{folder} is not a folder of features: it has no meta.json.") from None
    except (OSError, ValueError):
        raise BadFeatures(
            f"{folder / 'meta.json'} is not JSON; delete the folder and make it again."
        ) from None
    if not isinstance(meta, dict) or not {"format", "done", "views", "regions", "width"} <= meta.keys():
        raise BadFeatures(f"{folder / 'meta.json'} lacks settings; delete the folder and make it again.")
    if meta["format"] != FORMAT:
        raise BadFeatures(
            f"{folder} has the format {meta['format']}; this version reads {FORMAT}. Make it again."
        )
    return meta


def _read_ids(folder: Path) -> list[str]:
    try:
        ids = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadFeatures(f"{folder / 'ids.json'} cannot be read ({error}); make the folder again.") from None
    if not isinstance(ids, list) or not all(isinstance(name, str) for name in ids):
        raise BadFeatures(f"{folder / 'ids.json'} is not a list of names; make the folder again.")
    return ids


def _map(path: Path, shape: tuple[int, ...], kind: type, *, write: bool = False) -> NDArray[Any]:
    mode: Any = None if 0 in shape else "r+" if write else "r"
    try:
        array = np.load(path, mmap_mode=mode, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadFeatures(f"{path} cannot be read ({error}); delete the folder and make it again.") from None
    if array.shape != shape or array.dtype != kind:
        raise BadFeatures(
            f"{path} holds {array.dtype} {array.shape}, not {np.dtype(kind)} {shape}; make the folder again."
        )
    return array


def _write_json(path: Path, value: object) -> None:
    """Write a whole file or nothing, so that a kill never leaves half of one."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    temporary.replace(path)
