"""Reading the parts of a training set for learning and measuring."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.build_training_set import TRAINING_SET
from jobs.lake import Lake


def code_width(meta: Mapping[str, Any]) -> int:
    """Give the number of latents of a training set's codes; 0 where it has none."""
    return int((meta.get("embedding") or {}).get("n_latents", 0))


def read_part(lake: Lake, ds: date, part: str) -> pa.Table:
    """Give the rows of a part (train, validation or holdout), always in the order of ``send_id``."""
    folder = lake.get_folder(TRAINING_SET, ds)
    return pq.read_table(folder, partitioning=None, filters=[("part", "==", part)]).sort_by("send_id")
