"""A graph with its matrix products in 8-bit integers: weights are quantised now, what is multiplied when it is run."""

import logging
import tempfile
from pathlib import Path

from onnxruntime.quantization import QuantType, quantize_dynamic


def quantised(graph: bytes) -> bytes:
    """The same graph with dynamic quantisation of its matrix products, one scale for each column of the weights."""
    with tempfile.TemporaryDirectory() as place:
        before, after = Path(place) / "before.onnx", Path(place) / "after.onnx"
        before.write_bytes(graph)
        logging.getLogger().addFilter(_quiet)  # it advises a preprocessing that the exporter has done
        try:
            quantize_dynamic(
                before,
                after,
                op_types_to_quantize=["MatMul", "Gemm"],
                per_channel=True,
                weight_type=QuantType.QInt8,
            )
        finally:
            logging.getLogger().removeFilter(_quiet)
        return after.read_bytes()


def _quiet(record: logging.LogRecord) -> bool:
    return "pre-processing before quantization" not in record.getMessage()
