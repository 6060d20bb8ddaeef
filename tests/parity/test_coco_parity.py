"""BLEU, ROUGE-L and CIDEr are pycocoevalcap's to 1e-6: recorded, and live where the package is."""

import os
from pathlib import Path

import numpy as np
import pytest
from made_up_pairs import PAIRS, checksum, pairs
from nasty_captions import captions
from record_coco import GOLDEN, their_scores
from record_ptb import tool_is_here

from showtell.metrics import Bleu, Cider, References, RougeL
from showtell.metrics import coco as drop_in

TOLERANCE = 1e-6
METRICS = {"BLEU": Bleu, "ROUGE-L": RougeL, "CIDEr": Cider}


def our_scores(candidates, references) -> dict[str, np.ndarray]:
    """As `their_scores`."""
    prepared = References(references, tokeniser="none")
    found = prepared.candidates(candidates)
    scores = {}
    for name, metric in METRICS.items():
        judge = metric(prepared)
        statistics = judge.statistics(found)
        whole = judge.combine(statistics.sum(axis=0), len(statistics))
        scores[name] = np.vstack([whole[None, :], judge.combine(statistics, 1)])
    return scores


def assert_equal(ours, theirs) -> None:
    for name in METRICS:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=0, atol=TOLERANCE, err_msg=name)


def test_six_thousand_made_up_pairs_score_as_recorded():
    found = pairs()
    golden = np.load(GOLDEN, allow_pickle=False)
    assert PAIRS >= 5000
    assert checksum(*found) == str(golden["checksum"])
    assert_equal(our_scores(*found), golden)


def test_the_pairs_hold_the_odd_cases():
    candidates, references = pairs()
    lengths = [len(caption.split()) for caption in candidates.values()]
    assert {0, 1, 2} <= set(lengths)
    assert {len(group) for group in references.values()} == {1, 2, 3, 5, 7}
    assert any("" in group for group in references.values())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_pairs_score_as_the_live_package_does(seed):
    pytest.importorskip("pycocoevalcap")
    found = pairs(300, seed)
    assert_equal(our_scores(*found), their_scores(*found))


def test_a_single_picture_scores_as_the_live_package_does():
    pytest.importorskip("pycocoevalcap")
    found = {"only": "a dog runs"}, {"only": ["a dog runs", "the dog ran fast"]}
    assert_equal(our_scores(*found), their_scores(*found))


def test_the_drop_in_answers_as_pycocoevalcap_does():
    pytest.importorskip("pycocoevalcap")
    from pycocoevalcap.bleu.bleu import Bleu as TheirBleu
    from pycocoevalcap.cider.cider import Cider as TheirCider
    from pycocoevalcap.rouge.rouge import Rouge as TheirRouge

    candidates, references = pairs(50, 4)
    gts = {int(name[7:]): group for name, group in references.items()}  # COCO's ids are integers
    res = {int(name[7:]): [caption] for name, caption in candidates.items()}
    for theirs, ours in ((TheirCider, drop_in.Cider), (TheirRouge, drop_in.Rouge)):
        score, scores = theirs().compute_score(gts, res)
        our_score, our_scores_ = ours().compute_score(gts, res)
        assert our_score == pytest.approx(score, abs=TOLERANCE)
        np.testing.assert_allclose(our_scores_, scores, rtol=0, atol=TOLERANCE)
        assert ours().method() == theirs().method()
    for n in (1, 4):
        score, scores = TheirBleu(n).compute_score(gts, res, verbose=0)
        our_score, our_scores_ = drop_in.Bleu(n).compute_score(gts, res, verbose=0)
        np.testing.assert_allclose(our_score, score, rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(our_scores_, scores, rtol=0, atol=TOLERANCE)


@pytest.mark.skipif(not tool_is_here(), reason="needs Java and pycocoevalcap")
def test_raw_nasty_captions_score_as_the_whole_package_does():
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer as TheirTokenizer

    # A caption that the tool ends with a full stop of its own would take the next one's first word into account.
    raw = [caption.rstrip(" .") + " ." for caption in captions(600, seed=3)]
    groups = {str(place): raw[6 * place : 6 * place + 6] for place in range(100)}
    gts = {name: [{"caption": caption} for caption in group[1:]] for name, group in groups.items()}
    res = {name: [{"caption": group[0]}] for name, group in groups.items()}
    theirs = TheirTokenizer()
    their_gts, their_res = theirs.tokenize(gts), theirs.tokenize(res)
    ours = drop_in.PTBTokenizer()
    assert ours.tokenize(gts) == their_gts
    assert ours.tokenize(res) == their_res
    scored = our_scores({name: group[0] for name, group in ours.tokenize(res).items()}, ours.tokenize(gts))
    assert_equal(scored, their_scores({name: group[0] for name, group in their_res.items()}, their_gts))


@pytest.mark.slow
@pytest.mark.skipif(not tool_is_here(), reason="needs Java and pycocoevalcap")
def test_meteor_is_pycocoevalcaps():
    from pycocoevalcap.meteor.meteor import Meteor as TheirMeteor

    from showtell.metrics import Meteor

    candidates, references = pairs(60, 5)
    score, scores = TheirMeteor().compute_score(
        references, {name: [text] for name, text in candidates.items()}
    )
    prepared = References(references, tokeniser="none")
    meteor = Meteor(prepared)
    assert meteor.score(candidates)["METEOR"] == pytest.approx(100 * score, abs=1e-6)
    each = meteor.each(list(candidates), list(candidates.values()))[:, 0]
    np.testing.assert_allclose(each, scores, rtol=0, atol=TOLERANCE)


@pytest.mark.slow
@pytest.mark.skipif(not tool_is_here(), reason="needs Java and pycocoevalcap")
@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_line_ends_within_a_caption_do_not_confuse_meteor(end):
    from showtell.metrics import Meteor

    references = {"1": [f"a dog{end}runs"], "2": ["a cat sits ||| there"]}
    meteor = Meteor(References(references, tokeniser="none"))
    broken = meteor.each(["1", "2"], [f"a{end}dog runs", "a cat"])
    whole = Meteor(References({"1": ["a dog runs"], "2": ["a cat sits there"]})).each(
        ["1", "2"], ["a dog runs", "a cat"]
    )
    np.testing.assert_allclose(broken, whole, atol=TOLERANCE)


@pytest.mark.slow
@pytest.mark.skipif(not tool_is_here(), reason="needs Java and pycocoevalcap")
def test_flickr8ks_own_captions_score_as_the_whole_package_does():
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer as TheirTokenizer

    file = Path(os.environ.get("SHOWTELL_FLICKR8K", "../shared/data/flickr8k")) / "Flickr8k.token.txt"
    if not file.exists():
        pytest.skip("needs Flickr8k's captions")
    groups: dict[str, list[str]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        key, caption = line.split("\t", 1)
        groups.setdefault(key.split("#")[0], []).append(caption)
    gts = {name: [{"caption": caption} for caption in group[1:]] for name, group in groups.items()}
    res = {name: [{"caption": group[0]}] for name, group in groups.items()}
    their_gts, their_res = TheirTokenizer().tokenize(gts), TheirTokenizer().tokenize(res)
    theirs = their_scores({name: group[0] for name, group in their_res.items()}, their_gts)
    tokenised = drop_in.PTBTokenizer()
    ours = our_scores(
        {name: group[0] for name, group in tokenised.tokenize(res).items()}, tokenised.tokenize(gts)
    )
    assert_equal(ours, theirs)
