"""Health of the features: which have moved away from the rows that the models learned from."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.report import numbers
from jobs.report.metrics import FeatureHealth

DRIFT_LIMIT = 0.25
"""Population stability index above which a feature is named, by default: the usual sign of a shift."""

NAMED = 3
"""Most features that a sentence names; the table has all."""


def drifted(features: Sequence[FeatureHealth], limit: float) -> tuple[FeatureHealth, ...]:
    """Give the features that moved further than the limit."""
    return tuple(one for one in features if one.psi is not None and one.psi > limit)


def of_scored(features: Sequence[FeatureHealth]) -> list[FeatureHealth]:
    """Give the features of the rows to be scored in place of the hold-out's, the one that moved furthest first."""
    scored = [one.model_copy(update={"psi": one.scored_psi}) for one in features if one.scored is not None]
    return sorted(scored, key=lambda one: (-(one.psi or 0.0), one.name))


def sentence(features: Sequence[FeatureHealth], limit: float) -> str | None:
    """Name the features that moved furthest; null where no health was measured.

    Parameters
    ----------
    features : sequence of FeatureHealth
        The one that moved furthest first.
    limit : float
        See ``drifted``.
    """
    if not features:
        return None
    far, allowed = drifted(features, limit), numbers.significant(limit)
    if not far:
        return f"None of the {len(features)} features has drifted beyond {allowed}."
    names = ", ".join(f"{one.name} ({numbers.significant(one.psi)})" for one in far[:NAMED])
    more = f" and {len(far) - NAMED} more" if len(far) > NAMED else ""
    return f"{len(far)} of the {len(features)} features drifted beyond {allowed}: {names}{more}."
