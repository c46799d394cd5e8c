"""What an embedding learns from: the behaviour of every user, and where wanted how the pushes after it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.behaviour import behaviour_cells, behaviour_rows, known_cells, vocabulary
from features.splits import Split
from jobs.click_counts import check_clicks, click_counts
from jobs.embedding import matrix_of
from jobs.lake import Lake
from jobs.log_note import LogNote
from jobs.past import read_past

LABEL = ("clicks", "sends")


@dataclass(frozen=True)
class VocabularySizes:
    """Which tokens are learned from; see ``features.behaviour.vocabulary``."""

    max_tokens: int
    min_users: int


class Sample(NamedTuple):
    """Rows as an autoencoder takes them."""

    counts: sp.csr_matrix
    """Raw counts, shape (n_rows, n_tokens)."""
    labels: npt.NDArray[np.int64] | None
    """Clicks and sends of each row, shape (n_rows, 2); null when not asked for."""
    users: npt.NDArray[Any] | None
    """User of each row, shape (n_rows,); null where no two rows have one."""


def sample_rows(
    lake: Lake, note: LogNote, ds: date, split: Split, sizes: VocabularySizes, *, labelled: bool
) -> tuple[list[str], DataFrame]:
    """Give the token of each column, and the rows that were known before the cut.

    One row a user, as of the cut. With labels, the window before the training part stands for that part, and its end
    for the cut; and there is also a row for each request of the window, as of its own midnight: behaviour as of the cut
    would hold the very clicks that are to be told. The vocabulary is that of the users as of the cut either way. Who
    had done nothing by a midnight has no row.

    Parameters
    ----------
    split : Split
        With labels, that of ``jobs.click_counts.window_before``.

    Returns
    -------
    list of str
    DataFrame
        See ``features.behaviour.behaviour_rows``; with labels also ``clicks``, ``sends``, 0 as of the cut.

    Raises
    ------
    BadInput
        When there should be labels, and no send was clicked, or all were.
    """
    clicks = _click_counts(lake, note, split) if labelled else None
    cells = behaviour_cells(read_past(lake, note, ds, as_of=split.cut if clicks is None else split.train[0]))
    keys = cells.select("user_id").distinct().withColumn("as_of", F.lit(split.cut))
    known = known_cells(keys, cells)
    tokens = vocabulary(known, max_tokens=sizes.max_tokens, min_users=sizes.min_users).persist()
    words = [row["token"] for row in tokens.orderBy("token_id").collect()]
    if clicks is None:
        return words, behaviour_rows(keys, cells, tokens)
    rows = behaviour_rows(keys.union(clicks.select("user_id", "as_of")), cells, tokens)
    return words, rows.join(clicks, ["user_id", "as_of"], how="left").fillna(0, LABEL)


def _click_counts(lake: Lake, note: LogNote, split: Split) -> DataFrame:
    if not any(split.train[0] <= day < split.cut for day in lake.days("requests")):
        check_clicks(None, split)
    clicks = click_counts(lake, note, split).persist()
    check_clicks(clicks, split)
    return clicks


def sample_of(rows: pa.Table, n_tokens: int) -> Sample:
    """Take the rows of ``sample_rows`` in the order in which they are."""
    counts = matrix_of(rows, n_tokens)
    if "sends" not in rows.column_names:
        return Sample(counts, None, None)
    labels = np.column_stack([rows[name].to_numpy() for name in LABEL])
    return Sample(counts, labels, rows["user_id"].to_numpy())
