"""The container's and the service's examples start what they say they start."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
UNIT = (ROOT / "packaging/showtell.service").read_text(encoding="utf-8")


def test_the_containers_command_serves_with_a_token_and_its_health_check_passes(tmp_path):
    pytest.importorskip("fastapi", reason="the server needs the extra server")
    [program, *arguments] = json.loads(re.search(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[1])
    assert program == "showtell"
    [_, _, check] = json.loads(re.search(r"^    CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[1])
    command = [sys.executable, "-m", "showtell", *arguments, "--port", "0"]
    environment = os.environ | {"SHOWTELL_FEEDBACK": str(tmp_path / "feedback.sqlite")}
    environment.pop("SHOWTELL_TOKEN", None)
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        port, token = re.search(r":(\d+)/#token=(\S+)", process.stderr.readline()).groups()
        healthy = subprocess.run([sys.executable, "-c", check.replace("8017", port)], check=False)
        process.terminate()
        assert process.wait(30) == 0
    assert healthy.returncode == 0
    assert len(token) >= 16


def test_the_container_copies_files_that_are_there_and_lets_them_through():
    let_through = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for names in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE):
        for name in names.split():
            assert (ROOT / name).exists()
            assert f"!{name}" in let_through
    assert "USER showtell" in DOCKERFILE


def test_the_unit_is_one_that_systemd_understands_and_confines(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze")
    unit = tmp_path / "showtell.service"
    unit.write_text(UNIT.replace("/opt/showtell/bin/showtell", "/bin/true"), encoding="utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")
    assert "ExecStart=/opt/showtell/bin/showtell serve\n" in UNIT
