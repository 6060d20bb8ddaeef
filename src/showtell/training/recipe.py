"""Recipes: a TOML file -> settings, every one of them checked (``settings.py``).

Those that come with the package lie in ``recipes/``; a path to one's own works as well.
"""

import difflib
import tomllib
from collections.abc import Sequence
from dataclasses import MISSING, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import tomli_w

from showtell.errors import BadRecipe
from showtell.files import written_whole
from showtell.training.settings import Recipe, SelfCritical

FOLDER = Path(__file__).parent / "recipes"


def recipe_names() -> list[str]:
    """The recipes that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_recipe(name: str | Path, changes: Sequence[str] = ()) -> Recipe:
    """A recipe of the package by name, or a TOML file by path.

    Args:
        changes: settings in place of the recipe's, each as ``training.schedule.epochs=2``.

    Raises:
        BadRecipe: there is none, it is not TOML, or a setting is unknown, of the wrong kind or out of its range.
    """
    path = Path(name) if str(name).endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        near = difflib.get_close_matches(str(name), recipe_names(), n=1)
        hint = f"did you mean {near[0]!r}" if near else f"there are {', '.join(recipe_names())}"
        raise BadRecipe(f"there is no recipe {str(name)!r}; {hint}, or give a .toml file") from None
    except (ValueError, RecursionError) as error:  # an integer may have too many digits
        raise BadRecipe(f"{path} is not TOML: {error}") from None
    except OSError as error:
        raise BadRecipe(f"{path} cannot be read ({error.strerror})") from None
    for change in changes:
        _change(table, change)
    return _build(Recipe, {"name": path.stem} | table, path.name)


def self_critical(changes: Sequence[str] = ()) -> SelfCritical:
    """How a captioner is tuned by a reward: the defaults with changes, each as ``schedule.epochs=2``.

    Raises:
        BadRecipe: a setting is unknown, of the wrong kind or out of its range.
    """
    table: dict[str, Any] = {}
    for change in changes:
        _change(table, change)
    schedule = asdict(SelfCritical().schedule) | table.pop("schedule", {})
    settings: SelfCritical = _build(SelfCritical, table | {"schedule": schedule}, "the tuning")
    return settings


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe with every setting in it, the defaults too; whole or not at all."""
    with written_whole(path) as temporary:
        temporary.write_text(tomli_w.dumps(_without_none(asdict(recipe))), encoding="utf-8")


def _change(table: dict[str, Any], change: str) -> None:
    """Put one ``key.key=value`` into a recipe's table; a value that is no TOML is a string."""
    where, equals, written = change.partition("=")
    keys = [key.strip() for key in where.split(".")]
    if not equals or not all(keys):
        raise BadRecipe(
            f"{change!r} is no change of a setting; write for instance training.schedule.epochs=2"
        )
    try:
        value = tomllib.loads(f"value = {written}")["value"]
    except (ValueError, RecursionError):
        value = written.strip()
    for key in keys[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            raise BadRecipe(f"{change!r}: {key} is no table of settings")
    table[keys[-1]] = value


def _build(kind: Any, table: dict[str, Any], where: str) -> Any:
    """A settings class from a TOML table; nested tables are nested classes."""
    hints = get_type_hints(kind)
    unknown = [key for key in table if key not in hints]
    if unknown:
        near = difflib.get_close_matches(unknown[0], hints, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(hints)}"
        raise BadRecipe(f"{where} has an unknown setting {unknown[0]!r}; {hint}")
    values = {key: _value(hints[key], value, f"{where}: {key}") for key, value in table.items()}
    needed = [
        item.name for item in fields(kind) if item.default is MISSING and item.default_factory is MISSING
    ]
    if lacking := [name for name in needed if name not in values]:
        raise BadRecipe(f"{where} lacks the setting {lacking[0]!r}")
    try:
        return kind(**values)
    except ValueError as error:
        raise BadRecipe(f"{where}: {error}") from None


def _value(hint: Any, value: Any, where: str) -> Any:
    options: list[Any] = [option for option in get_args(hint) if is_dataclass(option)]
    kind = options[0] if options else hint
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise BadRecipe(f"{where} must be a table of settings")
        return _build(kind, value, where)
    if hint == tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BadRecipe(f"{where} must be a list of strings")
        return tuple(value)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise BadRecipe(f"{where} must be one of {', '.join(get_args(hint))}, not {value!r}")
        return value
    expected = dict if get_args(hint) else hint
    integer_for_float = expected is float and isinstance(value, int)
    if isinstance(value, bool) != (expected is bool) or not (
        isinstance(value, expected) or integer_for_float
    ):
        raise BadRecipe(f"{where} must be of the kind {expected.__name__}, not {value!r}")
    return float(value) if integer_for_float else value


def _without_none(table: Any) -> Any:
    """TOML has no null: a setting that is None is left out."""
    if isinstance(table, dict):
        return {key: _without_none(value) for key, value in table.items() if value is not None}
    return list(table) if isinstance(table, tuple) else table
