"""Encoded rows as LightGBM's bins, on which its families are fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm

from models.family import EncodedParts, Labels
from models.serving.encoder import RowEncoder

BIN_ROWS = 50_000
"""Rows that bins are made of, 200 for each; LightGBM's own 200,000 would take a quarter of a fit's time."""


@dataclass(frozen=True)
class Bins:
    """Rows to fit on, and later rows to stop by where there are any."""

    encoder: RowEncoder
    train: lightgbm.Dataset
    later: lightgbm.Dataset | None = None


def make_bins(
    encoder: RowEncoder,
    rows: Any,
    label: Labels,
    later_rows: Any = None,
    later_label: Labels | None = None,
    *,
    seed: int | None = None,
) -> Bins:
    """Bin rows, which LightGBM does when it first needs them.

    Parameters
    ----------
    encoder : RowEncoder
        What encoded the rows.
    rows : ndarray of shape (n_rows, n_columns), or list of lightgbm.Sequence
        Rows to fit on; bins are made of some of them.
    label : ndarray of shape (n_rows,)
        1 where the send was clicked.
    later_rows, later_label : optional
        The same of rows to stop by.
    seed : int, optional
        The fit's seed. From a `lightgbm.Sequence` LightGBM draws the rows that bins are made of before it hears of that
        seed; with it, they are those that it draws from an array.
    """
    parameters = {
        "verbose": -1,
        "feature_pre_filter": False,  # a filter would hang on the first fit's settings
        "bin_construct_sample_cnt": BIN_ROWS,
        "enable_bundle": False,  # the same trees; bundled columns would be copied anew for each tree
    }
    if seed is not None:
        parameters["data_random_seed"] = _first_draw(seed)
    train = lightgbm.Dataset(
        rows,
        label,
        feature_name=list(encoder.columns),
        categorical_feature=encoder.categorical_positions,
        params=parameters,
    )
    later = None if later_rows is None else train.create_valid(later_rows, later_label, params=parameters)
    return Bins(encoder, train, later)


def binned(parts: EncodedParts) -> Bins:
    """Give encoded parts as bins; made once."""
    if "lightgbm" not in parts.kept:
        parts.kept["lightgbm"] = make_bins(
            parts.encoder, parts.rows, parts.label, parts.validation_rows, parts.validation_label
        )
    found: Bins = parts.kept["lightgbm"]
    return found


def _first_draw(seed: int) -> int:
    """Give the ``data_random_seed`` that LightGBM makes of ``seed``: the first draw of its generator."""
    return (((214013 * seed + 2531011) % 2**32) >> 16 & 0x7FFF) % 0x7FFF
