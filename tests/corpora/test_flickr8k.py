import os
from pathlib import Path

import pytest

from showtell.corpora import Reference, open_corpus
from showtell.errors import BadCorpus

TOKENS = "b.jpg#1\tA cat sits .\nb.jpg#0\tA dog runs .\na.jpg#0\tTwo dogs play .\nc.jpg#0\tA man jumps .\n"
REAL = Path(os.environ.get("SHOWTELL_FLICKR8K", Path(__file__).parents[3] / "shared/data/flickr8k"))


def layout(folder: Path, files: dict[str, str], pictures: str = "Flicker8k_Dataset", names="abc") -> Path:
    """A little Flickr8k: text files by path, and pictures that nobody opens."""
    (folder / pictures).mkdir(parents=True)
    for name in names:
        (folder / pictures / f"{name}.jpg").touch()
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def english(example) -> list[str]:
    return [reference.text for reference in example.references if reference.language == "en"]


def test_examples_stand_in_the_order_of_their_names_with_captions_in_the_order_of_their_index(tmp_path):
    corpus = open_corpus(f"flickr8k:{layout(tmp_path, {'Flickr8k.token.txt': TOKENS})}")
    assert [example.id for example in corpus] == ["a", "b", "c"]
    assert english(corpus.examples[1]) == ["A dog runs .", "A cat sits ."]
    assert corpus.examples[0].path == tmp_path / "Flicker8k_Dataset" / "a.jpg"
    assert corpus.examples[0].references == (Reference("Two dogs play .", "en", "people"),)


@pytest.mark.parametrize("pictures", ["Flicker8k_Dataset", "Flickr8k_Dataset", "Images", "Images/Images"])
@pytest.mark.parametrize("text", ["", "Flickr8k_text/"])
def test_common_layouts_are_found(tmp_path, pictures, text):
    files = {f"{text}Flickr8k.token.txt": TOKENS, f"{text}Flickr_8k.devImages.txt": "b.jpg\n"}
    corpus = open_corpus(f"flickr8k:{layout(tmp_path, files, pictures)}")
    assert len(corpus) == 3
    assert [example.id for example in corpus.split("dev")] == ["b"]


def test_splits_come_from_the_lists_and_a_picture_in_no_list_has_none(tmp_path):
    files = {
        "Flickr8k.token.txt": TOKENS,
        "Flickr_8k.trainImages.txt": "b.jpg\r\n\r\na.jpg\r\n",
        "Flickr_8k.testImages.txt": "",
    }
    corpus = open_corpus(f"flickr8k:{layout(tmp_path, files)}")
    assert corpus.splits == ("train",)
    assert [example.id for example in corpus.split("train")] == ["a", "b"]
    assert [example.id for example in corpus.split(None)] == ["c"]
    assert corpus.warnings == ["1 picture stands in none of the split lists"]
    with pytest.raises(BadCorpus, match="no split 'test'; it has train"):
        corpus.split("test")


def test_without_lists_there_are_no_splits(tmp_path):
    corpus = open_corpus(f"flickr8k:{layout(tmp_path, {'Flickr8k.token.txt': TOKENS})}")
    assert len(corpus.split(None)) == 3
    assert "no split lists" in corpus.warnings[0]
    with pytest.raises(BadCorpus, match="no splits at all"):
        corpus.split("train")


def test_a_caption_table_keeps_commas_and_quotes_as_people_wrote_them(tmp_path):
    table = (
        "image,caption\n"
        'a.jpg,A sign says "go" , he stops .\n'
        'a.jpg,"A dog, a cat ."\n'
        'a.jpg,"A sign says ""go"", he stops ."\n'
        'a.jpg,"Go" reads the "sign"\n'
    )
    corpus = open_corpus(f"flickr8k:{layout(tmp_path, {'captions.txt': table}, 'Images', 'a')}")
    assert english(corpus.examples[0]) == [
        'A sign says "go" , he stops .',
        "A dog, a cat .",
        'A sign says "go", he stops .',
        '"Go" reads the "sign"',
    ]


def test_flaws_are_warnings_of_one_sentence_each(tmp_path):
    tokens = (
        "a.jpg#0\tA\na.jpg#1\tbroken image\na.jpg#2\tA dog runs .\na.jpg#3\tA dog runs .\na.jpg#4\t\n"
        "gone.jpg.1#0\tA dog sits .\nb.jpg#0\tA dog jumps .\n"
    )
    lists = {"Flickr_8k.trainImages.txt": "a.jpg\nb.jpg\nlost.jpg\n"}
    corpus = open_corpus(f"flickr8k:{layout(tmp_path, {'Flickr8k.token.txt': tokens, **lists})}")
    assert corpus.warnings == [
        "1 caption belongs to 1 picture that does not exist, for instance gone.jpg.1#0",
        "1 picture has no caption, for instance c.jpg",
        "1 picture of the train list cannot be used, for want of the picture or its captions",
        "3 English captions say nothing, for instance 'A' (a.jpg#0)",
        "1 picture has the same English caption twice, for instance a.jpg",
        "2 English captions do not end in a full stop, for instance 'A' (a.jpg#0)",
    ]
    assert corpus.missing == ("gone.jpg.1",)
    assert corpus.orphans == ("c.jpg",)
    assert "" not in english(corpus.examples[0]), "an empty caption is no reference"


def test_of_an_empty_caption_is_said_once_that_it_says_nothing(tmp_path):
    tokens = "a.jpg#0\t\na.jpg#1\t\na.jpg#2\tA dog runs .\n"
    files = {"Flickr8k.token.txt": tokens, "Flickr_8k.trainImages.txt": "a.jpg\n"}
    corpus = open_corpus(f"flickr8k:{layout(tmp_path, files, names='a')}")
    assert corpus.warnings == ["2 English captions say nothing, for instance '' (a.jpg#0)"]


@pytest.mark.parametrize("name", ["Flickr8k.token.txt", "captions.txt", "flickr8kzhc.caption.txt"])
def test_a_file_without_captions_is_called_so(tmp_path, name):
    layout(tmp_path, {name: "image,caption\n" if name == "captions.txt" else "\n"})
    kind = "flickr8k-cn" if "zhc" in name else "flickr8k"
    with pytest.raises(BadCorpus, match=f"{name} holds no captions"):
        open_corpus(f"{kind}:{tmp_path}")


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("Flickr8k.token.txt", "a.jpg#0\tA dog .\na.jpg#1 A dog .\n", 2),
        ("Flickr8k.token.txt", "a.jpg\tA dog .\n", 1),
        ("Flickr8k.token.txt", "\n\na.jpg#x\tA dog .\n", 3),
        ("Flickr8k.token.txt", "#0\tA dog .\n", 1),
        ("captions.txt", "image,caption\na.jpg,A dog .\nsomething else\n", 3),
        ("captions.txt", "image,caption\n,A dog .\n", 2),
    ],
)
def test_a_broken_line_is_named_by_file_and_number(tmp_path, name, content, line):
    layout(tmp_path, {name: content})
    with pytest.raises(BadCorpus, match=rf"{name}, line {line}: "):
        open_corpus(f"flickr8k:{tmp_path}")


def test_a_broken_split_list_is_named_by_file_and_number(tmp_path):
    lists = {"Flickr_8k.trainImages.txt": "a.jpg\nb.jpg\n", "Flickr_8k.devImages.txt": "c.jpg\nb.jpg\n"}
    layout(tmp_path, {"Flickr8k.token.txt": TOKENS, **lists})
    with pytest.raises(BadCorpus, match=r"devImages.txt, line 2: .* b.jpg into dev, but it is in train"):
        open_corpus(f"flickr8k:{tmp_path}")
    (tmp_path / "Flickr_8k.devImages.txt").write_text("c.jpg\ta dog\n")
    with pytest.raises(BadCorpus, match=r"devImages.txt, line 1: "):
        open_corpus(f"flickr8k:{tmp_path}")


def test_bytes_that_are_no_text_are_named_by_file_and_number(tmp_path):
    layout(tmp_path, {})
    (tmp_path / "Flickr8k.token.txt").write_bytes(b"a.jpg#0\tA dog .\nb.jpg#0\tA caf\xe9 .\n")
    with pytest.raises(BadCorpus, match=r"token.txt, line 2: .*UTF-8"):
        open_corpus(f"flickr8k:{tmp_path}")


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path):
    layout(tmp_path, {"Flickr8k.token.txt": "\ufeff" + TOKENS.replace("\n", "\r\n")})
    assert english(open_corpus(f"flickr8k:{tmp_path}").examples[0]) == ["Two dogs play ."]


@pytest.mark.parametrize("spec", ["nowhere:/x", "flickr8k", "flickr8k:", ":x", "", "/some/folder"])
def test_an_unknown_spec_lists_the_formats(spec):
    with pytest.raises(BadCorpus, match="flickr8k:DIR, flickr8k-cn:DIR"):
        open_corpus(spec)


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(BadCorpus, match="no folder"):
        open_corpus(f"flickr8k:{tmp_path / 'none'}")
    with pytest.raises(BadCorpus, match=r"Flickr8k.token.txt or captions.txt"):
        open_corpus(f"flickr8k:{tmp_path}")
    (tmp_path / "Flickr8k.token.txt").write_text(TOKENS)
    with pytest.raises(BadCorpus, match="no pictures were found"):
        open_corpus(f"flickr8k:{tmp_path}")
    layout(tmp_path, {}, names="xyz")
    with pytest.raises(BadCorpus, match="none of the captions"):
        open_corpus(f"flickr8k:{tmp_path}")


def test_the_home_of_nobody_is_no_folder():
    with pytest.raises(BadCorpus, match="no folder ~no-such-user/x"):
        open_corpus("flickr8k:~no-such-user/x")


def test_two_pictures_of_one_id_are_refused(tmp_path):
    layout(tmp_path, {"Flickr8k.token.txt": "a.jpg#0\tA dog .\na.png#0\tA cat .\n"})
    (tmp_path / "Flicker8k_Dataset" / "a.png").touch()
    with pytest.raises(BadCorpus, match="same id 'a'"):
        open_corpus(f"flickr8k:{tmp_path}")


CHINESE = {
    "flickr8kzhc.caption.txt": "b.jpg#zhc#0 两只狗在玩耍。\na.jpg#zhc#0 街道。\n",
    "flickr8kzhb.caption.txt": "a.jpg#zhb#0 一条有frisbee的狗。\n",
}


@pytest.mark.parametrize("place", ["", "../flickr8k-cn/"])
def test_chinese_captions_are_found_in_the_folder_and_beside_it(tmp_path, place):
    files = {"Flickr8k.token.txt": TOKENS} | {place + name: text for name, text in CHINESE.items()}
    corpus = open_corpus(f"flickr8k:{layout(tmp_path / 'flickr8k', files)}+cn")
    assert corpus.examples[0].references == (
        Reference("Two dogs play .", "en", "people"),
        Reference("街道。", "zh", "people"),
        Reference("一条有frisbee的狗。", "zh", "baidu"),
    )
    assert "1 Chinese (people) caption says nothing, for instance '街道。' (a.jpg#0)" in corpus.warnings
    assert any("1 Chinese (baidu) caption has untranslated English words" in line for line in corpus.warnings)


def test_chinese_captions_alone_take_pictures_and_splits_from_the_folder_beside(tmp_path):
    layout(tmp_path / "flickr8k", {"Flickr_8k.trainImages.txt": "a.jpg\nb.jpg\n"})
    layout(tmp_path / "flickr8k-cn", CHINESE, names="")
    corpus = open_corpus(f"flickr8k-cn:{tmp_path / 'flickr8k-cn'}")
    assert [example.id for example in corpus.split("train")] == ["a", "b"]
    assert {reference.language for example in corpus for reference in example.references} == {"zh"}


def test_chinese_captions_that_are_missing_or_broken_are_said(tmp_path):
    layout(tmp_path / "flickr8k", {"Flickr8k.token.txt": TOKENS})
    with pytest.raises(BadCorpus, match="no Chinese captions"):
        open_corpus(f"flickr8k:{tmp_path / 'flickr8k'}+cn")
    for line in ("a.jpg#0 狗", "a.jpg#zhx#0 狗", "a.jpg#zhc#0"):
        (tmp_path / "flickr8k" / "flickr8kzhc.caption.txt").write_text(line)
        with pytest.raises(BadCorpus, match=r"zhc.caption.txt, line 1: "):
            open_corpus(f"flickr8k:{tmp_path / 'flickr8k'}+cn")


def test_a_relative_folder_finds_its_sibling(tmp_path, monkeypatch):
    files = {"Flickr8k.token.txt": TOKENS} | {
        f"../flickr8k-cn/{name}": text for name, text in CHINESE.items()
    }
    monkeypatch.chdir(layout(tmp_path / "flickr8k", files))
    for place in (".", "../flickr8k", "../flickr8k/"):
        assert len(open_corpus(f"flickr8k:{place}+cn").examples[0].references) == 3


@pytest.mark.skipif(not REAL.is_dir(), reason="needs Flickr8k (SHOWTELL_FLICKR8K)")
def test_the_real_corpus_reads_as_its_description_says():
    corpus = open_corpus(f"flickr8k:{REAL}")
    assert len(corpus) == 7091
    assert sum(len(example.references) for example in corpus) == 35_455
    assert (len(corpus.split("train")), len(corpus.split("dev")), len(corpus.split(None))) == (6000, 1000, 91)
    assert corpus.missing == ("2258277193_586949ec62.jpg.1",)
    text = "\n".join(corpus.warnings)
    for finding in (
        "5 captions belong to 1 picture that does not exist",
        "3 English captions say nothing",
        "9 pictures have the same English caption twice",
        "3,403 English captions do not end in a full stop",
    ):
        assert finding in text


@pytest.mark.skipif(not (REAL.parent / "flickr8k-cn").is_dir(), reason="needs Flickr8k-CN beside Flickr8k")
def test_the_real_chinese_captions_read_as_their_description_says():
    corpus = open_corpus(f"flickr8k:{REAL}+cn")
    sources = [ref.source for example in corpus for ref in example.references if ref.language == "zh"]
    assert (sources.count("people"), sources.count("baidu")) == (35_455, 35_455)
    assert any(line.startswith("512 Chinese (baidu) captions have untranslated") for line in corpus.warnings)
