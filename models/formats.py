"""A model in the formats that others would keep it or serve it in."""

from __future__ import annotations

import io
import re
from zipfile import ZipFile

import joblib
import pyarrow as pa

from models.click_model import ClickModel

COMPRESSIONS = {"zlib": 6, "xz": 6}
"""How joblib compresses a pickle, and how hard: each library's own default."""
ZSTD_LEVEL = 19
"""The hardest that zstd's own command takes without being asked twice."""
SKOPS_SCHEMA = "schema.json"
PLACE = r'(?<="__id__": )\d+|(?<="file": ")\d+'
"""Where skops' schema says where an object lay in memory."""


def all_formats(model: ClickModel) -> dict[str, bytes]:
    """Give the contents of a model in every format but that in which it is served.

    Returns
    -------
    dict
        ``joblib``, ``joblib_zlib`` and ``joblib_xz``, ``skops`` (see `to_skops`), the family's own (see
        `FittedModel.to_others`), and ``onnx_zstd`` where there is ``onnx``.
    """
    contents = {"joblib": _pickled(model)}
    contents |= {f"joblib_{method}": _pickled(model, (method, level)) for method, level in COMPRESSIONS.items()}
    contents["skops"] = to_skops(model)
    contents |= model.model.to_others()
    if "onnx" in contents:
        contents["onnx_zstd"] = pa.Codec("zstd", compression_level=ZSTD_LEVEL).compress(contents["onnx"], asbytes=True)
    return contents


def to_skops(model: ClickModel) -> bytes:
    """Give a click model in skops' format, which runs no code that the reader did not name as trusted.

    It is not compressed, as skops leaves it; it holds LightGBM's trees as their text.
    """
    from skops.io import dumps  # one to two seconds

    return _numbered(dumps(model))


def _numbered(content: bytes) -> bytes:
    """Name the objects of a skops file by number, not by where they lay in memory: equal models have equal sizes."""
    numbers: dict[str, str] = {}

    def number(place: re.Match[str]) -> str:
        return numbers.setdefault(place[0], str(len(numbers)))

    numbered = io.BytesIO()
    with ZipFile(io.BytesIO(content)) as found, ZipFile(numbered, "w") as written:
        schema = re.sub(PLACE, number, found.read(SKOPS_SCHEMA).decode())
        for name in found.namelist():
            if name != SKOPS_SCHEMA:
                written.writestr(re.sub(r"^\d+", number, name), found.read(name))
        written.writestr(SKOPS_SCHEMA, schema)
    return numbered.getvalue()


def _pickled(model: ClickModel, compress: tuple[str, int] | int = 0) -> bytes:
    pickled = io.BytesIO()
    joblib.dump(model, pickled, compress=compress)
    return pickled.getvalue()
