"""A checkpoint that finds no room is one sentence, and the one before it stays as it was."""

import subprocess
import sys

import pytest

pytest.importorskip("torch")

FILL = """
import resource, sys
from pathlib import Path
import torch
from torch import nn
from showtell.errors import ShowtellError
from showtell.training.engine.checkpoint import Position, load_average, save_checkpoint

path = Path(sys.argv[1])
model = nn.Linear(300, 300)
optimizer = torch.optim.AdamW(model.parameters())
state = {"model": model, "average": dict(model.state_dict()), "optimizer": optimizer}
save_checkpoint(path, position=Position(step=1), **state)
before = path.read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))  # as a full disk: writing fails half way
try:
    save_checkpoint(path, position=Position(step=2), **state)
except ShowtellError as error:
    print(error)
assert path.read_bytes() == before
assert [one.name for one in path.parent.iterdir()] == [path.name]
load_average(path)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are Unix")
def test_a_checkpoint_without_room_is_a_sentence_and_the_one_before_stays(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(tmp_path / "last.safetensors")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path / 'last.safetensors'}: the checkpoint cannot be written")
    assert "make room" in done.stdout
