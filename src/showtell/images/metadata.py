"""Captions in the pictures' own files, or in files beside them, where photo tools and screen readers look.

::

    sidecar        photo.txt       the caption alone, as trainers of image generators use it
    xmp-sidecar    photo.jpg.xmp   an XMP packet beside the picture
    metadata       photo.jpg       XMP dc:description and alt text, IPTC caption, EXIF description

A picture is never encoded anew: its bytes stay as they are, and metadata come in between. The rules:

* **A person's words are never overwritten.** Where a person has described a picture in a language, or in one that
  nobody can tell, nothing is written in that language. `Overwrite` ``all`` alone breaks this.
* What Showtell writes is marked with the model that said it, and is renewed by ``machine`` alone.
* Fields of other programs stay. Writes are atomic, and noted in the journal (`showtell.images.journal`) first.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from showtell.errors import BadImage
from showtell.images import containers, iptc, tiff_tags
from showtell.images.containers import Contents
from showtell.images.edits import Edit, apply
from showtell.images.journal import Journal
from showtell.images.xmp import ALT_TEXT, CAPTION, DEFAULT, DESCRIPTION, MODEL, Packet

__all__ = ["Change", "Kind", "Overwrite", "Words", "WordsWriter", "read_words"]

Kind = Literal["sidecar", "xmp-sidecar", "metadata"]
Overwrite = Literal["none", "machine", "all"]
Action = Literal["written", "renewed", "kept"]

_EXIF_DESCRIPTION = 0x010E
_LARGEST = 2**30  # bytes of a file that is taken into memory
# What cameras and programs put where a description belongs. It stays, and is nobody's description.
_NO_WORDS = re.compile(
    r"\s*(OLYMPUS DIGITAL CAMERA|SONY DSC|MINOLTA DIGITAL CAMERA|KODAK.{0,20}CAMERA|DCIM\\.*|[A-Z]{3,4}_?\d{3,8}"
    r"|default|ImageJ=.*|[<{].*)?\s*",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Words:
    """A description that is in a picture's file, or beside it.

    Attributes:
        text: the description.
        language: of the text as its field says it, ``x-default`` where it does not.
        field: where it stands, as ExifTool calls it.
        model: the model that said it; None when it is a person's.
    """

    text: str
    language: str
    field: str
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one picture's captions.

    Attributes:
        path: the file that holds, or would hold, them.
        action: ``written`` (nothing was there), ``renewed`` (the machine's or, on demand, a person's words gave
            way) or ``kept`` (what is there stays).
        reason: why they were kept, in a few words; "" otherwise.
        texts: what was written, by language.
    """

    path: Path
    action: Action
    reason: str
    texts: Mapping[str, str]


class WordsWriter:
    """Writes captions where people want them.

    Args:
        kind: where to.
        model: who says them, as it is noted beside them.
        overwrite: what may give way: nothing, the machine's words, or anybody's.
        dry_run: only say what would be written.
        journal: where changes are noted; the user's own unless given.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        model: str,
        overwrite: Overwrite = "none",
        dry_run: bool = False,
        journal: Journal | None = None,
    ) -> None:
        self._kind, self._model, self._overwrite, self._dry_run = kind, model, overwrite, dry_run
        self._journal = journal or Journal()

    def write(self, path: str | os.PathLike[str], captions: Mapping[str, str]) -> Change:
        """Write a picture's captions, by language; the first is the one for fields that know no language.

        Raises:
            BadImage: the file cannot be read, written, or hold captions; it is then as it was.
        """
        try:
            if self._kind == "sidecar":
                return self._sidecar(Path(path), captions)
            if self._kind == "xmp-sidecar":
                return self._xmp_sidecar(Path(path), captions)
            return self._metadata(Path(path), captions)
        except ValueError as error:
            raise BadImage(path, f"nothing is written into it, because {error}") from error
        except OSError as error:
            raise BadImage(path, f"its caption cannot be written ({error.strerror})") from error

    def _sidecar(self, picture: Path, captions: Mapping[str, str]) -> Change:
        path = picture.with_suffix(".txt")
        old = _bytes(path) if path.exists() else None
        present: list[Words] = []
        if old is not None and (text := old.decode("utf-8", "replace").strip()):
            present = [Words(text, DEFAULT, "text file", self._journal.model_of(path, old))]
        texts, change = self._decide(path, present, captions)
        new = ("\n".join(" ".join(text.split()) for text in texts.values()) + "\n").encode("utf-8")
        return self._done(change, old, new, [] if old is None else [Edit(0, len(old), new)])

    def _xmp_sidecar(self, picture: Path, captions: Mapping[str, str]) -> Change:
        path = picture.with_name(f"{picture.name}.xmp")
        old = _bytes(path) if path.exists() else None
        texts, change = self._decide(path, read_words(picture), captions)
        new = self._packet(old, texts)
        return self._done(change, old, new, [] if old is None else [Edit(0, len(old), new)])

    def _metadata(self, path: Path, captions: Mapping[str, str]) -> Change:
        old = _bytes(path)
        contents = containers.find(old)
        if contents is None:
            raise ValueError(
                f"only {', '.join(containers.NAMES)} files hold captions; try --write xmp-sidecar"
            )
        present = read_words(path)
        texts, change = self._decide(path, present, captions)
        if not texts:
            return change
        language, first = next(iter(texts.items()))
        own = Packet.parse(contents.xmp).texts(CAPTION).get(language)
        packet = self._packet(contents.xmp, texts)
        edits = containers.replace(
            old,
            contents,
            xmp=packet,
            exif=self._exif(contents, first, own),
            iptc=self._iptc(contents, first, own),
        )
        new = apply(old, edits)
        written = containers.find(new)
        if written is None or written.xmp != packet:
            raise ValueError("its form is not understood well enough")
        return self._done(change, old, new, edits)

    def _decide(
        self, path: Path, present: Sequence[Words], captions: Mapping[str, str]
    ) -> tuple[dict[str, str], Change]:
        """What may be written, and what is to be said of it."""
        reasons = {language: _obstacle(present, language, self._overwrite) for language in captions}
        texts = {language: text for language, text in captions.items() if not reasons[language] and text}
        if not texts:
            reason = next((reason for reason in reasons.values() if reason), "there is nothing to write")
            return {}, Change(path, "kept", reason, {})
        action: Action = "renewed" if any(_in_the_way(present, language) for language in texts) else "written"
        return texts, Change(path, action, "", texts)

    def _done(self, change: Change, old: bytes | None, new: bytes, edits: Sequence[Edit]) -> Change:
        if change.texts and new != old and not self._dry_run:
            text = "\n".join(change.texts.values())
            self._journal.write(
                change.path, new, old=old, edits=edits, kind=self._kind, model=self._model, text=text
            )
        return change

    def _packet(self, old: bytes | None, texts: Mapping[str, str]) -> bytes:
        """An XMP packet with the captions in it, and everything else that was there."""
        packet = Packet.parse(old)
        for language, text in texts.items():
            machine = packet.texts(CAPTION)
            for what in (DESCRIPTION, ALT_TEXT):
                there = packet.texts(what)
                # A regional variant of the language is renewed, not doubled.
                name = next((known for known in there if _base(known) == _base(language)), language)
                packet.set(what, name, text)
                others = {_base(known) for known in there} - {DEFAULT, _base(language)}
                default = there.get(DEFAULT)
                if not others or (default and default in (machine.get(language), there.get(name))):
                    packet.set(what, DEFAULT, text)
            packet.set(CAPTION, language, text)
            packet.set(MODEL, language, self._model)
        return packet.to_bytes()

    def _exif(self, contents: Contents, text: str, own: str | None) -> bytes | None:
        """The EXIF with this description; None where another one stays or the format knows none."""
        if contents.format == "GIF":
            return None
        exif = contents.exif or tiff_tags.NEW_EXIF
        present = _exif_description(exif)
        if present.strip() and present != own and self._overwrite != "all":
            return None
        value = text.encode("utf-8") + b"\0"
        if contents.format == "TIFF":
            return value
        return apply(exif, tiff_tags.set_tags(exif, {_EXIF_DESCRIPTION: (tiff_tags.ASCII, value)}))

    def _iptc(self, contents: Contents, text: str, own: str | None) -> bytes | None:
        """The IPTC record with this caption; None where another one stays or the format knows none."""
        if contents.format not in ("JPEG", "TIFF"):
            return None
        record = contents.iptc or b""
        present = iptc.caption_of(record)
        if present.strip() and present != own and self._overwrite != "all":
            return None
        return iptc.with_caption(record, text)


def read_words(path: str | os.PathLike[str]) -> list[Words]:
    """Every description of a picture: those in its file, then those in XMP files beside it.

    Raises:
        ValueError: what is there is broken.
        OSError: a file cannot be read.
    """
    path = Path(path)
    found: list[Words] = []
    contents = containers.find(_bytes(path)) if path.exists() else None
    if contents is not None:
        found = _words_in(contents)
    for beside in (path.with_name(f"{path.name}.xmp"), path.with_suffix(".xmp")):
        if beside.is_file() and beside != path:
            found += _words_of(Packet.parse(_bytes(beside)), "XMP sidecar ")
    return found


def _words_in(contents: Contents) -> list[Words]:
    packet = Packet.parse(contents.xmp)
    found = _words_of(packet, "XMP-")
    machine = _machine(packet)
    plain: list[tuple[str, str]] = [("PNG:Description", note) for note in contents.notes]
    if contents.exif is not None:
        plain.append(("EXIF:ImageDescription", _exif_description(contents.exif)))
    if contents.iptc is not None:
        plain.append(("IPTC:Caption-Abstract", iptc.caption_of(contents.iptc)))
    return found + [
        Words(text, DEFAULT, field, machine.get(text))
        for field, text in plain
        if not _NO_WORDS.fullmatch(text)
    ]


def _words_of(packet: Packet, group: str) -> list[Words]:
    """The descriptions in a packet."""
    machine = _machine(packet)
    return [
        Words(text, language, f"{group}{name}", machine.get(text))
        for what, name in ((DESCRIPTION, "dc:Description"), (ALT_TEXT, "iptcCore:AltTextAccessibility"))
        for language, text in packet.texts(what).items()
        if not _NO_WORDS.fullmatch(text)
    ]


def _machine(packet: Packet) -> dict[str, str]:
    """The texts that Showtell wrote, and the model that said each."""
    models = packet.texts(MODEL)
    return {text: models.get(language, "unknown") for language, text in packet.texts(CAPTION).items()}


def _exif_description(exif: bytes) -> str:
    value = tiff_tags.read_tags(exif).get(_EXIF_DESCRIPTION, b"").split(b"\0")[0]
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _obstacle(present: Sequence[Words], language: str, overwrite: Overwrite) -> str:
    """Why nothing may be written in a language; "" when something may."""
    if overwrite == "all":
        return ""
    in_the_way = _in_the_way(present, language)
    person = next((words for words in in_the_way if words.model is None), None)
    if person is not None:
        return f"a person has described it ({person.field})"
    if in_the_way and overwrite == "none":
        return f"it has the words of {in_the_way[0].model} already; --overwrite machine renews them"
    return ""


def _in_the_way(present: Sequence[Words], language: str) -> list[Words]:
    """The words in a language, and those of which nobody can tell the language."""
    known = {words.text: _base(words.language) for words in present if words.language != DEFAULT}
    return [
        words
        for words in present
        if (known.get(words.text, DEFAULT) if words.language == DEFAULT else _base(words.language))
        in (DEFAULT, _base(language))
    ]


def _base(language: str) -> str:
    """``en`` for ``en-US``; `DEFAULT` stays."""
    return language if language == DEFAULT else language.split("-", maxsplit=1)[0].lower()


def _bytes(path: Path) -> bytes:
    """A file's content, if it is a regular file of a size that fits."""
    if not path.is_file():
        raise ValueError("it is not a regular file" if path.exists() else "there is no such file")
    if path.stat().st_size > _LARGEST:
        raise ValueError("it is larger than 1 GiB")
    return path.read_bytes()
