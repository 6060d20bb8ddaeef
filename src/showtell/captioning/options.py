"""How to caption: each option is declared once here, for Python and for the command line."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc
from typing import Annotated, Any, TypedDict, TypeVar, get_type_hints

__all__ = ["Option", "Options", "lists_options", "option_table"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Option:
    """What an option means, said once for Python and for the command line.

    Attributes:
        meaning: a sentence.
        letter: what stands for its value in help.
        least: the smallest value of an integer.
    """

    meaning: str
    letter: str = "N"
    least: int | None = None


class Options(TypedDict, total=False):
    """How to caption, in the words of the command line. What is left out, or None, is the model's choice."""

    language: Annotated[
        str | None,
        Option(
            "Language of the captions, or both for each in turn; the model's first unless given.",
            "[en|zh|both]",
        ),
    ]
    beam: Annotated[int | None, Option("Hypotheses followed at a time; 1 is greedy and quickest.", least=1)]
    candidates: Annotated[int | None, Option("Captions wanted for each picture, best first.", least=1)]
    min_length: Annotated[int | None, Option("Fewest words of a caption.", least=0)]
    max_length: Annotated[int | None, Option("Most words of a caption.", least=1)]
    temperature: Annotated[
        float | None, Option("Draw the words at random; below 1 keeps to the probable ones.", "T")
    ]
    top_k: Annotated[int | None, Option("Draw at random among the K most probable words.", "K", least=1)]
    top_p: Annotated[
        float | None,
        Option("Draw at random among the fewest words that together reach this probability, 0 to 1.", "P"),
    ]
    seed: Annotated[
        int | None,
        Option("Seed of the random draws: the same seed draws the same words.", least=0),
    ]
    attention: Annotated[bool, Option("Keep the attention: the weight of each region for each word.")]


def option_table() -> dict[str, Option]:
    """What each of `Options` means, by its name."""
    hints = get_type_hints(Options, include_extras=True)
    return {name: next(iter(hint.__metadata__)) for name, hint in hints.items()}


def lists_options(function: _Function) -> _Function:
    """Decorate a function that takes ``**options: Unpack[Options]``: its docstring lists them."""
    lines = [f"    {name}: {option.meaning}" for name, option in option_table().items()]
    text = cleandoc(function.__doc__ or "")
    function.__doc__ = "\n".join([text, "", "Options (keywords; None is the model's choice):", *lines])
    return function
