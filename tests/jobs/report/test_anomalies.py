"""Flagged users and devices on the page: how many, why, and never who."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.report.anomalies import sentence
from jobs.report.anomaly_measures import Anomalies
from jobs.report.metrics import assemble
from jobs.report.page import render


@pytest.fixture
def flagged() -> dict[str, Any]:
    def row(kind: str, score: float, users: int, rule: str | None) -> dict[str, Any]:
        reasons = ["<i>view</i> events: 9 (0.1 expected)", "pushes on news: 0 (7.2 expected)"]
        return {"kind": kind, "score": score, "events": 120, "users": users, "reasons": reasons, "bot_rule": rule}

    rows = [row("user", 8.25, 1, "min_reaction_ms"), row("user", 4.5, 1, None), row("device", 6.0, 17, None)]
    return {
        "limit": 4.0, "most_share": 0.01, "min_events": 10, "user": {"judged": 1_000, "flagged": 2},
        "device": {"judged": 1_100, "flagged": 1}, "rows": rows,
    }  # fmt: skip


def test_the_page_says_how_many_and_why(
    measured: dict[str, Any], decision: dict[str, Any], flagged: dict[str, Any]
) -> None:
    page = render(assemble(measured, decision, anomalies=flagged))
    section = page[page.index('<section id="anomalies"') : page.index('<section id="history"')]
    assert 'href="#anomalies"' in page
    assert "Out of line: 2 of 1,000 users (0.2" in section
    assert "Of the 2 flagged users 1 is a bot by the log&#39;s rules." in section
    assert "&lt;i&gt;view&lt;/i&gt; events: 9 (0.1 expected); pushes on news: 0 (7.2 expected)" in section
    assert "min reaction ms" in section
    assert "17" in section
    assert "anomalies" not in render(assemble(measured, decision))


def test_nobody_flagged_is_said_so(flagged: dict[str, Any]) -> None:
    none = {"judged": 0, "flagged": 0}
    found = Anomalies.model_validate(flagged | {"user": none, "device": none, "rows": []})
    assert sentence(found) == "Out of line: 0 of 0 users, 0 of 0 devices. "
