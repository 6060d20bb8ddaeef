"""Runs that learn from a file of features: it becomes an ordinary folder of features at the door.

No network comes with it, so the export is given one and checks it against ``sample.npz``, which such a run keeps: the
features of a few dev pictures, and what the file says of how they were made. The network that the export is given must
give the same for these pictures.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from showtell.corpora import Example
from showtell.errors import BadFeatures, BadRecipe
from showtell.images import Preprocessing, read_pixels
from showtell.training.encoders import NAMES, VGG16_OUTPUTS, NamedEncoder, load_encoder
from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.encoders.vgg16 import VGG16
from showtell.training.features.cache import CacheWriter, rows_of
from showtell.training.features.files import FORMATS, Features, read_features, write_features
from showtell.training.settings import Encoder, Recipe

ENCODER = "encoder.safetensors"
SAMPLE = "sample.npz"
PICTURES = 8

VGG16_SHAPES = {(1, 4096): "vgg16", (49, 512): "vgg16-map"}  # of features that do not say who made them

# Mean difference between the network's features and those learnt from, as a share of how far those of different
# pictures lie apart. Another resize filter differs by more, features kept in half precision by less.
LARGEST_DIFFERENCE = 0.03


def is_file(path: Path) -> bool:
    """Whether a path means a file of features, by its ending, and not a folder."""
    return path.suffix.lower() in FORMATS and not path.is_dir()


@dataclass(frozen=True)
class FeatureFile:
    """A file of features that was read.

    Attributes:
        path: where it lies.
        digest: its SHA-256.
        read: what it holds.
    """

    path: Path
    digest: str
    read: Features

    def of(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """The features of pictures [N, R, D].

        Raises:
            BadFeatures: the file lacks some; names them.
        """
        return self.read.features[rows_of(ids, self.read.ids, self.path)]


def read_file(path: Path) -> FeatureFile:
    """Read a file of features.

    Raises:
        BadFeatures: it cannot be read.
    """
    read = read_features(path)
    with path.open("rb") as file:
        return FeatureFile(path, hashlib.file_digest(file, "sha256").hexdigest(), read)


def learning_from(recipe: Recipe, file: FeatureFile) -> Recipe:
    """The recipe of a run that learns from a file: its encoder is the one that the file names, if it names one.

    Raises:
        BadRecipe: the recipe trains its encoder, which the features do not follow.
    """
    if recipe.encoder.tuning is not None or recipe.encoder.joint is not None:
        raise BadRecipe(
            f"the recipe trains its encoder, but the features in {file.path} are made already; choose a recipe "
            "without [encoder.tuning] and [encoder.joint], or leave out --features"
        )
    name = str((file.read.meta or {}).get("encoder", "unknown"))
    return replace(
        recipe,
        encoder=Encoder(name=name, size=recipe.encoder.size, features=file.digest),
        training=replace(recipe.training, augmentations=0),
    )


def import_features(file: FeatureFile, ids: Sequence[str], dev: Sequence[str], run: Path) -> None:
    """Bring the features of pictures into ``features/`` in a run's folder, and keep a sample of them.

    Args:
        ids: the pictures that are wanted.
        dev: those of them that an export may compare with.
    """
    _, regions, width = file.read.features.shape
    made_by = dict(file.read.meta or {}) | {"regions": regions, "width": width, "augmentations": 0}
    writer = CacheWriter(run / "features", ids, made_by | {"dtype": "float32", "file": file.digest})
    if writer.done < len(ids):
        writer.append(file.of(ids[writer.done :]))
    sample = list(dev[:PICTURES])
    write_features(run / SAMPLE, sample, file.of(sample), meta=file.read.meta)


def encoder_of(run: Path, named: NamedEncoder | None, dev: Sequence[Example]) -> EfficientNetLite | VGG16:
    """The network of a run: its own, or the one that made the file it learnt from.

    Args:
        named: the network that was given, if any.
        dev: the dev pictures of the run's corpus.

    Raises:
        BadRecipe: a network is needed and none is given, or one is given that is not needed, or it lacks a setting.
        BadFeatures: it is not the network that made the features.
        BadBundle, BadImage: its files or a picture cannot be read.
    """
    if not (run / SAMPLE).exists():
        if named is not None:
            raise BadRecipe(f"{run} has an encoder of its own; leave out --encoder {named.name}")
        return load_encoder(str(run / ENCODER))
    sample = read_features(run / SAMPLE)
    network = _completed(named, sample, run).load()
    _compare(network, sample, dev, run)
    return network


def _completed(named: NamedEncoder | None, sample: Features, run: Path) -> NamedEncoder:
    """What was given, with what the features say of themselves in the place of what was not."""
    meta = sample.meta or {}
    if named is None:
        if meta.get("encoder") in NAMES:  # its weights are installed
            return NamedEncoder(name=str(meta["encoder"]))
        shape = sample.features.shape[1:]
        maker = str(meta.get("encoder", VGG16_SHAPES.get(shape)))
        advice = (
            f"--encoder {maker} --weights FILE --architecture FILE"
            if maker in VGG16_OUTPUTS
            else f"--encoder NAME, the network that made them ({list(shape)} a picture)"
        )
        raise BadRecipe(
            f"{run} was trained on a file of features, so a bundle of it needs the network that made them; "
            f"give {advice}"
        )
    if named.name not in VGG16_OUTPUTS or named.resample is not None:
        return named
    how = _preprocessing(sample)
    if how is None:
        raise BadRecipe(
            f"the features that {run} was trained on do not say how their pictures were resized; "
            "add --resample nearest (as Keras does unless told otherwise), bilinear or bicubic"
        )
    return replace(named, resample=how.resample)


def _compare(network: EfficientNetLite | VGG16, sample: Features, dev: Sequence[Example], run: Path) -> None:
    """Refuse a network that gives something else for the sample's pictures than the run learnt from."""
    shape = list(sample.features.shape[1:])
    if shape != [network.regions, network.width]:
        raise BadFeatures(
            f"{run} was trained on features of the shape {shape}, but {network.name} gives "
            f"{[network.regions, network.width]}; give the network that made them"
        )
    how = _preprocessing(sample)
    if how is not None and how != network.preprocessing:
        raise BadFeatures(
            f"{run} was trained on features of pictures prepared in another way ({how.to_dict()}) than "
            f"{network.name} expects ({network.preprocessing.to_dict()}); {_advice(network)}"
        )
    paths = {example.id: example.path for example in dev}
    if missing := [name for name in sample.ids if name not in paths]:
        raise BadFeatures(f"the dev picture {missing[0]} that {run} was trained with is not in its corpus")
    pixels = np.stack([read_pixels(paths[name], network.preprocessing) for name in sample.ids])
    with torch.inference_mode():
        found = network(torch.from_numpy(pixels)).numpy()  # [N, R, D]
    apart = np.abs(sample.features - sample.features.mean(axis=0)).mean() or sample.features.std() or 1.0
    difference = np.abs(found - sample.features).mean()
    if not difference <= LARGEST_DIFFERENCE * apart:
        raise BadFeatures(
            f"{network.name} does not give for {len(sample.ids)} dev pictures what {run} was trained on "
            f"(they differ by {difference / apart:.1%} of how far pictures lie apart, at most "
            f"{LARGEST_DIFFERENCE:.0%} is taken for the same); {_advice(network)}"
        )


def _advice(network: EfficientNetLite | VGG16) -> str:
    """What may be amiss with a network that gives something else than the one that made the features."""
    if network.name in VGG16_OUTPUTS:
        return "give the weights and the --resample that made the features"
    return "if a tuned network made the features, give its file, --encoder tuned.safetensors"


def _preprocessing(sample: Features) -> Preprocessing | None:
    """How the features' pictures were prepared, if they say."""
    if not sample.meta or "preprocessing" not in sample.meta:
        return None
    try:
        return Preprocessing.from_dict(sample.meta["preprocessing"])
    except ValueError as error:
        raise BadFeatures(f"the features say of their pictures what cannot be ({error})") from None
