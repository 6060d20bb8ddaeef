"""Models small enough for tests, by name."""

import inspect

import torch

from showtell.training.models import MODELS, build_model

VOCABULARY, REGIONS, WIDTH = 30, 4, 12
SENTINEL = "soft_attention, sentinel"


def small(name: str, *, vocabulary=VOCABULARY, regions=REGIONS, region_width=WIDTH, **settings: object):
    torch.manual_seed(1)
    name, _, option = name.partition(", ")
    settings = {"width": 32, **settings} | ({option: True} if option else {})
    if "heads" in inspect.signature(MODELS[name]).parameters:
        settings["heads"] = 2
    return build_model(
        name, vocabulary=vocabulary, regions=regions, region_width=region_width, settings=settings
    )
