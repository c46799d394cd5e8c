"""The ways to train candidates: on rows in memory, on disk, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import date
from typing import TypeAlias

from jobs.build_training_set import TRAINING_SET
from jobs.cluster_route import on_cluster
from jobs.lake import Lake
from jobs.stored_parts import StoredPart
from jobs.training_parts import read_part
from jobs.training_route import KEYS, TRAIN, VALIDATION, Asked, Route
from models.batch import to_labelled_rows
from models.candidates import InMemory
from models.feature_health import profiles
from models.out_of_core import FAMILIES, OutOfCore
from models.schema import FeatureSchema

AT_ONCE = 2
"""Candidates fitted at the same time, each on one thread: much of a fit runs on one, whatever it is given. Where
there are more, they are fitted one by one: LightGBM's number of threads must not change meanwhile; see
`models.lightgbm_threads`."""

GROUP_ROWS = 16_384
"""Rows that are in memory at once; LightGBM, too, takes them in together."""

Open: TypeAlias = Callable[[Asked], AbstractContextManager[Route]]


@contextmanager
def in_memory(asked: Asked) -> Iterator[Route]:
    """Fit on rows in memory, two candidates at a time where each has one thread."""
    args, schema = asked.args, asked.schema
    tables = {part: read_part(asked.lake, args.ds, part) for part in (TRAIN, VALIDATION)}
    rows = {part: to_labelled_rows(table, schema) for part, table in tables.items()}
    at_once = AT_ONCE if args.threads // AT_ONCE == 1 else 1
    trainer = InMemory(rows[TRAIN], rows[VALIDATION], schema, asked.n_latents, args.seed, args.threads // at_once)
    described = profiles([part.batch for part in rows.values()], schema)
    keys = tables[VALIDATION].select(KEYS)
    yield Route(lambda _: trainer, keys, rows[VALIDATION].batch, described, at_once=at_once)


@contextmanager
def _stored(lake: Lake, ds: date, part: str, schema: FeatureSchema) -> Iterator[StoredPart]:
    """Give a part (train, validation or holdout) on disk, in the order of ``send_id``, while the context lasts."""
    rows = lake.read(TRAINING_SET, since=ds, until=ds).where(f"part = '{part}'").orderBy("send_id")
    with lake.ordered_files(rows, group_rows=GROUP_ROWS) as files:
        yield StoredPart(files, schema)


@contextmanager
def out_of_core(asked: Asked) -> Iterator[Route]:
    """Fit on rows that are read from disk, block by block."""
    args, schema = asked.args, asked.schema
    with ExitStack() as stack:
        train, validation = (
            stack.enter_context(_stored(asked.lake, args.ds, part, schema)) for part in (TRAIN, VALIDATION)
        )
        trainer = OutOfCore(train, validation, schema, asked.n_latents, args.seed, args.threads)
        described = profiles([train.batch, validation.batch], schema)
        families = [one.family for one in FAMILIES]
        yield Route(lambda _: trainer, validation.table(KEYS), validation.batch, described, families)


ROUTES: Mapping[str, Open] = {"memory": in_memory, "out-of-core": out_of_core, "spark": on_cluster}
"""What ``--training`` says -> how rows are opened."""
