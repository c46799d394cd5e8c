"""What is reported of flagged users and devices, who are not named: a part of ``metrics.json``."""

from __future__ import annotations

from jobs.report.measures import Entry, Number


class Judged(Entry):
    """How many of a kind."""

    judged: int
    """Those with enough behaviour."""
    flagged: int
    """Those among them that are out of line."""


class Anomaly(Entry):
    """A flagged user or device."""

    kind: str
    """``user`` or ``device``."""
    score: Number
    """Robust z-score of the reconstruction error among users with about as many events."""
    events: int
    """How much the user, or all users of the device, did."""
    users: int
    """Users of the device; 1 for a user."""
    reasons: tuple[str, ...]
    """Behaviours that stick out, in words, the one that adds most to the error first."""
    bot_rule: str | None
    """The rule by which the user, or one of the device, is known for a bot; null for none."""


class Anomalies(Entry):
    """The flags of a day."""

    limit: Number
    """Lowest score that was flagged."""
    most_share: Number
    """Share of the judged that could be flagged at most."""
    min_events: int
    """Behaviour that it took to be judged."""
    user: Judged
    """Users."""
    device: Judged
    """Devices."""
    rows: tuple[Anomaly, ...]
    """The strangest, each kind in the order of its scores."""
