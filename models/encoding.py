"""Fitting the row encoder: which categories a model gets to know."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from models.schema import FeatureSchema
from models.serving.encoder import RowEncoder

MIN_ROWS = 20
"""Categories with fewer training rows share the code of unseen ones, so that something is learned for it."""
MAX_WORDS = 2000
"""Most words of one vocabulary."""


def fit_encoder(
    batch: Mapping[str, NDArray[Any]],
    schema: FeatureSchema,
    n_latents: int,
    *,
    missing: float = math.nan,
    min_rows: int = MIN_ROWS,
    max_words: int = MAX_WORDS,
) -> RowEncoder:
    """Learn the vocabularies of the training rows, most frequent words first (ties by name).

    Parameters
    ----------
    batch : mapping of str to ndarray
        Training rows by column; of the categorical columns each is asked for once.
    schema : FeatureSchema
        Which columns are what.
    n_latents : int
        Width of the user code; 0 to read none.
    missing : float
        What stands for null in numeric columns.
    min_rows, max_words : int
        Rarer words, and words beyond that many, are coded as unseen ones are.
    """
    counted = {name: Counter(batch[name].tolist()) for name in schema.categorical}
    return encoder_of_words(counted, schema, n_latents, missing=missing, min_rows=min_rows, max_words=max_words)


def encoder_of_words(
    counted: Mapping[str, Mapping[Any, int]],
    schema: FeatureSchema,
    n_latents: int,
    *,
    missing: float = math.nan,
    min_rows: int = MIN_ROWS,
    max_words: int = MAX_WORDS,
) -> RowEncoder:
    """Make the encoder of rows of which is known how often each word of each categorical column occurs."""
    return RowEncoder(
        numeric=schema.numeric,
        vocabularies={name: _vocabulary(counted[name], min_rows, max_words) for name in schema.categorical},
        n_latents=n_latents,
        missing=missing,
    )


def _vocabulary(counted: Mapping[Any, int], min_rows: int, max_words: int) -> tuple[str, ...]:
    known = sorted((-rows, word) for word, rows in counted.items() if isinstance(word, str) and rows >= min_rows)
    return tuple(word for _, word in known[:max_words])
