"""docs/lineage.md and its Chinese sister: every command is run, here on a corpus that draws itself.

The three commands from Keras' VGG16 are run in ``test_three_commands``.
"""

import html
import re
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from shapes import draw_corpus
from typer.testing import CliRunner

from showtell.cli import app
from showtell.feedback import Feedback, FeedbackStore, picture_hash
from showtell.training import recipe as recipes
from showtell.training import train as _bound  # noqa: F401  (its modules are imported before recipes are made small)
from showtell.training.recipe import read_recipe, recipe_names
from showtell.training.settings import Recipe

ROOT = Path(__file__).parents[2]
ENGLISH, CHINESE = (
    (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("lineage.md", "lineage.zh.md")
)
PICTURES = ROOT / "docs/pictures"


def commands_in(page: str) -> list[str]:
    """What stands in blocks of code, a command a line, and what the text names, in the page's order."""
    return re.findall(r"^showtell .*$|(?<=`)showtell [^`\n]*(?=`)", page, re.MULTILINE)


def commands_of_the_small_vgg16(page: str) -> list[str]:
    """Those of the section that ``test_three_commands`` runs: the one whose first command makes features."""
    sections = re.split(r"^## ", page, flags=re.MULTILINE)
    return [
        command for section in sections if "showtell features" in section for command in commands_in(section)
    ]


def small(name: str, changes: Sequence[str] = ()) -> Recipe:
    """A recipe for the test's pictures: the same model, but thin, on the same encoder at 64 pixels, for one epoch."""
    recipe = read_recipe(name, changes)
    schedule = replace(recipe.training.schedule, epochs=1)
    encoder = replace(recipe.encoder, size=64)
    if (tuning := encoder.tuning) is not None:
        tuning = replace(tuning, schedule=replace(tuning.schedule, epochs=1), batch=8, minimum_count=2)
        encoder = replace(encoder, tuning=tuning)
    thin = replace(recipe.model, settings={**recipe.model.settings, "width": 48})
    return replace(
        recipe,
        model=thin,
        encoder=encoder,
        text=replace(recipe.text, minimum_count=1),
        training=replace(recipe.training, batch=8, augmentations=1, schedule=schedule),
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where the page's commands find their corpus, their photo, and what a person said of other pictures."""
    draw_corpus(tmp_path / "DIR", train=16, dev=6)
    shutil.copy(ROOT / "examples/cat.jpg", tmp_path / "photo.jpg")
    draw_corpus(tmp_path / "holiday", train=2, dev=1, seed=1)
    with FeedbackStore(tmp_path / "own.sqlite") as store:
        for path in (tmp_path / "holiday").rglob("*.jpg"):
            store.add(
                Feedback(
                    kind="correction",
                    picture=picture_hash(path.read_bytes()),
                    language="en",
                    model="m",
                    version="1",
                    machine="a picture of nothing",
                    text="a red circle",
                )
            )
        (tmp_path / "feedback.jsonl").write_text("\n".join(store.export()), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(recipes, "read_recipe", small)
    yield tmp_path
    for heavy in ("runs", "bundles", "frozen"):
        shutil.rmtree(tmp_path / heavy, ignore_errors=True)


def run(command: str) -> None:
    program, *arguments = shlex.split(command)
    assert program == "showtell"
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, f"{command}: {done.stderr or done.exception!r}"


def test_every_command_of_the_page_is_one_that_there_is() -> None:
    program = typer.main.get_command(app)
    for line in commands_in(ENGLISH):
        name, *arguments = shlex.split(line)[1:]
        command = program.get_command(None, name)  # type: ignore[attr-defined]
        command.make_context(name, arguments)  # reads the options as a call does, and runs nothing


@pytest.mark.slow  # fourteen trainings; one of each model is in test_whole_way
def test_every_command_of_the_page_runs_in_its_order(folder: Path) -> None:
    elsewhere = Counter(commands_of_the_small_vgg16(ENGLISH))
    here = list((Counter(commands_in(ENGLISH)) - elsewhere).elements())
    assert len(elsewhere) >= 3
    assert len(here) >= 18
    for command in here:
        run(command)
    for made in ("curves.png", "looked.png", "covered.png", "runs/nic/evaluation.json"):
        assert (folder / made).stat().st_size > 100


def test_every_recipe_of_the_package_is_on_the_page() -> None:
    trained = {command.split()[2] for command in commands_in(ENGLISH) if command.startswith("showtell train")}
    assert trained == set(recipe_names()) - {
        "base",
        "embedder",
    }  # which need other data than Flickr8k's English


def test_the_chinese_page_has_the_same_commands_and_equations() -> None:
    blocks = [re.findall(r"```.*?```", page, re.DOTALL) for page in (ENGLISH, CHINESE)]
    assert blocks[0] == blocks[1]
    assert commands_in(ENGLISH) == commands_in(CHINESE)


def test_the_chinese_page_has_the_same_figures_in_its_tables() -> None:
    english, chinese = (
        [re.findall(r"PENDING|\d+(?:\.\d+)?", line) for line in page.splitlines() if line.startswith("|")]
        for page in (ENGLISH, CHINESE)
    )
    assert english == chinese


def test_the_chinese_page_has_the_same_figures_in_its_text() -> None:
    english, chinese = (re.findall(r"PENDING|\d+\.\d+", page) for page in (ENGLISH, CHINESE))
    assert Counter(english) == Counter(chinese)


def test_both_pages_show_every_picture_and_name_each_other() -> None:
    drawn = {path.name for path in PICTURES.glob("*.svg")} | {"looked.png"}
    for page in (ENGLISH, CHINESE):
        assert set(re.findall(r"\]\(pictures/(.*?)\)", page)) == drawn
    assert "(lineage.zh.md)" in ENGLISH
    assert "(lineage.md)" in CHINESE


def test_the_pictures_are_what_their_script_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PICTURES))
    monkeypatch.delitem(sys.modules, "draw", raising=False)
    import draw

    for name, drawing in draw.drawings():
        assert (PICTURES / f"{name}.svg").read_text(encoding="utf-8") == drawing.svg(), (
            "stale: run docs/pictures/draw.py"
        )


@pytest.mark.parametrize("path", sorted(PICTURES.glob("*.svg")), ids=lambda path: path.stem)
def test_a_picture_explains_what_it_uses_and_its_words_stay_inside_their_boxes(path: Path) -> None:
    svg = path.read_text(encoding="utf-8")
    # Two boxes at least: one that is drawn, one in the legend.
    kinds = Counter(re.findall(r'class="box (\w+)"', svg))
    assert min(kinds.values()) >= 2
    assert "to the next word" not in svg or svg.count("line back") >= 2
    # Sixteen letters are as wide as a box, less its margins.
    in_boxes = [html.unescape(words) for words in re.findall(r'class="(?:title|shape)"[^>]*>([^<]*)<', svg)]
    assert max(map(len, in_boxes)) <= 16
