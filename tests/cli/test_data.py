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
