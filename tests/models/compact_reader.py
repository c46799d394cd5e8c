"""An independent reader of compact trees, from the words of the format alone: slow, and without numpy."""

from __future__ import annotations

import json
import lzma
import math
import struct
from typing import Any

CODES = {"|u1": "B", "<u1": "B", "<u2": "H", "<u4": "I", "<f4": "f", "<f8": "d"}


def next_up(value: float) -> float:
    return math.nextafter(value, math.inf)


def as_single(value: float) -> float:
    return float(struct.unpack("<f", struct.pack("<f", min(max(value, -1e30), 1e30)))[0])


class SlowTrees:
    """Predict row by row, walking bits."""

    def __init__(self, content: bytes) -> None:
        assert content[:4] == b"PCT1"
        payload = lzma.decompress(content[4:])
        (length,) = struct.unpack("<I", payload[:4])
        self.header = json.loads(payload[4 : 4 + length])
        at, arrays = 4 + length, {}
        for name, dtype, n in self.header["arrays"]:
            form = f"<{n}{CODES[dtype]}"
            arrays[name] = struct.unpack_from(form, payload, at)
            at += struct.calcsize(form)
        assert at == len(payload), "nothing is left over"
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
