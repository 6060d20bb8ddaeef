"""``showtell serve``: captions over HTTP, and a page."""

from pathlib import Path
from typing import Annotated

import typer

from showtell.cli import options as option
from showtell.cli.console import note, prepare_model
from showtell.errors import MissingExtra

__all__ = ["serve"]


def serve(
    model: option.Model = "base",
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Listen here; beyond 127.0.0.1 a token is needed.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="0 for any port that is free.")
    ] = 8017,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="SECRET",
            envvar="SHOWTELL_TOKEN",
            help="The token that requests must have; on 127.0.0.1 one is made unless given.",
        ),
    ] = None,
    make_token: Annotated[
        bool, typer.Option("--make-token", help="Make a token and print it, for addresses beyond 127.0.0.1.")
    ] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A further name by which the server is called; may be repeated."),
    ] = None,
    library: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Search this library too, made by showtell index.")
    ] = None,
    feedback: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where feedback is kept; the user's own file unless given."),
    ] = None,
) -> None:
    """Serve captions over HTTP, and a page to open in a browser.

    Pictures are captioned and forgotten; only feedback is kept. SIGTERM or Ctrl-C ends the server after what it
    has begun is finished.
    """
    try:
        from showtell.apps.server.running import prepare
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "showtell":
            raise
        raise MissingExtra(
            f"showtell serve needs {error.name}; install it with pip install 'showtell[server]'"
        ) from error
    from showtell.apps.service import open_service

    prepare_model(model)
    service = open_service(model, feedback=feedback, library=library)
    running = prepare(
        service, host=host, port=port, token=token, make_token=make_token, hosts=allow_host or ()
    )
    if token is None:
        note(f"open {running.url} in a browser; Ctrl-C ends")
    else:  # a secret that was given does not belong into a log
        note(f"open {running.url.partition('#')[0]} in a browser and give it your token; Ctrl-C ends")
    running.run()
