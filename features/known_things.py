"""How many different things many owners had in windows that end at midnight, in numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from features.owner_streams import Known, day_numbers


def distinct_things(known: Known, name: str, windows: Sequence[int]) -> list[pa.Array]:
    """Count the distinct values of a column in each window and in all time.

    A value lies in a window when the newest of its cells does, so all windows are told by one look at each.

    Parameters
    ----------
    known : Known
        Cells have ``event_day`` (date, never after ``known``) and the column; null is no value.
    name : str
        The column.
    windows : sequence of int
        Lengths in days: a window of W holds event days from T - W to T - 1.

    Returns
    -------
    list of Array
        Counts (long), a window each, all time last; of shape (n_requests,).
    """
    known = known.where(known.rows.column(name).is_valid().to_numpy())
    value = known.rows.column(name).combine_chunks().dictionary_encode().indices.to_numpy()
    day = day_numbers(known.rows.column("event_day"))
    request, place = known.places()
    value, day = value[place], day[place]
    order = np.lexsort((day, value, request))
    request, value, day = request[order], value[order], day[order]
    newest = np.append((request[1:] != request[:-1]) | (value[1:] != value[:-1]), True)[: len(order)]
    request, day = request[newest], day[newest]
    inside = [day >= (known.as_of - days)[request] for days in windows]
    n = len(known.as_of)
    return [pa.array(np.bincount(request[which], minlength=n)) for which in (*inside, slice(None))]
