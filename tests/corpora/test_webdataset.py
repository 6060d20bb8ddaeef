"""WebDataset shards: tar archives whose pictures are read where they lie."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from showtell.corpora import Reference, open_corpus
from showtell.errors import BadCorpus, BadImage
from showtell.images import open_picture


def picture(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (6, 4), colour).save(file, "PNG")
    return file.getvalue()


def shard(path: Path, files: dict[str, bytes | str], mode: str = "w") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    described = {
        "caption": "An emu.",
        "language": "en",
        "source": "model",
        "key": "0003",
        "error_message": None,
    }
    first = {
        "./0001.png": picture("red"),
        "./0001.txt": "A dog.\n一只狗\n",
        "./0001.json": json.dumps({"caption": "A dog.", "width": 6, "status": "success"}),
        "./0002.png": picture("blue"),
        "./0002.cls": "7",
        "./0003.png": picture("lime"),
        "./0003.json": json.dumps(described),
    }
    shard(tmp_path / "train-000.tar", first)
    shard(tmp_path / "val-000.tar", {"x/0001.png": picture("white"), "x/0001.txt": "A cow."})
    return tmp_path


def test_a_picture_and_its_texts_are_one_example_and_the_shards_name_tells_the_split(shards):
    corpus = open_corpus(f"webdataset:{shards}")
    assert {one.id: (one.split, one.references) for one in corpus} == {
        "train-000.tar/0001": (
            "train",
            (Reference("A dog.", "en", "people"), Reference("一只狗", "zh", "people")),
        ),
        "0003": ("train", (Reference("An emu.", "en", "model"),)),
        "val-000.tar/x/0001": ("dev", (Reference("A cow.", "en", "people"),)),
    }
    assert corpus.orphans == ("train-000.tar/0002.png",)


def test_pictures_are_read_from_the_shard_when_they_are_wanted(shards):
    paths = {one.id: one.path for one in open_corpus(f"webdataset:{shards}")}
    assert paths["0003"] == shards / "train-000.tar" / "0003.png"
    assert open_picture(paths["0003"]).shape == (4, 6, 3)
    assert open_picture(paths["val-000.tar/x/0001"]).min() == 255
    assert open_picture(str(paths["train-000.tar/0001"]))[0, 0].tolist() == [255, 0, 0]
    with pytest.raises(BadImage, match=r"000\.tar/9999\.png: there is no '9999\.png' in the archive"):
        open_picture(shards / "train-000.tar" / "9999.png")


@pytest.mark.parametrize("place", ["train-000.tar", "train-{000..000}.tar"])
def test_one_shard_or_a_range_is_named(shards, place):
    assert {one.id for one in open_corpus(f"webdataset:{shards}/{place}")} == {"0001", "0003"}


def test_a_range_has_the_shells_zeros(shards, tmp_path):
    for number in (8, 9, 10):
        shard(
            tmp_path / f"more/s{number:03}.tar", {f"{number}.png": picture("red"), f"{number}.txt": "A dog."}
        )
    found = {one.id for one in open_corpus(f"webdataset:{tmp_path}/more/s{{008..010}}.tar")}
    assert found == {"8", "9", "10"}
    with pytest.raises(BadCorpus, match=r"there is no shard .*s011\.tar"):
        open_corpus(f"webdataset:{tmp_path}/more/s{{008..011}}.tar")


def test_names_that_lead_out_of_a_shard_are_no_pictures(tmp_path):
    shard(
        tmp_path / "s.tar",
        {"../1.png": picture("red"), "../1.txt": "A dog.", "/2.png": picture("red"), "/2.txt": "B"},
    )
    assert [str(one.path) for one in open_corpus(f"webdataset:{tmp_path}")] == [f"{tmp_path}/s.tar/2.png"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"1.txt": "A dog."}, "hold no pictures"),
        ({"1.png": b""}, "hold no captions"),
        ({"1.png": b"", "1.json": "{"}, r"s\.tar/1\.json is not JSON"),
        ({"1.png": b"", "1.json": "[1]"}, r"s\.tar/1\.json: the object is none"),
        (
            {"1.png": b"", "1.json": '{"caption": 7}'},
            r"s\.tar/1\.json: the object has a caption that is no text",
        ),
        (
            {"1.png": b"", "1.json": '{"caption": "A", "source": 7}'},
            r"1\.json: the object has a source that",
        ),
        ({"1.png": b"", "1.txt": b"A dog.\n\xff"}, r"s\.tar/1\.txt, line 2: the line is not UTF-8 text"),
        ({"1.png": b"", "1.json": "[" * 99_999}, "nested too deeply"),
    ],
)
def test_a_broken_member_is_named(tmp_path, files, message):
    shard(tmp_path / "s.tar", files)
    with pytest.raises(BadCorpus, match=message):
        open_corpus(f"webdataset:{tmp_path}")


def test_a_broken_shard_is_named(tmp_path):
    with pytest.raises(BadCorpus, match=r"holds no shards \(\*\.tar\)"):
        open_corpus(f"webdataset:{tmp_path}")
    whole = shard(tmp_path / "s.tar", {"1.png": picture("red") * 99, "1.txt": "A dog."}).read_bytes()
    for content in (b"", b"no archive", whole[:700], whole[:5_000], bytes(257) + whole):
        (tmp_path / "s.tar").write_bytes(content)
        with pytest.raises(BadCorpus, match=r"s\.tar"):
            open_corpus(f"webdataset:{tmp_path}")
    shard(tmp_path / "s.tar", {"1.png": picture("red"), "1.txt": "A dog."}, "w:gz")
    with pytest.raises(BadCorpus, match="not an uncompressed tar archive"):
        open_corpus(f"webdataset:{tmp_path}")
    with pytest.raises(BadCorpus, match="more shards than can be opened"):
        open_corpus(f"webdataset:{tmp_path}/s{{0..99999999}}.tar")


def header(name: str, size: bytes, kind: bytes = b"0") -> bytes:
    """A tar header whose size is what it should not be."""
    block = bytearray(tarfile.TarInfo(name).tobuf(tarfile.USTAR_FORMAT))
    block[124:136], block[156:157], block[148:156] = size, kind, b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block)


NEGATIVE = b"\xff" * 10 + b"\xfe\x00"  # -512 as GNU tar writes it


@pytest.mark.parametrize(
    "damage",
    [
        header("2.png", NEGATIVE),
        header("2.png", b"\x80" + b"\x7f" * 11),
        header("pax", NEGATIVE, b"x"),
        header("pax", b"\x80" + b"\0" * 3 + b"\x7f" + b"\0" * 7, b"x"),
        header("pax", b"%011o\0" % 17, b"x")
        + b"17 size=-1024000\n".ljust(512, b"\0")
        + header("3.png", b"%011o\0" % 0),
        header("long", b"\x80" + b"\0" * 3 + b"\x7f" + b"\0" * 7, b"L"),
        header("sparse", b"%011o\0" % 512, b"S"),
        b"\x01" * 512,
        b"no header at all".ljust(512, b"x"),
    ],
    ids=range(9),
)
def test_a_damaged_header_after_good_ones_is_not_the_end_of_the_shard(tmp_path, damage):
    whole = shard(tmp_path / "s.tar", {"1.png": picture("red"), "1.txt": "A dog."}).read_bytes()
    good = whole[: 512 * 4]
    (tmp_path / "s.tar").write_bytes(good)
    assert len(open_corpus(f"webdataset:{tmp_path}")) == 1, "the blocks of zeros at the end may be missing"
    (tmp_path / "s.tar").write_bytes(good + damage)
    with pytest.raises(BadCorpus, match=r"s\.tar: is .*(?:damaged|cut short)"):
        open_corpus(f"webdataset:{tmp_path}")
