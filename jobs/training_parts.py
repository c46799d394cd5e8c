"""Reading the parts of a training set for learning and measuring."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.build_training_set import TRAINING_SET
from jobs.lake import Lake


def read_part(lake: Lake, ds: date, part: str) -> pa.Table:
    """Give the rows of a part (train, validation or holdout), always in the order of ``send_id``."""
    folder = lake.get_folder(TRAINING_SET, ds)
    return pq.read_table(folder, partitioning=None, filters=[("part", "==", part)]).sort_by("send_id")
