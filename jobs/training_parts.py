"""Reading the parts of a training set for learning and measuring."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from jobs.build_training_set import TRAINING_SET
from jobs.lake import Lake


def read_part(lake: Lake, ds: date, part: str) -> pa.Table:
    """Give the rows of a part (train, validation or holdout), always in the order of ``send_id``."""
    rows = lake.read(TRAINING_SET, since=ds, until=ds)
    return rows.where(rows["part"] == part).toArrow().sort_by("send_id")
