"""The events that DuckDB's blocks are made of: pushes, how they ended, and the hours in which users used the app.

All are made once and kept as tables. Local hours are those of the zone that the user was known to have.
"""

from __future__ import annotations

from features.contract import DISMISS
from features.outcomes import CLICKED, DISMISSED, IGNORED
from features.time_rules import TimeRules

RULES = TimeRules()
IN_WINDOW = f"sent_at + INTERVAL {RULES.attribution_window_s} SECOND"
SETTLED = f"sent_at + INTERVAL {RULES.maturity_s} SECOND"

HOUR_OF_WEEK = "(isodow(local) - 1) * 24 + hour(local)"

ZONES = """
    SELECT user_id, max_by(timezone, (updated_at, ingested_at)) AS timezone,
           ds AS known_from, lead(ds, 1, DATE '9999-12-31') OVER (PARTITION BY user_id ORDER BY ds) AS known_until
    FROM users GROUP BY user_id, ds"""

KIND = "{'model': model, 'os_version': os_version, 'platform': platform}"

PUSHED = f"""
    WITH kinds AS (
        SELECT device_id, ds AS known_from, max_by({KIND}, (updated_at, ingested_at)) AS kind,
               lead(ds, 1, DATE '9999-12-31') OVER (PARTITION BY device_id ORDER BY ds) AS known_until
        FROM devices GROUP BY device_id, ds
    )
    SELECT pushed_rows.*, kind.model, kind.os_version, kind.platform
    FROM pushed_rows LEFT JOIN kinds
        ON pushed_rows.device_id = kinds.device_id AND send_ds >= known_from AND send_ds < known_until"""

OUTCOMES = f"""
    WITH reacted AS (
        SELECT send_id, user_id, send_ds, min(clicked_at) FILTER (action <> '{DISMISS}') AS clicked_at
        FROM clicks
        WHERE clicked_at <= {IN_WINDOW} AND ingested_at <= {SETTLED} AND is_impossible IS NOT TRUE
        GROUP BY send_id, user_id, send_ds
    ), local_reacted AS (
        SELECT send_id, clicked_at, timezone(coalesce(timezone, 'UTC'), clicked_at) AS local
        FROM reacted LEFT JOIN zones
            ON reacted.user_id = zones.user_id AND send_ds >= known_from AND send_ds < known_until
    )
    SELECT sends.user_id, sends.campaign_id, category, epoch_ms(sent_at) AS sent_ms,
           CASE WHEN clicked_at IS NOT NULL THEN {CLICKED} WHEN reacted.send_id IS NOT NULL THEN {DISMISSED}
                ELSE {IGNORED} END AS outcome,
           epoch_ms(clicked_at) - epoch_ms(sent_at) AS reaction_ms, {HOUR_OF_WEEK} AS hour_of_week,
           greatest(sends.ds, CAST({SETTLED} AS DATE)) AS known
    FROM sends LEFT JOIN local_reacted AS reacted ON sends.send_id = reacted.send_id
         LEFT JOIN campaigns ON sends.campaign_id = campaigns.campaign_id
    WHERE sends.user_id IS NOT NULL"""

APP_HOURS = f"""
    WITH used AS (
        SELECT DISTINCT user_id, ds, epoch_ms(occurred_at) // 3600000 AS hour
        FROM app_events WHERE user_id IS NOT NULL
    ), local_used AS (
        SELECT used.user_id, hour, ds AS known,
               timezone(coalesce(timezone, 'UTC'), to_timestamp(hour * 3600)) AS local
        FROM used LEFT JOIN zones
            ON used.user_id = zones.user_id AND ds >= known_from AND ds < known_until
    )
    SELECT user_id, CAST(to_timestamp(hour * 3600) AS DATE) AS day, hour, known, {HOUR_OF_WEEK} AS hour_of_week
    FROM local_used"""

TABLES = {"pushed": PUSHED, "zones": ZONES, "outcomes": OUTCOMES, "app_hours": APP_HOURS}
"""By name, in the order in which they are made."""
