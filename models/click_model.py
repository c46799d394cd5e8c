"""A whole click model for people who work in Python: what ``model.joblib`` of a bundle holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.family import FittedModel
from models.serving.calibrators import Calibrator
from models.serving.encoder import RowEncoder
from models.serving.types import Batch, Floats


@dataclass(frozen=True)
class ClickModel:
    """Encoder, fitted model and calibrator; the scorer of the same bundle gives the same probabilities."""

    encoder: RowEncoder
    model: FittedModel
    calibrator: Calibrator

    def predict(self, batch: Batch) -> Floats:
        """Give calibrated click probabilities of raw feature rows, shape (n_rows,)."""
        return self.calibrator.apply(self.model.predict(self.encoder.encode(batch)))

    def predict_proba(self, batch: Batch) -> Floats:
        """Give probabilities of no click and click, shape (n_rows, 2), as scikit-learn does."""
        p = self.predict(batch)
        return np.column_stack([1 - p, p])
