"""A lake with generated behaviour (see `behaviour.py` beside this one), as nights before would have left it.

Kinds of events that belong to an interest are app events; the common ones are pushes of campaigns. Nobody is left out
of the audience.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from features.bots import BotRules
from features.time_rules import TimeRules
from jobs.carried import APP_EVENTS, PUSHES
from jobs.embedding import EMBEDDINGS
from jobs.lake import Lake
from jobs.log_note import LogNote, note_days, write_note
from jobs.past import OUTCOMES
from jobs.token_schema import TOKEN_SCHEMA, token_schema
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.store import save
from tests.benchmarks.embeddings.behaviour import AS_OF, FIRST_DAY, N_DAYS, N_INTERESTS, N_KINDS, N_TOKENS, cells_of

DS = AS_OF - timedelta(days=1)
N_EVENTS = N_INTERESTS * N_KINDS
WORDS = [f"{'event' if token < N_EVENTS else 'sent'}:{token:03}" for token in range(N_TOKENS)]
NOTE = LogNote("benchmark", TimeRules(), ("app_events", "clicks", "sends"), BotRules())


def write_lake(spark: SparkSession, root: Path, n_users: int, embedding: Path) -> None:
    """Write what `encode_users --requests audience` reads, unless it is there."""
    lake = Lake(spark, str(root))
    if DS in note_days(lake):
        return
    days = [FIRST_DAY + timedelta(days=day) for day in range(N_DAYS)]
    cells, name = cells_of(spark, n_users), F.substring_index("token", ":", -1)
    own, is_event, nothing = ("user_id", "event_day", "ds"), name.cast("int") < N_EVENTS, F.lit(None).cast("string")
    events = cells.where(is_event).select(*own, name.alias("event_name"), F.col("count").alias("events"))
    lake.write(APP_EVENTS, events, days)
    counted = (F.col("count").alias("sends"), F.lit(0).cast("long").alias("clicks"))
    pushes = cells.where(~is_event).select(*own, name.alias("campaign_id"), nothing.alias("category"), *counted)
    lake.write(PUSHES, pushes, days)
    lake.write(OUTCOMES, spark.createDataFrame([], "user_id string, ds date"), days)
    user = F.format_string("u%07d", "id").alias("user_id")
    people = spark.range(n_users).select(user, F.lit(AS_OF).alias("as_of"), nothing.alias("left_out"))
    lake.write("audience", people.withColumn("ds", F.lit(DS)), [DS])
    lake.put_folder(EMBEDDINGS, DS, embedding)
    write_note(lake, DS, NOTE)


def save_embedding(model: Autoencoder, folder: Path) -> None:
    """Write an embedding as `train_embedding` does."""
    save(model, WORDS, folder, {**model.measures_, TOKEN_SCHEMA: token_schema(NOTE)})
