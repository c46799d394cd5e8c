"""A slow second opinion: the features of a request in plain loops over raw rows.

It was written from the rules and not from the code, and imports nothing of ``features``. Rows are dicts with the
columns of the data contract; times are UTC datetimes that say so.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby, pairwise
from statistics import fmean, median, pstdev
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
Windows = Mapping[str, int | None]
RhythmPrior = tuple[tuple[list[float], float], tuple[list[float], float]]

KEYS = {
    "sends": ("send_id",),
    "clicks": ("send_id", "clicked_at"),
    "app_events": ("event_id",),
    "users": ("user_id", "updated_at"),
    "devices": ("device_id", "updated_at"),
    "campaigns": ("campaign_id", "updated_at"),
    "opt_outs": ("user_id", "occurred_at"),
}
HAPPENED = {
    "sends": "sent_at",
    "clicks": "clicked_at",
    "app_events": "occurred_at",
    "users": "updated_at",
    "devices": "updated_at",
    "campaigns": "updated_at",
    "opt_outs": "occurred_at",
}
WINDOWS = {"1d": 1, "7d": 7, "28d": 28, "all": None}
USER_WINDOWS = {"1d": 1, "7d": 7, "28d": 28, "90d": 90, "all": None}
RATE_WINDOWS = {"7d": 7, "28d": 28, "all": None}
CAMPAIGN_WINDOWS = {"1d": 1, "3d": 3, "7d": 7, "28d": 28, "all": None}
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Push:
    """A send, a counted click or a dismissal; a click has the user, device and campaign of its send.

    Its category is what its campaign had at the first midnight that knows the send; so are its device's model, OS
    version and platform.
    """

    kind: str
    user: str
    device: str | None
    campaign: str
    category: str | None
    model: str | None
    os_version: str | None
    platform: str | None
    at: datetime
    known: date


@dataclass
class Oracle:
    """A whole raw log, and the answers to requests on it.

    Parameters
    ----------
    tables : dict of str to list of dict
        The raw rows of each contract table, in any order.
    ready_lag : timedelta
        How long after midnight a day's rows still come in.
    window, allowance : timedelta
        How long after its send a click counts, and how much later than that it may become known.
    wait_days, within_days : int
        How many days after its click, and before it, a send may become known for the click to count.
    min_reaction : timedelta
        A click sooner than this after its send, or its delivery, is by no person and counts as none.
    """

    tables: dict[str, list[Row]]
    ready_lag: timedelta
    window: timedelta
    allowance: timedelta
    wait_days: int
    within_days: int
    min_reaction: timedelta = timedelta(0)
    _priors: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows = {name: self._once(name) for name in self.tables}
        self.all_clicks = list(self._clicks())
        self.clicks = [(click, send) for click, send in self.all_clicks if not self._is_impossible(click, send)]
        self.pushes = list(self._pushes())

    def as_of(self, send_at: datetime) -> date:
        """Give the last midnight that was ready when the send went out."""
        return (send_at - self.ready_lag).date()

    def requests(self) -> list[Row]:
        """Give what each send of the log asks for."""
        names = ("send_id", "user_id", "device_id", "campaign_id")
        return [
            {**{name: send[name] for name in names}, "send_at": send["sent_at"], "as_of": self.as_of(send["sent_at"])}
            for send in self.rows["sends"]
        ]

    def known_day(self, table: str, row: Row) -> date:
        """Give the day whose ending midnight is the first to know the row."""
        return max(row[HAPPENED[table]], row["ingested_at"] - self.ready_lag).date()

    def features(self, request: Row) -> dict[str, Any]:
        """Give every feature of a request (user_id, device_id, campaign_id, send_at, as_of)."""
        user, device, campaign = request["user_id"], request["device_id"], request["campaign_id"]
        as_of = request["as_of"]
        return {
            **self._context(user, request["send_at"], as_of),
            **self._user(user, as_of),
            **self._sequence(user, as_of),
            **self._app(user, as_of),
            **self._active_days(user, as_of),
            **self._devices_of(user, as_of),
            **self._rhythm(user, request["send_at"], as_of),
            **self._profile(user, as_of),
            **self._left(user, as_of),
            **self._device(device, as_of),
            **self._device_kinds(device, campaign, as_of),
            **self._campaign(campaign, as_of),
            **self._campaign_rank(campaign, as_of),
            **self._campaign_rhythm(campaign, request["send_at"], as_of),
            **self._user_campaign(user, campaign, as_of),
            **self._user_category(user, campaign, as_of),
        }

    def still_gone(self, as_of: date) -> set[tuple[str, datetime]]:
        """Give who left, and when, of leavings that no sign of a return has made void by a midnight."""
        users = {row["user_id"] for row in self.rows["opt_outs"]}
        leavings = [row for user in users for row in self._known_of(user, "opt_outs", as_of)]
        return {(row["user_id"], row["occurred_at"]) for row in leavings if not self.is_back(row, as_of)}

    def is_back(self, leaving: Row, as_of: date) -> bool:
        """Say whether any device of the user shows by a midnight that pushes can reach the user again."""
        changes = self._known_of(leaving["user_id"], "devices", as_of)
        return any(
            _shows_return(leaving, [row for row in changes if row["device_id"] == device])
            for device in {row["device_id"] for row in changes}
        )

    def labels(self) -> dict[str, int]:
        """Give 1 for each send that was clicked in time, and 0 for all others."""
        at_last = self._ended(date(2100, 1, 1), days=100 * 366)
        return {send["send_id"]: int(outcome == 1) for send, outcome, _ in at_last}

    # Which rows there are, and since when

    def _once(self, table: str) -> list[Row]:
        """Of rows with one key, keep the one known first."""

        def known(row: Row) -> tuple[date, datetime]:
            return self.known_day(table, row), row["ingested_at"]

        best: dict[tuple[Any, ...], Row] = {}
        for row in self.tables[table]:
            key = tuple(row[name] for name in KEYS[table])
            if key not in best or known(row) < known(best[key]):
                best[key] = row
        return list(best.values())

    def _clicks(self) -> Iterator[tuple[Row, Row]]:
        """Give each click with its send, where that came in time."""
        sends = {send["send_id"]: send for send in self.rows["sends"]}
        for click in self.rows["clicks"]:
            send = sends.get(click["send_id"])
            if send is not None and click["clicked_at"] >= send["sent_at"]:
                waited = self.known_day("sends", send) - self.known_day("clicks", click)
                if -self.within_days <= waited.days <= self.wait_days:
                    yield click, send

    def _is_impossible(self, click: Row, send: Row) -> bool:
        seen = send.get("delivered_at")
        if seen is None or not send["sent_at"] <= seen <= click["clicked_at"]:
            seen = send["sent_at"]
        return click["action"] != "dismiss" and click["clicked_at"] - seen < self.min_reaction

    def bots(
        self, most_a_minute: int, most_a_device: int, fast_clicks: int, fast_days: int
    ) -> dict[tuple[str, str], date]:
        """Give who is known for a bot by which rule, and the first day whose ending midnight knows it."""
        found = [*self._impossible(fast_clicks, fast_days), *self._dense(most_a_minute), *self._crowded(most_a_device)]
        return {flag: min(known for other, known in found if other == flag) for flag, _ in found}

    def _impossible(self, least: int, days: int) -> Iterator[tuple[tuple[str, str], date]]:
        known: dict[str, list[date]] = {}
        for click, send in self.all_clicks:
            if self._is_impossible(click, send):
                known.setdefault(send["user_id"], []).append(self._click_known(click, send))
        for user, of_user in known.items():
            for last in of_user:
                if sum(last - days * DAY < day <= last for day in of_user) >= least:
                    yield (user, "min_reaction_ms"), last

    def _dense(self, most: int) -> Iterator[tuple[tuple[str, str], date]]:
        clicks: dict[str, list[tuple[datetime, date]]] = {}
        for click, send in self.all_clicks:
            if click["action"] != "dismiss":
                known = self._click_known(click, send)
                clicks.setdefault(send["user_id"], []).append((click["clicked_at"], known))
        for user, of_user in clicks.items():
            for begin, _ in of_user:
                days = [known for at, known in of_user if begin <= at < begin + timedelta(minutes=1)]
                if len(days) > most:
                    yield (user, "max_clicks_a_minute"), sorted(days)[most]

    def _crowded(self, most: int) -> Iterator[tuple[tuple[str, str], date]]:
        devices: dict[str, dict[str, date]] = {}
        for row in self.rows["devices"]:
            users, known = devices.setdefault(row["device_id"], {}), self.known_day("devices", row)
            users[row["user_id"]] = min(known, users.get(row["user_id"], known))
        for users in devices.values():
            if len(users) > most:
                crowded = sorted(users.values())[most]
                for user, known in users.items():
                    yield (user, "max_users_a_device"), max(known, crowded)

    def _click_known(self, click: Row, send: Row) -> date:
        return max(self.known_day("clicks", click), self.known_day("sends", send))

    def _pushes(self) -> Iterator[Push]:
        first_clicks: dict[str, Push] = {}
        for send in self.rows["sends"]:
            yield self._push("send", send, send["sent_at"], self.known_day("sends", send))
        for click, send in self.clicks:
            kind = "dismissal" if click["action"] == "dismiss" else "click"
            push = self._push(kind, send, click["clicked_at"], self._click_known(click, send))
            if kind == "dismissal":
                yield push
                continue
            first = first_clicks.setdefault(send["send_id"], push)
            if (push.known, push.at) < (first.known, first.at):
                first_clicks[send["send_id"]] = push
        yield from first_clicks.values()

    def _push(self, kind: str, send: Row, at: datetime, known: date) -> Push:
        device = self._latest("devices", "device_id", send["device_id"], self.known_day("sends", send) + DAY)
        kinds = [device.get(name) for name in ("model", "os_version", "platform")]
        category = self._category_when_known(send)
        return Push(kind, send["user_id"], send["device_id"], send["campaign_id"], category, *kinds, at, known)

    def _pushes_as_of(self, as_of: date) -> list[Push]:
        return [push for push in self.pushes if push.at.date() < as_of and push.known < as_of]

    def _latest(self, table: str, key: str, value: str | None, as_of: date) -> Row:
        """Give the newest row of a change log as it was known at a midnight; an empty one where there is none."""
        latest: Row = {}
        for row in self.rows[table]:
            known = row["updated_at"] < _midnight(as_of) and self.known_day(table, row) < as_of
            if known and row[key] == value and (not latest or row["updated_at"] > latest["updated_at"]):
                latest = row
        return latest

    # Features, block by block

    def _context(self, user: str, send_at: datetime, as_of: date) -> dict[str, Any]:
        zone = self._latest("users", "user_id", user, as_of).get("timezone") or "UTC"
        local = send_at.astimezone(ZoneInfo(zone))
        return {"local_hour": local.hour, "local_weekday": local.isoweekday()}

    def _user(self, user: str, as_of: date) -> dict[str, Any]:
        pushes = [push for push in self._pushes_as_of(as_of) if push.user == user]
        return {
            **_counts("user_sends", pushes, "send", as_of, USER_WINDOWS),
            **_counts("user_clicks", pushes, "click", as_of, USER_WINDOWS),
            **_counts("user_dismissals", pushes, "dismissal", as_of, USER_WINDOWS),
            **self._rates("user", lambda push: push.user, pushes, as_of, USER_WINDOWS),
            "user_hours_since_last_send": _hours_since_last(pushes, "send", as_of),
            "user_hours_since_last_click": _hours_since_last(pushes, "click", as_of),
            "user_days_since_first_push": _days_since_first(pushes, as_of),
            **_distinct("user_campaigns", pushes, lambda push: push.campaign, as_of),
            **_distinct("user_categories", pushes, lambda push: push.category, as_of),
        }

    def _sequence(self, user: str, as_of: date) -> dict[str, Any]:
        ended = self._ended_of(user, as_of)
        newest_first = [outcome for _, outcome, _ in reversed(ended)]
        runs = [len(list(run)) for _, run in groupby(newest_first)] + [0, 0]
        reactions = [reaction.total_seconds() for _, _, reaction in ended if reaction is not None]
        times = [send["sent_at"] for send, _, _ in ended]
        gaps = [(later - earlier) // timedelta(minutes=1) / 60 for earlier, later in pairwise(times)]
        return {
            "user_pushes_since_click": _leading(newest_first, lambda outcome: outcome != 1),
            "user_outcome_run": runs[0],
            "user_outcome_run_before": runs[1],
            **{f"user_last_outcome_{n + 1}": _nth(newest_first, n) for n in range(10)},
            "user_recent_clicks": newest_first[:10].count(1),
            "user_recent_dismissals": newest_first[:10].count(2),
            "user_click_pattern": sum(0.5 ** (n + 1) for n, outcome in enumerate(newest_first[:10]) if outcome == 1)
            + 0.0,
            "user_reaction_s_median": median(reactions) if reactions else None,
            "user_gap_hours_mean": fmean(gaps) if gaps else None,
            "user_gap_hours_spread": pstdev(gaps) if gaps else None,
        }

    def _ended_of(self, user: str, as_of: date) -> list[tuple[Row, int, timedelta | None]]:
        """Give a user's ended sends, oldest first."""
        ended = [outcome for outcome in self._ended(as_of) if outcome[0]["user_id"] == user]

        def order(ended: tuple[Row, int, timedelta | None]) -> tuple[Any, ...]:
            send, outcome, reaction = ended
            return send["sent_at"], outcome, reaction or timedelta(0), self._category_when_known(send) or ""

        return sorted(ended, key=order)

    def _last_clicked(self, user: str, as_of: date) -> list[str | None]:
        """Give the categories of the last three sends that were clicked, newest first."""
        clicked = [send for send, _, reaction in reversed(self._ended_of(user, as_of)) if reaction is not None]
        return [self._category_when_known(send) for send in clicked[:3]]

    def _category_when_known(self, send: Row) -> str | None:
        known = self.known_day("sends", send) + DAY
        return self._latest("campaigns", "campaign_id", send["campaign_id"], known).get("category")

    def _ended(self, as_of: date, days: int = 90) -> Iterator[tuple[Row, int, timedelta | None]]:
        """Give each send whose last possible click a midnight knows, and was not known so many days before: 0 ignored,
        1 clicked and how soon, 2 dismissed."""
        oldest = as_of - days * DAY
        for send in self.rows["sends"]:
            last_click = send["sent_at"] + self.window
            last_known = last_click + self.allowance
            too_early = last_click >= _midnight(as_of) or last_known >= _midnight(as_of) + self.ready_lag
            if too_early or self.known_day("sends", send) >= as_of:
                continue
            certain = max(last_click, last_known - self.ready_lag).date()
            if max(certain, self.known_day("sends", send)) < oldest:
                continue
            in_time = [
                click
                for click, its_send in self.clicks
                if its_send is send and click["clicked_at"] <= last_click and click["ingested_at"] <= last_known
            ]
            clicked = [click["clicked_at"] - send["sent_at"] for click in in_time if click["action"] != "dismiss"]
            yield send, 1 if clicked else 2 if in_time else 0, min(clicked, default=None)

    def _device(self, device: str | None, as_of: date) -> dict[str, Any]:
        pushes = [push for push in self._pushes_as_of(as_of) if device is not None and push.device == device]
        state = self._latest("devices", "device_id", device, as_of)
        changes = [row["updated_at"] for row in self._known("devices", as_of) if row["device_id"] == device]
        first = min(changes, default=None)
        return {
            "platform": state.get("platform"),
            "os_version": state.get("os_version"),
            "os_version_number": _version_number(state.get("os_version")),
            "device_model": state.get("model"),
            "device_brand": state.get("brand"),
            "network": state.get("network"),
            "push_enabled": _one_or_zero(state.get("push_enabled")),
            "device_hours_since_change": _hours(state.get("updated_at"), as_of),
            "device_age_days": None if first is None else _hours(first, as_of) / 24,
            "os_version_rank": self._version_rank(state.get("platform"), state.get("os_version"), as_of),
            **_counts("device_sends", pushes, "send", as_of),
            **_counts("device_clicks", pushes, "click", as_of),
            **self._rates("device", lambda push: push.device, pushes, as_of),
            "device_hours_since_last_send": _hours_since_last(pushes, "send", as_of),
            "device_hours_since_last_click": _hours_since_last(pushes, "click", as_of),
        }

    def _version_rank(self, platform: str | None, version: str | None, as_of: date) -> int | None:
        sent = [push for push in self._pushes_as_of(as_of) if push.kind == "send" and push.platform == platform]
        numbers = {push.os_version: _version_number(push.os_version) for push in sent}
        mine = numbers.get(version)
        if platform is None or mine is None:
            return None
        return len({number for number in numbers.values() if number is not None and number > mine})

    def _device_kinds(self, device: str | None, campaign: str, as_of: date) -> dict[str, Any]:
        def on_platform(push: Push) -> tuple[str, str] | None:
            return None if push.platform is None else (push.campaign, push.platform)

        state = self._latest("devices", "device_id", device, as_of)
        platform = state.get("platform")
        rates: dict[str, Any] = {}
        for prefix, days, kind, mine in (
            ("device_model", 28, lambda push: push.model, state.get("model")),
            ("os_version", 28, lambda push: push.os_version, state.get("os_version")),
            ("campaign_platform", 7, on_platform, None if platform is None else (campaign, platform)),
        ):
            pushes = [push for push in self._pushes_as_of(as_of) if mine is not None and kind(push) == mine]
            rates |= self._rates(prefix, kind, pushes, as_of, {f"{days}d": days, "all": None})
        return rates

    def _campaign(self, campaign: str, as_of: date) -> dict[str, Any]:
        pushes = [push for push in self._pushes_as_of(as_of) if push.campaign == campaign]
        state = self._latest("campaigns", "campaign_id", campaign, as_of)
        sends = [push for push in pushes if push.kind == "send"]
        return {
            "campaign_category": state.get("category"),
            "title_length": state.get("title_length"),
            "has_image": _one_or_zero(state.get("has_image")),
            "campaign": campaign,
            **_counts("campaign_sends", pushes, "send", as_of, CAMPAIGN_WINDOWS),
            **_counts("campaign_clicks", pushes, "click", as_of, CAMPAIGN_WINDOWS),
            **self._rates("campaign", lambda push: push.campaign, pushes, as_of, CAMPAIGN_WINDOWS),
            "campaign_days_since_first_send": _days_since_first(sends, as_of),
        }

    def _campaign_rank(self, campaign: str, as_of: date) -> dict[str, int | None]:
        lately = [push for push in self._pushes_as_of(as_of) if _within(push.at, 7, as_of)]
        active = {push.campaign for push in lately if push.kind == "send"}
        clicks = Counter(push.campaign for push in lately if push.kind == "click")
        better = sum(clicks[other] > clicks[campaign] for other in active)
        return {
            "campaign_rank_7d": better + 1 if campaign in active else None,
            "campaigns_active_7d": len(active) if campaign in active else None,
        }

    def _campaign_rhythm(self, campaign: str, send_at: datetime, as_of: date) -> dict[str, Any]:
        prior = self.prior("campaign", lambda push: push.campaign, as_of)
        pushes = [push for push in self._pushes_as_of(as_of) if push.campaign == campaign]
        sends, clicks = (sum(push.kind == kind for push in pushes) for kind in ("send", "click"))
        found: dict[str, Any] = {}
        for days in (7, 28, 90):
            near = [
                outcome
                for send, outcome, _ in self._ended(as_of, days)
                if send["campaign_id"] == campaign and _hours_apart(send["sent_at"], send_at) <= 2
            ]
            found[f"campaign_sends_near_hour_{days}d"] = len(near)
            found[f"campaign_click_rate_near_hour_{days}d"] = prior and (
                near.count(1) + prior[1] * (clicks + prior[1] * prior[0]) / (sends + prior[1])
            ) / (len(near) + prior[1])
        return found

    def _user_campaign(self, user: str, campaign: str, as_of: date) -> dict[str, Any]:
        pushes = [push for push in self._pushes_as_of(as_of) if (push.user, push.campaign) == (user, campaign)]
        return {
            **_counts("user_campaign_sends", pushes, "send", as_of),
            **_counts("user_campaign_clicks", pushes, "click", as_of),
            **self._rates("user_campaign", lambda push: (push.user, push.campaign), pushes, as_of),
            "user_campaign_hours_since_last_send": _hours_since_last(pushes, "send", as_of),
            "user_campaign_hours_since_last_click": _hours_since_last(pushes, "click", as_of),
        }

    def _user_category(self, user: str, campaign: str, as_of: date) -> dict[str, Any]:
        def pair(push: Push) -> tuple[str, str] | None:
            return None if push.category is None else (push.user, push.category)

        category = self._latest("campaigns", "campaign_id", campaign, as_of).get("category")
        pushes = [push for push in self._pushes_as_of(as_of) if category and pair(push) == (user, category)]
        last_clicked = self._last_clicked(user, as_of)
        return {
            **{f"user_last_clicked_category_{n + 1}": _nth(last_clicked, n) for n in range(3)},
            "user_category_among_last_clicked": int(category is not None and category in last_clicked),
            **_counts("user_category_sends", pushes, "send", as_of),
            **_counts("user_category_clicks", pushes, "click", as_of),
            **self._rates("user_category", pair, pushes, as_of),
            "user_category_hours_since_last_send": _hours_since_last(pushes, "send", as_of),
            "user_category_hours_since_last_click": _hours_since_last(pushes, "click", as_of),
        }

    def _app(self, user: str, as_of: date) -> dict[str, Any]:
        events = self._known_of(user, "app_events", as_of)
        features: dict[str, Any] = {}
        for window, days in USER_WINDOWS.items():
            inside = [row for row in events if _within(row["occurred_at"], days, as_of)]
            features[f"app_events_{window}"] = len(inside)
            features[f"app_duration_ms_{window}"] = sum(_milliseconds(row["duration_s"]) for row in inside)
            features[f"app_kinds_{window}"] = len({row["event_name"] for row in inside})
        viewed = [row["occurred_at"] for row in events if row["event_name"] == "view"]
        for window, days in USER_WINDOWS.items():
            features[f"app_view_events_{window}"] = sum(_within(at, days, as_of) for at in viewed)
        last = max((row["occurred_at"] for row in events), default=None)
        recent = Counter(row["event_name"] for row in events if _within(row["occurred_at"], 28, as_of))
        return {
            **features,
            "app_hours_since_last_event": _hours(last, as_of),
            "app_view_hours_since_last": _hours(max(viewed, default=None), as_of),
            "app_top_kind_share_28d": max(recent.values()) / recent.total() if recent else None,
        }

    def _app_hours_of_90_days(self, user: str, as_of: date) -> dict[datetime, int]:
        """Give the hours with events that became known in 90 days, and which hour of the week the user had then."""
        hours: dict[datetime, int] = {}
        for row in self._known_of(user, "app_events", as_of):
            known = self.known_day("app_events", row)
            if known >= as_of - 90 * DAY:
                hour = row["occurred_at"].replace(minute=0, second=0, microsecond=0)
                of_week = self._hour_of_week(user, hour, known)
                hours[hour] = min(of_week, hours.get(hour, of_week))
        return hours

    def _hour_of_week(self, user: str, at: datetime, known: date) -> int:
        """Give the hour since Monday on the user's clocks, in the time zone known at the end of a day."""
        zone = self._latest("users", "user_id", user, known + DAY).get("timezone") or "UTC"
        local = at.astimezone(ZoneInfo(zone))
        return local.weekday() * 24 + local.hour

    def _active_days(self, user: str, as_of: date) -> dict[str, Any]:
        hours = self._app_hours_of_90_days(user, as_of)
        days = {hour.date() for hour in hours}
        began = [hour for hour in hours if hour - HOUR not in hours]
        return {
            **{f"user_active_days_{n}d": sum(day >= as_of - n * DAY for day in days) for n in (1, 7, 28, 90)},
            **{f"user_sessions_{n}d": sum(_within(hour, n, as_of) for hour in began) for n in (1, 7, 28, 90)},
            **self._all_time_use(user, as_of),
            "user_hours_since_last_session": _hours(max(began, default=None), as_of),
            "user_days_since_return": self._days_since_return(user, as_of),
        }

    def _all_time_use(self, user: str, as_of: date) -> dict[str, int]:
        """Count days, and runs of hours within a day, of what became known at most 7 days after it happened."""
        hours = {
            row["occurred_at"].replace(minute=0, second=0, microsecond=0)
            for row in self._known_of(user, "app_events", as_of)
            if self.known_day("app_events", row) - row["occurred_at"].date() <= 7 * DAY
        }
        began = [hour for hour in hours if hour.hour == 0 or hour - HOUR not in hours]
        return {"user_active_days_all": len({hour.date() for hour in hours}), "user_sessions_all": len(began)}

    def _days_since_return(self, user: str, as_of: date) -> int | None:
        """Count a break with 14 whole days among the 90 before the midnight, however old what came before."""
        oldest = as_of - 91 * DAY
        days = sorted({row["occurred_at"].date() for row in self._known_of(user, "app_events", as_of)})
        returns = [b for a, b in pairwise(days) if len(_days_between(max(a, oldest), max(b, oldest))) >= 14]
        return (as_of - returns[-1]).days if returns else None

    def _devices_of(self, user: str, as_of: date) -> dict[str, Any]:
        first: dict[str, datetime] = {}
        for row in self._known_of(user, "devices", as_of):
            first[row["device_id"]] = min(row["updated_at"], first.get(row["device_id"], row["updated_at"]))
        newest = max(first.values(), default=None)
        return {"user_devices_all": len(first), "user_hours_since_new_device": _hours(newest, as_of)}

    def _known_of(self, user: str, table: str, as_of: date) -> list[Row]:
        return [row for row in self._known(table, as_of) if row["user_id"] == user]

    def _known(self, table: str, as_of: date) -> Iterator[Row]:
        """Give the rows of a table that had happened and were known by a midnight."""
        for row in self.rows[table]:
            if row[HAPPENED[table]] < _midnight(as_of) and self.known_day(table, row) < as_of:
                yield row

    def _left(self, user: str, as_of: date) -> dict[str, Any]:
        leavings = self._known_of(user, "opt_outs", as_of)
        last = max((row["occurred_at"].date() for row in leavings), default=None)
        return {
            "user_opt_outs_all": sum(row["kind"] == "opt_out" for row in leavings),
            "user_uninstalls_all": sum(row["kind"] == "uninstall" for row in leavings),
            "user_days_since_left": None if last is None else (as_of - last).days,
        }

    def _rhythm(self, user: str, send_at: datetime, as_of: date) -> dict[str, Any]:
        clicked = [
            self._hour_of_week(user, send["sent_at"] + reaction, self.known_day("sends", send))
            for send, _, reaction in self._ended(as_of)
            if reaction is not None and send["user_id"] == user
        ]
        hours = self._app_hours_of_90_days(user, as_of)
        began = [of_week for hour, of_week in hours.items() if hour - HOUR not in hours]
        zone = self._latest("users", "user_id", user, as_of).get("timezone") or "UTC"
        local = send_at.astimezone(ZoneInfo(zone))
        return {
            f"user_{name}_{feature}": value
            for name, times in (("click", clicked), ("session", began))
            for feature, value in _rhythm(times, local, self.rhythm_prior(name, as_of)).items()
        }

    def rhythm_prior(self, name: str, as_of: date) -> RhythmPrior | None:
        """Give shares and strength of the hours and of the weekdays of all users; None where nothing was counted."""
        if (name, as_of) not in self._priors:
            of_users = self._all_clicks(as_of) if name == "click" else self._all_starts(as_of)
            hours = [Counter(of_week % 24 for of_week in times) for times in of_users.values()]
            weekdays = [Counter(of_week // 24 for of_week in times) for times in of_users.values()]
            self._priors[name, as_of] = (dirichlet_prior(hours, 24), dirichlet_prior(weekdays, 7)) if of_users else None
        found: RhythmPrior | None = self._priors[name, as_of]
        return found

    def _all_clicks(self, as_of: date) -> dict[str, list[int]]:
        times: dict[str, list[int]] = {}
        for send, _, reaction in self._ended(as_of):
            if reaction is not None:
                known = self.known_day("sends", send)
                at = self._hour_of_week(send["user_id"], send["sent_at"] + reaction, known)
                times.setdefault(send["user_id"], []).append(at)
        return times

    def _all_starts(self, as_of: date) -> dict[str, list[int]]:
        """Give the hours with events that became known on a day, but none of the hour before on the same day."""
        hours: set[tuple[str, date, datetime]] = set()
        for row in self._known("app_events", as_of):
            known = self.known_day("app_events", row)
            if known >= as_of - 90 * DAY:
                hours.add((row["user_id"], known, row["occurred_at"].replace(minute=0, second=0, microsecond=0)))
        times: dict[str, list[int]] = {}
        for user, known, hour in hours:
            if (user, known, hour - HOUR) not in hours:
                times.setdefault(user, []).append(self._hour_of_week(user, hour, known))
        return times

    def _profile(self, user: str, as_of: date) -> dict[str, Any]:
        state = self._latest("users", "user_id", user, as_of)
        hours = _hours(state.get("signed_up_at"), as_of)
        return {
            "user_tenure_days": None if hours is None else hours / 24,
            "user_is_new": None if hours is None else int(hours <= 7 * 24),
            "country": state.get("country"),
            "language": state.get("language"),
        }

    # Smoothed rates

    def prior(self, level: str, key: Callable[[Push], Any], as_of: date) -> tuple[float, float] | None:
        """Give rate and strength of a level, fitted on all its keys known at the midnight; None before any send."""
        if (level, as_of) not in self._priors:
            totals: dict[Any, list[int]] = {}
            for push in self._pushes_as_of(as_of):
                if key(push) is not None and push.kind != "dismissal":
                    totals.setdefault(key(push), [0, 0])[push.kind == "click"] += 1
            self._priors[level, as_of] = beta_prior(totals.values())
        return self._priors[level, as_of]

    def _rates(
        self, level: str, key: Callable[[Push], Any], pushes: list[Push], as_of: date, windows: Windows = RATE_WINDOWS
    ) -> dict[str, float | None]:
        prior = self.prior(level, key, as_of)
        rates: dict[str, float | None] = {}
        for window, days in windows.items():
            inside = [push for push in pushes if _within(push.at, days, as_of)]
            sends = sum(push.kind == "send" for push in inside)
            clicks = sum(push.kind == "click" for push in inside)
            rates[f"{level}_click_rate_{window}"] = (
                None if prior is None else (clicks + prior[1] * prior[0]) / (sends + prior[1])
            )
        return rates


def beta_prior(totals: Iterable[Iterable[int]]) -> tuple[float, float] | None:
    """Fit rate and strength of a beta prior to (sends, clicks) of each key, by moments."""
    sends = clicks = send_pairs = click_pairs = mixed_pairs = 0
    for n_sends, n_clicks in totals:
        sends += n_sends
        clicks += n_clicks
        send_pairs += n_sends * (n_sends - 1)
        click_pairs += n_clicks * (n_clicks - 1)
        mixed_pairs += n_clicks * (n_sends - 1)
    if sends == 0:
        return None
    mean = mixed_pairs / send_pairs if send_pairs else 0.0
    variance = click_pairs / send_pairs - mean * mean if send_pairs else 0.0
    if variance <= 0:
        return clicks / sends, 10_000.0
    return clicks / sends, min(max(mean * (1 - mean) / variance - 1, 1.0), 10_000.0)


def dirichlet_prior(counts: Sequence[Counter[int]], bins: int) -> tuple[list[float], float]:
    """Fit shares and strength of a Dirichlet prior to the counts of each user, not all of them 0, by moments."""
    events = [sum(of_user[at] for of_user in counts) for at in range(bins)]
    shares = [number / sum(events) for number in events]
    pairs = [(of_user, of_user.total()) for of_user in counts]
    all_pairs = sum(total * (total - 1) for _, total in pairs)
    if not all_pairs:
        return shares, 10_000.0
    alike = sum(n * (n - 1) for of_user in counts for n in of_user.values()) / all_pairs
    by_bin = (sum(of_user[at] * (total - 1) for of_user, total in pairs) / all_pairs for at in range(bins))
    chance = sum(share * share for share in by_bin)
    if alike <= chance:
        return shares, 10_000.0
    return shares, min(max((1 - alike) / (alike - chance), 1.0), 10_000.0)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _within(at: datetime, days: int | None, as_of: date) -> bool:
    return at.date() < as_of and (days is None or at.date() >= as_of - days * DAY)


def _counts(name: str, pushes: list[Push], kind: str, as_of: date, windows: Windows = WINDOWS) -> dict[str, int]:
    counts = dict.fromkeys((f"{name}_{window}" for window in windows), 0)
    for push in pushes:
        for window, days in windows.items():
            if push.kind == kind and _within(push.at, days, as_of):
                counts[f"{name}_{window}"] += 1
    return counts


def _distinct(name: str, pushes: list[Push], of: Callable[[Push], Hashable | None], as_of: date) -> dict[str, int]:
    sent = [push for push in pushes if push.kind == "send" and of(push) is not None]
    return {
        f"{name}_{window}": len({of(push) for push in sent if _within(push.at, days, as_of)})
        for window, days in USER_WINDOWS.items()
    }


def _hours(at: datetime | None, as_of: date) -> float | None:
    return None if at is None else (_midnight(as_of) - at).total_seconds() / 3600


def _hours_since_last(pushes: list[Push], kind: str, as_of: date) -> float | None:
    return _hours(max((push.at for push in pushes if push.kind == kind), default=None), as_of)


def _days_since_first(pushes: list[Push], as_of: date) -> int | None:
    first = min((push.at.date() for push in pushes), default=None)
    return None if first is None else (as_of - first).days


def _milliseconds(seconds: float | None) -> int:
    return 0 if seconds is None else math.floor(seconds * 1000 + 0.5)


def _shows_return(leaving: Row, changes: list[Row]) -> bool:
    """Judge one device by its known changes."""
    left_at = leaving["occurred_at"]
    in_time = sorted(changes, key=lambda row: row["updated_at"])
    told = [row for row in in_time if row["push_enabled"] is not None]
    if not told or not told[-1]["push_enabled"] or told[-1]["updated_at"] <= left_at:
        return False
    if any(not row["push_enabled"] and row["updated_at"] >= left_at - DAY for row in told):
        return True
    is_new = in_time[0]["updated_at"] > left_at
    return leaving["kind"] == "uninstall" and (is_new or in_time[0]["device_id"] == leaving["device_id"])


def _days_between(earlier: date, later: date) -> list[date]:
    return [earlier + n * DAY for n in range(1, (later - earlier).days)]


def _version_number(version: str | None) -> float | None:
    numbers = [int(part) for part in (version or "").split(".") if part.isdigit()]
    return numbers[0] + (numbers[1] / 1000 if numbers[1:] else 0.0) if numbers else None


def _hours_apart(one: datetime, other: datetime) -> int:
    return _around_the_clock(one.hour, other.hour)


def _around_the_clock(one: int, other: int) -> int:
    return min((one - other) % 24, (other - one) % 24)


def _rhythm(hours_of_week: list[int], send_at: datetime, prior: RhythmPrior | None) -> dict[str, float | None]:
    hours, weekdays = [of_week % 24 for of_week in hours_of_week], [of_week // 24 for of_week in hours_of_week]
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    of_hours, of_weekdays = prior or (None, None)
    return {
        "share_near_hour": _share(hours, of_hours, lambda hour: _around_the_clock(hour, send_at.hour) <= 2),
        "share_on_weekday": _share(weekdays, of_weekdays, lambda day: day == send_at.weekday()),
        **{
            f"share_{n}_to_{n + 4}h": _share(hours, of_hours, lambda hour, n=n: n <= hour < n + 4)  # type: ignore[misc]
            for n in range(0, 24, 4)
        },
        **{
            f"share_on_{name}": _share(weekdays, of_weekdays, lambda day, n=n: day == n)  # type: ignore[misc]
            for n, name in enumerate(names)
        },
        "hour_entropy": _entropy(hours),
        "weekday_entropy": _entropy(weekdays),
    }


def _share(values: list[int], prior: tuple[list[float], float] | None, good: Callable[[int], bool]) -> float | None:
    if prior is None or not values:
        return None
    shares, strength = prior
    expected = sum(share for at, share in enumerate(shares) if good(at))
    return (sum(map(good, values)) + strength * expected) / (len(values) + strength)


def _entropy(values: list[int]) -> float | None:
    shares = [hits / len(values) for hits in Counter(values).values()]
    return -math.fsum(share * math.log(share) for share in shares) if values else None


def _leading(values: list[int], good: Callable[[int], bool]) -> int:
    return next((n for n, value in enumerate(values) if not good(value)), len(values))


def _nth(values: Sequence[Any], place: int) -> Any:
    return values[place] if place < len(values) else None


def _one_or_zero(value: bool | None) -> int | None:
    return None if value is None else int(value)
