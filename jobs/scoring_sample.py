"""Some of the rows that a night scores, to see how far their features are from those that models learned from."""

from __future__ import annotations

from datetime import date

from jobs.cli import say
from jobs.lake import Lake
from jobs.scoring_rows import raw_rows
from models.batch import ArrayBatch, to_batch
from models.schema import FeatureSchema

ROWS = 20_000
"""About how many rows are taken: bounds time and memory, whatever the audience."""

ORDER = ("user_id", "campaign_id", "send_at")


def scoring_sample(lake: Lake, ds: date, schema: FeatureSchema, *, rows: int = ROWS) -> ArrayBatch | None:
    """Take the rows of users chosen by a hash of their id, for every campaign to come.

    Parameters
    ----------
    lake : Lake
        Holds the audience, the campaigns to come and the histories of ``ds``.
    ds : date
        The day whose end is scored.
    schema : FeatureSchema
        The columns to take.
    rows : int
        About how many rows to take; all of them where there are no more.

    Returns
    -------
    ArrayBatch or None
        None where nobody is to be scored that night, or chance chose nobody.
    """
    if any(ds not in lake.days(table) for table in ("audience", "campaigns_to_come")):
        return None
    audience, campaigns = (lake.read(table, since=ds, until=ds) for table in ("audience", "campaigns_to_come"))
    n_users, n_campaigns = audience.where("left_out IS NULL").count(), campaigns.count()
    if not n_users * n_campaigns:
        return None
    found = raw_rows(lake, ds, share=rows / (n_users * n_campaigns))
    columns = [feature.name for feature in schema.features]
    table = found.select(*ORDER, *columns).toArrow().sort_by([(name, "ascending") for name in ORDER])
    say(f"features of {len(table):,} of the {n_users * n_campaigns:,} rows to be scored")
    return to_batch(table, schema) if len(table) else None
