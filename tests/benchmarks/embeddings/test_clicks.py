"""That no label which shapes codes is of a send that the click model learns from, or known too late."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from models.schema import FeatureSchema
from tests.benchmarks.embeddings.clicks import Halves
from tests.benchmarks.embeddings.data import Data


def test_codes_learn_from_sends_that_ended_before_the_click_model_s_first():
    days = [1, 1, 2, 3, 4, 5, 6, 7, 8]  # the second half begins on the 5th; labels of the 3rd and 4th are not final
    rows = pa.table(
        {
            "as_of": [date(2026, 1, day) for day in days],
            "request": [0, 0, 1, 2, 3, 4, 5, 6, 7],
            "label": [1, 0, 1, 1, 1, 1, 1, 1, 1],
        }
    )
    requests = sp.csr_matrix(np.diag([3.0, 5, 1, 1, 1, 1, 1, 1, 0]))
    data = Data(requests, requests, {"train": rows, "validation": rows}, FeatureSchema("0", ()), None)

    halves = Halves.of(data)

    assert halves.counts.toarray().max(axis=1).tolist() == [3, 5]
    assert halves.labels.tolist() == [[1, 2], [1, 1]]
    assert halves.later.rows["train"]["as_of"].to_pylist() == [date(2026, 1, day) for day in (5, 6, 7, 8)]
    assert len(halves.later.rows["validation"]) == 9
