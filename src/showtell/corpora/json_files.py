"""JSON that strangers wrote: read whole, or refused with file and line."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from showtell.corpora.base import broken_line, read_text
from showtell.errors import BadCorpus

_HALF = re.compile(r"[\ud800-\udfff]")
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")

Pairs = Callable[[list[tuple[str, Any]]], Any]


def read_json(path: Path, of_objects: Pairs | None = None) -> Any:
    """The value that a JSON file holds; `of_objects` makes something else of each object than a dict.

    Raises:
        BadCorpus: the file cannot be read, or is not JSON that a program can hold: nested too deeply, a number
            of thousands of digits, an infinity, or half a character.
    """
    text = read_text(path)
    try:
        return parse_json(text, of_objects)
    except json.JSONDecodeError as error:
        raise broken_line(path, error.lineno, f"is not JSON ({error.msg}, column {error.colno})") from None
    except ValueError as error:
        raise BadCorpus(f"{path} is not JSON that can be read ({error})") from None


def parse_json(text: str, of_objects: Pairs | None = None) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is none, or cannot be held; says why.
    """
    try:
        found = json.loads(
            text,
            object_pairs_hook=of_objects,
            parse_constant=_no_number,
            parse_int=_integer,
            parse_float=_finite,
        )
        if _ESCAPED_HALF.search(text) and _HALF.search(json.dumps(found, ensure_ascii=False)):
            raise ValueError("it holds half a character, a surrogate without its other half")
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _integer(digits: str) -> int:
    if len(digits) > 100:
        raise ValueError(f"it holds a number of {len(digits):,} digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits[:20]} is too large a number")
    return number
