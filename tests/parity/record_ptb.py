"""Record what the Java tokeniser makes of the nasty captions: ``python tests/parity/record_ptb.py``.

Needs Java and pycocoevalcap (whose jar it runs, with pycocoevalcap's own arguments). The tests compare
:mod:`showtell.text.ptb` with the recording, and with the live tool where there is one.
"""

import importlib.util
import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
GOLDEN = HERE / "ptb_golden.jsonl"
NUMBER = 3000


def jar() -> Path | None:
    """Where the tokeniser's jar lies, if pycocoevalcap is installed."""
    package = importlib.util.find_spec("pycocoevalcap")
    if package is None or package.submodule_search_locations is None:
        return None
    return Path(package.submodule_search_locations[0]) / "tokenizer" / "stanford-corenlp-3.4.1.jar"


def tool_is_here() -> bool:
    """Whether the live tool can be asked."""
    return shutil.which("java") is not None and jar() is not None


def tool_lines(captions: Sequence[str]) -> list[str]:
    """What the tool prints for each caption, which a line of an ``x`` alone keeps apart from the next one."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as file:
        file.write("".join(caption + "\n\nx\n\n" for caption in captions))
        file.flush()
        command = [
            "java",
            "-Dfile.encoding=UTF-8",
            "-cp",
            str(jar()),
            "edu.stanford.nlp.process.PTBTokenizer",
        ]
        command += ["-preserveLines", "-lowerCase", file.name]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    lines = done.stdout.decode("utf-8").split("\n")
    assert len(lines) == 4 * len(captions) + 1, (len(lines), len(captions))
    return lines[: 4 * len(captions) : 4]


if __name__ == "__main__":
    from nasty_captions import captions

    found = captions(NUMBER)
    with GOLDEN.open("w", encoding="utf-8") as golden:
        for caption, line in zip(found, tool_lines(found), strict=True):
            golden.write(json.dumps([caption, line]) + "\n")
