"""A lake with a larger audience: each user of another lake several times, under several names."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.catalogue import keys_of
from features.rows import PRIORS, history_table
from jobs.embedding import audience_codes_table
from jobs.lake import Lake
from jobs.log_note import read_note, write_note

RENAMED = ("user_id", "device_id")


def copy_audience(source: Lake, target: Lake, ds: date, embedding_version: str | None, copies: int) -> int:
    """Write what scoring reads of a day; gives the number of users who may be sent to."""
    note = read_note(source, ds)
    tables = ["audience", "campaigns_to_come", PRIORS, *map(history_table, keys_of(note.tables))]
    if embedding_version is not None:
        tables.append(audience_codes_table(embedding_version))
    for table in tables:
        target.write(table, _copied(source.read(table, since=ds, until=ds), copies), [ds])
    write_note(target, ds, note)
    return target.read("audience").where("left_out IS NULL").count()


def _copied(rows: DataFrame, copies: int) -> DataFrame:
    renamed = [name for name in RENAMED if name in rows.columns]
    if not renamed:
        return rows
    many = rows.withColumn("_copy", F.explode(F.sequence(F.lit(1), F.lit(copies))))
    names = {name: F.concat(name, F.lit("_"), F.col("_copy").cast("string")) for name in renamed}
    return many.withColumns(names).drop("_copy")
