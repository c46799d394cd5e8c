"""Random Forest by LightGBM's histograms: a forest of all rows in the time that scikit-learn takes for few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pydantic.dataclasses import dataclass as settings

from models.bins import Bins, binned
from models.boosted_trees import FittedBooster, boosted
from models.family import CHECKED, NO_SENTINEL, AtLeastOne, Count, EncodedParts, FittedModel, Leaves, Share
from models.monotone import monotone
from models.ranks import Ranks


@settings(frozen=True, config=CHECKED)
class HistogramForestSettings:
    """Trees side by side, each on its own rows and columns; a leaf holds the share of its rows that was clicked.

    The loss is the squared error, whose best split for a click is that of Gini's impurity, and whose leaf is a mean.
    """

    family: ClassVar[str] = "histogram_forest"
    missing: ClassVar[float] = NO_SENTINEL

    n_trees: AtLeastOne = 60
    """Number of trees."""
    num_leaves: Leaves = 63
    """Most leaves of a tree; the best split is made first."""
    min_data_in_leaf: Count = 100
    """Fewest training rows of a leaf."""
    feature_fraction: Share = 0.3
    """Share of the columns that a split looks at."""
    bagging_fraction: Share = 0.5
    """Share of the rows that a tree sees, drawn without replacement."""
    cat_smooth: float = 100.0
    """Rows' worth of shrinkage of a category's statistics before categories are sorted by them."""
    rising: tuple[str, ...] = ()
    """Numeric columns (or patterns with ``*``) of which more never makes a click less likely, all else being equal."""
    falling: tuple[str, ...] = ()
    """The same of which more never makes a click more likely."""

    def fit(self, parts: EncodedParts, *, seed: int, n_threads: int) -> FittedHistogramForest:
        """Fit a forest.

        Raises
        ------
        UnknownColumn
            When `rising` or `falling` names a column that is not there, or is not numeric.
        """
        return self.fit_bins(binned(parts), seed=seed, n_threads=n_threads)

    def fit_bins(self, bins: Bins, *, seed: int, n_threads: int, ranks: Ranks | None = None) -> FittedHistogramForest:
        """Fit a forest on bins, as `fit` does; with ranks, together with them."""
        parameters = {
            "boosting": "rf",
            "objective": "regression",
            "num_leaves": self.num_leaves,
            "min_data_in_leaf": self.min_data_in_leaf,
            "min_sum_hessian_in_leaf": 0.0,
            "feature_fraction_bynode": self.feature_fraction,
            "bagging_fraction": self.bagging_fraction,
            "bagging_freq": 1,
            "cat_smooth": self.cat_smooth,
            "cat_l2": 0.0,
            "seed": seed,
            "num_threads": n_threads,
            "deterministic": True,
            "force_col_wise": True,
            "verbose": -1,
            **monotone(self.rising, self.falling, bins.encoder),
        }
        return self.from_text(boosted(parameters, bins, self.n_trees, ranks))

    def from_text(self, text: str) -> FittedHistogramForest:
        """Give the fitted model that LightGBM's text holds."""
        return FittedHistogramForest(text)

    def settled(self, model: FittedModel) -> HistogramForestSettings:  # noqa: ARG002
        """Give the same settings: validation decides nothing here."""
        return self


@dataclass(frozen=True)
class FittedHistogramForest(FittedBooster):
    """A forest in LightGBM's text format; predicts and is served like boosted trees."""
