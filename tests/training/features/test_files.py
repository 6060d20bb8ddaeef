"""Files of features are read whoever wrote them, and nothing in them is ever run."""

import collections
import io
import json
import os
import pickle
import pickletools

import numpy as np
import pytest

from showtell.errors import BadFeatures
from showtell.training.features.files import read_features, write_features

RANDOM = np.random.default_rng(0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "features.pkl"


def older_features(shape=(1, 4096), pictures=3) -> dict[str, np.ndarray]:
    """What older scripts keep: id -> the prediction of a batch of one picture."""
    return {f"10{n}_ab{n}": RANDOM.standard_normal(shape).astype(np.float32) for n in range(pictures)}


# What others write.


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
def test_every_protocol_of_either_numpy(path, protocol, core):
    features = older_features((1, 64))
    written = pickle.dumps(features, protocol=protocol)
    if core == "numpy.core":  # where numpy 1 kept what numpy 2 keeps in numpy._core
        written = pickle_with_renamed_module(written, "numpy._core", "numpy.core")
    path.write_bytes(written)
    read = read_features(path)
    assert read.ids == tuple(features)
    np.testing.assert_array_equal(read.features, np.stack(list(features.values())))
    assert read.features.dtype == np.float32


def pickle_with_renamed_module(written: bytes, old: str, new: str) -> bytes:
    """Rename a module in a pickle without frames, opcode by opcode."""
    result = io.BytesIO()
    positions = [position for *_, position in pickletools.genops(written)] + [len(written)]
    for number, (opcode, argument, position) in enumerate(pickletools.genops(written)):
        text = written[position : positions[number + 1]]
        if opcode.name == "GLOBAL":
            text = text.replace(old.encode(), new.encode())
        elif opcode.name == "SHORT_BINUNICODE" and argument.startswith(old):
            renamed = argument.replace(old, new).encode()
            text = b"\x8c" + bytes([len(renamed)]) + renamed
        elif opcode.name == "FRAME":
            text = b""
        result.write(text)
    assert old.encode() not in result.getvalue()
    return result.getvalue()


def test_a_pickle_of_python_2(path):
    # pickle.dumps({u"a": numpy.array([[1, 2]], "f4")}, 2) under Python 2.7: bytes are "strings".
    path.write_bytes(
        b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03"
        b"K\x00\x85q\x04U\x01bq\x05\x87q\x06Rq\x07(K\x01K\x01K\x02\x86q\x08cnumpy\ndtype\nq\x09U\x02f4q\x0aK\x00"
        b"K\x01\x87q\x0bRq\x0c(K\x03U\x01<q\x0dNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0eb\x89U\x08"
        b"\x00\x00\x80?\x00\x00\x00@q\x0ftq\x10bs."
    )
    np.testing.assert_array_equal(read_features(path).features, [[[1, 2]]])


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((16,), (1, 16)),
        ((1, 16), (1, 16)),
        ((49, 16), (49, 16)),
        ((7, 7, 16), (49, 16)),
        ((1, 7, 7, 16), (49, 16)),
    ],
)
def test_the_shapes_that_scripts_leave(path, shape, expected):
    features = older_features(shape)
    path.write_bytes(pickle.dumps(features))
    read = read_features(path).features
    assert read.shape == (3, *expected)
    np.testing.assert_array_equal(read[1].ravel(), list(features.values())[1].ravel())


@pytest.mark.parametrize("dtype", ["<f2", ">f4", "<f8", "i4", "u1"])
def test_other_numbers_become_float32(path, dtype):
    values = np.array([[1, 2, 3]]).astype(dtype)
    path.write_bytes(pickle.dumps({"a": values}))
    np.testing.assert_array_equal(read_features(path).features, [[[1, 2, 3]]])


def test_arrays_in_columns_slices_and_twice_the_same(path):
    matrix = RANDOM.standard_normal((6, 4)).astype(np.float32)
    features = {"a": np.asfortranarray(matrix), "b": matrix[:, ::-1], "c": matrix, "d": matrix}
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path.write_bytes(pickle.dumps(features, protocol=protocol))
        np.testing.assert_array_equal(read_features(path).features, [matrix, matrix[:, ::-1], matrix, matrix])


def test_an_ordered_dict_and_file_names_as_ids(path):
    array = np.ones((1, 4), np.float32)
    path.write_bytes(pickle.dumps(collections.OrderedDict({"b.JPG": array, "a.b.jpeg": array, "c.1": array})))
    assert read_features(path).ids == ("b", "a.b", "c.1")
    path.write_bytes(pickle.dumps({"a.jpg": array, "a": array}))
    with pytest.raises(BadFeatures, match="holds the features of a twice"):
        read_features(path)


# What Showtell writes.


@pytest.mark.parametrize("name", ["features.pkl", "features.npz"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_what_is_written_is_read_again(tmp_path, name, dtype):
    features = RANDOM.standard_normal((3, 2, 8)).astype(dtype)
    meta = {"preprocessing": {"resample": "nearest"}}
    write_features(tmp_path / name, ["a", "b", "狗"], features, meta=meta)
    read = read_features(tmp_path / name)
    assert read.ids == ("a", "b", "狗")
    np.testing.assert_array_equal(read.features, features)
    assert read.meta == (meta if name.endswith("npz") else None)
    assert os.listdir(tmp_path) == [name]


def test_a_written_pickle_is_what_older_scripts_expect(path):
    features = RANDOM.standard_normal((2, 1, 4096)).astype(np.float16)
    write_features(path, ["a", "b"], features)
    loaded = pickle.loads(path.read_bytes())
    assert list(loaded) == ["a", "b"]
    assert loaded["b"].shape == (1, 4096)
    assert loaded["b"].dtype == np.float32
    np.testing.assert_array_equal(loaded["b"], features[1])
    # numpy 1 has no numpy._core, and numpy 2 keeps numpy.core for a while only: neither is named.
    assert b"core" not in path.read_bytes()


def test_a_written_npz_opens_with_numpy_alone(tmp_path):
    write_features(tmp_path / "f.npz", ["a"], np.ones((1, 1, 4), np.float32), meta={"size": 224})
    with np.load(tmp_path / "f.npz", allow_pickle=False) as archive:
        assert archive["ids"].tolist() == ["a"]
        assert archive["features"].shape == (1, 1, 4)
        assert json.loads(str(archive["meta"])) == {"size": 224}


def test_an_npz_with_an_array_for_each_id(tmp_path):
    features = older_features((1, 8))
    np.savez_compressed(tmp_path / "f.npz", **features)
    read = read_features(tmp_path / "f.npz")
    assert read.ids == tuple(features)
    np.testing.assert_array_equal(read.features, np.stack(list(features.values())))


def test_callers_mistakes_are_value_errors(tmp_path):
    good = np.ones((2, 1, 4))
    for name, ids, features in (
        ("f.pkl", ["a"], good),
        ("f.pkl", ["a", "a"], good),
        ("f.pkl", ["a", "b"], good[0]),
        ("f.json", ["a", "b"], good),
    ):
        with pytest.raises(ValueError, match=r"do not match|are written as"):
            write_features(tmp_path / name, ids, features)


# What is not features.


@pytest.mark.parametrize(
    ("loaded", "message"),
    [
        ([1, 2], "holds a value of type list, expected a dict"),
        ({}, "holds no features"),
        ({1: np.ones(3)}, "a value of type int among its ids"),
        ({"a": [1.0, 2.0]}, "holds a value of type list for a, expected an array"),
        ({"a": None}, "holds a value of type NoneType for a"),
        (
            {"a": np.ones((1, 4)), "b": np.ones((1, 5))},
            r"shape \[1, 4\] for a and \[1, 5\] for b; they must agree",
        ),
        ({"a": np.array([[1, np.nan]])}, "features of a that are not finite"),
        ({"a": np.array([[1e300]])}, "features of a that are not finite"),
        ({"a": np.ones((0, 4))}, r"of the shape \[0, 4\] for a"),
        ({"a": np.ones((2, 7, 7, 4))}, r"of the shape \[2, 7, 7, 4\] for a"),
        ({"a": np.float32(1)}, r"of the shape \[\] for a"),
        ({"a": np.ones((512, 7, 7))}, r"a map \[512, 7, 7\] for a, .* channels first; expected \[H, W, D\]"),
        ({"a": np.ones((1, 512, 7, 7))}, r"a map \[512, 7, 7\] for a, .* channels first"),
        ({"a": np.array(["text"])}, "holds arrays of dtype 'U4', expected numbers"),
        ({"a": np.array([1], "M8[s]")}, "holds arrays of dtype 'M8', expected numbers"),
        (
            {"a": np.array([(1, 2.0)], [("x", "i4"), ("y", "f4")])},
            "holds arrays of dtype 'V8', expected numbers",
        ),
        ({"a": np.array([1j])}, "holds arrays of dtype 'c16', expected numbers"),
        ({"a": np.array([True])}, "holds arrays of dtype 'b1', expected numbers"),
    ],
)
def test_other_things_are_refused_in_a_sentence(path, loaded, message):
    path.write_bytes(pickle.dumps(loaded))
    with pytest.raises(BadFeatures, match=message):
        read_features(path)


def test_missing_truncated_and_foreign_files_are_refused(path, tmp_path):
    with pytest.raises(BadFeatures, match="cannot be read"):
        read_features(path)
    whole = pickle.dumps(older_features())
    for kept in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:kept])
        with pytest.raises(BadFeatures, match="is not a whole pickle of features"):
            read_features(path)
    path.write_text("not a pickle")
    with pytest.raises(BadFeatures):
        read_features(path)
    np.savez(tmp_path / "f.npz", a=np.ones((1, 4)))
    whole = (tmp_path / "f.npz").read_bytes()
    for kept in (0, 100, len(whole) - 1):
        (tmp_path / "f.npz").write_bytes(whole[:kept])
        with pytest.raises(BadFeatures, match=r"is not a whole \.npz file"):
            read_features(tmp_path / "f.npz")
    with pytest.raises(BadFeatures, match=r"neither a \.pkl nor a \.npz"):
        read_features(tmp_path / "features.joblib")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"ids": np.array([1]), "features": np.ones((1, 1, 4))}, r"ids int64 \[1\] and features \[1, 1, 4\]"),
        ({"ids": np.array(["a"]), "features": np.ones((2, 1, 4))}, "expected texts"),
        ({"ids": np.array(["a", "a"]), "features": np.ones((2, 1, 4))}, "names a picture twice"),
        ({"features": np.ones((5, 4))}, r"holds features \[5, 4\] but no ids; add an array 'ids'"),
        ({"features": np.ones((5, 4)), "meta": np.array("{}")}, "but no ids"),
        (
            {"ids": np.array(["a"]), "features": np.ones((1, 1, 4)), "meta": np.array("{")},
            "meta that is not JSON",
        ),
    ],
)
def test_an_npz_whose_parts_do_not_fit_is_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "f.npz", **arrays)
    with pytest.raises(BadFeatures, match=message):
        read_features(tmp_path / "f.npz")
