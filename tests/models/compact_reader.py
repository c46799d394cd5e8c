"""An independent reader of compact trees, from the words of the format alone: slow, and without numpy."""

from __future__ import annotations

import json
import lzma
import math
import struct
import zlib
from typing import Any

CODES = {"|u1": "B", "<u1": "B", "<u2": "H", "<u4": "I", "<f4": "f", "<f8": "d"}


def next_up(value: float) -> float:
    return math.nextafter(value, math.inf)


def as_single(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", min(max(value, -1e30), 1e30)))[0])


class SlowTrees:
    """Predict row by row, walking bits."""

    def __init__(self, content: bytes) -> None:
        magic, (crc,) = content[:4], struct.unpack("<I", content[4:8])
        assert magic == b"PCT2"
        assert crc == zlib.crc32(content[8:])
        self.rest = content[8:]
        self.header = json.loads(self.stream())
        arrays = {}
        for name, dtype, n in self.header["arrays"]:
            planes, size = self.stream() if n else b"", struct.calcsize(CODES[dtype])
            numbers = bytes(planes[plane * n + at] for at in range(n) for plane in range(size))
            arrays[name] = struct.unpack(f"<{n}{CODES[dtype]}", numbers)
        assert not self.rest, "nothing is left over"
        for name in ("decision", "place"):
            in_order = sorted(range(len(arrays["column"])), key=lambda split: (arrays["column"][split], split))
            arrays[name] = tuple(value for _, value in sorted(zip(in_order, arrays[name], strict=True)))
        self.arrays: dict[str, tuple[Any, ...]] = arrays
        exact, wide = iter(arrays["exact"]), iter(arrays["wide"])
        values = [
            (next(wide) if kind == 2 else next_up(next(exact)) if kind else next(exact)) for kind in arrays["kind"]
        ]
        self.thresholds = []
        for n in arrays["thresholds"]:
            self.thresholds.append(values[:n])
            values = values[n:]
        words, self.sets = list(arrays["bits"]), []
        for n in arrays["words"]:
            self.sets.append(words[:n])
            words = words[n:]
        self.bits = [byte >> place & 1 for byte in arrays["shape"] for place in range(8)]

    def stream(self) -> bytes:
        """Read one stream from the front of what is left."""
        filters = [{"id": lzma.FILTER_LZMA1, "lc": 0, "lp": 0, "pb": 0}]
        reader = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
        held = reader.decompress(self.rest)
        assert reader.eof
        self.rest = reader.unused_data
        return held

    def predict(self, row: list[float]) -> float:
        if self.header["single"]:
            row = [as_single(value) for value in row]
        self.bit = self.split = self.leaf = 0
        trees = range(len(self.arrays["low"]))
        total = sum(
            self.arrays["low"][tree] + self.walk(row, wanted=True) * self.arrays["step"][tree] for tree in trees
        )
        return total / len(trees) if self.header["output"] == "mean" else 1 / (1 + math.exp(-total))

    def walk(self, row: list[float], *, wanted: bool) -> int:
        """Read one subtree from the front of what is left; gives its leaf where it is wanted."""
        self.bit += 1
        if not self.bits[self.bit - 1]:
            self.leaf += 1
            return int(self.arrays["leaf"][self.leaf - 1])
        split, self.split = self.split, self.split + 1
        left = wanted and self.goes_left(split, row)
        on_left = self.walk(row, wanted=wanted and left)
        on_right = self.walk(row, wanted=wanted and not left)
        return on_left if left else on_right

    def goes_left(self, split: int, row: list[float]) -> bool:
        column, decision, place = (self.arrays[name][split] for name in ("column", "decision", "place"))
        value = row[column]
        if decision & 1:
            words = self.sets[place]
            code = -1 if math.isnan(value) else int(value)
            return 0 <= code < 32 * len(words) and bool(words[code // 32] >> code % 32 & 1)
        missing = decision >> 2 & 3
        if math.isnan(value) and missing != 2:
            value = 0.0
        if (missing == 2 and math.isnan(value)) or (missing == 1 and abs(value) <= 1e-35):
            return bool(decision & 2)
        return bool(value <= self.thresholds[column][place])
