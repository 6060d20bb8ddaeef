"""The example in docs/bundle.md says what Showtell says."""

import re
from pathlib import Path

import pytest

import showtell

ROOT = Path(__file__).parents[2]
BASE = Path(showtell.__file__).parent / "captioning" / "bundles" / "base"


@pytest.mark.parametrize("picture", sorted(path.name for path in (ROOT / "examples").glob("*.jpg")))
def test_a_stranger_with_an_onnx_runtime_gets_the_greedy_caption(picture: str) -> None:
    [example] = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "bundle.md").read_text(encoding="utf-8"), re.S
    )
    names = {"bundle": BASE, "picture": ROOT / "examples" / picture}
    exec(example, names)
    expected = showtell.load().caption(names["picture"], beam=1, min_length=0)
    assert names["caption"].split() == list(expected.tokens)
