"""The corpus that docs/draw_shapes.py draws, for tests."""

import importlib.util
from pathlib import Path

_PATH = Path(__file__).parents[2] / "docs" / "draw_shapes.py"
_SPEC = importlib.util.spec_from_file_location("draw_shapes", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)

COLOURS, SHAPES, SIDE = _MODULE.COLOURS, _MODULE.SHAPES, _MODULE.SIDE
draw_corpus, draw_scene, in_other_words = _MODULE.draw_corpus, _MODULE.draw_scene, _MODULE.in_other_words
