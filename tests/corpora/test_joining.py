"""Several specs make one corpus."""

import json
from pathlib import Path

import pytest

from showtell.corpora import kinds, open_corpus
from showtell.errors import BadCorpus


def flickr(folder: Path, train: str, dev: str) -> str:
    (folder / "Images").mkdir(parents=True)
    for name in train + dev:
        (folder / "Images" / f"{name}.jpg").touch()
    (folder / "Flickr8k.token.txt").write_text("".join(f"{n}.jpg#0\tA {n} .\n" for n in dev + train))
    for split, names in (("train", train), ("dev", dev)):
        (folder / f"Flickr_8k.{split}Images.txt").write_text("".join(f"{name}.jpg\n" for name in names))
    return f"flickr8k:{folder}"


def coco(folder: Path, train: str, dev: str, source: str = "model") -> str:
    (folder / "pictures").mkdir(parents=True)
    for split, names in (("train", train), ("dev", dev)):
        for name in names:
            (folder / "pictures" / f"{name}.jpg").touch()
        content = {
            "images": [{"id": name, "file_name": f"{name}.jpg"} for name in names],
            "annotations": [{"image_id": name, "caption": f"a {name}", "source": source} for name in names],
        }
        (folder / f"captions_{split}.json").write_text(json.dumps(content))
    return f"coco:{folder}"


@pytest.mark.parametrize("comma", [",", ", "])
def test_they_stand_one_after_the_other_and_each_example_knows_where_it_is_from(tmp_path, comma):
    one, other = flickr(tmp_path / "f", "ba", "c"), coco(tmp_path / "world", "d", "e")
    corpus = open_corpus(f"{one}{comma}{other}")
    found = [(example.id, example.split, example.corpus) for example in corpus]
    assert found == [
        ("a", "train", "flickr8k"),
        ("b", "train", "flickr8k"),
        ("c", "dev", "flickr8k"),
        ("d", "train", "world"),
        ("e", "dev", "world"),
    ]
    assert (corpus.name, corpus.parts) == ("flickr8k,world", ("flickr8k", "world"))
    assert [example.id for example in open_corpus(f"{other}{comma}{one}")] == ["d", "e", "a", "b", "c"]


def test_captions_by_a_model_are_trained_on_and_not_scored_against_in_a_joined_corpus(tmp_path):
    spec = f"{flickr(tmp_path / 'f', 'ab', 'c')},{coco(tmp_path / 'world', 'd', 'e')}"
    corpus = open_corpus(spec)
    assert [one.id for one in corpus.training_examples] == ["a", "b", "d"]
    assert corpus.scoring_references(corpus.split("dev"), "en") == {"c": ["A c ."]}
    assert corpus.training_documents("en") == {"a": ["A a ."], "b": ["A b ."], "d": ["a d"]}


def test_ids_that_clash_have_their_corpus_before_them(tmp_path):
    corpus = open_corpus(f"{flickr(tmp_path / 'f', 'ab', 'c')},{coco(tmp_path / 'world', 'bd', 'e')}")
    assert [example.id for example in corpus] == ["a", "flickr8k/b", "c", "world/b", "d", "e"]
    assert corpus.warnings[0] == "1 id is in several corpora and written as flickr8k/b and so on"


def test_corpora_of_one_name_are_numbered(tmp_path):
    corpus = open_corpus(f"{coco(tmp_path / 'x/world', 'a', 'b')},{coco(tmp_path / 'y/world', 'a', 'c')}")
    assert corpus.parts == ("world", "world-2")
    assert [example.id for example in corpus] == ["world/a", "b", "world-2/a", "c"]


def test_warnings_say_which_corpus_they_are_of(tmp_path):
    one, other = flickr(tmp_path / "f", "ab", "c"), coco(tmp_path / "world", "d", "e")
    (tmp_path / "f" / "Images" / "x.jpg").touch()
    assert open_corpus(f"{one},{other}").warnings == [
        "flickr8k: 1 picture has no caption, for instance x.jpg"
    ]


def test_a_picture_that_one_corpus_trains_on_and_another_chooses_by_is_not_passed_over(tmp_path):
    one, other = flickr(tmp_path / "f", "ab", "c"), coco(tmp_path / "world", "c", "d")
    warnings = open_corpus(f"{one},{other}").warnings
    assert any("1 of these pictures is trained on in one corpus and not in another" in w for w in warnings)
    chinese = tmp_path / "flickr8k-cn"
    chinese.mkdir()
    (chinese / "flickr8kzhc.caption.txt").write_text("a.jpg#zhc#0 狗\nc.jpg#zhc#0 猫\n")
    (tmp_path / "f").rename(tmp_path / "flickr8k")
    both = f"flickr8k:{tmp_path / 'flickr8k'},flickr8k-cn:{chinese}"
    assert [example.id for example in open_corpus(both)].count("flickr8k-cn/a") == 1
    (chinese / "flickr8kval.txt").write_text("a\n")
    (chinese / "flickr8ktrain.txt").write_text("c\n")
    with pytest.raises(BadCorpus, match="give both the same split lists"):
        open_corpus(both)


def test_a_folder_may_have_a_comma_in_its_name(tmp_path):
    spec = coco(tmp_path / "a, b", "a", "b")
    assert open_corpus(spec).parts == ("a, b",)
    assert kinds(f"flickr8k:/home/me+cn, {spec}") == "flickr8k,coco"


def test_the_part_that_is_wrong_is_named(tmp_path):
    one = flickr(tmp_path / "f", "ab", "c")
    with pytest.raises(BadCorpus, match="'cocoa:x' names no corpus"):
        open_corpus(f"{one},cocoa:x")
    with pytest.raises(BadCorpus, match="there is no folder x"):
        open_corpus(f"{one},coco:x")
