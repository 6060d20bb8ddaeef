"""The folder that holds a trained captioner: `write_bundle` makes it, `read_bundle` trusts nothing in it.

::

    manifest.json     what this module reads and writes: see `Bundle`
    encoder.onnx      pixels [B, 3, S, S] -> regions [B, R, D]
    begin.onnx        regions -> state.NAME…, batch on axis 0
    step.onnx         tokens [B, 1], state.NAME… -> logits [B, V], attention [B, R], next.NAME…
    embedder.onnx     optional: regions -> vector [B, E], of length one
    text.onnx         with it: tokens [B, T] -> vector [B, E], in the same space
    words.json        optional: how the vectors of words fit the pictures that were learnt from
    vocabulary.json   tokens in order of id
    card.md           data and its licence, figures, where it fails

Nothing in a bundle is executed but ONNX graphs, and nothing is ever unpickled.
"""

import json
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar, cast, get_args

from showtell.captioning.bundle_files import (
    MANIFEST,
    Changed,
    described,
    inside,
    put_in_place,
    read_file,
)
from showtell.captioning.confidence import Calibration
from showtell.errors import BadBundle
from showtell.files import naming, umask
from showtell.images import Preprocessing
from showtell.text.cleaning import LANGUAGES
from showtell.text.joining import Join
from showtell.text.printable import printable
from showtell.text.vocabulary import Vocabulary

__all__ = ["FORMAT", "REQUIRED", "Bundle", "check_replaceable", "read_bundle", "write_bundle"]

FORMAT = 2
"""The latest format that is understood."""

REQUIRED = ("encoder.onnx", "begin.onnx", "step.onnx", "vocabulary.json")

TOGETHER = frozenset({"embedder.onnx", "text.onnx"})
"""Optional graphs, of which neither is of use without the other."""

_WORDS = "words.json"
_MANIFEST_BYTES = 2**20
_LONGEST_PROMPT = 100

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle: one that has been read and checked, or one that is about to be written.

    Attributes:
        folder: where it lies.
        name, version: what it calls itself.
        languages: those it can caption in; the first is the default.
        preprocessing: what its encoder expects of a picture.
        vocabulary: its words, with the special ids.
        graphs: the bytes of the ONNX files, by name, as the checksums approved them.
        decoding: its own defaults of the decoding options (``beam``, ``length_exponent``, …).
        calibration: how a caption's confidence is computed, by language; empty if it was not fitted.
        training: how it was trained; only people read it.
        search: how probable the answers of a search by its vectors are; empty where nothing was fitted.
        words: what ``words.json`` holds; empty where there is none.
        join: how its tokens become text, see `showtell.text.joining`.
        prompts: token ids that each caption goes on from, by language.
    """

    folder: Path
    name: str
    version: str
    languages: tuple[str, ...]
    preprocessing: Preprocessing
    vocabulary: Vocabulary
    graphs: Mapping[str, bytes]
    decoding: Mapping[str, Any] = field(default_factory=dict)
    calibration: Mapping[str, Calibration] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    search: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, Any] = field(default_factory=dict)
    join: Join = "words"
    prompts: Mapping[str, Sequence[int]] = field(default_factory=dict)


def read_bundle(folder: str | Path) -> Bundle:
    """Read a bundle, and verify the size and the SHA-256 of every file its manifest names.

    Text for people (``card.md``) that was edited or is gone is a warning of Python's `warnings`, since nothing
    depends on it.

    Raises:
        BadBundle: there is no bundle, it is of a later format, a file is missing, changed or outside the folder,
            or the manifest says something that cannot be.
    """
    folder = Path(folder)
    manifest = _read_manifest(folder)
    _check_format(folder, manifest)
    contents = _read_files(folder, _field(folder, manifest, "files", dict))
    join = _understood(folder, _join, manifest.get("join", "words"))
    vocabulary = _read_vocabulary(folder, contents["vocabulary.json"], join)
    languages = tuple(_field(folder, manifest, "languages", list))
    _check_special_ids(folder, _field(folder, manifest, "special_ids", dict), vocabulary, languages)
    return Bundle(
        folder=folder,
        name=_field(folder, manifest, "name", str),
        version=_field(folder, manifest, "version", str),
        languages=languages,
        preprocessing=_understood(folder, Preprocessing.from_dict, manifest.get("preprocessing")),
        vocabulary=vocabulary,
        decoding=_field(folder, manifest, "decoding", dict),
        calibration=_calibration(folder, manifest.get("calibration"), languages),
        training=_field(folder, manifest, "training", dict),
        search=_field(folder, manifest, "search", dict) if "search" in manifest else {},
        words=_read_words(folder, contents[_WORDS]) if _WORDS in contents else {},
        join=join,
        prompts=_prompts(folder, manifest.get("prompts", {}), vocabulary, languages),
        graphs={name: content for name, content in contents.items() if name.endswith(".onnx")},
    )


def write_bundle(bundle: Bundle, files: Mapping[str, bytes]) -> Bundle:
    """Write a bundle into its folder and read it again.

    The folder appears whole or not at all, and an old bundle in its place goes when the new one is complete. A
    link stays a link to it. Without ``join`` and ``prompts`` it is of format 1, which older programs read.

    Args:
        bundle: what to write; an empty ``search``, ``words`` or ``prompts`` is left out.
        files: others beside its graphs, such as ``card.md``, by name.

    Raises:
        BadBundle: `check_replaceable` refuses the folder, or what was written cannot be read.
        ValueError: a graph is missing.
    """
    missing = [name for name in REQUIRED if name not in bundle.graphs and name != "vocabulary.json"]
    if missing:
        raise ValueError(f"a bundle needs {', '.join(missing)}")
    check_replaceable(bundle.folder)
    folder = bundle.folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        part.chmod(0o777 & ~umask())
        with naming(folder):
            for path, content in {**bundle.graphs, **files}.items():
                inside(part, path).write_bytes(content)
            if bundle.words:
                text = json.dumps(bundle.words, separators=(",", ":")) + "\n"
                (part / _WORDS).write_text(text, encoding="utf-8", newline="\n")
            bundle.vocabulary.save(part / "vocabulary.json")
            _write_manifest(part, _manifest(bundle))
        read_bundle(part)
        put_in_place(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return read_bundle(folder)


def _manifest(bundle: Bundle) -> dict[str, Any]:
    """The manifest without the list of files."""
    plain = bundle.join == "words" and not bundle.prompts
    manifest: dict[str, Any] = {
        "format": 1 if plain else 2,
        "name": bundle.name,
        "version": bundle.version,
        "languages": list(bundle.languages),
        "preprocessing": bundle.preprocessing.to_dict(),
        "special_ids": _special_ids(bundle.vocabulary),
        "decoding": dict(bundle.decoding),
        "calibration": {language: one.to_dict() for language, one in bundle.calibration.items()} or None,
        "training": dict(bundle.training),
    }
    if bundle.search:
        manifest["search"] = dict(bundle.search)
    if not plain:
        manifest |= {
            "join": bundle.join,
            "prompts": {name: list(ids) for name, ids in bundle.prompts.items()},
        }
    return manifest


def _write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest, with the size and the checksum of every other file that is there."""
    files = {path.name: described(path.read_bytes()) for path in sorted(folder.iterdir())}
    text = json.dumps({**manifest, "files": files}, ensure_ascii=False, indent=2)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8", newline="\n")


def _calibration(folder: Path, written: Any, languages: Sequence[str]) -> dict[str, Calibration]:
    """The calibration of each language; older bundles have one for all."""
    if written is None:
        return {}
    if isinstance(written, dict) and "method" not in written:
        return {
            language: _understood(folder, Calibration.from_dict, one) for language, one in written.items()
        }
    return dict.fromkeys(languages, _understood(folder, Calibration.from_dict, written))


def check_replaceable(folder: str | Path) -> None:
    """Refuse, before the long work, a folder that `write_bundle` would not replace.

    Raises:
        BadBundle: the folder holds files but no bundle, since somebody may have named their pictures by mistake;
            or the process is in it, which would be gone under it.
    """
    folder = Path(folder)
    if folder.exists() and not (folder / MANIFEST).is_file() and (folder.is_file() or any(folder.iterdir())):
        raise BadBundle(f"{folder}: holds files but no bundle; name a folder that is new or empty")
    if folder.resolve() == Path.cwd():
        raise BadBundle(f"{folder}: is the folder that you are in and cannot be replaced; name another")


def _read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest as JSON has it."""
    path = folder / MANIFEST
    if not path.is_file():
        there = "it has no manifest.json" if folder.is_dir() else "there is no such folder"
        raise BadBundle(f"{folder}: is not a bundle, because {there}")
    try:
        with path.open("rb") as file:
            content = file.read(_MANIFEST_BYTES + 1)
        if len(content) > _MANIFEST_BYTES:
            raise ValueError("it is larger than any manifest")
        manifest = json.loads(content)
    except (OSError, ValueError, RecursionError) as error:
        raise BadBundle(f"{path}: cannot be read ({error})") from error
    if not isinstance(manifest, dict):
        raise BadBundle(f"{path}: is not a manifest; a JSON object was expected")
    return manifest


def _check_format(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse formats that this program does not know."""
    number = manifest.get("format")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise BadBundle(f"{folder / MANIFEST}: 'format' must be an integer from 1, not {number!r}")
    if number > FORMAT:
        raise BadBundle(
            f"{folder}: this bundle is of format {number}, and this version of showtell reads up to format "
            f"{FORMAT}; install a newer showtell"
        )


def _read_files(folder: Path, files: Mapping[str, Any]) -> dict[str, bytes]:
    """The content of every file that the manifest names, verified."""
    for name in REQUIRED:
        if name not in files:
            raise BadBundle(f"{folder / MANIFEST}: 'files' does not name {name}")
    if len(TOGETHER & files.keys()) == 1:
        both = " and ".join(sorted(TOGETHER))
        raise BadBundle(f"{folder / MANIFEST}: 'files' must name {both}, or neither")
    contents = {}
    for name, entry in files.items():
        try:
            contents[name] = read_file(folder, name, entry)
        except Changed as error:
            if PurePosixPath(name).suffix != ".md":
                raise BadBundle(f"{error}; fetch the bundle again") from error
            # Text for people: nothing depends on it.
            warnings.warn(f"{error}; the captions are not affected", stacklevel=4)
    return contents


def _read_vocabulary(folder: Path, content: bytes, join: Join) -> Vocabulary:
    """The vocabulary of verified bytes; whole words that a terminal obeys are refused.

    Pieces of words are made elsewhere and may hold any character; what is printed of them is written out.
    """
    try:
        vocabulary = Vocabulary.parse(content)
        odd = [token for token in vocabulary.tokens if printable(token) != token] if join == "words" else []
        if odd:
            raise ValueError(f"the token {printable(odd[0])!r} holds a control character")
        return vocabulary
    except ValueError as error:
        raise BadBundle(
            f"{folder / 'vocabulary.json'}: is broken ({error}); export the bundle again"
        ) from error


def _read_words(folder: Path, content: bytes) -> dict[str, Any]:
    """A JSON object of verified bytes."""
    try:
        words = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadBundle(f"{folder / _WORDS}: is broken ({error}); export the bundle again") from error
    if not isinstance(words, dict):
        raise BadBundle(f"{folder / _WORDS}: is broken (a JSON object was expected); export the bundle again")
    return words


def _special_ids(vocabulary: Vocabulary) -> dict[str, Any]:
    return {
        "pad": vocabulary.pad_id,
        "unknown": vocabulary.unknown_id,
        "end": vocabulary.end_id,
        "start": vocabulary.start_ids,
    }


def _check_special_ids(
    folder: Path, special_ids: Mapping[str, Any], vocabulary: Vocabulary, languages: tuple[Any, ...]
) -> None:
    """Whoever reads the manifest without our vocabulary must find the same ids, and a start a language."""
    where = folder / MANIFEST
    if special_ids != _special_ids(vocabulary):
        raise BadBundle(f"{where}: 'special_ids' are not those of vocabulary.json; export the bundle again")
    unknown = [language for language in languages if language not in list(vocabulary.start_ids)]
    if unknown or not languages:
        what = f"of {unknown[0]!r}" if unknown else "at all"
        raise BadBundle(f"{where}: there is no language with a start id {what}; export the bundle again")
    foreign = [language for language in languages if language not in LANGUAGES]
    if foreign:
        raise BadBundle(
            f"{where}: captions in {foreign[0]!r} cannot be written by this version of showtell, only those in "
            f"{' and '.join(LANGUAGES)}"
        )


def _join(value: Any) -> Join:
    """A way to join tokens."""
    for known in get_args(Join):
        if value == known:
            return cast(Join, known)
    raise ValueError(f"'join' must be one of {', '.join(get_args(Join))}, not {value!r}")


def _prompts(
    folder: Path, value: Any, vocabulary: Vocabulary, languages: Sequence[str]
) -> dict[str, tuple[int, ...]]:
    """The prompt of each language that has one."""
    where = folder / MANIFEST
    if not isinstance(value, dict) or not value.keys() <= set(languages):
        raise BadBundle(f"{where}: 'prompts' must have token ids for languages of the bundle")
    for ids in value.values():
        whole = isinstance(ids, list) and all(type(one) is int and 0 <= one < len(vocabulary) for one in ids)
        if not whole or len(ids) > _LONGEST_PROMPT:
            raise BadBundle(
                f"{where}: a prompt must be a list of at most {_LONGEST_PROMPT} token ids, not {ids!r}"
            )
    return {language: tuple(ids) for language, ids in value.items()}


def _field(folder: Path, manifest: Mapping[str, Any], key: str, kind: type[_T]) -> _T:
    """A required field of the manifest, of the JSON type it must have."""
    value = manifest.get(key)
    if not isinstance(value, kind):
        found = "is missing" if key not in manifest else f"must be a {kind.__name__}, not {value!r}"
        raise BadBundle(f"{folder / MANIFEST}: {key!r} {found}")
    return value


def _understood(folder: Path, read: Callable[[Any], _T], value: Any) -> _T:
    """A part of the manifest that another module understands."""
    try:
        return read(value)
    except ValueError as error:
        raise BadBundle(f"{folder / MANIFEST}: {error}") from error
