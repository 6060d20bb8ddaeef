"""What the files of a model's folder say, as ``save_pretrained`` leaves it: architecture, pictures, decoding."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import transformers

from showtell.errors import BadBundle, reason_of
from showtell.images import Preprocessing

SUPPORTED = (
    "BLIP, GIT, and vision-encoder-decoder models of ViT, DeiT, Swin or BEiT with GPT-2, BERT or RoBERTa"
)
PREFIXES = {"vit": 1, "deit": 2, "beit": 1, "swin": 0}
"""How many regions of each encoder are no places of the picture, but tokens for a class."""

MOST_TOKENS, LONGEST = 20, 100  # of a caption: unless the model says, and whatever it says


def read_config(folder: Path) -> Any:
    """The model's configuration, of an architecture that can be imported."""
    path = folder / "config.json"
    if not folder.is_dir():
        raise BadBundle(
            f"{folder}: there is no such folder; name one as save_pretrained leaves it, or hf:ORG/NAME"
        )
    try:
        kind = json.loads(path.read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise BadBundle(f"{path}: cannot be read; name a folder as save_pretrained leaves it") from error
    if kind not in ("blip", "git", "vision-encoder-decoder"):
        raise BadBundle(f"{folder}: a model of the kind {kind!r} cannot be imported; {SUPPORTED} can")
    try:
        config = transformers.AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # whatever transformers raises of a broken file
        raise BadBundle(f"{path}: cannot be understood ({reason_of(error)})") from error
    if kind == "vision-encoder-decoder":
        pair = config.encoder.model_type, config.decoder.model_type
        if pair[0] not in PREFIXES or pair[1] not in ("gpt2", "bert", "roberta"):
            raise BadBundle(
                f"{folder}: a model of {pair[0]} with {pair[1]} cannot be imported; {SUPPORTED} can"
            )
    return config


def check_weights(folder: Path, allow_pickle: bool) -> None:
    """Refuse a folder without weights, or with pickled ones that nobody allowed."""
    if any(folder.glob("*.safetensors")):
        return
    if not any(folder.glob("pytorch_model*.bin")):
        raise BadBundle(f"{folder}: has no weights (*.safetensors); fetch the model again")
    if not allow_pickle:
        raise BadBundle(
            f"{folder}: has pickled weights alone, which can run any code when they are read; if you trust whoever "
            "made them, add --allow-pickle"
        )


def read_preprocessing(folder: Path, side: int) -> Preprocessing:
    """What the model's picture processor does, as Showtell's preprocessing.

    Raises:
        BadBundle: it does something else.
    """
    settings = _processor(folder)
    size, crop = settings.get("size", side), settings.get("crop_size", side)
    shortest = size.get("shortest_edge") if isinstance(size, Mapping) else None
    squeezed = size if isinstance(size, int) else size.get("height") if isinstance(size, Mapping) else None
    cropped = settings.get("do_center_crop", False)
    wanted = (crop if isinstance(crop, int) else crop.get("height")) if cropped else (squeezed or shortest)
    if wanted != side or (isinstance(size, Mapping) and size.get("width", squeezed) != squeezed):
        raise BadBundle(
            f"{folder}: its pictures are resized to {size}, but its network takes {side} pixels a side"
        )
    filters: dict[Any, Any] = {0: "nearest", 2: "bilinear", 3: "bicubic"}
    resample = filters.get(settings.get("resample", 3))
    if resample is None:
        raise BadBundle(f"{folder}: its pictures are resized with a filter that is not known here")
    plain = not settings.get("do_normalize", True)
    scale = 1 / settings.get("rescale_factor", 1 / 255) if settings.get("do_rescale", True) else 1.0
    try:
        mean, std = (
            ((0.0,) * 3, (scale,) * 3)
            if plain
            else (tuple(value * scale for value in settings[key]) for key in ("image_mean", "image_std"))
        )
        return Preprocessing(
            size=side,
            fit="crop" if cropped or shortest is not None else "squeeze",
            resample=resample,
            mean=mean,
            std=std,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadBundle(f"{folder}: its preprocessor_config.json cannot be understood ({error})") from error


def _processor(folder: Path) -> dict[str, Any]:
    """The settings of the picture processor, in the old file or the new one."""
    for name in ("preprocessor_config.json", "processor_config.json"):
        if (folder / name).is_file():
            settings = read_json(folder / name)
            found = settings.get("image_processor", settings)
            if isinstance(found, dict):
                return found
    raise BadBundle(f"{folder}: has no preprocessor_config.json, which says how pictures are resized")


def read_decoding(folder: Path) -> dict[str, Any]:
    """Decoding defaults of the model, as far as it states any."""
    path = folder / "generation_config.json"
    settings = read_json(path) if path.is_file() else {}
    beam, most = settings.get("num_beams") or 3, settings.get("max_length") or MOST_TOKENS
    return {
        "beam": beam,
        "length_exponent": float(settings.get("length_penalty") or 1.0),
        "min_length": 1,
        "max_length": max(1, min(int(most), LONGEST)),
        "search": "heuristic",
        "no_repeat_ngram": settings.get("no_repeat_ngram_size") or 0,
    }


def read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadBundle(f"{path}: cannot be read ({reason_of(error)})") from error
    if not isinstance(content, dict):
        raise BadBundle(f"{path}: must hold a JSON object")
    return content
