"""Options that several commands share, so that they are called and explained alike.

How captions are found is declared in `showtell.captioning.options`; `takes_options` gives a command its share.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

import typer

from showtell.captioning.options import Options, option_table

__all__ = [
    "Language",
    "Library",
    "Model",
    "OneLanguage",
    "Output",
    "Recursive",
    "TextOrJson",
    "takes_options",
]

_Function = TypeVar("_Function", bound=Callable[..., Any])

TextOrJson = Literal["text", "json"]
"""How most commands can print."""

Language = Literal["en", "zh"]


def takes_options(*names: str) -> Callable[[_Function], _Function]:
    """Decorate a command that takes ``**options``: it gets these of `Options`, after its own."""

    def decorate(function: _Function) -> _Function:
        own = inspect.signature(function)
        parameters = [one for one in own.parameters.values() if one.kind is not one.VAR_KEYWORD]
        kinds = get_type_hints(Options)
        table = option_table()
        for name in names:
            option = table[name]
            shown = typer.Option(metavar=option.letter, min=option.least, help=option.meaning)
            parameters.append(
                inspect.Parameter(
                    name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=None,
                    annotation=Annotated[kinds[name], shown],
                )
            )
        function.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        return function

    return decorate


def _shipped_models() -> list[str]:
    from showtell.captioning.hub import shipped_models

    return list(shipped_models())


Model = Annotated[
    str,
    typer.Option(
        metavar="MODEL",
        help="A model that ships with Showtell, or a bundle's folder.",
        autocompletion=_shipped_models,
    ),
]
Recursive = Annotated[bool, typer.Option("--recursive", "-r", help="Read the folders inside folders, too.")]
OneLanguage = Annotated[
    str | None, typer.Option(metavar="[en|zh]", help="The model's first language unless given.")
]
Library = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        envvar="SHOWTELL_LIBRARY",
        show_envvar=False,
        help="The library's folder; that of SHOWTELL_LIBRARY, or in your data folder, unless given.",
    ),
]
Output = Annotated[Path | None, typer.Option(metavar="FILE", help="Write to this file instead of stdout.")]
