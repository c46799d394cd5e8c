"""How pushes do on devices of the same model and on the same OS version, and a campaign on the same platform.

A past send counts for what its device was when the send became known; the device to send to is what it is as of
midnight.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.feature import Block, History
from features.push_history import rate_features, reader


def with_kinds(asked: DataFrame, history: History, kinds: Sequence[str]) -> DataFrame:
    """Ask for every kind of device that a push ever went to: there are few."""
    met = history.pushes_by(*kinds).select(*kinds).dropna().distinct()
    return asked.crossJoin(F.broadcast(met))


def _block(prefix: str, key: Sequence[str], whose: str, days: int) -> Block:
    return Block(
        name=f"{prefix}_history",
        key=tuple(key),
        table="devices",
        read=reader(key, prefix, windows=(days,)),
        features=tuple(rate_features(prefix, whose, (days,))),
        prior_level=prefix,
    )


MODEL = _block("device_model", ("model",), "to devices of the same model", 28)
OS_VERSION = _block("os_version", ("os_version",), "to devices with the same OS version", 28)
CAMPAIGN = _block("campaign_platform", ("campaign_id", "platform"), "of the campaign on the same platform", 7)
