"""COCO's own files, Karpathy's, and others in the same form."""

import json
import os
from pathlib import Path

import pytest

from showtell.corpora import Reference, open_corpus
from showtell.errors import BadCorpus

REAL = Path(os.environ.get("SHOWTELL_EVERYDAY", Path(__file__).parents[3] / "shared/data/everyday"))


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def annotations(*rows: tuple[int, str, str], **keys: str) -> dict[str, object]:
    """A COCO file of (picture's number, its file, caption)."""
    return {
        "info": {"year": 2017},
        "images": [
            {"id": number, "file_name": name} for number, name in dict(row[:2] for row in rows).items()
        ],
        "annotations": [
            {"id": place, "image_id": number, "caption": caption, **keys}
            for place, (number, _, caption) in enumerate(rows)
        ],
    }


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """COCO 2017 as it unpacks, with three pictures."""
    touch(tmp_path, "train2017/09.jpg", "train2017/25.jpg", "val2017/30.jpg")
    train = annotations(
        (25, "25.jpg", "Giraffes.\n"), (9, "09.jpg", "A meal."), (25, "25.jpg", "Two giraffes.")
    )
    write(tmp_path / "annotations/captions_train2017.json", train)
    write(tmp_path / "annotations/captions_val2017.json", annotations((30, "30.jpg", "A vase.")))
    write(tmp_path / "annotations/instances_val2017.json", {"images": []})
    return tmp_path


def test_cocos_own_release(release):
    corpus = open_corpus(f"coco:{release}")
    assert [(one.id, one.split, one.path) for one in corpus] == [
        ("09", "train", release / "train2017/09.jpg"),
        ("25", "train", release / "train2017/25.jpg"),
        ("30", "dev", release / "val2017/30.jpg"),
    ]
    assert corpus.examples[1].references == (
        Reference("Giraffes.", "en", "people"),
        Reference("Two giraffes.", "en", "people"),
    )
    assert corpus.parts == (corpus.name,) == (release.name,)


@pytest.mark.parametrize("pictures", ["", "images/", "images/val2017/"])
def test_pictures_are_found_beside_the_annotations(tmp_path, pictures):
    touch(tmp_path, f"{pictures}COCO_val2014_30.jpg")
    write(tmp_path / "annotations/captions_val2014.json", annotations((30, "COCO_val2014_30.jpg", "A vase.")))
    [one] = open_corpus(f"coco:{tmp_path}")
    assert (one.id, one.split) == ("COCO_val2014_30", "dev")


def test_one_file_is_named_when_there_are_several(release):
    assert len(open_corpus(f"coco:{release}/annotations/captions_val2017.json")) == 1
    write(release / "annotations/captions_val2014.json", annotations((30, "30.jpg", "A vase.")))
    with pytest.raises(BadCorpus, match=r"captions_val2014.json and .*divide the same pictures differently"):
        open_corpus(f"coco:{release}")
    both = ",".join(f"coco:{release}/annotations/captions_{part}2017.json" for part in ("train", "val"))
    assert [one.id for one in open_corpus(both)] == ["09", "25", "30"]


@pytest.mark.parametrize("place", ["", "annotations/"])
def test_karpathys_splits_are_taken_where_his_file_is(release, place):
    images = [
        {"filename": name, "filepath": folder, "split": split, "sentences": [{"raw": said, "tokens": []}]}
        for name, folder, split, said in [
            ("30.jpg", "val2017", "restval", "A vase ."),
            ("25.jpg", "train2017", "val", "Giraffes ."),
            ("09.jpg", "train2017", "test", "A meal ."),
        ]
    ]
    write(release / f"{place}dataset_coco.json", {"images": images, "dataset": "coco"})
    corpus = open_corpus(f"coco:{release}")
    assert {one.id: one.split for one in corpus} == {"30": "train", "25": "dev", "09": "test"}
    assert corpus.examples[1].references == (Reference("Giraffes .", "en", "people"),)


def test_language_and_source_are_read_and_chinese_is_seen_without(tmp_path):
    touch(tmp_path, "a.jpg")
    content = annotations((1, "a.jpg", "a cat on a mat"), (1, "a.jpg", "一只猫"), (1, "a.jpg", "Eine Katze."))
    content["annotations"][0] |= {"language": "en", "source": "model"}
    content["annotations"][2]["language"] = "de"
    write(tmp_path / "captions_train.json", content)
    corpus = open_corpus(f"coco:{tmp_path}")
    assert corpus.examples[0].references == (
        Reference("a cat on a mat", "en", "model"),
        Reference("一只猫", "zh", "people"),
    )
    assert corpus.languages == ("en", "zh")
    assert any("1 caption is in another language" in warning for warning in corpus.warnings)


def test_two_pictures_of_one_name_are_told_apart_by_their_folders(tmp_path):
    touch(tmp_path, "train/1.jpg", "val/1.jpg")
    write(tmp_path / "annotations/captions_train.json", annotations((1, "train/1.jpg", "A dog.")))
    write(tmp_path / "annotations/captions_val.json", annotations((1, "val/1.jpg", "A cat.")))
    corpus = open_corpus(f"coco:{tmp_path}")
    said = {one.id: (one.split, one.references[0].text) for one in corpus}
    assert said == {"train/1": ("train", "A dog."), "val/1": ("dev", "A cat.")}


def test_a_file_of_some_other_name_is_trained_on(tmp_path):
    touch(tmp_path, "1.jpg")
    write(tmp_path / "captions_mine.json", annotations((1, "1.jpg", "A dog.")))
    assert open_corpus(f"coco:{tmp_path}").training_examples[0].split is None


def test_captions_of_pictures_that_are_not_there_are_a_warning(release):
    (release / "train2017/25.jpg").unlink()
    corpus = open_corpus(f"coco:{release}")
    assert corpus.missing == ("25.jpg",)
    assert corpus.warnings[0] == "2 captions belong to 1 picture that does not exist, for instance 25.jpg#0"
    (release / "train2017/09.jpg").unlink()
    (release / "val2017/30.jpg").unlink()
    with pytest.raises(BadCorpus, match="none of the captions belongs to a picture in"):
        open_corpus(f"coco:{release}")


BROKEN = {
    '{"images": [{"id": 1,\n "file_name": }]}': r"json, line 2: .*column 15",
    "[1, 2]": "no list 'images'",
    '{"images": {}, "annotations": []}': "no list 'images'",
    '{"images": [], "annotations": []}': "holds no captions",
    '{"images": [7], "annotations": []}': "entry 1 of 'images' is no object",
    '{"images": [{"id": 1}], "annotations": []}': "entry 1 of 'images' has no text 'file_name'",
    '{"images": [{"file_name": "1.jpg"}], "annotations": []}': "entry 1 of 'images' has no 'id'",
    '{"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": 5}': "'annotations' are no list",
    '{"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": [{"image_id": 1, "caption": null}]}': (
        "entry 1 of 'annotations' has no text 'caption'"
    ),
    '{"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": [{"image_id": 2, "caption": "A"}]}': (
        "entry 1 of 'annotations': there is no picture 2"
    ),
    '{"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": [{"image_id": true, "caption": "A"}]}': (
        "has no 'image_id'"
    ),
    '{"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": [{"image_id": 1, "caption": "A", "source": 3}]}': (
        "its 'source' is no text"
    ),
    '{"images": [{"filename": "1.jpg", "sentences": 3}]}': "entry 1 of 'images' has no list of 'sentences'",
    '{"images": [{"filename": "1.jpg", "sentences": [{"raw": 3}]}]}': "has no text 'raw'",
    '{"images": ' + "[" * 100_000: "nested too deeply",
    '{"images": [{"id": ' + "9" * 5_000 + "}]}": "number of 5,000 digits",
    '{"images": [{"id": Infinity}]}': "Infinity is no number",
    '{"images": [{"id": 1e999}]}': "1e999 is too large",
    '{"images": [{"id": "\\ud83d"}]}': "half a character",
    "": "line 1",
}


@pytest.mark.parametrize(("content", "message"), BROKEN.items(), ids=range(len(BROKEN)))
def test_a_broken_file_is_named_with_the_place(tmp_path, content, message):
    touch(tmp_path, "1.jpg")
    path = write(tmp_path / "annotations/captions_train.json", content)
    with pytest.raises(BadCorpus, match=message) as caught:
        open_corpus(f"coco:{tmp_path}")
    assert str(path) in str(caught.value)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(BadCorpus, match="there is no folder"):
        open_corpus(f"coco:{tmp_path}/none")
    with pytest.raises(BadCorpus, match=r"no annotations/captions_\*.json"):
        open_corpus(f"coco:{tmp_path}")


def test_a_picture_in_two_splits_is_refused(release):
    write(release / "annotations/captions_val2017.json", annotations((25, "train2017/25.jpg", "A vase.")))
    write(release / "annotations/captions_train2017.json", annotations((25, "train2017/25.jpg", "A vase.")))
    with pytest.raises(BadCorpus, match=r"train2017/25\.jpg stands in train and in dev"):
        open_corpus(f"coco:{release}")


@pytest.mark.skipif(not REAL.is_dir(), reason="needs the everyday pictures (SHOWTELL_EVERYDAY)")
def test_the_everyday_pictures_read_as_their_description_says():
    corpus = open_corpus(f"coco:{REAL}")
    assert (len(corpus.split("train")), len(corpus.split("dev")), len(corpus)) == (6_922, 300, 7_222)
    train = [(ref.language, ref.source) for one in corpus.split("train") for ref in one.references]
    assert [
        train.count((language, source)) for language in ("en", "zh") for source in ("people", "model")
    ] == [
        1_633,
        17_943,
        1_071,
        5_981,
    ]
    dev = corpus.scoring_references(corpus.split("dev"), "en")
    assert (len(dev), sum(map(len, dev.values()))) == (300, 1_501)
    assert not corpus.missing


@pytest.mark.parametrize("name", ["dataset.json", "dataset_flickr8k.json"])
def test_karpathys_other_files_are_known_by_their_names(release, name):
    images = [{"filename": "25.jpg", "split": "val", "sentences": [{"raw": "Giraffes ."}]}]
    write(release / name, {"images": images})
    write(release / "dataset_infos.json", {"default": {}})
    assert [(one.id, one.split) for one in open_corpus(f"coco:{release}")] == [("25", "dev")]
