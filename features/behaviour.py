"""The user behaviour matrix: what each user did, as counts of tokens, for any (user, as_of) requests.

Tokens: ``event:NAME`` for app events, ``sent:C`` and ``clicked:C`` for pushes, where C is the campaign's category, or
the campaign itself where the log has no categories.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.feature import History
from features.known_counts import COUNTS, count_rows
from features.owner_streams import Question, over_owners

WORDS = {"event": "{} events", "sent": "pushes on {}", "clicked": "clicks on {}"}
"""What a kind of token counts, in the plural."""


def behaviour_cells(history: History) -> DataFrame:
    """Turn partials into counts of tokens.

    Returns
    -------
    DataFrame
        ``user_id, token, event_day, ds, count`` (long, above 0).
    """
    topic = F.coalesce("category", "campaign_id")
    pushes = history.pushes_by("user_id", "campaign_id", "category")
    pushed = pushes.select(
        "user_id",
        "event_day",
        "ds",
        F.explode(
            F.array(
                F.struct(F.concat(F.lit("sent:"), topic).alias("token"), F.col("sends").alias("count")),
                F.struct(F.concat(F.lit("clicked:"), topic).alias("token"), F.col("clicks").alias("count")),
            )
        ).alias("_cell"),
    ).select("user_id", "_cell.token", "event_day", "ds", "_cell.count")
    cells = pushed.where(F.col("count") > 0)
    if history.app_events is None:
        return cells
    used = history.app_events.where("event_name IS NOT NULL").select(
        "user_id", F.concat(F.lit("event:"), F.col("event_name")).alias("token"), "event_day", "ds",
        F.col("events").alias("count"),
    )  # fmt: skip
    return cells.unionByName(used)


def in_words(token: str) -> str:
    """Say what a token counts.

    >>> in_words("clicked:sports"), in_words("sent:sports"), in_words("event:app_open")
    ('clicks on sports', 'pushes on sports', 'app_open events')
    """
    kind, _, name = token.partition(":")
    return WORDS[kind].format(name)


def known_cells(keys: DataFrame, cells: DataFrame) -> DataFrame:
    """Join requests to the cells known as of their midnight, on both clocks: ``keys``' columns, the token and count."""
    joined = keys.join(cells, "user_id", how="inner")
    known = (F.col("ds") < F.col("as_of")) & (F.col("event_day") < F.col("as_of"))
    return joined.where(known).drop("ds", "event_day")


def vocabulary(known: DataFrame, *, max_tokens: int, min_users: int) -> DataFrame:
    """Choose the tokens that most users have.

    Parameters
    ----------
    known : DataFrame
        ``user_id, token`` of the users to learn from, see ``known_cells``.
    max_tokens, min_users : int
        How many tokens at most, and how many users a token must have at least.

    Returns
    -------
    DataFrame
        ``token, token_id``: by number of users, then by name; ids from 0 without gaps.
    """
    users = known.groupBy("token").agg(F.countDistinct("user_id").alias("_users")).where(F.col("_users") >= min_users)
    chosen = users.orderBy(F.desc("_users"), "token").limit(max_tokens)
    ranked = chosen.agg(F.sort_array(F.collect_list(F.struct(-F.col("_users"), "token"))).alias("_all"))
    return ranked.select(F.posexplode("_all").alias("token_id", "_entry")).select("_entry.token", "token_id")


COUNTED = Question(count_rows, COUNTS)


def behaviour_rows(keys: DataFrame, cells: DataFrame, tokens: DataFrame, question: Question = COUNTED) -> DataFrame:
    """Give the behaviour of each request as a sparse row.

    Parameters
    ----------
    keys : DataFrame
        ``user_id, as_of`` and whatever else is to be kept, unique.
    cells : DataFrame
        See ``behaviour_cells``.
    tokens : DataFrame
        ``token, token_id``; other tokens are left out.
    question : Question
        What to ask of a request's known cells, ``token_id, count``.

    Returns
    -------
    DataFrame
        The columns of ``keys`` and of the question: by default ``token_ids`` (array of int, ascending), ``counts``
        (array of long). Requests without any known token have no row.
    """
    numbered = cells.join(F.broadcast(tokens), "token")
    rows = numbered.select("user_id", F.greatest("ds", "event_day").alias("known"), "token_id", "count")
    return over_owners(keys, [(rows, question)])
