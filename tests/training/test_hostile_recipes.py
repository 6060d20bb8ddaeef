"""Recipes that cannot be are refused when they are read, before anything is encoded."""

import subprocess

import pytest

from showtell.errors import BadRecipe
from showtell.training import preflight
from showtell.training.recipe import read_recipe


@pytest.mark.parametrize(
    "change",
    [
        "seed=18446744073709551616",
        "seed=-1",
        "training.schedule.learning_rate=1e308",
        "training.schedule.learning_rate=nan",
        "training.schedule.learning_rate=inf",
        "training.schedule.average=1",
        "training.schedule.epochs=1000000000",
        "training.batch=1000000000",
        "decoding.beam=1000000000",
        "decoding.max_length=1000000000",
        "text.maximum_length=1000000000",
        "training.augmentations=1000000000",
        "seed=" + "9" * 5000,
        "seed=" + "[" * 50_000,
    ],
    ids=lambda change: change[:40],
)
def test_a_value_out_of_its_range(change):
    with pytest.raises(BadRecipe):
        read_recipe("base", [change])


@pytest.mark.parametrize("text", ["seed = " + "9" * 5000, "a = " + "[" * 100_000, "\0", "seed = 1e999"])
def test_a_file_that_is_no_recipe(text, tmp_path):
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(BadRecipe):
        read_recipe(tmp_path / "r.toml")


def test_the_revision_is_that_of_showtells_own_checkout_alone(tmp_path, monkeypatch):
    """A repository around an installation is not asked, and none of its programs runs."""
    inside = tmp_path / "lib/showtell/training/preflight.py"
    inside.parent.mkdir(parents=True)
    ran = tmp_path / "ran"
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    subprocess.run(["git", "-C", str(tmp_path), "config", "core.fsmonitor", str(hook)], check=True)
    monkeypatch.setattr(preflight, "__file__", str(inside))
    assert preflight.code_revision() == "unknown"
    (tmp_path / "src/showtell").mkdir(parents=True)
    monkeypatch.setattr(preflight, "__file__", str(tmp_path / "src/showtell/training/preflight.py"))
    preflight.code_revision()
    assert not ran.exists()
