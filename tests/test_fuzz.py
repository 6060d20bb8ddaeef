"""Some damaged files of each reader; `fuzz.py` tries as many as one likes."""

import random

import pytest

pytest.importorskip("onnx", reason="the tests' bundle is made with the package onnx")

from fuzz import READERS


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", READERS)
def test_damaged_files_end_in_one_sentence(name, tmp_path, monkeypatch):
    if name == "features":
        pytest.importorskip("torch", reason="the extra train is not installed")
    monkeypatch.chdir(tmp_path)  # where findings are kept
    reader = READERS[name](tmp_path)
    generator = random.Random(7)
    findings = [found for _ in range(100) if (found := reader.attempt(generator))]
    assert not findings, findings[0]
