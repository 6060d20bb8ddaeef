"""A trained dual encoder -> the two graphs that make a bundle's captioner search: ``embedder.onnx``, ``text.onnx``."""

from pathlib import Path

import torch
from torch import Tensor, nn

from showtell.errors import BadBundle, BadRecipe
from showtell.text.vocabulary import Vocabulary
from showtell.training.data.selection import without_sources
from showtell.training.encoders import checksum
from showtell.training.engine.checkpoint import load_average
from showtell.training.export.graphs import halved
from showtell.training.export.onnx_graph import to_onnx
from showtell.training.models import build_model
from showtell.training.models.alignment import DualEncoder
from showtell.training.recipe import read_recipe


def embedder_graphs(
    run: Path, encoder: nn.Module, vocabulary: Vocabulary, *, regions: int, region_width: int
) -> dict[str, bytes]:
    """The graphs by file name, with weights in half precision.

    Args:
        run: the folder of a run whose model is a ``dual_encoder``.
        encoder: of the bundle, which must be the one that the run learnt from.
        vocabulary: of the bundle, whose words the run must know.
        regions, region_width: R and D of the encoder.

    Raises:
        BadRecipe: the folder is no run, or of another kind of model.
        BadBundle: the run is not trained, or goes with another encoder or vocabulary.
    """
    recipe = read_recipe(run / "recipe.toml")
    if recipe.model.name != "dual_encoder":
        raise BadRecipe(f"{run} is a run of {recipe.model.name}; give one of the recipe embedder")
    if recipe.used.get("encoder") != checksum(encoder):
        raise BadBundle(f"{run} learnt from another encoder's features; train it with this run's --encoder")
    if without_sources(Vocabulary.load(run / "vocabulary.json")) != vocabulary:
        raise BadBundle(
            f"{run} has another vocabulary; train it with --set text.vocabulary=RUN/vocabulary.json"
        )
    model = build_model(
        recipe.model.name,
        vocabulary=len(vocabulary),
        regions=regions,
        region_width=region_width,
        settings=recipe.model.settings,
    )
    model.load_state_dict(load_average(run / "checkpoints" / "best.safetensors"))
    assert isinstance(model, DualEncoder)
    pictures, texts = _Pictures(model.eval()), _Texts(model)
    return {
        "embedder.onnx": halved(
            to_onnx(
                pictures,
                (torch.zeros(2, regions, region_width),),
                inputs=["regions"],
                outputs=["vector"],
                dynamic={"regions": {0: "B"}, "vector": {0: "B"}},
            )
        ),
        "text.onnx": halved(
            to_onnx(
                texts,
                (torch.tensor([[5, 6, 7], [5, 6, 0]]),),
                inputs=["tokens"],
                outputs=["vector"],
                dynamic={"tokens": {0: "B", 1: "T"}, "vector": {0: "B"}},
            )
        ),
    }


class _Pictures(nn.Module):
    """``encode_pictures`` as a module of its own, since the exporter wants a ``forward``."""

    def __init__(self, model: DualEncoder):
        super().__init__()
        self.model = model

    def forward(self, regions: Tensor) -> Tensor:
        return self.model.encode_pictures(regions)  # [B, E]


class _Texts(nn.Module):
    """``encode_texts`` as a module of its own."""

    def __init__(self, model: DualEncoder):
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        return self.model.encode_texts(tokens)  # [B, E]
