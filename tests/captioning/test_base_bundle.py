"""The captioner that ships: it is whole, it is small enough, and it says different things of different pictures."""

import os
import re
from pathlib import Path

import pytest

import showtell
from showtell.captioning.evaluate import evaluate
from showtell.cli import main
from showtell.corpora import open_corpus

ROOT = Path(__file__).parents[2]
BASE = Path(showtell.__file__).parent / "captioning" / "bundles" / "base"
EXAMPLES = sorted((ROOT / "examples").glob("*.jpg"))


@pytest.fixture(scope="module")
def captions():
    return [result.caption for result in showtell.load().caption_many(EXAMPLES)]


def test_different_pictures_get_different_captions(captions):
    """The same sentence for every picture is the classic silent failure of captioners."""
    assert len(EXAMPLES) >= 4
    said = {caption.text for caption in captions}
    assert len(said) >= len(EXAMPLES) - 1, said


def test_captions_are_sentences_of_sensible_length(captions):
    for caption in captions:
        assert 3 <= len(caption.tokens) <= 20
        assert caption.text == caption.text.strip()
        assert "<" not in caption.text


def test_confidence_is_calibrated_and_varies(captions):
    confidences = [caption.confidence for caption in captions]
    assert all(0 < confidence < 1 for confidence in confidences)
    assert max(confidences) - min(confidences) > 0.01


def test_the_command_of_the_readme_works(capsys):
    assert main(["caption", str(ROOT / "examples")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("\t")[0] for line in lines] == [str(path) for path in EXAMPLES]


def test_the_bundle_is_small_enough_and_has_its_card():
    assert sum(path.stat().st_size for path in BASE.iterdir()) <= 40e6
    card = (BASE / "card.md").read_text("utf-8")
    assert "showtell evaluate" in card


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_reaches_what_its_card_says_on_flickr8k_and_no_less_than_59():
    folder = Path(os.environ.get("SHOWTELL_FLICKR8K", "../shared/data/flickr8k"))
    if not folder.is_dir():
        pytest.skip("SHOWTELL_FLICKR8K does not name the folder of Flickr8k")
    found = evaluate(showtell.load(), open_corpus(f"flickr8k:{folder}"))
    told = re.search(r"\| CIDEr \| ([\d.]+) \|", (BASE / "card.md").read_text("utf-8"))
    assert told
    assert found.report["CIDEr"].value == pytest.approx(float(told[1]), abs=0.1)
    assert found.report["CIDEr"].value >= 59
    assert found.report.hygiene.distinct >= 70
