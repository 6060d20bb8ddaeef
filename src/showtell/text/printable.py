"""Text that others wrote -> text that moves no cursor, changes no colour and turns no line around."""

import re
from collections.abc import Sequence
from html import escape

__all__ = ["counted", "in_page", "json_for_terminals", "printable", "shown", "some", "spreadsheet_cell"]

# C0, DEL and C1; the marks that change the direction of text; separators of lines; half characters, which
# stand for the bytes of file names that are not Unicode.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with its control characters written out, as ``\\x1b`` or ``\\u202e``.

    For messages, and for results that go to a terminal: names of files, words of a bundle and captions may hold
    sequences that a terminal obeys. Everything else stays, emoji and every script included.
    """
    return _CONTROL.sub(_written_out, text)


def in_page(text: str) -> str:
    """The text as it stands in a page of HTML, its control characters written out: a page may go to a terminal too."""
    return escape(printable(text))


def json_for_terminals(text: str) -> str:
    """JSON that says the same, with the control characters that JSON lets stand written as it can: ``\\u202e``."""
    return _CONTROL.sub(lambda found: found[0] if found[0] in "\n\r\t" else f"\\u{ord(found[0]):04x}", text)


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte, as os.fsdecode has it
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def spreadsheet_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe stands before what looks like one."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def shown(name: str, most: int = 80) -> str:
    """A name as a sentence can hold it: on one line, printable, and not too long."""
    whole = printable(name)
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 caption says``, ``3,000 captions say``; the plural has an s unless given."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def some(names: Sequence[str], most: int = 5) -> str:
    """A few of many names, for a message."""
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")
