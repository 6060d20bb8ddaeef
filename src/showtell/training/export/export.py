"""run -> bundle: three ONNX graphs, compared with PyTorch on real pictures, and a calibrated confidence.

The weights inside the graphs are in half precision, which halves the bundle; all arithmetic is in single precision.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from showtell.captioning import confidence
from showtell.captioning.bundle import Bundle, check_replaceable, write_bundle
from showtell.captioning.captioner import special_ids
from showtell.captioning.networks import OnnxEncoder, OnnxStepper
from showtell.corpora import Corpus, Example, kinds, open_corpus
from showtell.decoding import Hypothesis, decode
from showtell.errors import BadBundle, BadRecipe
from showtell.images import read_pixels
from showtell.metrics import Report, score
from showtell.text.cleaning import join
from showtell.text.vocabulary import Vocabulary
from showtell.training.encoders import NamedEncoder
from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.encoders.vgg16 import VGG16
from showtell.training.engine.validation import dev_examples
from showtell.training.export.card import write_card
from showtell.training.export.onnx_graph import to_onnx
from showtell.training.features.given import encoder_of
from showtell.training.models import Captioner
from showtell.training.models.state import State
from showtell.training.progress import Reporter
from showtell.training.recipe import Recipe, read_recipe
from showtell.training.train import decoding_options, load_trained

LARGEST_REGION_DIFFERENCE = 0.02  # mean difference, as a share of the regions' standard deviation
LARGEST_LOGIT_DIFFERENCE = 0.1  # of any logit; words are decided by differences of whole units
PICTURES_COMPARED = 8
STEPS_COMPARED = 8
SMALLEST_HALVED = 1024  # tensors of fewer numbers stay in single precision: they are biases and norms
GOOD_CIDER = 50.0  # percent: what the calibration calls a good caption
BATCH = 16


@dataclass(frozen=True)
class Parity:
    """How far the graphs are from PyTorch, on real pictures."""

    regions: float  # mean absolute difference over the standard deviation
    logits: float  # largest absolute difference


def export_run(
    run: Path,
    output: Path,
    *,
    name: str,
    encoder: NamedEncoder | None = None,
    reporter: Reporter = Reporter(),
) -> Bundle:
    """Make a bundle of a run's best averaged weights.

    The confidence is calibrated on the dev split of the run's corpus, and the card states the dev figures.

    Args:
        encoder: the network that made the features, for a run that was trained on a file of them.

    Raises:
        BadRecipe: the folder holds no run, or a network is needed and not given.
        BadFeatures: the network that is given does not see what the run was trained on.
        BadBundle: the run has finished no pass, its graphs do not say what PyTorch says, or the folder holds
            other things.
        BadCorpus, BadImage: the corpus that the run was trained on is not there any more.
    """
    recipe = _recipe_of(run)
    check_replaceable(output)  # before minutes of captioning, not after
    vocabulary = Vocabulary.load(run / "vocabulary.json")
    corpus = open_corpus(recipe.used["data"])
    dev = dev_examples(corpus, recipe.text.languages[0])
    network = encoder_of(run, encoder, dev)
    model = load_trained(run, recipe, vocabulary, regions=network.regions, region_width=network.width)

    bundle = _unwritten(recipe, output, name, vocabulary, network, make_graphs(network, model))
    parity = check_parity(bundle, network, model, dev[:PICTURES_COMPARED])
    reporter.note(
        f"The graphs agree with PyTorch: regions to {parity.regions:.2g}, logits to {parity.logits:.2g}."
    )
    hypotheses = _dev_hypotheses(bundle, recipe, dev, reporter)
    report = _dev_report(bundle, corpus, dev, hypotheses)
    calibration, reliability = _calibrate(hypotheses, report)
    card = write_card(recipe, report, reliability, parity=asdict(parity), good=GOOD_CIDER)
    return write_bundle(
        output,
        name=bundle.name,
        version=bundle.version,
        preprocessing=bundle.preprocessing,
        vocabulary=vocabulary,
        decoding=bundle.decoding,
        calibration=calibration,
        training=_told(recipe),
        files={**bundle.graphs, "card.md": card.encode()},
    )


def _unwritten(
    recipe: Recipe,
    output: Path,
    name: str,
    vocabulary: Vocabulary,
    network: EfficientNetLite | VGG16,
    graphs: dict[str, bytes],
) -> Bundle:
    """The bundle before it is calibrated and written, so that what is measured is what ships."""
    return Bundle(
        folder=output,
        name=name,
        version=str(recipe.used["showtell"]),
        languages=recipe.text.languages,
        preprocessing=network.preprocessing,
        vocabulary=vocabulary,
        decoding=asdict(recipe.decoding),
        calibration=None,
        training={},
        graphs=graphs,
    )


def _recipe_of(run: Path) -> Recipe:
    if not (run / "recipe.toml").exists():
        raise BadRecipe(f"{run} is not a run: it has no recipe.toml; train one with showtell train.")
    return read_recipe(run / "recipe.toml")


def _told(recipe: Recipe) -> dict[str, Any]:
    """The recipe as the manifest tells it; where the data lay on somebody's disk is nobody's business."""
    told = asdict(recipe)
    if recipe.text.embeddings is not None:
        told["text"]["embeddings"]["file"] = Path(recipe.text.embeddings.file).name
    return told | {"used": {**recipe.used, "data": kinds(str(recipe.used["data"]))}}


def _dev_hypotheses(
    bundle: Bundle, recipe: Recipe, dev: list[Example], reporter: Reporter
) -> list[list[Hypothesis]]:
    """What the graphs say of each dev picture: the whole beam, as the captioner asks for it."""
    encoder, stepper = OnnxEncoder(bundle), OnnxStepper(bundle)
    ids = special_ids(bundle.vocabulary, bundle.languages[0])
    options = decoding_options(recipe, candidates=recipe.decoding.beam)
    found: list[list[Hypothesis]] = []
    with reporter.bar(len(dev), "Captioning the dev split") as advance:
        for start in range(0, len(dev), BATCH):
            chosen = dev[start : start + BATCH]
            pixels = np.stack([read_pixels(example.path, bundle.preprocessing) for example in chosen])
            found += decode(stepper, encoder(pixels), ids, options)
            advance(len(chosen))
    return found


def _dev_report(
    bundle: Bundle, corpus: Corpus, dev: list[Example], hypotheses: list[list[Hypothesis]]
) -> Report:
    language = bundle.languages[0]
    captions = {
        example.id: join(bundle.vocabulary.decode(found[0].tokens), language)
        for example, found in zip(dev, hypotheses, strict=True)
    }
    return score(captions, corpus.scoring_references(dev, language), language=language)


def _calibrate(
    hypotheses: list[list[Hypothesis]], report: Report
) -> tuple[confidence.Calibration, list[confidence.Reliability]]:
    """The confidence fitted on dev captions and their scores; how reliable it is, cross-validated."""
    table = np.stack([confidence.measure(found) for found in hypotheses])
    good = np.asarray(report["CIDEr"].per_picture) >= GOOD_CIDER
    calibration = confidence.fit(
        table, good, target=f"CIDEr of at least {GOOD_CIDER:g} against five references"
    )
    return calibration, confidence.reliability(confidence.cross_validated(table, good), good)


def make_graphs(encoder: EfficientNetLite | VGG16, model: nn.Module) -> dict[str, bytes]:
    """The three graphs of a bundle by file name, with weights in half precision."""
    size = encoder.preprocessing.size
    pixels = torch.zeros(2, 3, size, size)
    captioner = cast(Captioner, model.eval())
    with torch.inference_mode():
        regions = encoder.eval()(pixels).clone()
        first = captioner.begin(regions)
        _, _, second = captioner.step(torch.zeros(2, 1, dtype=torch.long), first)
    graphs = {
        "encoder.onnx": to_onnx(
            encoder,
            (pixels,),
            inputs=["pixels"],
            outputs=["regions"],
            dynamic={"pixels": {0: "B"}, "regions": {0: "B"}},
        ),
        "begin.onnx": _begin_graph(captioner, regions),
        "step.onnx": _step_graph(captioner, first, second),
    }
    return {name: halved(graph) for name, graph in graphs.items()}


def check_parity(
    bundle: Bundle, encoder: EfficientNetLite | VGG16, model: nn.Module, examples: list[Example]
) -> Parity:
    """Compare the graphs with PyTorch on pictures: their regions, and the logits along PyTorch's greedy captions.

    Raises:
        BadBundle: they differ by more than the tolerances that stand at the top of this module.
    """
    pixels = np.stack([read_pixels(example.path, encoder.preprocessing) for example in examples])
    with torch.inference_mode():
        expected = encoder.eval()(torch.from_numpy(pixels)).numpy()
    regions = OnnxEncoder(bundle)(pixels)
    apart = float(np.abs(regions - expected).mean() / expected.std())
    parity = Parity(apart, _largest_logit_difference(bundle, model, expected))
    if not (parity.regions <= LARGEST_REGION_DIFFERENCE and parity.logits <= LARGEST_LOGIT_DIFFERENCE):
        raise BadBundle(
            f"The exported graphs do not say what PyTorch says: regions differ by {parity.regions:.3g} (at most "
            f"{LARGEST_REGION_DIFFERENCE}), logits by {parity.logits:.3g} (at most {LARGEST_LOGIT_DIFFERENCE})."
        )
    return parity


def _largest_logit_difference(bundle: Bundle, model: nn.Module, regions: NDArray[np.float32]) -> float:
    captioner = cast(Captioner, model.eval())
    stepper = OnnxStepper(bundle)
    start = bundle.vocabulary.start_ids[bundle.languages[0]]
    tokens = np.full((len(regions), 1), start, dtype=np.int64)
    state = stepper.begin(regions)
    largest = 0.0
    with torch.inference_mode():
        expected_state = captioner.begin(torch.from_numpy(regions))
        for _ in range(STEPS_COMPARED):
            expected, _, expected_state = captioner.step(torch.from_numpy(tokens), expected_state)
            logits, _, state = stepper.step(tokens, state)
            largest = max(largest, float(np.abs(logits - expected[:, 0].numpy()).max()))
            tokens = expected[:, 0].argmax(dim=-1, keepdim=True).numpy()
    return largest


class _Begin(nn.Module):
    """``begin`` as a module of its own, since the exporter wants a ``forward``."""

    def __init__(self, captioner: Captioner):
        super().__init__()
        self.captioner = captioner

    def forward(self, regions: Tensor) -> State:
        return self.captioner.begin(regions)


class _Step(nn.Module):
    """``step`` for one token: logits [B, V], attention [B, R], and the tensors of the state that change."""

    def __init__(self, captioner: Captioner):
        super().__init__()
        self.captioner = captioner

    def forward(self, tokens: Tensor, *state: Tensor) -> State:
        logits, attention, following = self.captioner.step(tokens, state)
        changed = [tensor for place, tensor in enumerate(following) if place not in self.captioner.fixed]
        return (logits[:, 0], attention[:, 0], *changed)


def _begin_graph(captioner: Captioner, regions: Tensor) -> bytes:
    names = [f"state.{name}" for name in captioner.state_names]
    return to_onnx(
        _Begin(captioner),
        (regions,),
        inputs=["regions"],
        outputs=names,
        dynamic={name: {0: "B"} for name in ["regions", *names]},
    )


def _step_graph(captioner: Captioner, first: State, second: State) -> bytes:
    """Batch and every axis that grew between two steps are free."""
    changing = [name for place, name in enumerate(captioner.state_names) if place not in captioner.fixed]
    dynamic = {name: {0: "B"} for name in ("tokens", "logits", "attention")}
    for place, name in enumerate(captioner.state_names):
        dynamic[f"state.{name}"] = {0: "B"}
        lengths = zip(first[place].shape, second[place].shape, strict=True)
        for axis, (before, after) in enumerate(lengths):
            if before != after:
                dynamic[f"state.{name}"][axis] = "T"
    for name in changing:
        free = dynamic[f"state.{name}"]
        dynamic[f"next.{name}"] = {
            axis: "next T" if length == "T" else length for axis, length in free.items()
        }
    return to_onnx(
        _Step(captioner),
        (torch.zeros(2, 1, dtype=torch.long), *second),
        inputs=["tokens", *(f"state.{name}" for name in captioner.state_names)],
        outputs=["logits", "attention", *(f"next.{name}" for name in changing)],
        dynamic=dynamic,
        fold=False,
    )


def halved(graph: bytes) -> bytes:
    """The same graph with its large weights stored as float16 and cast back when it is loaded."""
    model = onnx.load_from_string(graph)
    casts = []
    for weights in model.graph.initializer:
        numbers = numpy_helper.to_array(weights)
        if numbers.dtype != np.float32 or numbers.size < SMALLEST_HALVED:
            continue
        name = weights.name
        weights.CopyFrom(numpy_helper.from_array(numbers.astype(np.float16), f"{name}.half"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model.SerializeToString()
