"""The map and the words of a small embedding, from the hold-out of a training set."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import scipy.sparse as sp

from jobs import describe_embedding
from jobs.errors import BadInput
from jobs.lake import Lake
from models.autoencoder.store import save
from models.autoencoder.topk import TopKAutoencoder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DS = date(2026, 2, 2)
WORDS = ["clicked:news", "sent:news", "event:view", "event:play"]
CODED = 40


@pytest.fixture(scope="module")
def embedding() -> TopKAutoencoder:
    """Fitted on users who either get pushes or use the app."""
    rng = np.random.default_rng(0)
    rates = np.where(rng.random((300, 1)) < 0.5, [2.0, 5.0, 0.1, 0.1], [0.1, 0.1, 5.0, 5.0])
    estimator = TopKAutoencoder(n_latents=2, k=1, batch_size=64, learning_rate=0.02, max_epochs=8)
    return estimator.fit(sp.csr_matrix(rng.poisson(rates).astype(np.float32)))


@pytest.fixture
def lake(spark: SparkSession, embedding: TopKAutoencoder, tmp_path: Path) -> Lake:
    """Users by their number: the even ones have latent 0, the odd ones latent 1, and `nobody` has no code."""
    lake = Lake(spark, str(tmp_path / "lake"))
    manifest = save(embedding, WORDS, tmp_path / "embedding", measures={})
    lake.put_folder("embeddings", DS, tmp_path / "embedding")
    lake.put_json("training_set_meta", DS, {"embedding": manifest})
    rows: list[tuple[Any, ...]] = [("n", "nobody", date(2026, 2, 1), "holdout", 1, None, None, DS)]
    for user in range(CODED):
        code = ([user % 2], [1.0 + user / 100])
        rows += [
            (f"{user}-2", f"u{user}", date(2026, 2, 1), "holdout", int(user % 4 == 0), [1 - user % 2], [9.0], DS),
            (f"{user}-1", f"u{user}", date(2026, 1, 31), "holdout", 0, *code, DS),  # its first: the code that counts
            (f"{user}-0", f"u{user}", date(2026, 1, 20), "train", 1, *code, DS),  # of another part: must not count
        ]
    schema = (
        "send_id string, user_id string, as_of date, part string, label int, "
        "latents array<smallint>, latent_values array<float>, ds date"
    )
    lake.write("training_set", spark.createDataFrame(rows, schema), [DS])
    return lake


def describe(lake: Lake, *more: str) -> Any:
    args = describe_embedding.arg_parser().parse_args(["--root", lake.root, "--ds", str(DS), *more])
    describe_embedding.run(lake._spark, args)
    return lake.get_json("embedding_map", DS)


def test_users_are_mapped_and_latents_told_in_words(lake: Lake, embedding: TopKAutoencoder) -> None:
    found = describe(lake, "--users", "35")
    assert (found["users"], found["without_code"], found["alike"]) == (CODED, 1, 2)
    latents = {one["latent"]: one for one in found["latents"]}
    assert [latents[latent]["click_rate"] for latent in (0, 1)] == [10 / 40, 0]
    assert [latents[latent]["rest_click_rate"] for latent in (0, 1)] == [0, 10 / 40]
    assert latents[0]["user_share"] == latents[1]["top_share"] == 0.5
    low, high = latents[0]["gap_ci"]
    assert 0 < low < 0.25 < high
    pushed = int(np.argmax(embedding.decoder_[:, 1]))
    rising = {
        latent: {it["behaviour"] for it in one["drivers"] if it["having"] > it["without"]}
        for latent, one in latents.items()
    }
    assert "pushes on news" in rising[pushed] <= {"pushes on news", "clicks on news"}
    assert rising[1 - pushed] <= {"view events", "play events"}

    points = found["points"]
    assert {len(column) for column in points.values()} == {35}
    assert set(points["latent"]) == {0, 1}
    assert {min(points["x"]), max(points["x"]), min(points["y"]), max(points["y"])} <= set(range(1001))
    assert "u0" not in json.dumps(found)
    assert describe(lake, "--users", "35") == found


def test_a_hold_out_of_few_users_is_bad_input(lake: Lake) -> None:
    with pytest.raises(BadInput, match="hold-out: expected at least 30 users with a code, got 20"):
        describe(lake, "--users", "20")


def test_codes_of_another_embedding_are_bad_input(lake: Lake) -> None:
    lake.put_json("training_set_meta", DS, {"embedding": {"version": "another"}})
    with pytest.raises(BadInput, match="has codes by another"):
        describe(lake)
