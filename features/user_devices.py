"""How many devices a user has had, and since when the newest one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from features.ascending import ascending
from features.feature import Block, Feature, History
from features.known import NEVER, Known
from features.owner_streams import Question, Told
from features.partials import epoch_ms
from features.push_history import hours_since

COLUMNS = {"user_devices": "bigint", "user_newest_device_ms": "bigint"}


def _read(history: History) -> Told:
    changes = history.table("devices").select(
        "user_id", F.col("ds").alias("known"), "device_id", epoch_ms(F.col("updated_at")).alias("updated_ms")
    )
    return changes, Question(_devices, COLUMNS)


def _devices(known: Known) -> dict[str, pa.Array]:
    """Take a device as the user's from its first known change on."""
    request, place = known.places()
    device = pc.rank(known.rows.column("device_id"), tiebreaker="dense").to_numpy()[place]
    updated = known.rows.column("updated_ms").to_numpy()[place]
    order = ascending(request, device, updated)
    request, device, updated = request[order], device[order], updated[order]
    is_first = np.append(True, (np.diff(request) != 0) | (np.diff(device) != 0))[: len(order)]
    request, updated = request[is_first], updated[is_first]
    newest = np.full(len(known.start), NEVER)
    np.maximum.at(newest, request, updated)
    columns = (np.bincount(request, minlength=len(newest)), np.ma.masked_equal(newest, NEVER))
    return {name: pa.array(values) for name, values in zip(COLUMNS, columns, strict=True)}


BLOCK = Block(
    name="user_devices",
    key=("user_id",),
    table="devices",
    read=_read,
    features=(
        Feature(
            "user_devices_all", "coalesce(user_devices, 0)", "bigint", "devices of the user", "count", "all time"
        ),
        hours_since("user_hours_since_new_device", "user_newest_device_ms", "the first change of the newest device"),
    ),
)  # fmt: skip
