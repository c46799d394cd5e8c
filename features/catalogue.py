"""All blocks and features in one list, the schema that models are trained on, and its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from typing import Any

from features import (
    campaign,
    campaign_rank,
    campaign_rhythm,
    device,
    device_kinds,
    os_version,
    push_sequence,
    user_activity,
    user_app_activity,
    user_app_kinds,
    user_campaign,
    user_category,
    user_devices,
    user_leavings,
    user_profile,
    user_rhythm,
)
from features.feature import Block, Feature, Key
from features.send_context import CONTEXT

BLOCKS: tuple[Block, ...] = (  # a key that a change log gives comes after that log's block
    user_activity.BLOCK,
    push_sequence.BLOCK,
    user_app_activity.BLOCK,
    user_rhythm.BLOCK,
    user_profile.BLOCK,
    user_leavings.BLOCK,
    device.STATE,
    device.HISTORY,
    user_devices.BLOCK,
    device_kinds.MODEL,
    device_kinds.OS_VERSION,
    os_version.BLOCK,
    campaign.STATE,
    campaign.HISTORY,
    campaign_rank.BLOCK,
    campaign_rhythm.BLOCK,
    device_kinds.CAMPAIGN,
    user_campaign.BLOCK,
    user_category.BLOCK,
)

ALWAYS = frozenset({"pushes", "outcomes"})


def blocks_of(tables: Collection[str]) -> list[Block]:
    """Blocks that a log with these optional contract tables, and kinds of app events to count apart, has."""
    found = [block for block in BLOCKS if block.table in ALWAYS or block.table in tables]
    kinds = user_app_kinds.kinds_in(tables)
    return [*found, user_app_kinds.block(kinds)] if kinds else found


def keys_of(tables: Collection[str]) -> list[Key]:
    """Give the keys of these blocks, each once: those that have a history."""
    return list(dict.fromkeys(block.key for block in blocks_of(tables)))


def features_of(tables: Collection[str]) -> list[Feature]:
    """Features that a log with these optional contract tables has, in the order of the columns."""
    return [*CONTEXT, *(feature for block in blocks_of(tables) for feature in block.features)]


def features_by_block(tables: Collection[str]) -> dict[str, list[str]]:
    """Names of the same features by block; those of the send itself come first, as ``send_context``."""
    blocks = {"send_context": CONTEXT, **{block.name: block.features for block in blocks_of(tables)}}
    return {name: [feature.name for feature in features] for name, features in blocks.items()}


def feature_schema(tables: Collection[str]) -> dict[str, Any]:
    """Give the schema that crosses from features to models: names, types, kinds, and the hash of all that."""
    features = [{"name": feature.name, "type": feature.type, "kind": feature.kind} for feature in features_of(tables)]
    digest = hashlib.sha256(json.dumps(features, sort_keys=True).encode()).hexdigest()
    return {"hash": digest[:16], "features": features}


EVERYTHING = frozenset({*(block.table for block in BLOCKS), f"{user_app_kinds.KIND}KIND"})
"""What a log with all contract tables has, and one kind of app events to count apart."""


def as_markdown(tables: Collection[str] = EVERYTHING) -> str:
    """Give the catalogue of such a log's features, a table for each block."""
    features = {feature.name: feature for feature in features_of(tables)}
    lines = ["# Features", "", f"{len(features)} columns. Made by `python -m features.catalogue`."]
    for block, names in features_by_block(tables).items():
        lines += ["", f"## {block}", "", "| name | meaning | unit | window | null |", "|---|---|---|---|---|"]
        for one in map(features.__getitem__, names):
            cells = (f"`{one.name}`", one.meaning, one.unit, one.window, one.null_meaning)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    print(as_markdown(), end="")
