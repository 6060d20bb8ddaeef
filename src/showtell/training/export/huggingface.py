"""A captioner of Hugging Face's `transformers` -> a bundle: BLIP, GIT, and vision encoders with text decoders.

::

    folder (config.json, weights, tokenizer, preprocessor)     as save_pretrained leaves it
      -> Parts       the picture network and the decoder, which takes a token at a time (decoders.py)
      -> Tokens      the tokenizer's pieces with Showtell's special tokens (pieces.py)
      -> bundle      ONNX graphs, compared with PyTorch

No code from a model's folder is run, and pickled weights are read only when they are asked for.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import transformers
from torch import Tensor, nn

from showtell.captioning.bundle import Bundle, check_replaceable, write_bundle
from showtell.captioning.networks import OnnxEncoder, OnnxStepper
from showtell.errors import BadBundle, reason_of
from showtell.images import Preprocessing
from showtell.progress import Progress
from showtell.training.export.card import LANGUAGES
from showtell.training.export.decoders import (
    BertEmbedding,
    CachedDecoder,
    GPT2Embedding,
    bert_layers,
    gpt2_layers,
)
from showtell.training.export.graphs import halved, make_graphs
from showtell.training.export.model_folder import (
    PREFIXES,
    check_weights,
    read_config,
    read_decoding,
    read_preprocessing,
)
from showtell.training.export.pieces import Pieces, pieces_of
from showtell.training.export.quantised import quantised

Precision = Literal["fp32", "fp16", "int8"]

LARGEST_DIFFERENCE = 1e-3  # of any logit, in single precision
PICTURES_COMPARED, STEPS_COMPARED = 2, 8


class PictureEncoder(nn.Module):
    """Pixels [B, 3, S, S] -> regions [B, R, D].

    Args:
        network: a vision model of `transformers`.
        preprocessing: what it expects.
    """

    def __init__(self, network: nn.Module, preprocessing: Preprocessing):
        super().__init__()
        self.network, self.preprocessing = network, preprocessing

    def forward(self, pixels: Tensor) -> Tensor:
        return self.network(pixels, return_dict=False)[0]


@dataclass(frozen=True)
class Parts:
    """A captioner of `transformers`, taken apart.

    Attributes:
        model: the whole, which the graphs are compared with.
        kind: ``blip``, ``git`` or ``vision-encoder-decoder``.
        encoder: the picture network.
        decoder: one token at a time.
    """

    model: Any
    kind: str
    encoder: PictureEncoder
    decoder: CachedDecoder


def import_model(
    folder: Path,
    output: Path,
    *,
    name: str,
    source: str,
    language: str = "en",
    prompt: str = "",
    precision: Precision = "fp32",
    allow_pickle: bool = False,
    progress: Progress = Progress(),
) -> Bundle:
    """Make a bundle of a captioner of `transformers`.

    Args:
        folder: the model, as ``save_pretrained`` leaves it.
        output: the bundle's folder.
        name: what the bundle calls itself.
        source: where the model comes from, for the card.
        language: of its captions, ``en`` or ``zh``.
        prompt: words that each caption goes on from, such as "a photography of"; they are not part of it.
        precision: of the weights; ``int8`` quantises matrix products dynamically.
        allow_pickle: read weights that are pickled, which may run code.

    Raises:
        BadBundle: the folder holds no model that can be imported, its graphs do not give what PyTorch gives, or the
            output folder holds other things.
    """
    check_replaceable(output)
    config = read_config(folder)
    pieces = pieces_of(folder, config, language=language, prompt=prompt)
    parts = take_apart(folder, config, pieces, allow_pickle=allow_pickle)
    progress.note(f"{source}: {config.model_type}, {_millions(parts.model)} million parameters")
    graphs = make_graphs(parts.encoder, parts.decoder, precision="fp32")
    bundle = Bundle(
        folder=output,
        name=name,
        version="1",
        languages=tuple(pieces.vocabulary.start_ids),
        preprocessing=parts.encoder.preprocessing,
        vocabulary=pieces.vocabulary,
        graphs=graphs,
        decoding=read_decoding(folder),
        training={"imported from": source, "architecture": config.model_type, "precision": precision},
        join=pieces.join,
        prompts={language: pieces.prompt} if pieces.prompt else {},
    )
    expected = compare(bundle, parts, pieces)
    if expected.logits > LARGEST_DIFFERENCE:
        raise BadBundle(
            f"{folder}: the exported graphs do not give what PyTorch gives: logits differ by {expected.logits:.3g} "
            f"(at most {LARGEST_DIFFERENCE}); report it with the model's name"
        )
    if precision != "fp32":
        change = halved if precision == "fp16" else quantised
        bundle = replace(bundle, graphs={name: change(graph) for name, graph in graphs.items()})
        expected = compare(bundle, parts, pieces)
    progress.note(f"the graphs agree with PyTorch: logits to {expected.logits:.2g}")
    card = _card(name, source, config, parts, language, precision, expected)
    return write_bundle(bundle, {"card.md": card.encode()})


def take_apart(folder: Path, config: Any, pieces: Pieces, *, allow_pickle: bool = False) -> Parts:
    """The model of a folder, and its parts.

    Raises:
        BadBundle: the weights are missing, pickled or broken, or the architecture is another.
    """
    classes: dict[str, Any] = {
        "blip": transformers.BlipForConditionalGeneration,
        "git": transformers.GitForCausalLM,
        "vision-encoder-decoder": transformers.VisionEncoderDecoderModel,
    }
    check_weights(folder, allow_pickle)
    try:
        model = (
            classes[config.model_type]
            .from_pretrained(
                folder,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=None if allow_pickle else True,
                attn_implementation="eager",
                dtype=torch.float32,
            )
            .eval()
        )
    except Exception as error:  # whatever transformers raises of a broken folder
        raise BadBundle(f"{folder}: the model cannot be loaded ({reason_of(error)})") from error
    build = {"blip": _blip, "git": _git, "vision-encoder-decoder": _pair}[config.model_type]
    network, decoder, side = build(model, pieces)
    return Parts(
        model,
        config.model_type,
        PictureEncoder(network, read_preprocessing(folder, side)).eval(),
        decoder.eval(),
    )


def reference_logits(parts: Parts, pixels: Tensor, tokens: Tensor) -> Tensor:
    """What the model itself gives after each of these tokens [B, T], without any cache: logits [B, T, V]."""
    model: Any = parts.model
    with torch.inference_mode():
        if parts.kind == "git":
            found = model(input_ids=tokens, pixel_values=pixels, use_cache=False).logits
            return found[:, -tokens.shape[1] :]
        if parts.kind == "blip":
            regions = model.vision_model(pixel_values=pixels)[0]
            return model.text_decoder(
                input_ids=tokens, encoder_hidden_states=regions, use_cache=False, return_dict=True
            ).logits
        return model(pixel_values=pixels, decoder_input_ids=tokens, use_cache=False).logits


@dataclass(frozen=True)
class Difference:
    """How far graphs are from PyTorch.

    Attributes:
        logits: the largest difference of any.
        agreement: the share of steps at which both find the same token the most probable.
    """

    logits: float
    agreement: float


def compare(bundle: Bundle, parts: Parts, pieces: Pieces) -> Difference:
    """Graphs and PyTorch on made-up pictures, along the tokens that PyTorch finds most probable."""
    size = bundle.preprocessing.size
    pixels = np.random.default_rng(0).normal(size=(PICTURES_COMPARED, 3, size, size)).astype(np.float32)
    stepper = OnnxStepper(bundle)
    state = stepper.begin(OnnxEncoder(bundle)(pixels))
    start = next(iter(bundle.vocabulary.start_ids.values()))
    tokens = torch.full((len(pixels), 1), pieces.rows[start])
    given = np.full((len(pixels), 1), start, np.int64)
    largest, same = 0.0, []
    for _ in range(STEPS_COMPARED):
        logits, _, state = stepper.step(given, state)
        expected = reference_logits(parts, torch.from_numpy(pixels), tokens)[:, -1].numpy()
        found = logits[:, : expected.shape[1]]
        largest = max(largest, float(np.abs(found - expected).max()))
        same.append(found.argmax(axis=1) == expected.argmax(axis=1))
        given = expected.argmax(axis=1)[:, None]
        tokens = torch.cat((tokens, torch.from_numpy(given)), dim=1)
    return Difference(largest, float(np.mean(same)))


def _blip(model: Any, pieces: Pieces) -> tuple[nn.Module, CachedDecoder, int]:
    text = model.text_decoder
    heads = text.config.num_attention_heads
    decoder = CachedDecoder(
        embed=BertEmbedding(text.bert.embeddings),
        layers=bert_layers(text.bert.encoder, heads),
        head=text.cls,
        project=nn.Identity(),
        prefix=1,
        rows=pieces.rows,
        added=pieces.added,
    )
    return model.vision_model, decoder, model.config.vision_config.image_size


def _git(model: Any, pieces: Pieces) -> tuple[nn.Module, CachedDecoder, int]:
    heads = model.config.num_attention_heads
    decoder = CachedDecoder(
        embed=BertEmbedding(model.git.embeddings),
        layers=bert_layers(model.git.encoder, heads, crossed=False),
        head=model.output,
        project=model.git.visual_projection,
        prefix=1,
        rows=pieces.rows,
        added=pieces.added,
    )
    return model.git.image_encoder, decoder, model.config.vision_config.image_size


def _pair(model: Any, pieces: Pieces) -> tuple[nn.Module, CachedDecoder, int]:
    text, kind = model.decoder, model.config.decoder.model_type
    heads = model.config.decoder.num_attention_heads
    if kind == "gpt2":
        embed: nn.Module = GPT2Embedding(text.transformer)
        layers = gpt2_layers(text.transformer, heads)
        head: nn.Module = nn.Sequential(text.transformer.ln_f, text.lm_head)
    else:
        body = text.bert if kind == "bert" else text.roberta
        offset = 0 if kind == "bert" else body.embeddings.padding_idx + 1
        embed = BertEmbedding(body.embeddings, offset=offset)
        layers = bert_layers(body.encoder, heads)
        head = text.cls if kind == "bert" else text.lm_head
    decoder = CachedDecoder(
        embed=embed,
        layers=layers,
        head=head,
        project=getattr(model, "enc_to_dec_proj", nn.Identity()),
        prefix=PREFIXES[model.config.encoder.model_type],
        rows=pieces.rows,
        added=pieces.added,
    )
    return model.encoder, decoder, model.config.encoder.image_size


def _card(
    name: str,
    source: str,
    config: Any,
    parts: Parts,
    language: str,
    precision: Precision,
    difference: Difference,
) -> str:
    how = parts.encoder.preprocessing
    return f"""# {name}

Imported from {source}: {config.model_type}, {_millions(parts.model)} million parameters, captions in \
{LANGUAGES[language]}, pictures of {how.size} pixels a side ({how.fit}). Weights in {precision}.

Its licence, its data and its figures are those of the model it comes from. Showtell has measured one thing: over \
{PICTURES_COMPARED} made-up pictures and {STEPS_COMPARED} tokens each, the graphs' logits differ from PyTorch's by at \
most {difference.logits:.2g}, and the most probable token is the same at {difference.agreement:.0%} of the steps. \
`showtell evaluate BUNDLE --data SPEC` scores it on your own captions.
"""


def _millions(model: nn.Module) -> int:
    return round(sum(weights.numel() for weights in model.parameters()) / 1e6)
