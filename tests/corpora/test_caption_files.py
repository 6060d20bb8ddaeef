"""Files of captions, whoever wrote them: detected, read alike, and refused with file and line."""

import json

import pytest

from showtell.corpora.caption_files import FORMATS, one_each, read_captions
from showtell.errors import BadCorpus

SAME = {"1": ["a dog, a cat"], "2": ['the "red" ball', "a ball"]}

FILES = {
    "coco results": json.dumps(
        [
            {"image_id": 1, "caption": "a dog, a cat"},
            {"image_id": 2, "caption": 'the "red" ball'},
            {"image_id": "2", "caption": "a ball"},
        ]
    ),
    "coco annotations": json.dumps(
        {
            "images": [{"id": 1, "file_name": "x.jpg"}],
            "annotations": [
                {"id": 7, "image_id": 1, "caption": "a dog, a cat"},
                {"id": 8, "image_id": 2, "caption": 'the "red" ball'},
                {"id": 9, "image_id": 2, "caption": "a ball"},
            ],
        },
        indent=1,
    ),
    "json": json.dumps({"1": "a dog, a cat", "2": ['the "red" ball', "a ball"]}, indent=2),
    "jsonl": '{"image_id": 1, "caption": "a dog, a cat"}\n\n'
    '{"id": "2", "captions": ["the \\"red\\" ball", "a ball"]}\n',
    "csv": 'image,caption\n1,a dog, a cat\n2,the "red" ball\n2,a ball\n',
    "csv quoted": 'image,caption\r\n1,"a dog, a cat"\r\n2,"the ""red"" ball"\r\n2,a ball\r\n',
    "csv without header": '1,a dog, a cat\n2,the "red" ball\n2,a ball\n',
    "csv of showtell": 'path,caption,language,confidence,error\nd/1.jpg,"a dog, a cat",en,0.5,\n'
    '2.png,"the ""red"" ball",en,0.1,\n2.png,a ball,en,0.1,\n',
    "tsv": '1\ta dog, a cat\n2\tthe "red" ball\n2\ta ball\n',
    "flickr8k": '1.jpg#0\ta dog, a cat\n2.jpg#0\tthe "red" ball\n2.jpg#1\ta ball\n',
    "flickr8k-cn": '1.jpg#zhc#0 a dog, a cat\n2.jpg#zhc#0 the "red" ball\n2.jpg#zhc#1 a ball\n',
    "byte order mark": '\ufeff1\ta dog, a cat\n2\tthe "red" ball\n2\ta ball',
}


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_of_file_is_detected_and_read_alike(tmp_path, kind):
    path = tmp_path / "captions.txt"
    path.write_text(FILES[kind], encoding="utf-8", newline="")
    assert read_captions(path).captions == SAME


@pytest.mark.parametrize(
    ("kind", "format"),
    [
        ("coco results", "coco"),
        ("json", "json"),
        ("jsonl", "jsonl"),
        ("csv", "csv"),
        ("tsv", "tsv"),
        ("flickr8k", "flickr8k"),
        ("flickr8k-cn", "flickr8k"),
        ("coco annotations", "coco"),
    ],
)
def test_the_detected_format_is_named_and_can_be_forced(tmp_path, kind, format):  # noqa: A002
    path = tmp_path / "captions"
    path.write_text(FILES[kind], encoding="utf-8")
    assert read_captions(path).format == format
    assert read_captions(path, format).captions == SAME
    assert format in FORMATS


def test_a_picture_counts_by_its_name_without_folder_and_extension(tmp_path):
    path = tmp_path / "captions.tsv"
    path.write_text("photos/deep/a.b.JPG\tone\nC:\\x\\c.webp\ttwo\nplain.id\tthree\n", encoding="utf-8")
    assert list(read_captions(path).captions) == ["a.b", "c", "plain.id"]


@pytest.mark.parametrize(
    ("text", "format", "message"),
    [
        ("", None, "is empty"),
        ("just some words\n", None, "in no format.*'just some words'"),
        ('[{"image_id": 1}]', None, "entry 1: the entry has no caption"),
        (
            '[{"image_id": 1, "caption": "a"},\n {"caption": "b"}]',
            None,
            "entry 2: the entry names no picture",
        ),
        ('[{"image_id": 1, "caption": 5}]', None, "entry 1: the entry has a caption that is no text"),
        ('[{"image_id": [1], "caption": "a"}]', None, "entry 1: the entry names no picture"),
        ("[1]", None, "entry 1: the entry is no object"),
        ('[{"image_id": 1,\n "caption": }]', None, "line 2: the line is not JSON"),
        ('\n\n{"1": "a",\n"2" "b"}', None, "line 4: the line is not JSON"),
        ('{"1": 5}', None, "captions of '1' are neither"),
        ("[]", None, "holds no captions"),
        ("{}", None, "holds no captions"),
        (
            '{"image_id": 1, "caption": "a"}\n{"image_id": 2, "caption"\n',
            None,
            "line 2: the line is not JSON",
        ),
        ("1.jpg#0\ta dog\nno hash here\n", None, "line 2: the line is not 'NAME.jpg#INDEX"),
        ("1,a dog\nonly one cell\n", None, "line 2: the line is not an id, a comma and a caption"),
        ("1\ta dog\n\n\tno id\n", None, "line 3: the line is not an id, a tab and a caption"),
        ("path,caption,error\n1,a,\n2,b\n", None, "line 3: the line has 2 cells where the header has 3"),
        ('path,caption,error\n1,"a"b,\n', None, "line 2: the line is not CSV"),
        ('{"1": "a"}', "coco", "no COCO file"),
        ("[1]", "json", "holds no object"),
        ("[" * 100_000, "coco", "JSON"),
        ("1\ta", "flickr8k", "line 1"),
    ],
)
def test_a_broken_file_is_refused_with_file_and_place(tmp_path, text, format, message):  # noqa: A002
    path = tmp_path / "broken.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadCorpus, match=message) as refused:
        read_captions(path, format)
    assert "broken.txt" in str(refused.value)


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path):
    (tmp_path / "binary").write_bytes(b"1\ta dog\n\xff\xfe\x00")
    with pytest.raises(BadCorpus, match="line 2: the line is not UTF-8"):
        read_captions(tmp_path / "binary")
    with pytest.raises(BadCorpus, match="cannot be read"):
        read_captions(tmp_path / "nothing")
    with pytest.raises(BadCorpus, match="cannot be read"):
        read_captions(tmp_path)


def test_an_unknown_format_is_a_wrong_argument(tmp_path):
    with pytest.raises(ValueError, match="no caption format 'xml'"):
        read_captions(tmp_path / "x", "xml")


def test_pictures_that_failed_are_left_out_with_a_warning(tmp_path):
    path = tmp_path / "captions.jsonl"
    path.write_text('{"path": "a.jpg", "caption": "a dog"}\n{"path": "b.jpg", "error": "truncated"}\n')
    found = read_captions(path)
    assert found.captions == {"a": ["a dog"]}
    assert "1 picture of it has an error or nothing" in found.warnings[0]


def test_candidates_are_one_caption_a_picture(tmp_path):
    path = tmp_path / "captions.tsv"
    path.write_text("1\ta dog\n1\ta dog\n2\ta cat\n")
    captions, (warning,) = one_each(read_captions(path))
    assert captions == {"1": "a dog", "2": "a cat"}
    assert "1 id stands there more than once, with the same caption (1)" in warning
    path.write_text("1\ta dog\n1\ta cat\n")
    with pytest.raises(BadCorpus, match=r"1 picture with several captions \(1\)"):
        one_each(read_captions(path))


def test_an_id_that_comes_twice_in_json_is_noticed(tmp_path):
    path = tmp_path / "c.json"
    path.write_text('{"p0": "a dog", "p1": "a cat", "p0": "a dog"}', encoding="utf-8")
    captions, warnings = one_each(read_captions(path))
    assert captions == {"p0": "a dog", "p1": "a cat"}
    assert any("1 id stands there more than once" in warning for warning in warnings)
    path.write_text('{"p0": "a dog", "p0": "a cat"}', encoding="utf-8")
    with pytest.raises(BadCorpus, match=r"several captions \(p0\)"):
        one_each(read_captions(path))


def test_captions_that_are_lists_of_characters_are_called_so(tmp_path):
    path = tmp_path / "c.json"
    path.write_text('{"p0": ["a", " ", "d", "o", "g"]}', encoding="utf-8")
    with pytest.raises(BadCorpus, match=r"lists of single characters \(p0\)"):
        one_each(read_captions(path))


def test_an_empty_file_is_called_empty(tmp_path):
    path = tmp_path / "c.json"
    path.write_text("", encoding="utf-8")
    with pytest.raises(BadCorpus, match="is empty"):
        read_captions(path)
