"""What a feature is: a name, a meaning and one Spark SQL expression over a request and its histories."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import TypeAlias

from pyspark.sql import DataFrame

from features.owner_streams import Told
from features.parts import Parts
from features.rhythm_events import Events
from features.some_campaigns import SomeCampaigns
from features.user_rows import PUSH_COUNTS, PUSHED_LAST, user_rows
from features.whole_owners import Rows

Key: TypeAlias = tuple[str, ...]

USER: Key = ("user_id",)
CAMPAIGN: Key = ("campaign_id",)
PAIR: Key = ("user_id", "campaign_id")

SHARED = ("campaign_id", "model", "os_version", "platform")
"""Columns of push partials that many users share."""


def is_pair(key: Sequence[str]) -> bool:
    """Tell keys of a user and a thing: there are many, each with few rows."""
    return len(key) > 1 and "user_id" in key


@dataclass(frozen=True)
class Feature:
    """One column that click models see.

    Parameters
    ----------
    name : str
        Column name, with unit and window.
    expression : str
        Spark SQL over the columns of a request, its histories and the priors.
    type : str
        Spark SQL type of the column.
    meaning, unit, window, null_meaning : str
        For the catalogue.
    """

    name: str
    expression: str
    type: str
    meaning: str
    unit: str
    window: str = "as of midnight"
    null_meaning: str = "never null"

    @property
    def kind(self) -> str:
        """``categorical`` for text, else ``numeric``."""
        return "categorical" if self.type == "string" else "numeric"


@dataclass(frozen=True)
class PriorSums:
    """What priors are fitted on, as it was summed up before; see ``features.priors.sums_at``.

    Parameters
    ----------
    rows : DataFrame
        Sums as of the ends of days.
    until : date
        The last of these days.
    """

    rows: DataFrame
    until: date


@dataclass(frozen=True)
class History:
    """What is known of the past: partials and change logs, each with ``ds``, the day a row became known.

    Parameters
    ----------
    pushes : DataFrame
        See ``features.partials.push_partials``.
    old_pushes : mapping of Key to DataFrame
        What stands for the days before those of ``pushes``, if anything does: by the columns that it is told apart by,
        the fewest rows first. See ``features.folding``.
    old_sums : DataFrame, optional
        What the old pushes sum up to by user, where there are any. See ``features.folding.summed``.
    outcomes : DataFrame, optional
        See ``features.outcomes.push_outcomes``; none where nobody asks for them.
    app_events : DataFrame, optional
        See ``features.partials.app_partials``; none where the log has no such table.
    users, devices, campaigns : DataFrame, optional
        The change logs; likewise.
    opt_outs : DataFrame, optional
        The contract table; likewise.
    shared_pushes : DataFrame, optional
        ``pushes`` as ``features.partials.of_shared`` adds them up, for all who ask about no user: worth keeping for
        many readers.
    prior_sums : PriorSums, optional
        Stored sums; by default all is summed up anew.
    parted : mapping of str to sequence of DataFrame or Parts
        Of tables whose rows are in parts already: what `user_rows` gives.
    """

    pushes: DataFrame
    outcomes: DataFrame | None = None
    app_events: DataFrame | None = None
    users: DataFrame | None = None
    devices: DataFrame | None = None
    campaigns: DataFrame | None = None
    opt_outs: DataFrame | None = None
    old_pushes: Mapping[Key, DataFrame] = field(default_factory=dict)
    old_sums: DataFrame | None = None
    shared_pushes: DataFrame | None = None
    prior_sums: PriorSums | None = None
    parted: Mapping[str, Sequence[DataFrame | Parts]] = field(default_factory=dict)

    def pushes_by(self, *names: str) -> DataFrame:
        """Give the push partials of all days, which are told apart by these columns at least.

        Raises
        ------
        KeyError
            When old days were folded by other columns.
        """
        recent = self.recent_pushes_by(*names)
        if not self.old_pushes:
            return recent
        columns = [*names, "event_day", "ds", *PUSH_COUNTS, *PUSHED_LAST]
        return recent.select(columns).union(self.old_pushes_by(*names).select(columns))

    def recent_pushes_by(self, *names: str) -> DataFrame:
        """Give the push partials of the days that are not folded, told apart by these columns at least."""
        return self.pushes if self.shared_pushes is None or not {*names} <= {*SHARED} else self.shared_pushes

    def old_pushes_by(self, *names: str) -> DataFrame:
        """Give the fewest rows that tell these columns apart and stand for old days; `KeyError` when there are none."""
        key = next((key for key in self.old_pushes if {*names} <= {*key}), names)
        return self.old_pushes[key]

    def old_pairs(self) -> DataFrame:
        """Give old pushes by user and campaign, a row a pair, of the campaigns of which there are later pushes.

        Nothing is added to the pairs of others any more.
        """
        return self._going_on.among(self.old_pushes_by(*PAIR).dropna(subset=list(PAIR)))

    @cached_property
    def _going_on(self) -> SomeCampaigns:
        return SomeCampaigns.of(self.recent_pushes_by("campaign_id"))

    def user_rows(self, name: str) -> Rows:
        """Give what users are asked about of a table, the same object to all who ask: it is read once for all of them.

        Of pushes it is what became known in the days that are not folded. See ``features.user_rows.user_rows``.
        """
        return self._user_rows.setdefault(name, self.parted.get(name) or user_rows(name, self.table(name)))

    @cached_property
    def _user_rows(self) -> dict[str, Rows]:
        return {}

    def of_campaigns(self, campaigns: DataFrame) -> History:
        """Leave out the pushes of campaigns that are not among some, given by ``campaign_id``, and what lacks it."""
        asked = SomeCampaigns.of(campaigns)
        of_campaign = {key: rows for key, rows in self.old_pushes.items() if "campaign_id" in key}
        return replace(
            self,
            pushes=asked.among(self.pushes),
            parted={},
            shared_pushes=None if self.shared_pushes is None else asked.among(self.shared_pushes),
            old_pushes={key: asked.among(rows) for key, rows in of_campaign.items()},
        )

    def has(self, name: str) -> bool:
        """Tell whether the log has a table."""
        return getattr(self, name) is not None

    def table(self, name: str) -> DataFrame:
        """Give a table by name.

        Raises
        ------
        KeyError
            When the log has no such table.
        """
        frame = getattr(self, name)
        if frame is None:
            raise KeyError(name)
        return frame  # type: ignore[no-any-return]


Reader: TypeAlias = Callable[[History], Told]


@dataclass(frozen=True)
class Block:
    """Features of one thing with a history.

    Parameters
    ----------
    name : str
        Name of the block, in reports.
    key : tuple of str
        Columns that name the thing; with ``as_of`` they are the key of its history, one for all blocks of the thing.
    table : str
        Field of ``History`` that the block cannot do without; without that table the block is left out.
    read : callable
        ``(history) -> Told``: the thing's rows, and what is asked of those known as of a midnight; counts and last
        times only, in columns that no other block of the thing has.
    features : tuple of Feature
        Their expressions must take null history columns as "no past".
    prior_level : str
        Level whose prior smooths the block's rates; empty for none.
    rhythm : str
        First word of the columns of a rhythm, whose prior smooths the block's shares; empty for none.
    events : callable, optional
        ``(history) -> Events``: what that prior is fitted on, see ``features.rhythm_priors.rhythm_priors``.
    """

    name: str
    key: Key
    table: str
    read: Reader
    features: tuple[Feature, ...]
    prior_level: str = ""
    rhythm: str = ""
    events: Callable[[History], Events] | None = None
