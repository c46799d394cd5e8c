"""The pushes of many users in their order, in numpy: each request reads those that ended before its midnight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.ascending import Integers, ascending
from features.known import Known
from features.outcomes import CLICKED, DISMISSED

LAST_CATEGORIES = 3
LAST_OUTCOMES = RECENT = 10
MS_PER_MINUTE = 60_000

SEQUENCE_COLUMNS = (
    "pushes_since_click",
    "outcome_run",
    "outcome_run_before",
    *(f"last_outcome_{place}" for place in range(1, LAST_OUTCOMES + 1)),
    "recent_clicks",
    "recent_dismissals",
    "click_pattern",
    "reaction_ms_middle",
    "gaps",
    "gap_minutes",
    "gap_minutes_squared",
)
"""What ``sequences`` gives of numbers, all whole."""

CATEGORY_COLUMNS = tuple(f"clicked_category_{place}" for place in range(1, LAST_CATEGORIES + 1))
"""What it gives of texts."""


@dataclass(frozen=True)
class _Sequences:
    """Pushes of each request, oldest first; arrays of shape (n_pairs,) unless said."""

    lengths: Integers
    """Pushes a request, of shape (n_requests,)."""
    request: Integers
    age: Integers
    """0 for the newest push of the request, 1 for the one before ..."""
    sent_ms: Integers
    outcome: Integers
    reaction_ms: Integers
    """0 where not clicked."""
    place: Integers
    """Which known row it is."""

    def sums(self, values: Integers) -> Integers:
        total = np.concatenate([[0], np.cumsum(values)])
        ends = np.cumsum(self.lengths)
        return np.asarray(total[ends] - total[ends - self.lengths])

    def newest_age(self, where: NDArray[np.bool_]) -> Integers:
        """Age of the newest push with a property; the number of all where none has it."""
        ages = self.lengths.copy()
        np.minimum.at(ages, self.request[where], self.age[where])
        return ages

    def end_of_run(self, start: Integers) -> Integers:
        """Age at which the run of equal outcomes that begins at an age is over; both of shape (n_requests,)."""
        outcome = np.zeros_like(self.lengths)
        begins = self.age == start[self.request]
        outcome[self.request[begins]] = self.outcome[begins]
        older = self.age >= start[self.request]
        return self.newest_age(older & (self.outcome != outcome[self.request]))

    def at_age(self, values: Integers, age: int) -> tuple[Integers, NDArray[np.bool_]]:
        """Values of the pushes of one age, and which requests have none."""
        found, there = np.zeros_like(self.lengths), self.age == age
        found[self.request[there]] = values[there]
        return found, self.lengths <= age


def _in_order(known: Known) -> _Sequences:
    request, place = known.places()
    sent, outcome = (known.rows.column(name).to_numpy().astype(np.int64)[place] for name in ("sent_ms", "outcome"))
    reaction = known.rows.column("reaction_ms").fill_null(0).to_numpy()[place]
    order = ascending(request, sent, outcome, reaction, _ranks(known.rows.column("category"))[place])
    age = np.repeat(np.cumsum(known.lengths), known.lengths) - 1 - np.arange(len(request))
    return _Sequences(known.lengths, request, age, sent[order], outcome[order], reaction[order], place[order])


def _ranks(texts: pa.ChunkedArray) -> Integers:
    """Give each text its place in their order; null is the first."""
    encoded = texts.combine_chunks().dictionary_encode()
    rank = pc.rank(encoded.dictionary).take(encoded.indices)
    return np.asarray(rank.fill_null(0), dtype=np.int64)


def sequences(known: Known) -> dict[str, pa.Array]:
    """Describe the pushes that each request knows, in their order.

    Parameters
    ----------
    known : Known
        A push has ``sent_ms, outcome, reaction_ms, category`` as in ``features.outcomes.push_outcomes``, and a user's
        pushes are in order of these four.

    Returns
    -------
    dict of str to Array
        ``SEQUENCE_COLUMNS``: pushes since the newest one clicked (all, where none was), lengths of the newest run of
        equal outcomes and of the one before, outcome of the newest, the one before and so on (null: no such push),
        clicks and dismissals among the last 10, the last 10 as a binary number with the newest first and 1 for a click,
        the median reaction time twice (null: none was clicked), gaps between sends and the sums of their minutes and
        squared minutes.
        ``CATEGORY_COLUMNS``: categories of the newest push clicked, the one clicked before and so on (null: no such
        push, or its category is not known).
    """
    pushes = _in_order(known)
    clicked, recent = pushes.outcome == CLICKED, pushes.age < RECENT
    run = pushes.end_of_run(np.zeros_like(pushes.lengths))
    gap = np.diff(pushes.sent_ms, prepend=0) // MS_PER_MINUTE
    gap[pushes.age == pushes.lengths[pushes.request] - 1] = 0  # the oldest has no push before it
    outcomes = (pushes.at_age(pushes.outcome, age) for age in range(LAST_OUTCOMES))
    columns = {
        "pushes_since_click": pushes.newest_age(clicked),
        "outcome_run": run,
        "outcome_run_before": pushes.end_of_run(run) - run,
        **{f"last_outcome_{place}": np.ma.masked_array(*found) for place, found in enumerate(outcomes, 1)},
        "recent_clicks": pushes.sums((clicked & recent).astype(np.int64)),
        "recent_dismissals": pushes.sums(((pushes.outcome == DISMISSED) & recent).astype(np.int64)),
        "click_pattern": pushes.sums(np.where(clicked & recent, 1 << np.maximum(RECENT - 1 - pushes.age, 0), 0)),
        "reaction_ms_middle": _twice_the_median(pushes, clicked),
        "gaps": np.maximum(pushes.lengths - 1, 0),
        "gap_minutes": pushes.sums(gap),
        "gap_minutes_squared": pushes.sums(gap * gap),
    }
    numbers = {name: pa.array(values, type=pa.int64()) for name, values in columns.items()}
    return {**numbers, **_clicked_categories(pushes, clicked, known.rows.column("category"))}


def _twice_the_median(pushes: _Sequences, clicked: NDArray[np.bool_]) -> np.ma.MaskedArray[Any, Any]:
    """Add up the two reaction times in the middle, or the one in the middle twice; masked where none was clicked."""
    request, reaction = pushes.request[clicked], pushes.reaction_ms[clicked]
    in_order = np.append(reaction[ascending(request, reaction)], 0)
    n = np.bincount(request, minlength=len(pushes.lengths))
    first = np.cumsum(n) - n
    low, high = (np.where(n > 0, first + middle // 2, -1) for middle in (n - 1, n))
    return np.ma.masked_array(in_order[low] + in_order[high], n == 0)


def _clicked_categories(
    pushes: _Sequences, clicked: NDArray[np.bool_], categories: pa.ChunkedArray
) -> dict[str, pa.Array]:
    request, place = pushes.request[clicked], np.append(pushes.place[clicked], 0)
    n = np.bincount(request, minlength=len(pushes.lengths))
    newest = np.cumsum(n) - 1
    return {
        name: categories.take(pa.array(place[np.where(n > back, newest - back, -1)], mask=n <= back)).combine_chunks()
        for back, name in enumerate(CATEGORY_COLUMNS)
    }
