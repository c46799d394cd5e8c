"""The one definition of a feature row, for training and for scoring alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.catalogue import blocks_of, features_of
from features.feature import Block, History
from features.priors import prior_steps, priors

PRIORS = "priors"


def read_histories(keys: Mapping[str, DataFrame], history: History, tables: Collection[str]) -> dict[str, DataFrame]:
    """Read every block's history for the keys that are asked for.

    Parameters
    ----------
    keys : mapping of str to DataFrame
        Per block name: the block's key, ``as_of`` and whatever else is to be kept (no ``ds``), unique.
    history : History
        What is known of the past.
    tables : collection of str
        Optional contract tables that the log has.
    """
    return {block.name: block.read(keys[block.name], history.table(block.table)) for block in blocks_of(tables)}


def read_priors(midnights: DataFrame, history: History, tables: Collection[str]) -> DataFrame:
    """Fit the priors of all levels as of each midnight (``as_of``, unique); one row a midnight."""
    levels = [block for block in blocks_of(tables) if block.prior_level]
    fitted = (
        priors(midnights, prior_steps(history.pushes, key=block.key), level=block.prior_level) for block in levels
    )
    return reduce(lambda left, right: left.join(right, "as_of"), fitted)


def request_keys(requests: DataFrame, blocks: Iterable[Block], *, per: Sequence[str] = ()) -> dict[str, DataFrame]:
    """Give the distinct keys per block that a set of requests asks for; rows with a null key ask for nothing.

    Parameters
    ----------
    requests : DataFrame
        With the keys of the blocks and ``as_of``.
    blocks : iterable of Block
        What to ask for.
    per : sequence of str
        Further columns of the requests that keep keys apart.
    """
    return {
        block.name: requests.select(*block.key, "as_of", *per).dropna(subset=list(block.key)).distinct()
        for block in blocks
    }


def feature_rows(
    requests: DataFrame, histories: Mapping[str, DataFrame], fitted_priors: DataFrame, tables: Collection[str]
) -> DataFrame:
    """Build the rows that models see, one a request.

    Parameters
    ----------
    requests : DataFrame
        ``user_id, device_id, campaign_id, send_at, as_of`` and whatever else is to be kept.
    histories : mapping of str to DataFrame
        Per block name: its key, ``as_of`` and history columns, unique (see ``read_histories``).
    fitted_priors : DataFrame
        See ``read_priors``. When requests, histories and priors all have ``ds``, the day that asked, rows meet by it
        too.
    tables : collection of str
        Optional contract tables that the log has.

    Returns
    -------
    DataFrame
        The requests' columns and one column a feature, named and ordered as in ``features.catalogue``.
    """
    per = [name for name in ("ds",) if name in requests.columns and name in fitted_priors.columns]
    joined = reduce(
        lambda rows, block: rows.join(histories[block.name], [*block.key, "as_of", *per], how="left"),
        blocks_of(tables),
        requests,
    ).join(F.broadcast(fitted_priors), ["as_of", *per], how="left")
    columns = [F.expr(feature.expression).cast(feature.type).alias(feature.name) for feature in features_of(tables)]
    return joined.select(*requests.columns, *columns)
