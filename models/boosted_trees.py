"""Gradient boosting by LightGBM, with early stopping on the later validation part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import lightgbm
import numpy as np
from pydantic.dataclasses import dataclass as settings

from models.bins import Bins, binned
from models.family import (
    CHECKED,
    NO_SENTINEL,
    Amount,
    AtLeastOne,
    Count,
    EncodedParts,
    FittedModel,
    Leaves,
    Positive,
    Share,
    UnfitSettings,
)
from models.monotone import monotone
from models.onnx_trees import to_onnx
from models.ranks import JointStopping, Ranks, as_of_one
from models.serving.types import Floats
from models.tree_ensembles import columns_read, from_lightgbm, of_columns, to_compact

QUANTISED = {"use_quantized_grad": True, "quant_train_renew_leaf": True}
"""Gradients in LightGBM's few levels to find splits, leaves from the exact ones."""


@settings(frozen=True, config=CHECKED)
class BoostedTreesSettings:
    """Many small trees; classes are not re-weighted, so that probabilities stay probabilities."""

    family: ClassVar[str] = "lightgbm"
    missing: ClassVar[float] = NO_SENTINEL

    learning_rate: Positive = 0.06
    """Shrinkage of each tree."""
    num_leaves: Leaves = 15
    """Most leaves of a tree."""
    min_data_in_leaf: Count = 200
    """Fewest training rows of a leaf."""
    feature_fraction: Share = 0.3
    """Share of the columns that a tree sees."""
    bagging_fraction: Share = 0.8
    """Share of the rows that a tree sees, drawn anew for each tree."""
    lambda_l2: Amount = 5.0
    """Ridge penalty on leaf values."""
    cat_smooth: Amount = 100.0
    """Rows' worth of shrinkage of a category's statistics before categories are sorted by them."""
    cat_l2: Amount = 20.0
    """Ridge penalty in splits on categories."""
    min_data_per_group: AtLeastOne = 200
    """Fewest rows of a category that may be split off."""
    max_trees: AtLeastOne = 2000
    """Most trees."""
    patience: AtLeastOne = 30
    """Training ends when validation log-loss has not fallen for this many trees."""
    rising: tuple[str, ...] = ()
    """Numeric columns (or patterns with ``*``) of which more never makes a click less likely, all else being equal."""
    falling: tuple[str, ...] = ()
    """The same of which more never makes a click more likely."""
    quantised: bool = False
    """Whether gradients are rounded to few levels (Shi et al., 2022), which fits large data faster."""

    def fit(self, parts: EncodedParts, *, seed: int, n_threads: int) -> FittedBooster:
        """Fit a booster; it keeps the trees up to the lowest validation log-loss, or all without validation rows.

        Raises
        ------
        UnknownColumn
            When `rising` or `falling` names a column that is not there, or is not numeric.
        UnfitSettings
            When LightGBM refuses to fit rounded gradients to these rows.
        """
        return self.fit_bins(binned(parts), seed=seed, n_threads=n_threads)

    def fit_bins(self, bins: Bins, *, seed: int, n_threads: int, ranks: Ranks | None = None) -> FittedBooster:
        """Fit a booster on bins, as `fit` does; with ranks, together with them."""
        parameters = self._parameters(seed, n_threads) | monotone(self.rising, self.falling, bins.encoder)
        callbacks = [self._stopping(ranks)] if bins.later else []
        try:
            return self.from_text(boosted(parameters, bins, self.max_trees, ranks, callbacks))
        except lightgbm.basic.LightGBMError as error:
            if not self.quantised:
                raise
            raise UnfitSettings(f"quantised: LightGBM cannot fit these rows so ({error}); leave it false") from error

    def _stopping(self, ranks: Ranks | None) -> Any:
        if ranks:
            return JointStopping(ranks, self.patience)
        return lightgbm.early_stopping(self.patience, verbose=False)

    def from_text(self, text: str) -> FittedBooster:
        """Give the fitted model that LightGBM's text holds."""
        return FittedBooster(text)

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
            **(QUANTISED if self.quantised else {}),
        }


def boosted(
    parameters: dict[str, Any], bins: Bins, n_trees: int, ranks: Ranks | None, callbacks: Sequence[Any] = ()
) -> str:
    """Fit trees one after the other; gives LightGBM's text of those up to the best one, of all without later rows."""
    booster = lightgbm.train(
        parameters | (ranks.parameters if ranks else {}),
        bins.train,
        num_boost_round=n_trees,
        valid_sets=[bins.later] if bins.later else None,
        callbacks=list(callbacks),
    )
    text = booster.model_to_string(num_iteration=booster.best_iteration if bins.later else None)
    return as_of_one(text) if ranks else text


@dataclass(frozen=True)
class FittedBooster:
    """A booster in LightGBM's text format, which holds its numbers exactly; served as compact trees."""

    text: str
    serving_format: ClassVar[str] = "compact"

    def predict(self, rows: Floats) -> Floats:
        """Give click probabilities of encoded rows."""
        return np.asarray(lightgbm.Booster(model_str=self.text).predict(rows))

    def columns_read(self) -> list[int]:
        """Give the positions of the encoded columns on which some tree splits, ascending."""
        return columns_read(from_lightgbm(self.text))

    def to_serving(self, columns: Sequence[int] | None = None) -> bytes:
        """Give compact trees, for rows that hold these columns alone; by default all of them."""
        return to_compact(of_columns(from_lightgbm(self.text), columns))

    def to_others(self) -> dict[str, bytes]:
        """Give LightGBM's own text, and ONNX."""
        return {"lightgbm_text": self.text.encode(), "onnx": to_onnx(from_lightgbm(self.text))}
