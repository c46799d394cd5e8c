"""Gradient boosting by LightGBM, with early stopping on the later validation part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import lightgbm
import numpy as np

from models.family import NO_SENTINEL, EncodedParts, FittedModel
from models.onnx_trees import to_onnx
from models.serving.types import Floats
from models.tree_ensembles import from_lightgbm, to_compact


@dataclass(frozen=True)
class BoostedTreesSettings:
    """Many small trees; classes are not re-weighted, so that probabilities stay probabilities."""

    family: ClassVar[str] = "lightgbm"
    missing: ClassVar[float] = NO_SENTINEL

    learning_rate: float = 0.05
    """Shrinkage of each tree."""
    num_leaves: int = 15
    """Most leaves of a tree."""
    min_data_in_leaf: int = 200
    """Fewest training rows of a leaf."""
    feature_fraction: float = 0.3
    """Share of the columns that a tree sees."""
    bagging_fraction: float = 0.8
    """Share of the rows that a tree sees, drawn anew for each tree."""
    lambda_l2: float = 5.0
    """Ridge penalty on leaf values."""
    cat_smooth: float = 100.0
    """Rows' worth of shrinkage of a category's statistics before categories are sorted by them."""
    cat_l2: float = 20.0
    """Ridge penalty in splits on categories."""
    min_data_per_group: int = 200
    """Fewest rows of a category that may be split off."""
    max_trees: int = 2000
    """Most trees."""
    patience: int = 50
    """Training ends when validation log-loss has not fallen for this many trees."""

    def fit(self, parts: EncodedParts, *, seed: int, n_threads: int) -> FittedBooster:
        """Fit a booster; it keeps the trees up to the lowest validation log-loss, or all without validation rows."""
        train = lightgbm.Dataset(
            parts.rows,
            parts.label,
            feature_name=list(parts.encoder.columns),
            categorical_feature=parts.encoder.categorical_positions,
            params={"verbose": -1},
        )
        parameters = self._parameters(seed, n_threads)
        if parts.validation_rows is None:
            return FittedBooster(lightgbm.train(parameters, train, num_boost_round=self.max_trees).model_to_string())
        booster = lightgbm.train(
            parameters,
            train,
            num_boost_round=self.max_trees,
            valid_sets=[train.create_valid(parts.validation_rows, parts.validation_label)],
            callbacks=[lightgbm.early_stopping(self.patience, verbose=False)],
        )
        return FittedBooster(booster.model_to_string(num_iteration=booster.best_iteration))

    def settled(self, model: FittedModel) -> BoostedTreesSettings:
        """Give the same settings with the number of trees that early stopping chose."""
        assert isinstance(model, FittedBooster)  # what `fit` gave
        return replace(self, max_trees=lightgbm.Booster(model_str=model.text).num_trees())

    def _parameters(self, seed: int, n_threads: int) -> dict[str, Any]:
        return {
            "objective": "binary",
            "metric": "binary_logloss",
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "min_data_in_leaf": self.min_data_in_leaf,
            "feature_fraction": self.feature_fraction,
            "bagging_fraction": self.bagging_fraction,
            "bagging_freq": 1,
            "lambda_l2": self.lambda_l2,
            "cat_smooth": self.cat_smooth,
            "cat_l2": self.cat_l2,
            "min_data_per_group": self.min_data_per_group,
            "seed": seed,
            "num_threads": n_threads,
            "deterministic": True,
            "force_col_wise": True,  # the same trees as row-wise; less work where a tree sees few of the columns
            "verbose": -1,
        }


@dataclass(frozen=True)
class FittedBooster:
    """A booster in LightGBM's text format, which holds its numbers exactly; served as compact trees."""

    text: str
    serving_format: ClassVar[str] = "compact"

    def predict(self, rows: Floats) -> Floats:
        """Give click probabilities of encoded rows."""
        return np.asarray(lightgbm.Booster(model_str=self.text).predict(rows))

    def to_serving(self) -> bytes:
        """Give compact trees."""
        return to_compact(from_lightgbm(self.text))

    def to_others(self) -> dict[str, bytes]:
        """Give LightGBM's own text, and ONNX."""
        return {"lightgbm_text": self.text.encode(), "onnx": to_onnx(from_lightgbm(self.text))}
