"""A real bundle of real ONNX graphs, small enough to be made in a moment, that says what colour a picture has.

Its encoder averages a picture's colours over a grid of 2 x 2; its decoder says ``a red picture`` (green, blue,
white, black), or the same in Chinese after that language's start id.
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from showtell.captioning.bundle import Bundle, write_bundle
from showtell.captioning.confidence import Calibration
from showtell.images import Preprocessing
from showtell.text.vocabulary import Vocabulary

SIDE = 32
COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
}
CHINESE = {"red": "红色", "green": "绿色", "blue": "蓝色", "white": "白色", "black": "黑色"}
PREPROCESSING = Preprocessing(size=SIDE, mean=(127.5, 127.5, 127.5), std=(127.5, 127.5, 127.5))
CALIBRATION = Calibration(
    features=("mean_log_probability", "agreement"), coefficients=(2.0, 3.0, 0.5), means=(-0.3, 0.5)
)

SEARCH = {
    "calibration": {
        "hybrid": {
            "method": "logistic",
            "features": ["similarity", "standing", "coverage", "missing", "unknown"],
            "coefficients": [-4.0, 8.0, 0.0, 8.0, 0.0, 0.0],
            "means": [0.0] * 5,
            "threshold": 0.5,
        },
        "words": {
            "method": "logistic",
            "features": ["coverage", "missing"],
            "coefficients": [-4.0, 8.0, 0.0],
            "means": [0.0] * 2,
            "threshold": 0.5,
        },
        "picture": {
            "method": "logistic",
            "features": ["similarity", "standing"],
            "coefficients": [-6.0, 8.0, 0.0],
            "means": [0.0] * 2,
            "threshold": 0.5,
        },
    }
}

_STEPS = 5  # a, colour, picture, end, end


def vocabulary(languages=("en",)):
    words = [["a", "picture", *COLOURS], ["一张", "图片", *CHINESE.values()]]
    return Vocabulary.build(words, languages=languages, minimum_count=1)


def write_tiny_bundle(folder: Path, *, languages=("en",), **changes) -> Bundle:
    """Write the bundle; `changes` replace what is in it, ``files`` its graphs and other files."""
    words = vocabulary(languages)
    settings = {
        "folder": folder,
        "name": "tiny",
        "version": "1",
        "languages": tuple(languages),
        "preprocessing": PREPROCESSING,
        "vocabulary": words,
        "decoding": {"beam": 3, "max_length": 10},
        "calibration": dict.fromkeys(languages, CALIBRATION),
        "training": {"recipe": "none: made by hand"},
        "files": graphs(words) | {"card.md": b"# A tiny captioner for tests\n"},
    } | changes
    files = settings.pop("files")
    named = {name: content for name, content in files.items() if name.endswith(".onnx")}
    others = {name: content for name, content in files.items() if name not in named}
    return write_bundle(Bundle(**settings, graphs=named), others)


def graphs(words: Vocabulary) -> dict[str, bytes]:
    return {"encoder.onnx": encoder(), "begin.onnx": begin(), "step.onnx": step(words)}


def encoder() -> bytes:
    nodes = [
        helper.make_node("AveragePool", ["pixels"], ["pooled"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("Reshape", ["pooled", "flat"], ["columns"]),  # [B, 3, 4]
        helper.make_node("Transpose", ["columns"], ["regions"], perm=[0, 2, 1]),  # [B, R, D]
    ]
    constants = {"flat": np.array([0, 3, 4])}
    return _model(nodes, {"pixels": ["B", 3, SIDE, SIDE]}, {"regions": ["B", 4, 3]}, constants)


def begin() -> bytes:
    nodes = [
        helper.make_node("Identity", ["regions"], ["state.regions"]),
        helper.make_node("ReduceSum", ["regions", "axes"], ["sums"], keepdims=0),  # [B, 3]
        helper.make_node("Cast", ["sums"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Mul", ["whole", "zero"], ["state.step"]),
        helper.make_node("Mul", ["whole", "zero"], ["state.language"]),
    ]
    constants = {"axes": np.array([1]), "zero": np.array([0])}
    outputs = {"state.regions": ["B", 4, 3], "state.step": ["B", 3], "state.language": ["B", 3]}
    return _model(nodes, {"regions": ["B", 4, 3]}, outputs, constants)


def step(words: Vocabulary) -> bytes:
    """Which table of words is read: that of the step, of the language that the start id has set."""
    nodes = [
        helper.make_node("Equal", ["tokens", "chinese"], ["starts"]),  # [B, 1]
        helper.make_node("Cast", ["starts"], ["starts_"], to=TensorProto.INT64),
        helper.make_node("Max", ["starts_", "state.language"], ["next.language"]),  # [B, 3]
        helper.make_node("Mul", ["next.language", "steps"], ["offset"]),
        helper.make_node("Add", ["offset", "state.step"], ["rows"]),
        helper.make_node("Gather", ["rows", "first"], ["row"], axis=1),  # [B]
        helper.make_node("Gather", ["table", "row"], ["base"], axis=0),  # [B, V]
        helper.make_node("Gather", ["gates", "row"], ["gate"], axis=0),  # [B, 1]
        helper.make_node("ReduceMean", ["state.regions"], ["colour"], axes=[1], keepdims=0),  # [B, 3]
        helper.make_node("MatMul", ["colour", "words"], ["scores"]),  # [B, V]
        helper.make_node("Mul", ["scores", "gate"], ["gated"]),
        helper.make_node("Add", ["base", "gated"], ["logits"]),
        helper.make_node("Add", ["state.step", "one"], ["later"]),
        helper.make_node("Min", ["later", "last"], ["next.step"]),
        helper.make_node("ReduceSum", ["state.regions", "axes"], ["light"], keepdims=0),  # [B, R]
        helper.make_node("Softmax", ["light"], ["attention"], axis=1),
    ]
    table, gates, colours = _tables(words)
    constants = {
        "chinese": np.array([words.start_ids.get("zh", -1)]),
        "steps": np.array([_STEPS]),
        "first": np.array(0),
        "table": table,
        "gates": gates,
        "words": colours,
        "one": np.array([1]),
        "last": np.array([_STEPS - 1]),
        "axes": np.array([2]),
    }
    inputs = {
        "tokens": ["N", 1],
        "state.regions": ["N", 4, 3],
        "state.step": ["N", 3],
        "state.language": ["N", 3],
    }
    outputs = {
        "logits": ["N", len(words)],
        "attention": ["N", 4],
        "next.step": ["N", 3],
        "next.language": ["N", 3],
    }
    return _model(nodes, inputs, outputs, constants)


def search_graphs(words: Vocabulary) -> dict[str, bytes]:
    """The two graphs that put pictures and queries into one space, the space of colours."""
    return {"embedder.onnx": embedder(), "text.onnx": text(words)}


def embedder() -> bytes:
    nodes = [
        helper.make_node("ReduceMean", ["regions"], ["colour"], axes=[1], keepdims=0),  # [B, 3]
        *_normalised("colour", "vector"),
    ]
    return _model(
        nodes, {"regions": ["B", 4, 3]}, {"vector": ["B", 3]}, {"least": np.array(1e-6, np.float32)}
    )


def text(words: Vocabulary) -> bytes:
    """The colours that a query names, in English and in Chinese, added up."""
    table = np.zeros((len(words), 3), np.float32)
    for names in (dict(zip(COLOURS, COLOURS, strict=True)), CHINESE):
        for colour, name in names.items():
            if name in words:
                table[words.encode([name])] = np.sign(np.array(COLOURS[colour]) - 127.5)
    nodes = [
        helper.make_node("Gather", ["table", "tokens"], ["each"], axis=0),  # [B, T, 3]
        helper.make_node("ReduceSum", ["each", "axes"], ["sums"], keepdims=0),  # [B, 3]
        *_normalised("sums", "vector"),
    ]
    constants = {"table": table, "axes": np.array([1]), "least": np.array(1e-6, np.float32)}
    return _model(nodes, {"tokens": ["B", "T"]}, {"vector": ["B", 3]}, constants)


def _normalised(name, result):
    return [
        helper.make_node("ReduceL2", [name], ["length"], axes=[1], keepdims=1),
        helper.make_node("Max", ["length", "least"], ["divisor"]),
        helper.make_node("Div", [name, "divisor"], [result]),
    ]


def _tables(words):
    """What is said at each step of each language [2 * steps, V], when colours count, and which words they are."""
    table = np.zeros((2 * _STEPS, len(words)), np.float32)
    gates = np.zeros((2 * _STEPS, 1), np.float32)
    colours = np.zeros((3, len(words)), np.float32)
    for language, (article, noun, names) in enumerate(
        (("a", "picture", dict(zip(COLOURS, COLOURS, strict=True))), ("一张", "图片", CHINESE))
    ):
        first = language * _STEPS
        named = words.encode(names.values())
        table[first, words.encode([article])] = 8
        table[first + 1, named] = 6
        gates[first + 1] = 1
        table[first + 2, words.encode([noun])] = 8
        table[first + 3 : first + 5, words.end_id] = 8
        for colour, index in zip(COLOURS, named, strict=True):
            colours[:, index] = np.sign(np.array(COLOURS[colour]) - 127.5)
    return table, gates, colours


def _model(nodes, inputs, outputs, constants) -> bytes:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [_tensor(name, shape) for name, shape in inputs.items()],
        [_tensor(name, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def _tensor(name, shape):
    whole = name.endswith((".step", ".language")) or name == "tokens"
    return helper.make_tensor_value_info(name, TensorProto.INT64 if whole else TensorProto.FLOAT, shape)
