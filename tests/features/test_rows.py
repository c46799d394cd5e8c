"""One definition: training and scoring rows are the same, however the data is cut into partitions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.catalogue import features_of, keys_of
from features.crossing import Night, scoring_rows
from features.offers import OFFER_KEY
from features.places import GROUP, OF_USER
from features.requests import REQUEST_KEY, planned_sends
from features.rows import read_histories, read_priors, request_keys
from features.scoring_parts import scoring_parts
from features.time_rules import TimeRules
from tests.features.chain import ALL_TABLES, accepted, contract_frame, history_of, past_requests, rows_for
from tests.features.comparison import collected, differences, in_milliseconds, key_of
from tests.features.conftest import World, partitions
from tests.features.crossed_by_hand import crossed_by_hand
from tests.features.logs import DAY, MIDNIGHT


@pytest.mark.usefixtures("one_partition")
def test_scoring_gives_the_rows_of_training(spark: SparkSession, world: World) -> None:
    """Users are crossed with plans; among the pairs are those that turned out to be sends."""
    as_of = MIDNIGHT.date()
    trained = [row for row in world.rows.values() if row["as_of"] == as_of]
    expected = {key_of(row, *REQUEST_KEY): {k: v for k, v in row.items() if k != "send_id"} for row in trained}
    assert len(expected) > len(world.asked), "some are real sends"
    plans = [
        {"campaign_id": row["campaign_id"], "send_at": utc(row["send_at"]), "known_at": MIDNIGHT - DAY}
        for row in trained
    ]

    requests = world.requests.where(F.col("as_of") == F.lit(as_of))
    asked = request_keys(requests, world.history, keys_of(ALL_TABLES))
    histories = {
        key: known.localCheckpoint() for key, known in read_histories(asked, world.history, ALL_TABLES).items()
    }
    priors = read_priors(requests.select("as_of").distinct(), world.history, ALL_TABLES)
    stranger = spark.createDataFrame(
        [("stranger", "of no kind", as_of)], "user_id string, device_id string, as_of date"
    )
    people = requests.select("user_id", "device_id", "as_of").distinct().union(stranger)
    campaigns = planned_sends(contract_frame(spark, "plans", plans, world.rules), as_of, world.rules)

    night = Night(people, campaigns, histories, priors, ALL_TABLES, world.rules)
    found = collected(scoring_rows(night), *REQUEST_KEY)
    assert differences({key: found.get(key, {}) for key in expected}, expected, tolerance=0.0) == ""

    names = {feature.name for feature in features_of(ALL_TABLES)}
    parts = scoring_parts(replace(night, people=people.withColumn("code", F.lit(1))), names | {"code"}, 1_000)
    users, offers = parts.users.frame().toArrow().to_pylist(), parts.offers.to_pylist()
    crossed = {
        (user["user_id"], user["device_id"], offer["campaign_id"], in_milliseconds(offer)["send_at"]): row
        for user, offer, row in crossed_by_hand(users, offers, parts)
    }
    assert {row.pop("code") for row in crossed.values()} == {1}
    expected = {key[:4]: {name: row[name] for name in names} for key, row in found.items()}
    assert differences(crossed, expected, tolerance=0.0) == ""
    assert [*parts.of_moment] == ["slot_of_local_send_hour", "slot_of_local_send_weekday", "slot_of_category"]
    assert [*parts.of_past] == ["place_of_campaign_id", "place_of_category"]

    assert sum(len(user["place_of_category"] or ()) for user in users), "some have a past"

    assert {user for user, *_ in crossed} >= {"stranger"}, "of whom nothing is known"

    nothing_to_send = scoring_parts(replace(night, campaigns=campaigns.where("false")), names, 1_000)
    assert nothing_to_send.users.frame().count() == len(users)
    assert nothing_to_send.offers.num_rows == 0
    nobody = scoring_parts(replace(night, people=people.where("false")), names, 0)
    assert nobody.users.frame().count() == 0
    with pytest.raises(ValueError, match=f"expected people of one midnight with priors, got those of {as_of}"):
        scoring_parts(replace(night, fitted_priors=priors.where("false")), names, 1_000)

    few = scoring_parts(night, ["platform", "campaign_sends_7d"], 1)
    assert few.users.schema.names == ["user_id", "device_id", GROUP, "platform"]
    assert few.offers.column_names == [GROUP, OF_USER, *OFFER_KEY, "campaign_sends_7d"]


def test_partitions_change_nothing(spark: SparkSession, world: World) -> None:
    with partitions(spark, 7):
        frames = accepted(spark, world.log, world.rules)
        pieces = {table: frame.repartition(7) for table, frame in frames.items()}
        rows = collected(rows_for(world.requests.repartition(7), history_of(pieces, world.rules)))
    assert differences(rows, world.rows, tolerance=0.0) == ""


@pytest.mark.usefixtures("one_partition")
def test_a_log_of_sends_and_clicks_only(spark: SparkSession) -> None:
    """Blocks without a table are left out; the numbers can be followed by hand."""
    sends = [
        send("s1", "u", utc_time(1, 8)),
        send("s2", "u", utc_time(9, 20)),  # the last day before the midnight asked about
        send("s3", "v", utc_time(9, 21)),
        send("s4", "u", utc_time(10, 18)),  # asks, and counts for nobody yet
    ]
    clicks = [{"send_id": "s1", "clicked_at": utc_time(2, 6), "action": "open", "ingested_at": utc_time(2, 6)}]
    rules = TimeRules()
    frames = accepted(spark, {"sends": sends, "clicks": clicks}, rules)
    rows = rows_for(past_requests(frames, rules), history_of(frames, rules), tables=())
    names = [feature.name for feature in features_of(())]
    assert rows.columns == ["send_id", *REQUEST_KEY, *names]

    row = collected(rows)["s4"]
    assert row["as_of"] == date(2026, 3, 10)
    assert (row["local_hour"], row["local_weekday"]) == (18, 2)  # UTC, a Tuesday
    assert [row[f"user_sends_{window}"] for window in ("1d", "7d", "28d", "all")] == [1, 1, 2, 2]
    assert [row[f"user_clicks_{window}"] for window in ("1d", "7d", "28d", "all")] == [0, 0, 1, 1]
    assert row["user_hours_since_last_send"] == 4.0
    assert row["user_hours_since_last_click"] == 8 * 24 - 6.0
    assert row["user_days_since_first_push"] == 9
    assert row["campaign_sends_7d"] == 2
    # Rate 1/3; u clicked 1 of 2 and v 0 of 1: sum C(C-1) = 0 shows no spread, so the strength is 10,000.
    assert row["user_click_rate_all"] == pytest.approx((1 + 10_000 / 3) / (2 + 10_000))


def send(send_id: str, user: str, at: datetime) -> dict[str, object]:
    return {"send_id": send_id, "user_id": user, "campaign_id": "c", "sent_at": at, "ingested_at": at}


def utc_time(day: int, hour: int) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def utc(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
