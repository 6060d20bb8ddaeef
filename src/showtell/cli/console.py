"""What commands share: messages and progress on stderr, results on stdout or in a file."""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from showtell.errors import ShowtellError
from showtell.files import written_whole
from showtell.progress import Progress
from showtell.text.printable import printable

if TYPE_CHECKING:
    from showtell.captioning.captioner import BundleCaptioner

__all__ = ["ON_STDERR", "load_model", "note", "output", "prepare_model", "progress"]


def note(message: str) -> None:
    """Tell the user something that is not a result: one line on stderr."""
    print(f"showtell: {printable(message)}", file=sys.stderr)


def load_model(name: str) -> "BundleCaptioner":
    """The model that an option names; what is odd about it is a note.

    Raises:
        ShowtellError: there is none, or it is broken.
    """
    from showtell.captioning.hub import load

    prepare_model(name)
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always", UserWarning)
        model = load(name)
    for warning in odd:
        note(str(warning.message))
    return model


def prepare_model(name: str) -> None:
    """Convert a model of the Hugging Face Hub that is not in the user's cache yet; nothing for any other name.

    Raises:
        ShowtellError: it cannot be fetched or converted.
    """
    if not name.startswith("hf:"):
        return
    from showtell.captioning.hub import HubName, NotConverted, bundle_folder

    try:
        bundle_folder(name)
    except NotConverted:
        from showtell.cli.importing import convert

        note(f"{name}: fetching and converting it, once")
        convert(name, HubName.parse(name).cached)


@contextmanager
def progress(total: int | None, description: str, *, hidden: bool = False) -> Iterator[Callable[[int], None]]:
    """A bar with a rate and the time left, if stderr is a terminal; what it yields is called with the steps done."""
    if hidden or not sys.stderr.isatty():
        yield lambda steps: None
        return
    from rich import progress as bars
    from rich.console import Console
    from rich.text import Text

    class Rate(bars.ProgressColumn):
        def render(self, task: bars.Task) -> Text:
            return Text(f"{task.speed:.1f} per second" if task.speed else "")

    text, left = bars.TextColumn("{task.description}"), bars.TimeRemainingColumn()
    columns = (text, bars.BarColumn(), bars.MofNCompleteColumn(), Rate(), left)
    # Left alone, rich would take what is printed to stdout meanwhile, and print it to stderr.
    with bars.Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar:
        task = bar.add_task(description, total=total)
        yield lambda steps: bar.advance(task, steps)


ON_STDERR = Progress(bar=progress, note=note)
"""How long work tells the user how far it is."""


@contextmanager
def output(path: Path | None) -> Iterator[TextIO]:
    """Where results are written: stdout, or a file that appears whole or not at all.

    The file is written beside its place and moved there at the end. After Ctrl-C, SIGTERM and SIGHUP what is done is
    kept; after an error too, unless an older file would give way to less than two lines. A link stays a link: the
    file that it leads to is written. A pipe or a device is written to as it is.

    Raises:
        ShowtellError: the file cannot be written.
    """
    if path is None:
        yield sys.stdout
        return
    if path.is_dir():
        raise ShowtellError(f"{path}: cannot be written, because it is a folder")
    place = Path(os.path.realpath(path))
    with ExitStack() as stack:
        try:
            part = path
            if path.is_file() or not path.exists():
                part = stack.enter_context(written_whole(place, keep=partial(_is_worth_keeping, place)))
            text = part.open("w", encoding="utf-8", newline="", errors="surrogateescape")
            file = stack.enter_context(text)
        except OSError as error:
            raise ShowtellError(f"{path}: cannot be written ({error.strerror})") from error
        yield file


def _is_worth_keeping(place: Path, error: BaseException, part: Path) -> bool:
    """Whether what was written up to an error is rows, and not the frame of a file alone."""
    with part.open("rb") as file:
        head = file.read(2**20)
    lines = head.count(b"\n")
    many = lines > 1 or (lines == 1 and not place.exists() and head.strip() != b"[]")
    return isinstance(error, KeyboardInterrupt) or many
