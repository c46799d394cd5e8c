"""Training out of core: block by block, and yet the model that all rows in memory give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from models import bins
from models.batch import ArrayBatch, LabelledRows, take
from models.boosted_trees import BoostedTreesSettings
from models.bundle import serving_contents
from models.candidates import CandidateSpec, InMemory, fit_by
from models.histogram_forest import HistogramForestSettings
from models.out_of_core import BlockReader, EncodedBlock, OutOfCore
from models.schema import FeatureSchema
from models.serving.encoder import RowEncoder


@dataclass(frozen=True)
class Blocks:
    """Rows in blocks of unequal sizes, one of them empty."""

    rows: LabelledRows

    @property
    def batch(self) -> ArrayBatch:
        return self.rows.batch

    @property
    def label(self) -> np.ndarray:
        return self.rows.label

    @property
    def user(self) -> np.ndarray:
        return self.rows.user

    @property
    def sizes(self) -> np.ndarray:
        return np.array([700, 0, 1, len(self.rows) - 701])

    def block(self, number: int) -> ArrayBatch:
        end = self.sizes[: number + 1].sum()
        return take(self.rows.batch, np.arange(end - self.sizes[number], end))


@pytest.mark.parametrize(
    "spec",
    [
        CandidateSpec("boosted", BoostedTreesSettings(max_trees=30, patience=5)),
        CandidateSpec("sampled", BoostedTreesSettings(max_trees=5), codes=False, negatives_kept=0.5),
        CandidateSpec("forest", HistogramForestSettings(n_trees=5)),
    ],
    ids=lambda spec: spec.name,
)
def test_it_gives_what_rows_in_memory_give(
    spec: CandidateSpec, parts: dict[str, LabelledRows], schema: FeatureSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bins, "BIN_ROWS", 500)  # a sample of the rows, as of millions
    train, validation = parts["train"], parts["validation"]
    expected = fit_by(InMemory(train, validation, schema, 8, 3, 1), spec, seed=3)
    found = fit_by(OutOfCore(Blocks(train), Blocks(validation), schema, 8, 3, 1), spec, seed=3)
    assert found.model.model.text == expected.model.model.text
    assert serving_contents(found.model) == serving_contents(expected.model)
    np.testing.assert_array_equal(found.validation, expected.validation)


def test_single_rows_do_not_hold_their_block(parts: dict[str, LabelledRows]) -> None:
    """LightGBM keeps the rows that bins are made of: as views they would keep all rows in memory."""
    reader = BlockReader(Blocks(parts["train"]), RowEncoder(("sends_7d",), {}))
    row = EncodedBlock(reader, 0, np.arange(700))[3]
    assert row.base is None
    assert row.tolist() == [parts["train"].batch["sends_7d"][3]]
