"""What is reported of one model: the keys of a ``candidates`` entry in ``metrics.json``."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator


def _null_when_undefined(value: object) -> object:
    """JSON has no NaN and no infinity: a figure that could not be computed is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_null_when_undefined)]
"""A figure; null means that it could not be computed."""


class Entry(BaseModel):
    """An immutable JSON object; keys that are not named here are kept as they came."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Latency(Entry):
    """Time of one prediction, from the raw feature row to the calibrated probability, in microseconds."""

    p50: Number
    """Half of the predictions are faster."""
    p95: Number = None
    """95 of 100 predictions are faster."""
    p99: Number
    """99 of 100 predictions are faster."""
    n: int
    """Predictions that were timed."""
    engine_p50: Number = None
    """The same of the engine alone: from encoded row to uncalibrated probability."""
    engine_p95: Number = None
    """See ``engine_p50``."""
    engine_p99: Number = None
    """See ``engine_p50``."""
    cold_p50: Number = None
    """As ``p50``, of predictions before each of which the processor's caches were emptied."""
    cold_p95: Number = None
    """See ``cold_p50``."""
    cold_p99: Number = None
    """See ``cold_p50``."""
    cold_n: int | None = None
    """Predictions that were timed so."""


class Bin(Entry):
    """One of the equal-mass bins of predicted probability."""

    p_mean: Number
    """Mean prediction."""
    y_mean: Number
    """Share of rows that were clicked."""
    n: int
    """Rows."""


class GainPoint(Entry):
    """Share of clicks among the rows with the highest scores."""

    share_of_users: float
    """Share of rows taken, from the highest score down, 0 to 1."""
    share_of_clicks: float
    """Share of all clicks that these rows hold, 0 to 1."""


class SliceCalibration(Entry):
    """Calibration on a slice of the rows."""

    n: int
    """Rows."""
    ece: Number
    """Expected calibration error."""
    mean_p_over_mean_y: Number
    """Mean prediction over click rate; 1 is exact. Null without clicks."""
    mean_y: Number = None
    """Click rate; null where it was not kept."""


class PlatformCalibration(SliceCalibration):
    """Calibration on the rows of one platform."""

    platform: str | None
    """Name of the platform; null where it is not known."""


class CohortCalibration(SliceCalibration):
    """Calibration on the rows of known or of new users."""

    cohort: str
    """``known``, or ``new``: no send to the user was known yet."""


class Validation(Entry):
    """Figures on the validation part, which decide the choice."""

    log_loss: Number
    """Log-loss of the calibrated probability."""
    excess_log_loss_upper: Number = None
    """Upper 95 % bound of the paired log-loss excess over the best one; null outside the choice."""


class Candidate(Entry):
    """One model as it was measured on the hold-out."""

    name: str
    """Name of the candidate, unique in a run."""
    family: str
    """``lightgbm``, ``random_forest`` or ``logistic``."""
    auc: Number
    """Area under the ROC curve of the probability."""
    auc_ci: tuple[Number, Number] | None
    """95 % bootstrap interval of ``auc``."""
    log_loss: Number
    """Mean negative log-likelihood, natural logarithm."""
    ece: Number
    """Expected calibration error over 15 equal-mass bins."""
    n_features: int
    """Columns that the model sees after encoding."""
    fit_seconds: Number
    """Wall-clock time of training; null for a champion that was trained in another run."""
    artifact_bytes: dict[str, int]
    """Bytes by format; ``joblib`` and ``serving`` are always among them."""
    serving_format: str
    """Format of the serving files."""
    latency_us: Latency
    """Time of a single prediction."""
    batch_rows_per_s: Number
    """Throughput on large batches, one thread."""
    version: str | None = None
    """Hash of what the model learned."""
    mean_p: Number = None
    """Mean prediction on the hold-out."""
    mean_y: Number = None
    """Click rate of the hold-out."""
    load_ms: Number = None
    """Time from a cold start to a scorer that is ready, in milliseconds."""
    cold_first_score_ms: Number = None
    """Time from a cold start to the first probability, in milliseconds."""
    peak_rss_bytes: Number = None
    """Most memory that a process held that did nothing but start cold and score one row."""
    peak_rss_over_numpy_bytes: Number = None
    """What of it is more than Python and numpy."""
    batch_rows_per_s_by_size: dict[str, Number] = Field(default_factory=dict)
    """Throughput by the number of rows in a batch."""
    calibration_bins: tuple[Bin, ...] = ()
    """Bins in ascending order of prediction."""
    lift: tuple[GainPoint, ...] = ()
    """Points in ascending order of ``share_of_users``."""
    by_platform: tuple[PlatformCalibration, ...] = ()
    """One entry a platform."""
    by_cohort: tuple[CohortCalibration, ...] = ()
    """One entry a cohort."""
    validation: Validation | None = None
    """Figures on the validation part."""

    @field_validator("artifact_bytes")
    @classmethod
    def _both_formats(cls, value: dict[str, int]) -> dict[str, int]:
        missing = {"joblib", "serving"} - value.keys()
        if missing:
            raise ValueError(f"lacks {', '.join(sorted(missing))}")
        return value

    @property
    def serving_bytes(self) -> int:
        """Bytes that the scorer reads."""
        return self.artifact_bytes["serving"]
