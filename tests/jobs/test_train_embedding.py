"""What the job says while it learns, and when that comes to nothing."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from jobs.errors import BadInput
from jobs.train_embedding import _learn
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.undercomplete import UndercompleteAutoencoder
from models.autoencoder.variational import VariationalAutoencoder

WORDS = [f"event:e{token}" for token in range(5)] + ["sent:a"]


class Rows:
    """Behaviour rows as Spark would have them."""

    def orderBy(self, *_: str) -> Rows:  # noqa: N802 -- Spark's name
        return self

    def toArrow(self) -> pa.Table:  # noqa: N802
        rng = np.random.default_rng(0)
        ids = [sorted(rng.choice(6, 3, replace=False).tolist()) for _ in range(300)]
        counts = [rng.integers(1, 9, 3).tolist() for _ in ids]
        lists = {"token_ids": pa.array(ids, pa.list_(pa.int32())), "counts": pa.array(counts, pa.list_(pa.int64()))}
        return pa.table({"user_id": [f"u{i}" for i in range(300)], **lists})


def learned(estimator: Autoencoder) -> Autoencoder:
    nothing: Any = None
    rows: Any = Rows()
    return _learn(nothing, nothing, rows, estimator, None, words=WORDS, processes=1)[0]


def test_each_epoch_is_a_line_on_stderr_and_blocks_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    model = learned(UndercompleteAutoencoder(n_latents=2, max_epochs=3))
    said = capsys.readouterr()

    assert re.findall(r"^epoch (\d): held-out FVU 0\.\d{4}$", said.err, flags=re.MULTILINE) == ["1", "2", "3"]
    assert said.out == ""
    assert set(model.measures_["fvu_by_block"]) == {"event", "sent"}


def test_training_that_diverges_is_one_line_of_bad_input() -> None:
    with pytest.raises(BadInput, match=r"^training diverged: .*; expected a learning_rate that it can follow, got 10$"):
        learned(VariationalAutoencoder(n_latents=2, learning_rate=10, batch_size=1, patience=60))
