"""The ways to train candidates: on rows in memory, or on more rows than memory holds."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from jobs.cli import say
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.stored_parts import stored_part
from jobs.training_parts import read_part
from models.batch import to_labelled_rows
from models.candidates import CandidateSpec, InMemory, Trainer
from models.feature_health import Profile, profiles
from models.out_of_core import FAMILIES, OutOfCore
from models.schema import FeatureSchema

AT_ONCE = 2
"""Candidates fitted at the same time: much of each fit runs on one thread, whatever it is given."""
KEYS = ["send_id", "user_id", "label"]


@dataclass(frozen=True)
class Route:
    """Rows at hand, and how candidates are fitted on them."""

    trainer: Callable[[CandidateSpec], Trainer]
    """Gives the trainer of a candidate."""
    keys: pa.Table
    """``send_id``, ``user_id`` and ``label`` of the validation rows, in the order of ``send_id``."""
    to_probe: Mapping[str, NDArray[Any]]
    """Validation rows to draw from."""
    profiles: list[Profile]
    """What the features look like in both parts."""
    families: Sequence[str] | None = None
    """Families that can be fitted; None for all."""
    at_once: int = 1
    """Candidates to fit at the same time."""

    def possible(self, specs: Sequence[CandidateSpec]) -> list[CandidateSpec]:
        """Leave out candidates that cannot be fitted, and say so.

        Raises
        ------
        BadInput
            When none is left.
        """
        found = [spec for spec in specs if self.families is None or spec.settings.family in self.families]
        for spec in specs:
            if spec not in found:
                say(f"{spec.name}: left out, {spec.settings.family} needs all rows in memory")
        if not found:
            raise BadInput(f"expected a candidate of {' or '.join(self.families or ())}, which need no rows in memory")
        return found


@dataclass(frozen=True)
class Asked:
    """What every route has to know."""

    spark: SparkSession
    lake: Lake
    args: argparse.Namespace
    schema: FeatureSchema
    n_latents: int


Open: TypeAlias = Callable[[Asked], AbstractContextManager[Route]]


@contextmanager
def in_memory(asked: Asked) -> Iterator[Route]:
    """Fit on rows in memory, two candidates at a time where there are threads for it."""
    args, schema = asked.args, asked.schema
    tables = {part: read_part(asked.lake, args.ds, part) for part in ("train", "validation")}
    rows = {part: to_labelled_rows(table, schema) for part, table in tables.items()}
    at_once = min(AT_ONCE, args.threads)
    trainer = InMemory(rows["train"], rows["validation"], schema, asked.n_latents, args.seed, args.threads // at_once)
    described = profiles([part.batch for part in rows.values()], schema)
    keys = tables["validation"].select(KEYS)
    yield Route(lambda _: trainer, keys, rows["validation"].batch, described, at_once=at_once)


@contextmanager
def out_of_core(asked: Asked) -> Iterator[Route]:
    """Fit on rows that are read from disk, block by block."""
    args, schema = asked.args, asked.schema
    with ExitStack() as stack:
        train, validation = (
            stack.enter_context(stored_part(asked.lake, args.ds, part, schema)) for part in ("train", "validation")
        )
        trainer = OutOfCore(train, validation, schema, asked.n_latents, args.seed, args.threads)
        described = profiles([train.batch, validation.batch], schema)
        families = [one.family for one in FAMILIES]
        yield Route(lambda _: trainer, validation.table(KEYS), validation.batch, described, families)


ROUTES: Mapping[str, Open] = {"memory": in_memory, "out-of-core": out_of_core}
"""What ``--training`` says -> how rows are opened."""
