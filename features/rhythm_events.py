"""Events whose hours and weekdays make a rhythm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from features.whole_owners import Rows

OF_EVENTS = ("user_id", "known", "hour_of_week")

NO_HOUR = -1
"""The hour of events each of which counts."""


@dataclass(frozen=True)
class Events:
    """Events of users.

    Parameters
    ----------
    rows : Rows
        ``user_id``, ``known`` (date), ``hour_of_week`` (0 to 167, null for 0) and what ``hour`` needs.
    hour : callable
        From rows to the hour of each, an array (long): of a user's hours that follow each other and became known on the
        same day, the first one counts, once; ``NO_HOUR`` always does, null never.
    """

    rows: Rows
    hour: Callable[[pa.Table], pa.ChunkedArray]
