"""Changes to a file's bytes as data, so that they can be taken back to the last bit."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Edit", "apply", "inverse"]


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes that take the place of others.

    Attributes:
        offset: where, in the file as it was.
        length: how many bytes go; 0 where new ones are put in between.
        new: what stands there afterwards.
    """

    offset: int
    length: int
    new: bytes


def apply(data: bytes, edits: Sequence[Edit]) -> bytes:
    """The bytes after the edits, which must not overlap; what is put in at one place keeps its order."""
    parts: list[bytes] = []
    place = 0
    for edit in _sorted(edits):
        if edit.offset < place or edit.offset + edit.length > len(data):
            raise ValueError("the edits overlap, or reach beyond the end")
        parts += [data[place : edit.offset], edit.new]
        place = edit.offset + edit.length
    return b"".join([*parts, data[place:]])


def inverse(data: bytes, edits: Sequence[Edit]) -> list[Edit]:
    """What takes the edits of `data` back: ``apply(apply(data, edits), inverse(data, edits)) == data``."""
    back: list[Edit] = []
    moved = 0
    for edit in _sorted(edits):
        old = data[edit.offset : edit.offset + edit.length]
        back.append(Edit(edit.offset + moved, len(edit.new), old))
        moved += len(edit.new) - edit.length
    return back


def _sorted(edits: Sequence[Edit]) -> list[Edit]:
    """By place; what is put in before what is there goes first."""
    return sorted(edits, key=lambda edit: (edit.offset, edit.length > 0))
