"""Logistic regression as ONNX, in float32 as ONNX tools do."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.onnx_graph import tensor, to_model
from models.serving.onnx_engine import INPUT


def linear_to_onnx(model: dict[str, Any]) -> bytes:
    """Write what ``models.serving.logistic_engine`` reads as an ONNX model: the same terms, in the same order.

    Parameters
    ----------
    model : dict
        The JSON that the engine reads; every column of a row is among its numeric or categorical ones.
    """
    from onnx import helper  # a second, and only training needs it

    numeric, categorical = model["numeric"], model["categorical"]
    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("Gather", [INPUT, "positions"], "x", {"axis": 1}),
        ("Abs", ["x"], "size", {}),
        ("Add", ["size", "one"], "above_one", {}),
        ("Log", ["above_one"], "log", {}),
        ("Sign", ["x"], "sign", {}),
        ("Mul", ["log", "sign"], "signed", {}),
        ("Sub", ["signed", "mean"], "centred", {}),
        ("Div", ["centred", "scale"], "scaled", {}),
        ("Clip", ["scaled", "lowest", "highest"], "clipped", {}),
        ("Mul", ["clipped", "weight"], "weighted", {}),
        ("IsNaN", ["x"], "is_missing", {}),
        ("Where", ["is_missing", "missing", "weighted"], "terms", {}),
        ("ReduceSum", ["terms", "last_axis"], "of_numbers", {"keepdims": 1}),
        ("Gather", [INPUT, "coded"], "codes", {"axis": 1}),
        ("Add", ["codes", "first_weight"], "place", {}),
        ("Cast", ["place"], "index", {"to": 7}),  # int64
        ("Gather", ["weight_of_code", "index"], "weights", {"axis": 0}),
        ("ReduceSum", ["weights", "last_axis"], "of_codes", {"keepdims": 1}),
        ("Add", ["of_numbers", "of_codes"], "of_columns", {}),
        ("Add", ["of_columns", "intercept"], "score", {}),
        ("Sigmoid", ["score"], "click", {}),
    ]
    weights = [weight for entry in categorical for weight in entry["weights"]]
    constants = {
        "positions": np.array(numeric["positions"], dtype=np.int64),
        **{name: np.array(numeric[name], dtype=np.float64) for name in ("mean", "scale", "weight", "missing")},
        "lowest": np.array(-model["clip"]),
        "highest": np.array(model["clip"]),
        "last_axis": np.array([1], dtype=np.int64),
        "coded": np.array([entry["position"] for entry in categorical], dtype=np.int64),
        "first_weight": np.cumsum([0.0, *(len(entry["weights"]) for entry in categorical)])[:-1],
        "weight_of_code": np.array(weights or [0.0]),
        "intercept": np.array([model["intercept"]]),
    }
    nodes = [helper.make_node(kind, reads, [gives], **more) for kind, reads, gives, more in steps]
    n_columns = len(numeric["positions"]) + len(categorical)
    return to_model(nodes, [tensor(values, name) for name, values in constants.items()], n_columns)
