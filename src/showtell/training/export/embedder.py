"""A trained dual encoder -> the two graphs that make a bundle's captioner search: ``embedder.onnx``, ``text.onnx``."""

from pathlib import Path

import torch
from torch import nn

from showtell.errors import BadBundle, BadRecipe
from showtell.text.vocabulary import Vocabulary
from showtell.training.data.selection import without_sources
from showtell.training.encoders import checksum
from showtell.training.export.graphs import halved
from showtell.training.export.onnx_graph import Method, to_onnx
from showtell.training.recipe import read_recipe
from showtell.training.runs.run import load_trained


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
    model = load_trained(run, recipe, vocabulary, regions=regions, region_width=region_width)
    pictures = to_onnx(
        Method(model, "encode_pictures"),
        (torch.zeros(2, regions, region_width),),
        inputs=["regions"],
        outputs=["vector"],  # [B, E]
    )
    texts = to_onnx(
        Method(model, "encode_texts"),
        (torch.tensor([[5, 6, 7], [5, 6, 0]]),),
        inputs=["tokens"],
        outputs=["vector"],  # [B, E]
        dynamic={"tokens": {1: "T"}},
    )
    return {"embedder.onnx": halved(pictures), "text.onnx": halved(texts)}
