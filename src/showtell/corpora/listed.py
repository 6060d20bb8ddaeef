"""Lists of captions that were saved as their own text, as spreadsheets and data frames do: ``['a', 'b']``."""

import ast
import re

_STRING = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_STRINGS = re.compile(_STRING, re.DOTALL)
_BETWEEN = re.compile(r"[\s,]*")


def listed(text: str) -> list[str] | None:
    """The strings of the text of a list, as Python, JSON or numpy writes one; None for any other text."""
    text = text.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    found: list[str] = []
    place, end = 1, len(text) - 1
    while True:
        place = _BETWEEN.match(text, place).end()  # type: ignore[union-attr]  # it matches nothing at least
        if place >= end:
            return found or None
        string = _STRINGS.match(text, place, end)
        if string is None:
            return None
        try:
            found.append(ast.literal_eval(string[0].replace("\n", "\\n")))
        except (ValueError, SyntaxError):
            return None
        place = string.end()
