"""Pictures per second from JPEG to features, through the code that training uses, beside the network alone.

    python benchmarks/features.py --pictures DIR [--encoder efficientnet-lite2] [--count 400] [--augmentations 4]
    python benchmarks/features.py --pictures DIR --encoder vgg16 --count 64

DIR is any folder of JPEGs. "Alone" is plain ONNX Runtime on pixels that lie ready, batch by batch in turn with the
whole way, so that both meet the same load of the machine. VGG16 has random weights, which take as long as any.
The targets: at least 40 pictures per second on two cores for EfficientNet-Lite2; for VGG16 at most 1.5 times what the
network alone takes.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from showtell.captioning.onnx import default_threads
from showtell.images import read_pixels
from showtell.training.encoders import VGG16_OUTPUTS, load_encoder
from showtell.training.encoders.vgg16 import VGG16
from showtell.training.features.encode import BATCH, encode_pictures
from showtell.training.features.network import PictureNetwork, by_onnx_runtime


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--encoder", default="efficientnet-lite2")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--augmentations", type=int, default=0)
    options = parser.parse_args()
    paths = sorted(options.pictures.glob("*.jpg"))[: options.count]
    encoder = (
        random_vgg16(options.encoder) if options.encoder in VGG16_OUTPUTS else load_encoder(options.encoder)
    )
    network = PictureNetwork(encoder)
    pixels = np.stack([read_pixels(path, encoder.preprocessing) for path in paths[:BATCH]])
    alone = by_onnx_runtime(encoder, torch.from_numpy(pixels[:1]))
    alone(pixels)
    whole, bare = [], []
    for start in range(0, len(paths), 4 * BATCH):
        part = paths[start : start + 4 * BATCH]
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            encode_pictures(
                [(path.stem, path) for path in part],
                network,
                Path(folder),
                augmentations=options.augmentations,
            )
            whole.append(time.perf_counter() - began)
        began = time.perf_counter()
        for batch in range(0, len(part) * (1 + options.augmentations), BATCH):
            left = len(part) * (1 + options.augmentations) - batch
            alone(pixels[:left])
        bare.append(time.perf_counter() - began)
    print(
        f"{options.encoder}: {len(paths)} pictures in {sum(whole):.1f} s, "
        f"{len(paths) / sum(whole):.1f} pictures per second on {default_threads()} threads; "
        f"the network alone {sum(bare):.1f} s, ratio {sum(whole) / sum(bare):.2f}"
    )


def random_vgg16(name: str) -> VGG16:
    """The whole network with numbers of no meaning."""
    with torch.device("meta"):
        network = VGG16(output=VGG16_OUTPUTS[name])
    network = network.to_empty(device="cpu").eval()
    for parameter in network.parameters():
        torch.nn.init.uniform_(parameter, -0.01, 0.012)
    return network


if __name__ == "__main__":
    main()
