"""Captions find their pictures, and pictures their captions, by a bundle's vectors."""

import json
from pathlib import Path

import pytest
from painted import paint

import showtell
from showtell.cli import main
from showtell.corpora import open_corpus
from showtell.errors import BadBundle
from showtell.search.retrieval import evaluate_retrieval

CHINESE = {"red": "红色", "green": "绿色", "blue": "蓝色"}


@pytest.fixture
def colours(tmp_path: Path) -> str:
    """The spec of a corpus whose dev pictures are of one colour, which their captions name."""
    for colour in CHINESE:
        paint(tmp_path / "Images" / f"{colour}.jpg", colour)
    names = [f"{colour}.jpg" for colour in CHINESE]
    rows = [f"{name}#{number}\ta {name[:-4]} picture\n" for name in names for number in range(2)]
    (tmp_path / "Flickr8k.token.txt").write_text("".join(rows))
    (tmp_path / "Flickr_8k.devImages.txt").write_text("\n".join(names) + "\n")
    (tmp_path / "Flickr_8k.trainImages.txt").write_text("")
    chinese = [f"{name}#zhc#0 一张{CHINESE[name[:-4]]}图片\n" for name in names]
    (tmp_path / "flickr8kzhc.caption.txt").write_text("".join(chinese), encoding="utf-8")
    return f"flickr8k:{tmp_path}+cn"


@pytest.mark.parametrize(("language", "captions"), [("en", 6), ("zh", 3)])
def test_captions_that_name_what_a_picture_shows_find_it(searching_model, colours, language, captions):
    found = evaluate_retrieval(showtell.load(searching_model), open_corpus(colours), language=language)
    assert (found.pictures, found.captions) == (3, captions)
    assert found.found.caption_to_picture.recall_at_1 == 100
    assert found.found.picture_to_caption.median_rank == 1


def test_captions_of_other_pictures_find_nothing(searching_model, colours, tmp_path):
    for colour, other in zip(CHINESE, ["green", "blue", "red"], strict=True):
        paint(tmp_path / "Images" / f"{colour}.jpg", other)
    found = evaluate_retrieval(showtell.load(searching_model), open_corpus(colours), language="en")
    assert found.found.caption_to_picture.recall_at_1 == 0


def test_a_model_without_an_embedder_is_refused(tiny_model, colours):
    with pytest.raises(BadBundle, match="has no embedder"):
        evaluate_retrieval(showtell.load(tiny_model), open_corpus(colours), language="en")


def test_the_command_gives_each_language(searching_model, colours, capsys):
    command = ["evaluate", str(searching_model), "--data", colours, "--task", "retrieval"]
    assert main([*command, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["language"] for row in rows] == ["en", "zh"]
    assert rows[0]["caption_to_picture"]["recall_at_1"] == 100
    assert main([*command, "--language", "zh"]) == 0
    text = capsys.readouterr().out
    assert "3 pictures, 3 captions" in text
    assert "recall at 1 100.0" in text
