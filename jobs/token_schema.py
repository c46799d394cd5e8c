"""What the tokens of a log are made of, and whether an embedding reads the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from jobs.errors import BadInput
from jobs.log_note import LogNote

TOKEN_SCHEMA = "token_schema"
"""Where an embedding's manifest says it; those of before there was one say nothing, and are not checked."""


def token_schema(note: LogNote) -> dict[str, Any]:
    """Give ``tokens``, the column that each kind of token names (see ``features.behaviour``), and their ``hash``."""
    topic = "campaigns.category" if "campaigns" in note.tables else "sends.campaign_id"
    events = {"event": "app_events.event_name"} if "app_events" in note.tables else {}
    tokens = {"sent": topic, "clicked": topic, **events}
    text = json.dumps(tokens, sort_keys=True)
    return {"tokens": tokens, "hash": hashlib.sha256(text.encode()).hexdigest()[:12]}


def check_token_schema(manifest: Mapping[str, Any], note: LogNote) -> None:
    """Look whether a log has all that an embedding reads, made of the same; it may have more.

    Raises
    ------
    BadInput
        Naming the embedding, and the kinds that are gone or made of something else.
    """
    stored, here = manifest.get(TOKEN_SCHEMA), token_schema(note)
    if stored is None:
        return
    others = dict(sorted(stored["tokens"].items() - here["tokens"].items()))
    if others:
        expected = ", ".join(f"{kind} of {column}" for kind, column in others.items())
        got = ", ".join(f"{kind} of {here['tokens'].get(kind, 'nothing')}" for kind in others)
        raise BadInput(
            f"embedding {manifest['version']} reads tokens of schema {stored['hash']}, and this log's are of "
            f"{here['hash']}: expected {expected}; got {got}"
        )
