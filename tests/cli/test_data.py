import json

import pytest

from showtell.cli import main
from showtell.metrics.document_frequencies import DocumentFrequencies


@pytest.fixture
def corpus(tmp_path):
    """A little Flickr8k of three pictures, one in each of train, dev and no list."""
    (tmp_path / "Images").mkdir()
    for name in "abc":
        (tmp_path / "Images" / f"{name}.jpg").touch()
    said = {"a": "dog", "b": "cat", "c": "emu"}
    lines = [f"{name}.jpg#{index}\tA {said[name]} runs .\n" for name in said for index in range(2)]
    (tmp_path / "Flickr8k.token.txt").write_text("".join(lines) + "x.jpg#0\tA man .\n")
    (tmp_path / "Flickr_8k.trainImages.txt").write_text("a.jpg\n")
    (tmp_path / "Flickr_8k.devImages.txt").write_text("b.jpg\n")
    return f"flickr8k:{tmp_path}"


def test_figures_are_printed_as_json_and_nothing_else(corpus, capsys):
    assert main(["data", corpus, "--format", "json"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert printed.err == ""
    assert (found["pictures"], found["captions"]) == (3, 6)
    assert found["splits"] == [
        {"split": "train", "pictures": 1, "captions": 2},
        {"split": "dev", "pictures": 1, "captions": 2},
        {"split": None, "pictures": 1, "captions": 2},
    ]
    assert found["missing"] == ["x.jpg"]
    assert found["languages"][0]["distinct_words"] == 5


def test_the_table_shows_splits_lengths_files_and_flaws(corpus, capsys):
    assert main(["data", corpus]) == 0
    printed = capsys.readouterr().out
    for expected in (
        "train",
        "(none)",
        "words, mean",
        "different words",
        "missing",
        "orphans",
        "warning: 1 caption",
    ):
        assert expected in printed


def test_descriptions_are_written_cleaned_as_asked(corpus, tmp_path, capsys):
    target = tmp_path / "descriptions.txt"
    assert main(["data", corpus, "--descriptions", str(target)]) == 0
    assert target.read_text().splitlines()[:3] == ["a a dog runs", "a a dog runs", "b a cat runs"]
    assert "wrote the descriptions" in capsys.readouterr().err
    options = ["--drop-one-letter-words", "--keep-case", "--keep-punctuation"]
    assert main(["data", corpus, "--descriptions", str(target), *options]) == 0
    assert target.read_text().splitlines()[0] == "a dog runs ."


def test_document_frequencies_come_from_the_train_split_alone(corpus, tmp_path):
    target = tmp_path / "idf.json"
    assert main(["data", corpus, "--idf", str(target)]) == 0
    assert DocumentFrequencies.load(target).pictures == 1


def test_a_wrong_corpus_is_one_line_and_status_2(tmp_path, capsys):
    assert main(["data", f"flickr9k:{tmp_path}"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["data", f"flickr8k:{tmp_path}", "--language", "zh"]) == 2


def test_a_language_that_the_corpus_lacks_is_said(corpus, tmp_path, capsys):
    assert main(["data", corpus, "--language", "zh", "--idf", str(tmp_path / "idf.json")]) == 2
    assert "no captions in 'zh'" in capsys.readouterr().err


@pytest.fixture
def world(tmp_path):
    """COCO's form, with captions by people and by a model in two languages."""
    folder = tmp_path / "world"
    folder.mkdir()
    for split, rows in {
        "train": [("a", "en", "model"), ("a", "zh", "model"), ("b", "en", "people")],
        "dev": [("c", "en", "people"), ("c", "zh", "people")],
    }.items():
        names = sorted({name for name, _, _ in rows})
        for name in names:
            (folder / f"{name}.jpg").touch()
        content = {
            "images": [{"id": name, "file_name": f"{name}.jpg"} for name in names],
            "annotations": [
                {
                    "image_id": name,
                    "caption": "a dog runs" if lang == "en" else "狗",
                    "language": lang,
                    "source": by,
                }
                for name, lang, by in rows
            ],
        }
        (folder / f"captions_{split}.json").write_text(json.dumps(content))
    return f"coco:{folder}"


def test_captions_are_counted_by_language_and_source(world, capsys):
    pytest.importorskip("rjieba")
    assert main(["data", world, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    counts = {(kind["language"], kind["source"]): kind["captions"] for kind in found["languages"]}
    assert counts == {("en", "model"): 1, ("zh", "model"): 1, ("en", "people"): 2, ("zh", "people"): 1}
    assert [part["scored_against"] for part in found["parts"]] == [1, 2]
    assert len(found["fingerprint"]) == 64
    assert main(["data", world]) == 0
    table = capsys.readouterr().out
    assert all(
        kind in table for kind in ("en, model", "en, people", "zh, model", "zh, people", "to score against")
    )


def test_joined_corpora_are_counted_each_and_together(corpus, world, capsys):
    pytest.importorskip("rjieba")
    assert main(["data", f"{corpus},{world}", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    parts = [(part["corpus"], part["split"], part["pictures"]) for part in found["parts"]]
    assert parts == [
        ("flickr8k", "train", 1),
        ("flickr8k", "dev", 1),
        ("flickr8k", None, 1),
        ("world", "train", 2),
        ("world", "dev", 1),
    ]
    assert found["splits"][0] == {"split": "train", "pictures": 3, "captions": 5}
    assert found["corpus"] == "flickr8k,world"


def test_word_statistics_of_the_train_part_leave_out_dev(corpus, capsys):
    assert main(["data", corpus, "--format", "json"]) == 0
    [english] = json.loads(capsys.readouterr().out)["languages"]
    assert (english["distinct_words"], english["train_distinct_words"]) == (
        5,
        4,
    )  # "cat" is said in dev alone


def test_nothing_that_files_say_moves_the_cursor(tmp_path, capsys):
    folder = tmp_path / "odd\x1b[31m"
    folder.mkdir()
    (folder / "a\x1b]0;x\x07.jpg").touch()
    (folder / "b\udc80.jpg").touch()
    for name in ("c", "d"):
        (folder / f"{name}.jpg").touch()
        (folder / f"{name}.txt").write_text("\x1b[2J A dog .\u202e\n")
    assert main(["data", f"folder:{folder}"]) == 0
    printed = capsys.readouterr().out
    assert not set(printed) & {"\x1b", "\x07", "\u202e", "\udc80"}
    assert "\\x1b" in printed
    assert main(["data", f"folder:{folder}", "--format", "json"]) == 0
    assert "b\udc80.jpg" in json.loads(capsys.readouterr().out)["orphans"]
