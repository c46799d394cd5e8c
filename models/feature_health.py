"""Health of features: nulls, mean, quantiles, and how far they have moved from the rows that models learned from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.batch import ArrayBatch
from models.schema import FeatureSchema
from models.serving.types import Floats

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BINS = 10
FLOOR = 1e-4
"""Shares below this count as this: a bin that is empty on one side has a finite part in the index."""

Profile: TypeAlias = dict[str, Any]
"""Of one feature: ``name, rows, nulls`` (share), ``mean`` and ``quantiles`` of the other values (null for a category,
or where all are null), ``cuts`` (upper bounds of the bins, included, or the most frequent words) and ``shares`` of all
rows: of each bin, of what is in none of them, and of nulls."""


def profiles(parts: Sequence[Mapping[str, NDArray[Any]]], schema: FeatureSchema) -> list[Profile]:
    """Describe each feature of the rows that models learn from, in the order of the schema; JSON values.

    Bins of numbers are cut at the rows' deciles (fewer where deciles are equal); of categories there are the ten most
    frequent words.
    """
    return [_profile_of(one.name, np.concatenate([part[one.name] for part in parts]), None) for one in schema.features]


def health(trained: Sequence[Profile], batch: ArrayBatch) -> list[dict[str, Any]]:
    """Describe the same features of other rows, and hold them against the rows learned from.

    Parameters
    ----------
    trained : sequence of Profile
        What `profiles` gave.
    batch : ArrayBatch
        The other rows, at least one.

    Returns
    -------
    list of dict
        ``name, rows, nulls, mean, quantiles`` as in a profile, ``trained`` (the same of the rows learned from) and
        ``psi``.
    """
    now = [_profile_of(before["name"], batch[before["name"]], before["cuts"]) for before in trained]
    return [
        {"name": one["name"], **_said(one), "trained": _said(before)}
        | {"psi": population_stability_index(before["shares"], one["shares"])}
        for before, one in zip(trained, now, strict=True)
    ]


def with_scored(found: Mapping[str, Any], to_score: Mapping[str, Any]) -> dict[str, Any]:
    """Add to the health of a feature that of the rows to be scored: ``scored`` and ``scored_psi``."""
    return {**found, "scored": _said(to_score), "scored_psi": to_score["psi"]}


def worst(found: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Name the feature that moved furthest and the one that lost most values, each with how much.

    Parameters
    ----------
    found : sequence of dict
        What `health` gave; at least one feature.

    Returns
    -------
    dict
        ``psi`` and ``null_rise`` (the share of nulls minus that of the rows learned from), each with ``feature`` and
        ``value``.
    """
    by_measure = {
        "psi": {one["name"]: one["psi"] for one in found},
        "null_rise": {one["name"]: one["nulls"] - one["trained"]["nulls"] for one in found},
    }
    most = {measure: max(values, key=values.__getitem__) for measure, values in by_measure.items()}
    return {measure: {"feature": name, "value": by_measure[measure][name]} for measure, name in most.items()}


def population_stability_index(expected: Sequence[float], found: Sequence[float]) -> float:
    """Give the symmetric divergence of two distributions over the same bins, in nats.

    The sum over bins of (found - expected) * ln(found / expected); see Siddiqi, N. (2006). Credit Risk Scorecards,
    where below 0.1 nothing has changed and above 0.25 much has.
    """
    p, q = (np.maximum(np.asarray(shares, dtype=np.float64), FLOOR) for shares in (expected, found))
    return float(((q - p) * np.log(q / p)).sum())


def _said(profile: Mapping[str, Any]) -> dict[str, Any]:
    return {key: profile[key] for key in ("rows", "nulls", "mean", "quantiles")}


def _profile_of(name: str, column: NDArray[Any], cuts: Sequence[Any] | None) -> Profile:
    return _of_words(name, column, cuts) if column.dtype == object else _of_numbers(name, column, cuts)


def _of_numbers(name: str, column: NDArray[Any], cuts: Sequence[float] | None) -> Profile:
    values = np.sort(np.asarray(column, dtype=np.float64))  # NaN, which stands for null, comes last
    values = values[: len(values) - np.count_nonzero(np.isnan(values))]
    if cuts is None:
        cuts = np.unique(_quantiles(values, np.arange(1, BINS) / BINS)).tolist()
    below = np.searchsorted(values, cuts, side="right")
    counts = np.diff(np.concatenate([[0], below, [len(values)]]))
    said = {"mean": float(values.mean()), "quantiles": _quantiles(values, QUANTILES).tolist()} if len(values) else {}
    return _profile(name, len(column), len(values), cuts, counts.tolist(), said)


def _of_words(name: str, column: NDArray[Any], cuts: Sequence[str] | None) -> Profile:
    counted = Counter(column.tolist())
    known = sum(counted.values()) - counted.pop(None, 0)
    if cuts is None:
        cuts = [word for _, word in sorted((-rows, word) for word, rows in counted.items())[:BINS]]
    counts = [counted[word] for word in cuts]
    return _profile(name, len(column), known, cuts, [*counts, known - sum(counts)], {})


def _profile(
    name: str, rows: int, known: int, cuts: Sequence[Any], counts: Sequence[int], said: Mapping[str, Any]
) -> Profile:
    shares = [count / rows for count in (*counts, rows - known)]
    about = {"mean": said.get("mean"), "quantiles": said.get("quantiles")}
    return {"name": name, "rows": rows, "nulls": 1 - known / rows, **about, "cuts": list(cuts), "shares": shares}


def _quantiles(ascending: Floats, at: Any) -> Floats:
    """Give quantiles that are values of the rows: the smallest with at least that share of rows up to it."""
    if not len(ascending):
        return np.empty(0)
    places = np.ceil(np.asarray(at) * len(ascending)).astype(np.int64) - 1
    return np.asarray(ascending[np.maximum(places, 0)])
