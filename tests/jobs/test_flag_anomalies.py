"""A user who does a bit of everything is flagged, and so are that user's device and one that unlike people share."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import scipy.sparse as sp

from jobs import flag_anomalies
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.report_models import _anomalies
from models.autoencoder.store import save
from models.autoencoder.topk import TopKAutoencoder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DS = date(2026, 2, 2)
TOPICS = 8
BOT = [4] * TOPICS


def behaviour() -> dict[str, list[int]]:
    """Pushes on each topic: people get those of two topics, the bot of all, and the newcomer hardly any."""
    rng = np.random.default_rng(0)
    people: dict[str, list[int]] = {}
    for user in range(80):
        sends = [0] * TOPICS
        first = 2 * (user % 4)
        sends[first], sends[first + 1] = rng.integers(12, 20, 2).tolist()
        people[f"u{user:02}"] = sends
    return {"bot": BOT, "newcomer": [1] * 3 + [0] * 5, **people}


def device(user: str) -> str:
    return "shared" if user in ("u00", "u01") else f"of {user}"


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("anomalies")
    lake = Lake(spark, str(folder / "lake"))
    rows: list[tuple[Any, ...]] = [
        (user, device(user), f"c{topic}", f"t{topic}", DS - timedelta(days=1), n, 0, DS)
        for user, sends in behaviour().items()
        for topic, n in enumerate(sends)
        if n
    ]
    # Known a day too late: must not count.
    rows += [("u05", "of u05", f"c{topic}", f"t{topic}", DS, 50, 0, DS + timedelta(days=1)) for topic in range(TOPICS)]
    schema = (
        "user_id string, device_id string, campaign_id string, category string, event_day date, "
        "sends long, clicks long, ds date"
    )
    days = [DS, DS + timedelta(days=1)]
    lake.write("push_partials", spark.createDataFrame(rows, schema), days)
    lake.write("push_outcomes", spark.createDataFrame([], "user_id string, ds date"), days)
    lake.write(
        "bot_flags",
        spark.createDataFrame([("bot", "min_reaction_ms", DS)], "user_id string, rule string, ds date"),
        [DS],
    )
    lake.put_json("ingest", DS, {"mapping": "m", "time_rules": {}, "tables": ["sends"]})

    counts = sp.csr_matrix(np.array([sends for user, sends in behaviour().items() if user != "bot"], dtype=np.float32))
    estimator = TopKAutoencoder(n_latents=4, k=1, batch_size=16, learning_rate=0.05, max_epochs=20).fit(counts)
    save(estimator, [f"sent:t{topic}" for topic in range(TOPICS)], folder / "embedding", measures={})
    lake.put_folder("embeddings", DS, folder / "embedding")
    return lake


def flag(lake: Lake, *more: str) -> list[dict[str, Any]]:
    args = flag_anomalies.arg_parser().parse_args(["--root", lake.root, "--ds", str(DS), *more])
    flag_anomalies.run(lake._spark, args)
    return [row.asDict() for row in lake.read("anomalies", since=DS, until=DS).orderBy("kind", "id").collect()]


def test_the_bot_its_device_and_a_shared_one_are_flagged_and_explained(lake: Lake) -> None:
    few = ("--limit", "10", "--most-share", "0.02")
    found = flag(lake, *few)
    device, shared, user = found
    assert (user["kind"], user["id"], user["events"], user["users"]) == ("user", "bot", sum(BOT), 1)
    assert (device["kind"], device["id"], device["score"]) == ("device", "of bot", user["score"])
    assert user["bot_rule"] == device["bot_rule"] == "min_reaction_ms"
    assert len(user["reasons"]) == 3
    assert all(re.fullmatch(r"pushes on t\d: 4 \(\d\.\d expected\)", reason) for reason in user["reasons"])
    assert (shared["id"], shared["users"], shared["bot_rule"]) == ("shared", 2, None)
    assert flag(lake, *few) == found


def test_what_all_users_of_a_device_did_is_the_devices(lake: Lake) -> None:
    """With no limit, all who did enough are in the table."""
    found = {(row["kind"], row["id"]): row for row in flag(lake, "--limit=-1e9", "--most-share", "1")}
    sends = behaviour()
    shared = found["device", "shared"]
    assert (shared["events"], shared["users"]) == (sum(sends["u00"] + sends["u01"]), 2)
    assert found["device", "of u05"]["events"] == found["user", "u05"]["events"] == sum(sends["u05"])
    assert {user for kind, user in found if kind == "user"} == set(sends) - {"newcomer"}
    assert lake.get_json("anomaly_counts", DS)["user"] == {"judged": 81, "flagged": 81}

    reported = _anomalies(lake, DS)
    assert reported is not None
    assert reported["device"]["judged"] == 80
    assert not any("id" in row for row in reported["rows"])
    scores = [row["score"] for row in reported["rows"] if row["kind"] == "user"]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--most-share", "0"), "--most-share: expected a share above 0 and up to 1, got 0.0"),
        (("--min-events", "9999"), "expected users with at least 9999 events, got none"),
    ],
)
def test_settings_that_judge_nobody_are_bad_input(lake: Lake, more: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        flag(lake, *more)
