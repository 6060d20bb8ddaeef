"""The routes: each parses, asks the service and answers."""

import asyncio
from collections.abc import AsyncIterator, Collection
from concurrent.futures import Future
from contextlib import asynccontextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp

import showtell
from showtell.apps.server import schemas
from showtell.apps.server.answers import in_thread, problems, within
from showtell.apps.server.library import add_library
from showtell.apps.server.problems import Refusal, as_problem, handle_problems, problem
from showtell.apps.server.protection import Limits, Protection
from showtell.apps.server.uploads import Upload, form_schema, read_form
from showtell.apps.service import Described, Service

__all__ = ["PAGE", "create_app"]

Answer = TypeVar("Answer")

PAGE = Path(str(files("showtell.apps"))) / "web"
PAGE_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    **{
        f"/{name}.js": (f"{name}.js", "text/javascript; charset=utf-8")
        for name in ("page", "api", "words", "captions", "search")
    },
}
_OPTIONS: dict[str, dict[str, object]] = {
    "language": {
        "type": "string",
        "description": "One of the model's languages, or both; its first unless given.",
        "examples": ["en", "zh", "both"],
    },
    "beam": {"type": "integer", "minimum": 1, "maximum": 10, "description": "Hypotheses followed at a time."},
    "candidates": {
        "type": "integer",
        "minimum": 1,
        "maximum": 10,
        "description": "Captions wanted for each picture; as many as the beam finds unless given.",
    },
    "screen": {
        "type": "boolean",
        "description": "Whether to say if each picture is fit to be shown, where screening is installed.",
    },
}


def create_app(
    service: Service, *, token: str, hosts: Collection[str], limits: Limits | None = None
) -> ASGIApp:
    """The whole application, protected.

    Args:
        service: what it answers with; it is closed when the application ends.
        token: what requests under ``/api`` must bring.
        hosts: names the server may be called by; see `Protection`.
        limits: of a request.
    """
    limits = limits or Limits()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(service.close)

    app = FastAPI(
        title="Showtell",
        version=showtell.__version__,
        lifespan=lifespan,
        docs_url=None,  # the documentation pages of FastAPI fetch scripts from other hosts
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    handle_problems(app)
    _add_captions(app, service, limits)
    _add_screening(app, service, limits)
    add_library(app, service, limits)
    _add_feedback(app, service)
    _add_about(app, service)
    _add_page(app)
    app.openapi = partial(_openapi, app)  # type: ignore[method-assign]
    return Protection(app, token=token, hosts=hosts, limits=limits)


def _add_captions(app: FastAPI, service: Service, limits: Limits) -> None:
    """Captions and explanations of pictures that are sent."""

    @app.post(
        "/api/caption",
        tags=["pictures"],
        summary="Caption pictures",
        responses=problems(400, 408, 413, 415, 422, 429, 503, 504),
        openapi_extra=form_schema("pictures", **_OPTIONS),
    )
    async def caption(request: Request) -> schemas.CaptionedMany:
        """Caption one or many pictures, in the order in which they are sent.

        One picture that cannot be read is a problem of the request; among several, it is a result that says why.
        """
        form = await read_form(request, limits)
        options = _options(form)
        futures = service.submit(form.pictures, **options)
        found = await within(limits, _all(futures))
        results = []
        for name, described in zip(form.names, found, strict=True):
            if isinstance(described, Described):
                results.append(schemas.Captioned.of(name, described))
                continue
            refusal = as_problem(described)
            if len(found) == 1:
                raise refusal
            refused = schemas.Problem(**problem(refusal.kind, refusal.status, refusal.detail))
            results.append(schemas.Captioned(name=name, problem=refused))
        return schemas.CaptionedMany(results=results)

    @app.post(
        "/api/explain",
        tags=["pictures"],
        summary="Explain a caption",
        responses=problems(400, 408, 413, 415, 422, 429, 503, 504),
        openapi_extra=form_schema("picture", language=_OPTIONS["language"]),
    )
    async def explain(request: Request) -> schemas.Explained:
        """Caption one picture, and say which part of it each word of the caption depends on."""
        form = await read_form(request, limits)
        picture = form.only()
        asked = _options(form, "language").get("language")
        found = await in_thread(limits, lambda: service.explain(picture, language=asked))
        return schemas.Explained(**found.to_dict())


def _add_screening(app: FastAPI, service: Service, limits: Limits) -> None:
    """Whether pictures are fit to be shown; there is no such route where nothing can say it."""
    if service.screener is None:
        return

    @app.post(
        "/api/screen",
        tags=["pictures"],
        summary="Screen a picture",
        responses=problems(400, 408, 413, 415, 422, 429, 503, 504),
        openapi_extra=form_schema("picture"),
    )
    async def screen(request: Request) -> schemas.Safety:
        """Say whether one picture is fit to be shown to everybody."""
        form = await read_form(request, limits)
        picture = form.only()
        _options(form, "picture")
        return schemas.Safety.model_validate(await in_thread(limits, lambda: service.screen(picture)))


def _add_feedback(app: FastAPI, service: Service) -> None:
    """What people say of captions."""

    @app.post(
        "/api/feedback",
        tags=["feedback"],
        summary="Correct, rate or compare captions",
        responses=problems(400, 422, 503),
    )
    def feedback(row: schemas.FeedbackIn) -> schemas.FeedbackOut:
        """Keep what a person says of a caption, on this machine.

        A correction of a picture that is in the library is kept there too; the same words are offered for pictures
        that look nearly the same.
        """
        kept = service.judge(**row.model_dump())
        return schemas.FeedbackOut(
            id=kept.id, offers=[schemas.HitOut.of(hit) for hit in service.spread(kept)]
        )

    @app.post(
        "/api/feedback/delete",
        tags=["feedback"],
        summary="Take feedback back",
        responses=problems(400, 422, 503),
    )
    def delete(row: schemas.Forget) -> schemas.Forgotten:
        """Delete one row of feedback for good."""
        return schemas.Forgotten(deleted=service.forget(row.id))


def _add_about(app: FastAPI, service: Service) -> None:
    """What this server is."""

    @app.get("/api/health", tags=["about"], summary="How the server is")
    def health() -> schemas.HealthOut:
        """Whether the server answers, and what it can do; needs no token."""
        return schemas.HealthOut.of(service.health(), showtell.__version__)

    @app.get("/api/card", tags=["about"], summary="The model's card")
    def card() -> schemas.Card:
        """What the model learnt from, what it reaches and where it fails."""
        state = service.health()
        return schemas.Card(model=state.model, version=state.version, card=service.card())


def _add_page(app: FastAPI) -> None:
    """The page and its files: those that are named here, and no others."""

    def serve(path: str, name: str, media_type: str) -> None:
        @app.get(path, include_in_schema=False)
        def page_file() -> FileResponse:
            return FileResponse(PAGE / name, media_type=media_type, headers={"Cache-Control": "no-cache"})

    for path, (name, media_type) in PAGE_FILES.items():
        serve(path, name, media_type)


def _options(form: Upload, *names: str) -> dict[str, Any]:
    """The form's options, as the service takes them; all there are unless named."""
    known = names or tuple(_OPTIONS)
    if unknown := sorted(form.fields.keys() - set(known)):
        raise Refusal(422, "bad-request", f"there is no field {unknown[0]!r}; there are {', '.join(known)}")
    options: dict[str, Any] = {}
    for name, value in form.fields.items():
        if name == "language":
            options[name] = value
        elif name == "screen":
            if value not in ("true", "false"):
                raise Refusal(422, "bad-request", "screen: must be true or false")
            options[name] = value == "true"
        elif value.isascii() and value.isdigit() and len(value) < 5:
            options[name] = int(value)
        else:
            raise Refusal(422, "bad-request", f"{name}: must be an integer")
    return options


async def _all(futures: list[Future[Described]]) -> list[Described | Exception]:
    """What became of each picture; when nobody waits any longer, pictures that still wait are left out."""
    waiting = [asyncio.wrap_future(future) for future in futures]
    found = await asyncio.gather(*waiting, return_exceptions=True)
    return [one if isinstance(one, Described) else _exception(one) for one in found]


def _exception(error: BaseException) -> Exception:
    if not isinstance(error, Exception):
        raise error
    return error


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The description of the interface: FastAPI's, with the token, and with every problem as what it is."""
    if app.openapi_schema is None:
        described = get_openapi(
            title=app.title,
            version=app.version,
            summary="Says what is in pictures, and learns from what people say of it.",
            routes=app.routes,
        )
        parts = described["components"]
        parts["schemas"] = {
            **{name: one for name, one in parts["schemas"].items() if "ValidationError" not in name},
            "Problem": schemas.Problem.model_json_schema(),
        }
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        for path, methods in described["paths"].items():
            for route in methods.values():
                if path != "/api/health":
                    route["security"] = [{"token": []}]
                    route["responses"].update({str(key): value for key, value in problems(401, 403).items()})
        app.openapi_schema = described
    return app.openapi_schema
