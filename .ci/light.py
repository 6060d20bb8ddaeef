"""Run where only the base dependencies are installed: what is not training is whole, and there is no PyTorch."""

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import showtell

package = Path(showtell.__file__).parent
assert "site-packages" in package.parts, f"the installed package is what counts, not {package}"
for name in ("torch", "onnx", "safetensors", "rjieba", "fastapi", "uvicorn"):
    assert importlib.util.find_spec(name) is None, f"{name} is installed"

modules = 0
for path in sorted(package.rglob("*.py")):
    parts = path.relative_to(package.parent).with_suffix("").parts
    if parts[1] not in {"training", "__main__"} and parts[1:3] != ("apps", "server"):  # which has an extra
        importlib.import_module(".".join(parts))
        modules += 1

assert (package / "py.typed").exists()
assert list(package.glob("training/recipes/*.toml")), "the recipes are not installed"

for extra, *command in (
    ("train", "train", "base", "--data", "flickr8k:.", "--output", "run"),
    ("server", "serve"),
):
    called = subprocess.run(
        [sys.executable, "-m", "showtell", *command], capture_output=True, text=True, check=False
    )
    assert called.returncode == 2, called
    assert f"pip install 'showtell[{extra}]'" in called.stderr, called.stderr
    assert called.stderr.count("\n") == 1, called.stderr

print(f"{modules} modules outside training import without PyTorch; commands say what they need.")
