"""Which rows break the contract, and the first reason."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession

from features.contract import TABLES
from features.validation import MAPPED, with_types

GOOD = {
    "sends": {"send_id": "s", "user_id": "u", "campaign_id": "c", "sent_at": "2026-03-01 10:00:00",
              "ingested_at": "2026-03-01 10:00:00", "score": "0.25"},
    "clicks": {"send_id": "s", "clicked_at": "2026-03-01 10:00:00", "action": "open",
               "ingested_at": "2026-03-01 11:00:00"},
    "users": {"user_id": "u", "updated_at": "2026-03-01", "ingested_at": "2026-03-01", "timezone": "Europe/Berlin"},
    "plans": {"campaign_id": "c", "known_at": "2026-03-01", "local_hour": "18"},
    "app_events": {"event_id": "e", "user_id": "u", "event_name": "view", "occurred_at": "2026-03-01",
                   "ingested_at": "2026-03-01", "duration_s": "2.5"},
    "opt_outs": {"user_id": "u", "occurred_at": "2026-03-01", "kind": "opt_out", "ingested_at": "2026-03-01"},
}  # fmt: skip

CASES: dict[str, list[tuple[dict[str, Any], str | None]]] = {
    "sends": [
        ({}, None),
        ({"ingested_at": "2026-03-01 09:59:59.999"}, "known_before_it_happened"),
        ({"send_id": None}, "missing_send_id"),
        ({"user_id": "  "}, "missing_user_id"),  # blank is missing
        ({"sent_at": "yesterday"}, "bad_sent_at"),
        ({"sent_at": ""}, "missing_sent_at"),
        ({"sent_at": "yesterday", "user_id": None}, "bad_sent_at"),  # the first rule that is broken
        ({"score": "high"}, "bad_score"),  # an optional column, but not what it says
        ({"score": None}, None),
        ({"score": "0"}, None),  # both bounds are included
        ({"score": "1"}, None),
        ({"score": "1.001"}, "score_out_of_range"),
        ({"score": "-0.001"}, "score_out_of_range"),
        ({"score": "NaN"}, "score_out_of_range"),
    ],
    "clicks": [
        ({}, None),
        ({"action": "dismiss"}, None),
        ({"action": "swipe"}, "unknown_action"),
        ({"action": None}, "missing_action"),
    ],
    "users": [
        ({}, None),
        ({"timezone": None}, None),
        ({"timezone": "Berlin"}, "unknown_timezone"),
    ],
    "plans": [
        ({}, None),  # one clock only: known when it was made
        ({"local_hour": "six"}, "bad_local_hour"),
        ({"known_at": None}, "missing_known_at"),
        ({"local_hour": "0"}, None),
        ({"local_hour": "23"}, None),
        ({"local_hour": "24"}, "local_hour_out_of_range"),
        ({"local_hour": "-1"}, "local_hour_out_of_range"),
    ],
    "app_events": [
        ({}, None),
        ({"duration_s": None}, None),
        ({"duration_s": "0"}, None),
        ({"duration_s": "-0.5"}, "duration_s_out_of_range"),
        ({"duration_s": "Infinity"}, "duration_s_out_of_range"),  # two of them would wrap a sum
        ({"duration_s": "-Infinity"}, "duration_s_out_of_range"),
        ({"duration_s": "NaN"}, "duration_s_out_of_range"),
        ({"duration_s": "1e300"}, "duration_s_out_of_range"),  # as would these
    ],
    "opt_outs": [
        ({}, None),
        ({"kind": "uninstall"}, None),
        ({"kind": "opt_in"}, "unknown_kind"),
        ({"kind": None}, "missing_kind"),
    ],
}


@pytest.mark.parametrize("table", CASES)
def test_reasons(spark: SparkSession, table: str) -> None:
    names = list(GOOD[table])
    changed = [GOOD[table] | change for change, _ in CASES[table]]
    rows = [(*(row[name] for name in names), number) for number, row in enumerate(changed)]
    schema = ", ".join(f"{MAPPED}{name} string" for name in names) + ", number int"
    found = with_types(spark.createDataFrame(rows, schema), TABLES[table], ["number"])
    assert found.columns == [*TABLES[table].column_names, "reason", "number"]
    reasons = {row["number"]: row["reason"] for row in found.collect()}
    assert reasons == {n: reason for n, (_, reason) in enumerate(CASES[table])}


def test_types_are_the_contracts_and_other_columns_stay_out(spark: SparkSession) -> None:
    row = GOOD["sends"] | {"label": "1"}
    mapped = spark.createDataFrame([tuple(row.values())], ", ".join(f"{MAPPED}{name} string" for name in row))
    typed = with_types(mapped, TABLES["sends"])
    assert [name for name in typed.columns if "label" in name] == []
    assert dict(typed.dtypes)["sent_at"] == "timestamp"
    assert typed.select("score", "hold_back").collect() == [(0.25, None)]
