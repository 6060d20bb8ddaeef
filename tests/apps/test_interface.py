"""The interface holds what its OpenAPI description promises, whatever is sent: schemathesis tries."""

import subprocess
import sys
from pathlib import Path

import pytest
from serving import TOKEN, picture, serving
from tiny_bundle import COLOURS

import showtell

pytest.importorskip("fastapi", reason="the server needs the extra server")
pytest.importorskip("schemathesis", reason="the interface is tried by schemathesis")


@pytest.fixture
def server(searching_model, tmp_path):
    """All there is: captions, a library, and screening where it is installed."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for colour in COLOURS:
        (pictures / f"{colour}.png").write_bytes(picture(colour))
    with showtell.open_library(tmp_path / "library", model=searching_model) as library:
        library.index(pictures)
    with serving(searching_model, tmp_path, library=tmp_path / "library") as (client, _):
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
    routes = set(described["paths"])
    assert {"/api/caption", "/api/explain", "/api/find", "/api/feedback", "/api/card"} <= routes


def has_example(schema, parts):
    """Whether a schema, or what it is made of, says what a value looks like."""
    if "$ref" in schema:
        return has_example(parts[schema["$ref"].rpartition("/")[2]], parts)
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", []), schema.get("items", {})]
    return "examples" in schema or "example" in schema or any(has_example(one, parts) for one in inner if one)


def test_every_route_has_examples_of_what_goes_in_and_comes_out(server):
    described = server.get("/openapi.json").json()
    parts = described["components"]["schemas"]
    for path, methods in described["paths"].items():
        for route in methods.values():
            bodies = route.get("requestBody", {}).get("content", {}).values()
            given = [one["schema"] for one in [*route.get("parameters", []), *bodies]]
            for name, kind in route["responses"].items():
                for media_type, content in kind.get("content", {}).items():
                    if media_type != "image/jpeg":
                        assert has_example(content["schema"], parts), (path, name)
            given = [
                one for one in given if one.get("properties", {}).keys() != {"picture"}
            ]  # bytes have none
            assert not given or any(has_example(one, parts) for one in given), path
