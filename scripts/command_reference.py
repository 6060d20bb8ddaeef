"""Print docs/commands.md: what ``showtell --help`` and every command's ``--help`` say, 80 columns wide."""

import contextlib
import io
import os

import typer

from showtell.cli import COMMANDS, app, main

INTRODUCTION = """\
# Commands

What `showtell COMMAND --help` says. This page is written by `scripts/docs`; a test fails when it is stale.
"""


def page() -> str:
    """The whole page, without a newline at its end."""
    os.environ.update(COLUMNS="80", NO_COLOR="1", TERM="dumb")
    group = typer.main.get_command(app)
    sections = [section("showtell")]
    for name in COMMANDS:
        sections.append(section(f"showtell {name}", name))
        parts = getattr(group.get_command(None, name), "commands", {})  # of a command of several
        sections += [section(f"showtell {name} {part}", name, part) for part in parts]
    return "\n".join([INTRODUCTION, *sections]).rstrip()


def section(title: str, *command: str) -> str:
    """A heading and a help text."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        main([*command, "--help"])
    return f"## {title}\n\n```text\n{said.getvalue().strip()}\n```\n"


if __name__ == "__main__":
    print(page())
