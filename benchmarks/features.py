"""Pictures a second from JPEG to features, through the code that training uses.

    python benchmarks/features.py --pictures DIR [--encoder efficientnet-lite2] [--count 400] [--views 4]

DIR is any folder of JPEGs; the target is at least 40 pictures a second on two cores.
"""

import argparse
import tempfile
import time
from pathlib import Path

from showtell.training.encoders import load_encoder
from showtell.training.features import PictureNetwork, encode_pictures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--encoder", default="efficientnet-lite2")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--views", type=int, default=0)
    options = parser.parse_args()
    paths = sorted(options.pictures.glob("*.jpg"))[: options.count]
    encoder = load_encoder(options.encoder)
    network = PictureNetwork(encoder, name=encoder.name, preprocessing=encoder.preprocessing)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        encode_pictures([(path.stem, path) for path in paths], network, Path(folder), views=options.views)
        seconds = time.perf_counter() - began
    print(
        f"{options.encoder}: {len(paths)} pictures in {seconds:.1f} s, {len(paths) / seconds:.1f} pictures a second"
    )


if __name__ == "__main__":
    main()
