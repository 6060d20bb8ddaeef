"""Errors over HTTP as RFC 9457, *Problem Details for HTTP APIs*, has them."""

import http
import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from showtell.apps.gallery import NoSuchPicture
from showtell.apps.service import Busy, Closed
from showtell.errors import BadBundle, BadFeedback, BadImage, BadLibrary, ShowtellError

__all__ = ["MEDIA_TYPE", "Refusal", "as_problem", "handle_problems", "problem", "response"]

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("showtell.server")


class Refusal(Exception):
    """A request that is refused: its status, the kind of problem and one sentence."""

    def __init__(self, status: int, kind: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = headers


def problem(kind: str, status: int, detail: str) -> dict[str, Any]:
    """The members of a problem.

    Args:
        kind: ``bad-picture`` and the like; it becomes the problem's type.
        status: the HTTP status.
        detail: one sentence for people.
    """
    title = http.HTTPStatus(status).phrase
    return {"type": f"urn:showtell:problem:{kind}", "title": title, "status": status, "detail": detail}


_REFUSALS: tuple[tuple[type[ShowtellError], int, str, dict[str, str] | None], ...] = (
    (Busy, 429, "busy", {"Retry-After": "1"}),
    (Closed, 503, "ending", {"Retry-After": "5"}),
    (NoSuchPicture, 404, "no-such-picture", None),
    (ShowtellError, 422, "bad-request", None),
)


# Errors of the server's own files: whoever asks learns that there is one, and the log which file it is.
_OWN = (
    ((BadLibrary, BadFeedback), 503, "storage", "what the server keeps cannot be used now; its log says why"),
    ((BadBundle,), 500, "model", "the server's model does not work; its log says why"),
)


def as_problem(error: Exception) -> Refusal:
    """What an error of the service is over HTTP; any other is raised again."""
    if isinstance(error, Refusal):
        return error
    for kinds, status, name, detail in _OWN:
        if isinstance(error, kinds):
            _log.error("%s", error)
            return Refusal(status, name, detail)
    if isinstance(error, BadImage):
        return Refusal(422, "bad-picture", f"the picture: {error.reason}")  # its path is nobody's business
    for kind, status, name, headers in _REFUSALS:
        if isinstance(error, kind):
            return Refusal(status, name, str(error), headers)
    raise error


def handle_problems(app: FastAPI) -> None:
    """Let every error of an application become a problem."""

    async def refused(request: Request, error: Exception) -> JSONResponse:
        return response(as_problem(error))

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return response(Refusal(422, "bad-request", f"{where}: {first['msg']}" if where else first["msg"]))

    async def plain(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers) if error.headers else None
        return response(Refusal(error.status_code, "http", str(error.detail), headers))

    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        # The trace says where in the program; what was sent is in no message of ours.
        _log.error("an answer failed", exc_info=error)
        return response(Refusal(500, "bug", "something went wrong in showtell; its log says where"))

    for kind in (Refusal, ShowtellError):
        app.add_exception_handler(kind, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(Exception, unexpected)


def response(refusal: Refusal) -> JSONResponse:
    """A refusal as an answer."""
    content = problem(refusal.kind, refusal.status, refusal.detail)
    return JSONResponse(content, refusal.status, headers=refusal.headers, media_type=MEDIA_TYPE)
