"""Random Forest by scikit-learn, served as compact trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic.dataclasses import dataclass as settings
from sklearn.ensemble import RandomForestClassifier

from models.family import CHECKED, AtLeastOne, EncodedParts, FittedModel, Leaves, Share
from models.forest_rounding import round_forest
from models.serving.onnx_engine import INPUT
from models.serving.single import to_single
from models.serving.types import Floats
from models.tree_ensembles import columns_read, from_forest, of_columns, to_compact


@settings(frozen=True, config=CHECKED)
class RandomForestSettings:
    """A forest of few, small, sub-sampled trees: a hundredth of the default's size, better probabilities."""

    family: ClassVar[str] = "random_forest"
    missing: ClassVar[float] = -1e6
    """Below every count, rate and time, so that one split parts null from the rest."""

    n_trees: AtLeastOne = 60
    """Number of trees."""
    max_leaves: Leaves = 63
    """Most leaves of a tree; the best split is made first."""
    min_samples_leaf: AtLeastOne = 50
    """Fewest training rows of a leaf."""
    max_features: Share = 0.2
    """Share of the columns that a split looks at."""
    max_rows: AtLeastOne = 20_000
    """Most training rows that a tree sees, drawn with replacement: more rows cost no more time."""

    def fit(self, parts: EncodedParts, *, seed: int, n_threads: int) -> FittedForest:
        """Fit a forest; a tree's draws depend on the seed alone, so threads do not matter."""
        forest = RandomForestClassifier(
            n_estimators=self.n_trees,
            max_leaf_nodes=self.max_leaves,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features,
            max_samples=min(self.max_rows, len(parts.rows)),
            random_state=seed,
            n_jobs=n_threads,
        )
        rows = np.asfortranarray(to_single(parts.rows))  # a tree reads column by column
        forest.fit(rows, parts.label)
        forest.set_params(n_jobs=1)  # threads add up trees in any order, and make one row four times slower
        round_forest(forest, rows)
        return FittedForest(forest)

    def settled(self, model: FittedModel) -> RandomForestSettings:  # noqa: ARG002
        """Give the same settings: validation decides nothing here."""
        return self


@dataclass(frozen=True)
class FittedForest:
    """A fitted scikit-learn forest."""

    forest: RandomForestClassifier
    serving_format: ClassVar[str] = "compact"

    def predict(self, rows: Floats) -> Floats:
        """Give click probabilities of encoded rows."""
        return np.asarray(self.forest.predict_proba(to_single(rows))[:, 1])

    def columns_read(self) -> list[int]:
        """Give the positions of the encoded columns on which some tree splits, ascending."""
        return columns_read(from_forest(self.forest))

    def to_serving(self, columns: Sequence[int] | None = None) -> bytes:
        """Give compact trees, for rows that hold these columns alone; by default all of them."""
        return to_compact(of_columns(from_forest(self.forest), columns))

    def to_others(self) -> dict[str, bytes]:
        """Give the forest as ONNX."""
        from skl2onnx import to_onnx  # two seconds, and only training needs it
        from skl2onnx.common.data_types import FloatTensorType

        columns = FloatTensorType([None, self.forest.n_features_in_])
        converted = to_onnx(self.forest, initial_types=[(INPUT, columns)], options={id(self.forest): {"zipmap": False}})
        return {"onnx": bytes(converted.SerializeToString())}
