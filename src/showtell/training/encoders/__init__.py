"""Picture networks, one file each.

An encoder is an ``nn.Module`` with ``name``, ``preprocessing``, ``regions`` (R), ``width`` (D) and a ``forward`` from
pixels [B, 3, S, S] to regions [B, R, D].
"""

import hashlib
import json
from pathlib import Path
from typing import Protocol

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from showtell.errors import BadBundle, BadRecipe
from showtell.pictures import Preprocessing
from showtell.training.encoders import efficientnet_lite
from showtell.training.encoders.efficientnet_lite import EfficientNetLite


class Encoder(Protocol):
    """What every picture network offers."""

    name: str
    preprocessing: Preprocessing
    regions: int
    width: int

    def __call__(self, pixels: Tensor) -> Tensor: ...


NAMES = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")


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
        f"There is no encoder {name!r}; known are {', '.join(NAMES)}, or a tuned encoder's .safetensors file."
    )


def save_encoder(encoder: EfficientNetLite, path: Path) -> None:
    """Write an encoder's weights, its name and its picture size as safetensors."""
    described = {"name": encoder.name, "size": encoder.preprocessing.size}
    tensors = {name: tensor.contiguous() for name, tensor in encoder.state_dict().items()}
    save_file(tensors, path, metadata={"encoder": json.dumps(described)})


def _read_encoder(path: Path) -> EfficientNetLite:
    try:
        with safe_open(path, framework="pt") as file:
            described = json.loads((file.metadata() or {}).get("encoder", "null"))
        if not described or described["name"] not in NAMES:
            raise BadBundle(f"{path} does not say which encoder it holds; give a file that training wrote.")
        encoder = EfficientNetLite(int(described["name"][-1]), described["size"])
        encoder.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError, OSError) as error:
        raise BadBundle(f"{path} cannot be read as an encoder: {error}") from None
    return encoder.eval()


def checksum(network: nn.Module) -> str:
    """SHA-256 over a network's weights, in the order of their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
