"""What the documents say holds: commands, links, and the sizes that need a reason."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

from showtell.cli import COMMANDS, app

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.md")])
SOURCES = sorted(ROOT.glob("src/**/*.py"))


def test_the_page_of_commands_is_what_the_commands_say():
    said = subprocess.run(
        [sys.executable, "scripts/command_reference.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert (ROOT / "docs/commands.md").read_text(encoding="utf-8") == said, "stale: run scripts/docs"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does_and_what_each_of_its_options_means(name):
    group = typer.main.get_command(app)
    command = group.get_command(None, name)
    assert command.help
    silent = [parameter.name for parameter in command.params if not getattr(parameter, "help", None)]
    assert not silent


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_of_commands_has_a_section_for_each(name):
    assert f"## showtell {name}\n" in (ROOT / "docs/commands.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"", text)
    files = [(link or image).partition("#")[0] for link, image in targets]
    missing = [file for file in files if "://" not in file and not (page.parent / file).exists()]
    assert not missing


@pytest.mark.parametrize("page", [page for page in PAGES if ".zh." in page.name], ids=lambda page: page.name)
def test_bold_text_ends_where_markdown_sees_it_end(page):
    # Between a full stop and a letter, ** closes nothing, and the asterisks show.
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    pairs = re.findall(r"\*\*[^*\n]+\*\*\w?", text)
    assert [pair for pair in pairs if re.search(r"[。？！：；，）”]\*\*\w", pair)] == []


def test_the_readme_opens_with_two_commands_in_one_block():
    block = re.search(r"```\w*\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    commands = [line.partition("#")[0].strip() for line in block[1].splitlines()]
    assert commands == [
        "pip install . && showtell caption examples/",
        "pip install -c constraints.txt '.[all,dev]' && pytest",
    ]


def test_the_chinese_readme_has_the_same_commands_code_and_figures():
    english, chinese = (
        (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")
    )
    blocks = [re.findall(r"```.*?```", page, re.DOTALL) for page in (english, chinese)]
    assert blocks[0] == blocks[1]
    figures = [set(re.findall(r"\d+\.\d+", page)) for page in (english, chinese)]
    assert figures[0] == figures[1]


def test_what_the_documents_show_of_the_captioner_is_what_it_gives(tmp_path):
    """Confidences may differ a little from processor to processor."""
    for name in ("README.md", "README.zh-CN.md", "docs/pictures", "examples", "scripts"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        copy = shutil.copy if (ROOT / name).is_file() else shutil.copytree
        copy(ROOT / name, tmp_path / name)
    subprocess.run([sys.executable, str(tmp_path / "scripts/captions_in_docs.py")], check=True)

    def shown(readme):
        rows = re.findall(r'<img src="(.*?)".*?> \| (.*?) \| (\S+) \|', readme.read_text(encoding="utf-8"))
        return {path: (caption, pytest.approx(float(sure), abs=0.02)) for path, caption, sure in rows}

    for name in ("README.md", "README.zh-CN.md"):
        assert shown(ROOT / name) == shown(tmp_path / name), "stale: run scripts/docs"
    assert len(shown(ROOT / "README.md")) == len(list(ROOT.glob("examples/*.jpg")))
    drawn = [Image.open(root / "docs/pictures/looked.png").convert("RGB") for root in (ROOT, tmp_path)]
    assert drawn[0].size == drawn[1].size, "stale: run scripts/docs"
    assert np.abs(np.subtract(*(np.asarray(one, np.float32) for one in drawn))).mean() < 3, (
        "stale: run scripts/docs"
    )


@pytest.mark.slow
def test_the_pictures_of_the_page_and_the_window_are_taken_by_their_script(tmp_path):
    if shutil.which("xvfb-run") is None or not Path("/usr/bin/chromium").exists():
        pytest.skip("the pictures are taken with Xvfb and chromium")
    script = [sys.executable, str(ROOT / "docs/pictures/screens.py"), str(tmp_path)]
    subprocess.run(["xvfb-run", "-a", "-s", "-screen 0 1280x900x24", *script], check=True)
    names = {"page.jpg", "page-phone.jpg", "window.jpg"}
    assert {path.name for path in tmp_path.iterdir()} == names
    for name in names:
        committed, taken = (Image.open(folder / name) for folder in (ROOT / "docs/pictures", tmp_path))
        assert committed.size == taken.size, "stale: run docs/pictures/screens.py"


def test_a_long_function_or_file_has_its_reason_in_the_architecture():
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    reasons = page.partition("## Sizes that need a reason")[2]
    assert reasons
    unexplained = [name for name in _long() if f"`{name}`" not in reasons]
    assert not unexplained


def _long():
    """Files over 400 lines, functions over 60: ``metrics/bleu.py``, ``metrics/bleu.py:function``."""
    for path in SOURCES:
        name = path.relative_to(ROOT / "src/showtell").as_posix()
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 400:
            yield name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 60:
                yield f"{name}:{node.name}"
