"""The limits that gates hold a candidate to."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

RESOURCE_RULES = frozenset({"max_serving_bytes", "max_joblib_bytes", "max_latency_p99_us", "max_conversion_difference"})
"""Rules that drop a candidate before the choice; the other ones judge quality, on the hold-out."""

Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Gain = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class SliceRules(BaseModel):
    """Limits for each slice of the hold-out, such as a platform; the measures are those of `Rules`, on its rows."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    min_rows: Count
    """A slice with fewer hold-out rows is reported, not gated."""
    max_ece: Amount
    """Highest expected calibration error."""
    min_mean_ratio: Amount
    """Lowest mean(p) / mean(y)."""
    max_mean_ratio: Amount
    """Highest mean(p) / mean(y)."""


class DriftRules(BaseModel):
    """Limits on how far any feature of some rows may be from the rows learned from; see `models.feature_health`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    max_psi: Amount
    """Highest population stability index."""
    max_null_rise: Amount
    """Most that the share of nulls may have grown."""


class Rules(BaseModel):
    """The limits, all inclusive. A rule's field name is its name in the gates file and in the results."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    max_serving_bytes: Count
    """Bytes of all that the scorer reads."""
    max_joblib_bytes: Count | None = None
    """Bytes of ``model.joblib``; None for no limit."""
    max_latency_p99_us: Amount
    """99th percentile of the single-row latency, in microseconds."""
    max_conversion_difference: Amount
    """Largest difference in probability between the serving format and the fitted model."""
    min_holdout_rows: Count
    """Fewest rows that a hold-out may have and still be believed."""
    min_gain_over_constant: Gain
    """How much lower than the constant's the log-loss must be."""
    max_log_loss_over_champion: Amount
    """How much higher than the champion's the log-loss on the same rows may be."""
    max_ece: Amount
    """Highest expected calibration error (15 equal-mass bins)."""
    min_mean_ratio: Amount
    """Lowest mean(p) / mean(y)."""
    max_mean_ratio: Amount
    """Highest mean(p) / mean(y)."""
    platform: SliceRules
    """Calibration on each platform."""
    cohort: SliceRules
    """Calibration on known and on new users."""
    drift: DriftRules | None = None
    """Features of the hold-out; None for no limit."""
    scoring_drift: DriftRules | None = None
    """Features of the rows to be scored that night; None for no limit."""
