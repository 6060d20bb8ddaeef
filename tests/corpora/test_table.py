"""Tables of captions with named columns, and the pictures beside them."""

import csv
import io
import json
from pathlib import Path

import pytest

from showtell.corpora import Reference, open_corpus
from showtell.errors import BadCorpus


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    touch(tmp_path, "pictures/a.jpg", "pictures/b.JPG", "c d.png")
    return tmp_path


ROWS = [
    ("pictures/a.jpg", "A dog, a cat.", "en", "people", "train"),
    ("pictures/a.jpg", "一只狗", "zh", "model", "train"),
    ("b.jpg", 'The "red" ball.', "en", "people", "validation"),
    ("c d.png", "An emu.", "en", "people", "test"),
]
HEADER = ("file_name", "text", "language", "source", "split")


def separated(separator: str) -> str:
    file = io.StringIO()
    csv.writer(file, delimiter=separator).writerows([HEADER, *ROWS])
    return file.getvalue()


def jsonl() -> str:
    return "\n\n".join(json.dumps(dict(zip(HEADER, row, strict=True))) for row in ROWS)


@pytest.mark.parametrize(
    ("name", "text"),
    [("x.csv", separated(",")), ("x.tsv", separated("\t")), ("x.jsonl", jsonl()), ("x.txt", separated("\t"))],
)
def test_columns_are_known_by_their_usual_names(folder, name, text):
    (folder / name).write_text(text, encoding="utf-8", newline="")
    corpus = open_corpus(f"table:{folder / name}")
    assert (corpus.name, corpus.parts) == ("x", ("x",))
    assert {one.id: one.split for one in corpus} == {"c d": "test", "a": "train", "b": "dev"}
    assert {one.id: one.path for one in corpus}["b"] == folder / "pictures/b.JPG"
    assert {one.id: one.references for one in corpus}["a"] == (
        Reference("A dog, a cat.", "en", "people"),
        Reference("一只狗", "zh", "model"),
    )


def test_several_caption_columns_and_lists_are_captions_of_one_picture(folder):
    (folder / "x.csv").write_text(
        "image,caption_0,caption_1\na.jpg,A dog.,\"['Dog', 'A big dog']\"\nb.jpg,A cat.,\n"
    )
    said = {one.id: [ref.text for ref in one.references] for one in open_corpus(f"table:{folder}/x.csv")}
    assert said == {"a": ["A dog.", "Dog", "A big dog"], "b": ["A cat."]}
    (folder / "x.jsonl").write_text('{"image": "a.jpg", "captions": ["A dog.", "Dog"]}\n')
    assert len(open_corpus(f"table:{folder}/x.jsonl").examples[0].references) == 2


def test_columns_of_other_names_are_given_in_the_spec(folder):
    (folder / "x.csv").write_text("id,foto,beschreibung,text\n7,a.jpg,A dog.,no\n8,b.jpg,A cat.,no\n")
    corpus = open_corpus(f"table:{folder}/x.csv?image=foto&caption=beschreibung")
    assert {one.id: one.references[0].text for one in corpus} == {"a": "A dog.", "b": "A cat."}
    with pytest.raises(BadCorpus, match="line 2: the line has no column 'bild'; it has id, foto"):
        open_corpus(f"table:{folder}/x.csv?image=bild")
    with pytest.raises(BadCorpus, match="'bild=foto' names no columns"):
        open_corpus(f"table:{folder}/x.csv?bild=foto")
    (folder / "x.jsonl").write_text('{"foto": "a.jpg", "text": "A dog."}\n{"text": "A cat."}\n')
    with pytest.raises(BadCorpus, match="line 2: the line has no column 'foto'"):
        open_corpus(f"table:{folder}/x.jsonl?image=foto")


@pytest.mark.parametrize("separator", [";", "|", "\t"])
def test_columns_of_other_names_stand_between_any_separator(folder, separator):
    rows = [("foto", "beschreibung"), ("a.jpg", '"A dog, a cat."'), ("b.jpg", "A cat.")]
    (folder / "x.csv").write_text("\n".join(separator.join(row) for row in rows))
    corpus = open_corpus(f"table:{folder}/x.csv?image=foto&caption=beschreibung")
    assert {one.id: one.references[0].text for one in corpus} == {"a": "A dog, a cat.", "b": "A cat."}


def test_two_columns_need_no_header(folder):
    (folder / "x.csv").write_text("a.jpg,A dog, a cat.\nb.jpg,A cow.\n")
    assert len(open_corpus(f"table:{folder}/x.csv")) == 2
    (folder / "x.csv").write_text("foto,beschreibung\na.jpg,A dog\n")
    with pytest.raises(BadCorpus, match=r"x.csv, line 1: the line names no columns"):
        open_corpus(f"table:{folder}/x.csv")


def test_the_name_of_the_file_may_tell_the_split(folder):
    (folder / "train.csv").write_text("image,caption\na.jpg,A dog.\n")
    (folder / "my-val.csv").write_text("image,caption\nb.jpg,A cat.\n")
    corpus = open_corpus(f"table:{folder}/train.csv,table:{folder}/my-val.csv")
    assert {one.id: one.split for one in corpus} == {"a": "train", "b": "dev"}
    assert corpus.parts == ("train", "my-val")


def test_without_any_splits_a_tenth_is_the_dev_split_and_stays_it(tmp_path):
    touch(tmp_path, *(f"{number}.jpg" for number in range(300)))
    rows = [f"{number}.jpg,A dog.\n" for number in range(300)]
    (tmp_path / "x.csv").write_text("image,caption\n" + "".join(rows))
    corpus = open_corpus(f"table:{tmp_path}/x.csv")
    dev = {one.id for one in corpus.split("dev")}
    assert 15 < len(dev) < 50
    assert len(corpus.split("train")) == 300 - len(dev)
    assert corpus.warnings[0].startswith(f"the files tell no splits; {len(dev)} pictures of 300, chosen by")
    (tmp_path / "x.csv").write_text("image,caption\n" + "".join(rows[:200]))
    fewer = {one.id for one in open_corpus(f"table:{tmp_path}/x.csv").split("dev")}
    assert fewer == {one for one in dev if int(one) < 200}


def test_a_corpus_with_a_dev_split_beside_it_is_trained_on_whole(folder):
    (folder / "x.csv").write_text("image,caption\na.jpg,A dog.\n")
    (folder / "dev.csv").write_text("image,caption\nb.jpg,A cat.\n")
    corpus = open_corpus(f"table:{folder}/x.csv,table:{folder}/dev.csv")
    assert {one.id: one.split for one in corpus} == {"a": None, "b": "dev"}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.csv", "", "x.csv is empty"),
        (
            "x.csv",
            "image,caption,split\na.jpg,A dog.\n",
            "x.csv, line 2: the line has 2 cells where the header has 3",
        ),
        ("x.csv", 'image,caption,split\na.jpg,"A" dog.,dev\n', "x.csv, line 2: the line is not CSV"),
        ("x.csv", "image,caption\nA dog\n", "x.csv, line 2: the line is not an id"),
        (
            "x.csv",
            "image,caption,split\na.jpg,A dog.,dev\na.jpg,Dog.,train\n",
            "line 3: .*into train, but it is in dev",
        ),
        (
            "x.jsonl",
            '{"image": "a.jpg", "caption": "A"}\n{"image"\n',
            "x.jsonl, line 2: the line is not JSON",
        ),
        ("x.jsonl", '{"image": "a.jpg"}\n', "x.jsonl, line 1: the line has no caption"),
        ("x.jsonl", '{"caption": "A"}\n', "x.jsonl, line 1: the line names no picture"),
        ("x.jsonl", '{"image": "a.jpg", "caption": 7}\n', "line 1: the line has a caption that is no text"),
        (
            "x.jsonl",
            '{"image": "a.jpg", "caption": "A", "split": 7}\n',
            "line 1: the line has a split that is no text",
        ),
        ("x.jsonl", '{"image": ' + "[" * 99_999, "line 1: the line is not JSON .*nested too deeply"),
        ("x.jsonl", '{"image": "\\ud800", "caption": "A"}', "line 1: .*half a character"),
        ("x.jsonl", "[1]\n{\n", "line 1"),
        (
            "x.csv",
            "image,caption\nz.jpg,A dog\n",
            "none of the captions belongs .*for instance that of z.jpg",
        ),
        (
            "x.csv",
            "image,caption\nhttp://example.org/z.jpg,A dog\n",
            "Showtell is offline, fetch the pictures first",
        ),
        ("x.csv", "image,caption\na.jpg, \n", "hold no captions"),
        ("x.csv", "image,caption,language\na.jpg,Ein Hund,de\n", "hold no captions in English or Chinese"),
    ],
)
def test_a_broken_table_is_named_with_its_line(folder, name, text, message):
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(BadCorpus, match=message):
        open_corpus(f"table:{folder / name}")


def test_a_table_that_is_not_there_or_no_text_is_said(folder):
    with pytest.raises(BadCorpus, match=r"there is no file .*none\.csv; give a CSV, TSV or JSONL file"):
        open_corpus(f"table:{folder}/none.csv")
    with pytest.raises(BadCorpus, match="there is no file"):
        open_corpus(f"table:{folder}")
    (folder / "x.csv").write_bytes(b"image,caption\na.jpg,caf\xe9\n")
    with pytest.raises(BadCorpus, match="line 2: the line is not UTF-8 text"):
        open_corpus(f"table:{folder}/x.csv")


@pytest.mark.parametrize("separator", [";", "| "])
def test_other_separators_are_seen_in_the_header(folder, separator):
    rows = [
        ("image_name", "comment_number", "comment"),
        ("a.jpg", "0", "A dog, a cat ."),
        ("b.jpg", "0", "A cow ."),
    ]
    (folder / "results.csv").write_text("\n".join(separator.join(row) for row in rows))
    said = {one.id: one.references[0].text for one in open_corpus(f"table:{folder}/results.csv")}
    assert said == {"a": "A dog, a cat .", "b": "A cow ."}


def test_a_refusal_is_one_line_whatever_the_header_holds(folder):
    (folder / "x.csv").write_text('"ima\nge",caption\na.jpg,A dog.\n')
    with pytest.raises(BadCorpus, match=r"it has ima\\x0age, caption$"):
        open_corpus(f"table:{folder}/x.csv?image=image")
