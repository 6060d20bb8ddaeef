"""A bundle is read whole and unchanged, or refused with a sentence that says why."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tiny_bundle import CALIBRATION, PREPROCESSING, graphs, search_graphs, vocabulary, write_tiny_bundle

from showtell.captioning.bundle import FORMAT, check_replaceable, read_bundle
from showtell.captioning.captioner import BundleCaptioner
from showtell.errors import BadBundle
from showtell.images import Preprocessing


@pytest.fixture
def folder(tmp_path):
    write_tiny_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


def change(folder, **fields):
    """Change fields of the manifest; None takes one away."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text("utf-8")) | fields
    path.write_text(json.dumps({key: value for key, value in manifest.items() if value is not None}), "utf-8")


def names(folder):
    return json.loads((folder / "manifest.json").read_text("utf-8"))["files"]


# --- what is written is read ---


def test_what_was_written_is_read(folder):
    bundle = read_bundle(str(folder))
    assert (bundle.name, bundle.version, bundle.languages) == ("tiny", "1", ("en",))
    assert bundle.preprocessing == PREPROCESSING
    assert bundle.vocabulary == vocabulary()
    assert bundle.calibration == {"en": CALIBRATION}
    assert bundle.decoding == {"beam": 3, "max_length": 10}
    assert bundle.graphs == graphs(vocabulary())


def test_the_manifest_describes_every_other_file(folder):
    assert set(names(folder)) == {path.name for path in folder.iterdir()} - {"manifest.json"}


def test_the_manifest_names_four_different_special_ids(folder):
    special = json.loads((folder / "manifest.json").read_text("utf-8"))["special_ids"]
    ids = [special["pad"], special["unknown"], special["end"], special["start"]["en"]]
    assert len(set(ids)) == 4


def test_a_new_bundle_takes_the_place_of_an_old_one(folder):
    write_tiny_bundle(folder, version="2", calibration={})
    assert read_bundle(folder).version == "2"
    assert read_bundle(folder).calibration == {}
    assert [path.name for path in folder.parent.iterdir()] == ["bundle"]


def test_a_folder_of_other_things_is_not_overwritten(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_bytes(b"precious")
    with pytest.raises(BadBundle, match="no bundle"):
        write_tiny_bundle(tmp_path / "photos")
    assert (tmp_path / "photos" / "holiday.jpg").read_bytes() == b"precious"
    with pytest.raises(BadBundle, match="no bundle"):  # known before the work of an export
        check_replaceable(tmp_path / "photos")


def test_what_is_new_empty_or_an_old_bundle_may_be_replaced(folder):
    (folder.parent / "empty").mkdir()
    for name in ("new", "empty", "bundle"):
        check_replaceable(folder.parent / name)


def test_the_folder_that_one_is_in_is_not_replaced(tmp_path, monkeypatch):
    """Written anew, it would be another folder of the same name, and whoever is in it would see nothing."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadBundle, match=r"\.: is the folder that you are in"):
        write_tiny_bundle(Path())
    assert list(tmp_path.iterdir()) == []


def test_a_relative_name_and_a_link_lead_to_the_bundle(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert write_tiny_bundle(Path("../there/../bundle")).name == "tiny"
    (tmp_path / "link").symlink_to("bundle")
    write_tiny_bundle(tmp_path / "link", version="2")
    assert (tmp_path / "link").is_symlink()
    assert read_bundle(tmp_path / "bundle").version == "2"
    assert {path.name for path in tmp_path.iterdir()} == {"here", "bundle", "link"}


def test_a_failure_leaves_nothing_behind_and_the_old_bundle_whole(folder):
    for wrong in ({"languages": ("fr",)}, {"training": {"recipe": {1, 2}}}):
        with pytest.raises((BadBundle, TypeError)):
            write_tiny_bundle(folder, version="2", **wrong)
    assert read_bundle(folder).version == "1"
    assert [path.name for path in folder.parent.iterdir()] == ["bundle"]


def test_a_bundle_without_a_graph_is_not_written(tmp_path):
    files = graphs(vocabulary())
    del files["begin.onnx"]
    with pytest.raises(ValueError, match=r"begin\.onnx"):
        write_tiny_bundle(tmp_path / "bundle", files=files)


# --- what is not a bundle ---


def test_no_folder_no_manifest_and_a_file(tmp_path):
    (tmp_path / "file").write_text("hello")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "missing", tmp_path / "file", tmp_path / "empty"):
        with pytest.raises(BadBundle, match="is not a bundle"):
            read_bundle(path)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b"null", pickle.dumps([1])]
)
def test_a_manifest_that_is_none(folder, content):
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(BadBundle, match=r"manifest\.json"):
        read_bundle(folder)


def test_an_endless_manifest(folder):
    (folder / "manifest.json").write_bytes(b" " * 2**21)
    with pytest.raises(BadBundle, match="larger"):
        read_bundle(folder)


def test_a_later_format_is_refused_with_advice(folder):
    change(folder, format=FORMAT + 1)
    with pytest.raises(BadBundle, match=r"format 3.*up to format 2; install a newer showtell"):
        read_bundle(folder)


@pytest.mark.parametrize("number", [0, -1, "1", 1.5, True])
def test_a_format_that_is_no_number(folder, number):
    change(folder, format=number)
    with pytest.raises(BadBundle, match="'format'"):
        read_bundle(folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", None),
        ("version", 3),
        ("languages", "en"),
        ("languages", []),
        ("languages", ["fr"]),
        ("languages", [["en"]]),
        ("decoding", []),
        ("training", None),
        ("files", ["encoder.onnx"]),
        ("files", {}),
        ("preprocessing", None),
        ("preprocessing", PREPROCESSING.to_dict() | {"fit": "stretch"}),
        ("special_ids", {"pad": 0, "unknown": 1, "end": 2, "start": {"en": 2}}),
        ("special_ids", None),
        ("join", "sentencepiece"),
        ("join", ["words"]),
        ("prompts", ["en"]),
        ("prompts", {"fr": [1]}),
        ("prompts", {"en": "a photo"}),
        ("prompts", {"en": [10**9]}),
        ("prompts", {"en": [True]}),
        ("prompts", {"en": [4] * 101}),
        ("calibration", {"method": "prayer"}),
        ("calibration", CALIBRATION.to_dict() | {"coefficients": [1.0]}),
        ("calibration", CALIBRATION.to_dict() | {"means": [10**400, 0.5]}),
        ("preprocessing", PREPROCESSING.to_dict() | {"mean": [10**400, 0, 0]}),
    ],
)
def test_a_field_that_cannot_be(folder, field, value):
    change(folder, **{field: value})
    with pytest.raises(BadBundle, match="manifest"):
        read_bundle(folder)


# --- files that changed ---


@pytest.mark.parametrize("name", ["encoder.onnx", "begin.onnx", "step.onnx", "vocabulary.json"])
def test_one_changed_byte_is_noticed(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(BadBundle, match=name):
        read_bundle(folder)


@pytest.mark.parametrize("change_size", [lambda content: content[:-1], lambda content: content + b"x"])
def test_a_shorter_or_longer_file_is_noticed(folder, change_size):
    path = folder / "step.onnx"
    path.write_bytes(change_size(path.read_bytes()))
    with pytest.raises(BadBundle, match=r"step\.onnx"):
        read_bundle(folder)


def test_a_missing_file_is_named(folder):
    (folder / "step.onnx").unlink()
    with pytest.raises(BadBundle, match=r"step\.onnx.*No such file"):
        read_bundle(folder)


@pytest.mark.parametrize("size", [None, -1, "5", 10**15])
def test_a_size_that_cannot_be(folder, size):
    files = names(folder)
    files["card.md"]["size"] = size
    change(folder, files=files)
    with pytest.raises(BadBundle, match=r"card\.md"):
        read_bundle(folder)


@pytest.mark.parametrize("content", [b"{}", b"[1, 2]", b'["<pad>", "<pad>"]', b"\x80\x04", b'["a"]'])
def test_a_vocabulary_that_is_none(tmp_path, content):
    folder = tmp_path / "bundle"
    write_tiny_bundle(folder)
    (folder / "vocabulary.json").write_bytes(content)
    approve(folder, "vocabulary.json")
    with pytest.raises(BadBundle, match=r"vocabulary\.json"):
        read_bundle(folder)


@pytest.mark.parametrize("mark", ["\x1b]0;title\x07", "\x9b31m", "\u202e"])
def test_words_that_a_terminal_obeys_are_refused(tmp_path, mark):
    folder = tmp_path / "bundle"
    write_tiny_bundle(folder)
    tokens = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
    tokens[-1] = f"dog{mark}"
    (folder / "vocabulary.json").write_text(json.dumps(tokens), encoding="utf-8")
    approve(folder, "vocabulary.json")
    with pytest.raises(BadBundle, match="control character") as refused:
        read_bundle(folder)
    assert mark not in str(refused.value)


def approve(folder, name):
    """Let the manifest describe a file as it now is."""
    import hashlib

    content = (folder / name).read_bytes()
    described = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    change(folder, files=names(folder) | {name: described})


# --- paths that leave the folder ---


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "/etc/hostname",
        "a/../../secret",
        "..",
        "",
        "..\\secret",
        "C:\\secret",
        "C:secret",
        "a\0b",
    ],
)
def test_names_that_lead_out_are_refused(folder, name):
    (folder.parent / "secret").write_text("x")
    files = names(folder)
    files[name] = files["card.md"]
    change(folder, files=files)
    with pytest.raises(BadBundle, match="not the name of a file"):
        read_bundle(folder)


def test_links_that_lead_out_are_refused(folder):
    outside = folder.parent / "outside.md"
    (folder / "card.md").rename(outside)
    (folder / "card.md").symlink_to(outside)
    with pytest.raises(BadBundle, match="leads out of the bundle"):
        read_bundle(folder)


def test_folders_that_are_links_out_are_refused(folder):
    (folder.parent / "elsewhere").mkdir()
    (folder.parent / "elsewhere" / "card.md").write_bytes((folder / "card.md").read_bytes())
    (folder / "inner").symlink_to(folder.parent / "elsewhere")
    files = names(folder)
    change(folder, files=files | {"inner/card.md": files["card.md"]})
    with pytest.raises(BadBundle, match="leads out of the bundle"):
        read_bundle(folder)


def test_a_bundle_may_itself_be_reached_by_a_link(folder):
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert read_bundle(link).name == "tiny"


def test_a_card_that_was_edited_or_is_gone_is_worth_a_warning_and_no_more(folder):
    card = folder / "card.md"
    card.write_text("# My own notes\n")
    with pytest.warns(UserWarning, match=r"card\.md: is not the file that the manifest describes"):
        bundle = read_bundle(folder)
    assert BundleCaptioner(bundle).card == "# My own notes\n"
    card.unlink()
    with pytest.warns(UserWarning, match=r"card\.md: cannot be read"):
        assert read_bundle(folder).name == "tiny"


def test_a_card_that_is_a_link_to_itself_is_one_that_cannot_be_read(folder):
    (folder / "card.md").unlink()
    (folder / "card.md").symlink_to("card.md")
    with pytest.warns(UserWarning, match=r"card\.md: cannot be read .*; the captions are not affected"):
        bundle = read_bundle(folder)
    assert BundleCaptioner(bundle).card == ""


def test_an_embedder_comes_with_the_network_for_texts(folder):
    for name, content in search_graphs(vocabulary()).items():
        with pytest.raises(BadBundle, match=r"must name embedder\.onnx and text\.onnx, or neither"):
            write_tiny_bundle(folder.parent / "half", files=graphs(vocabulary()) | {name: content})


def test_what_a_search_is_calibrated_with_is_kept(tmp_path):
    files = graphs(vocabulary()) | search_graphs(vocabulary())
    bundle = write_tiny_bundle(tmp_path / "b", files=files, search={"calibration": {"words": {}}})
    assert bundle.search == {"calibration": {"words": {}}}
    assert set(bundle.graphs) == set(files)


# --- graphs that want more than they may ---


def graph_with_outside_weights(location):
    """An encoder whose weights lie in another file."""
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3])
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=location)
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["B", 3, 32, 32])
    regions = helper.make_tensor_value_info("regions", TensorProto.FLOAT, None)
    nodes = [
        helper.make_node("ReduceMean", ["pixels"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Add", ["mean", "w"], ["regions"]),
    ]
    graph = helper.make_graph(nodes, "thief", [pixels], [regions], [weights])
    return model(graph)


def model(graph, domain=""):
    opsets = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


@pytest.mark.parametrize("place", ["relative", "beside", "upward", "absolute"])
def test_weights_in_other_files_are_never_read(tmp_path, monkeypatch, place):
    folder = tmp_path / "bundle"
    outside = tmp_path / "secret.bin"
    monkeypatch.chdir(tmp_path)
    locations = {
        "relative": "secret.bin",
        "beside": "weights.bin",
        "upward": os.path.join("..", "secret.bin"),
        "absolute": str(outside),
    }
    files = graphs(vocabulary()) | {"encoder.onnx": graph_with_outside_weights(locations[place])}
    bundle = write_tiny_bundle(folder, files=files)
    for path in (outside, folder / "weights.bin"):
        path.write_bytes(np.arange(3, dtype=np.float32).tobytes())
    with pytest.raises(BadBundle, match=r"encoder\.onnx: is not a graph that can be run"):
        BundleCaptioner(bundle)


def test_operators_of_unknown_make_are_refused(tmp_path):
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["B", 3, 32, 32])
    regions = helper.make_tensor_value_info("regions", TensorProto.FLOAT, ["B", 4, 3])
    node = helper.make_node("RunCommand", ["pixels"], ["regions"], domain="evil")
    encoder = model(helper.make_graph([node], "g", [pixels], [regions]), domain="evil")
    bundle = write_tiny_bundle(tmp_path / "bundle", files=graphs(vocabulary()) | {"encoder.onnx": encoder})
    with pytest.raises(BadBundle, match=r"encoder\.onnx"):
        BundleCaptioner(bundle)


@pytest.mark.parametrize("name", ["encoder.onnx", "begin.onnx", "step.onnx"])
@pytest.mark.parametrize("content", [b"", b"not a graph", pickle.dumps({"a": 1})])
def test_what_is_no_graph_is_refused(tmp_path, name, content):
    bundle = write_tiny_bundle(tmp_path / "bundle", files=graphs(vocabulary()) | {name: content})
    with pytest.raises(BadBundle, match=name):
        BundleCaptioner(bundle)


@pytest.mark.parametrize(
    "decoding",
    [
        {"bream": 3},
        {"beam": 0},
        {"beam": "three"},
        {"beam": 2.5},
        {"beam": True},
        {"beam": None},
        {"max_length": 5.5},
        {"no_repeat_ngram": 1.5},
        {"top_k": 1.5},
        {"seed": 1.5},
        {"temperature": 10**400},
    ],
)
def test_decoding_defaults_that_make_no_sense_are_refused(tmp_path, decoding):
    bundle = write_tiny_bundle(tmp_path / "bundle", decoding=decoding)
    with pytest.raises(BadBundle, match=f"'decoding' is wrong: .*{next(iter(decoding))}"):
        BundleCaptioner(bundle)


def test_a_language_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(BadBundle, match="captions in 'fr' cannot be written"):
        write_tiny_bundle(tmp_path / "bundle", languages=("en", "fr"))


def test_the_written_graphs_are_valid():
    for graph in graphs(vocabulary()).values():
        onnx.checker.check_model(onnx.load_from_string(graph))


def test_preprocessing_is_kept_in_full(tmp_path):
    how = Preprocessing(size=32, fit="pad", channels="bgr", mean=(1.5, 2, 3), std=(4, 5, 6))
    assert write_tiny_bundle(tmp_path / "bundle", preprocessing=how).preprocessing == how


def test_files_may_be_written_only_inside(tmp_path):
    files = graphs(vocabulary()) | {"../card.md": b"x"}
    with pytest.raises(BadBundle, match="not the name of a file"):
        write_tiny_bundle(tmp_path / "bundle", files=files)
    assert not (tmp_path / "card.md").exists()
