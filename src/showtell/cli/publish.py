"""``showtell publish``: a bundle becomes a repository of the Hugging Face Hub."""

import re
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from showtell.cli import console
from showtell.errors import ShowtellError

__all__ = ["publish"]


def publish(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The folder of a bundle.")],
    licence: Annotated[
        str,
        typer.Option(
            "--license", metavar="ID", help="Of the weights, as the hub calls it: mit, cc-by-4.0, other, …"
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Prepare the repository in this folder, and keep it."),
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="ORG/NAME", help="Upload it there; without this nothing is sent.")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make the repository private.")] = False,
) -> None:
    """Prepare a bundle for the Hugging Face Hub, or upload it.

    The repository has the bundle's files and its card as README.md. Whoever has showtell[hf] captions with it by
    --model hf:ORG/NAME.
    """
    from showtell.captioning import hub

    if output is None and to is None:
        raise ShowtellError("there is nothing to do; give --output FOLDER, --to ORG/NAME, or both")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", licence):
        raise ShowtellError(f"--license {licence}: is no identifier of a licence, such as mit or cc-by-4.0")
    with tempfile.TemporaryDirectory() as place:
        folder = output if output is not None else Path(place) / "repository"
        address = hub.publish(bundle, folder, licence=licence, to=to, private=private)
    if output is not None:
        console.note(f"{output}: the repository is prepared")
    if address is not None:
        print(address)
