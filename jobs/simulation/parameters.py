"""The sizes, rates and effects of a simulated log, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from jobs.errors import BadInput
from jobs.simulation.instants import DAY_MS, HOUR_MS, epoch_ms


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """Everything that a simulated log depends on.

    A *share* lies within 0 and 1. An *effect* is what is added to the logit of a click (see ``click_model``).

    Raises
    ------
    BadInput
        When a size is below 1, a share is outside 0 to 1, or the days leave the calendar.
    """

    users: int = 20_000
    """Users, those who sign up or leave within the period included."""
    days: int = 42
    """Length of the period."""
    sends: int = 300_000
    """Sends that are aimed at; the number drawn is within a few per cent of it."""
    seed: int = 7
    """Another seed gives another log of the same kind."""
    start: date = date(2026, 1, 1)
    """First day (UTC)."""

    new_share: float = 0.12
    """Users who sign up within the period."""
    tenure_days_mean: float = 300.0
    """Mean age (exponential, cut at 5 times the mean) of the other accounts at the start."""
    opt_out_share: float = 0.02
    """Users who opt out of pushes within the period: no sends from then on."""
    uninstall_share: float = 0.03
    """Users who remove the app within the period: neither sends nor app events from then on."""
    push_off_share: float = 0.02
    """Users who switch pushes off in the system's settings within the period: no sends from then on."""
    bot_share: float = 0.002
    """Users who are programs: random app events at any hour, clicks within 200 ms."""
    bot_click_logit: float = 3.0
    """The logit of a bot's click on anything; no effect is added to it."""
    activity_sigma: float = 0.8
    """Spread of the log of a user's app activity."""
    peak_hour_sigma: float = 2.5
    """Spread in hours of a user's app sessions about the personal peak hour."""

    new_device_share: float = 0.10
    """Users who change to another device within the period."""
    os_update_share: float = 0.25
    """Users whose first device gets a system update within the period."""
    ios_share: float = 0.42
    """Devices with iOS; the others run Android."""

    campaign_lanes: int = 24
    """Campaigns that run at any time: each lane holds one after another."""
    campaign_days_min: int = 5
    """Days that a campaign of the fastest lane runs."""
    campaign_days_max: int = 12
    """Days that a campaign of the slowest lane runs."""
    plan_campaigns: int = 20
    """Campaigns planned for the day after the last."""

    sessions_per_day: float = 0.55
    """App sessions of an average user on a weekend day."""
    session_events_max: int = 5
    """Events in the longest session; all lengths from 1 on are equally likely."""
    weekday_sessions: float = 0.85
    """Sessions on a weekday for each one on a weekend day."""
    general_events_share: float = 0.25
    """Events after the opening one that everyone makes alike."""
    stray_events_share: float = 0.30
    """Events after the opening one that belong to no interest of the user."""
    interest_kinds: int = 10
    """Kinds of events that an interest drives, the first ones most."""

    sends_sigma: float = 0.4
    """Spread of the log of how many pushes a user is sent."""
    matched_share: float = 0.3
    """Sends that look at two campaigns and take one in the user's interest, if there is one."""
    hold_back_share: float = 0.02
    """Sends flagged ``hold_back``: their campaign was taken at random."""
    undelivered_share: float = 0.03
    """Sends without a delivery receipt (``delivered_at`` is null); they may be clicked nevertheless."""

    intercept: float = -2.4
    """Logit of a click where every effect is nought."""
    propensity_sigma: float = 0.7
    """Spread of the users' own effect."""
    propensity_from_activity: float = 0.95
    """Correlation of that effect with the log of app activity."""
    interest_effect: float = 1.2
    """When the campaign's category is one of the user's interests."""
    category_sigma: float = 0.3
    """Spread of the categories' effect."""
    quality_sigma: float = 0.25
    """Spread of the campaigns' own effect."""
    image_effect: float = 0.15
    """When the push has an image."""
    rhythm_effect: float = 0.2
    """At the user's peak hour; minus this 12 hours away, a cosine between."""
    weekend_effect: float = 0.2
    """On Saturday and Sunday, local time."""
    tenure_effect: float = -0.38
    """For each unit of ln(1 + tenure in months of 30 days)."""
    ios_effect: float = 0.4
    """On iOS."""
    device_age_effect: float = -0.18
    """For each year of age of the device."""
    fatigue_effect: float = -0.05
    """For each push ignored in a row since the last click."""
    fatigue_cap: int = 12
    """Ignored pushes in a row beyond which nothing more is added."""

    reaction_minutes_median: float = 8.0
    """Median of the log-normal time from send to click."""
    reaction_sigma: float = 2.0
    """Spread of its log; with 2.0, one click in 200 comes after more than 24 hours."""
    button_share: float = 0.15
    """Clicks on a button of the push rather than on the push."""
    dismiss_share: float = 0.06
    """Pushes not clicked that are dismissed."""

    duplicate_share: float = 0.01
    """Rows of sends, clicks and app events that arrive twice."""
    late_share: float = 0.03
    """Clicks and app events that become known 3 hours to 3 days after they happened."""
    late_send_share: float = 0.003
    """The same for sends, which a server logs."""
    missing_device_share: float = 0.04
    """Sends and app events without ``device_id``."""
    missing_os_share: float = 0.03
    """Device rows without ``os_version``."""
    missing_timezone_share: float = 0.05
    """Users without ``timezone``; half of them get one within the period."""
    missing_duration_share: float = 0.10
    """App events without ``duration_s``."""
    missing_title_share: float = 0.05
    """Campaigns without ``title_length``."""

    def __post_init__(self) -> None:
        for name in ("users", "days", "sends", "campaign_lanes", "campaign_days_min"):
            if getattr(self, name) < 1:
                raise BadInput(f"--{name}: expected a whole number of at least 1, got {getattr(self, name)}")
        for name in (name for name in vars(self) if name.endswith("_share")):
            if not 0 <= getattr(self, name) <= 1:
                raise BadInput(f"{name}: expected a share within 0 and 1, got {getattr(self, name)}")
        try:
            self.start + timedelta(days=self.days)
        except OverflowError:
            raise BadInput(f"--days: {self.days} days from {self.start} leave the calendar") from None

    @property
    def start_ms(self) -> int:
        """The first instant of the period, in milliseconds since 1970 UTC."""
        return epoch_ms(self.start)

    @property
    def end_ms(self) -> int:
        """The first instant after the period."""
        return self.start_ms + self.days * DAY_MS

    @property
    def snapshot_ms(self) -> int:
        """When the change logs begin: 6 hours before the period, with what was there then."""
        return self.start_ms - 6 * HOUR_MS
