"""The drop-in for pycocoevalcap: what its users call, with and without Java."""

import numpy as np
import pytest
import specification

from showtell.errors import MissingExtra, ShowtellError
from showtell.metrics import Cider, Meteor, References, java
from showtell.metrics import coco as drop_in

GTS = {1: ["a dog runs", "the dog ran"], 2: ["a cat sits"], 3: ["red ball", "a ball"]}
RES = {1: ["a dog runs fast"], 2: ["a cat"], 3: ["ball"]}


class Captions:
    """As much of pycocotools.coco.COCO as is asked for."""

    def __init__(self, captions):
        self.imgToAnns = {name: [{"caption": text} for text in group] for name, group in captions.items()}

    def getImgIds(self):  # noqa: N802
        return list(self.imgToAnns)


def test_rouge_of_one_caption():
    rouge = drop_in.Rouge()
    assert rouge.calc_score(["a dog runs fast"], GTS[1]) == pytest.approx(
        specification.rouge_l("a dog runs fast", GTS[1])
    )
    assert rouge.beta == 1.2


@pytest.mark.parametrize("sigma", [6.0, 1.5])
def test_ciders_sigma_is_theirs(sigma):
    theirs = pytest.importorskip("pycocoevalcap.cider.cider")
    score, scores = theirs.Cider(n=4, sigma=sigma).compute_score(GTS, RES)
    ours, each = drop_in.Cider(n=4, sigma=sigma).compute_score(GTS, RES)
    assert ours == pytest.approx(score)
    np.testing.assert_allclose(each, scores)


@pytest.mark.parametrize("n", [1, 2, 3])  # theirs fails with fewer than four
def test_ciders_n_counts_the_shorter_n_grams_alone(n):
    _, each = drop_in.Cider(n=n, sigma=2.0).compute_score(GTS, RES)
    pairs = [(RES[name][0], GTS[name]) for name in GTS]
    np.testing.assert_allclose(each, specification.cider(pairs, n=n, sigma=2.0))


def test_ciders_n_and_sigma_stand_in_its_signature():
    settings = dict(Cider(References({"1": ["a dog"]}), n=2, sigma=3).settings("CIDEr"))
    assert (settings["n"], settings["sigma"]) == ("2", "3")
    for wrong in ({"n": 0}, {"n": 5}, {"sigma": 0}, {"sigma": float("nan")}):
        with pytest.raises(ShowtellError, match="must be"):
            Cider(References({"1": ["a dog"]}), **wrong)


def test_the_whole_evaluation_without_java(monkeypatch, capsys):
    monkeypatch.setattr(java.shutil, "which", lambda program: None)
    evaluation = drop_in.COCOEvalCap(Captions(GTS), Captions(RES))
    evaluation.params["image_id"] = [1, 2]
    evaluation.evaluate()
    assert set(evaluation.eval) == {"Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "ROUGE_L", "CIDEr"}
    assert [row["image_id"] for row in evaluation.evalImgs] == [1, 2]
    assert evaluation.imgToEval[2]["ROUGE_L"] == pytest.approx(specification.rouge_l("a cat", GTS[2]))
    printed = capsys.readouterr().out
    assert "METEOR: Java was not found" in printed
    assert f"CIDEr: {evaluation.eval['CIDEr']:0.3f}" in printed


def test_meteor_without_java_is_a_missing_extra(monkeypatch):
    monkeypatch.setattr(java.shutil, "which", lambda program: None)
    with pytest.raises(MissingExtra, match="Java was not found"):
        Meteor(References({"1": ["a dog"]}))
    with pytest.raises(ShowtellError, match="Java was not found"):
        drop_in.Meteor().compute_score(GTS, RES)
