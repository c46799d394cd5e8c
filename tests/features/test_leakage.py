"""What happens, or becomes known, too late for a midnight changes no feature as of it; labels never get in."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from features.catalogue import features_of
from features.time_rules import TimeRules
from tests.features.chain import ALL_TABLES, accepted, history_of, past_requests, request_frame, rows_for
from tests.features.comparison import collected, differences
from tests.features.conftest import World, is_known

pytestmark = pytest.mark.usefixtures("one_partition")


def test_the_future_changes_nothing(spark: SparkSession, world: World) -> None:
    past = {table: [row for row in rows if is_known(table, row)] for table, rows in world.log.items()}
    too_late = {table: len(rows) - len(past[table]) for table, rows in world.log.items()}
    assert min(too_late.values()) >= 8, f"each table has rows that must not count: {too_late}"

    history = history_of(accepted(spark, past, world.rules), world.rules)
    found = collected(rows_for(request_frame(spark, world.asked), history))
    expected = {request["send_id"]: world.rows[request["send_id"]] for request in world.asked}
    assert differences(found, expected, tolerance=0.0) == ""


def test_a_column_that_knows_the_label_reaches_no_feature(spark: SparkSession, world: World) -> None:
    few = {table: [row | {"planted": 1} for row in rows[:3]] for table, rows in world.log.items()}
    frames = accepted(spark, few, TimeRules(), more="planted int")
    assert all("planted" in frame.columns for frame in frames.values())
    requests = past_requests(frames, TimeRules())
    rows = rows_for(requests, history_of(frames, TimeRules()))
    assert rows.columns == [*requests.columns, *(feature.name for feature in features_of(ALL_TABLES))]
    assert not {"planted", "label", "clicked_at", "action"} & set(rows.columns)
