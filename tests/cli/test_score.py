"""``showtell score`` from the command line."""

import json
import re
import subprocess
import sys

import pytest

from showtell.cli import main

REFERENCES = {f"{i}": [f"a dog number{i} runs fast", f"dog number{i} is running there"] for i in range(120)}
GOOD = {f"{i}": f"the dog number{i} runs" for i in range(120)}
WORSE = {**GOOD, **{f"{i}": "a cat" for i in range(40)}}
QUICK = ["--metrics", "BLEU,ROUGE-L,CIDEr", "--resamples", "50"]


@pytest.fixture
def files(tmp_path):
    """A file of candidates, a worse one, and references, each of its own kind."""
    good, worse, references = tmp_path / "good.json", tmp_path / "worse.tsv", tmp_path / "references.jsonl"
    good.write_text(json.dumps([{"image_id": int(name), "caption": text} for name, text in GOOD.items()]))
    worse.write_text("".join(f"{name}\t{text}\n" for name, text in WORSE.items()))
    references.write_text(
        "".join(
            json.dumps({"image_id": name, "captions": group}) + "\n" for name, group in REFERENCES.items()
        )
    )
    return str(good), str(worse), str(references)


def test_figures_stand_on_stdout_and_nothing_else(files, capsys):
    assert main(["score", files[0], files[2], *QUICK]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("metric")
    for name in (
        "BLEU-1",
        "BLEU-4",
        "ROUGE-L",
        "CIDEr",
        "distinct",
        "CIDEr|n:4|sigma:6|idf:scored\nall: tok:ptb|",
    ):
        assert name in out
    assert err == ""


def test_json_is_as_documented(files, capsys):
    assert main(["score", files[0], files[2], *QUICK, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["metrics"]) == ["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr"]
    assert set(found["metrics"]["CIDEr"]) == {"value", "low", "high", "signature"}
    assert found["pictures"] == 120
    assert found["hygiene"]["distinct"] == 100


def test_two_candidate_files_are_tested_against_each_other(files, capsys):
    assert main(["score", *files, *QUICK, "--format", "json"]) == 0
    out, err = capsys.readouterr()
    cider = json.loads(out)["comparison"]["CIDEr"]
    assert cider["difference"] == pytest.approx(cider["second"] - cider["first"])
    assert cider["high"] < 0
    assert cider["p"] < 0.05
    assert err == ""


def test_warnings_go_to_stderr_with_the_file_they_are_about(files, capsys, tmp_path):
    same = tmp_path / "same.json"
    same.write_text(json.dumps(dict.fromkeys(GOOD, "startseq a dog endseq")))
    assert main(["score", files[0], str(same), files[2], *QUICK]) == 0
    err = capsys.readouterr().err
    assert f"showtell: {same}: 120 of 120 candidates hold start or end markers" in err
    assert f"showtell: {same}: the same caption" in err
    assert f"{files[0]}:" not in err


def test_document_frequencies_and_training_captions_come_from_files(files, capsys, tmp_path):
    from showtell.metrics import DocumentFrequencies

    idf, training = tmp_path / "idf.json", tmp_path / "training.tsv"
    DocumentFrequencies.build(list(REFERENCES.values())).save(idf)
    training.write_text("1\tthe dog number5 runs\n")
    options = [*QUICK, "--idf", str(idf), "--training", str(training), "--format", "json"]
    assert main(["score", files[0], files[2], *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "idf:file-120-" in found["metrics"]["CIDEr"]["signature"]
    assert found["hygiene"]["in_training"] == pytest.approx(100 / 120)


def test_a_subset_is_scored_only_when_asked_for(files, capsys, tmp_path):
    few = tmp_path / "few.tsv"
    few.write_text("3\tthe dog number3 runs\n")
    assert main(["score", str(few), files[2], *QUICK]) == 2
    assert "119 pictures have references but no candidate (0, 1, 2, 4, 5, …)" in capsys.readouterr().err
    assert main(["score", str(few), files[2], *QUICK, "--subset", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == 1


def test_figures_go_to_a_file(files, tmp_path, capsys):
    output = tmp_path / "table.tex"
    assert main(["score", files[0], files[2], *QUICK, "--format", "latex", "--output", str(output)]) == 0
    assert r"\begin{tabular}" in output.read_text()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["GOOD"], "one file was given"),
        (["GOOD", "GOOD", "REFERENCES"], "was given twice"),
        (["GOOD", "REFERENCES", "--metrics", " , "], "no metric was named"),
        (["GOOD", "REFERENCES", "--resamples", "100000000"], "resamples must be from 0 to 100,000"),
        (["GOOD", "nothing.json"], "nothing.json"),
        (["GOOD", "REFERENCES", "--metrics", "FID"], "no metric 'FID'"),
        (["GOOD", "REFERENCES", "--language", "fr"], "'fr'"),
        (["GOOD", "REFERENCES", "--idf", "nothing.json"], "nothing.json"),
        (["GOOD", "REFERENCES", "--candidates-format", "flickr8k"], "good.json, line 1"),
        (["REFERENCES", "REFERENCES"], "with several captions"),
    ],
)
def test_a_wrong_call_is_one_line(files, arguments, message, capsys):
    named = {"GOOD": files[0], "REFERENCES": files[2]}
    assert main(["score", *(named.get(argument, argument) for argument in arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_any_number_of_candidate_files_stand_side_by_side_by_their_names(files, capsys, tmp_path):
    third = tmp_path / "third.json"
    third.write_text(json.dumps(GOOD))
    assert main(["score", *files[:2], str(third), files[2], *QUICK]) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["metric", "good", "worse", "third"]
    (tmp_path / "again").mkdir()
    same_name = tmp_path / "again" / "good.json"
    same_name.write_text(json.dumps(GOOD))
    assert main(["score", files[0], str(same_name), files[2], *QUICK]) == 0
    assert str(same_name) in capsys.readouterr().out.splitlines()[0]


def test_the_numbers_alone(files, capsys):
    assert main(["score", files[0], files[2], "-b", "--metrics", "bleu-1", "--resamples", "10"]) == 0
    assert float(capsys.readouterr().out) > 0


def test_the_numbers_alone_tell_on_stderr_why_one_is_missing(files, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert main(["score", files[0], files[2], "-b", "--metrics", "meteor,bleu-1", "--resamples", "10"]) == 0
    out, err = capsys.readouterr()
    meteor, bleu = sorted(out.splitlines())
    assert meteor == "-"
    assert float(bleu) > 0
    assert re.search(r"^showtell: METEOR: .*\bJava\b", err, re.MULTILINE)


def test_scores_of_each_picture_and_the_worst_of_them(files, capsys, tmp_path):
    table, page = tmp_path / "each.csv", tmp_path / "page.html"
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in GOOD:
        (pictures / f"{name}.jpg").touch()
    arguments = ["score", files[1], files[2], *QUICK, "--worst", "3", "--per-picture", str(table)]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert out.count("  caption    a cat") == 3
    assert len(table.read_text().splitlines()) == 121
    assert main([*arguments, "--format", "html", "--pictures", str(pictures), "--output", str(page)]) == 0
    assert page.read_text().count('<img src="pictures/') == 3
    capsys.readouterr()
    assert main([*arguments, "--format", "csv"]) == 2
    assert "not as csv" in capsys.readouterr().err


def test_java_runs_only_for_those_who_ask_and_it_is_said(files, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert main(["score", files[0], files[2], "--resamples", "10"]) == 0
    out, err = capsys.readouterr()
    assert "METEOR" not in out + err
    assert main(["score", files[0], files[2], "--resamples", "10", "--metrics", "all"]) == 0
    out, err = capsys.readouterr()
    assert "showtell: METEOR and SPICE run in Java" in err
    assert "Java was not found" in out


def test_captions_of_ours_match_annotations_by_file_name(capsys, tmp_path):
    annotations = {
        "images": [{"id": 100 + i, "file_name": f"COCO_{i:04}.jpg"} for i in range(3)],
        "annotations": [{"id": i, "image_id": 100 + i, "caption": f"a dog number{i} runs"} for i in range(3)],
    }
    references, by_name, by_id = (tmp_path / f"{name}.json" for name in ("references", "name", "id"))
    references.write_text(json.dumps(annotations))
    by_name.write_text(
        json.dumps(
            [
                {"path": f"d/COCO_{i:04}.jpg", "caption": f"a dog number{i}", "language": "en"}
                for i in range(3)
            ]
        )
    )
    by_id.write_text(json.dumps([{"image_id": 100.0 + i, "caption": f"a dog number{i}"} for i in range(3)]))
    for candidates in (by_name, by_id):
        assert main(["score", str(candidates), str(references), "-b", "--metrics", "bleu-1"]) == 0
        assert float(capsys.readouterr().out) == pytest.approx(100 * 2.718281828 ** (1 - 4 / 3), abs=0.05)


@pytest.mark.parametrize("key", ["filename", "cocoid", "imgid"])
def test_karpathys_pictures_match_by_name_and_by_both_numbers(key, capsys, tmp_path):
    images = [
        {
            "filename": f"p{i}.jpg",
            "cocoid": 50 + i,
            "imgid": i,
            "split": "test",
            "sentences": [{"raw": f"a dog number{i} runs"}],
        }
        for i in range(3)
    ]
    references, candidates = tmp_path / "dataset_x.json", tmp_path / "c.json"
    references.write_text(json.dumps({"images": images, "dataset": "x"}))
    candidates.write_text(json.dumps({str(image[key]): "a dog" for image in images}))
    assert main(["score", str(candidates), str(references), "-b", "--metrics", "bleu-1"]) == 0
    assert float(capsys.readouterr().out) > 0


def test_scoring_loads_nothing_that_reads_pictures_or_runs_networks():
    code = (
        "import sys, showtell.corpora.caption_files, showtell.metrics.report, showtell.metrics.tables\n"
        "print({'PIL', 'onnxruntime', 'showtell.images.reading'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
