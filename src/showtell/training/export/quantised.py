"""A graph with its matrix products and LSTMs in 8-bit integers: weights are quantised now, all else when it is run."""

import logging
import tempfile
from pathlib import Path

from onnxruntime.quantization import QuantType, quantize_dynamic


def quantised(graph: bytes) -> bytes:
    """The same graph with dynamic quantisation of its matrix products, one scale for each column of the weights.

    The weights take 7 of the 8 bits: processors without instructions for such products (VNNI) add pairs of them in 16
    bits, which would overflow.
    """
    with tempfile.TemporaryDirectory() as place:
        before, after = Path(place) / "before.onnx", Path(place) / "after.onnx"
        before.write_bytes(graph)
        logging.getLogger().addFilter(_quiet)  # it advises a preprocessing that the exporter has done
        try:
            quantize_dynamic(
                before,
                after,
                op_types_to_quantize=["MatMul", "Gemm", "LSTM"],
                per_channel=True,
                reduce_range=True,
                weight_type=QuantType.QInt8,
            )
        finally:
            logging.getLogger().removeFilter(_quiet)
        return after.read_bytes()


def _quiet(record: logging.LogRecord) -> bool:
    return "pre-processing before quantization" not in record.getMessage()
