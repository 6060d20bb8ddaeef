"""What ``showtell features`` does: pictures into a folder of features, or a file by its ending."""

from pathlib import Path

from showtell.errors import BadFeatures
from showtell.progress import Progress
from showtell.training.encoders import NamedEncoder
from showtell.training.engine.devices import choose_device
from showtell.training.features.encode import Pictures, encode_pictures, encode_to_file
from showtell.training.features.imported import is_file
from showtell.training.features.network import PictureNetwork


def make_features(
    pictures: Pictures,
    output: Path,
    encoder: NamedEncoder,
    *,
    augmentations: int = 0,
    device: str = "auto",
    progress: Progress = Progress(),
) -> None:
    """Encode pictures; continue what was begun.

    Args:
        pictures: id and path of each.
        augmentations: of each picture, to encode too.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        BadFeatures: there are no pictures, two have the same id, or a file is to hold augmentations.
        BadImage, BadRecipe, BadBundle: a picture or the encoder cannot be read.
    """
    _refuse_shared_ids(pictures)
    if augmentations and is_file(output):
        raise BadFeatures(
            f"a file of features holds no augmentations; give a folder in the place of {output}"
        )
    network = PictureNetwork(encoder.load(), choose_device(device))
    if is_file(output):
        encode_to_file(pictures, network, output, progress=progress)
    else:
        encode_pictures(pictures, network, output, augmentations=augmentations, progress=progress)
    progress.note(
        f"{output} holds the features of {len(pictures):,} pictures, "
        f"{network.regions} x {network.width} numbers each"
    )


def _refuse_shared_ids(pictures: Pictures) -> None:
    if not pictures:
        raise BadFeatures("there are no pictures to encode; name pictures, folders of them, or a corpus")
    known: dict[str, Path] = {}
    for name, path in pictures:
        if name in known:
            other = known[name]
            raise BadFeatures(
                f"{path} is named twice; name it once"
                if other == path
                else f"{other} and {path} would have the same id {name!r}, since ids are file names without their "
                "ending; rename one of them"
            )
        known[name] = path
