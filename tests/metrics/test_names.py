"""Metrics by name, however people write the names."""

import pytest

from showtell.errors import ShowtellError
from showtell.metrics import METRICS, USUAL, Bleu, Cider, OriginalCider
from showtell.metrics.names import chosen_metrics, metric_class

BLEU = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4")


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["BLEU"], {"BLEU": BLEU}),
        (["bleu", " CIDER "], {"BLEU": BLEU, "CIDEr": ("CIDEr",)}),
        (["BLEU-4"], {"BLEU": ("BLEU-4",)}),
        (["bleu_4", "bleu1"], {"BLEU": ("BLEU-1", "BLEU-4")}),
        (["rouge", "ROUGE_L", "rougel"], {"ROUGE-L": ("ROUGE-L",)}),
        (["CIDEr-D"], {"CIDEr": ("CIDEr",)}),
        (["cider-original"], {"CIDEr-original": ("CIDEr-original",)}),
        (["cider", "", "bleu"], {"CIDEr": ("CIDEr",), "BLEU": BLEU}),
    ],
)
def test_names_in_any_case_and_of_single_rows_are_known(names, chosen):
    assert chosen_metrics(names) == chosen
    assert list(chosen_metrics(names)) == list(chosen)


def test_all_is_what_is_usually_published():
    assert tuple(chosen_metrics(["all"])) == USUAL
    assert set(USUAL) < set(METRICS)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "no metric was named"),
        (["", " "], "no metric was named"),
        (["BLEU-5"], "there is no metric 'BLEU-5'; choose among BLEU, "),
        (["CLIPScore"], "there is no metric 'CLIPScore'; choose among .*, or all$"),
        (["cidr"], r"did you mean CIDEr\?$"),
        (["blue4"], r"did you mean BLEU-4\?$"),
        (["rogue"], r"did you mean ROUGE-L\?$"),
    ],
)
def test_other_names_are_refused_with_those_there_are(names, message):
    with pytest.raises(ShowtellError, match=message):
        chosen_metrics(names)


def test_each_metric_has_its_class_with_its_rows():
    assert [metric_class(name) for name in ("BLEU", "CIDEr", "CIDEr-original")] == [
        Bleu,
        Cider,
        OriginalCider,
    ]
    for name in METRICS:
        assert metric_class(name).names == chosen_metrics([name])[name]
