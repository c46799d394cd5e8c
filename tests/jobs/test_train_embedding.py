"""What the job says while it learns, when that comes to nothing, and what it is held against."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from jobs import train_embedding
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.train_embedding import _learn
from models.autoencoder.deep import DeepAutoencoder
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.undercomplete import UndercompleteAutoencoder
from models.autoencoder.variational import VariationalAutoencoder

WORDS = [f"event:e{token}" for token in range(5)] + ["sent:a"]
DS = date(2026, 2, 2)
BEFORE = DS - timedelta(days=1)
NOTHING: Any = None


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
    rows: Any = Rows()
    return _learn(NOTHING, NOTHING, rows, estimator, None, words=WORDS, processes=1)[0]


def test_each_epoch_is_a_line_on_stderr_and_blocks_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    model = learned(UndercompleteAutoencoder(n_latents=2, max_epochs=3))
    said = capsys.readouterr()

    assert re.findall(r"^epoch (\d): held-out FVU 0\.\d{4}$", said.err, flags=re.MULTILINE) == ["1", "2", "3"]
    assert said.out == ""
    assert set(model.measures_["fvu_by_block"]) == {"event", "sent"}


def test_pre_training_is_told_from_training(capsys: pytest.CaptureFixture[str]) -> None:
    learned(DeepAutoencoder(n_latents=2, n_hidden=4, max_epochs=1, pretrain_epochs=1))

    said = [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert said == ["pre-training, epoch 1", "pre-training, epoch 2", "epoch 1"]


def test_training_that_diverges_is_one_line_of_bad_input() -> None:
    with pytest.raises(BadInput, match=r"^training diverged: .*; expected a learning_rate that it can follow, got 10$"):
        learned(VariationalAutoencoder(n_latents=2, learning_rate=10, batch_size=1, patience=60))


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake with the notes of two days, whose behaviour is that of `Rows`."""
    monkeypatch.setattr(train_embedding, "sample_rows", lambda *_, **__: (WORDS, Rows()))
    lake = Lake(NOTHING, str(tmp_path))
    for day in (BEFORE, DS):
        put_note(lake, day)
    return lake


def put_note(lake: Lake, day: date, *tables: str) -> None:
    lake.put_json("ingest", day, {"mapping": "m", "time_rules": {}, "tables": ["sends", "clicks", *tables]})


def train(lake: Lake, day: date, more: str = "") -> dict[str, Any]:
    words = f"--latents 3 --k 2 --max-epochs 2 --device cpu {more}".split()
    args = train_embedding.arg_parser().parse_args(["--root", lake.root, "--ds", str(day), *words])
    train_embedding.run(NOTHING, args)
    manifest: dict[str, Any] = json.loads((lake.get_folder("embeddings", day) / "manifest.json").read_text())
    return manifest


def test_a_version_is_held_against_the_last_one_whether_it_began_there_or_not(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = train(lake, DS, "--seed 1")
    first = train(lake, BEFORE)
    assert alone["since_last"] is first["since_last"] is None
    assert "since" not in capsys.readouterr().err

    cold, warm = train(lake, DS, "--seed 1"), train(lake, DS, "--seed 1 --warm-start")
    assert cold["version"] == alone["version"] != warm["version"]
    for manifest, is_warm in ((cold, False), (warm, True)):
        since = manifest["since_last"]
        assert (since["from"], since["warm"], since["shared_tokens"]) == (first["version"], is_warm, len(WORDS))
        assert {"matched_cosine", "matched_share", "linear_cka"} < since.keys()
    assert cold["since_last"]["matched_cosine"] < warm["since_last"]["matched_cosine"] <= 1
    assert capsys.readouterr().err.count(f"since {first['version']}: 6 tokens shared, matched cosine") == 2


def test_a_version_of_before_there_were_such_figures_can_be_compared(lake: Lake) -> None:
    train(lake, BEFORE)
    path = lake.get_folder("embeddings", BEFORE) / "manifest.json"
    old = json.loads(path.read_text())
    del old["since_last"], old["token_schema"]
    path.write_text(json.dumps(old))

    assert train(lake, DS)["since_last"]["from"] == old["version"]


@pytest.mark.parametrize(
    ("table", "words", "more", "why"),
    [
        ("app_events", WORDS, "", "embedding .* reads tokens of schema .*; got event of nothing"),
        ("sends", WORDS, "--latents 4", "the last version .* of 3 latents: expected the same, got .* of 4 latents"),
        ("sends", ["sent:b", *"cdefg"], "", "the last version knows none of today's tokens: expected some"),
    ],
)
def test_what_cannot_be_compared_is_a_line_and_the_error_of_a_warm_start(
    lake: Lake,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    table: str,
    words: list[str],
    more: str,
    why: str,
) -> None:
    put_note(lake, BEFORE, table)
    train(lake, BEFORE)
    monkeypatch.setattr(train_embedding, "sample_rows", lambda *_, **__: (words, Rows()))

    assert train(lake, DS, more)["since_last"] is None
    assert re.search(f"^not compared with the embedding of {BEFORE}: {why}$", capsys.readouterr().err, re.MULTILINE)
    with pytest.raises(BadInput, match=f"^--warm-start from {BEFORE}: {why}$"):
        train(lake, DS, f"{more} --warm-start")
