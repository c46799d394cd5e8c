"""Reading what is known of the past from the lake."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame

from features.feature import History
from jobs.aggregate_day import APP_EVENTS, APP_HOURS, OUTCOMES, PUSHES
from jobs.lake import Lake
from jobs.log_note import LogNote


def read_past(lake: Lake, note: LogNote, until: date) -> History:
    """Give partials and change logs that became known up to a day, which is included."""

    def optional(contract_table: str, table: str) -> DataFrame | None:
        return lake.read(table, until=until) if contract_table in note.tables else None

    return History(
        pushes=lake.read(PUSHES, until=until),
        outcomes=lake.read(OUTCOMES, until=until),
        app_events=optional("app_events", APP_EVENTS),
        app_hours=optional("app_events", APP_HOURS),
        users=optional("users", "users"),
        devices=optional("devices", "devices"),
        campaigns=optional("campaigns", "campaigns"),
    )
