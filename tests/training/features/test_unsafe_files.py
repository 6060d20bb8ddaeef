"""Files of features that were made to do harm do none."""

import collections
import contextlib
import io
import os
import pickle
import struct
import subprocess
import zipfile

import numpy as np
import pytest

from showtell.errors import BadFeatures
from showtell.training.features.files import read_features


@pytest.fixture
def path(tmp_path):
    return tmp_path / "features.pkl"


class Calls:
    """Pickles as a call of a function: the usual weapon."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def reached(*names: str) -> bytes:
    """The opcodes that look a dotted name up under protocol 4: a.b.c in one go."""
    return b"".join(map(text, names)) + b"\x93"


MARKER = "harm-was-done"

HARM = {
    "os.system": (Calls(os.system, f"touch {MARKER}"), r"names posix\.system, which could be run as code"),
    "eval": (Calls(eval, f"open({MARKER!r}, 'w')"), r"names (builtins|__builtin__)\.eval"),
    "exec": (Calls(exec, f"open({MARKER!r}, 'w')"), r"names (builtins|__builtin__)\.exec"),
    "open": (Calls(open, MARKER, "w"), r"names (_io|io)\.open"),
    "getattr": (Calls(getattr, print, "__self__"), r"names (builtins|__builtin__)\.(getattr|print)"),
    "import": (Calls(__import__, "os"), r"names (builtins|__builtin__)\.__import__"),
    "subprocess": (Calls(subprocess.Popen, ["touch", MARKER]), r"names (subprocess|commands)\.Popen"),
    "unpickling again": (
        Calls(pickle.loads, pickle.dumps(Calls(os.system, f"touch {MARKER}"))),
        r"names (_pickle|pickle|cPickle)\.loads",
    ),
    "numpy.load": (Calls(np.load, "other.npy", None, True), r"names numpy\.load"),
    "numpy.frompyfunc": (Calls(np.frompyfunc, print, 1, 1), r"names numpy\.frompyfunc"),
    "memmap": (Calls(np.memmap, MARKER, "u1", "w+", 0, 10), r"names numpy\.memmap"),
    "bytearray of gigabytes": (Calls(bytearray, 2**40), r"names (builtins|__builtin__)\.bytearray"),
    "an object's reduce inside an array": (
        np.array([[Calls(os.system, f"touch {MARKER}")]], dtype=object),
        r"dtype 'O8'|posix\.system",
    ),
    "an array of objects": (
        np.array([{}, None], dtype=object),
        "holds arrays of dtype 'O8', expected numbers",
    ),
    "a masked array": (np.ma.masked_array([1.0, 2.0], [0, 1]), r"names numpy\.ma"),
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", HARM)
def test_a_name_that_could_be_run_is_refused_and_not_run(path, monkeypatch, name, protocol):
    monkeypatch.chdir(path.parent)
    value, message = HARM[name]
    for hidden in (value, {"a": value}, {"a": np.ones((1, 4)), "b": [(value,)]}, [value, value]):
        path.write_bytes(pickle.dumps(hidden, protocol=protocol))
        with pytest.raises(BadFeatures, match=message):
            read_features(path)
    assert os.listdir(path.parent) == [path.name]


BY_HAND = {
    "INST": b"(S'touch harm-was-done'\nios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nS'touch harm-was-done'\no.",
    "a stack global of a method": b"\x80\x04" + reached("builtins", "str.format") + b".",
    "an attribute of numpy": b"\x80\x04" + reached("numpy", "ndarray.tofile") + b".",
    "the module that numpy imports": b"\x80\x04" + reached("numpy", "os.system") + b".",
    "numpy.core.multiarray's own imports": b"\x80\x04" + reached("numpy.core.multiarray", "os.system") + b".",
    "getattr of os": b"cbuiltins\ngetattr\n(cos\nsystem\nS'x'\ntR.",
    "python 2's names": b"c__builtin__\neval\n(S'1'\ntR.",
    "copyreg": b"ccopy_reg\n_reconstructor\n(cnumpy\nndarray\nc__builtin__\nobject\nNtR.",
    "NEWOBJ of an admitted name": b"\x80\x02cnumpy\ndtype\n)\x81.",
    "a persistent id": b"Pos.system\n.",
    "an extension": b"\x80\x02\x82\x01.",
    "a memoised name": b"cos\nsystem\nq\x000h\x00(S'touch harm-was-done'\ntR.",
    "state that changes a function": b"ccollections\nOrderedDict\n(N}S'make'\ncnumpy\nndarray\nstb.",
    "state with attributes of a function": b"ccollections\nOrderedDict\n}S'make'\nNsb.",
    "codecs that decompress": b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x03\x00\x00\x00zlibtR.",
    "codecs.decode": b"c_codecs\ndecode\n(S'x'\nS'hex'\ntR.",
    "an array of the state's own type": b"cnumpy\nndarray\n(I1\nS'O'\nS'12345678'\ntR.",
    "scalar of an object": b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'O8'\nI0\nI1\ntRS'cos\nsystem\n.'\ntR.",
    "dtype whose state has fields": (
        b"cnumpy\ndtype\n(S'f4'\nI0\nI1\ntR(I3\nS'<'\nN(S'x'\nt}S'x'\n(NI0\ntsI8\nI1\nI0\ntb."
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("inside", [False, True])
def test_pickles_written_by_hand_are_refused(path, monkeypatch, name, inside):
    monkeypatch.chdir(path.parent)
    opcodes = BY_HAND[name]
    if inside:  # as the value of an id
        protocol, body = (opcodes[:2], opcodes[2:-1]) if opcodes[0] == 0x80 else (b"", opcodes[:-1])
        opcodes = protocol + b"}" + text("a") + body + b"s."
    path.write_bytes(opcodes)
    with pytest.raises(BadFeatures) as refused:
        read_features(path)
    assert str(path) in str(refused.value)
    assert os.listdir(path.parent) == [path.name]


def test_a_dtype_whose_flags_lie_cannot_make_bytes_into_pointers(path):
    # numpy itself would take the eight bytes for the address of an object, and crash or worse.
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    lying = b"cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR(I3\nS'|'\nNNNI8\nI8\nI0\ntb"
    path.write_bytes(b"}S'a'\n" + array + b"(I1\n(I1\nt" + lying + b"I00\nS'AAAAAAAA'\ntbs.")
    with pytest.raises(BadFeatures, match="dtype 'O8'"):
        read_features(path)


@pytest.mark.parametrize(
    "shape", [b"(I1000000000\nI1000000000\nt", b"(I-1\nt", b"(S'x'\nt", b"N", b"(I2\nt", b"(F1.0\nt"]
)
def test_a_shape_that_its_bytes_do_not_fill_is_refused(path, shape):
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
    dtype = b"cnumpy\ndtype\n(S'f4'\nI0\nI1\ntR"
    path.write_bytes(b"}S'a'\n" + array + b"(I1\n" + shape + dtype + b"I00\nS'AAAA'\ntbs.")
    with pytest.raises(BadFeatures, match="features of a that are"):
        read_features(path)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "bomb",
    [
        b"Nr\xff\xff\xff\x7f.",  # memo number 2,147,483,647: the unpickler in C would take 32 GiB
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",  # bytes of length 2**63 - 1
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.",  # a frame of that length
        b"\x80\x05\x96\x00\x00\x00\x00\x00\x01\x00\x00.",  # a bytearray of a tebibyte
        b"(" * 10_000 + b".",
        b"]" + b"]a" * 5_000 + b".",
        b"I" + b"9" * 100_000 + b"\n.",
    ],
)
def test_a_few_bytes_cannot_take_all_the_memory(path, bomb):
    path.write_bytes(bomb)
    with pytest.raises(BadFeatures):
        read_features(path)


def test_one_large_array_under_many_ids_is_counted_before_it_is_copied(path):
    array = np.zeros(2**20, np.float32)
    path.write_bytes(pickle.dumps({str(n): array for n in range(5_000)}))  # 20 GB from a megabyte
    with pytest.raises(BadFeatures, match="holds more than 17,179,869,184 bytes of features"):
        read_features(path)


def test_one_pickle_leaves_nothing_behind_for_the_next(path):
    path.write_bytes(BY_HAND["state that changes a function"])
    with pytest.raises(BadFeatures):
        read_features(path)
    path.write_bytes(pickle.dumps(collections.OrderedDict(a=np.ones((1, 2)))))
    assert read_features(path).ids == ("a",)


def test_damaged_pickles_raise_bad_features_and_nothing_else(path):
    whole = pickle.dumps({str(n): np.full((1, 4), n, np.float32) for n in range(3)})
    chance = np.random.default_rng(1)
    for _ in range(500):
        damaged = bytearray(whole)
        for _ in range(chance.integers(1, 4)):
            damaged[chance.integers(len(whole))] = chance.integers(256)
        path.write_bytes(damaged)
        with contextlib.suppress(BadFeatures):
            read_features(path)


def test_an_npz_with_pickled_objects_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "f.npz"
    np.savez(path, a=np.array([Calls(os.system, f"touch {MARKER}")], dtype=object))
    with pytest.raises(
        BadFeatures, match=r"not a whole \.npz file of arrays: Object arrays cannot be loaded"
    ):
        read_features(path)
    with zipfile.ZipFile(path, "w") as archive:  # a pickle in place of an array
        archive.writestr("a.npy", pickle.dumps(Calls(os.system, f"touch {MARKER}")))
    with pytest.raises(BadFeatures):
        read_features(path)
    assert os.listdir(tmp_path) == [path.name]


def test_an_npz_that_unpacks_to_gigabytes_or_lies_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "f.npz"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (2**50,)})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", header.getvalue() + bytes(1000))
    with pytest.raises(BadFeatures):
        read_features(path)
    monkeypatch.setattr("showtell.training.features.files.LARGEST", 1000)
    np.savez_compressed(path, a=np.zeros((1, 1000), np.float32))
    with pytest.raises(BadFeatures, match="unpacks to more than 1,000 bytes"):
        read_features(path)


def npy(header: bytes, data: bytes = b"") -> bytes:
    """A .npy file of version 1.0 whose header says what it likes."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


@pytest.mark.parametrize(
    "member",
    [
        npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (%d,)}\n" % 2**70),
        npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}\n", bytes(8)),
        npy(b"[" * 500 + b"\n"),
        npy(b"{'descr': " + b"(" * 5000 + b"\n"),
        npy(b"{'descr': '<f4', 'fortran_order': False, 'shape': " + b"9" * 5000 + b"}\n"),
    ],
    ids=["2**70 numbers", "under none", "open brackets", "more open brackets", "a number of 5,000 digits"],
)
def test_an_npz_whose_headers_were_made_up_is_refused(tmp_path, member):
    path = tmp_path / "f.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", member)
    with pytest.raises(BadFeatures, match=r"is not a whole \.npz file of arrays"):
        read_features(path)


@pytest.mark.parametrize("how", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_packing_raises_bad_features_and_nothing_else(tmp_path, how):
    path = tmp_path / "f.npz"
    array = io.BytesIO()
    np.save(array, np.random.default_rng(0).normal(size=(1, 500)).astype(np.float32))
    with zipfile.ZipFile(path, "w", how) as archive:
        archive.writestr("a.npy", array.getvalue())
    whole = path.read_bytes()
    for place in range(40, 400, 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with contextlib.suppress(BadFeatures):
            read_features(path)
