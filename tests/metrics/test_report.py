"""The report: rows with signatures, intervals that cover, and what a mistake costs."""

import csv
import io

import numpy as np
import pytest

from showtell.errors import BadCorpus, ShowtellError
from showtell.metrics import (
    METRICS,
    USUAL,
    Cider,
    DocumentFrequencies,
    Meteor,
    References,
    Spice,
    compare,
    java,
    rank,
    score,
)
from showtell.metrics.bootstrap import resampled
from showtell.metrics.names import metric_class
from showtell.metrics.tables import FORMATS, numbers, written

REFERENCES = {
    str(i): [
        f"a {colour} {thing} on the grass",
        f"the {colour} {thing} lies outside",
        f"one {thing} , {colour}",
    ]
    for i, (colour, thing) in enumerate(
        (colour, thing)
        for colour in "red blue green white black brown pink grey".split()
        for thing in "dog cat ball car bird boat horse kite hat tree flower bench bike".split()
    )
}
GOOD = {name: group[0].replace("on the", "on") for name, group in REFERENCES.items()}
WORSE = {name: caption if int(name) % 3 else "a thing on grass" for name, caption in GOOD.items()}


def test_the_usual_rows_are_there_in_their_order():
    report = score(GOOD, REFERENCES, resamples=0)
    assert [row.name for row in report.rows] == ["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr"]
    assert report.pictures == len(REFERENCES) == 104
    assert report.warnings == ()


def test_a_number_carries_what_it_depends_on():
    row = score(GOOD, REFERENCES, resamples=0)["CIDEr"]
    assert str(row.signature).startswith(
        "CIDEr|n:4|sigma:6|idf:scored|tok:ptb|lang:en|pictures:104|refs:3|version:"
    )
    uneven = {**REFERENCES, "0": REFERENCES["0"][:1]}
    assert "|n:2|length:closest|" in str(score(GOOD, uneven, resamples=0)["BLEU-2"].signature)
    assert "|refs:1-3|" in str(score(GOOD, uneven, resamples=0)["BLEU-2"].signature)


def test_the_source_of_document_frequencies_stands_in_the_signature_and_changes_the_number():
    counted = DocumentFrequencies.build([["a dog", "the dog"], ["a dog on grass"], ["a car"], ["red ball"]])
    with_file = score(GOOD, REFERENCES, resamples=0, frequencies=counted)["CIDEr"]
    assert f"|idf:{counted.source}|" in str(with_file.signature)
    assert counted.source.startswith("file-4-")
    assert with_file.value != score(GOOD, REFERENCES, resamples=0)["CIDEr"].value


def test_intervals_hold_the_value_and_come_again():
    report = score(WORSE, REFERENCES)
    for row in report.rows:
        assert row.low < row.value < row.high
        assert row.high - row.low < 120
    assert score(WORSE, REFERENCES).rows == report.rows
    assert score(WORSE, REFERENCES, seed=1).rows != report.rows


def test_the_interval_of_a_mean_is_the_normal_one():
    row = score(WORSE, REFERENCES, metrics=["ROUGE-L"], resamples=4000)["ROUGE-L"]
    half = 1.96 * row.per_picture.std() / np.sqrt(len(row.per_picture))
    assert row.low == pytest.approx(row.value - half, abs=0.6)
    assert row.high == pytest.approx(row.value + half, abs=0.6)


def test_more_resamples_begin_with_the_same_draws():
    references = References(REFERENCES)
    cider = Cider(references)
    statistics = cider.statistics(references.candidates(WORSE))
    (many,) = resampled([(cider, statistics)], resamples=1000)
    (few,) = resampled([(cider, statistics)], resamples=10)
    np.testing.assert_allclose(many[:10], few)


def test_pictures_keep_their_own_scores():
    report = score(WORSE, REFERENCES, resamples=0)
    assert report["CIDEr"].per_picture.shape == (104,)
    assert report["CIDEr"].per_picture.mean() == pytest.approx(report["CIDEr"].value)
    assert report["CIDEr"].per_picture[0] < report["CIDEr"].per_picture[1]


def test_worse_captions_are_told_from_better_ones():
    found = compare(GOOD, WORSE, REFERENCES)
    assert found["CIDEr"].difference < 0
    assert found["CIDEr"].low <= found["CIDEr"].difference <= found["CIDEr"].high < 0
    assert found["CIDEr"].p < 0.01
    back = compare(WORSE, GOOD, REFERENCES)
    assert back["BLEU-4"].difference == pytest.approx(-found["BLEU-4"].difference)


def test_the_same_captions_differ_by_nothing():
    for row in compare(GOOD, dict(GOOD), REFERENCES).rows:
        assert row.difference == 0
        assert row.p == 1


def test_one_word_in_one_picture_is_no_significant_difference():
    other = {**GOOD, "5": "a red boat on the grass"}
    assert compare(GOOD, other, REFERENCES)["CIDEr"].p > 0.2


def test_chinese_is_scored_in_characters_and_words():
    pytest.importorskip("rjieba")
    references = {"1": ["一只黑狗在草地上奔跑。", "黑狗跑"], "2": ["两个孩子在踢球"]}
    candidates = {"1": "一只黑狗在草地上奔跑", "2": "孩子踢球"}
    words = score(candidates, references, language="zh", resamples=0)
    characters = score(candidates, references, language="zh", tokeniser="characters", resamples=0)
    assert "tok:words-rjieba-" in str(words["BLEU-1"].signature)
    assert "tok:characters|lang:zh" in str(characters["BLEU-1"].signature)
    assert words["BLEU-1"].value != characters["BLEU-1"].value


def test_jars_say_why_they_are_missing(monkeypatch):
    monkeypatch.setattr(java.shutil, "which", lambda program: None)
    report = score(GOOD, REFERENCES, metrics=["METEOR", "SPICE"], resamples=10)
    assert report["METEOR"].value is None
    assert report["METEOR"].missing == "Java was not found; install a Java runtime"
    assert report.to_dict()["metrics"]["SPICE"]["missing"] == report["SPICE"].missing
    assert compare(GOOD, WORSE, REFERENCES, metrics=["METEOR"])["METEOR"].missing == report["METEOR"].missing


def test_without_the_extra_the_rows_name_it(monkeypatch):
    monkeypatch.setattr(java.shutil, "which", lambda program: "/bin/java")
    monkeypatch.setattr(java.importlib.util, "find_spec", lambda name: None)
    report = score(GOOD, REFERENCES, metrics=["METEOR", "SPICE"], resamples=0)
    for name in ("METEOR", "SPICE"):
        assert report[name].missing == "pycocoevalcap is not installed: pip install 'showtell[coco]'"


def test_jars_are_for_english():
    report = score(
        {"1": "狗"}, {"1": ["狗"]}, language="zh", tokeniser="characters", metrics=["METEOR"], resamples=0
    )
    assert "is for English" in report["METEOR"].missing
    assert metric_class("METEOR") is Meteor
    assert metric_class("SPICE") is Spice
    assert set(USUAL) < set(METRICS)


@pytest.mark.parametrize(
    ("candidates", "references", "message"),
    [
        (
            {"1": "a", "3": "b"},
            {"1": ["a"], "2": ["b"]},
            r"1 candidate has no references \(3\) and 1 picture has",
        ),
        ({"1": "a"}, {"1": []}, "'1' has no reference"),
        ({"1": "a"}, {"1": "a dog"}, "one string where a list of captions was meant"),
        ({"1": ["a"]}, {"1": ["a dog"]}, "is list; give one caption as a string"),
        ({"1": "a"}, {"1": [None]}, "is no text"),
        ({}, {}, "no captions to score"),
    ],
)
def test_captions_that_do_not_fit_together_are_refused(candidates, references, message):
    with pytest.raises(BadCorpus, match=message):
        score(candidates, references)


def test_many_ids_that_do_not_match_are_listed_in_part():
    with pytest.raises(BadCorpus, match=r"104 candidates have no references \(x0, x1, x2, x3, x4, …\)"):
        score({f"x{name}": caption for name, caption in GOOD.items()}, REFERENCES)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"metrics": ["BLEU-5"]}, "no metric 'BLEU-5'"),
        ({"tokeniser": "spaces"}, "no tokeniser 'spaces'"),
        ({"language": "fr"}, "'fr'"),
    ],
)
def test_unknown_names_are_refused(wrong, message):
    with pytest.raises(ShowtellError, match=message):
        score(GOOD, REFERENCES, **wrong)


def test_frequencies_of_another_tokeniser_are_refused():
    counted = DocumentFrequencies.build([["a dog"]], tokeniser="none")
    with pytest.raises(BadCorpus, match="counted with the tokeniser 'none'"):
        score(GOOD, REFERENCES, frequencies=counted)


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_holds_every_figure(format):  # noqa: A002
    for found in (score(GOOD, REFERENCES, resamples=20), compare(GOOD, WORSE, REFERENCES, resamples=20)):
        text = written(found, format)
        assert all(name in text for name in ("BLEU-1", "BLEU-4", "ROUGE-L", "CIDEr"))
        assert "distinct" in text
        assert "tok:ptb" in text
        assert not text.endswith("\n")


def test_a_row_that_is_missing_stands_in_every_format(monkeypatch):
    monkeypatch.setattr(java.shutil, "which", lambda program: None)
    report = score(GOOD, REFERENCES, metrics=["METEOR"], resamples=0)
    for format in FORMATS:  # noqa: A001
        assert "Java was not found" in written(report, format)


def test_latex_and_markdown_are_escaped_and_whole():
    report = score(GOOD, REFERENCES, resamples=20)
    latex = written(report, "latex")
    assert r"95 \% interval" in latex
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 2
    rows = [line for line in written(report, "markdown").splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {3, 4}


def test_lists_are_taken_as_sacrebleu_takes_them():
    candidates = list(GOOD.values())
    streams = [list(stream) for stream in zip(*REFERENCES.values(), strict=True)]
    by_lists = score(candidates, streams, resamples=10)
    by_ids = score(GOOD, REFERENCES, resamples=10)
    assert [row.value for row in by_lists.rows] == [row.value for row in by_ids.rows]
    missing = [streams[0], [None if place == 3 else one for place, one in enumerate(streams[1])]]
    assert "|refs:1-2|" in str(score(candidates, missing, resamples=0)["CIDEr"].signature)


@pytest.mark.parametrize(
    ("candidates", "references", "message"),
    [
        (["a dog"], ["a dog"], "a list of captions; give {id"),
        ("a dog", [["a dog"]], "the candidates are one string"),
        (["a dog", "a cat"], [["a dog", "one dog"], ["a cat"]], "between 1 and 2 captions"),
        (
            ["a dog", "a cat", "x"],
            [["a dog", "one dog"], ["a cat", "b"]],
            "3 candidates and references of 2 pictures",
        ),
        ([], [], "give {id"),
    ],
)
def test_other_lists_are_refused_in_a_sentence(candidates, references, message):
    with pytest.raises(BadCorpus, match=message):
        score(candidates, references)


def test_printed_it_is_a_table():
    report = score(GOOD, REFERENCES, resamples=10)
    assert str(report).startswith("metric ")
    assert report._repr_html_().startswith("<pre>metric ")  # the last line of a notebook's cell
    assert "95 % interval" in str(compare(GOOD, WORSE, REFERENCES, resamples=10))


def test_three_sets_are_tested_against_the_first():
    found = rank({"good": GOOD, "same": dict(GOOD), "worse": WORSE}, REFERENCES)
    assert list(found.reports) == ["good", "same", "worse"]
    assert found.comparisons["same"]["CIDEr"].p == 1
    assert found.comparisons["worse"]["CIDEr"].p < 0.01
    table = str(found)
    head, *rows = table.splitlines()
    assert head.split() == ["metric", "good", "same", "worse"]
    assert next(row for row in rows if row.startswith("CIDEr")).endswith("*")
    assert "* differs from good: p < 0.05" in table
    alone, among = compare(GOOD, WORSE, REFERENCES)["CIDEr"], found.comparisons["worse"]["CIDEr"]
    assert (among.low, among.high, among.p) == pytest.approx((alone.low, alone.high, alone.p))
    assert set(found.to_dict()["against_first"]) == {"same", "worse"}


def test_what_all_rows_share_is_said_once():
    *_, rouge, cider, shared = str(score(GOOD, REFERENCES, resamples=0)).splitlines()
    assert rouge == "ROUGE-L|beta:1.2"
    assert cider == "CIDEr|n:4|sigma:6|idf:scored"
    assert shared.startswith("all: tok:ptb|lang:en|pictures:104|refs:3|version:")
    alone = str(score(GOOD, REFERENCES, resamples=0, metrics=["BLEU-4"])).splitlines()[-1]
    assert alone.startswith("BLEU-4|n:4|length:closest|tok:ptb|lang:en|")


def test_the_numbers_alone():
    assert len(numbers(score(GOOD, REFERENCES, resamples=0)).splitlines()) == 6
    two = numbers(compare(GOOD, WORSE, REFERENCES, metrics=["bleu-4"], resamples=10))
    assert [float(cell) for cell in two.split("\t")] == pytest.approx(
        [score(one, REFERENCES, resamples=0)["BLEU-4"].value for one in (GOOD, WORSE)], abs=0.05
    )


def test_csv_has_all_digits_and_no_formulas():
    found = rank({"=good": GOOD, "worse": WORSE}, REFERENCES, metrics=["CIDEr"], resamples=10)
    rows = list(csv.DictReader(io.StringIO(written(found, "csv"))))
    assert rows[0]["set"] == "'=good"
    assert float(rows[0]["value"]) == found.reports["=good"]["CIDEr"].value
    worse = next(row for row in rows if row["set"] == "worse" and row["metric"] == "CIDEr")
    assert float(worse["p"]) == found.comparisons["worse"]["CIDEr"].p


def test_chinese_captions_are_scored_as_chinese_and_it_is_said():
    pytest.importorskip("rjieba")
    references = {str(i): [f"一只狗在草地上跑{i}", "狗在跑"] for i in range(120)}
    candidates = {name: f"一只狗跑步{name}" for name in references}
    report = score(candidates, references, resamples=0)
    assert "|lang:zh|" in str(report["BLEU-1"].signature)
    assert (
        "120 of 120 pictures have Chinese references, so the captions were scored as Chinese"
        in report.warnings[0]
    )
    told = score(candidates, references, resamples=0, language="zh")
    assert [row.value for row in told.rows] == [row.value for row in report.rows]
    assert not any("scored as Chinese" in warning for warning in told.warnings)


@pytest.mark.parametrize("resamples", [-1, 100_001, 10**12])
def test_resamples_out_of_range_are_refused(resamples):
    with pytest.raises(ShowtellError, match="resamples must be from 0 to 100,000"):
        score(GOOD, REFERENCES, resamples=resamples)


def test_a_text_in_the_place_of_a_caption_is_refused_by_its_picture():
    for candidates, references in (
        ({**GOOD, "7": "x" * 10_001}, REFERENCES),
        (GOOD, {**REFERENCES, "7": ["x" * 10_001]}),
    ):
        with pytest.raises(BadCorpus, match="of the picture '7' has more than 10,000 characters"):
            score(candidates, references)
