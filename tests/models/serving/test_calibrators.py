"""Calibrators as they are read from JSON: the same number alone and in company, and never falling."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import expit, logit

from models.serving.calibrators import Beta, Calibrator, Isotonic, Platt, Uncalibrated, calibrator_from_json
from models.serving.errors import BundleError

CALIBRATORS = [Uncalibrated(), Platt(1.1, 0.3), Beta(0.8, 2.0, -0.1), Isotonic((0.1, 0.2, 0.6), (0.05, 0.3, 0.9))]
GRID = np.linspace(0, 1, 101)


@pytest.mark.parametrize("calibrator", CALIBRATORS, ids=lambda one: one.method)
def test_the_same_number_after_json_alone_and_in_company(calibrator: Calibrator) -> None:
    read = calibrator_from_json(json.loads(json.dumps(calibrator.to_json())))
    assert read == calibrator or calibrator.method == "none"
    np.testing.assert_allclose(read.apply(GRID), [calibrator.apply_one(p) for p in GRID], rtol=1e-14)


@pytest.mark.parametrize("calibrator", CALIBRATORS, ids=lambda one: one.method)
def test_never_falls_and_stays_a_probability(calibrator: Calibrator) -> None:
    calibrated = calibrator.apply(GRID)
    assert (np.diff(calibrated) >= 0).all()
    assert ((calibrated >= 0) & (calibrated <= 1)).all()


@pytest.mark.parametrize(
    "steep", [Platt(26.0, 0.0), Platt(1e4, -9.0), Beta(30.0, 1.0, 0.0), Beta(1.0, 1e4, 5.0)], ids=str
)
def test_steep_maps_reach_the_ends(steep: Calibrator) -> None:
    calibrated = steep.apply(GRID)
    np.testing.assert_allclose(calibrated, [steep.apply_one(p) for p in GRID], rtol=1e-11)  # logits of thousands
    assert (np.diff(calibrated) >= 0).all()
    assert ((calibrated >= 0) & (calibrated <= 1)).all()
    assert calibrated[0] < 1e-9


def test_platt_is_a_line_on_the_logit() -> None:
    p = GRID[1:-1]
    np.testing.assert_allclose(Platt(1.1, 0.3).apply(p), expit(1.1 * logit(p) + 0.3), rtol=1e-12)


def test_beta_with_equal_weights_is_platt() -> None:
    np.testing.assert_allclose(Beta(1.1, 1.1, 0.3).apply(GRID), Platt(1.1, 0.3).apply(GRID), rtol=1e-9)


def test_isotonic_is_straight_between_knots_and_flat_outside() -> None:
    isotonic = CALIBRATORS[-1]
    np.testing.assert_allclose(isotonic.apply(GRID), np.interp(GRID, isotonic.p, isotonic.calibrated), rtol=1e-12)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(BundleError, match="spline"):
        calibrator_from_json({"method": "spline"})
