"""What the tests of the training wing share; without PyTorch they are skipped."""

import os
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the training wing is not installed")
torch.set_num_threads(2)

TOY_RECIPE = """
description = "Coloured shapes."
seed = 3

[encoder]
name = "efficientnet-lite0"
size = 128

[text]
minimum_count = 1

[model]
name = "{model}"

[model.settings]
width = 128
heads = 4
dropout = 0.1

[training]
batch = 32
label_smoothing = 0.05
views = 0

[training.schedule]
passes = {passes}
learning_rate = 2e-3
warmup = 30
average = 0.98
checkpoint_every = 5
"""


@pytest.fixture(scope="session")
def flickr8k() -> Path:
    """The folder of the real corpus, where there is one."""
    folder = Path(os.environ.get("SHOWTELL_FLICKR8K", "../shared/data/flickr8k"))
    if not folder.is_dir():
        pytest.skip("SHOWTELL_FLICKR8K does not name the folder of Flickr8k")
    return folder.resolve()
