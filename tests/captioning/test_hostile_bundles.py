"""Bundles that mean harm end as BadBundle, quickly; a bundle that is replaced is there at every moment."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from showtell.captioning.bundle import read_bundle
from showtell.captioning.hub import load
from showtell.errors import BadBundle, ShowtellError


@pytest.fixture
def bundle(tiny_model, tmp_path):
    return shutil.copytree(tiny_model, tmp_path / "bundle")


def change_manifest(bundle, **values):
    manifest = json.loads((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(json.dumps(manifest | values))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="wants pipes")
@pytest.mark.parametrize("name", ["encoder.onnx", "vocabulary.json", "manifest.json"])
def test_a_pipe_is_not_waited_for(bundle, name):
    (bundle / name).unlink()
    os.mkfifo(bundle / name)
    with pytest.raises(BadBundle):
        read_bundle(bundle)


@pytest.mark.parametrize("name", ["encoder.onnx", "manifest.json"])
def test_a_link_to_itself_is_refused(bundle, name):
    (bundle / name).unlink()
    (bundle / name).symlink_to(bundle / name)
    with pytest.raises(BadBundle):
        read_bundle(bundle)


@pytest.mark.parametrize(
    "name", ["\ud800.onnx", "a\0b", "a" * 5000 + ".onnx", "../x", "/etc/passwd", "c:x", ""]
)
def test_names_that_are_none_are_refused(bundle, name):
    files = json.loads((bundle / "manifest.json").read_text())["files"]
    change_manifest(bundle, files=files | {name: {"size": 1, "sha256": "0"}})
    with pytest.raises(BadBundle):
        read_bundle(bundle)


def test_a_file_of_two_gigabytes_of_holes_is_not_read(bundle):
    with (bundle / "encoder.onnx").open("wb") as file:
        file.truncate(2**31)
    begun = time.process_time()
    with pytest.raises(BadBundle):
        read_bundle(bundle)
    assert time.process_time() - begun < 1


def rebuilt(bundle, name, change):
    """Give a bundle another graph, and its manifest the checksum."""
    graph = onnx.load(bundle / name)
    change(graph.graph)
    content = graph.SerializeToString()
    (bundle / name).write_bytes(content)
    files = json.loads((bundle / "manifest.json").read_text())["files"]
    files[name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    change_manifest(bundle, files=files)


def ends_in(*operation, **attributes):
    """A change to a graph: its first output goes through one more operation."""

    def change(graph):
        name, kind = graph.output[0].name, graph.output[0].type
        for node in graph.node:
            node.output[:] = [f"{each} before" if each == name else each for each in node.output]
        for number, value in enumerate(operation[1:]):
            graph.initializer.append(numpy_helper.from_array(np.asarray(value), f"constant {number}"))
        inputs = [f"{name} before", *(f"constant {number}" for number in range(len(operation) - 1))]
        graph.node.append(helper.make_node(operation[0], inputs, [name], **attributes))
        kind.tensor_type.ClearField("shape")
        if "to" in attributes:
            kind.tensor_type.elem_type = attributes["to"]
        if operation[0] == "SequenceConstruct":
            kind.CopyFrom(helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, None)))

    return change


@pytest.mark.parametrize("name", ["encoder.onnx", "begin.onnx", "step.onnx"])
@pytest.mark.parametrize(
    "change",
    [
        ends_in("ReduceSum", keepdims=0),
        ends_in("Slice", [0], [0], [0]),
        ends_in("Unsqueeze", [0]),
        ends_in("Cast", to=TensorProto.INT64),
        ends_in("Cast", to=TensorProto.STRING),
        ends_in("SequenceConstruct"),
        ends_in("Mul", np.float32(np.nan)),
    ],
    ids=["no axes", "no pictures", "an axis more", "integers", "strings", "a list", "no numbers"],
)
def test_graphs_that_give_something_else_are_refused(bundle, name, change):
    rebuilt(bundle, name, change)
    with pytest.raises(ShowtellError):
        load(bundle).caption(np.zeros((9, 9, 3), np.uint8))


@pytest.mark.parametrize("name", ["encoder.onnx", "begin.onnx", "step.onnx"])
def test_a_graph_with_names_that_are_no_text_is_refused_and_nothing_is_printed(bundle, name, capfd):
    """ONNX Runtime prints what it thinks of it to stdout, unless told otherwise."""
    content = (bundle / name).read_bytes()
    files = json.loads((bundle / "manifest.json").read_text())["files"]
    old = onnx.load(bundle / name).graph.output[0].name.encode()
    for spoilt in (b"\xff" + old[1:], old[:-1] + b"\x80"):
        (bundle / name).write_bytes(new := content.replace(old, spoilt))
        files[name] = {"size": len(new), "sha256": hashlib.sha256(new).hexdigest()}
        change_manifest(bundle, files=files)
        with pytest.raises(BadBundle):
            load(bundle).caption(np.zeros((9, 9, 3), np.uint8))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("key", ["beam", "max_length", "candidates", "seed"])
@pytest.mark.parametrize("value", [10**9, 10**30, -1, 1.5, "3", None, [], True])
def test_decoding_that_cannot_be_is_refused(bundle, key, value):
    if (key, value) == ("seed", 10**9):
        return  # which may be
    change_manifest(bundle, decoding={key: value})
    with pytest.raises(BadBundle):
        load(bundle)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 100_000, "9" * 100_000, "NaN", "1e999", '"\\ud800"', "", "\0", "[]", "{}"],
)
def test_manifests_that_are_none_are_refused(bundle, text):
    (bundle / "manifest.json").write_text(text)
    with pytest.raises(ShowtellError):
        read_bundle(bundle)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux exchanges two folders in one step")
def test_a_kill_while_a_bundle_is_replaced_leaves_a_whole_one(bundle):
    code = (
        "import sys; from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from tiny_bundle import write_tiny_bundle\n"
        "print('ready', flush=True)\n"
        "while True: write_tiny_bundle(Path(sys.argv[1]), languages=('en', 'zh'))\n"
    )
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for wait in (0.0, 0.05, 0.11, 0.2, 0.31, 0.43):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(bundle), tests],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        read_bundle(bundle)
