import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showtell.errors import BadBundle
from showtell.text.vocabulary import Vocabulary

SENTENCES = [["a", "dog"], ["a", "cat"], ["a", "dog", "runs"], ["<end>", "<end>"]]
SPECIAL = ["<pad>", "<unknown>", "<end>", "<start:en>"]


def test_words_stand_after_the_special_tokens_the_commonest_first_then_alphabetically():
    vocabulary = Vocabulary.build(SENTENCES, minimum_count=1)
    assert vocabulary.tokens == (*SPECIAL, "a", "dog", "cat", "runs")


def test_rare_words_are_left_out_and_become_unknown():
    vocabulary = Vocabulary.build(SENTENCES, minimum_count=2)
    assert len(vocabulary) == len(SPECIAL) + 2
    assert vocabulary.encode(["a", "cat"])[1] == vocabulary.unknown_id
    assert "a" in vocabulary
    assert "cat" not in vocabulary


def test_every_special_id_is_another():
    vocabulary = Vocabulary.build(SENTENCES, languages=("en", "zh"))
    special = {vocabulary.pad_id, vocabulary.unknown_id, vocabulary.end_id, *vocabulary.start_ids.values()}
    assert len(special) == 5
    assert list(vocabulary.start_ids) == ["en", "zh"]


def test_words_that_look_like_special_tokens_are_unknown():
    vocabulary = Vocabulary.build(SENTENCES, minimum_count=1)
    assert vocabulary.encode(["<end>", "<pad>"]) == [vocabulary.unknown_id] * 2
    assert "<end>" not in vocabulary


def test_decoding_stops_at_the_end_and_drops_special_ids():
    vocabulary = Vocabulary.build(SENTENCES, minimum_count=1)
    ids = [vocabulary.start_ids["en"], *vocabulary.encode(["a", "emu", "dog"]), vocabulary.end_id, 4]
    assert vocabulary.decode(ids) == ["a", "dog"]


def test_an_id_beyond_the_vocabulary_is_refused():
    vocabulary = Vocabulary.build(SENTENCES)
    for index in (-1, len(vocabulary)):
        with pytest.raises(IndexError):
            vocabulary.decode([index])


@given(st.lists(st.lists(st.text(min_size=1))), st.integers(1, 3))
def test_known_words_survive_encoding_and_the_order_of_captions_does_not_matter(sentences, minimum_count):
    vocabulary = Vocabulary.build(sentences, minimum_count=minimum_count)
    assert vocabulary == Vocabulary.build(reversed(sentences), minimum_count=minimum_count)
    for sentence in sentences:
        known = [word for word in sentence if word in vocabulary]
        assert vocabulary.decode(vocabulary.encode(sentence)) == known


def test_it_is_read_back_as_it_was_written(tmp_path):
    vocabulary = Vocabulary.build([["狗", "a\nb", "dog"]], languages=("en", "zh"), minimum_count=1)
    vocabulary.save(tmp_path / "vocabulary.json")
    assert Vocabulary.load(tmp_path / "vocabulary.json") == vocabulary


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("not json", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("{}", "not a list"),
        (json.dumps([*SPECIAL, "a", "a"]), "'a' stands there twice"),
        (json.dumps(SPECIAL[:-1]), "<start:LANGUAGE> is missing"),
        (json.dumps(SPECIAL[1:]), "<pad> is missing"),
        (json.dumps([*SPECIAL, 3]), "3 is not a token"),
        (json.dumps([*SPECIAL, ["a"]]), "is not a token"),
        (json.dumps([*SPECIAL, ""]), "'' is not a token"),
    ],
)
def test_a_broken_file_is_refused_with_the_reason(tmp_path, content, reason):
    path = tmp_path / "vocabulary.json"
    path.write_text(content)
    with pytest.raises(BadBundle, match=reason):
        Vocabulary.load(path)


def test_a_missing_file_and_bytes_that_are_no_text_are_refused(tmp_path):
    with pytest.raises(BadBundle, match="cannot be read"):
        Vocabulary.load(tmp_path / "none.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadBundle):
        Vocabulary.load(tmp_path / "bytes.json")
