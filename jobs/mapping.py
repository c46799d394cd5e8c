"""Mapping files: how a log of any shape becomes the contract tables."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PositiveInt, ValidationError, field_validator

from features.bots import BotRules
from features.contract import TABLES
from features.time_rules import TimeRules
from jobs.errors import BadInput

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def _seconds(text: object) -> int:
    match = re.fullmatch(r"(\d+)([smhd])", text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f'expected a duration such as "24h", "30m" or "0h", got {text!r}')
    return int(match[1]) * _UNITS[match[2]]


Duration = Annotated[int, BeforeValidator(_seconds)]
Kind = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]


class TimeSection(BaseModel):
    """The ``[time]`` section.

    Parameters
    ----------
    zone : str
        Time zone of times in the source that do not name one.
    attribution_window, lateness_allowance, ready_lag : str
        Durations such as ``"24h"``; see ``features.time_rules.TimeRules``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    zone: str = "UTC"
    attribution_window: Duration = 86_400
    lateness_allowance: Duration = 86_400
    ready_lag: Duration = 0

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"expected an IANA time zone such as Europe/Rome, got {zone!r}")
        return zone

    def rules(self) -> TimeRules:
        """Give the part that features and labels need."""
        return TimeRules(self.attribution_window, self.lateness_allowance, self.ready_lag)


class BotSection(BaseModel):
    """The ``[bots]`` section: limits that are off unless given; see ``features.bots.BotRules``.

    Parameters
    ----------
    min_reaction_ms, max_clicks_a_minute, max_users_a_device, max_sends_a_day : int, optional
    min_fast_clicks, fast_click_days : int
        3 and 7 unless given.
    flag_days : int, optional
        All are whole numbers of at least 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    min_reaction_ms: PositiveInt | None = None
    max_clicks_a_minute: PositiveInt | None = None
    max_users_a_device: PositiveInt | None = None
    max_sends_a_day: PositiveInt | None = None
    min_fast_clicks: PositiveInt = BotRules.min_fast_clicks
    fast_click_days: PositiveInt = BotRules.fast_click_days
    flag_days: PositiveInt | None = None

    def rules(self) -> BotRules:
        """Give what features and labels need."""
        return BotRules(**self.model_dump())


class TableSection(BaseModel):
    """The section of one contract table.

    Parameters
    ----------
    source : str
        File, folder or URI, relative to ``--input``; empty for ``--input`` itself.
    format : str
        A format of Spark's reader: csv, json, parquet, orc, ...
    options : dict
        Options of that reader.
    where : str, optional
        Spark SQL condition; other rows of the source are not part of the table.
    distinct : bool
        Whether equal mapped rows are one row.
    kinds : list of str
        Of app events only: the names of events that features count apart; letters, digits and underscores.
    columns : dict
        Contract column -> source column or Spark SQL expression.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = ""
    format: str = "parquet"
    options: dict[str, str | bool | int] = Field(default_factory=dict)
    where: str | None = None
    distinct: bool = False
    kinds: tuple[Kind, ...] = ()
    columns: dict[str, str]


class Mapping(BaseModel):
    """A whole mapping file: ``[time]``, ``[bots]`` and one section a contract table."""

    model_config = ConfigDict(frozen=True)

    name: str
    time: TimeSection
    bots: BotSection
    tables: dict[str, TableSection]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of app events that features count apart, sorted."""
        section = self.tables.get("app_events")
        return tuple(sorted({*section.kinds})) if section else ()


def read_mapping(name_or_path: str) -> Mapping:
    """Read a shipped mapping by name, or any by path (``*.toml``).

    Raises
    ------
    BadInput
        When the file is missing or no TOML, names an unknown table or column, or leaves out a mandatory one.
    """
    try:
        values = tomllib.loads(_text(name_or_path))
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"mapping {name_or_path}: expected TOML, {error}") from None
    time, bots = values.pop("time", {}), values.pop("bots", {})
    try:
        mapping = Mapping(name=name_or_path, time=time, bots=bots, tables=values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"mapping {name_or_path}: {where}: {first['msg']}") from None
    _check_tables(mapping)
    return mapping


def _text(name_or_path: str) -> str:
    if not name_or_path.endswith(".toml"):
        shipped = files("jobs") / "mappings" / f"{name_or_path}.toml"
        if not shipped.is_file():
            names = sorted(p.name.removesuffix(".toml") for p in (files("jobs") / "mappings").iterdir())
            raise BadInput(f"mapping {name_or_path!r}: expected one of {', '.join(names)}, or a path to a .toml file")
        return shipped.read_text(encoding="utf-8")
    try:
        return Path(name_or_path).read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(f"mapping {name_or_path}: {error.strerror}") from None


def _check_tables(mapping: Mapping) -> None:
    unknown = sorted(set(mapping.tables) - set(TABLES))
    if unknown:
        raise BadInput(f"mapping {mapping.name}: unknown table {unknown[0]!r}, expected one of {', '.join(TABLES)}")
    for table in TABLES.values():
        section = mapping.tables.get(table.name)
        if section is not None:
            _check_columns(mapping.name, table.name, section)
            if section.kinds and table.name != "app_events":
                raise BadInput(f"mapping {mapping.name}: table {table.name}: kinds are of app_events only")
        elif table.mandatory:
            raise BadInput(f"mapping {mapping.name}: table {table.name!r} is mandatory and has no section")
    if mapping.bots.max_users_a_device is not None and "devices" not in mapping.tables:
        raise BadInput(
            f"mapping {mapping.name}: bots.max_users_a_device counts rows of 'devices', which has no section"
        )


def _check_columns(mapping: str, table: str, section: TableSection) -> None:
    contract = TABLES[table]
    unknown = sorted(set(section.columns) - set(contract.column_names))
    if unknown:
        raise BadInput(
            f"mapping {mapping}: table {table}: unknown column {unknown[0]!r}, "
            f"expected one of {', '.join(contract.column_names)}"
        )
    missing = [c.name for c in contract.columns if c.required and c.name not in section.columns]
    if missing:
        raise BadInput(f"mapping {mapping}: table {table}: mandatory column {missing[0]!r} is not mapped")
