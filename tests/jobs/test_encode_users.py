"""What stored codes say beside the code."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from features.splits import split_days
from features.time_rules import TimeRules
from jobs import encode_users
from jobs.lake import Lake

DS = date(2026, 1, 5)


def test_every_row_says_whose_code_it_is(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    lake.put_json("ingest", DS, {"mapping": "m", "time_rules": {}, "tables": ["sends", "clicks"]})
    split = split_days(DS, TimeRules(), train_days=1, validation_days=1, holdout_days=1)
    first, midnight = split.train[0], DS + timedelta(days=1)
    lake.write("requests", spark.sql(f"SELECT 'u' user_id, DATE '{first}' as_of, DATE '{first}' ds"), [first])
    people = f"SELECT 'u' user_id, DATE '{midnight}' as_of, CAST(NULL AS string) left_out, DATE '{DS}' ds"
    lake.write("audience", spark.sql(people), [DS])
    (tmp_path / "manifest.json").write_text(json.dumps({"version": "v7"}))
    for name in ("read_past", "behaviour_cells"):
        monkeypatch.setattr(encode_users, name, lambda *_, **__: None)
    code = ("array(1S) latents", "array(0.5F) latent_values")
    monkeypatch.setattr(encode_users, "encoded", lambda _, keys, *__: keys.selectExpr("*", *code))

    encode_users._encode_training(spark, lake, tmp_path, split, DS, since=first)
    encode_users._encode_audience(spark, lake, tmp_path, DS)
    for table, as_of in (("codes/v7", first), ("audience_codes/v7", midnight)):
        (row,) = lake.read(table).collect()
        assert (row["user_id"], row["as_of"], row["latents"], row["embedding_version"]) == ("u", as_of, [1], "v7")
