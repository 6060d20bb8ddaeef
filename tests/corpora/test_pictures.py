"""Pictures are found by the names that people write, and never another picture in their place."""

import os
import time
import unicodedata
from pathlib import Path

import pytest

from showtell.corpora import open_corpus
from showtell.corpora.pictures import PictureIndex, walk
from showtell.errors import BadCorpus


def index(root: Path, *names: str) -> PictureIndex:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return PictureIndex.of(root)


@pytest.mark.parametrize(
    ("there", "written"),
    [
        ("a.jpg", "a.jpg"),
        ("a.JPG", "a.jpg"),
        ("a.jpg", "A.JPG"),
        ("a.jpeg", "a.jpg"),
        ("a.jpg", "a.png"),
        ("a.jpg", "a"),
        ("a.v2.jpg", "a.v2"),
        ("a.jpg", "Images/a.jpg"),
        ("a.jpg", "./a.jpg"),
        ("a.jpg", "C:\\photos\\a.jpg"),
        ("a.jpg", "http://images.example.org/train/a.jpg"),
        ("train/a.jpg", "a.jpg"),
        ("train/a.jpg", "train2017/a.jpg"),
        ("my photos/a b.jpg", "a b.jpg"),
        ("a.jpg", " a.jpg "),
        (unicodedata.normalize("NFD", "café.jpg"), unicodedata.normalize("NFC", "café.jpg")),
    ],
)
def test_a_name_finds_its_picture_however_it_is_written(tmp_path, there, written):
    assert index(tmp_path, there, "other/x.jpg").find(written) == there


@pytest.mark.parametrize(
    "written", ["b.jpg", "a.jpg.1", "a.txt", "cats/a.jpg", "x/cats/a.jpg", "", "/", ".", "a.jpg/b.jpg"]
)
def test_a_name_of_another_picture_finds_none(tmp_path, written):
    assert index(tmp_path, "dogs/a.jpg", "cats/c.jpg").find(written) is None


def test_of_two_pictures_the_closer_name_is_meant_and_equals_are_refused(tmp_path):
    pictures = index(tmp_path, "x/1.jpg", "y/1.jpg", "y/1.png", "y/2.JPG", "y/2.jpeg")
    assert pictures.find("y/1.png") == "y/1.png"
    assert pictures.find("data/y/1.jpg") == "y/1.jpg"
    assert pictures.find("2.jpg") == "y/2.JPG"
    assert pictures.find("1.png") == "y/1.png"
    assert pictures.find("1.jpg", "x") == "x/1.jpg"
    with pytest.raises(BadCorpus, match=r"1\.jpg may be .*; name its folder too, or rename one"):
        pictures.find("1.jpg")


def test_hidden_files_and_links_in_a_circle_are_passed_over(tmp_path):
    index(tmp_path, "a/1.jpg", "a/._1.jpg", ".cache/2.jpg", "a/notes.txt")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert [path.relative_to(tmp_path).as_posix() for path in walk(tmp_path)] == ["a/1.jpg"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="wants pipes")
@pytest.mark.timeout(60)
def test_pipes_among_the_files_are_passed_over(tmp_path):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "a.txt").write_text("A dog.")
    for name in ("b.jpg", "b.txt", "shard.tar", "metadata.csv"):
        os.mkfifo(tmp_path / name)
    assert [one.id for one in open_corpus(f"folder:{tmp_path}")] == ["a"]
    with pytest.raises(BadCorpus, match="holds no shards"):
        open_corpus(f"webdataset:{tmp_path}")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_said(tmp_path):
    (tmp_path / "a").mkdir(mode=0)
    with pytest.raises(BadCorpus, match="a cannot be read: Permission denied"):
        list(walk(tmp_path))


@pytest.mark.parametrize("spec", ["flickr8k:\0", "coco:" + "x" * 5_000, "flickr8k-cn:\ud800", "coco:\0"])
def test_a_place_that_can_be_none_is_no_folder(spec):
    with pytest.raises(BadCorpus, match="there is no folder"):
        open_corpus(spec)


def test_flickr8k_as_people_have_it(tmp_path):
    """Endings in capitals, folders before names, PNG for JPEG, spaces, and ids in the split lists."""
    index(tmp_path / "Images", "a.JPG", "my dog.jpg", "c.png", "d.jpg")
    captions = "image,caption\nImages/a.jpg,A dog .\nmy dog.jpg,My dog .\nc.jpg,A cat .\nd,An emu .\n"
    (tmp_path / "captions.txt").write_text(captions)
    (tmp_path / "Flickr_8k.trainImages.txt").write_text("a\nmy dog.jpg\n")
    (tmp_path / "Flickr_8k.devImages.txt").write_text("Images/c.jpg\n")
    (tmp_path / "flickr8kzhc.caption.txt").write_text("my dog.jpg#zhc#0 我的狗。\n", encoding="utf-8")
    corpus = open_corpus(f"flickr8k:{tmp_path}+cn")
    assert {one.id: one.split for one in corpus} == {"a": "train", "my dog": "train", "c": "dev", "d": None}
    assert [ref.language for ref in corpus.examples[3].references] == ["en", "zh"]
    assert (
        "1 picture is of another kind than the captions say, for instance c.png for c.jpg" in corpus.warnings
    )


def test_a_caption_table_with_cells_of_several_lines_and_lists_is_read_as_score_reads_it(tmp_path):
    index(tmp_path / "Images", "a.jpg", "b.jpg")
    table = "image,caption\na.jpg,\"A dog,\nby the sea .\"\nb.jpg,\"['A cat .', 'Two cats .']\"\n"
    (tmp_path / "captions.txt").write_text(table)
    said = {one.id: [ref.text for ref in one.references] for one in open_corpus(f"flickr8k:{tmp_path}")}
    assert said == {"a": ["A dog,\nby the sea ."], "b": ["A cat .", "Two cats ."]}


def test_pictures_numbered_alike_in_a_thousand_folders_are_found_in_no_time(tmp_path):
    names = {f"class{folder}/{number}.jpg": Path("x") for folder in range(1_000) for number in range(20)}
    pictures = PictureIndex(tmp_path, names)
    began = time.process_time()
    assert [pictures.find(name.removesuffix(".jpg")) for name in names] == list(names)
    assert [pictures.find(f"data/{name}") for name in names] == list(names)
    assert time.process_time() - began < 5
