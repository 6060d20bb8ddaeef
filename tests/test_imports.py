"""Training, and what does without it, beside the contracts in pyproject.toml: what a program imports, and when."""

import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import showtell

ROOT = Path(__file__).parent.parent
PACKAGE = Path(showtell.__file__).parent
TRAINING_LIBRARIES = {"h5py", "onnx", "safetensors", "tensorboard", "tomli_w", "torch"}
HEAVY = {"numpy", "onnxruntime", "PIL", "rich", "showtell.captioning.captioner"}


def test_everything_but_training_imports_nothing_of_training():
    loaded = modules_loaded_by(f"import {', '.join(light_modules())}")
    assert not loaded & (TRAINING_LIBRARIES | {"showtell.training"})


def test_every_public_name_comes_without_training():
    loaded = modules_loaded_by("from showtell import *")
    assert "showtell.captioning.captioner" in loaded
    assert not loaded & (TRAINING_LIBRARIES | {"showtell.training"})


def test_importing_showtell_imports_nothing_that_takes_time():
    assert not modules_loaded_by("import showtell") & (HEAVY | {"typer"})


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["train", "--help"], ["caption", "--help"]])
def test_help_imports_nothing_that_takes_time(arguments):
    assert not modules_loaded_by(f"from showtell.cli import main; main({arguments})") & HEAVY


def test_only_one_module_outside_training_names_it():
    naming = [
        path.relative_to(PACKAGE).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        if PACKAGE / "training" not in path.parents
        and "showtell.training" in path.read_text(encoding="utf-8")
    ]
    assert naming == ["cli/training.py"]


def test_the_contract_names_every_part_of_the_package_but_training():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    light = next(contract for contract in contracts if contract["name"].startswith("What is not training"))
    parts = {f"showtell.{part.name}" for part in pkgutil.iter_modules([str(PACKAGE)])}
    assert set(light["source_modules"]) == parts - {"showtell.training"}
    assert set(light["forbidden_modules"]) == TRAINING_LIBRARIES | {"showtell.training"}


def light_modules():
    """Every module outside training, but for the one that runs the command line when imported."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        if parts[1] not in {"training", "__main__"}:
            yield ".".join(parts).removesuffix(".__init__")


def modules_loaded_by(code):
    """The names in `sys.modules` of a fresh interpreter that has run some code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint()\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())
