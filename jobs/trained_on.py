"""Which embeddings and models were trained on given users: found from partials, which reach back to the log's start."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from pyspark.sql import DataFrame

from features.behaviour import behaviour_cells
from features.feature import History
from jobs.build_training_set import META
from jobs.embedding import EMBEDDINGS, read_manifest
from jobs.lake import Lake
from jobs.registry import Registry
from jobs.train_click_models import CANDIDATES
from models.serving.manifest import MANIFEST
from models.serving.manifest import read_manifest as read_bundle

DAY = timedelta(days=1)


class Trained(NamedTuple):
    """Something learned."""

    version: str
    """Hash of what was learned."""
    ds: date
    """Day whose training set it belongs to."""
    name: str
    """Name of the candidate; ``embedding`` for an embedding."""
    embedding: str | None
    """Version of the embedding that a candidate sees codes of."""


class Traces(NamedTuple):
    """What is known of some users."""

    behaviour: frozenset[date]
    """Days on which what embeddings learn from became known."""
    sends: frozenset[tuple[date, date]]
    """Days of sends, each with the day on which it became known."""


def traces_of(past: History, users: DataFrame) -> Traces:
    """Find the traces of users, given by ``user_id``, unique."""
    cells = behaviour_cells(past).join(users, "user_id", how="left_semi").select("ds").distinct()
    sends = past.pushes.where("sends > 0").join(users, "user_id", how="left_semi").select("event_day", "ds").distinct()
    return Traces(frozenset(day for (day,) in cells.collect()), frozenset((day, ds) for day, ds in sends.collect()))


def trained_on(lake: Lake, registry: Registry, traces: Traces) -> list[Trained]:
    """Give what was trained on rows of these traces, embeddings first, in order of day and name.

    An embedding learned from what was known before the validation part. A model learned from the training and the
    validation part: it is named when a send fell on one of those days, even if its label came too late to count, and
    when its embedding is named. Where it is not known any more what the parts were, all days up to ``ds`` count.
    """
    parts = {ds: lake.get_json(META, ds)["split"] for ds in lake.json_days(META)}

    def bound(of: Trained, part: str, end: int, default: date) -> date:
        return date.fromisoformat(parts[of.ds][part][end]) if of.ds in parts else default

    def learned_behaviour(of: Trained) -> bool:
        cut = bound(of, "validation", 0, of.ds + DAY)
        return any(known < cut for known in traces.behaviour)

    def learned_sends(of: Trained) -> bool:
        # A send in the small hours, before the nightly load was ready, belongs to the day before.
        first, last = bound(of, "train", 0, date.min), bound(of, "validation", 1, of.ds) + DAY
        return any(first <= day <= last and known <= of.ds for day, known in traces.sends)

    embeddings = [one for one in set(_embeddings(lake)) if learned_behaviour(one)]
    named = {one.version for one in embeddings}
    models = [one for one in set(_models(lake, registry)) if one.embedding in named or learned_sends(one)]
    return sorted(embeddings, key=_order) + sorted(models, key=_order)


def _order(of: Trained) -> tuple[date, str, str]:
    return of.ds, of.name, of.version


def _embeddings(lake: Lake) -> Iterator[Trained]:
    """Give the embeddings of the lake, and those that codes of a training set came from."""
    for ds in lake.json_days(META):
        embedding = lake.get_json(META, ds)["embedding"]
        if embedding:
            yield Trained(embedding["version"], ds, "embedding", None)
    for ds in lake.days(EMBEDDINGS):
        yield Trained(read_manifest(lake.get_folder(EMBEDDINGS, ds))["version"], ds, "embedding", None)


def _models(lake: Lake, registry: Registry) -> Iterator[Trained]:
    """Give the candidates of the lake, and those that were ever measured, published or not."""
    for ds in lake.days(CANDIDATES):
        for path in lake.get_folder(CANDIDATES, ds).glob(f"*/{MANIFEST}"):
            manifest = read_bundle(path.parent)
            yield Trained(manifest["version"], ds, manifest["name"], manifest["embedding_version"])
    if registry.tracking.exists():
        for run in registry.tracking.runs():
            tags, embedding = run.data.tags, run.data.params.get("embedding_version")
            if "ds" in tags:  # else it was cut off
                ds = date.fromisoformat(tags["ds"])
                yield Trained(tags["bundle_version"], ds, tags["candidate"], None if embedding == "None" else embedding)
