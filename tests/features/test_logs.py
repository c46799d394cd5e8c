"""The random logs hold what the rules are about, and the oracle sees it: else agreeing with it would prove little."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random

import pytest

from tests.features.chain import DEDUP_DAYS
from tests.features.logs import DAY, MIDNIGHT, TICK, LogMaker
from tests.features.oracle import HAPPENED, KEYS, Oracle

WAIT_DAYS = 2


@pytest.fixture(params=[0, 3])
def lag(request: pytest.FixtureRequest) -> timedelta:
    return timedelta(hours=request.param)


def oracle(seed: int, lag: timedelta) -> Oracle:
    return Oracle(
        LogMaker(Random(seed), lag).log(), lag, window=DAY, allowance=DAY, wait_days=WAIT_DAYS, within_days=DEDUP_DAYS
    )


@pytest.mark.parametrize("seed", [3, 7])
def test_every_table_has_duplicates_late_rows_and_rows_on_the_edge(seed: int, lag: timedelta) -> None:
    asked = oracle(seed, lag)
    for table, rows in asked.tables.items():
        keys = Counter(tuple(row[name] for name in KEYS[table]) for row in rows)
        assert max(keys.values()) > 1, f"{table}: the same key twice"
        assert any(asked.known_day(table, row) > row[HAPPENED[table]].date() for row in rows), f"{table}: known late"
    everything = [(row[HAPPENED[table]], row["ingested_at"]) for table, rows in asked.tables.items() for row in rows]
    since_midnight = Counter(
        happened - happened.replace(hour=0, minute=0, second=0, microsecond=0) for happened, _ in everything
    )
    assert since_midnight[timedelta(0)] >= 5, "at midnight"
    loaded = Counter((known - lag - MIDNIGHT) % timedelta(days=1) for happened, known in everything if known > happened)
    assert loaded[timedelta(0)] >= 5, "known exactly when a midnight is ready"
    assert loaded[timedelta(days=1) - TICK] >= 5, "known just before"


@pytest.mark.parametrize("seed", [3, 7])
def test_clicks_come_in_all_sorts(seed: int, lag: timedelta) -> None:
    asked = oracle(seed, lag)
    sends = {row["send_id"]: row for row in asked.rows["sends"]}
    sorts: Counter[str] = Counter()
    for click in asked.rows["clicks"]:
        send = sends.get(click["send_id"])
        if send is None:
            sorts["of no send"] += 1
            continue
        waits = (asked.known_day("sends", send) - asked.known_day("clicks", click)).days
        sorts["before its send"] += click["clicked_at"] < send["sent_at"]
        sorts["waits for its send"] += 0 < waits <= WAIT_DAYS
        sorts["waits in vain"] += waits > WAIT_DAYS
        sorts["on no device"] += send["device_id"] is None
    counted = Counter(push.kind for push in asked.pushes)
    sorts["after the first"] = sum(row["action"] != "dismiss" for row in asked.rows["clicks"]) - counted["click"]
    assert all(sorts.values()), sorts
    assert len(sorts) == 6
    assert min(counted["click"], counted["dismissal"]) >= 5


@pytest.mark.parametrize("seed", [3, 7])
def test_of_each_kind_of_leaving_some_are_void(seed: int, lag: timedelta) -> None:
    asked = oracle(seed, lag)
    as_of = MIDNIGHT.date()
    known = [row for row in asked.rows["opt_outs"] if asked.known_day("opt_outs", row) < as_of]
    sorts = {(row["kind"], asked.is_back(row, as_of)) for row in known}
    assert len(sorts) == 4, sorts


@pytest.mark.parametrize("seed", [3, 7])
def test_features_take_many_values(seed: int, lag: timedelta) -> None:
    asked = oracle(seed, lag)
    values: dict[str, set[object]] = {}
    for request in asked.requests():
        for name, value in asked.features(request).items():
            values.setdefault(name, set()).add(value)
    assert [name for name, seen in values.items() if len(seen) == 1] == []
    assert {"user_click_rate_7d", "user_hours_since_last_click"} < {
        name for name, seen in values.items() if None in seen
    }
    as_of = asked.as_of(MIDNIGHT + lag)
    strengths = [asked.prior(level, key, as_of) for level, key in LEVELS.items()]
    midnights = {request["as_of"] for request in asked.requests()}
    rhythms = [asked.rhythm_prior(name, day) for name in ("click", "session") for day in midnights]
    for some in (strengths, [prior for rhythm in rhythms for prior in rhythm or ()]):
        assert any(prior is not None and 1 < prior[1] < 10_000 for prior in some), some


LEVELS = {
    "user": lambda push: push.user,
    "device": lambda push: push.device,
    "campaign": lambda push: push.campaign,
    "user_campaign": lambda push: (push.user, push.campaign),
}
