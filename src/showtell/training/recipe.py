"""Recipes: a TOML file -> settings, every one of them checked.

A recipe says which encoder sees, which words are known, which model speaks, and how it learns. Those that come with the
package lie in ``recipes/``; a path to one's own works as well.
"""

import difflib
import math
import tomllib
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import tomli_w

from showtell.decoding import DecodingOptions
from showtell.errors import BadRecipe
from showtell.text.cleaning import DEFAULT_CLEANING, Cleaning
from showtell.training.engine.loop import Schedule
from showtell.training.engine.words import WordSettings
from showtell.training.settings import check_ranges

FOLDER = Path(__file__).parent / "recipes"


@dataclass(frozen=True, kw_only=True)
class WordTuning:
    """The encoder's tuning to the words of the captions (``engine/words.py``), and its schedule."""

    settings: WordSettings = WordSettings()
    schedule: Schedule = Schedule(
        passes=8, learning_rate=5e-4, warmup=100, weight_decay=0.05, beta2=0.999, clip=5.0
    )


@dataclass(frozen=True, kw_only=True)
class EncoderRecipe:
    """What sees.

    Attributes:
        name: one of ``encoders.NAMES``.
        size: side of the pictures in pixels.
        words: how it is tuned first; absent: it stays as ImageNet left it.
        features: in a run that learnt from a file of features, the file's SHA-256.
    """

    name: str = "efficientnet-lite2"
    size: int = 224
    words: WordTuning | None = None
    features: str = ""

    def __post_init__(self) -> None:
        check_ranges(self, size=(32, 1024))


@dataclass(frozen=True, kw_only=True)
class EmbeddingRecipe:
    """Vectors that words start from (``data/word_vectors.py``).

    Attributes:
        file: GloVe's or word2vec's text file.
        frozen: leave the vectors as they are.
    """

    file: str
    frozen: bool = False


@dataclass(frozen=True, kw_only=True)
class TextRecipe:
    """What is known of language.

    Attributes:
        languages: of the captions that are learnt.
        minimum_count: mentions that a word needs.
        minimum_length, maximum_length: words; shorter captions are left out, longer ones cut off.
        cleaning: what becomes of a caption before it is learnt.
        embeddings: vectors that the words start from; absent: they are learnt from nothing.
    """

    languages: tuple[str, ...] = ("en",)
    minimum_count: int = 5
    minimum_length: int = 2
    maximum_length: int = 18
    cleaning: Cleaning = DEFAULT_CLEANING
    embeddings: EmbeddingRecipe | None = None

    def __post_init__(self) -> None:
        if not self.languages or len(set(self.languages)) < len(self.languages):
            raise ValueError(f"languages must be different ones, at least one, not {list(self.languages)}")
        check_ranges(
            self, minimum_count=(1, math.inf), minimum_length=(0, math.inf), maximum_length=(1, math.inf)
        )


@dataclass(frozen=True, kw_only=True)
class ModelRecipe:
    """What speaks.

    Attributes:
        name: of a model (``models.MODELS``).
        settings: arguments of its constructor.
    """

    name: str = "transformer"
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TrainingRecipe:
    """How it learns.

    Attributes:
        batch: pictures a step, each with all its captions.
        label_smoothing, doubly_stochastic: see ``losses.CrossEntropy``.
        views: augmented copies of each picture, of which each pass shows one or the picture itself.
        schedule: see ``loop.Schedule``.
    """

    batch: int = 32
    label_smoothing: float = 0.1
    doubly_stochastic: float = 0.0
    views: int = 4
    schedule: Schedule = Schedule()

    def __post_init__(self) -> None:
        check_ranges(
            self,
            batch=(1, math.inf),
            label_smoothing=(0, 0.99),
            doubly_stochastic=(0, math.inf),
            views=(0, math.inf),
        )


@dataclass(frozen=True, kw_only=True)
class DecodingRecipe:
    """How captions are found, in the dev evaluations and by the bundle's defaults."""

    beam: int = 3
    length_exponent: float = 0.7
    min_length: int = 3
    max_length: int = 20

    def __post_init__(self) -> None:
        DecodingOptions(**asdict(self))  # which knows what may be


@dataclass(frozen=True, kw_only=True)
class CardRecipe:
    """What the bundle's card says that cannot be measured.

    Attributes:
        title: its first line.
        data: what it was trained on, and under which licence.
        limits: where it fails.
    """

    title: str = "A captioner"
    data: str = "See the recipe in manifest.json."
    limits: str = "Nobody has looked yet. What it was not trained on it describes as if it had been."


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A whole recipe.

    Attributes:
        name: its file's, without the ending.
        used: empty in a recipe and filled in a run: data, versions, git revision.
    """

    name: str = ""
    description: str = ""
    seed: int = 1
    encoder: EncoderRecipe = EncoderRecipe()
    text: TextRecipe = TextRecipe()
    model: ModelRecipe = ModelRecipe()
    training: TrainingRecipe = TrainingRecipe()
    decoding: DecodingRecipe = DecodingRecipe()
    card: CardRecipe = CardRecipe()
    used: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_ranges(self, seed=(0, math.inf))


def recipe_names() -> list[str]:
    """The recipes that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_recipe(name: str | Path) -> Recipe:
    """A recipe of the package by name, or a TOML file by path.

    Raises:
        BadRecipe: there is none, it is not TOML, or a setting is unknown, of the wrong kind or out of its range.
    """
    path = Path(name) if str(name).endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(recipe_names())
        raise BadRecipe(
            f"There is no recipe {str(name)!r}; known are {known}, or give a .toml file."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadRecipe(f"{path} is not TOML: {error}.") from None
    except OSError as error:
        raise BadRecipe(f"{path} cannot be read ({error.strerror}).") from None
    return _build(Recipe, {"name": path.stem} | table, path.name)


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write a recipe with every setting in it, the defaults too; whole or not at all."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(tomli_w.dumps(_without_none(asdict(recipe))), encoding="utf-8")
    temporary.replace(path)


def _build(kind: Any, table: dict[str, Any], where: str) -> Any:
    """A settings class from a TOML table; nested tables are nested classes."""
    hints = get_type_hints(kind)
    unknown = [key for key in table if key not in hints]
    if unknown:
        near = difflib.get_close_matches(unknown[0], hints, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(hints)}."
        raise BadRecipe(f"{where} has an unknown setting {unknown[0]!r}{hint}")
    values = {key: _value(hints[key], value, f"{where}: {key}") for key, value in table.items()}
    needed = [
        item.name for item in fields(kind) if item.default is MISSING and item.default_factory is MISSING
    ]
    if lacking := [name for name in needed if name not in values]:
        raise BadRecipe(f"{where} lacks the setting {lacking[0]!r}.")
    try:
        return kind(**values)
    except ValueError as error:
        raise BadRecipe(f"{where}: {error}.") from None


def _value(hint: Any, value: Any, where: str) -> Any:
    options: list[Any] = [option for option in get_args(hint) if is_dataclass(option)]
    kind = options[0] if options else hint
    if is_dataclass(kind):
        if not isinstance(value, dict):
            raise BadRecipe(f"{where} must be a table of settings.")
        return _build(kind, value, where)
    if hint == tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BadRecipe(f"{where} must be a list of strings.")
        return tuple(value)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise BadRecipe(f"{where} must be one of {', '.join(get_args(hint))}, not {value!r}.")
        return value
    expected = dict if get_args(hint) else hint
    whole_for_float = expected is float and isinstance(value, int)
    if isinstance(value, bool) != (expected is bool) or not (isinstance(value, expected) or whole_for_float):
        raise BadRecipe(f"{where} must be of the kind {expected.__name__}, not {value!r}.")
    return float(value) if whole_for_float else value


def _without_none(table: Any) -> Any:
    """TOML has no null: a setting that is None is left out."""
    if isinstance(table, dict):
        return {key: _without_none(value) for key, value in table.items() if value is not None}
    return list(table) if isinstance(table, tuple) else table
