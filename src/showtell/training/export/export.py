"""run -> bundle: ONNX graphs, compared with PyTorch on real pictures, and a confidence calibrated in each language.

The weights inside the graphs are in half precision, which halves the bundle; all arithmetic is in single precision, but
for the encoder's and a step's where the recipe wants integers.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from showtell.captioning import confidence
from showtell.captioning.bundle import Bundle, check_replaceable, write_bundle
from showtell.captioning.captioner import BundleCaptioner
from showtell.captioning.confidence import Calibration
from showtell.captioning.evaluate import Evaluation, evaluate
from showtell.captioning.networks import OnnxEncoder, OnnxStepper
from showtell.corpora import Corpus, Example, kinds, open_corpus
from showtell.errors import BadBundle, BadRecipe
from showtell.images import Preprocessing, read_pixels
from showtell.progress import Progress
from showtell.text.vocabulary import Vocabulary
from showtell.training.data.selection import ValidationSet, validation_sets, without_sources
from showtell.training.encoders import NamedEncoder
from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.encoders.vgg16 import VGG16
from showtell.training.export.card import write_card
from showtell.training.export.embedder import embedder_graphs
from showtell.training.export.graphs import BothSides, make_graphs
from showtell.training.export.integer_encoder import in_integers
from showtell.training.features.imported import encoder_of
from showtell.training.models import Captioner as Model
from showtell.training.recipe import read_recipe
from showtell.training.runs.run import build, load_trained
from showtell.training.settings import Recipe

# By precision: mean difference, as a share of the regions' standard deviation.
LARGEST_REGION_DIFFERENCE = {"fp16": 0.02, "int8": 0.06}
# Of any logit; words are decided by differences of whole units.
LARGEST_LOGIT_DIFFERENCE = {"fp16": 0.1, "int8": 0.5}
PICTURES_COMPARED = 8
PICTURES_CALIBRATED = 64  # that the scales of an encoder in integers are found by
STEPS_COMPARED = 8
GOOD_CIDER = 50.0  # percent: what the calibration calls a good caption


@dataclass(frozen=True)
class Parity:
    """How far the graphs are from PyTorch, on real pictures."""

    regions: float  # mean absolute difference over the standard deviation
    logits: float  # largest absolute difference, in any language


@dataclass(frozen=True)
class Judged:
    """The captions of one dev set, measured for a calibration.

    Attributes:
        evaluation: the figures.
        table: of ``confidence.measure`` [N, F].
        good: whether each caption is good [N].
    """

    evaluation: Evaluation
    table: NDArray[np.float64]
    good: NDArray[np.bool_]


def export_run(
    run: Path,
    output: Path,
    *,
    name: str,
    encoder: NamedEncoder | None = None,
    embedder: Path | None = None,
    progress: Progress = Progress(),
) -> Bundle:
    """Make a bundle of a run's best averaged weights.

    The confidence is calibrated in each language on the dev sets of the run's corpora, and the card states their
    figures.

    Args:
        encoder: the network that made the features, for a run that was trained on a file of them.
        embedder: the folder of a run of the recipe ``embedder`` on the same encoder, for a bundle that searches.

    Raises:
        BadRecipe: the folder holds no run, or a network is needed and not given.
        BadFeatures: the network that is given does not give what the run was trained on.
        BadBundle: the run has finished no epoch, its graphs do not give what PyTorch gives, or the folder holds
            other things.
        BadCorpus, BadImage: the corpus that the run was trained on is not there any more.
    """
    recipe = _recipe_of(run)
    check_replaceable(output)  # before minutes of captioning, not after
    corpus = open_corpus(recipe.used["data"])
    sets = validation_sets(corpus, recipe.text.languages)
    compared = sets[0].examples[:PICTURES_COMPARED]
    network = encoder_of(run, encoder, [example for one in sets for example in one.examples])
    vocabulary, model = _captioner_of(run, recipe, network)
    exported = BothSides(network, recipe.export.mirrored) if recipe.export.mirrored else network
    graphs = _captioning_graphs(recipe, corpus, exported, model)
    if embedder is not None:
        graphs |= embedder_graphs(
            embedder, network, vocabulary, regions=network.regions, region_width=network.width
        )
    bundle = Bundle(  # what is measured, before the calibration is known, is what ships
        folder=output,
        name=name,
        version=str(recipe.used["showtell"]),
        languages=recipe.text.languages,
        preprocessing=network.preprocessing,
        vocabulary=vocabulary,
        graphs=graphs,
        decoding=asdict(recipe.decoding),
        training=_published(recipe),
    )
    parity = check_parity(bundle, exported, model, compared, precision=recipe.export.precision)
    progress.note(
        f"the graphs agree with PyTorch: regions to {parity.regions:.2g}, logits to {parity.logits:.2g}"
    )
    judged = [_judge(BundleCaptioner(bundle), one, progress) for one in sets]
    calibration, reliability = _calibrate(judged)
    card = write_card(
        recipe, [one.evaluation for one in judged], reliability, parity=asdict(parity), good=GOOD_CIDER
    )
    return write_bundle(replace(bundle, calibration=calibration), {"card.md": card.encode()})


def _captioning_graphs(
    recipe: Recipe, corpus: Corpus, encoder: EfficientNetLite | VGG16 | BothSides, model: nn.Module
) -> dict[str, bytes]:
    """The graphs that caption, by file name, in the precision that the recipe wants."""
    graphs = make_graphs(encoder, model, precision=recipe.export.precision)
    network = encoder.encoder if isinstance(encoder, BothSides) else encoder
    if recipe.export.precision == "int8" and isinstance(network, EfficientNetLite):  # VGG16 is not measured
        pixels = calibration_pixels(corpus, network.preprocessing)
        graphs["encoder.onnx"] = in_integers(graphs["encoder.onnx"], pixels)
    return graphs


def calibration_pixels(corpus: Corpus, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """Pixels [B, 3, S, S] of pictures that are trained on, evenly spread over the corpus."""
    examples = corpus.training_examples
    chosen = examples[:: math.ceil(len(examples) / PICTURES_CALIBRATED)]
    return np.stack([read_pixels(example.path, preprocessing) for example in chosen])


def _recipe_of(run: Path) -> Recipe:
    if not (run / "recipe.toml").exists():
        raise BadRecipe(f"{run} is not a run: it has no recipe.toml; train one with showtell train")
    return read_recipe(run / "recipe.toml")


def _captioner_of(
    run: Path, recipe: Recipe, network: EfficientNetLite | VGG16
) -> tuple[Vocabulary, nn.Module]:
    """Vocabulary and model without the start tokens of sources, which training alone knows."""
    whole = Vocabulary.load(run / "vocabulary.json")
    shape = {"regions": network.regions, "region_width": network.width}
    trained = load_trained(run, recipe, whole, **shape)
    vocabulary = without_sources(whole)
    model = build(recipe, vocabulary, **shape)
    known = model.state_dict()
    # Their rows are the last ones of each tensor that has a row per token; the others are as long as before.
    model.load_state_dict(
        {
            name: tensor[: len(known[name])] if tensor.ndim else tensor
            for name, tensor in trained.state_dict().items()
        }
    )
    return vocabulary, model.eval()


def _published(recipe: Recipe) -> dict[str, Any]:
    """The recipe as the manifest has it; where the data lay on somebody's disk is nobody's business."""
    published = asdict(recipe)
    if recipe.text.embeddings is not None:
        published["text"]["embeddings"]["file"] = Path(recipe.text.embeddings.file).name
    published["text"]["vocabulary"] = Path(recipe.text.vocabulary).name
    return published | {"used": {**recipe.used, "data": kinds(str(recipe.used["data"]))}}


def _judge(captioner: BundleCaptioner, one: ValidationSet, progress: Progress) -> Judged:
    """Caption a dev set as the captioner that ships will, and score it."""
    found = evaluate(captioner, one.corpus, language=one.language, progress=progress)
    table = [confidence.measure((caption, *caption.alternatives)) for caption in found.found.values()]
    return Judged(found, np.stack(table), np.asarray(found.report["CIDEr"].per_picture) >= GOOD_CIDER)


def _calibrate(
    judged: Sequence[Judged],
) -> tuple[dict[str, Calibration], dict[str, list[confidence.Reliability]]]:
    """The confidence fitted on all dev captions of a language; how reliable it is, cross-validated."""
    calibration, reliability = {}, {}
    for language in dict.fromkeys(one.evaluation.language for one in judged):
        mine = [one for one in judged if one.evaluation.language == language]
        table = np.concatenate([one.table for one in mine])
        good = np.concatenate([one.good for one in mine])
        calibration[language] = confidence.fit(
            table, good, target=f"CIDEr of at least {GOOD_CIDER:g} against captions by people"
        )
        held_out = confidence.cross_validated(table, good)
        reliability[language] = confidence.reliability(held_out, good)
    return calibration, reliability


def check_parity(
    bundle: Bundle,
    encoder: EfficientNetLite | VGG16 | BothSides,
    model: nn.Module,
    examples: Sequence[Example],
    *,
    precision: Literal["fp16", "int8"],
) -> Parity:
    """Compare the graphs with PyTorch on pictures: their regions, and the logits along PyTorch's greedy captions.

    Args:
        precision: that the recipe wants, which says how large a difference is let pass.

    Raises:
        BadBundle: the regions differ by more than `LARGEST_REGION_DIFFERENCE`, or a logit by more than
            `LARGEST_LOGIT_DIFFERENCE`.
    """
    pixels = np.stack([read_pixels(example.path, encoder.preprocessing) for example in examples])
    with torch.inference_mode():
        expected = encoder.eval()(torch.from_numpy(pixels)).numpy()
    regions = OnnxEncoder(bundle)(pixels)
    apart = float(np.abs(regions - expected).mean() / expected.std())
    parity = Parity(apart, _largest_logit_difference(bundle, model, expected))
    regions_limit, logits_limit = LARGEST_REGION_DIFFERENCE[precision], LARGEST_LOGIT_DIFFERENCE[precision]
    if not (parity.regions <= regions_limit and parity.logits <= logits_limit):
        raise BadBundle(
            f"the exported graphs do not give what PyTorch gives: regions differ by {parity.regions:.3g} (at most "
            f"{regions_limit}), logits by {parity.logits:.3g} (at most {logits_limit})"
        )
    return parity


def _largest_logit_difference(bundle: Bundle, model: nn.Module, regions: NDArray[np.float32]) -> float:
    captioner = cast(Model, model.eval())
    stepper = OnnxStepper(bundle)
    largest = 0.0
    for language in bundle.languages:
        tokens = np.full((len(regions), 1), bundle.vocabulary.start_ids[language], dtype=np.int64)
        state = stepper.begin(regions)
        with torch.inference_mode():
            expected_state = captioner.begin(torch.from_numpy(regions))
            for _ in range(STEPS_COMPARED):
                expected, _, expected_state = captioner.step(torch.from_numpy(tokens), expected_state)
                logits, _, state = stepper.step(tokens, state)
                largest = max(largest, float(np.abs(logits - expected[:, 0].numpy()).max()))
                tokens = expected[:, 0].argmax(dim=-1, keepdim=True).numpy()
    return largest
