"""Training of scikit-learn's forest on a Spark cluster: rows on the driver, trees on the executors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from jobs.cli import say
from jobs.joblib_spark import on_executors
from models.candidates import CandidateSpec, InMemory
from models.family import FittedModel
from models.serving.encoder import RowEncoder
from models.serving.types import Floats


class TreesOnExecutors(InMemory):
    """`InMemory` with Spark tasks in the place of threads: ``n_threads`` trees at a time, the very ones of threads."""

    def try_out(self, spec: CandidateSpec) -> tuple[FittedModel, Floats]:
        """Fit on the training part."""
        with self._told(spec):
            return super().try_out(spec)

    def fit_on_both(self, spec: CandidateSpec) -> tuple[RowEncoder, FittedModel]:
        """Fit on both parts."""
        with self._told(spec):
            return super().fit_on_both(spec)

    @contextmanager
    def _told(self, spec: CandidateSpec) -> Iterator[None]:
        started = perf_counter()
        with on_executors() as backend:
            yield
        sent = f"{backend.sent_bytes / 1e6:,.0f} MB sent to each executor"
        say(f"{spec.name}: {self.n_threads} Spark tasks, {perf_counter() - started:.1f} s, {sent}")
