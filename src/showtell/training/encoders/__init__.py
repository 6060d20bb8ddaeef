"""Picture networks, one file each.

An encoder is an ``nn.Module`` with ``name``, ``preprocessing``, ``regions`` (R), ``width`` (D) and a ``forward`` from
pixels [B, 3, S, S] to regions [B, R, D].
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from showtell.errors import BadBundle, BadRecipe, ShowtellError
from showtell.files import written_whole
from showtell.images import Resample
from showtell.training.encoders import efficientnet_lite
from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.encoders.vgg16 import VGG16, Output
from showtell.training.encoders.vgg16_weights import load_vgg16

NAMES = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")

VGG16_OUTPUTS: dict[str, Output] = {"vgg16": "fc2", "vgg16-map": "map"}


@dataclass(frozen=True, kw_only=True)
class NamedEncoder:
    """An encoder as the command line names it.

    Attributes:
        name: what ``load_encoder`` knows; or ``vgg16``, the 4,096 outputs of fc2, or ``vgg16-map``, its 49 cells.
        weights, architecture: VGG16's files, see ``vgg16_weights.load_vgg16``.
        resample: the filter that VGG16's pictures are resized with; bilinear unless given.
    """

    name: str
    weights: Path | None = None
    architecture: Path | None = None
    resample: Resample | None = None

    def load(self) -> EfficientNetLite | VGG16:
        """The network with its weights.

        Raises:
            BadRecipe: there is no encoder of that name, VGG16 is given no weights, or another one is given some.
            BadBundle, MissingExtra: see ``load_encoder`` and ``load_vgg16``.
        """
        if self.name in VGG16_OUTPUTS:
            if self.weights is None:
                raise BadRecipe(
                    f"the encoder {self.name} comes without weights; give those that Keras or torchvision "
                    "exported with --weights"
                )
            output, resample = VGG16_OUTPUTS[self.name], self.resample or "bilinear"
            return load_vgg16(self.weights, self.architecture, output=output, resample=resample)
        for option in ("weights", "architecture", "resample"):
            if getattr(self, option) is not None:
                raise BadRecipe(
                    f"--{option} is for {' and '.join(VGG16_OUTPUTS)}; {self.name} brings its own"
                )
        return load_encoder(self.name)


def named_encoder(
    name: str | None, weights: Path | None, architecture: Path | None, resample: Resample | None
) -> NamedEncoder | None:
    """The encoder of a command line, None where it names none.

    Raises:
        BadRecipe: it describes an encoder that it does not name.
    """
    if name is not None:
        return NamedEncoder(name=name, weights=weights, architecture=architecture, resample=resample)
    if weights is not None or architecture is not None or resample is not None:
        raise BadRecipe("--weights, --architecture and --resample belong to an encoder; add --encoder vgg16")
    return None


def load_encoder(name: str, *, size: int = 224) -> EfficientNetLite:
    """An encoder by name, with the weights of its ImageNet training, or from the file of a tuned one.

    Args:
        name: one of ``NAMES``, or the path of a ``.safetensors`` file that ``save_encoder`` wrote.
        size: side of the pictures in pixels; a file brings its own.

    Raises:
        BadRecipe: there is no encoder of that name.
        BadBundle: the file is not one of an encoder.
    """
    if name in NAMES:
        return efficientnet_lite.load_imagenet(int(name[-1]), size)
    path = Path(name)
    if path.suffix == ".safetensors" and path.exists():
        return _read_encoder(path)
    raise BadRecipe(
        f"there is no encoder {name!r}; there are {', '.join(NAMES)}, or a tuned encoder's .safetensors file; "
        f"showtell features and export also know {' and '.join(VGG16_OUTPUTS)}"
    )


def save_encoder(encoder: EfficientNetLite, path: Path) -> None:
    """Write an encoder's weights, its name and its picture size as safetensors.

    Raises:
        ShowtellError: there is no room for it.
    """
    described = {"name": encoder.name, "size": encoder.preprocessing.size}
    tensors = {name: tensor.contiguous() for name, tensor in encoder.state_dict().items()}
    try:
        with written_whole(path) as temporary:
            save_file(tensors, temporary, metadata={"encoder": json.dumps(described)})
    except SafetensorError as error:  # a full disk
        raise ShowtellError(f"{path}: the encoder cannot be written ({error}); make room") from error


def _read_encoder(path: Path) -> EfficientNetLite:
    try:
        with safe_open(path, framework="pt") as file:
            described = json.loads((file.metadata() or {}).get("encoder", "null"))
        if not described or described["name"] not in NAMES:
            raise BadBundle(f"{path} does not say which encoder it holds; give a file that training wrote")
        encoder = EfficientNetLite(int(described["name"][-1]), described["size"])
        encoder.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError, OSError, KeyError, TypeError, ValueError) as error:
        raise BadBundle(f"{path} cannot be read as an encoder: {error}") from None
    return encoder.eval()


def checksum(network: nn.Module) -> str:
    """SHA-256 over a network's weights, in the order of their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
