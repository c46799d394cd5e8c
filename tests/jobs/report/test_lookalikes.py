"""Lookalikes on the page: how many of which campaign, and never who."""

from __future__ import annotations

from typing import Any

from jobs.report.metrics import assemble
from jobs.report.page import render


def test_the_page_says_how_many_of_which_campaign(measured: dict[str, Any], decision: dict[str, Any]) -> None:
    campaigns = [
        {"campaign_id": "<b>sale</b>", "clickers": 41, "found": 1_000, "lowest_similarity": 0.314,
         "left_out": {"opt_out": 12, "sent": 2_345}},
        {"campaign_id": "quiet", "clickers": 20, "found": 0, "lowest_similarity": None, "left_out": {}},
    ]  # fmt: skip
    found = {"bits": 64, "embedding_version": "abc", "campaigns": campaigns}
    page = render(assemble(measured, decision, lookalikes=found))
    section = page[page.index('<section id="lookalikes"') : page.index('<section id="history"')]
    assert 'href="#lookalikes"' in page
    for words in ("&lt;b&gt;sale", "1,000", "0.31", "12 opt out, 2,345 sent", "64-bit"):
        assert words in section
    assert "lookalikes" not in render(assemble(measured, decision))
