"""Who may ask, and for how much: checked before a request reaches a route.

* The ``Host`` must be known, so that a foreign name that leads to this machine (DNS rebinding) reaches nothing.
* A request that a browser sends from another site is refused, and so is one whose ``Origin`` is ``null``.
* Everything under ``/api`` needs the token.
* A body has a largest size, must arrive in time, and must fit into memory beside the others.
* Every answer carries headers that forbid a browser what the page does not need.
"""

import asyncio
import hmac
import ipaddress
from collections.abc import Callable, Collection
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from showtell.apps.server.problems import Refusal, response

__all__ = ["Limits", "Protection", "is_loopback"]

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may ask for.

    Attributes:
        picture_bytes: of one picture.
        pictures: in one request.
        body_bytes: of a request's body.
        all_bytes: of the bodies of all requests that are not answered yet; more are told to come back.
        body_seconds: until a body has arrived.
        answer_seconds: until an answer is there.
    """

    picture_bytes: int = 20_000_000
    pictures: int = 16
    body_bytes: int = 64_000_000
    all_bytes: int = 256_000_000
    body_seconds: float = 60.0
    answer_seconds: float = 60.0


class Protection:
    """An ASGI application around another, which refuses what may not reach it."""

    def __init__(self, app: ASGIApp, *, token: str, hosts: Collection[str], limits: Limits) -> None:
        """Protect an application.

        Args:
            app: it.
            token: what ``Authorization: Bearer`` must say under ``/api``.
            hosts: names by which this server may be called, without ports, in lower case; ``*`` stands for any
                address written in numbers, which no foreign name can pretend to be.
            limits: of a request.
        """
        self._app = app
        self._token = token.encode()
        self._hosts = frozenset(hosts)
        self._limits = limits
        self._held = 0  # bytes of bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # there are no web sockets
        answer = _with_headers(scope, send)
        try:
            self._check(scope)
        except Refusal as refusal:
            await response(refusal)(scope, receive, answer)
            return
        body = _Body(receive, self._limits, self._hold)
        try:
            await self._app(scope, body.receive, answer)
        except Refusal as refusal:
            await response(refusal)(scope, receive, answer)
        finally:
            self._held -= body.size

    def _hold(self, size: int) -> None:
        """Count bytes that came in; Refusal when there are too many in all."""
        self._held += size
        if self._held > self._limits.all_bytes:
            raise Refusal(
                429,
                "busy",
                "too much is being sent at once; try again in a moment",
                {"Retry-After": "1", "Connection": "close"},
            )

    def _check(self, scope: Scope) -> None:
        """Raise Refusal when the request may not go on."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._knows(_name(hosts[0])):
            raise Refusal(
                400, "host", "this server does not answer to that name; see showtell serve --allow-host"
            )
        for origin in headers.getlist("origin"):
            if origin.partition("://")[2].lower() != hosts[0].lower():
                raise Refusal(403, "origin", "requests from other sites are refused")
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and _is_api(scope):
            raise Refusal(403, "origin", "requests from other sites are refused")
        if _is_api(scope) and scope["path"] != "/api/health":
            kind, _, given = headers.get("authorization", "").partition(" ")
            if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token):
                challenge = {"WWW-Authenticate": "Bearer"}
                raise Refusal(
                    401, "token", "the token is missing or wrong; showtell serve prints it", challenge
                )
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            raise Refusal(400, "length", "the length of the body is not a number")
        if int(length) > self._limits.body_bytes:
            raise _too_long(self._limits)

    def _knows(self, name: str) -> bool:
        return name in self._hosts or ("*" in self._hosts and _is_address(name))


class _Body:
    """A request's body, counted and timed while it comes in.

    Attributes:
        size: bytes so far.
    """

    def __init__(self, receive: Receive, limits: Limits, hold: Callable[[int], None]) -> None:
        self.size = 0
        self._receive = receive
        self._limits = limits
        self._hold = hold
        self._whole = False
        self._until = asyncio.get_running_loop().time() + limits.body_seconds

    async def receive(self) -> Message:
        if self._whole:  # what may still come is that the client goes away
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise Refusal(
                408, "slow", "the request took too long to arrive", {"Connection": "close"}
            ) from None
        more = len(message.get("body", b""))
        self.size += more
        self._hold(more)
        if self.size > self._limits.body_bytes:
            raise _too_long(self._limits)
        self._whole = not message.get("more_body", False)
        return message


def _too_long(limits: Limits) -> Refusal:
    detail = f"a request may have {limits.body_bytes:,} bytes"
    return Refusal(413, "too-large", detail, {"Connection": "close"})


def _with_headers(scope: Scope, send: Send) -> Send:
    """The `send` that puts the headers into every answer."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            if _is_api(scope):
                headers["Cache-Control"] = "no-store"
        await send(message)

    return sending


def _is_api(scope: Scope) -> bool:
    path: str = scope["path"]
    return path == "/api" or path.startswith("/api/")


def _name(host: str) -> str:
    """A Host header without its port."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether a host that a server listens on can be reached from this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
