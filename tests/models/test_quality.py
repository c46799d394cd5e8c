"""Calibration is looked at by platform and by cohort, where the rows tell."""

from __future__ import annotations

import numpy as np

from models.batch import LabelledRows
from models.quality import quality


def rows(**more: object) -> LabelledRows:
    columns = {name: np.array(values, dtype=np.float64) for name, values in more.items()}
    return LabelledRows(columns, np.array([0, 1, 0, 1, 0]), np.arange(5))


P = np.array([0.1, 0.3, 0.2, 0.6, 0.2])


def test_a_user_without_a_known_send_is_new() -> None:
    known, new = quality(P, rows(user_sends_all=[4, 1, 0, np.nan, 2]))["by_cohort"]
    assert (known["cohort"], known["n"]) == ("known", 3)
    assert (new["cohort"], new["n"], new["mean_p_over_mean_y"]) == ("new", 2, 0.8)


def test_rows_that_do_not_tell_have_no_slices() -> None:
    found = quality(P, rows(sends_7d=[1, 2, 3, 4, 5]))
    assert (found["by_platform"], found["by_cohort"]) == ([], [])
