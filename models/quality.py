"""All that is said of a model's quality on one set of rows, as JSON values."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from models.batch import LabelledRows
from models.evaluation import auc, auc_interval, by_platform, calibration_bins, ece, lift, log_loss
from models.serving.types import Floats

PLATFORM = "platform"
"""The feature by which calibration is looked at."""


def quality(p: Floats, rows: LabelledRows, *, seed: int = 0) -> dict[str, Any]:
    """Judge click probabilities.

    Parameters
    ----------
    p : ndarray of shape (n_rows,)
        Calibrated probabilities.
    rows : LabelledRows
        The rows they are for.
    seed : int
        What bootstrap samples are drawn with.

    Returns
    -------
    dict
        ``auc``, ``auc_ci``, ``log_loss``, ``ece``, ``mean_p``, ``mean_y``, ``calibration_bins``, ``lift``,
        and ``by_platform``, which is empty where the rows know no platform.
    """
    platform: NDArray[Any] | None = rows.batch.get(PLATFORM)
    return {
        "auc": auc(p, rows.label),
        "auc_ci": list(auc_interval(p, rows.label, rows.user, seed=seed)),
        "log_loss": log_loss(p, rows.label),
        "ece": ece(p, rows.label),
        "mean_p": float(p.mean()),
        "mean_y": float(rows.label.mean()),
        "calibration_bins": calibration_bins(p, rows.label),
        "lift": lift(p, rows.label, rows.user),
        "by_platform": [] if platform is None else by_platform(p, rows.label, platform),
    }
