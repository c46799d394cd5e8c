"""The rows that a night scores: of its audience and the campaigns to come, crossed or in parts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.catalogue import keys_of
from features.crossing import Night, scoring_rows
from features.rows import PRIORS, history_table
from features.scoring_parts import Parts, scoring_parts
from jobs.embedding import EMBEDDING_VERSION, audience_codes_table
from jobs.lake import Lake
from jobs.log_note import read_note

HASHES = 1_000_000
"""Into so many parts users are cut by a hash of their id, where some of them are taken."""


def raw_rows(lake: Lake, ds: date, *, share: float = 1.0) -> DataFrame:
    """Give raw feature rows, without codes: ``features.requests.REQUEST_KEY`` and the features.

    With a share below 1, only users whose id has a hash in about that share of all hashes are taken.
    """
    night = _night(lake, ds)
    if share < 1:
        hashed = F.pmod(F.xxhash64("user_id"), F.lit(HASHES))
        night = replace(night, people=night.people.where(hashed < F.lit(round(share * HASHES))))
    return scoring_rows(night)


def raw_parts(lake: Lake, ds: date, embedding_version: str | None, n_users: int, *, wanted: Collection[str]) -> Parts:
    """Give the same rows in parts, of so many users, with their codes of an embedding; see `scoring_parts`."""
    night = _night(lake, ds)
    if embedding_version is not None:
        codes = _tonight(lake, ds, audience_codes_table(embedding_version)).drop(EMBEDDING_VERSION)
        night = replace(night, people=night.people.join(codes, ["user_id", "as_of"], how="left"))
    return scoring_parts(night, wanted, n_users)


def _night(lake: Lake, ds: date) -> Night:
    note = read_note(lake, ds)
    return Night(
        people=_tonight(lake, ds, "audience").where("left_out IS NULL").select("user_id", "device_id", "as_of"),
        campaigns=_tonight(lake, ds, "campaigns_to_come"),
        histories={key: _tonight(lake, ds, history_table(key)) for key in keys_of(note.has)},
        fitted_priors=_tonight(lake, ds, PRIORS),
        tables=note.has,
        rules=note.rules,
    )


def _tonight(lake: Lake, ds: date, table: str) -> DataFrame:
    return lake.read(table, since=ds, until=ds).drop("ds")
