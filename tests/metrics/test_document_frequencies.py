"""Document frequencies: counted once a picture, kept in a file that is checked when it is read."""

import pytest

from showtell.errors import BadCorpus
from showtell.metrics import Cider, DocumentFrequencies, References

PICTURES = [["A dog runs.", "The dog's ball"], ["a dog sits"], ["a cat"]]


def test_an_n_gram_counts_once_a_picture_and_only_if_two_have_it():
    counted = DocumentFrequencies.build(PICTURES)
    assert counted.counts == {"a": 3, "a dog": 2, "dog": 2}
    assert (counted.pictures, counted.language, counted.tokeniser) == (3, "en", "ptb")


def test_a_file_gives_back_what_was_saved(tmp_path):
    counted = DocumentFrequencies.build(PICTURES)
    counted.save(tmp_path / "idf.json")
    assert DocumentFrequencies.load(tmp_path / "idf.json") == counted


def test_a_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "idf.json"
    DocumentFrequencies.build(PICTURES).save(path)
    before = path.read_bytes()

    def full(self, text, **how):
        self.write_bytes(text[: len(text) // 2].encode())
        raise OSError("no space left")

    monkeypatch.setattr(type(path), "write_text", full)
    with pytest.raises(OSError, match="no space left"):
        DocumentFrequencies.build([*PICTURES, ["a bird"]]).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_frequencies_of_the_scored_set_change_nothing():
    groups = {str(i): group for i, group in enumerate(PICTURES)}
    candidates = {"0": "a dog runs", "1": "a cat sits", "2": "the cat"}
    counted = DocumentFrequencies.build(PICTURES)
    with_file = Cider(References(groups, frequencies=counted)).score(candidates)
    assert with_file == pytest.approx(Cider(References(groups)).score(candidates))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "no document frequencies of format 1"),
        ('{"format": 2}', "no document frequencies of format 1"),
        ('{"format": 1, "pictures": 3}', "need a number of pictures"),
        ('{"format": 1, "pictures": 3, "ngrams": {"a": 4}}', "between 1 and that number"),
        ('{"format": 1, "pictures": 3, "ngrams": {"a": "1"}}', "between 1 and that number"),
        ('{"format": 1, "pictures": 0, "ngrams": {}}', "need a number of pictures"),
        ('{"format": 1, "pictures": true, "ngrams": {}}', "need a number of pictures"),
        ('{"format": 1, "pictures": Infinity, "ngrams": {}}', "need a number of pictures"),
        ('{"format": 1, "pictures": 1' + "0" * 30 + ', "ngrams": {"a": 1}}', "need a number of pictures"),
        ('{"format": 1, "pictures": 1' + "0" * 9000 + ', "ngrams": {"a": 1}}', "cannot be read"),
        ('{"format": 1, "pictures": 3, "ngrams": {"a": NaN}}', "between 1 and that number"),
        ('{"format": 1, "pictures": 3, "ngrams": {"a \\ud800": 2}}', "between 1 and that number"),
        ("[" * 100_000, "cannot be read"),
        ('{"format":' + "[" * 100_000, "cannot be read"),
    ],
)
def test_a_broken_file_is_refused(tmp_path, content, message):
    path = tmp_path / "idf.json"
    path.write_text(content)
    with pytest.raises(BadCorpus, match=message):
        DocumentFrequencies.load(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadCorpus, match="showtell data SPEC --idf FILE"):
        DocumentFrequencies.load(tmp_path / "nothing.json")


def test_half_a_character_in_a_caption_reaches_no_file(tmp_path):
    counted = DocumentFrequencies.build([["a \ud800 dog"], ["a \ud800 cat"]], tokeniser="none")
    assert counted.source.startswith("file-2-")
    with pytest.raises(BadCorpus, match="half a character"):
        counted.save(tmp_path / "idf.json")
    assert list(tmp_path.iterdir()) == []
