"""How quick an imported captioner is against `transformers` on the same processors, and what it costs to import it.

    python benchmarks/huggingface.py [--folder DIR] [--pictures 8] [--threads 2]

BLIP-base at full size with random weights (real ones are not needed to measure time), beam 3, captions of 12 tokens.
The model is made and imported once into DIR (a temporary folder unless given), in fp32 and int8. Then the same
pictures are captioned in turns: by `transformers` (PyTorch, batches of 4, from pixels that are ready), and by the
bundles in fp32 and int8 through ``caption_many``. Two turns of each; the better one counts.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import BertWordPieceTokenizer

import showtell
from showtell.captioning.bundle import read_bundle
from showtell.images import read_pixels
from showtell.training.export.huggingface import import_model

BEAM, TOKENS, BATCH, TURNS = 3, 12, 4, 2
SIDE = 384


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as place:
        folder = options.folder or Path(place)
        bundles = prepare(folder)
        pictures = (
            np.random.default_rng(0).integers(256, size=(options.pictures, SIDE, SIDE, 3)).astype(np.uint8)
        )
        how = read_bundle(bundles["fp32"]).preprocessing
        pixels = np.stack([read_pixels(picture, how) for picture in pictures])
        model = transformers.BlipForConditionalGeneration.from_pretrained(folder / "model").eval()
        ways: dict[str, Callable[[], Any]] = {"transformers": lambda: by_transformers(model, pixels)}
        for name, bundle in bundles.items():
            ways[f"bundle {name}"] = by_bundle(bundle, list(pictures), options.threads)
        seconds = dict.fromkeys(ways, float("inf"))
        for _ in range(TURNS):
            for name, caption in ways.items():
                begun = time.perf_counter()
                caption()
                seconds[name] = min(seconds[name], time.perf_counter() - begun)
        for name, took in seconds.items():
            print(
                f"{name:<14} {options.pictures / took:6.3f} pictures per second, "
                f"{seconds['transformers'] / took:5.2f} times transformers"
            )


def prepare(folder: Path) -> dict[str, Path]:
    """The model, and its bundles by precision; what the import takes is printed."""
    if not (folder / "model" / "config.json").is_file():
        model_folder(folder / "model")
    bundles = {}
    for precision in ("fp32", "int8"):
        bundles[precision] = folder / precision
        if (folder / precision / "manifest.json").is_file():
            continue
        begun = time.perf_counter()
        import_model(
            folder / "model", folder / precision, name=precision, source="random", precision=precision
        )
        size = sum(path.stat().st_size for path in (folder / precision).iterdir()) / 1e6
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"imported in {precision}: {time.perf_counter() - begun:.0f} s, {size:.0f} MB, peak of memory {peak:.1f} GB"
        )
    return bundles


def model_folder(folder: Path) -> None:
    """BLIP-base's own sizes, with random weights and a tokenizer of as many pieces."""
    folder.mkdir(parents=True)
    pieces = ["[PAD]", *(f"[unused{place}]" for place in range(99)), "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces += [f"word{place}" if place % 2 else f"##piece{place}" for place in range(30522 - len(pieces))]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    BertWordPieceTokenizer(str(folder / "vocab.txt")).save(str(folder / "tokenizer.json"))
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BlipConfig()
    config.vision_config.image_size = SIDE
    transformers.BlipForConditionalGeneration(config).save_pretrained(folder)
    settings = {
        "size": {"height": SIDE, "width": SIDE},
        "resample": 3,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(settings), encoding="utf-8")


def by_transformers(model: Any, pixels: np.ndarray) -> None:
    with torch.inference_mode():
        for start in range(0, len(pixels), BATCH):
            model.generate(
                pixel_values=torch.from_numpy(pixels[start : start + BATCH]),
                num_beams=BEAM,
                max_new_tokens=TOKENS,
                min_new_tokens=TOKENS,
            )


def by_bundle(folder: Path, pictures: Sequence[np.ndarray], threads: int) -> Callable[[], None]:
    captioner = showtell.load(folder, threads=threads)

    def caption() -> None:
        for result in captioner.caption_many(pictures, beam=BEAM, min_length=TOKENS, max_length=TOKENS):
            assert result.ok

    return caption


if __name__ == "__main__":
    main()
