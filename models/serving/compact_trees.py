"""The project's own format of tree ensembles: some three bytes a split, one or two a leaf, decoded in milliseconds.

A file is the four bytes ``PCT2``, a uint32 with the CRC-32 of what follows, and raw LZMA1 streams (`FILTERS`), each
ended by its own mark: a JSON header, then one stream for each array that the header lists as ``[name, dtype, length]``.
Numbers are little-endian; an array is kept plane by plane: the first byte of each number, then the second, and so on.
An empty array has no stream. The header also has ``columns`` (how many a row has), ``output`` (``sigmoid`` of the sum
of leaves, or their ``mean``) and ``single`` (columns are rounded to float32 before they are compared).

Trees lie one after the other, each in preorder, left before right:

- ``shape``: bits, eight to a byte and the first one lowest: 1 is a split, 0 a leaf; a tree ends by itself;
- ``column``, ``decision``, ``place``, a value a split; the last two not in preorder but column by column, and within
  a column in preorder. ``decision`` is LightGBM's: bit 0 the split is on a category, bit 1 what is missing goes left,
  bits 2 and 3 what counts as missing: 0 nothing (NaN is taken as 0), 1 zero and NaN, 2 NaN. A number goes left when
  it is at most the threshold at ``place`` among those of its column; an integer code when its bit is set in the set
  number ``place``;
- ``leaf``, a uint8 or uint16 a leaf: the value is ``low + leaf * step`` with the tree's own ``low`` and ``step``.

Thresholds, distinct and ascending, column by column: ``thresholds`` says how many a column has, ``kind`` how each is
kept: 0 in ``exact`` (float32), 1 as the float64 just above a value of ``exact``, 2 in ``wide`` (float64); both arrays
are read from the front. Nothing is rounded. Sets: ``words`` says how many 32-bit words each has in ``bits``.

Files that begin with ``PCT1`` are read as well: the arrays lie in one ``.xz`` stream, number by number, after the
header and its length, and all that has a value a split is in preorder.
"""

from __future__ import annotations

import json
import lzma
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import EngineError
from .types import Floats

MAGIC, BEFORE = b"PCT2", b"PCT1"
FILTERS = [{"id": lzma.FILTER_LZMA1, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "lp": 0, "pb": 0}]  # of bytes alone
BY_COLUMN = ("decision", "place")
ON_CATEGORY = 1
OUTPUTS = ("sigmoid", "mean")

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Tree:
    """A binary tree; splits and leaves are numbered from 0, each in preorder."""

    column: Integers
    """Shape (n_splits,): column of each split."""
    decision: Integers
    """Shape (n_splits,): LightGBM's bits."""
    threshold: Floats
    """Shape (n_splits,): where numbers part; NaN in splits on a category."""
    members: tuple[tuple[int, ...] | None, ...]
    """32-bit words of the set of codes that go left, for each split; None in splits on a number."""
    left: Integers
    """Shape (n_splits,): the child; ``~leaf`` where it is a leaf."""
    right: Integers
    """Shape (n_splits,): the other child."""
    leaf: Floats
    """Shape (n_splits + 1,): values."""


@dataclass(frozen=True)
class TreeEnsemble:
    """Trees whose leaves are added up, or averaged."""

    trees: tuple[Tree, ...]
    n_columns: int
    output: str
    """``sigmoid`` or ``mean``."""
    single: bool
    """Whether columns are rounded to float32 before they are compared."""


def decode(content: bytes) -> TreeEnsemble:
    """Read a file's content.

    Raises
    ------
    EngineError
        When it is not of this format.
    """
    magic, rest = content[: len(MAGIC)], content[len(MAGIC) :]
    if magic not in (MAGIC, BEFORE):
        raise EngineError(f"compact trees: expected a file that begins with {MAGIC!r}, got {magic!r}")
    try:
        header, arrays = _unpack(rest) if magic == MAGIC else _unpack_before(rest)
        return _checked(TreeEnsemble(_trees(arrays), header["columns"], header["output"], header["single"]))
    except (lzma.LZMAError, EOFError, ValueError, LookupError, TypeError, OverflowError, StopIteration) as error:
        raise EngineError(f"compact trees: the file is damaged: {error!r}") from None


def _checked(ensemble: TreeEnsemble) -> TreeEnsemble:
    """Refuse what would have the library read beside a row."""
    if ensemble.output not in OUTPUTS or not isinstance(ensemble.single, bool):
        raise ValueError(f"expected output {' or '.join(OUTPUTS)}, got {ensemble.output!r}")
    highest = max((int(tree.column.max(initial=-1)) for tree in ensemble.trees), default=-1)
    if not isinstance(ensemble.n_columns, int) or highest >= ensemble.n_columns:
        raise ValueError(f"expected columns below {ensemble.n_columns}, got {highest}")
    return ensemble


def _unpack(content: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    if int.from_bytes(content[:4], "little") != zlib.crc32(content[4:]):
        raise ValueError("the CRC-32 is another")
    told, rest = _stream(content[4:])
    header = json.loads(told)
    arrays = {}
    for name, dtype, length in header["arrays"]:
        arrays[name] = np.empty(length, dtype)
        if length:
            planes, rest = _stream(rest)
            arrays[name].view(np.uint8).reshape(length, -1).T[:] = np.frombuffer(planes, np.uint8).reshape(-1, length)
    by_column = np.argsort(arrays["column"], kind="stable")
    for name in BY_COLUMN:
        of_column, arrays[name] = arrays[name], np.empty_like(arrays[name])
        arrays[name][by_column] = of_column
    return header, arrays


def _stream(content: bytes) -> tuple[bytes, bytes]:
    """Read one stream from the front; gives what it holds, and the rest."""
    reader = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=FILTERS)
    held = reader.decompress(content)
    if not reader.eof:
        raise ValueError("a stream has no end")
    return held, reader.unused_data


def _unpack_before(content: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    payload = lzma.decompress(content, lzma.FORMAT_XZ)
    start = 4 + int.from_bytes(payload[:4], "little")
    header = json.loads(payload[4:start])
    arrays = {}
    for name, dtype, length in header["arrays"]:
        arrays[name] = np.frombuffer(payload, dtype, length, start)
        start += arrays[name].nbytes
    return header, arrays


def _trees(arrays: dict[str, NDArray[Any]]) -> tuple[Tree, ...]:
    column, decision, place = (arrays[name].astype(np.int64) for name in ("column", "decision", "place"))
    on_category = (decision & ON_CATEGORY) == 1
    first = np.concatenate([[0], np.cumsum(arrays["thresholds"], dtype=np.int64)])
    threshold = np.full(len(column), np.nan)
    number = ~on_category
    threshold[number] = _thresholds(arrays)[first[column[number]] + place[number]]
    sets = [tuple(words.tolist()) for words in np.split(arrays["bits"], np.cumsum(arrays["words"])[:-1])]
    bits = iter(np.unpackbits(arrays["shape"], bitorder="little").tolist())
    trees, split, leaf = [], 0, 0
    for low, step in zip(arrays["low"].tolist(), arrays["step"].tolist(), strict=True):
        left, right = _children(bits)
        of_tree, leaves = slice(split, split + len(left)), slice(leaf, leaf + len(left) + 1)
        members = tuple(
            sets[at] if named else None
            for at, named in zip(place[of_tree].tolist(), on_category[of_tree].tolist(), strict=True)
        )
        values = low + arrays["leaf"][leaves] * step
        trees.append(Tree(column[of_tree], decision[of_tree], threshold[of_tree], members, left, right, values))
        split, leaf = of_tree.stop, leaves.stop
    if (split, leaf) != (len(column), len(arrays["leaf"])):
        raise ValueError(f"expected {len(column)} splits and {len(arrays['leaf'])} leaves, got {split} and {leaf}")
    return tuple(trees)


def _thresholds(arrays: dict[str, NDArray[Any]]) -> Floats:
    kind, exact = arrays["kind"], arrays["exact"].astype(np.float64)
    values = np.empty(len(kind))
    narrow = kind < 2
    values[narrow] = np.where(kind[narrow] == 1, np.nextafter(exact, np.inf), exact)
    values[~narrow] = arrays["wide"]
    return values


def _children(bits: Any) -> tuple[Integers, Integers]:
    """Read the shape of one tree; gives each split's children."""
    left: list[int] = []
    right: list[int] = []
    leaves = 0
    open_splits: list[tuple[int, list[int]]] = []  # whose right child is still to come
    waiting: tuple[int, list[int]] | None = None  # whose child is next
    while True:
        if next(bits):
            node = len(left)
            left.append(0)
            right.append(0)
        else:
            node, leaves = ~leaves, leaves + 1
        if waiting is not None:
            waiting[1][waiting[0]] = node
        if node >= 0:
            open_splits.append((node, right))
            waiting = (node, left)
        elif open_splits:
            waiting = open_splits.pop()
        else:
            return np.array(left, dtype=np.int64), np.array(right, dtype=np.int64)
