"""What ONNX models have in common: float32 columns in, probabilities of no click and click out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.serving.onnx_engine import INPUT, OUTPUT

OPSETS = {"": 17, "ai.onnx.ml": 5}
IR_VERSION = 10


def to_model(nodes: Sequence[Any], numbers: Sequence[Any], n_columns: int) -> bytes:
    """Write nodes that make ``click``, of shape (n_rows, 1), as an ONNX model.

    Parameters
    ----------
    nodes : sequence of onnx.NodeProto
        They read ``columns``.
    numbers : sequence of onnx.TensorProto
        Constants that they read besides.
    n_columns : int
        How many columns a row has.
    """
    from onnx import TensorProto, helper  # a second, and only training needs it

    ends = [
        helper.make_node("Sub", ["one", "click"], ["no_click"]),
        helper.make_node("Concat", ["no_click", "click"], [OUTPUT], axis=1),
    ]
    graph = helper.make_graph(
        [*nodes, *ends],
        "click",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, n_columns])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 2])],
        [*numbers, tensor(np.ones(1), "one")],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION).SerializeToString())


def tensor(values: NDArray[Any], name: str | None = None) -> Any:
    """Give numbers as ONNX keeps them, float64 as float32."""
    from onnx import numpy_helper

    return numpy_helper.from_array(values.astype(np.float32) if values.dtype == np.float64 else values, name)
