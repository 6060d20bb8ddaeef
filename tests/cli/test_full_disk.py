"""Where a file finds no room, the one sentence names it: whatever the command, and whatever it writes."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

# As a full disk: writing fails after so many bytes.
LIMITED = """
import resource, sys
from showtell.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("place")
    captions = {str(number): f"a dog runs over {number} stones" for number in range(120)}
    (folder / "captions.json").write_text(json.dumps(captions))
    (folder / "references.json").write_text(json.dumps({name: [text] for name, text in captions.items()}))
    rows = [f"{path.name},a picture of {path.stem}" for path in sorted(EXAMPLES.glob("*.jpg"))]
    (folder / "table.csv").write_text("\n".join(["image,caption", *rows]))
    for path in EXAMPLES.glob("*.jpg"):
        shutil.copy(path, folder)
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are Unix")
@pytest.mark.parametrize(
    ("command", "file"),
    [
        ("caption cat.jpg --output {file}", "out.csv"),
        ("caption cat.jpg --output {file}", "out.jsonl"),
        ("caption cat.jpg --output {file}", "out.html"),
        ("explain cat.jpg --output {file}", "out.png"),
        ("score captions.json references.json --metrics BLEU --output {file}", "out.json"),
        ("score captions.json references.json --metrics BLEU --per-picture {file}", "out.csv"),
        ("data table:table.csv --descriptions {file}", "out.txt"),
        ("data table:table.csv --idf {file}", "idf.json"),
        ("evaluate {model} --data table:table.csv --split train --captions {file}", "said.json"),
    ],
)
def test_a_file_without_room_is_named(place, tiny_model, tmp_path, command, file):
    path = tmp_path / file
    words = [word.format(file=path, model=tiny_model) for word in command.split()]
    if words[0] in ("caption", "explain"):
        words += ["--model", str(tiny_model)]
    done = subprocess.run(
        [sys.executable, "-B", "-c", LIMITED, "20", *words],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"showtell: {path}: File too large"
    assert [one.name for one in tmp_path.iterdir()] in ([], [file])  # rows that are done are kept


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are Unix")
def test_an_encoder_without_room_is_a_sentence(tmp_path):
    pytest.importorskip("torch")
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from showtell.errors import ShowtellError\n"
        "from showtell.training.encoders import save_encoder\n"
        "from showtell.training.encoders.efficientnet_lite import EfficientNetLite\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000,) * 2)\n"
        "try: save_encoder(EfficientNetLite(0, 64), Path(sys.argv[1]))\n"
        "except ShowtellError as error: print(error)\n"
    )
    path = tmp_path / "encoder.safetensors"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith(f"{path}: the encoder cannot be written"), done.stderr
    assert list(tmp_path.iterdir()) == []
