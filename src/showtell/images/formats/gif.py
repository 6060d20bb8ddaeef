"""GIF: its first frame and what that frame needs, without comments, programs' blocks and later frames.

A file is a header with a palette and a row of blocks: extensions (``!``, a kind, pieces that say how long they are)
and frames (``,``, place and size, perhaps a palette, packed pixels in such pieces), up to a ``;``.
"""

from showtell.images.formats.base import Broken, Essential

__all__ = ["end_of_pieces", "essential", "palette"]

_HEADER = 13
_CONTROL = b"\xf9\x04"  # an extension of four bytes that says what is transparent in the next frame
_FRAME = 10


def essential(data: bytes) -> Essential:
    """The first frame of a GIF.

    Raises:
        Broken: there is none.
    """
    place = _HEADER + palette(data[10:11])
    header, control = data[:place], b""
    while place < len(data):
        kind = data[place : place + 1]
        if kind == b"!":
            end = end_of_pieces(data, place + 2)
            # Of one that is no control of the usual length nobody knows what it means.
            if data[place + 1 : place + 3] == _CONTROL and end == place + 8:
                control = data[place:end]
            place = end
        elif kind == b",":
            # The pixels begin behind the width of their codes, one byte.
            pixels = place + _FRAME + palette(data[place + 9 : place + 10]) + 1
            frame = data[place : end_of_pieces(data, pixels)]
            return Essential(data=b"".join([header, control, frame, b";"]))
        elif kind == b";":
            break
        else:
            place += 1
    raise Broken("there are no pixels")


def palette(flags: bytes) -> int:
    """The bytes of the palette that a header or a frame says it has."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def end_of_pieces(data: bytes, place: int) -> int:
    """Where a row of pieces ends, the empty one at its end included."""
    while place < len(data) and data[place]:
        place += 1 + data[place]
    return min(place + 1, len(data))
