"""The interface holds what its OpenAPI description promises, whatever is sent: schemathesis tries."""

import subprocess
import sys
from pathlib import Path

import pytest
from serving import TOKEN, serving

pytest.importorskip("fastapi", reason="the server needs the extra server")
pytest.importorskip("schemathesis", reason="the interface is tried by schemathesis")


@pytest.fixture
def server(tiny_model, tmp_path):
    with serving(tiny_model, tmp_path) as (client, _):
        yield client


def run_schemathesis(server, folder, examples):
    url = str(server.base_url).rstrip("/") + "/openapi.json"
    command = [
        Path(sys.executable).parent / "schemathesis",
        *("run", url, "--header", f"Authorization: Bearer {TOKEN}"),
        # Not every rule can be said in the description (a beam of 1 finds no 9 candidates), and in a form an
        # empty list is no field at all.
        *("--exclude-checks", "positive_data_acceptance,negative_data_rejection"),
        *("--max-examples", str(examples), "--no-color"),
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_schemathesis_finds_nothing(server, tmp_path):
    done = run_schemathesis(server, tmp_path, 15)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_schemathesis_finds_nothing_when_it_tries_longer(server, tmp_path):
    done = run_schemathesis(server, tmp_path, 1000)
    assert done.returncode == 0, done.stdout


def test_every_route_is_described_with_its_problems(server):
    described = server.get("/openapi.json").json()
    for path, methods in described["paths"].items():
        for route in methods.values():
            assert route["summary"]
            assert route["description"]
            if path != "/api/health":
                assert route["security"] == [{"token": []}]
                assert {"401", "403"} <= route["responses"].keys()
    assert "examples" in described["components"]["schemas"]["FeedbackIn"]
