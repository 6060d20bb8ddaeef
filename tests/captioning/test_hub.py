"""Names of captioners, and the Hugging Face Hub, against a stand-in on this machine that speaks its HTTP interface."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from small_hub import small_hub

import showtell
from showtell.captioning import hub
from showtell.captioning.hub import HubName
from showtell.errors import BadBundle, ShowtellError

pytest.importorskip("huggingface_hub", reason="the extra hf is not installed")


@pytest.fixture
def place(tmp_path):
    """A hub with a published bundle, its address, and what was asked of it."""
    with small_hub(tmp_path / "hub") as (address, asked):
        yield tmp_path, address, asked


def run(place, *arguments, **changes):
    """The command in a process of its own, with a cache of its own."""
    folder, address, _ = place
    environment = {
        **{name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
        "HF_ENDPOINT": address,
        "HF_HOME": str(folder / "huggingface"),
        "HF_TOKEN": "hf_made_up",
        "XDG_CACHE_HOME": str(folder / "cache"),
        **changes,
    }
    return subprocess.run(
        [sys.executable, "-m", "showtell", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        check=False,
    )


@pytest.fixture
def picture(tmp_path):
    Image.fromarray(np.full((40, 40, 3), (255, 0, 0), np.uint8)).save(tmp_path / "red.png")
    return tmp_path / "red.png"


def test_a_bundle_is_published_and_captions_wherever_it_is_named(place, picture, tiny_model):
    folder, _, asked = place
    sent = run(place, "publish", tiny_model, "--to", "showtell/tiny", "--license", "mit")
    assert sent.returncode == 0, sent.stderr
    assert sent.stdout.strip().endswith("showtell/tiny")
    card = (folder / "hub/showtell/tiny/README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlicense: mit\n")
    assert "pipeline_tag: image-to-text" in card
    assert "--model hf:showtell/tiny" in card

    first = run(place, "caption", picture, "--model", "hf:showtell/tiny")
    assert (first.returncode, first.stdout.split("\t")[0].strip()) == (0, "a red picture"), first.stderr
    asked.clear()
    again = run(place, "caption", picture, "--model", "hf:showtell/tiny", HF_ENDPOINT="http://127.0.0.1:9")
    assert again.stdout == first.stdout
    assert not asked  # it is offline from now on


def test_a_model_of_transformers_is_converted_once_and_then_runs_offline(place, picture):
    pytest.importorskip("transformers")
    pytest.importorskip("torch")
    from hf_models import MODELS

    folder, _, asked = place
    MODELS["vit-gpt2"](folder / "hub/people/captioner")
    first = run(place, "caption", picture, "--model", "hf:people/captioner@main")
    assert first.returncode == 0, first.stderr
    assert "converting it, once" in first.stderr
    asked.clear()
    again = run(place, "caption", picture, "--model", "hf:people/captioner", HF_ENDPOINT="http://127.0.0.1:9")
    assert (again.returncode, again.stdout) == (0, first.stdout), again.stderr
    assert not asked
    indexed = run(place, "index", picture, "--library", folder / "library", "--model", "hf:people/captioner")
    assert indexed.returncode == 0, indexed.stderr
    explicit = run(
        place, "import", "hf:people/captioner", "--output", folder / "bundle", "--precision", "fp16"
    )
    assert explicit.returncode == 0, explicit.stderr


def test_what_the_hub_does_not_have_is_one_sentence(place, picture):
    missing = run(place, "caption", picture, "--model", "hf:nobody/nothing")
    assert missing.returncode == 2
    assert "Traceback" not in missing.stderr
    assert "hf:nobody/nothing" in missing.stderr
    unreachable = run(place, "caption", picture, "--model", "hf:a/b", HF_ENDPOINT="http://127.0.0.1:9")
    assert unreachable.returncode == 2
    assert "Traceback" not in unreachable.stderr


def test_a_repository_with_a_changed_file_is_refused_and_not_kept(place, picture, tiny_model):
    folder, _, _ = place
    shutil.copytree(tiny_model, folder / "hub/showtell/tiny")
    (folder / "hub/showtell/tiny/step.onnx").write_bytes(b"changed")
    refused = run(place, "caption", picture, "--model", "hf:showtell/tiny")
    assert refused.returncode == 2
    assert "step.onnx" in refused.stderr
    assert not (folder / "cache/showtell/hf/showtell--tiny--main").exists()


def test_a_repository_is_prepared_without_sending_anything(place, tiny_model):
    folder, _, asked = place
    made = run(place, "publish", tiny_model, "--output", folder / "prepared", "--license", "cc-by-4.0")
    assert made.returncode == 0, made.stderr
    assert not asked
    assert (folder / "prepared/README.md").is_file()
    assert str(showtell.load(folder / "prepared").caption(np.zeros((9, 9, 3), np.uint8))) == "a black picture"


@pytest.mark.parametrize(
    "arguments",
    [["--license", "mit"], ["--license", "My Licence", "--output", "x"], ["--to", "a b", "--license", "mit"]],
)
def test_publishing_nothing_or_nowhere_is_refused(place, tiny_model, arguments):
    refused = run(place, "publish", tiny_model, *arguments)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


def test_other_things_are_not_overwritten_by_a_repository(tiny_model, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear diary")
    with pytest.raises(ShowtellError, match="other things"):
        hub.publish(tiny_model, tmp_path / "mine", licence="mit")


@pytest.mark.parametrize(
    ("name", "repository", "revision"),
    [
        ("hf:Salesforce/blip-image-captioning-base", "Salesforce/blip-image-captioning-base", "main"),
        ("hf:a/b@v1.0", "a/b", "v1.0"),
        ("hf:gpt2", "gpt2", "main"),
    ],
)
def test_a_name_of_the_hub_has_a_repository_and_a_revision(name, repository, revision):
    found = HubName.parse(name)
    assert (found.repository, found.revision) == (repository, revision)
    assert found.cached.name.count("/") == 0


@pytest.mark.parametrize("name", ["hf:", "hf:a/b/c", "hf:../x/y", "hf:a b", "hf:a/b@", "hf:/etc/passwd"])
def test_what_is_no_name_of_the_hub_is_refused(name):
    with pytest.raises(ShowtellError, match="no name of the hub"):
        showtell.load(name)


def test_a_name_that_is_nothing_says_what_there_is():
    with pytest.raises(BadBundle, match="did you mean base"):
        showtell.load("bas")
