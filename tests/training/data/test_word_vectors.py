"""Embeddings of GloVe's and word2vec's text files find their rows, and say how many words they cover."""

import gzip
import tracemalloc
import zipfile

import numpy as np
import pytest

from showtell.errors import BadCorpus
from showtell.text.vocabulary import Vocabulary
from showtell.training.data.word_vectors import read_embeddings

GLOVE = """\
the 0.1 0.2 -0.3
, 1 2 3
dog 0.5 -1e-3 2.5
cat 4 5 6
at name@domain.com 7 8 9
zebra 1 1 1
"""


@pytest.fixture
def vocabulary():
    return Vocabulary.build([["dog", "cat", "unicorn", "the"]] * 5)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "glove.txt"


def row(embeddings, vocabulary, word) -> list[float]:
    return embeddings.matrix[vocabulary.tokens.index(word)].tolist()


def test_words_get_their_own_rows(path, vocabulary):
    path.write_text(GLOVE, encoding="utf-8")
    embeddings = read_embeddings(path, vocabulary)
    assert embeddings.matrix.shape == (len(vocabulary), 3)
    assert embeddings.matrix.dtype == np.float32
    np.testing.assert_allclose(row(embeddings, vocabulary, "dog"), [0.5, -1e-3, 2.5], rtol=1e-6)
    np.testing.assert_allclose(row(embeddings, vocabulary, "cat"), [4, 5, 6])
    assert set(embeddings.found) == {"dog", "cat", "the"}
    assert embeddings.missing == ("unicorn",)
    assert embeddings.coverage == 0.75


def test_missing_and_special_words_are_drawn_like_the_others_and_padding_is_zero(path):
    words = [f"w{n}" for n in range(400)]
    vocabulary = Vocabulary.build([words] * 5)
    random = np.random.default_rng(0)
    lines = [f"{word} " + " ".join(map(str, random.normal(0.5, 2, 50))) for word in words[:200]]
    path.write_text("\n".join(lines), encoding="utf-8")
    embeddings = read_embeddings(path, vocabulary, seed=1)
    assert not embeddings.matrix[vocabulary.pad_id].any()
    drawn = embeddings.matrix[[vocabulary.tokens.index(word) for word in embeddings.missing]]
    assert len(drawn) == 200
    assert abs(drawn.mean() - 0.5) < 0.1
    assert abs(drawn.std() - 2) < 0.1
    assert embeddings.matrix[vocabulary.end_id].any()
    np.testing.assert_array_equal(read_embeddings(path, vocabulary, seed=1).matrix, embeddings.matrix)
    assert (read_embeddings(path, vocabulary, seed=2).matrix != embeddings.matrix).any()


@pytest.mark.parametrize("ending", ["\n", " \n", "\r\n"])
def test_word2vecs_line_of_counts_is_told_from_a_word(path, vocabulary, ending):
    path.write_bytes(("6 3\n" + GLOVE).replace("\n", ending).encode())
    embeddings = read_embeddings(path, vocabulary)
    assert set(embeddings.found) == {"dog", "cat", "the"}
    np.testing.assert_allclose(row(embeddings, vocabulary, "cat"), [4, 5, 6])


def test_a_number_among_the_words_is_a_word(path):
    path.write_text("7 0.5 0.25\n1998 1 2\n", encoding="utf-8")
    vocabulary = Vocabulary.build([["7", "1998"]] * 5)
    assert row(read_embeddings(path, vocabulary), vocabulary, "1998") == [1, 2]


def test_chinese_words_and_bytes_that_are_no_text(path):
    vocabulary = Vocabulary.build([["狗", "猫"]] * 5)
    path.write_bytes("狗 1 2\n".encode() + b"\xff\xfe 3 4\n" + "猫 5 6\n".encode())
    embeddings = read_embeddings(path, vocabulary)
    assert embeddings.coverage == 1
    assert row(embeddings, vocabulary, "猫") == [5, 6]


def test_the_first_of_two_lines_counts(path, vocabulary):
    path.write_text("dog 1 1\ndog 2 2\n", encoding="utf-8")
    assert row(read_embeddings(path, vocabulary), vocabulary, "dog") == [1, 1]


def test_gzipped_files_are_read_as_they_are(tmp_path, vocabulary):
    path = tmp_path / "glove.txt.gz"
    path.write_bytes(gzip.compress(GLOVE.encode()))
    assert read_embeddings(path, vocabulary).coverage == 0.75
    whole = gzip.compress(GLOVE.encode())
    for broken in (whole[:-20], whole[:10] + b"\xff" * 20 + whole[30:], b"the 1 2 3"):
        path.write_bytes(broken)
        with pytest.raises(BadCorpus, match="cannot be read"):
            read_embeddings(path, vocabulary)


def test_special_tokens_are_not_looked_up(path, vocabulary):
    path.write_text(GLOVE + "<pad> 9 9 9\n<unknown> 8 8 8\n", encoding="utf-8")
    embeddings = read_embeddings(path, vocabulary)
    assert not embeddings.matrix[vocabulary.pad_id].any()
    assert embeddings.matrix[vocabulary.unknown_id].tolist() != [8, 8, 8]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("dog\n", "line 1 is not a word and its numbers"),
        ("dog 1 2 3\ncat 4 5\n", r"line 2 holds 2 numbers, expected 3"),
        ("the 1 2 3\n\ndog 1 2 3\n", "line 2 holds 0 numbers, expected 3"),
        (
            "dog 1 2 x\n",
            r"line 1 holds something else than numbers \(could not convert string to float: b?'x'\)",
        ),
        ("the 1 2 3\ndog 1 nan 3\n", "line 2 holds numbers that are not finite"),
        ("dog 1 1e99 3\n", "line 1 holds numbers that are not finite"),
        ("9 3\n" + GLOVE, "line 1 promises 9 words, but 6 follow; the file is cut short"),
        ("1 3\n" + GLOVE, "line 1 promises 1 word, but 6 follow; correct the count, or take the line out"),
        ("\n\n", "is empty"),
        ("dog 0 0 0\ncat 0 0 1e-30\n", "holds nothing but zeros for the vocabulary's words"),
        ("2 0\ndog\ncat\n", "line 2 holds 0 numbers, expected 1"),
        ("fish 1 2 3\n", "holds none of the vocabulary's 4 words"),
    ],
)
def test_broken_files_are_refused_with_file_and_line(path, vocabulary, text, message):
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadCorpus, match=rf"glove\.txt.*{message}"):
        read_embeddings(path, vocabulary)


@pytest.mark.parametrize("counts", ["", "6 3\n"])
@pytest.mark.parametrize(("before", "behind"), [("\ufeff", ""), ("", "\n"), ("", "\r\n \n\n")])
def test_a_mark_of_utf_8_and_empty_lines_at_the_end_are_no_words(path, counts, before, behind):
    path.write_bytes((before + counts + GLOVE + behind).encode())
    assert set(read_embeddings(path, Vocabulary.build([["the", "dog", "cat"]] * 5)).found) == {
        "the",
        "dog",
        "cat",
    }


def test_a_zip_as_glove_ships_is_to_be_unzipped(tmp_path, vocabulary):
    with zipfile.ZipFile(tmp_path / "glove.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("glove.txt", GLOVE * 1000)
    with pytest.raises(BadCorpus, match=r"glove\.zip is a zip archive; unzip it first"):
        read_embeddings(tmp_path / "glove.zip", vocabulary)


def test_binary_word2vec_and_missing_files_are_refused(path, tmp_path, vocabulary):
    vectors = np.random.default_rng(0).standard_normal((2, 300)).astype("<f4")
    path.write_bytes(b"2 300\ndog " + vectors[0].tobytes() + b"cat " + vectors[1].tobytes())
    with pytest.raises(BadCorpus, match="binary"):
        read_embeddings(path, vocabulary)
    path.write_bytes(b"2 300\n" + bytes(3_000_000))
    with pytest.raises(BadCorpus, match="line 2 has no end; binary embeddings must be saved as text"):
        read_embeddings(path, vocabulary)
    with pytest.raises(BadCorpus, match="cannot be read"):
        read_embeddings(tmp_path / "none.txt", vocabulary)


def test_memory_does_not_grow_with_the_file(path, vocabulary):
    numbers = " ".join(["0.123456"] * 100)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"word{n} {numbers}\n" for n in range(20_000))  # 18 MB
        file.write(f"dog {numbers}\n")
    tracemalloc.start()
    assert read_embeddings(path, vocabulary).found == ("dog",)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000
