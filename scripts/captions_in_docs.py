"""Write anew what the documents show of the captioner that ships: the READMEs' table and docs/pictures/looked.png.

The table stands between the two comments that name this script. It has every picture of examples/, the most confident
caption first. A test fails when either is stale.
"""

import re
from pathlib import Path

import showtell
from showtell.captioning.explain import draw_explanation, explain

ROOT = Path(__file__).parent.parent
EXPLAINED = "examples/hummingbird.jpg"
HEADERS = {"README.md": "| picture | caption | confidence |", "README.zh-CN.md": "| 图片 | 描述 | 置信度 |"}
BEGIN, END = "<!-- written by scripts/docs -->", "<!-- end -->"


def rows(captioner: showtell.Captioner) -> str:
    """The rows of the table, a picture with its captions each."""
    found = [
        (path, [captioner.caption(path, language=language) for language in captioner.languages])
        for path in sorted(ROOT.glob("examples/*.jpg"))
    ]
    found.sort(key=lambda one: -(one[1][0].confidence or 0))
    lines = ["| --- | --- | --- |"]
    for path, captions in found:
        name = path.stem.replace("_", " ")
        image = f'<img src="examples/{path.name}" alt="{name}" width="120">'
        said = "<br>".join(map(str, captions))
        lines.append(f"| {image} | {said} | {captions[0].confidence:.2f} |")
    return "\n".join(lines)


def main() -> None:
    captioner = showtell.load()
    table = rows(captioner)
    for name, header in HEADERS.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        written = f"{BEGIN}\n{header}\n{table}\n{END}"
        text = re.sub(f"{BEGIN}.*?{END}", lambda _, new=written: new, text, count=1, flags=re.DOTALL)
        (ROOT / name).write_text(text, encoding="utf-8")
    drawn = draw_explanation(explain(captioner, ROOT / EXPLAINED))
    drawn.quantize(255).save(ROOT / "docs/pictures/looked.png", "PNG", optimize=True)


if __name__ == "__main__":
    main()
