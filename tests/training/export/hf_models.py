"""Captioners of `transformers` with random weights, small enough to be made in a moment, saved as people find them."""

import json
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

SIDE = 32
WORDS = "a dog cat man woman ball grass runs sits on the red blue in with two of photo ##s ##ing ! . , ' t".split()
VISION = {
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": SIDE,
    "patch_size": 8,
}
ENDING = 4.0  # added to the end's logit, so that captions end


def wordpiece(folder: Path, *, kind=transformers.BertTokenizer) -> int:
    """Write BERT's tokenizer; the number of its pieces."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    kind(str(folder / "vocab.txt")).save_pretrained(folder)
    return len(pieces)


def byte_bpe(folder: Path, *, roberta=False) -> int:
    """Write GPT-2's tokenizer, or RoBERTa's; the number of its pieces."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] if roberta else []
    merges = [("Ġ", "a"), ("Ġ", "d"), ("o", "g"), ("Ġd", "og"), ("c", "a"), ("ca", "t")]
    pieces = [
        *special,
        *letters,
        *("".join(pair) for pair in merges),
        *([] if roberta else ["<|endoftext|>"]),
    ]
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    names = (
        {
            "bos_token": "<s>",
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "pad_token": "<pad>",
            "mask_token": "<mask>",
        }
        if roberta
        else dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>")
    )
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(folder)
    return len(pieces)


def processor(folder: Path, *, side=SIDE, **changes) -> None:
    """Write a picture processor's settings."""
    settings = {
        "do_resize": True,
        "size": {"height": side, "width": side},
        "resample": 3,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5, 0.4, 0.3],
        "image_std": [0.2, 0.3, 0.4],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(settings | changes), encoding="utf-8")


def blip(folder: Path):
    size = wordpiece(folder)
    text = {
        "vocab_size": size + 2,
        "hidden_size": 32,
        "encoder_hidden_size": 24,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 40,
        "bos_token_id": size,
        "sep_token_id": 3,
        "eos_token_id": 3,
        "pad_token_id": 0,
    }
    config = transformers.BlipConfig(text_config=text, vision_config=VISION, projection_dim=16)
    return _saved(
        transformers.BlipForConditionalGeneration(config),
        folder,
        lambda model: model.text_decoder.cls.predictions.decoder,
        3,
    )


def git(folder: Path):
    size = wordpiece(folder)
    config = transformers.GitConfig(
        vision_config=VISION,
        vocab_size=size,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=60,
        bos_token_id=2,
        eos_token_id=3,
        pad_token_id=0,
    )
    return _saved(transformers.GitForCausalLM(config), folder, lambda model: model.output, 3)


def pair(folder: Path, vision: str, text: str):
    """A vision encoder with a text decoder of another width."""
    seen = VISION
    if vision == "swin":
        seen = {
            "image_size": SIDE,
            "patch_size": 4,
            "embed_dim": 12,
            "depths": [1, 1],
            "num_heads": [2, 4],
            "window_size": 4,
        }
    crossed = {"is_decoder": True, "add_cross_attention": True}
    if text == "gpt2":
        size = byte_bpe(folder)
        said = {
            "vocab_size": size,
            "n_embd": 32,
            "n_layer": 2,
            "n_head": 4,
            "n_positions": 40,
            "bos_token_id": size - 1,
            "eos_token_id": size - 1,
        }
        start = end = size - 1
        pad = size - 1
    else:
        roberta = text == "roberta"
        size = byte_bpe(folder, roberta=True) if roberta else wordpiece(folder)
        start, end, pad = (0, 2, 1) if roberta else (2, 3, 0)
        said = {
            "vocab_size": size,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "max_position_embeddings": 40,
            "pad_token_id": pad,
            "bos_token_id": start,
            "eos_token_id": end,
        }
    config = transformers.VisionEncoderDecoderConfig(
        encoder={"model_type": vision, **seen},
        decoder={"model_type": text, **said, **crossed},
        decoder_start_token_id=start,
        eos_token_id=end,
        pad_token_id=pad,
    )
    model = transformers.VisionEncoderDecoderModel(config)
    model.generation_config.update(decoder_start_token_id=start, eos_token_id=end, pad_token_id=pad)
    heads = {
        "gpt2": lambda one: one.decoder.lm_head,
        "bert": lambda one: one.decoder.cls.predictions.decoder,
        "roberta": lambda one: one.decoder.lm_head.decoder,
    }
    return _saved(model, folder, heads[text], end)


def _saved(model, folder: Path, head, end: int):
    """Weights that look at the picture and say different things, on disk."""
    torch.manual_seed(5)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if weights.dim() > 1:
                weights.normal_(std=0.25 if "embedding" not in name else 0.5)
            elif "bias" in name:
                weights.normal_(std=0.1)
        last = head(model)
        if getattr(last, "bias", None) is not None:
            last.bias[end] += ENDING
        else:  # GPT-2: what is always in its last state makes the end likely
            norm = model.decoder.transformer.ln_f
            last.weight[end] = 0.4 * ENDING * norm.bias / norm.bias.square().sum()
    model.eval().save_pretrained(folder)
    processor(folder)
    return model


MODELS = {
    "blip": blip,
    "git": git,
    **{
        f"{vision}-{text}": (lambda folder, vision=vision, text=text: pair(folder, vision, text))
        for vision, text in (
            ("vit", "gpt2"),
            ("deit", "bert"),
            ("swin", "roberta"),
            ("beit", "gpt2"),
            ("vit", "bert"),
        )
    },
}
