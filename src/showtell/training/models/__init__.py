"""Captioners, one file each, behind two methods: ``begin`` reads a picture, ``step`` gives the next word's logits.

Beside them, models of alignment (``alignment.py``), which score sentences for pictures and say nothing.

A model also names its state: ``state_names``, one for each tensor, and ``fixed``, the indices of those that never
change while decoding.
"""

import inspect
from typing import Any

from torch import nn

from showtell.errors import BadRecipe
from showtell.training.models.alignment import DeVSA, DualEncoder
from showtell.training.models.merge import Merge
from showtell.training.models.nic import NIC
from showtell.training.models.soft_attention import SoftAttention
from showtell.training.models.state import Captioner as Captioner
from showtell.training.models.transformer import Transformer
from showtell.training.models.two_lstm import TwoLSTM

MODELS: dict[str, type[nn.Module]] = {
    "merge": Merge,
    "nic": NIC,
    "soft_attention": SoftAttention,
    "transformer": Transformer,
    "two_lstm": TwoLSTM,
}
ALIGNMENTS: dict[str, type[nn.Module]] = {"devsa": DeVSA, "dual_encoder": DualEncoder}


def build_model(
    name: str, *, vocabulary: int, regions: int, region_width: int, settings: dict[str, Any]
) -> nn.Module:
    """A model by name.

    Raises:
        BadRecipe: there is no such model, it has no such setting, or a setting's value cannot be.
    """
    models = MODELS | ALIGNMENTS
    if name not in models:
        raise BadRecipe(f"there is no model {name!r}; there are {', '.join(sorted(models))}")
    known = set(inspect.signature(models[name]).parameters) - {"vocabulary", "regions", "region_width"}
    unknown = settings.keys() - known
    if unknown:
        raise BadRecipe(
            f"the model {name!r} has no setting {sorted(unknown)[0]!r}; it has {', '.join(sorted(known))}"
        )
    try:
        return models[name](vocabulary=vocabulary, regions=regions, region_width=region_width, **settings)
    except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
        raise BadRecipe(f"the model {name!r} cannot be built with the settings {settings}: {error}") from None
