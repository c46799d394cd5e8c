"""What is said of flagged users and devices."""

from __future__ import annotations

from jobs.report import numbers
from jobs.report.anomaly_measures import Anomalies, Judged

SHOWN = 15
"""Rows of each kind on the page."""


def sentence(found: Anomalies | None) -> str | None:
    """Say how many were flagged; null where nobody looked."""
    if found is None:
        return None
    return f"Out of line: {_share(found.user, 'users')}, {_share(found.device, 'devices')}. {_known(found)}"


def _share(of: Judged, what: str) -> str:
    share = f" ({numbers.percent(of.flagged / of.judged, 2)})" if of.judged else ""
    return f"{numbers.count(of.flagged)} of {numbers.count(of.judged)} {what}{share}"


def _known(found: Anomalies) -> str:
    users = [one for one in found.rows if one.kind == "user"]
    if not users:
        return ""
    known = sum(one.bot_rule is not None for one in users)
    whom = "flagged" if len(users) == found.user.flagged else "strangest"
    return f"Of the {len(users)} {whom} users {known} {'is a bot' if known == 1 else 'are bots'} by the log's rules."
