"""An embedding is refused where the log lacks what it reads, and taken where the log has more."""

from __future__ import annotations

import pytest

from features.behaviour import WORDS
from features.bots import BotRules
from features.time_rules import TimeRules
from jobs.errors import BadInput
from jobs.log_note import LogNote
from jobs.token_schema import check_token_schema, token_schema


def note(*tables: str) -> LogNote:
    return LogNote("m", TimeRules(), ("sends", "clicks", *tables), BotRules())


def test_every_kind_of_token_has_a_column() -> None:
    full, bare = token_schema(note("app_events", "campaigns")), token_schema(note())

    assert full["tokens"].keys() == WORDS.keys()
    assert bare["tokens"] == {"sent": "sends.campaign_id", "clicked": "sends.campaign_id"}
    assert full["hash"] != bare["hash"]


def test_an_embedding_of_tokens_that_the_log_lacks_is_refused_by_name() -> None:
    manifest = {"version": "v7", "token_schema": token_schema(note("app_events"))}

    check_token_schema(manifest, note("app_events", "devices"))
    check_token_schema({"version": "v7", "token_schema": token_schema(note())}, note("app_events"))
    check_token_schema({"version": "stored before"}, note())
    with pytest.raises(
        BadInput, match=r"embedding v7 .* expected event of app_events.event_name; got event of nothing"
    ):
        check_token_schema(manifest, note())
    with pytest.raises(BadInput, match=r"sent of sends.campaign_id; got clicked of campaigns.category, sent of"):
        check_token_schema(manifest, note("app_events", "campaigns"))
