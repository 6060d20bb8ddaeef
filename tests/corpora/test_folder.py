"""Folders of pictures with their captions beside them."""

import json
from pathlib import Path

import pytest
from PIL import Image

from showtell.cli import main
from showtell.corpora import Reference, open_corpus
from showtell.errors import BadCorpus


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def said(corpus) -> dict[str, list[str]]:
    return {one.id: [ref.text for ref in one.references] for one in corpus}


def test_captions_are_the_lines_of_the_text_file_beside_a_picture(tmp_path):
    files = {
        "a.jpg": "",
        "a.txt": "\ufeffA dog.\r\n\r\n一只狗\n",
        "b.PNG": "",
        "b.png.txt": "A cat.",
        "c.webp": "",
        "c.caption": "An emu.",
        "d.jpg": "",
        "README.txt": "What this is.",
    }
    corpus = open_corpus(f"folder:{write(tmp_path / 'mine', files)}")
    assert said(corpus) == {"a": ["A dog.", "一只狗"], "b": ["A cat."], "c": ["An emu."]}
    assert corpus.examples[0].references[1] == Reference("一只狗", "zh", "people")
    assert corpus.orphans == ("d.jpg",)
    assert "1 text file belongs to no picture" in corpus.warnings
    assert corpus.name == "mine"


def test_folders_may_be_splits_and_pictures_of_one_name_stay_apart(tmp_path):
    files = {
        f"{place}{name}": "A dog." if name.endswith("txt") else ""
        for place in ("train/cats/", "train/dogs/", "validation/", "test/")
        for name in ("1.jpg", "1.txt")
    }
    corpus = open_corpus(f"folder:{write(tmp_path, files)}")
    assert {one.id: one.split for one in corpus} == {
        "test/1": "test",
        "train/cats/1": "train",
        "train/dogs/1": "train",
        "validation/1": "dev",
    }


@pytest.mark.parametrize("name", ["metadata.jsonl", "metadata.csv"])
def test_metadata_as_hugging_face_has_it(tmp_path, name):
    rows = [{"file_name": "1.png", "text": "A dog, a cat."}, {"file_name": "deep/2.png", "text": "A cow."}]
    table = 'file_name,text\n1.png,"A dog, a cat."\ndeep/2.png,A cow.\n'
    text = table if name.endswith("csv") else "\n".join(map(json.dumps, rows))
    files = {
        f"train/{name}": text,
        "train/1.png": "",
        "train/deep/2.png": "",
        "dev/1.png": "",
        "dev/1.txt": "An emu.",
    }
    corpus = open_corpus(f"folder:{write(tmp_path, files)}")
    assert said(corpus) == {"dev/1": ["An emu."], "train/1": ["A dog, a cat."], "2": ["A cow."]}
    assert corpus.splits == ("train", "dev")


def test_metadata_stand_before_text_files(tmp_path):
    files = {
        "metadata.jsonl": '{"file_name": "1.png", "text": "A dog."}',
        "1.png": "",
        "1.txt": "tags, of it",
    }
    assert said(open_corpus(f"folder:{write(tmp_path, files)}")) == {"1": ["A dog."]}


def test_a_folder_without_splits_trains_too(tmp_path):
    files = {f"{number}.{ending}": "A dog." for number in range(20) for ending in ("jpg", "txt")}
    corpus = open_corpus(f"folder:{write(tmp_path, files)}")
    assert corpus.splits == ("train", "dev")
    assert "the files tell no splits" in corpus.warnings[0]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"notes.txt": "A dog."}, "holds no pictures; give the one"),
        ({"1.jpg": ""}, "has pictures but no captions"),
        ({"1.jpg": "", "1.txt": "\n \n"}, "has pictures but no captions"),
        ({"1.jpg": "", "1.png": "", "1.txt": "A dog."}, "may be .*1.jpg.* rename one"),
        (
            {"1.jpg": "", "metadata.jsonl": '{"file_name": "1.jpg"}'},
            "metadata.jsonl, line 1: the line has no caption",
        ),
        (
            {"1.jpg": "", "metadata.jsonl": '\n{"text": "A"}'},
            "metadata.jsonl, line 2: the line names no picture",
        ),
        (
            {"1.jpg": "", "metadata.csv": "file_name,text,x\n1.jpg,A\n"},
            "metadata.csv, line 2: the line has 2 cells",
        ),
        ({"1.jpg": "", "metadata.csv": "\n"}, "metadata.csv, line 1: the line names no columns"),
    ],
)
def test_a_broken_folder_is_said_with_file_and_line(tmp_path, files, message):
    with pytest.raises(BadCorpus, match=message):
        open_corpus(f"folder:{write(tmp_path, files)}")


def test_a_text_file_of_other_bytes_is_named_with_its_line(tmp_path):
    write(tmp_path, {"1.jpg": ""})
    (tmp_path / "1.txt").write_bytes(b"A dog.\ncaf\xe9")
    with pytest.raises(BadCorpus, match=r"1\.txt, line 2: the line is not UTF-8 text"):
        open_corpus(f"folder:{tmp_path}")


def test_what_showtell_wrote_beside_a_picture_is_a_models_until_a_person_changes_it(
    tmp_path, monkeypatch, tiny_model
):
    monkeypatch.setenv("SHOWTELL_JOURNAL", str(tmp_path / "journal"))
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in "ab":
        Image.new("RGB", (30, 40), "red").save(folder / f"{name}.png")
    assert main(["caption", str(folder), "--model", str(tiny_model), "--write", "sidecar"]) == 0
    sources = {one.id: one.references[0].source for one in open_corpus(f"folder:{folder}")}
    assert sources == {"a": "model", "b": "model"}
    (folder / "b.txt").write_text("A red wall.\n")
    corpus = open_corpus(f"folder:{folder}")
    assert corpus.scoring_references(corpus, "en") == {"b": ["A red wall."]}
