"""Who is measured with which settings: chosen on one lake, reported on others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tests.benchmarks.embeddings.cells import Bench, Cell
from tests.benchmarks.embeddings.figures import Entry
from tests.benchmarks.embeddings.grid import QUICK_SETTINGS, Method, Settings
from tests.benchmarks.embeddings.intervals import HoldoutRows
from tests.benchmarks.embeddings.stability import mean_agreement


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
    only_finished: bool = False
    """Whether nothing is measured, and what was not before is left out."""
    left_out: list[str] = field(default_factory=list)
    """What was asked for and is not there, with the reason."""

    def choose(self, asked: Iterable[tuple[Method, int]]) -> list[Choice]:
        """Choose the settings of methods at sizes; a method that does not fit a size is left out, and told."""
        tried = [
            (method, size, settings)
            for method, size in asked
            for settings in method.settings(size)[: QUICK_SETTINGS if self.quick else None]
        ]
        if self.only_finished:
            tried = self._finished(tried)
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
                self.left_out.append(f"{name}, {size} bytes: no settings fit")
        return [choice for choice in best.values() if choice]

    def report(self, choices: Sequence[Choice]) -> list[Entry]:
        """Measure choices on every lake that is reported on; seeds and lakes are averaged."""
        cells = [cell for choice in choices for cell in self._reported(choice)]
        by_lake = [bench.run(cells, processes=self.processes) for bench in self.reporting]
        return [
            self._entry([results[start : start + self.seeds] for results in by_lake])
            for start in range(0, len(cells), self.seeds)
        ]

    def finished(self, choices: Sequence[Choice]) -> list[Choice]:
        """Give the choices that every lake has measurements of; the others are left out, and told."""
        found = []
        for choice in choices:
            missing = sum(not bench.has(cell) for bench in self.reporting for cell in self._reported(choice))
            if missing:
                n_cells = self.seeds * len(self.reporting)
                self.left_out.append(f"{choice.method.name}, {choice.size} bytes: {missing} of {n_cells} hold-outs")
            else:
                found.append(choice)
        return found

    def _finished(self, tried: list[tuple[Method, int, Settings]]) -> list[tuple[Method, int, Settings]]:
        """Leave out the methods some of whose settings were not tried: who tries fewer is at a disadvantage."""
        missing: Counter[tuple[str, int]] = Counter()
        for method, size, settings in tried:
            cells = (Cell(method, size, settings, seed) for seed in range(self.choosing_seeds))
            missing[method.name, size] += not all(map(self.choosing.has, cells))
        self.left_out.extend(f"{name}, {size} bytes: {n} settings" for (name, size), n in missing.items() if n)
        return [one for one in tried if not missing[one[0].name, one[1]]]

    def _reported(self, choice: Choice) -> list[Cell]:
        return [Cell(choice.method, choice.size, choice.settings, seed) for seed in range(self.seeds)]

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
        agreements = [bench.agreement(own) for bench, own in zip(self.reporting, by_lake, strict=True)]
        return Entry([one for own in by_lake for one in own], np.concatenate(losses), mean_agreement(agreements))
