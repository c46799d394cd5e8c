"""Who may be found like a campaign's clickers, who the clickers are, and who is left out: tables, one row a user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.feature import History
from jobs.carried import PUSHES, carried_day, old_pushes, read_since
from jobs.embedding import codes_matrix
from jobs.lake import Lake
from jobs.log_note import read_note

SENT, NO_CODE = "sent", "no_code"


@dataclass(frozen=True)
class LookalikeUsers:
    """The audience of a day, with who met some campaigns.

    Parameters
    ----------
    codes : DataFrame
        ``user_id, latents, latent_values``.
    audience : DataFrame
        ``user_id, left_out``.
    met : DataFrame
        ``user_id``, and ``sent`` and ``clicked``, arrays of the places of campaigns in ``campaigns``.
    campaigns : sequence of str
        Each once.
    """

    codes: DataFrame
    audience: DataFrame
    met: DataFrame
    campaigns: Sequence[str]

    @classmethod
    def of(cls, lake: Lake, ds: date, codes: str, campaigns: Sequence[str]) -> LookalikeUsers:
        """Read the audience, its codes, and who met the campaigns as known by the end of a day."""
        audience = lake.read("audience", since=ds, until=ds).select("user_id", "left_out")
        own = lake.read(codes, since=ds, until=ds).select("user_id", "latents", "latent_values")
        return cls(own, audience, _met(lake, ds, campaigns), campaigns)

    def with_code(self) -> DataFrame:
        """Give ``user_id, latents, latent_values, sent, clicked`` and ``reachable``: whether it may be sent to."""
        reachable = self.audience.where("left_out IS NULL").select("user_id", F.lit(True).alias("reachable"))
        joined = self.codes.join(reachable, "user_id", how="left").join(self.met, "user_id", how="left")
        return joined.withColumn("reachable", F.coalesce("reachable", F.lit(False)))

    def left_out(self) -> dict[str, dict[str, int]]:
        """Count for each campaign who is not looked for: one reason a user, the first that holds."""
        coded = self.codes.select("user_id", F.lit(True).alias("coded"))
        people = self.audience.join(self.met, "user_id", how="left").join(coded, "user_id", how="left")
        each = F.explode(F.array([F.lit(place) for place in range(len(self.campaigns))]))
        reason = F.coalesce(
            "left_out",
            F.when(F.expr("array_contains(sent, campaign)"), SENT),
            F.when(F.col("coded").isNull(), NO_CODE),
        )
        counted = people.withColumn("campaign", each).groupBy("campaign", reason.alias("reason")).count()
        found: dict[str, dict[str, int]] = {campaign: {} for campaign in self.campaigns}
        for row in counted.where("reason IS NOT NULL").orderBy("reason").collect():
            found[self.campaigns[row["campaign"]]][row["reason"]] = row["count"]
        return found

    def sample(self, n_users: int, seed: int) -> DataFrame:
        """Give codes of so many users, drawn by a hash of their ids; of all where there are no more."""
        if self.codes.count() <= n_users:
            return self.codes
        return self.codes.orderBy(F.xxhash64(F.lit(seed), "user_id"), "user_id").limit(n_users)

    def width(self) -> int:
        """Give the number of latents up to the last one that anybody has."""
        last = self.codes.select(F.max(F.array_max("latents"))).collect()[0][0]
        return 0 if last is None else int(last) + 1


def collected_codes(rows: DataFrame, width: int | None = None) -> tuple[list[str], sp.csr_matrix]:
    """Collect codes in the order of the user; by default as wide as the last latent that anybody has."""
    table: pa.Table = rows.select("user_id", "latents", "latent_values").orderBy("user_id").toArrow()
    if width is None:
        last = pc.max(pc.list_flatten(table["latents"])).as_py()
        width = 0 if last is None else last + 1
    return table["user_id"].to_pylist(), codes_matrix(table, width)


def _met(lake: Lake, ds: date, campaigns: Sequence[str]) -> DataFrame:
    """Give who was sent and who clicked campaigns; impossible clicks are not in."""
    carried = carried_day(lake, read_note(lake, ds), ds + timedelta(days=1))
    past = History(read_since(lake, PUSHES, ds, carried), old_pushes=old_pushes(lake, carried))
    pushes = past.pushes_by("user_id", "campaign_id").where(F.col("campaign_id").isin(list(campaigns)))
    sums = pushes.groupBy("campaign_id", "user_id").agg(F.sum("sends").alias("sends"), F.sum("clicks").alias("clicks"))
    place = F.array_position(F.array([F.lit(one) for one in campaigns]), F.col("campaign_id")).cast("int") - 1

    def campaigns_where(counted: Column) -> Column:
        return F.array_sort(F.collect_list(F.when(counted > 0, place)))

    return sums.groupBy("user_id").agg(
        campaigns_where(F.col("sends")).alias("sent"), campaigns_where(F.col("clicks")).alias("clicked")
    )
