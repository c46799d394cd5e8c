"""The one definition of a feature row, for training and for scoring alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from functools import reduce
from types import MappingProxyType

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from features.campaign import with_category
from features.catalogue import blocks_of, features_of, keys_of
from features.device_kinds import with_kinds
from features.feature import PAIR, USER, Feature, History, Key
from features.owner_streams import Told, over_owners
from features.partials import KINDS
from features.priors import later_steps, prior_steps, priors, sums_at
from features.rhythm_priors import rhythm_priors
from features.send_context import with_local_send_time

PRIORS = "priors"
ASKED = "asked_on"
"""Day of the run that asks for a history, while histories are read; it is stored as their ``ds``."""


def history_table(key: Key) -> str:
    """Name the lake's table of a key's history.

    >>> history_table(("user_id",)), history_table(("campaign_id", "platform"))
    ('history_of_user', 'history_of_campaign_platform')
    """
    return f"history_of_{name_of_key(key)}"


def name_of_key(key: Key) -> str:
    """Name a key in one word.

    >>> name_of_key(("user_id", "category"))
    'user_category'
    """
    return "_".join(name.removesuffix("_id") for name in key)


def read_histories(
    keys: Mapping[Key, DataFrame],
    history: History,
    tables: Collection[str],
    everybody: Mapping[Key, Mapping[str, date]] = MappingProxyType({}),
) -> dict[Key, DataFrame]:
    """Read what is known of every key that is asked for, for all blocks of a key in one pass.

    Parameters
    ----------
    keys : mapping of tuple of str to DataFrame
        Per key to read: its columns, ``as_of`` and whatever else is to be kept, unique.
    history : History
        What is known of the past.
    tables : collection of str
        Optional contract tables that the log has.
    everybody : mapping of Key to mapping of str to date
        Per key, what all that have a past ask, besides: see ``features.owner_streams.over_owners``.

    Returns
    -------
    dict of Key to DataFrame
        The columns of ``keys`` and those that the blocks of the key ask for; null is no past for a block, and where
        there is none for any block there is no row.
    """
    told: dict[Key, list[Told]] = defaultdict(list)
    for block in blocks_of(tables):
        if block.key in keys:
            told[block.key].append(block.read(history))
    return {
        key: over_owners(keys[key], of_key, owner=key, everybody=everybody.get(key)) for key, of_key in told.items()
    }


def prior_keys(tables: Collection[str]) -> dict[str, Key]:
    """Give the keys whose click rates have a prior, by its level."""
    return {block.prior_level: block.key for block in blocks_of(tables) if block.prior_level}


def prior_sums(days: DataFrame, history: History, tables: Collection[str]) -> DataFrame:
    """Give what priors are fitted on, as of the ends of days (``ds``, unique); see ``features.priors.sums_at``.

    Where some were stored, these are taken, and later ones made from the newest of them.
    """
    keys, stored = prior_keys(tables), history.prior_sums
    old = {level: history.old_pushes_by(*key) for level, key in keys.items()} if history.old_pushes else {}
    if stored is None:
        return sums_at(days, [*keys], prior_steps(history.pushes, old, keys, days))
    old |= {level: history.old_pairs() for level in old if keys[level] == PAIR}
    until = F.lit(stored.until)
    steps = stored.rows.where(F.col("ds") == until).unionByName(later_steps(history.pushes, old, keys, stored.until))
    later = sums_at(days.where(F.col("ds") > until), [*keys], steps)
    return stored.rows.join(days, "ds", how="left_semi").unionByName(later)


def read_priors(
    midnights: DataFrame, history: History, tables: Collection[str], sums: DataFrame | None = None
) -> DataFrame:
    """Fit the priors of all levels and rhythms as of each midnight (``as_of``, unique); one row a midnight.

    ``sums`` are what `prior_sums` gives of the days before them, where that was asked for already.
    """
    if sums is None:
        sums = prior_sums(midnights.select(F.date_sub("as_of", 1).alias("ds")), history, tables)
    events = {block.rhythm: block.events(history) for block in blocks_of(tables) if block.events}
    of_rates = priors(midnights, sums, [*prior_keys(tables)])
    return of_rates.join(rhythm_priors(midnights, events), "as_of", how="left")


def priors_of(
    midnights: DataFrame, history: History, tables: Collection[str], sums: DataFrame | None = None
) -> DataFrame:
    """Add the priors as of its midnight to each row with ``as_of``; see ``read_priors``."""
    fitted = read_priors(midnights.select("as_of").distinct(), history, tables, sums)
    return midnights.join(F.broadcast(fitted), "as_of")


def request_keys(
    requests: DataFrame, history: History, keys: Iterable[Key], *, per: Sequence[str] = ()
) -> dict[Key, DataFrame]:
    """Give what a set of requests asks for, per key: distinct rows; those with a null key ask for nothing.

    Parameters
    ----------
    requests : DataFrame
        ``user_id, device_id, campaign_id, as_of``.
    history : History
        Where keys are found that requests do not name: the category of a campaign, the kinds of devices.
    keys : iterable of Key
        What to ask for; see ``features.catalogue.keys_of``.
    per : sequence of str
        Further columns of the requests that keep keys apart.
    """

    def asked(key: Key) -> DataFrame:
        named = with_category(requests, history.table("campaigns")) if "category" in key else requests
        kinds = [name for name in key if name in KINDS]
        asked = named.select(*(name for name in key if name not in KINDS), "as_of", *per).dropna().distinct()
        return with_kinds(asked, history, kinds).select(*key, "as_of", *per) if kinds else asked

    return {key: asked(key) for key in keys}


def with_histories(
    requests: DataFrame, histories: Mapping[Key, DataFrame], keys: Iterable[Key], *, per: Sequence[str] = ()
) -> DataFrame:
    """Join what is known to rows that have the keys and ``as_of``; null where there is no past.

    The user's history comes last: it is the widest by far, and each join copies what was joined before.
    """
    user_last = sorted(keys, key=lambda key: key == USER)
    return reduce(lambda rows, key: rows.join(histories[key], [*key, "as_of", *per], how="left"), user_last, requests)


def feature_columns(joined: DataFrame, kept: Sequence[str], tables: Collection[str]) -> DataFrame:
    """Evaluate every feature on rows that have all histories and priors.

    Returns
    -------
    DataFrame
        The columns to keep and one column a feature, named and ordered as in ``features.catalogue``.
    """
    return with_local_send_time(joined).select(*kept, *map(evaluated, features_of(tables)))


def evaluated(feature: Feature) -> Column:
    """Give a feature's column, on rows that have what its expression needs."""
    return F.expr(f"CAST({feature.expression} AS {feature.type}) AS {feature.name}")


def feature_rows(
    requests: DataFrame, histories: Mapping[Key, DataFrame], fitted_priors: DataFrame, tables: Collection[str]
) -> DataFrame:
    """Build the rows that models see, one a request.

    Parameters
    ----------
    requests : DataFrame
        ``user_id, device_id, campaign_id, send_at, as_of`` and whatever else is to be kept.
    histories : mapping of Key to DataFrame
        Per key: its columns, ``as_of`` and what is known, unique (see ``read_histories``).
    fitted_priors : DataFrame
        See ``read_priors``. When requests, histories and priors all have ``ds``, the day that asked, rows meet by it
        too.
    tables : collection of str
        Optional contract tables that the log has.

    Returns
    -------
    DataFrame
        The requests' columns and those of ``feature_columns``.
    """
    per = [name for name in ("ds",) if name in requests.columns and name in fitted_priors.columns]
    of_users = requests.repartition("user_id")  # while rows are narrow; joins by user and pair need no other order
    joined = with_histories(of_users, histories, keys_of(tables), per=per)
    return feature_columns(
        joined.join(F.broadcast(fitted_priors), ["as_of", *per], how="left"), requests.columns, tables
    )
