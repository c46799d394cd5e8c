"""The histories of all sends of 28 days, each as of its own midnight, in one pass: the product beside DuckDB."""

from __future__ import annotations

from datetime import timedelta

from tests.benchmarks.features.duck.midnights import Midnights
from tests.benchmarks.features.histories import Rebuilt, sums_of
from tests.benchmarks.features.nightly import DS

DAYS = 28
FIRST = DS - timedelta(days=DAYS - 1)
ASKED = f"sends.ds BETWEEN DATE '{FIRST}' AND DATE '{DS}'"
MANY = Midnights(sends=ASKED)


def query(history: Rebuilt) -> str:
    """Give SQL for one history of all sends that became known in these days, by both clocks."""
    key = ", ".join(history.key)
    category = "category" in history.key
    sends = "sends JOIN campaigns USING (campaign_id)" if category else "sends"
    whole = " AND ".join(f"{name} IS NOT NULL" for name in history.key)
    asked = f"""SELECT DISTINCT {key}, CAST(sent_at AS DATE) AS as_of FROM {sends}
                WHERE {ASKED} AND {whole}"""
    since = {days: f"as_of - {days}" for days in history.windows}
    return f"""SELECT {key}, as_of, {sums_of(history, since)}
               FROM ({asked}) AS asked JOIN {history.source} USING ({key})
               WHERE event_day < as_of AND known < as_of GROUP BY {key}, as_of"""
