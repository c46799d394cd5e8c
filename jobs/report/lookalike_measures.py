"""What is reported of users who are like a campaign's clickers, and are not named: a part of ``metrics.json``."""

from __future__ import annotations

from jobs.report.measures import Entry, Number


class LookalikesOf(Entry):
    """Of one campaign."""

    campaign_id: str
    """The campaign."""
    clickers: int
    """Users who clicked it and have a code."""
    found: int
    """Users who are like them."""
    lowest_similarity: Number
    """Cosine of the last one found with what sets the clickers apart, -1 to 1; null where nobody was found."""
    left_out: dict[str, int]
    """Who was not looked for, by reason."""


class Lookalikes(Entry):
    """Of all campaigns that were asked for on a day."""

    bits: int
    """Length of the binary codes."""
    embedding_version: str
    """The embedding by which users are alike."""
    campaigns: tuple[LookalikesOf, ...]
    """In the order in which they were asked for."""
