"""The data contract: every raw table, its key, its clocks and its columns.

All times are UTC timestamps. Each row has two clocks: when it happened (``event_time``) and when it became known to us
(``known_time``), which is never before it happened and may be days later.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column of a contract table.

    Parameters
    ----------
    name : str
        Name of the column.
    type : str
        Spark SQL type.
    required : bool
        Whether a mapping must give it and a row must have it; a row without goes to quarantine.
    """

    name: str
    type: str
    required: bool = False


@dataclass(frozen=True)
class Table:
    """One table of the contract.

    Parameters
    ----------
    name : str
        Name of the table.
    key : tuple of str
        Columns that name a row; of rows with equal keys the earliest known wins.
    event_time, known_time : str
        The columns that are the two clocks.
    columns : tuple of Column
        All columns, in order.
    mandatory : bool
        Whether a log without this table is of no use.
    """

    name: str
    key: tuple[str, ...]
    event_time: str
    columns: tuple[Column, ...]
    known_time: str = "ingested_at"
    mandatory: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of all columns, in order."""
        return tuple(column.name for column in self.columns)


def _columns(required: str, optional: str = "") -> tuple[Column, ...]:
    """Read ``name:type`` lists; the type is a string where none is given."""

    def read(text: str, is_required: bool) -> list[Column]:
        pairs = (item.partition(":") for item in text.split())
        return [Column(name, kind or "string", is_required) for name, _, kind in pairs]

    return (*read(required, True), *read(optional, False))


_TABLES = (
    Table(
        "sends",
        ("send_id",),
        "sent_at",
        _columns(
            "send_id user_id campaign_id sent_at:timestamp ingested_at:timestamp",
            "device_id delivered_at:timestamp score:double model_version hold_back:boolean",
        ),
        mandatory=True,
    ),
    Table(
        "clicks",
        ("send_id", "clicked_at"),
        "clicked_at",
        _columns("send_id clicked_at:timestamp action ingested_at:timestamp"),
        mandatory=True,
    ),
    Table(
        "app_events",
        ("event_id",),
        "occurred_at",
        _columns(
            "event_id user_id event_name occurred_at:timestamp ingested_at:timestamp", "device_id duration_s:double"
        ),
    ),
    Table(
        "devices",
        ("device_id", "updated_at"),
        "updated_at",
        _columns(
            "device_id updated_at:timestamp user_id ingested_at:timestamp",
            "platform os_version model brand network push_enabled:boolean",
        ),
    ),
    Table(
        "users",
        ("user_id", "updated_at"),
        "updated_at",
        _columns(
            "user_id updated_at:timestamp ingested_at:timestamp", "signed_up_at:timestamp country language timezone"
        ),
    ),
    Table(
        "campaigns",
        ("campaign_id", "updated_at"),
        "updated_at",
        _columns(
            "campaign_id updated_at:timestamp ingested_at:timestamp", "category title_length:int has_image:boolean"
        ),
    ),
    Table(
        "plans",
        # A local hour is one of the day after it became known: known at another time, it is another plan.
        ("campaign_id", "send_at", "local_hour", "known_at"),
        "known_at",
        _columns("campaign_id known_at:timestamp", "send_at:timestamp local_hour:int"),
        known_time="known_at",
    ),
    Table(
        "opt_outs",
        ("user_id", "occurred_at"),
        "occurred_at",
        _columns("user_id occurred_at:timestamp kind ingested_at:timestamp", "device_id"),
    ),
    Table(
        "deletions",
        ("user_id",),
        "requested_at",
        _columns("user_id requested_at:timestamp ingested_at:timestamp"),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
"""The contract, by table name."""

CLICK_ACTIONS = ("open", "button")
"""Actions that are a click; ``dismiss`` is not."""

DISMISS = "dismiss"

ACTIONS = (*CLICK_ACTIONS, DISMISS)

LEAVINGS = ("opt_out", "uninstall")
"""Kinds of opt-outs."""

WORDS: dict[str, tuple[str, ...]] = {"action": ACTIONS, "kind": LEAVINGS}
"""Columns that have one of a few words."""

YEAR_S = 366 * 86_400

RANGES: dict[str, tuple[float, float]] = {"score": (0, 1), "local_hour": (0, 23), "duration_s": (0, YEAR_S)}
"""Least and greatest value of columns that have one, both included; no sum of such durations leaves a long."""
