"""Damaged files of every format: a corpus opens or is a BadCorpus, and nothing else comes out.

``SHOWTELL_FUZZ=100000`` tries so many damages of each format instead of the few that a test has time for.
"""

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from showtell.corpora import open_corpus
from showtell.corpora.caption_files import FORMATS, read_captions, read_references
from showtell.errors import BadCorpus

EXAMPLES = int(os.environ.get("SHOWTELL_FUZZ", "60"))


def tar(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()


COCO = {
    "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
    "annotations": [
        {"id": 1, "image_id": 1, "caption": "A dog \u00e9.", "language": "en", "source": "people"},
        {"id": 2, "image_id": 2, "caption": "一只狗", "language": "zh", "source": "model"},
    ],
}
KARPATHY = {
    "images": [{"filename": "a.jpg", "split": "val", "filepath": "x", "sentences": [{"raw": "A dog ."}]}]
}
ROWS = b'image,caption,split,language\na.jpg,"A dog, ""a"" cat.",train,en\nb.jpg,"A\ncow.",dev,en\n'
LINES = [
    {"file_name": "a.jpg", "text": "A dog."},
    {"file_name": "b.jpg", "captions": ["A cow.", "['A', \"B\"]"]},
]
JSONL = "\n".join(map(json.dumps, LINES)).encode()
TOKENS = "a.jpg#0\tA dog .\nb.jpg#1\tA caf\u00e9 .\n".encode()
CHINESE = "a.jpg#zhc#0 一只狗\nb.jpg#zhb#0 cow 牛\n".encode()

# The spec, the file that is damaged, the file as it should be, and others beside it.
CORPORA: dict[str, tuple[str, str, bytes, dict[str, bytes]]] = {
    "tokens": ("flickr8k:{}", "Flickr8k.token.txt", TOKENS, {}),
    "captions": ("flickr8k:{}", "captions.txt", b'image,caption\na.jpg,"A dog"\nb.jpg,A "cow" .\n', {}),
    "lists": ("flickr8k:{}", "Flickr_8k.trainImages.txt", b"a.jpg\nb.jpg\n", {"Flickr8k.token.txt": TOKENS}),
    "chinese": ("flickr8k:{}+cn", "flickr8kzhc.caption.txt", CHINESE, {"Flickr8k.token.txt": TOKENS}),
    "coco": ("coco:{}", "annotations/captions_train.json", json.dumps(COCO).encode(), {}),
    "karpathy": ("coco:{}", "dataset_coco.json", json.dumps(KARPATHY).encode(), {}),
    "csv": ("table:{}/t.csv", "t.csv", ROWS, {}),
    "tsv": ("table:{}/t.tsv", "t.tsv", ROWS.replace(b",", b"\t"), {}),
    "named": ("table:{}/t.csv?image=image&caption=caption", "t.csv", ROWS, {}),
    "jsonl": ("table:{}/t.jsonl", "t.jsonl", JSONL, {}),
    "sidecars": ("folder:{}", "Images/a.txt", "A dog.\n一只狗\n".encode(), {}),
    "metadata": ("folder:{}", "Images/metadata.jsonl", JSONL, {}),
    "shard": ("webdataset:{}", "0.tar", tar({"1.jpg": b"x" * 99, "1.txt": b"A dog.", "1.json": b"{}"}), {}),
}

SPLICES = [
    b"",
    b"\n",
    b'"',
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b",",
    b"\t",
    b"#",
    b"{",
    b"[" * 5_000,
    b"9" * 5_000,
    b"1e999",
    b"NaN",
    b"null",
    b'"\\ud800"',
    "\u202e".encode(),
    b"../",
    b"a.jpg",
]
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
