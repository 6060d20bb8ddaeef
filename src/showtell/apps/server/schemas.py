"""What goes in and comes out over HTTP, as pydantic and OpenAPI have it."""

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from showtell.apps.gallery import Answer, Hit
from showtell.apps.service import Described, Health

__all__ = [
    "Alternative",
    "Box",
    "CaptionOut",
    "Captioned",
    "CaptionedMany",
    "Card",
    "Describe",
    "Explained",
    "FeedbackIn",
    "FeedbackOut",
    "Forget",
    "Forgotten",
    "HealthOut",
    "HitOut",
    "Kept",
    "Matches",
    "Problem",
    "Safety",
    "Word",
]

HASH = "fc898c685c70f36d349c985193d1121103966bad43aa69cb3d7114cb0430150f"


class Outgoing(BaseModel):
    """What is made of a value of the service's: ``model_validate`` takes its attributes of the same names."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it."""

    type: Annotated[str, Field(examples=["urn:showtell:problem:bad-picture"])]
    title: Annotated[str, Field(examples=["Unprocessable Entity"])]
    status: Annotated[int, Field(examples=[422])]
    detail: Annotated[str, Field(examples=["the picture: is broken or cut short"])]


class Alternative(Outgoing):
    """What else the captioner would have said."""

    text: Annotated[str, Field(examples=["a dog runs"])]
    confidence: float | None
    log_probability: float


class CaptionOut(Outgoing):
    """A caption in one language."""

    text: Annotated[str, Field(examples=["a brown dog runs through the grass"])]
    language: Annotated[str, Field(examples=["en"])]
    confidence: Annotated[
        float | None,
        Field(description="The calibrated probability that the caption is good.", examples=[0.62]),
    ]
    log_probability: float
    words: Annotated[list[str], Field(validation_alias="tokens")]
    alternatives: list[Alternative]


class Box(Outgoing):
    """What was seen, and where: left, top, width and height in pixels; no box for the whole picture."""

    name: Annotated[str, Field(examples=["nsfw"])]
    score: float
    box: list[int] | None


class Safety(Outgoing):
    """Whether a picture is fit to be shown to everybody."""

    unsafe: bool
    score: Annotated[float, Field(description="The probability that it is not.", examples=[0.02])]
    labels: list[Box]


class Captioned(BaseModel):
    """What became of one picture: captions, or the problem why there are none."""

    name: Annotated[str, Field(description="The file's name, as it was sent.", examples=["photo.jpg"])]
    picture: Annotated[
        str | None, Field(description="What feedback calls the picture: its SHA-256.", examples=[HASH])
    ] = None
    captions: list[CaptionOut] = []
    safety: Annotated[Safety | None, Field(description="Where ``screen`` was asked for.")] = None
    problem: Problem | None = None

    @classmethod
    def of(cls, name: str, described: Described) -> "Captioned":
        """What was said of a picture as it goes out."""
        captions = [CaptionOut.model_validate(caption) for caption in described.captions]
        safety = None if described.safety is None else Safety.model_validate(described.safety)
        return cls(name=name, picture=described.picture, captions=captions, safety=safety)


class CaptionedMany(BaseModel):
    """Pictures in the order in which they were sent."""

    results: list[Captioned]


class Word(BaseModel):
    """A word, and which part of the picture it depends on."""

    word: Annotated[str, Field(examples=["dog"])]
    map: Annotated[
        list[list[float]],
        Field(
            description="Rows of cells, each cell's share; they sum to 1.",
            examples=[[[0.1, 0.7], [0.1, 0.1]]],
        ),
    ]


class Explained(BaseModel):
    """A caption, and which part of the picture each of its words depends on."""

    caption: Annotated[str, Field(examples=["a brown dog runs through the grass"])]
    language: Annotated[str, Field(examples=["en"])]
    confidence: Annotated[float | None, Field(examples=[0.62])]
    method: Annotated[str, Field(description="``attention`` or ``occlusion``.", examples=["attention"])]
    area: Annotated[
        list[float],
        Field(description="What the maps cover: left, top, right, bottom as shares of the picture."),
    ]
    words: list[Word]


class FeedbackIn(BaseModel):
    """What a person says of a caption."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "kind": "correction",
                    "picture": HASH,
                    "language": "en",
                    "machine": "a dog on a blanket",
                    "text": "a tabby cat looks at the camera",
                }
            ]
        },
    )

    kind: Literal["correction", "rating", "preference"]
    picture: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    language: Annotated[str, Field(max_length=20)]
    machine: Annotated[str, Field(max_length=2000, description="What the captioner said.")]
    text: Annotated[
        str | None,
        Field(max_length=2000, description="The person's words; in a preference the better caption."),
    ] = None
    rejected: Annotated[str | None, Field(max_length=2000, description="The other one of a preference.")] = (
        None
    )
    rating: Annotated[int | None, Field(ge=1, le=5, strict=True)] = None
    seconds: Annotated[float | None, Field(ge=0, le=1e6, allow_inf_nan=False)] = None
    person: Annotated[str | None, Field(max_length=200)] = None


class HitOut(BaseModel):
    """A picture of the library."""

    id: Annotated[str, Field(description="By which it can be asked about.", examples=["q3Zk0dJ8s1xYt5wB"])]
    name: Annotated[str, Field(examples=["beach.jpg"])]
    caption: str | None
    language: str | None
    person: Annotated[bool, Field(description="Whether the caption is a person's.")]
    probability: float | None
    why: Annotated[str, Field(description="``words``, ``vector`` or ``both``.", examples=["both"])]
    reason: Annotated[str, Field(examples=["the caption says dog"])]

    @classmethod
    def of(cls, hit: Hit) -> "HitOut":
        """A picture as it goes out."""
        match = hit.match
        return cls(
            id=hit.id,
            name=hit.name.encode(errors="replace").decode(),  # a file's name need not be Unicode
            caption=match.caption,
            language=match.language,
            person=match.by_person,
            probability=match.probability,
            why=match.why,
            reason=match.reason,
        )


class Matches(BaseModel):
    """What was found, the most probable first."""

    matches: list[HitOut]
    nothing: Annotated[bool, Field(description="Whether nothing here is likely to be what was asked for.")]
    nearest: Annotated[bool, Field(description="Whether ``anyway`` would show the nearest all the same.")]

    @classmethod
    def of(cls, answer: Answer) -> "Matches":
        """An answer as it goes out."""
        hits = [HitOut.of(hit) for hit in answer.hits]
        return cls(matches=hits, nothing=answer.nothing, nearest=answer.nearest)


class Describe(BaseModel):
    """A person's words for pictures of the library."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[str], Field(min_length=1, max_length=100, examples=[["q3Zk0dJ8s1xYt5wB"]])]
    text: Annotated[str, Field(min_length=1, max_length=2000, examples=["Ann on the beach"])]
    language: Annotated[Literal["en", "zh"], Field(examples=["en"])]
    correction: Annotated[
        str | None,
        Field(
            pattern="^[0-9a-f]{32}$",
            description="The feedback whose words they are: what is taken back with it.",
        ),
    ] = None


class Kept(BaseModel):
    """How many pictures have the words now."""

    kept: Annotated[int, Field(examples=[2])]


class FeedbackOut(BaseModel):
    """A row of feedback that was kept."""

    id: Annotated[str, Field(examples=["0f8fad5bd9cb469fa16570867728950e"])]
    offers: Annotated[
        list[HitOut],
        Field(description="Pictures of the library that look nearly the same: the same words may fit them."),
    ] = []


class Forget(BaseModel):
    """Which row of feedback is deleted."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(pattern="^[0-9a-f]{32}$", examples=["0f8fad5bd9cb469fa16570867728950e"])]


class Forgotten(BaseModel):
    """Whether there was such a row."""

    deleted: Annotated[bool, Field(examples=[True])]


class HealthOut(BaseModel):
    """How the service is."""

    status: Literal["ok"] = "ok"
    version: Annotated[str, Field(description="Of showtell.", examples=["0.1.0"])]
    model: Annotated[str, Field(examples=["base"])]
    model_version: Annotated[str, Field(examples=["1"])]
    languages: Annotated[list[str], Field(examples=[["en"]])]
    waiting: Annotated[int, Field(description="Pictures that wait to be captioned.")]
    library: bool
    screening: bool
    feedback: bool

    @classmethod
    def of(cls, health: Health, version: str) -> "HealthOut":
        """The service's health as it goes out."""
        values = asdict(health)
        return cls(model_version=values.pop("version"), version=version, **values)


class Card(BaseModel):
    """The captioner's card."""

    model: Annotated[str, Field(examples=["base"])]
    version: Annotated[str, Field(examples=["1"])]
    card: Annotated[str, Field(description="Markdown.")]
