"""docs/metrics.md and its Chinese sister: every command, block of code and figure is run."""

import contextlib
import csv
import io
import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from showtell import __version__
from showtell.cli import app
from showtell.errors import ShowtellError
from showtell.metrics import java, score

ROOT = Path(__file__).parents[2]
ENGLISH, CHINESE = (
    (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("metrics.md", "metrics.zh.md")
)
BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
PICTURES = [str(number) for number in range(120)]


def blocks(page: str, kind: str = "") -> list[tuple[str, str]]:
    """Blocks of a kind, each with what the block of text after it says, or ""."""
    found = BLOCK.findall(page)
    following = [*found[1:], ("", "")]
    return [
        (text, after if after_kind == "text" else "")
        for (block, text), (after_kind, after) in zip(found, following, strict=True)
        if block == kind
    ]


def commands_in(page: str) -> list[tuple[str, str]]:
    """Commands in the page's order; the last of a block with what it prints, if the page says so."""
    found = []
    for text, printed in blocks(page):
        *before, last = text.strip().splitlines()
        found += [(command, "") for command in before] + [(last, printed)]
    return found


def without_version(text: str) -> str:
    return re.sub(r"version:[\w.+-]+", "version:V", text)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the page's commands find their files, on a machine without Java."""
    candidates, references = (text for text, _ in blocks(ENGLISH, "json"))
    (tmp_path / "candidates.json").write_text(candidates)
    (tmp_path / "references.json").write_text(references)
    (tmp_path / "training.json").write_text(json.dumps({"9": ["A dog and a dog run on the grass"]}))
    with (tmp_path / "candidates.csv").open("w") as file:
        csv.writer(file).writerows([("image", "caption"), ("val/1.jpg", json.loads(candidates)["1"])])
    line = {"id": "1", "captions": json.loads(references)["1"]}
    (tmp_path / "references.jsonl").write_text(json.dumps(line) + "\n")

    said = {name: [f"a dog with {name} balls", f"the dog has {name} red balls"] for name in PICTURES}
    good = {name: f"a dog with {name} red balls" for name in PICTURES}
    worse = {name: f"a cat with {name} balls" for name in PICTURES}
    sets = (("first", worse), ("second", good), ("third", good), ("references-of-both", said))
    for name, content in sets:
        (tmp_path / f"{name}.json").write_text(json.dumps(content))

    corpus = tmp_path / "DIR"
    (corpus / "Flicker8k_Dataset").mkdir(parents=True)
    for name in PICTURES[:8]:
        (corpus / "Flicker8k_Dataset" / f"{name}.jpg").touch()
    rows = [f"{name}.jpg#{index}\t{said[name][index]} .\n" for name in PICTURES[:8] for index in (0, 1)]
    (corpus / "Flickr8k.token.txt").write_text("".join(rows))
    (corpus / "Flickr_8k.trainImages.txt").write_text("".join(f"{name}.jpg\n" for name in PICTURES[:8]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    return tmp_path


def run(command: str) -> tuple[str, str]:
    program, *arguments = shlex.split(command)
    assert program == "showtell"
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, f"{command}: {done.stderr or done.exception!r}"
    return done.stdout, done.stderr


def test_every_command_runs_in_its_order_and_prints_what_the_page_says(folder: Path) -> None:
    commands = commands_in(ENGLISH)
    assert len(commands) >= 8
    for command, said in commands:
        assert run(command)[0].startswith(said)
    assert (folder / "scores.md").read_text().startswith("| metric | value |")
    assert json.loads((folder / "scores.json").read_text())["metrics"]["BLEU-4"]["value"] == pytest.approx(
        38.627, abs=1e-3
    )


def test_every_block_of_code_prints_what_the_page_says() -> None:
    pytest.importorskip("rjieba")
    code = blocks(ENGLISH, "python")
    assert len(code) >= 5
    for text, said in code:
        assert said
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(text, "docs/metrics.md", "exec"), {})
        assert without_version(printed.getvalue()) == without_version(said)


def test_the_figures_in_the_text_follow_from_the_example() -> None:
    mean = (7 / 9 * 5 / 8 * 3 / 7 * 1 / 6) ** (1 / 4)
    penalty = 2.718281828459045 ** (1 - 10 / 9)
    assert f"which is {mean:.3f}" in ENGLISH
    assert f"exp(1 - 10/9) = {penalty:.3f}" in ENGLISH
    assert f"{mean:.3f} · {penalty:.3f} = {100 * mean * penalty:.1f} %" in ENGLISH
    precision, recall, b = 6 / 9, 6 / 10, 1.2
    rouge = (1 + b**2) * precision * recall / (recall + b**2 * precision)
    assert f"which is {100 * rouge:.1f} %" in ENGLISH


def test_the_signature_is_the_examples(folder: Path) -> None:
    printed, _ = run("showtell score candidates.json references.json --metrics CIDEr")
    assert printed.splitlines()[-1].endswith(f"version:{__version__}")
    assert without_version(printed.splitlines()[-1]) in without_version(ENGLISH)


def test_a_missing_program_is_named_in_the_row(folder: Path) -> None:
    with pytest.raises(java.Unavailable) as why:
        java.java()
    assert f'"{why.value}"' in ENGLISH
    printed, _ = run("showtell score candidates.json references.json --metrics SPICE")
    assert str(why.value) in printed


def test_a_test_of_two_files_has_the_smallest_p_the_page_names(folder: Path) -> None:
    printed, _ = run("showtell score first.json second.json references-of-both.json --format json")
    cider = json.loads(printed)["comparison"]["CIDEr"]
    assert cider["difference"] == pytest.approx(cider["second"] - cider["first"])
    assert cider["low"] > 0
    assert cider["low"] <= cider["difference"] + 1e-9  # these pictures are nearly alike
    assert cider["p"] == pytest.approx(1 / 1001)


def warnings_of(
    candidates: dict[str, str], references: dict[str, list[str]], language: str | None = None
) -> str:
    return "\n".join(score(candidates, references, resamples=0, language=language).warnings)


def test_each_mistake_is_warned_of_in_the_words_of_the_page(folder: Path) -> None:
    said = {name: [f"a dog with {name} balls", f"the dog has {name} red balls"] for name in PICTURES}
    good = {name: f"a dog with {name} red balls" for name in PICTURES}
    assert warnings_of(good, said) == ""
    (folder / "twice.csv").write_text("image,caption\n1.jpg,a dog\n1.jpg,a dog\n")
    _, twice = run("showtell score twice.csv references.json --metrics BLEU")
    messages = [
        warnings_of(dict.fromkeys(PICTURES, "a d o g r u n s"), said),
        warnings_of(good, {name: list(group[0]) for name, group in said.items()}),
        warnings_of(good, {name: ["一只狗", "一只红狗"] for name in said}, language="en"),
        warnings_of(
            {name: f"一 只 狗 {name}" for name in said},
            {name: ["一只狗在跑", "一只红狗"] for name in said},
            language="zh",
        ),
        *(
            warnings_of({name: form.format(caption) for name, caption in good.items()}, said)
            for form in (
                "startseq {} <end>",
                "{} <unk>",
                "\u0120{}",
                "['{}']",
                "b'{}'",
                "nan",
                "12 7 33",
                "{} caf\u00c3\u00a9",
                "error: {}",
            )
        ),
        warnings_of({**good, **{name: said[name][0] for name in PICTURES[:13]}}, said),
        warnings_of({**good, **dict.fromkeys(PICTURES[:61], "a dog")}, said),
        warnings_of({name: f"this picture shows {caption}" for name, caption in good.items()}, said),
        warnings_of({**good, "0": ""}, said),
        warnings_of(good, {**said, "0": said["0"][:1]}),
        warnings_of(
            {name: good[name] for name in PICTURES[:99]}, {name: said[name] for name in PICTURES[:99]}
        ),
        twice,
    ]
    rows = re.findall(r"^\|.*\| `(.*)` \|$", ENGLISH, re.MULTILINE)
    assert len(rows) == len(messages)
    for fragment, message in zip(rows, messages, strict=True):
        assert fragment in message


def test_what_stands_just_within_the_bounds_of_the_page_is_not_warned_of() -> None:
    said = {name: [f"a dog with {name} balls", f"the dog has {name} red balls"] for name in PICTURES}
    good = {name: f"a dog with {name} red balls" for name in PICTURES}
    assert not warnings_of({**good, **{name: said[name][0] for name in PICTURES[:12]}}, said)
    assert not warnings_of({**good, **dict.fromkeys(PICTURES[:60], "a dog")}, said)
    assert not warnings_of(good, {**said, **{name: said[name][:1] for name in PICTURES[:13]}})
    hundred = PICTURES[:100]
    assert not warnings_of({name: good[name] for name in hundred}, {name: said[name] for name in hundred})


def test_what_the_page_calls_an_error_is_one(folder: Path) -> None:
    for candidates, references in (
        ({"1": "a dog", "2": "a cat"}, {"1": ["a dog"]}),
        ({"1": "a dog"}, {"1": ["a dog"], "2": ["a cat"]}),
        ({"1": "a dog"}, {"1": []}),
    ):
        with pytest.raises(ShowtellError):
            score(candidates, references)
    (folder / "two.csv").write_text("image,caption\n1.jpg,a dog\n1.jpg,a cat\n")
    done = CliRunner().invoke(app, ["score", "two.csv", "references.json", "--metrics", "BLEU"])
    assert done.exit_code != 0
    (folder / "more.json").write_text(json.dumps({"1": ["a dog"], "2": ["a cat"]}))
    run("showtell score candidates.json more.json --metrics BLEU --subset")


def test_the_chinese_page_has_the_same_commands_code_and_output() -> None:
    assert BLOCK.findall(ENGLISH) == BLOCK.findall(CHINESE)


@pytest.mark.parametrize("what", [r"`[^`\n]+`", r"\d+(?:[.,/]\d+)*"], ids=["what is quoted", "figures"])
def test_the_chinese_page_has_the_same_in_its_text(what: str) -> None:
    english, chinese = (
        [sorted(re.findall(what, section)) for section in re.split(r"^## ", BLOCK.sub("", page), flags=re.M)]
        for page in (ENGLISH, CHINESE)
    )
    assert english == chinese


def test_the_chinese_page_quotes_the_same_warnings_in_the_same_order() -> None:
    english, chinese = (re.findall(r"^\|.*\| (`.*`) \|$", page, re.MULTILINE) for page in (ENGLISH, CHINESE))
    assert english == chinese


def test_the_pages_name_each_other() -> None:
    assert "(metrics.zh.md)" in ENGLISH
    assert "(metrics.md)" in CHINESE
