"""uvicorn around the application: started, told where it is, and ended so that what was begun is finished."""

import secrets
import signal
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import uvicorn

from showtell.apps.server.app import create_app
from showtell.apps.server.connections import Patient
from showtell.apps.server.protection import Limits, is_loopback
from showtell.apps.service import Service
from showtell.errors import ShowtellError, reason_of

__all__ = ["Running", "prepare"]

SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Running:
    """A server that is ready to run.

    Attributes:
        url: of the page, with the token, which a browser keeps to itself.
        token: what programs send as ``Authorization: Bearer``.
        server: uvicorn's.
        sockets: it listens on.
    """

    url: str
    token: str
    server: uvicorn.Server
    sockets: list[socket.socket]

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM, then finish what was begun and return."""
        if threading.current_thread() is not threading.main_thread():
            self.server.run(sockets=self.sockets)
            return
        # uvicorn sends itself the signal once more when it has ended, which would end the process as if by a kill.
        usual = {one: signal.signal(one, lambda *_: None) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            self.server.run(sockets=self.sockets)
        finally:
            for one, handler in usual.items():
                signal.signal(one, handler)


def prepare(
    service: Service,
    *,
    host: str = "127.0.0.1",
    port: int = 8017,
    token: str | None = None,
    make_token: bool = False,
    hosts: Sequence[str] = (),
    limits: Limits | None = None,
) -> Running:
    """Bind the port and build the application.

    Args:
        service: what it answers with.
        host: the address to listen on.
        port: 0 for any that is free.
        token: what requests must bring; one is made on loopback.
        make_token: make one beyond loopback too.
        hosts: further names by which the server may be called.
        limits: of a request.

    Raises:
        ShowtellError: the host is beyond loopback and there is no token, the token is short, or the port is taken.
    """
    if token is None and not is_loopback(host) and not make_token:
        raise ShowtellError(
            f"{host} can be reached from other machines; give --token SECRET, or --make-token to have one made"
        )
    token = secrets.token_urlsafe(24) if token is None else token
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise ShowtellError(
            f"the token must have at least {SHORTEST_TOKEN} characters, letters, digits and signs, without spaces"
        )
    bound = _bind(host, port)
    known = {"localhost", "127.0.0.1", "::1", host.lower(), *(name.lower() for name in hosts)}
    if not is_loopback(host):
        known.add("*")
    app = create_app(service, token=token, hosts=known, limits=limits)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        http=Patient,
        ws="none",
        timeout_keep_alive=10,
        timeout_graceful_shutdown=30,
        limit_concurrency=256,
        h11_max_incomplete_event_size=32_768,
    )
    name = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    place = f"[{name}]" if ":" in name else name
    url = f"http://{place}:{bound.getsockname()[1]}/#token={token}"
    return Running(url, token, uvicorn.Server(config), [bound])


def _bind(host: str, port: int) -> socket.socket:
    """A socket that listens."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise ShowtellError(f"{host}: there is no such address to listen on ({error})") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(128)
    except (OSError, OverflowError) as error:
        bound.close()
        raise ShowtellError(
            f"{host}:{port} cannot be listened on ({reason_of(error)}); choose another with --port"
        ) from error
    return bound
