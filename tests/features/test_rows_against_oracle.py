"""Every feature of every request, and who is still gone, equal what plain loops over the raw rows give."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.bots import BotRules
from features.returns import still_gone
from features.time_rules import TimeRules
from tests.features.chain import DEDUP_DAYS, accepted, history_of, past_requests, request_frame, rows_for
from tests.features.comparison import collected, differences, in_milliseconds
from tests.features.logs import MIDNIGHT, MIN_REACTION, Log, LogMaker, on_random_logs
from tests.features.oracle import Oracle

Row = dict[str, Any]
HOUR_S = 3600


@pytest.mark.usefixtures("one_partition")
@pytest.mark.parametrize("ready_lag_s", [0, 3 * HOUR_S])
@on_random_logs
@given(random=st.randoms(use_true_random=True))
def test_every_feature_of_every_request_and_who_is_still_gone(
    spark: SparkSession, ready_lag_s: int, random: Random
) -> None:
    rules = TimeRules(ready_lag_s=ready_lag_s)
    maker = LogMaker(random, timedelta(seconds=ready_lag_s))
    log = maker.log()
    oracle = oracle_of(log, rules)
    probes = [{**probe, "as_of": oracle.as_of(probe["send_at"])} for probe in maker.probes(40)]

    frames = accepted(spark, log, rules, BotRules(min_reaction_ms=200))
    requests = past_requests(frames, rules).unionByName(request_frame(spark, probes))
    history = history_of(frames, rules)
    found = collected(rows_for(requests, history))

    asked = [*oracle.requests(), *probes]
    expected = {row["send_id"]: {**in_milliseconds(row), **oracle.features(row)} for row in asked}
    assert differences(found, expected) == ""

    gone = still_gone(frames["opt_outs"], frames["devices"], MIDNIGHT.date())
    left = {tuple(row) for row in gone.select("user_id", F.unix_millis("occurred_at")).collect()}
    assert left == {(user, round(at.timestamp() * 1000)) for user, at in oracle.still_gone(MIDNIGHT.date())}


def oracle_of(log: Log, rules: TimeRules) -> Oracle:
    return Oracle(
        log,
        timedelta(seconds=rules.ready_lag_s),
        window=timedelta(seconds=rules.attribution_window_s),
        allowance=timedelta(seconds=rules.lateness_allowance_s),
        wait_days=rules.maturity_days,
        within_days=DEDUP_DAYS,
        min_reaction=MIN_REACTION,
    )
