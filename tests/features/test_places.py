"""Offers are told apart by places among all, and by slots among those to users alike."""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

from features.feature import Feature
from features.places import OF_USER, OFFER, Places, Slots

SCHEMA = StructType([StructField("hour", IntegerType()), StructField("category", StringType())])
OFFERS = pa.table({
    OF_USER: [0, 0, 0, 1, 1],
    OFFER + "hour": [9, 18, 9, 18, None],
    OFFER + "category": ["news", "news", "news", "sale", "sale"],
})  # fmt: skip


def test_places_number_the_values_of_all_offers(spark: SparkSession) -> None:
    places = Places.of(OFFERS, ("hour", "category"), SCHEMA)
    assert places.column == "place_of_hour_category"
    assert places.of_offers.to_pylist() == [0, 1, 0, 2, 3]
    rows = [tuple(row) for row in places.frame(spark.range(1)).collect()]
    assert rows == [(9, "news", 0), (18, "news", 1), (18, "sale", 2), (None, "sale", 3)]


def test_slots_number_the_values_that_users_alike_get(spark: SparkSession) -> None:
    slots = Slots.of(OFFERS, ("hour",), SCHEMA)
    assert slots.column == "slot_of_hour"
    assert slots.of_offers.to_pylist() == [0, 1, 0, 0, 1]
    of_users = slots.frame(spark.range(1))
    later = Feature("later", "hour + 1", "bigint", "", "")
    assert {row[OF_USER]: row["later"] for row in of_users.select(OF_USER, slots.each(later)).collect()} == {
        0: [10, 19], 1: [19, None],
    }  # fmt: skip


def test_users_with_fewer_values_have_null_in_the_other_slots(spark: SparkSession) -> None:
    slots = Slots.of(OFFERS.slice(0, 4), ("hour", "category"), SCHEMA)
    assert [tuple(row) for row in slots.frame(spark.range(1)).collect()] == [
        (0, 9, "news", 18, "news"), (1, 18, "sale", None, None),
    ]  # fmt: skip
