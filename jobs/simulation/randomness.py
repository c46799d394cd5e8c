"""Random draws as hashes of (seed, name, ids): the same whatever the partitions, order or machine."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from itertools import accumulate

from pyspark.sql import Column
from pyspark.sql import functions as F

BITS = 53
"""Bits of a double's fraction: a uniform draw uses this many of the hash's 64."""


class Draws:
    """Independent draws for named purposes.

    Each draw is a column that depends on the seed, its ``name`` and the values of its ``keys`` and on nothing else. Two
    draws are independent when names or key values differ. The keys' types count: 1 as INT is another key than 1 as
    BIGINT.

    Parameters
    ----------
    seed : int
        Any whole number.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def uniform(self, name: str, *keys: str | Column) -> Column:
        """Draw evenly from within 0 and 1, both excluded."""
        salt = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()[:8]
        bits = F.xxhash64(F.lit(int.from_bytes(salt, signed=True)), *keys).bitwiseAND(F.lit(2**BITS - 1))
        return (bits + F.lit(0.5)) * F.lit(2.0**-BITS)

    def normal(self, name: str, *keys: str | Column) -> Column:
        """Draw from the standard normal distribution (Box and Muller, 1958)."""
        radius = F.sqrt(F.lit(-2.0) * F.log(self.uniform(f"{name}/radius", *keys)))
        return radius * F.cos(self.uniform(f"{name}/angle", *keys) * F.lit(2 * math.pi))

    def lognormal(self, name: str, *keys: str | Column, median: float, sigma: float) -> Column:
        """Draw from the log-normal distribution with this median and spread of the log."""
        return F.lit(median) * F.exp(F.lit(sigma) * self.normal(name, *keys))

    def chance(self, name: str, *keys: str | Column, share: float) -> Column:
        """Draw true with this probability."""
        return self.uniform(name, *keys) < F.lit(share)

    def whole(self, name: str, *keys: str | Column, below: int | Column, skew: float = 1.0) -> Column:
        """Draw an INT from 0 to ``below - 1``: evenly, or with a ``skew`` above 1 the small ones more often."""
        evenly = self.uniform(name, *keys)
        drawn = evenly if skew == 1.0 else F.pow(evenly, F.lit(skew))
        return F.floor(drawn * below).cast("int")

    def rank(self, name: str, *keys: str | Column, below: int) -> Column:
        """Draw an INT from 0 to ``below - 1``, each about as often as Zipf's law says: 1 / (1 + rank)."""
        return (F.floor(F.pow(F.lit(below + 1.0), self.uniform(name, *keys))) - 1).cast("int")

    def pick(self, name: str, *keys: str | Column, weights: Mapping[str, float]) -> Column:
        """Draw one of the names, each as often as its weight says."""
        drawn = self.uniform(name, *keys) * sum(weights.values())
        bounds = zip(weights, accumulate(weights.values()), strict=True)
        return F.coalesce(*(F.when(drawn < bound, F.lit(value)) for value, bound in bounds), F.lit([*weights][-1]))
