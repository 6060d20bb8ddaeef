"""The command line: `main`, and the one list of commands.

A command is a function of the command's name in the module that stands beside the name in `COMMANDS`: it
parses, calls and prints, and holds no logic. Its module is imported when it is asked for, and imports nothing
heavy itself before the function runs, so that ``showtell --help`` answers at once.
"""

import difflib
import importlib
import keyword
import os
import re
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import showtell
from showtell.errors import ShowtellError
from showtell.text.printable import printable

COMMANDS = {
    "caption": "showtell.cli.caption",
    "evaluate": "showtell.cli.evaluate",
    "score": "showtell.cli.score",
    "data": "showtell.cli.data",
    "features": "showtell.cli.features",
    "train": "showtell.cli.train",
    "recipes": "showtell.cli.recipes",
    "tune": "showtell.cli.tune",
    "export": "showtell.cli.export",
    "import": "showtell.cli.importing",
    "publish": "showtell.cli.publish",
    "compare": "showtell.cli.compare",
    "explain": "showtell.cli.explain",
    "models": "showtell.cli.models",
    "index": "showtell.cli.index",
    "find": "showtell.cli.find",
    "describe": "showtell.cli.describe",
    "screen": "showtell.cli.screen",
    "undo": "showtell.cli.undo",
    "audit": "showtell.cli.audit",
    "serve": "showtell.cli.serve",
    "desktop": "showtell.cli.desktop",
    "feedback": "showtell.cli.feedback",
}

_PLAIN_WORDS = (
    (r"is not a valid int(eger)?( range)?$", "is not an integer"),
    (r"is not a valid float( range)?$", "is not a number"),
    (r"(\S+) is not in the range x>=(\S+)$", r"must be at least \2, not \1"),
    (r"(\S+) is not in the range (\S+)<=x<=(\S+)$", r"must be from \2 to \3, not \1"),
)
"""How Typer says what is wrong with a number, and how people do."""

_HELP = {"help_option_names": ["-h", "--help"]}


class Command(TyperCommand):
    """A command whose usage line names arguments as others do: PATH, and [PATH] where it may be left out."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [re.sub(r"^\{(.*)\}$", r"\1", piece) for piece in super().collect_usage_pieces(ctx)]


class _Commands(TyperGroup):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        name = f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name
        function = getattr(importlib.import_module(COMMANDS[cmd_name]), name)
        if isinstance(function, typer.Typer):  # a command of several, such as `showtell feedback list`
            return typer.main.get_command(function)
        command = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=_HELP)
        command.command(cmd_name, cls=Command)(function)
        return typer.main.get_command(command)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is meant; a name that is nearly one is answered with it."""
        name = args[0] if args else ""
        near = difflib.get_close_matches(name, COMMANDS, 1)
        if name not in COMMANDS and near:
            raise ShowtellError(
                f"there is no command {name!r}; did you mean {near[0]!r}? (see showtell --help)"
            )
        return super().resolve_command(ctx, args)


app = typer.Typer(cls=_Commands, add_completion=True, rich_markup_mode=None, context_settings=_HELP)


@app.callback(invoke_without_command=True)
def _showtell(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error comes from; may stand after any command.")
    ] = False,
) -> None:
    """Say what is in pictures, offline; score captions; train captioners.

    Results go to stdout, messages and progress to stderr. Exit status: 0 all well; 1 some pictures failed;
    2 the call itself was wrong; 130 stopped with Ctrl-C.
    """
    if version:
        print(showtell.__version__)
    elif context.invoked_subcommand is None:
        print(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; every error that input can cause is one line."""
    _open_what_is_closed()
    with _signals_that_stop():
        return _run(list(sys.argv[1:] if arguments is None else arguments))


def _run(arguments: list[str]) -> int:
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    # What pillow finds odd in a file is no news to whoever wants it captioned.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    if isinstance(sys.stdout, TextIOWrapper):
        # UTF-8 as in files, since a pipe may know too few letters; names of files need not be Unicode at all.
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    try:
        status = app(arguments, prog_name="showtell", standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        status = 130
    except BrokenPipeError:
        # Whoever read our output has stopped reading (`showtell … | head`): typer ends quietly with 1 when
        # that shows while a command runs. Python flushes stdout once more as it ends, which must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except Exception as error:
        if _comes_from_ctrl_c(error):
            status = 130
        elif isinstance(error, ShowtellError | OSError | typer.TyperException):
            if debug:
                traceback.print_exc()
            print(f"showtell: {printable(_one_line(error))}", file=sys.stderr)
            status = 2
        else:
            raise
    if status == 130:
        print("showtell: stopped", file=sys.stderr)
    return status if isinstance(status, int) else 0


def _comes_from_ctrl_c(error: BaseException | None) -> bool:
    """Whether Ctrl-C caused an error: a compiled module that it stops while it is imported raises an ImportError."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _open_what_is_closed() -> None:
    """Let results or messages that nobody wants (``>&-``) go nowhere; no file of ours may take their number."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115


@contextmanager
def _signals_that_stop() -> Iterator[None]:
    """While the block runs, being told to end is Ctrl-C, so that what is done is kept."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    numbers = [getattr(signal, name) for name in names]
    main_thread = threading.current_thread() is threading.main_thread()
    # One that is ignored (nohup) or has a handler already stays as it is.
    taken = [number for number in numbers if main_thread and signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _one_line(error: Exception) -> str:
    """An error as one line: what, where, what to do."""
    if isinstance(error, typer.TyperException):
        context = getattr(error, "ctx", None)
        where = context.command_path if context else "showtell"
        message = error.format_message().rstrip(".").removeprefix("Invalid value: ")
        for odd, plain in _PLAIN_WORDS:
            message = re.sub(odd, plain, message)
        return f"{message} (see {where} --help)"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()).removesuffix(".")
