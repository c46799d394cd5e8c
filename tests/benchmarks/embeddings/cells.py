"""One measurement at a time: fit, encode, predict; a finished one is a line of JSON and is not done again.

Unless data or code have changed since: a line says what it was measured with.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tests.benchmarks.embeddings.data import Data, digest_of
from tests.benchmarks.embeddings.downstream import Codes, Downstream
from tests.benchmarks.embeddings.grid import Method, Settings
from tests.benchmarks.embeddings.stability import Agreement, Kept, agreement

HELD_OUT_SHARE = 0.1
MODELS = Path(__file__).parents[3] / "models"
CODE = sorted(
    [*(MODELS / "autoencoder").rglob("*.py"), MODELS / "boosted_trees.py", *Path(__file__).parent.glob("*.py")]
)
"""What decides a measurement, besides the data."""


@dataclass(frozen=True)
class Cell:
    """What is measured."""

    method: Method
    budget: int
    settings: Settings
    seed: int

    @property
    def about(self) -> dict[str, Any]:
        """What identifies the cell."""
        return {"method": self.method.name, "budget": self.budget, "settings": dict(self.settings), "seed": self.seed}

    @property
    def key(self) -> str:
        """A name for files, the same for the same cell."""
        return sha256(json.dumps(self.about, sort_keys=True).encode()).hexdigest()[:16]


class Bench:
    """Runs cells on one lake's data, and remembers.

    Parameters
    ----------
    data : Data
    downstream : Downstream
    folder : Path
        `cells.jsonl`, one line a finished cell; `losses/`, each one's log-loss of every hold-out row; and `learned/`,
        what each one learned.
    """

    def __init__(self, data: Data, downstream: Downstream, folder: Path) -> None:
        self.data, self.downstream = data, downstream
        self.file, self.losses = folder / "cells.jsonl", folder / "losses"
        self.learned = folder / "learned"
        for one in (self.losses, self.learned):
            one.mkdir(parents=True, exist_ok=True)
        self.basis = f"{data.digest} {digest_of(CODE)}"
        self.done = {line["key"]: line for line in self._lines() if line.get("basis") == self.basis}
        order = np.random.default_rng(0).permutation(data.learn.shape[0])
        n_held_out = int(len(order) * HELD_OUT_SHARE)
        self.learn, self.held_out = data.learn[np.sort(order[n_held_out:])], data.learn[np.sort(order[:n_held_out])]

    def has(self, cell: Cell) -> bool:
        """Say whether a cell was measured, with today's data and code."""
        return cell.key in self.done

    def run(self, cells: Iterable[Cell], *, processes: int = 1) -> list[dict[str, Any]]:
        """Give the results of cells; those that were not measured before are measured now."""
        cells = list(cells)
        missing = list({cell.key: cell for cell in cells if cell.key not in self.done}.values())
        for line in self._measured(missing, processes):
            with self.file.open("a") as file:
                file.write(json.dumps(line) + "\n")
            self.done[line["key"]] = line
            said = f"validation {line['validation_log_loss']:.5f}, hold-out AUC {line['holdout_auc']:.4f}"
            about = f"{line['method']}, {line['budget']} bytes, {line['settings']}, seed {line['seed']}"
            print(f"{about}: {said}", file=sys.stderr)
        return [self.done[cell.key] for cell in cells]

    def _lines(self) -> list[dict[str, Any]]:
        """Read the finished lines, and cut off one that was not written to its end."""
        text = self.file.read_text() if self.file.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            self.file.write_text(whole)
        return [json.loads(line) for line in whole.splitlines()]

    def row_losses(self, results: list[dict[str, Any]]) -> NDArray[np.float64]:
        """Give the log-loss of each hold-out row, averaged over the seeds of one method."""
        return np.mean([np.load(self.losses / f"{one['key']}.npy").astype(np.float64) for one in results], axis=0)

    def agreement(self, results: list[dict[str, Any]]) -> Agreement | None:
        """Hold the seeds of one method against each other; None where there is one seed, or nothing was learned."""
        paths = [self.learned / f"{one['key']}.npz" for one in results]
        return agreement([Kept.load(path) for path in paths]) if all(path.exists() for path in paths) else None

    def _measured(self, cells: list[Cell], processes: int) -> Iterator[dict[str, Any]]:
        if processes == 1 or len(cells) < 2:
            yield from map(self._measure, cells)
            return
        # Forked, so that workers share the data; a process that has fitted something itself would leave them locked.
        with multiprocessing.get_context("fork").Pool(processes, _work_for, (self, cells)) as pool:
            yield from pool.imap_unordered(_measure_at, range(len(cells)))

    def _measure(self, cell: Cell) -> dict[str, Any]:
        codes, about = self._embedded(cell)
        outcome = asdict(self.downstream.measure(codes, cell.seed))
        np.save(self.losses / f"{cell.key}.npy", outcome.pop("losses").astype(np.float16))  # rounding averages out
        return {"key": cell.key, "basis": self.basis, **cell.about, **about, **outcome}

    def _embedded(self, cell: Cell) -> tuple[Codes, dict[str, Any]]:
        if cell.method.fit is None:
            codes = cell.method.known(self.data)
            return codes, {"bytes": 0 if codes is None else None, "fvu": None}
        with threadpool_limits(limits=1):
            started = process_time()
            embedding = cell.method.fit(self.learn, cell.budget, cell.seed, **cell.settings)
            fitted = process_time()
            codes = embedding.encode(self.data.requests)
            encoded = process_time()
            codes = zero_without_tokens(codes, self.data.requests)
            Kept(sp.csr_matrix(embedding.encode(self.held_out)), embedding.dictionary()).save(
                self.learned / f"{cell.key}.npz"
            )
            return codes, {
                "bytes": embedding.bytes_per_user(codes),
                "fvu": embedding.fvu(self.held_out),
                "dead_fraction": embedding.dead_fraction(codes),
                "users_per_s": self.data.requests.shape[0] / (encoded - fitted),
                "train_s": fitted - started,
            }


def zero_without_tokens(codes: sp.csr_matrix | NDArray[np.float32], counts: sp.csr_matrix) -> Any:
    """Give codes in which users without tokens have none: `jobs.encode_users` writes no row for them, and the click
    model's encoder takes that as zeros."""
    has = np.diff(counts.indptr) > 0
    return sp.csr_matrix(codes.multiply(has[:, None])) if sp.issparse(codes) else codes * has[:, None]


_work: tuple[Bench, list[Cell]]


def _work_for(bench: Bench, cells: list[Cell]) -> None:
    global _work
    _work = bench, cells


def _measure_at(place: int) -> dict[str, Any]:
    bench, cells = _work
    return bench._measure(cells[place])
