"""Damaged files of every format: a corpus opens or is a BadCorpus, and nothing else comes out.

``SHOWTELL_FUZZ=100000`` tries so many damages of each format instead of the few that a test has time for.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from damage import CORPORA, SPLICES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from showtell.corpora import open_corpus
from showtell.corpora.caption_files import FORMATS, read_captions, read_references
from showtell.errors import BadCorpus

EXAMPLES = int(os.environ.get("SHOWTELL_FUZZ", "60"))


DAMAGES = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 30),
        st.sampled_from(SPLICES) | st.binary(max_size=20),
    ),
    min_size=1,
    max_size=4,
)


def damaged(content: bytes, damages: list[tuple[float, int, bytes]]) -> bytes:
    for place, taken, put in damages:
        start = int(place * len(content))
        content = content[:start] + put + content[start + taken :]
    return content


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def tried(attempt: Callable[[], object]) -> None:
    """Whatever happens is a result or one sentence."""
    said = ""
    try:
        attempt()
    except BadCorpus as refused:
        said = str(refused)
    assert "\n" not in said


@pytest.mark.parametrize("kind", CORPORA)
def test_a_damaged_corpus_opens_or_is_refused(kind: str, tmp_path: Path) -> None:
    spec, name, content, others = CORPORA[kind]
    for other, text in ({"Images/a.jpg": b"", "Images/b.jpg": b""} | others).items():
        write(tmp_path, other, text)
    write(tmp_path, name, content)
    open_corpus(spec.format(tmp_path))  # as it should be, it opens

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None)
    @given(DAMAGES)
    def attempt(damages: list[tuple[float, int, bytes]]) -> None:
        write(tmp_path, name, damaged(content, damages))
        tried(lambda: [open_corpus(spec.format(tmp_path)).fingerprint()])

    attempt()


@pytest.mark.parametrize("kind", ["tokens", "chinese", "csv", "jsonl", "coco", "karpathy"])
def test_a_damaged_file_of_captions_is_read_or_refused(kind: str, tmp_path: Path) -> None:
    content = CORPORA[kind][2]
    path = write(tmp_path, "captions", content)
    assert read_captions(path).captions

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None)
    @given(DAMAGES, st.sampled_from([None, *FORMATS]))
    def attempt(damages: list[tuple[float, int, bytes]], format: str | None) -> None:  # noqa: A002
        path.write_bytes(damaged(content, damages))
        tried(lambda: read_captions(path, format))
        tried(lambda: read_references(path, format, language="zh"))

    attempt()
