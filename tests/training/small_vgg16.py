"""A VGG16 with few channels in the place of the real one, so that tests of the commands take seconds."""

from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from showtell.training import encoders
from showtell.training.encoders.vgg16 import VGG16, Plan
from showtell.training.encoders.vgg16_weights import load_vgg16

SMALL = Plan(blocks=((4, 4), (5, 6), (7, 8, 8), (9, 9, 10), (10, 11, 12)), hidden=20)


def use_small_vgg16(monkeypatch: pytest.MonkeyPatch, folder: Path, *, seed: int = 0) -> Path:
    """Let the encoder ``vgg16`` be small; returns a file of weights for it."""
    monkeypatch.setattr(encoders, "load_vgg16", partial(load_vgg16, plan=SMALL))
    return write_weights(folder / "vgg16.pth", seed=seed)


def write_weights(path: Path, *, seed: int) -> Path:
    """A state dict as torchvision's, at random, whose features differ from picture to picture."""
    torch.manual_seed(seed)
    network = VGG16(plan=SMALL)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.normal_(module.bias, std=0.1)
    torch.save(network.state_dict(), path)
    return path
