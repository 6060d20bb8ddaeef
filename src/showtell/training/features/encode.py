"""Pictures -> a folder of features (``cache.py``), or a file that others can read (``files.py``)."""

import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from showtell.errors import BadFeatures
from showtell.images import Preprocessing, open_picture, preprocess
from showtell.progress import Progress
from showtell.training.data.augmentation import augment
from showtell.training.features.cache import CacheWriter, FeatureCache
from showtell.training.features.files import read_features, write_features
from showtell.training.features.network import PictureNetwork

BATCH = 16
READERS = 16  # threads that read pictures, at most

Pictures = Sequence[tuple[str, Path]]  # id and path of each


def encode_pictures(
    pictures: Pictures,
    network: PictureNetwork,
    folder: Path,
    *,
    augmentations: int = 0,
    dtype: type[np.floating] = np.float16,
    progress: Progress = Progress(),
    title: str = "Features",
) -> FeatureCache:
    """Encode pictures into a folder; continue one that was begun, and return at once when it is whole.

    Args:
        pictures: id and path of each, in the order the rows will have.
        augmentations: of each picture, to encode too.
        dtype: float16, which is precise enough to learn from, or float32.
        title: of the progress bar.

    Raises:
        BadImage: a picture cannot be read; what is done is kept.
        BadFeatures: the folder holds features of other pictures, or made in another way.
    """
    made_by = network.described() | {"augmentations": augmentations}
    if dtype != np.float16:
        made_by["dtype"] = np.dtype(dtype).name
    writer = CacheWriter(folder, [name for name, _ in pictures], made_by)
    with progress.bar(len(pictures), title) as advance:
        if 0 < writer.done < len(pictures):
            progress.note(f"{folder}: {writer.done:,} of {len(pictures):,} pictures were done before")
        advance(writer.done)
        for pixels, mirrored in _batches(pictures[writer.done :], network.preprocessing, augmentations):
            encoded = [network(pixels[:, number]) for number in range(1 + augmentations)]
            writer.append(encoded[0], encoded[1:], mirrored.T)
            advance(len(pixels))
    return writer.finish()


def encode_maps(
    maps: FeatureCache,
    late: PictureNetwork,
    folder: Path,
    described: dict[str, Any],
    *,
    progress: Progress = Progress(),
    title: str = "Features",
) -> FeatureCache:
    """The features of pictures whose early maps are kept already: only the late stages are left to be run.

    Args:
        late: the stages that follow the maps.
        described: ``PictureNetwork.described()`` of the whole network.

    Raises:
        BadFeatures: the folder holds features of other pictures, or made in another way.
    """
    count = len(maps.augmentations)
    writer = CacheWriter(folder, maps.ids, described | {"augmentations": count})
    with progress.bar(len(maps.ids), title) as advance:
        advance(writer.done)
        while writer.done < len(maps.ids):
            rows = np.arange(writer.done, min(writer.done + BATCH, len(maps.ids)))
            numbers = [np.full_like(rows, number) for number in range(1 + count)]
            encoded = [late(maps.read(rows, number).astype(np.float32)) for number in numbers]
            writer.append(encoded[0], encoded[1:], maps.mirrored[:, rows])
            advance(len(rows))
    return writer.finish()


def encode_to_file(
    pictures: Pictures, network: PictureNetwork, path: Path, *, progress: Progress = Progress()
) -> None:
    """Encode pictures into a ``.npz`` or ``.pkl`` file of single precision; continue what was begun.

    What is done lies in the folder ``NAME.part`` beside the file, which becomes the file at the end.

    Raises:
        BadImage: a picture cannot be read; what is done is kept.
        BadFeatures: the file is there already and is not known to be the same; the folder is of other work.
    """
    part = path.with_name(f"{path.name}.part")
    meta = network.described()
    ids = [name for name, _ in pictures]
    if path.exists() and not (part / "meta.json").exists():
        found = read_features(path)
        if found.meta == meta and list(found.ids) == ids:
            shutil.rmtree(part, ignore_errors=True)  # what a kill left of it
            return
        raise BadFeatures(
            f"{path} is there already and is not known to hold these features; "
            "delete it or choose another --output"
        )
    cache = encode_pictures(pictures, network, part, dtype=np.float32, progress=progress)
    write_features(path, cache.ids, cache.features, meta=meta)
    (part / "meta.json").unlink()  # first: without it, the file is taken to be whole
    shutil.rmtree(part)


def _batches(
    pictures: Pictures, preprocessing: Preprocessing, augmentations: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """Pixels [B, 1 + K, 3, S, S] of pictures and their augmentations, and which of these are mirrored [B, K].

    Pictures are read in threads while the network works on the batches before.
    """

    def read(named: tuple[str, Path]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        name, path = named
        picture = open_picture(path, at_least=preprocessing.at_least)
        found = [augment(picture, name, number) for number in range(1 + augmentations)]
        pixels = np.stack([preprocess(one, preprocessing) for one, _ in found])
        return pixels, np.array([mirrored for _, mirrored in found[1:]], dtype=bool)

    remaining = iter(pictures)
    readers = min(READERS, os.cpu_count() or 1)
    with ThreadPoolExecutor(max_workers=readers) as pool:
        ahead = [pool.submit(read, named) for named in islice(remaining, BATCH + readers)]
        while ahead:
            batch, ahead = ahead[:BATCH], ahead[BATCH:]
            ahead += [pool.submit(read, named) for named in islice(remaining, len(batch))]
            pixels, mirrored = zip(*(future.result() for future in batch), strict=True)
            yield np.stack(pixels), np.stack(mirrored)
