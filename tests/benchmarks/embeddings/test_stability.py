"""How seeds are held against each other: the same latents in another order are the same."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from tests.benchmarks.embeddings.stability import Agreement, Kept, agreement, mean_agreement

CODES = sp.csr_matrix(np.array([[1.0, 0, 2], [0, 3, 0], [1, 1, 0], [0, 0, 1]]))
DICTIONARY = np.eye(3, 5)


def test_the_order_of_latents_is_no_difference(tmp_path):
    order = [2, 0, 1]
    Kept(CODES, DICTIONARY).save(tmp_path / "one.npz")
    kept = Kept.load(tmp_path / "one.npz")
    same = Kept(CODES[:, order], DICTIONARY[order])
    other = Kept(CODES, np.array([[1.0, 0, 0, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]]))

    assert agreement([kept, same]) == pytest.approx((1, 1))
    assert agreement([kept, same, other]) == pytest.approx(((1 + 1 / 3 + 1 / 3) / 3, 1))
    assert agreement([kept]) is None


def test_what_has_no_dictionary_is_told_by_its_codes_alone(tmp_path):
    Kept(CODES, None).save(tmp_path / "one.npz")
    kept = Kept.load(tmp_path / "one.npz")

    assert agreement([kept, kept]) == (None, pytest.approx(1))


def test_lakes_are_averaged_where_all_have_seeds():
    assert mean_agreement([Agreement(0.5, 0.8), Agreement(1.0, 0.6)]) == pytest.approx((0.75, 0.7))
    assert mean_agreement([Agreement(0.5, 0.8), None]) is None
