"""Who is measured with which settings: chosen on one lake, reported on others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tests.benchmarks.embeddings.cells import Bench, Cell
from tests.benchmarks.embeddings.grid import QUICK_SETTINGS, Method, Settings
from tests.benchmarks.embeddings.table import Entry, HoldoutRows


class Choice(NamedTuple):
    """A method with the settings that it does best with at a size."""

    method: Method
    size: int
    settings: Settings
    validation: float
    """Log-loss on the validation part of the lake that is chosen on."""


@dataclass(frozen=True)
class Comparison:
    """Chooses settings on one lake's validation part, and measures the chosen ones on hold-outs."""

    choosing: Bench
    reporting: Sequence[Bench]
    seeds: int
    """Seeds of embedding and trees that are reported."""
    choosing_seeds: int
    """Seeds whose mean log-loss decides."""
    quick: bool
    """Whether only the first settings of each method are tried."""
    processes: int = 1

    def choose(self, asked: Iterable[tuple[Method, int]]) -> list[Choice]:
        """Choose the settings of methods at sizes; a method that does not fit a size is left out, and told."""
        tried = [
            (method, size, settings)
            for method, size in asked
            for settings in method.settings(size)[: QUICK_SETTINGS if self.quick else None]
        ]
        cells = [Cell(*one, seed) for one in tried for seed in range(self.choosing_seeds)]
        results = self.choosing.run(cells, processes=self.processes)
        best: dict[tuple[str, int], Choice | None] = {}
        for number, (method, size, settings) in enumerate(tried):
            own = results[number * self.choosing_seeds : (number + 1) * self.choosing_seeds]
            validation = float(np.mean([one["validation_log_loss"] for one in own]))
            before = best.setdefault((method.name, size), None)
            fits = all((one["bytes"] or 0) <= max(size, 0) for one in own)
            if fits and (before is None or validation < before.validation):
                best[method.name, size] = Choice(method, size, settings, validation)
        for (name, size), choice in best.items():
            if choice is None:
                print(f"no settings of {name} fit {size} bytes")
        return [choice for choice in best.values() if choice]

    def report(self, choices: Sequence[Choice]) -> list[Entry]:
        """Measure choices on every lake that is reported on; seeds and lakes are averaged."""
        cells = [
            Cell(choice.method, choice.size, choice.settings, seed) for choice in choices for seed in range(self.seeds)
        ]
        by_lake = [bench.run(cells, processes=self.processes) for bench in self.reporting]
        return [
            self._entry([results[start : start + self.seeds] for results in by_lake])
            for start in range(0, len(cells), self.seeds)
        ]

    @property
    def holdout(self) -> HoldoutRows:
        """Give the hold-out rows of all lakes."""
        parts = [bench.downstream.parts["holdout"] for bench in self.reporting]
        firsts = np.cumsum([0, *(int(part.user.max()) + 1 for part in parts)])
        return HoldoutRows(
            user=np.concatenate([part.user + first for part, first in zip(parts, firsts[:-1], strict=True)]),
            label=np.concatenate([part.label for part in parts]),
            lake=np.repeat(np.arange(len(parts)), [len(part.label) for part in parts]),
        )

    def _entry(self, by_lake: list[list[dict[str, object]]]) -> Entry:
        losses = [bench.row_losses(own) for bench, own in zip(self.reporting, by_lake, strict=True)]
        return Entry([one for own in by_lake for one in own], np.concatenate(losses))
