"""What others wrote reaches a terminal as text, never as commands to it."""

import json
import os
import unicodedata

import pytest

from showtell.text.printable import json_for_terminals, printable


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("\x1b[2Jgone.jpg", r"\x1b[2Jgone.jpg"),  # clears the screen
        ("\x1b]0;title\x07.jpg", r"\x1b]0;title\x07.jpg"),  # OSC: a window's title
        ("\x9b31m.jpg", r"\x9b31m.jpg"),  # C1: the same as ESC [
        ("\x90q\x9c", r"\x90q\x9c"),
        ("a\rb\nc\td\x7f\x00", r"a\x0db\x0ac\x09d\x7f\x00"),
        ("photo\u202egpj.exe", r"photo\u202egpj.exe"),  # shown as photoexe.jpg
        ("\u2066a\u2069 \u200fb \u061cc", r"\u2066a\u2069 \u200fb \u061cc"),
        ("a\u2028b\u2029c\x85d", r"a\u2028b\u2029c\x85d"),
        (os.fsdecode(b"caf\xe9 \x9b.jpg"), r"caf\xe9 \x9b.jpg"),
        ("\ud800", r"\ud800"),
    ],
)
def test_control_characters_are_written_out(text, written):
    assert printable(text) == written


@pytest.mark.parametrize(
    "text", ["", "一只狗.jpg", "café ñ", "👨‍👩‍👧 🏴󠁧󠁢󠁳󠁣󠁴󠁿", "שלום عربي", r"C:\new\x1b", "e\u0301"]
)
def test_everything_else_stays(text):
    assert printable(text) == text


def test_nothing_that_a_terminal_obeys_is_left():
    left = printable("".join(map(chr, range(0x11_0000))))
    assert not {
        character for character in left if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
    }
    assert not {character for character in left if unicodedata.bidirectional(character) in
                ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")}  # fmt: skip


def test_json_says_the_same_in_characters_that_no_terminal_obeys():
    row = {"path": "\x1b[2J\x9b31m\u202egpj\ud800\x7f", "caption": "一只狗 a\tb\n"}
    text = json_for_terminals(json.dumps(row, ensure_ascii=False, indent=1))
    assert json.loads(text) == row
    assert "一只狗" in text
    assert not set(text) & set("\x1b\x9b\u202e\ud800\x7f")
