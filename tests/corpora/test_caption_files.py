"""Files of captions, whoever wrote them: detected, read alike, and refused with file and line."""

import json

import pytest

from showtell.corpora.caption_files import FORMATS, in_ids_of, one_each, read_captions, read_references
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


@pytest.mark.parametrize(
    "cell",
    ["\"['a dog', 'a cat']\"", '"[""a dog"", ""a cat""]"', "\"['a dog'\n 'a cat']\"", "['a dog', 'a cat']"],
)
def test_lists_that_were_saved_as_their_text_are_read_as_lists(tmp_path, cell):
    path = tmp_path / "c.csv"
    path.write_text(f"image,caption\n1.jpg,{cell}\n2.jpg,[sic] a dog\n", encoding="utf-8")
    found = read_captions(path)
    assert found.captions == {"1": ["a dog", "a cat"], "2": ["[sic] a dog"]}
    assert "1 caption is the text of a list" in found.warnings[0]


@pytest.mark.parametrize("header", ["image,caption\n", ""])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_quoted_cell_may_go_over_several_lines(tmp_path, header, end):
    path = tmp_path / "c.csv"
    text = header + '1.jpg,"a dog,\n\nthe ""red"" one"\n2.jpg,a cat\n"a, b.jpg","a cow,\nby the sea"\n'
    path.write_text(text.replace("\n", end), encoding="utf-8", newline="")
    assert read_captions(path).captions == {
        "1": ['a dog,\n\nthe "red" one'],
        "2": ["a cat"],
        "a, b": ["a cow,\nby the sea"],
    }


@pytest.mark.parametrize(
    "stray", ['"Go" says the sign', '"', '"a dog', '"stop" it says, "go"', 'it says "stop"', '""']
)
def test_a_stray_quote_never_swallows_the_next_row(tmp_path, stray):
    path = tmp_path / "c.csv"
    path.write_text(f'1.jpg,{stray}\n2.jpg,it says "stop"\n3,a sign reads stop"\n4,a cat\n', encoding="utf-8")
    assert list(read_captions(path).captions) == ["1", "2", "3", "4"]
    assert read_captions(path).captions["4"] == ["a cat"]


def test_a_broken_row_after_a_long_cell_has_its_own_line_number(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text('1.jpg,"a\nb\nc"\nnothing here\n', encoding="utf-8")
    with pytest.raises(BadCorpus, match="line 4"):
        read_captions(path)
    path.write_text('caption,id,x\n"a\n\nb",1,2\n"c",3\n', encoding="utf-8")
    with pytest.raises(BadCorpus, match="line 5: the line has 2 cells"):
        read_captions(path)


def test_columns_may_stand_in_another_order(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text('caption,image\n"a dog, a cat",1.jpg\na cow,2.jpg\n', encoding="utf-8")
    assert read_captions(path).captions == {"1": ["a dog, a cat"], "2": ["a cow"]}


def test_a_models_columns_have_names_of_their_own(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("prediction,file_name\na dog,1.jpg\na cow,2.jpg\n", encoding="utf-8")
    assert read_captions(path).captions == {"1": ["a dog"], "2": ["a cow"]}
    # Beside people's captions they are not taken for one of them.
    path.write_text("image,caption,prediction\n1.jpg,a dog,a cow\n", encoding="utf-8")
    assert read_captions(path).captions == {"1": ["a dog"]}


def test_the_picture_behind_the_caption_without_a_header_is_noticed(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("a dog and a cat,1.jpg\na cow,2.jpg\n", encoding="utf-8")
    with pytest.raises(BadCorpus, match=r"line 1: the line has the picture behind the caption"):
        read_captions(path)


def test_karpathys_file_is_read(tmp_path):
    path = tmp_path / "dataset_flickr8k.json"
    sentences = [{"raw": "A cat sits.", "tokens": ["a"]}, {"raw": "A cat."}]
    path.write_text(json.dumps({"images": [{"filename": "1.jpg", "sentences": sentences}], "dataset": "x"}))
    found = read_captions(path)
    assert (found.format, found.captions) == ("karpathy", {"1": ["A cat sits.", "A cat."]})
    for images in (
        [{"filename": "1.jpg", "sentences": 3}],
        [{"sentences": []}],
        [{"sentences": [{"raw": 5}]}],
    ):
        path.write_text(json.dumps({"images": images}))
        with pytest.raises(BadCorpus, match="entry 1"):
            read_captions(path)


@pytest.mark.parametrize("text", ['[{"image_id": 7.0, "caption": "a cat"}]', "image_id,caption\n7.0,a cat\n"])
def test_ids_that_became_decimal_numbers_are_whole_again(tmp_path, text):
    path = tmp_path / "c"
    path.write_text(text)
    assert read_captions(path).captions == {"7": ["a cat"]}


def test_rows_of_our_own_output_that_are_errors_are_no_captions(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("1.jpg\terror: is broken or cut short\n2.jpg\tA red dog.\n")
    found = read_captions(path)
    assert found.captions == {"2": ["A red dog."]}
    assert "1 picture of it has an error" in found.warnings[0]


def test_references_are_never_those_of_a_model_nor_of_another_language(tmp_path):
    path = tmp_path / "captions.json"
    rows = [("a cat", "en", "people"), ("a tabby", "en", "model"), ("一只猫", "zh", "people")]
    entries = [{"image_id": 1, "caption": c, "language": lang, "source": by} for c, lang, by in rows]
    path.write_text(json.dumps({"images": [{"id": 1, "file_name": "x/a.jpg"}], "annotations": entries}))
    found = read_references(path, language="en")
    assert found.captions == {"1": ["a cat"]}
    assert "1 caption was written by a model and is left out" in found.warnings[0]
    assert "1 caption is in another language than 'en'" in found.warnings[1]
    assert read_references(path, language="zh").captions == {"1": ["一只猫"]}
    path.write_text(json.dumps(entries[1:2]))
    with pytest.raises(BadCorpus, match="holds no captions"):
        read_references(path, language="en")


def test_candidates_match_annotations_by_id_and_by_file_name(tmp_path):
    path = tmp_path / "captions.json"
    images = [{"id": 25, "file_name": "COCO_25.jpg"}, {"id": 9, "file_name": "train2017/9.jpg"}]
    entries = [{"image_id": one["id"], "caption": "a cat"} for one in images]
    path.write_text(json.dumps({"images": images, "annotations": entries}))
    references = read_references(path, language="en")
    assert in_ids_of(references, {"COCO_25": "a", "9": "b"}) == {"25": "a", "9": "b"}
    assert in_ids_of(references, {"25": "a", "other": "b"}) == {"25": "a", "other": "b"}
    with pytest.raises(BadCorpus, match="'25' has captions as '25' and as 'COCO_25'"):
        in_ids_of(references, {"25": "a", "COCO_25": "b"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"1": ' + "[" * 100_000, "nested too deeply"),
        ('[{"image_id": ' + "7" * 5_000 + ', "caption": "a"}]', "5,000 digits"),
        ('[{"image_id": NaN, "caption": "a"}]', "NaN is no number"),
        ('[{"image_id": 1e999, "caption": "a"}]', "too large a number"),
        ('[{"image_id": 1, "caption": "\\udc00"}]', "half a character"),
        (
            '{"image_id": "\\udc00", "caption": "a"}\n{"image_id": 2, "caption": "a"}',
            "line 1: .*half a character",
        ),
    ],
)
def test_json_that_no_program_should_swallow_is_refused(tmp_path, text, message):
    path = tmp_path / ("c.jsonl" if "\n" in text else "c.json")
    path.write_text(text)
    with pytest.raises(BadCorpus, match=message):
        read_captions(path)
