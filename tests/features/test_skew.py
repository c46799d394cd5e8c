"""One owner with most of the rows: what meets in one worker stays bounded, and its answers are right."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features import owner_streams
from features.catalogue import BLOCKS
from features.feature import Block
from features.known import Known
from features.windows import PERSONAL
from tests.features.conftest import World
from tests.features.owner_batches import answers_to

ROWS, SMALL_OWNERS, MIDNIGHTS = 30_000, 300, 20
FIRST = date(2026, 3, 1)
OF_ALL = [block for block in BLOCKS if not PERSONAL.intersection(block.key)]


@pytest.mark.usefixtures("one_partition")
@pytest.mark.parametrize("block", OF_ALL, ids=lambda block: block.name)
def test_rows_of_a_campaign_do_not_grow_with_its_users(world: World, block: Block) -> None:
    """What is not a user's or a device's own is added up on the way to its worker."""

    def more_users(rows: DataFrame) -> DataFrame:
        copies = rows.sparkSession.range(4).withColumnRenamed("id", "copy")
        names = [name for name in ("user_id", "device_id") if name in rows.columns]
        return rows.crossJoin(copies).withColumns({name: F.concat(name, F.lit(" "), "copy") for name in names})

    history = replace(
        world.history, pushes=more_users(world.history.pushes), outcomes=more_users(world.history.table("outcomes"))
    )
    found, expected = (block.read(of)[0].count() for of in (history, world.history))
    assert found == expected > 0


def test_an_owner_with_most_rows_is_answered_a_portion_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.known.ROWS_AT_ONCE", ROWS)
    owners = {"huge": ROWS, **{f"small {number}": 2 for number in range(SMALL_OWNERS)}}
    schema = pa.schema(
        {"user_id": pa.string(), "as_of": pa.date32(), "row_0": pa.struct({"known": pa.date32(), "n": pa.int64()})}
    )
    rows = [
        row
        for owner, n_rows in sorted(owners.items())
        for row in (
            *({"user_id": owner, "as_of": FIRST + timedelta(days=day)} for day in range(MIDNIGHTS)),
            *(
                {"user_id": owner, "row_0": {"known": FIRST + timedelta(days=n % MIDNIGHTS), "n": n}}
                for n in range(n_rows)
            ),
        )
    ]
    portions = []

    def answer(known: Known) -> dict[str, pa.Array]:
        portions.append(int(known.lengths.sum()))
        return {"rows": pa.array(known.lengths)}

    question = owner_streams.Question(answer, {"rows": "bigint"})
    found = answers_to(question, rows, schema, 1_000)
    assert max(portions) <= ROWS
    of_huge = {row["as_of"]: row["rows"] for row in found if row["user_id"] == "huge"}
    assert of_huge == {FIRST + timedelta(days=day): day * ROWS // MIDNIGHTS for day in range(1, MIDNIGHTS)}
    assert sum(row["user_id"] != "huge" for row in found) == SMALL_OWNERS * (MIDNIGHTS - 1)
