"""Makes the pictures in heic/, since the library that reads them in tests writes none.

pip install pillow-heif==1.8.1 && python tests/images/make_heic.py
"""

from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image
from scenes import TURNS, exif, grainy, orientation, quarters

FOLDER = Path(__file__).with_name("heic")
BEST = {"quality": 95, "chroma": 444}


def main() -> None:
    picture = Image.fromarray(quarters())
    save("quarters", picture)
    for number, turn in TURNS.items():
        save(f"turned_{number}", picture.transpose(turn), exif=b"Exif\0\0" + exif(orientation(number)))
    save("odd_exif", picture, exif=b"Exif\0\0LoremIpsum", xmp=b"\xff\xfe<x")
    alpha = np.dstack([quarters(), np.full((40, 60), 255, np.uint8)])
    alpha[:20, :30, 3] = 0
    save("transparent", Image.fromarray(alpha))
    save("grey", picture.convert("L"))
    deep = pillow_heif.from_bytes("RGB;16", (60, 40), (quarters().astype("<u2") * 257).tobytes())
    deep.save(FOLDER / "ten_bits.heic", **BEST)
    burst = pillow_heif.from_pillow(Image.fromarray(grainy(64, 64)))
    burst.add_from_pillow(picture)
    burst.save(FOLDER / "burst.heic", primary_index=1, **BEST)


def save(name: str, picture: Image.Image, **options: object) -> None:
    pillow_heif.register_heif_opener()
    picture.save(FOLDER / f"{name}.heic", **BEST, **options)


if __name__ == "__main__":
    main()
