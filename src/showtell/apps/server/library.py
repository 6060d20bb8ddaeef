"""The routes of the library; there are none where no library is served."""

from typing import Annotated

from fastapi import FastAPI, Query, Request, Response

from showtell.apps.gallery import Gallery
from showtell.apps.server import schemas
from showtell.apps.server.answers import in_thread, problems
from showtell.apps.server.problems import Refusal
from showtell.apps.server.protection import Limits
from showtell.apps.server.uploads import form_schema, read_form
from showtell.apps.service import Service

__all__ = ["add_library"]

Words = Annotated[str, Query(min_length=1, max_length=300, examples=["a dog on a beach"])]
Without = Annotated[str | None, Query(min_length=1, max_length=300, description="What they must not show.")]
Top = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
Anyway = Annotated[bool, Query(description="Also what is not likely.")]
Id = Annotated[
    str,
    Query(max_length=50, description="Of a picture that an answer has shown.", examples=["q3Zk0dJ8s1xYt5wB"]),
]


def add_library(app: FastAPI, service: Service, limits: Limits) -> None:
    """Search, thumbnails, and a person's words for pictures of the library."""
    if service.gallery is None:
        return
    _add_search(app, service.gallery, limits)
    _add_own_picture(app, service, limits)
    _add_pictures(app, service.gallery, limits)


def _add_search(app: FastAPI, gallery: Gallery, limits: Limits) -> None:
    """By words, and by a picture."""

    @app.get(
        "/api/find",
        tags=["library"],
        summary="Find pictures by words",
        responses=problems(400, 422, 503, 504),
    )
    async def find(
        query: Words, without: Without = None, top: Top = 24, anyway: Anyway = False
    ) -> schemas.Matches:
        """Find pictures of the library by what they show; nothing that is likely is an answer too."""
        found = await in_thread(limits, lambda: gallery.find(query, without=without, top=top, anyway=anyway))
        return schemas.Matches.of(found)

    @app.get(
        "/api/alike",
        tags=["library"],
        summary="Find more like a picture",
        responses=problems(400, 404, 422, 503, 504),
    )
    async def alike(id: Id, top: Top = 24) -> schemas.Matches:  # noqa: A002
        """Find pictures of the library that look like one that an answer has shown."""
        return schemas.Matches.of(await in_thread(limits, lambda: gallery.alike(id, top=top)))


def _add_own_picture(app: FastAPI, service: Service, limits: Limits) -> None:
    """By a picture that is sent."""

    @app.post(
        "/api/alike/picture",
        tags=["library"],
        summary="Find more like a picture that is sent",
        responses=problems(400, 408, 413, 415, 422, 429, 503, 504),
        openapi_extra=form_schema("picture"),
    )
    async def alike(request: Request) -> schemas.Matches:
        """Find the pictures of the library that look most like a picture; it is not kept."""
        form = await read_form(request, limits)
        picture = form.only()
        if form.fields:
            raise Refusal(422, "bad-request", f"there is no field {min(form.fields)!r}; there is picture")
        return schemas.Matches.of(await in_thread(limits, lambda: service.alike(picture)))


def _add_pictures(app: FastAPI, gallery: Gallery, limits: Limits) -> None:
    """Of pictures that an answer has shown: a thumbnail, and a person's words."""

    @app.get(
        "/api/thumbnail",
        tags=["library"],
        summary="A small picture",
        response_class=Response,
        responses={
            **problems(400, 404, 422, 503, 504),
            200: {
                "description": "A JPEG. Where pictures are screened, the header X-Showtell-Unsafe says true or false.",
                "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
            },
        },
    )
    async def thumbnail(id: Id) -> Response:  # noqa: A002
        """A small JPEG of a picture that an answer has shown, without what its file says beside the pixels."""
        found = await in_thread(limits, lambda: gallery.thumbnail(id))
        unsafe = {} if found.safety is None else {"X-Showtell-Unsafe": str(found.safety.unsafe).lower()}
        return Response(found.jpeg, media_type="image/jpeg", headers=unsafe)

    @app.post(
        "/api/describe",
        tags=["library"],
        summary="Describe pictures of the library",
        responses=problems(400, 404, 422, 503, 504),
    )
    async def describe(words: schemas.Describe) -> schemas.Kept:
        """Keep a person's words about pictures that an answer has shown; no machine's words replace them."""
        kept = await in_thread(
            limits,
            lambda: gallery.describe(words.ids, words.text, words.language, correction=words.correction),
        )
        return schemas.Kept(kept=kept)
