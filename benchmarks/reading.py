"""What reading a picture costs, from a file's bytes to a network's input of 224 x 224: processor time, best of many.

    python benchmarks/reading.py [--repeat 9]

One picture of each kind, made up here but for the examples; processor time, so that other work on the machine
counts little. To compare two versions, run it with the other one's ``src`` in PYTHONPATH.
"""

import argparse
import io
import time
from pathlib import Path

import numpy as np
from PIL import Image

from showtell.images import Preprocessing, read_pixels

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.jpg"))
HOW = Preprocessing(size=224, mean=(127, 127, 127), std=(128, 128, 128))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=9)
    repeat = parser.parse_args().repeat
    large, small = soft_noise(4000, 3000), soft_noise(1200, 900)
    row("the examples (JPEG)", [path.read_bytes() for path in EXAMPLES], repeat)
    row("JPEG, 12 megapixels", [stored(large, "JPEG", quality=95)], repeat)
    row("progressive JPEG, 12 MP", [stored(large, "JPEG", quality=95, progressive=True)], repeat)
    for kind in ("PNG", "WEBP", "TIFF"):
        row(f"{kind}, 1.1 megapixels", [stored(small, kind)], repeat)


def soft_noise(width: int, height: int) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((width, height))


def stored(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def row(name: str, files: list[bytes], repeat: int) -> None:
    """Print the least milliseconds of processor time for one of the files."""
    times = []
    for _ in range(repeat):
        began = time.process_time()
        for data in files:
            read_pixels(data, HOW)
        times.append((time.process_time() - began) / len(files))
    print(
        f"{name:<26} {min(times) * 1000:7.2f} ms  {sum(map(len, files)) / len(files) / 1e6:5.2f} MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
