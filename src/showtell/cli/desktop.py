"""``showtell desktop``: pictures described in a window."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from showtell.cli import options as option
from showtell.cli.console import prepare_model
from showtell.errors import MissingExtra, ShowtellError

if TYPE_CHECKING:
    from showtell.apps.service import Service

__all__ = ["desktop"]


def desktop(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH...]", help="Pictures and folders to begin with.")
    ] = None,
    model: option.Model = "base",
    library: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Search this library, made by showtell index.")
    ] = None,
    feedback: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where feedback is kept; the user's own file unless given."),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(
            metavar="N", help="2 makes everything twice as large; the screen's own scale unless given."
        ),
    ] = None,
) -> None:
    """Describe pictures in a window.

    Open or drop them, see which part each word depends on, correct and save captions, search a
    library.
    """
    try:
        import tkinter

        from showtell.apps.desktop.settings import Settings, settings_path
        from showtell.apps.desktop.window import Window, new_root
    except ModuleNotFoundError as error:
        if error.name not in ("tkinter", "_tkinter"):
            raise
        raise MissingExtra(
            "showtell desktop needs Tk, which comes with Python or as a package of the system (Debian: "
            "apt install python3-tk); showtell serve has a page that needs none"
        ) from error
    if scale is not None and not 0.5 <= scale <= 5:
        raise ShowtellError(f"--scale must be from 0.5 to 5, not {scale}")

    def open_service(folder: str | None) -> "Service":
        from showtell.apps.service import open_service as opened

        return opened(model, feedback=feedback, library=None if folder is None else Path(folder))

    prepare_model(model)
    settings = Settings.read(settings_path())
    if library is not None:
        settings.library = str(library)
    try:
        window = Window(new_root(), open_service, settings=settings, scale=scale)
    except tkinter.TclError as error:
        raise ShowtellError(f"there is no screen to open a window on ({error})") from error
    window.open(paths or [])
    window.root.mainloop()
