"""What an embedding is worth: the product's LightGBM on send and campaign features and the codes beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.batch import to_labelled_rows
from models.boosted_trees import BoostedTreesSettings
from models.encoding import fit_encoder
from models.evaluation import auc, row_log_loss
from models.family import EncodedParts
from models.schema import FeatureSchema
from models.serving.encoder import RowEncoder
from tests.benchmarks.embeddings.data import REQUEST, Data

Codes = sp.csr_matrix | NDArray[np.float32] | None
"""One row a request; None for no codes."""

SEND_AND_CAMPAIGN = ("local_", "campaign", "title_", "has_")


@dataclass(frozen=True)
class Part:
    """Rows of one part, encoded but for the codes."""

    features: NDArray[np.float64]
    label: NDArray[np.int64]
    user: NDArray[np.int64]
    request: NDArray[np.int64]


@dataclass(frozen=True)
class Outcome:
    """How well clicks were predicted."""

    validation_log_loss: float
    holdout_log_loss: float
    holdout_auc: float
    n_trees: int
    losses: NDArray[np.float32]
    """Log-loss of each hold-out row."""


class Downstream:
    """Fits on the training part, stops on validation, measures on the hold-out.

    Parameters
    ----------
    data : Data
    all_features : bool
        With False, a row's features are those of the send and of its campaign, so that all that is known of the user
        is in the code. With True, the product's features of the user and the device come along.
    n_threads : int
    """

    def __init__(self, data: Data, *, all_features: bool, n_threads: int) -> None:
        schema = data.schema if all_features else _send_and_campaign(data.schema)
        rows = {part: to_labelled_rows(table, schema) for part, table in data.rows.items()}
        self.encoder = fit_encoder(rows["train"].batch, schema, 0)
        self.parts = {
            part: Part(self.encoder.encode(one.batch), one.label, one.user, data.rows[part][REQUEST].to_numpy())
            for part, one in rows.items()
        }
        self.n_threads = n_threads

    def measure(self, codes: Codes, seed: int) -> Outcome:
        """Fit and measure with the codes of all requests, or without codes."""
        train, validation, holdout = (
            self._with_codes(self.parts[part], codes) for part in ("train", "validation", "holdout")
        )
        labels = {part: one.label for part, one in self.parts.items()}
        encoder: RowEncoder = replace(self.encoder, n_latents=0 if codes is None else codes.shape[1])
        parts = EncodedParts(encoder, train, labels["train"], validation, labels["validation"])
        model = BoostedTreesSettings().fit(parts, seed=seed, n_threads=self.n_threads)
        p = model.predict(holdout)
        losses = row_log_loss(p, labels["holdout"])
        return Outcome(
            validation_log_loss=float(row_log_loss(model.predict(validation), labels["validation"]).mean()),
            holdout_log_loss=float(losses.mean()),
            holdout_auc=auc(p, labels["holdout"]),
            n_trees=model.text.count("\nTree="),
            losses=losses.astype(np.float32),
        )

    def _with_codes(self, part: Part, codes: Codes) -> NDArray[np.float64]:
        if codes is None:
            return part.features
        own = codes[part.request]
        return np.hstack([part.features, own.toarray() if sp.issparse(own) else own])


def _send_and_campaign(schema: FeatureSchema) -> FeatureSchema:
    return replace(schema, features=tuple(one for one in schema.features if one.name.startswith(SEND_AND_CAMPAIGN)))
