"""Every setting of a recipe, with its default, its range, and what it does.

``recipe.py`` reads them from TOML: a table ``[training.schedule]`` is the ``Schedule`` in ``Training`` in ``Recipe``.
A value out of its range is refused when it is read, not after an hour of encoding.
"""

import math
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal, NamedTuple, get_type_hints

from showtell.decoding import DecodingOptions
from showtell.text.cleaning import DEFAULT_CLEANING, Cleaning

FEEDBACK = "feedback"  # the reward that is what people said of captions


class Range(NamedTuple):
    """What a number may be, both ends included."""

    least: float
    most: float


class Settings:
    """What has ``Range`` in its annotations is held to them when it is made.

    Raises:
        ValueError: names the first setting that is outside of its range.
    """

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(type(self), include_extras=True).items():
            value = getattr(self, name)
            for least, most in getattr(hint, "__metadata__", ()):
                if not least <= value <= most:
                    # What is far over any sensible value is told of only where it is passed.
                    at_least = most >= 100 and not value > most
                    allowed = f"at least {least:g}" if at_least else f"from {least:g} to {most:g}"
                    raise ValueError(f"{name} must be {allowed}, not {value!r}")


@dataclass(frozen=True, kw_only=True)
class Schedule(Settings):
    """How long and how fast to learn.

    Attributes:
        epochs: passes over the data.
        learning_rate: at its highest; linear warm-up, then half a cosine down to a fiftieth.
        warmup: steps.
        weight_decay: of AdamW, on matrices alone.
        beta2: AdamW's decay of the mean of squared gradients, per step.
        clip: largest norm of the gradient.
        average: decay of the moving average of the weights, per step.
        patience: epochs without a better score before it stops; 0 never stops early.
        checkpoint_every: steps between checkpoints, besides one at the end of each epoch.
    """

    epochs: Annotated[int, Range(1, 100_000)] = 7
    learning_rate: Annotated[float, Range(0, 100)] = 1e-3
    warmup: Annotated[int, Range(0, 10**9)] = 200
    weight_decay: Annotated[float, Range(0, 1000)] = 0.01
    beta2: Annotated[float, Range(0, 0.999999)] = 0.98
    clip: Annotated[float, Range(1e-6, 10**9)] = 1.0
    # At 1 what is validated and kept would stay as it was drawn.
    average: Annotated[float, Range(0, 0.999999)] = 0.998
    patience: Annotated[int, Range(0, 100_000)] = 0
    checkpoint_every: Annotated[int, Range(1, 10**9)] = 100


@dataclass(frozen=True, kw_only=True)
class EncoderTuning(Settings):
    """How the encoder's last stages first learn to predict the words of the captions.

    Attributes:
        minimum_count: mentions that a word needs in all captions.
        crop_scale: the smallest side of a random crop of the maps, as a share of the whole; 1 leaves them whole.
        dropout: on the mean of the regions.
        batch: pictures per step.
        blend: how far the tuned weights are moved back to ImageNet's afterwards, as a share of the way.
        schedule: of the tuning.
    """

    minimum_count: Annotated[int, Range(1, 10**9)] = 12
    crop_scale: Annotated[float, Range(0.1, 1)] = 0.7
    dropout: Annotated[float, Range(0, 0.99)] = 0.2
    batch: Annotated[int, Range(1, 100_000)] = 32
    blend: Annotated[float, Range(0, 1)] = 0.0
    schedule: Schedule = Schedule(
        epochs=8, learning_rate=5e-4, warmup=100, weight_decay=0.05, beta2=0.999, clip=5.0
    )


@dataclass(frozen=True, kw_only=True)
class JointTraining(Settings):
    """How the encoder's last stages are trained together with the captioner, through the caption loss.

    Attributes:
        learning_rate: of the encoder, at its highest; it rises and falls as the captioner's does.
        weight_decay: of the encoder.
        crop_scale: as in ``EncoderTuning``.
    """

    learning_rate: Annotated[float, Range(0, 100)] = 1e-4
    weight_decay: Annotated[float, Range(0, 1000)] = 0.05
    crop_scale: Annotated[float, Range(0.1, 1)] = 0.85


@dataclass(frozen=True, kw_only=True)
class Encoder(Settings):
    """The picture network.

    Attributes:
        name: ``efficientnet-lite0``, ``-lite1`` or ``-lite2``.
        size: side of the pictures in pixels.
        tuning: absent: it stays as ImageNet left it.
        joint: absent: it stays as it is while the captioner is trained.
        features: in a run that learns from a file of features, the file's SHA-256.
    """

    name: str = "efficientnet-lite2"
    size: Annotated[int, Range(32, 1024)] = 224
    tuning: EncoderTuning | None = None
    joint: JointTraining | None = None
    features: str = ""


@dataclass(frozen=True, kw_only=True)
class WordVectors:
    """Vectors that words start from (``data/word_vectors.py``).

    Attributes:
        file: GloVe's or word2vec's text file.
        frozen: leave the vectors as they are.
    """

    file: str
    frozen: bool = False


@dataclass(frozen=True, kw_only=True)
class Text(Settings):
    """Which captions are learnt, and how.

    Attributes:
        languages: of the captions that are learnt; the first is the model's default.
        sources: tell the model who wrote a caption that people did not: such captions begin with a start token of
            their own, which training alone knows.
        source_weights: weight of a source's captions in the loss, 1 unless given; 0 leaves them out altogether.
        corpus_weights: the same for the corpora that are joined, by their names.
        minimum_count: mentions that a word needs.
        minimum_length, maximum_length: words; shorter captions are left out, longer ones cut off.
        cleaning: what becomes of a caption before it is learnt.
        embeddings: vectors that the words start from; absent: they are learnt from nothing.
        vocabulary: a ``vocabulary.json`` whose words are known in place of the captions' own, for a model that shares a
            bundle with another; empty: the captions' own.
    """

    languages: tuple[str, ...] = ("en",)
    sources: bool = False
    source_weights: dict[str, float] = field(default_factory=dict)
    corpus_weights: dict[str, float] = field(default_factory=dict)
    minimum_count: Annotated[int, Range(1, 10**9)] = 5
    minimum_length: Annotated[int, Range(0, 1000)] = 2
    maximum_length: Annotated[int, Range(1, 1000)] = 18
    cleaning: Cleaning = DEFAULT_CLEANING
    embeddings: WordVectors | None = None
    vocabulary: str = ""

    def __post_init__(self) -> None:
        if not self.languages or len(set(self.languages)) < len(self.languages):
            raise ValueError(f"languages must be different ones, at least one, not {list(self.languages)}")
        for name in ("source_weights", "corpus_weights"):
            for key, weight in getattr(self, name).items():
                number = isinstance(weight, int | float) and not isinstance(weight, bool)
                if not (number and 0 <= weight < math.inf):
                    raise ValueError(f"{name} must be numbers from 0 up, not {weight!r} for {key!r}")
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class Model:
    """The captioner.

    Attributes:
        name: of a model (``models.MODELS``).
        settings: arguments of its constructor.
    """

    name: str = "transformer"
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Training(Settings):
    """How the captioner learns.

    Attributes:
        batch: pictures per step, each with all its captions.
        label_smoothing, doubly_stochastic: see ``losses.CrossEntropy``.
        augmentations: altered copies of each picture, of which each epoch shows one or the picture itself.
        taught: share of the target that is the teachers', where a run has any.
        schedule: see ``Schedule``.
    """

    batch: Annotated[int, Range(1, 100_000)] = 32
    label_smoothing: Annotated[float, Range(0, 0.99)] = 0.1
    doubly_stochastic: Annotated[float, Range(0, 10**6)] = 0.0
    augmentations: Annotated[int, Range(0, 1000)] = 4
    taught: Annotated[float, Range(0, 1)] = 0.6
    schedule: Schedule = Schedule()


@dataclass(frozen=True, kw_only=True)
class SelfCritical(Settings):
    """How a trained captioner is tuned by a reward (``engine/self_critical.py``).

    Attributes:
        rewards: weight of each metric (``engine/rewards.py``) and of people's ``feedback``
            (``engine/preferences.py``).
        languages: whose captions are rewarded; empty: all of the model's.
        samples: captions drawn per picture.
        baseline: what a sample is compared with: the ``mean`` of its picture's other samples, or ``greedy``, the
            caption found without chance.
        end_token: whether the end token counts in the reward.
        cross_entropy: weight of the loss that the captioner was trained with.
        dropout: share of the model's dropout that is left.
        batch: pictures per step.
        judgements: of people, and pictures that they corrected, per step.
        beta: of the judgements' loss: the smaller, the farther one moves the captioner from its start.
        schedule: see ``Schedule``.
    """

    rewards: dict[str, float] = field(default_factory=lambda: {"cider": 1.0})
    languages: tuple[str, ...] = ()
    samples: Annotated[int, Range(1, 100)] = 5
    baseline: Literal["mean", "greedy"] = "mean"
    end_token: bool = True
    cross_entropy: Annotated[float, Range(0, 1000)] = 0.5
    dropout: Annotated[float, Range(0, 1)] = 0.5
    batch: Annotated[int, Range(1, 100_000)] = 64
    judgements: Annotated[int, Range(1, 100_000)] = 4
    beta: Annotated[float, Range(1e-6, 1000)] = 0.2
    schedule: Schedule = Schedule(epochs=3, learning_rate=1e-4, warmup=50, weight_decay=0.0, average=0.995)

    def __post_init__(self) -> None:
        if self.baseline == "mean" and self.samples < 2:
            raise ValueError(f"samples must be at least 2, not {self.samples!r}")
        super().__post_init__()

    @property
    def metrics(self) -> dict[str, float]:
        """The rewards that are metrics."""
        return {name: weight for name, weight in self.rewards.items() if name != FEEDBACK}


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How captions are found, when a run is validated and by the bundle's defaults.

    Attributes:
        beam, length_exponent, min_length, max_length, no_repeat_ngram, similarity_weight: as in
            ``showtell.decoding.DecodingOptions``; similarity is measured in a bundle with an embedder alone.
    """

    beam: int = 3
    length_exponent: float = 0.7
    min_length: int = 3
    max_length: int = 20
    no_repeat_ngram: int = 0
    similarity_weight: float = 0.0

    def __post_init__(self) -> None:
        self.options()  # which knows what may be

    def options(self, **changes: Any) -> DecodingOptions:
        """The same, with changes, as decoding takes them."""
        return DecodingOptions(**(asdict(self) | changes))


@dataclass(frozen=True, kw_only=True)
class Export(Settings):
    """What a bundle does otherwise than the captioner in training.

    Attributes:
        mirrored: weight of the picture's mirror image in the mean of the regions of both; 0 leaves it out, above that
            a picture goes through the encoder twice.
        precision: of what the encoder and each step of a search multiply by: ``fp16``, or ``int8``, which is quicker.
            VGG16 stays in ``fp16``.
    """

    mirrored: Annotated[float, Range(0, 0.5)] = 0.0
    precision: Literal["fp16", "int8"] = "fp16"


@dataclass(frozen=True, kw_only=True)
class Card:
    """What stands on the bundle's card that cannot be measured.

    Attributes:
        title: its first line.
        data: what it was trained on, and under which licence.
        limits: where it fails.
    """

    title: str = "A captioner"
    data: str = "See the recipe in manifest.json."
    limits: str = "Nobody has looked yet. What it was not trained on it describes as if it had been."


@dataclass(frozen=True, kw_only=True)
class Recipe(Settings):
    """A whole recipe.

    Attributes:
        name: its file's, without the ending.
        description: one sentence.
        seed: of everything random.
        tuning: in a run that was tuned by a reward, how.
        used: empty in a recipe and filled in a run: data, versions, git revision.
    """

    name: str = ""
    description: str = ""
    seed: Annotated[int, Range(0, 2**63 - 1)] = 1
    encoder: Encoder = Encoder()
    text: Text = Text()
    model: Model = Model()
    training: Training = Training()
    decoding: Decoding = Decoding()
    tuning: SelfCritical | None = None
    export: Export = Export()
    card: Card = Card()
    used: dict[str, Any] = field(default_factory=dict)
