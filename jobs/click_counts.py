"""How pushes ended before the training part, for an embedding that is to tell clicks as well.

A click model trained on rows whose own labels had shaped their codes would trust these codes too much.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from features.attribution import with_label
from features.bots import with_bot_rule
from features.splits import Split, with_part
from jobs.errors import BadInput
from jobs.lake import Lake
from jobs.log_note import LogNote
from jobs.past import BOT_FLAGS


def window_before(split: Split) -> Split:
    """Give the split whose training part lies before that of another one, and is at most as many days long.

    Its cut is the other one's first training ``as_of``, by which its labels are final.
    """
    first, last = split.train
    day = timedelta(days=1)
    return replace(split, train=(first - day - (last - first), first - day), validation=split.train)


def click_counts(lake: Lake, note: LogNote, split: Split) -> DataFrame:
    """Count clicks and sends of each request of a split's training part, known before its validation part begins.

    No send of a later part, and no click that became known from then on, is looked at; who was known for a bot as of a
    send's midnight is left out, as from the training set.

    Returns
    -------
    DataFrame
        ``user_id, as_of``, unique; ``clicks``, ``sends`` (above 0).
    """
    known = {"since": split.train[0], "until": split.cut - timedelta(days=1)}
    requests = with_part(lake.read("requests", **known), split, note.rules).where("part = 'train'")
    if note.bots.active:
        flags = lake.read(BOT_FLAGS, until=known["until"])
        requests = with_bot_rule(requests, flags, note.bots).where("bot_rule IS NULL")
    sends = requests.withColumn("sent_at", F.col("send_at"))
    clicks = lake.read("clicks", **known).drop("sent_at", "ds").join(sends.select("send_id", "sent_at"), "send_id")
    of_request = with_label(requests, clicks, note.rules).groupBy("user_id", "as_of")
    return of_request.agg(F.sum("label").alias("clicks"), F.count("*").alias("sends"))


def check_clicks(counts: DataFrame | None, split: Split) -> None:
    """Look whether there is something to learn from in what ``click_counts`` gave; None where the log has no such days.

    Raises
    ------
    BadInput
        When no send was clicked, or all were.
    """
    ended = counts.agg(F.sum("clicks"), F.sum("sends")).collect()[0] if counts else ()
    clicks, sends = (n or 0 for n in ended or (0, 0))
    if not 0 < clicks < sends:
        raise BadInput(
            f"--click-weight: expected sends known to be clicked, and not, before the training part ({split.cut}), "
            f"got {sends} with {clicks} clicked; a smaller --train-days leaves more"
        )
