"""One measurement at a time: fit, encode, predict; a finished one is a line of JSON and is never done again."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tests.benchmarks.embeddings.data import Data
from tests.benchmarks.embeddings.downstream import Downstream
from tests.benchmarks.embeddings.grid import Method, Settings

HELD_OUT_SHARE = 0.1


@dataclass(frozen=True)
class Cell:
    """What is measured."""

    method: str
    budget: int
    settings: Settings
    seed: int

    @property
    def key(self) -> str:
        """A name for files, the same for the same cell."""
        return sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


class Bench:
    """Runs cells on one lake's data, and remembers.

    Parameters
    ----------
    data : Data
    downstream : Downstream
    folder : Path
        `cells.jsonl`, one line a finished cell, and `losses/`, each one's log-loss of every hold-out row.
    """

    def __init__(self, data: Data, downstream: Downstream, folder: Path) -> None:
        self.data, self.downstream = data, downstream
        self.file, self.losses = folder / "cells.jsonl", folder / "losses"
        self.losses.mkdir(parents=True, exist_ok=True)
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        self.done = {line["key"]: line for line in map(json.loads, lines)}
        order = np.random.default_rng(0).permutation(data.learn.shape[0])
        n_held_out = int(len(order) * HELD_OUT_SHARE)
        self.learn, self.held_out = data.learn[np.sort(order[n_held_out:])], data.learn[np.sort(order[:n_held_out])]

    def run(self, method: Method, budget: int, settings: Settings, seed: int) -> dict[str, Any]:
        """Give a cell's result, measured now if it was not before."""
        cell = Cell(method.name, budget, settings, seed)
        if cell.key not in self.done:
            started = perf_counter()
            with threadpool_limits(limits=1):
                embedding = method.fit(self.learn, budget, seed, **settings)
                fitted = perf_counter()
                codes = embedding.encode(self.data.requests)
                encoded = perf_counter()
                about = {
                    "bytes": embedding.bytes_per_user(codes),
                    "fvu": embedding.fvu(self.held_out),
                    "users_per_s": self.data.requests.shape[0] / (encoded - fitted),
                    "train_s": fitted - started,
                }
            self._finish(cell, codes, about)
        return self.done[cell.key]

    def run_codes(self, name: str, codes: sp.csr_matrix | NDArray[np.float32] | None, seed: int) -> dict[str, Any]:
        """Give the result of codes that nobody had to learn."""
        cell = Cell(name, 0, {}, seed)
        if cell.key not in self.done:
            self._finish(cell, codes, {"bytes": 0 if codes is None else None, "fvu": None})
        return self.done[cell.key]

    def row_losses(self, results: list[dict[str, Any]]) -> NDArray[np.float64]:
        """Give the log-loss of each hold-out row, averaged over the seeds of one method."""
        return np.mean([np.load(self.losses / f"{one['key']}.npy").astype(np.float64) for one in results], axis=0)

    def _finish(self, cell: Cell, codes: sp.csr_matrix | NDArray[np.float32] | None, about: dict[str, Any]) -> None:
        outcome = asdict(self.downstream.measure(codes, cell.seed))
        np.save(self.losses / f"{cell.key}.npy", outcome.pop("losses"))
        line = {"key": cell.key, **asdict(cell), **about, **outcome}
        with self.file.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self.done[cell.key] = line
        said = f"validation {line['validation_log_loss']:.5f}, hold-out AUC {line['holdout_auc']:.4f}"
        print(f"{cell.method}, {cell.budget} bytes, {dict(cell.settings)}, seed {cell.seed}: {said}", file=sys.stderr)
