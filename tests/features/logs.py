"""Random raw logs that like the moments where a rule changes its mind."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, settings

Row = dict[str, Any]
Log = dict[str, list[Row]]

DAY = timedelta(days=1)
TICK = timedelta(milliseconds=1)
MIN_REACTION = timedelta(milliseconds=200)
MIDNIGHT = datetime(2026, 3, 30, tzinfo=UTC)
"""The midnight whose window edges the logs crowd around; Europe's clocks changed the day before."""

DAYS_BEFORE = (-1, 0, 1, 1, 2, 6, 7, 8, 8, 22, 23, 27, 28, 29, 40, 89, 90, 91, 119, 119, 150)
"""Days of events before ``MIDNIGHT``: in and out of each window, and older; New York's clocks changed 22 days ago."""

USERS = tuple(f"u{n}" for n in range(6))
DEVICES = {user: (f"d{n}", f"d{n}b", "shared", None) for n, user in enumerate(USERS)}
CAMPAIGNS = ("c0", "c1", "c2")
ENDED, ENDED_DAYS = "c_ended", 112
"""A campaign that nothing was heard of any more since about so many days."""

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", None)

on_random_logs = settings(
    max_examples=int(os.environ.get("ORACLE_LOGS", "2")),
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],  # an example takes seconds: a failure is read, not shrunk
    suppress_health_check=list(HealthCheck),
)
"""How a test tries random logs: so many of them, of which the first two are always the same."""


class LogMaker:
    """Draws the rows of a log.

    Parameters
    ----------
    random : Random
        Where all draws come from.
    ready_lag : timedelta
        Rows like to be ingested just before and exactly this long after a midnight.
    """

    def __init__(self, random: Random, ready_lag: timedelta) -> None:
        self.random, self.ready_lag = random, ready_lag

    def log(self) -> Log:
        """Give all tables, rows in any order, some of them twice; the last user and campaign have no change log."""
        sends = [self._send(n) for n in range(120)]
        clicks = [click for send in sends for click in self._clicks(send)]
        log = {
            "sends": self._again(sends, "send_id"),
            "clicks": self._again([*clicks, self._click("never sent", MIDNIGHT - DAY)], "send_id", "clicked_at"),
            "app_events": self._again([self._app_event(n) for n in range(45)], "event_id"),
            "users": self._changes(
                "user_id", USERS[:-1],
                signed_up_at=(None, MIDNIGHT, MIDNIGHT - 900 * DAY + 7 * TICK),
                country=("DE", "US", None), language=("de", "en", None), timezone=ZONES,
            ),
            "devices": self._changes(
                "device_id", ("d0", "d0b", "d1", "shared"),
                user_id=USERS, platform=("ios", "android", None), os_version=("17", "18.2", "latest", None),
                model=("A", "B", None), brand=("X", "Y", None),
                network=("wifi", "cell", None), push_enabled=(True, False, None),
            ),
            "campaigns": self._changes(
                "campaign_id", (ENDED, *CAMPAIGNS[:-1]),
                category=("news", "news", "offer", None), title_length=(0, 25, None), has_image=(True, False, None),
            ),
        }  # fmt: skip
        leavings = [self._leaving(log["devices"]) for _ in range(24)]
        switches = [
            change for n, leaving in enumerate(leavings[:12]) for change in self._switches(f"again{n}", leaving)
        ]
        devices = self.random.sample([*log["devices"], *switches], len(log["devices"]) + len(switches))
        return {**log, "devices": devices, "opt_outs": self._again(leavings, "user_id", "occurred_at")}

    def probes(self, number: int) -> list[Row]:
        """Draw requests that are no sends: also of the unknown, and of times before the first send."""
        return [
            {
                "send_id": f"probe{n}",
                "user_id": self._one_of(*USERS, "unknown"),
                "device_id": self._one_of("d0", "d1", "shared", "unknown", None),
                "campaign_id": self._one_of(*CAMPAIGNS, "unknown"),
                "send_at": self._moment() + self._one_of(timedelta(0), DAY, -15 * DAY),
            }
            for n in range(number)
        ]

    def _moment(self) -> datetime:
        """Draw a time on a day that matters: at midnight, at the ready time, where clocks change, or any other."""
        midnight = MIDNIGHT - self._one_of(*DAYS_BEFORE) * DAY
        edges = (timedelta(0), DAY - TICK, self.ready_lag, self.ready_lag - TICK)
        clocks_change = (timedelta(hours=1), timedelta(hours=7), timedelta(hours=7) - TICK)
        anywhere = timedelta(minutes=self.random.randrange(24 * 60))
        return midnight + self._one_of(*edges, *clocks_change, anywhere, anywhere, anywhere)

    def _ingested(self, happened: datetime) -> datetime:
        """Draw when something became known: at once, around the next midnight that takes it, or days late."""
        ready = datetime.combine(happened + DAY, time(), UTC) + self.ready_lag
        late = timedelta(hours=self.random.randrange(1, 9 * 24))
        return self._one_of(happened, happened, ready - TICK, ready, happened + 1.5 * DAY, happened + late)

    def _again(self, rows: list[Row], *key: str) -> list[Row]:
        """Shuffle, and add some rows a second time: later, and with the contents of another row."""
        copies = [self._copy(row, rows, key) for row in rows if self.random.random() < 0.25]
        no_ties = {(*(row[name] for name in key), row["ingested_at"]): row for row in [*copies, *rows]}
        return self.random.sample(list(no_ties.values()), len(no_ties))

    def _copy(self, row: Row, rows: list[Row], key: tuple[str, ...]) -> Row:
        other = self._one_of(*rows)
        delay = self._one_of(TICK, timedelta(hours=5), DAY, 3 * DAY)
        ingested_at = max(row["ingested_at"], other["ingested_at"]) + delay
        return {**other, **{name: row[name] for name in key}, "ingested_at": ingested_at}

    def _send(self, number: int) -> Row:
        user, sent_at = self._one_of(*USERS), self._moment()
        campaigns = CAMPAIGNS if MIDNIGHT - sent_at < ENDED_DAYS * DAY else (ENDED, *CAMPAIGNS)
        return {
            "send_id": f"s{number}",
            "user_id": user,
            "device_id": self._one_of(*DEVICES[user]),
            "campaign_id": self._one_of(*campaigns),
            "sent_at": sent_at,
            "delivered_at": self._one_of(None, sent_at - TICK, sent_at, sent_at + timedelta(minutes=5)),
            "ingested_at": self._ingested(sent_at),
        }

    def _clicks(self, send: Row) -> Iterator[Row]:
        """Draw none to three clicks; two users click far more than the others, so that priors find a spread."""
        eager = send["user_id"] in USERS[:2]
        later = (timedelta(minutes=5), timedelta(hours=9), DAY, 2 * DAY)
        for _ in range(self._one_of(1, 2, 2, 3) if eager else self._one_of(0, 0, 1)):
            delay = self._one_of(-TICK, timedelta(0), *later) + self._one_of(
                timedelta(0), MIN_REACTION - TICK, MIN_REACTION
            )
            yield self._click(send["send_id"], send["sent_at"] + delay)

    def _click(self, send_id: str, clicked_at: datetime) -> Row:
        return {
            "send_id": send_id,
            "clicked_at": clicked_at,
            "action": self._one_of("open", "button", "dismiss"),
            "ingested_at": self._ingested(clicked_at),
        }

    def _app_event(self, number: int) -> Row:
        occurred_at = self._moment()
        return {
            "event_id": f"e{number}",
            "user_id": self._one_of(*USERS),
            "event_name": self._one_of("view", "search"),
            "occurred_at": occurred_at,
            "duration_s": self._one_of(None, 0.0, 0.0004, 1.2346, 600.0),
            "ingested_at": self._ingested(occurred_at),
        }

    def _leaving(self, changes: list[Row]) -> Row:
        """Draw a leaving, at any time or about when a device of the user changed."""
        change = self._one_of(*changes)
        about = change["updated_at"] + self._one_of(-DAY, -TICK, timedelta(0), TICK, DAY, DAY + TICK)
        occurred_at = self._one_of(self._moment(), about, about)
        return {
            "user_id": change["user_id"],
            "occurred_at": occurred_at,
            "kind": self._one_of("opt_out", "uninstall"),
            "device_id": self._one_of(change["device_id"], None),
            "ingested_at": self._ingested(occurred_at),
        }

    def _switches(self, device: str, leaving: Row) -> Iterator[Row]:
        """Draw how pushes were switched off and on again about when somebody left."""
        off_at = leaving["occurred_at"] + self._one_of(-DAY - TICK, -DAY, TICK)
        on_at = leaving["occurred_at"] + self._one_of(timedelta(0), 2 * TICK, DAY)
        for updated_at, push_enabled in ((off_at, False), (on_at, True)):
            whose = {"device_id": device, "user_id": leaving["user_id"], "push_enabled": push_enabled}
            yield {**whose, "updated_at": updated_at, "ingested_at": self._ingested(updated_at)}

    def _changes(self, key: str, names: Sequence[str], **values: tuple[Any, ...]) -> list[Row]:
        """Draw the change log of things with these names; a change may become known after a later one."""
        rows = []
        for name in (name for name in names for _ in range(6)):
            updated_at = self._moment()
            clocks = {"updated_at": updated_at, "ingested_at": self._ingested(updated_at)}
            rows.append({key: name, **clocks, **{column: self._one_of(*options) for column, options in values.items()}})
        return self._again(rows, key, "updated_at")

    def _one_of(self, *options: Any) -> Any:
        return self.random.choice(options)
