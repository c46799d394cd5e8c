"""How scores are measured on bots: one that is not judged is missed, and chance has the share of bots."""

from __future__ import annotations

from argparse import Namespace

import numpy as np
import pytest

from tests.benchmarks.embeddings.anomalies import OURS, average_precisions, draws_of, table

N, BOTS = 500, 20


def test_the_table_tells_a_sure_score_from_chance() -> None:
    is_bot = np.arange(N) < BOTS
    sure = np.where(is_bot, 9.0, 0.0)
    half = np.where(np.arange(N) < BOTS // 2, np.nan, sure)
    drawn = draws_of(is_bot, seed=0)
    assert average_precisions(sure, is_bot, drawn)[0] == 1
    assert average_precisions(half, is_bot, drawn)[0] == pytest.approx(0.5 + 0.5 * BOTS / N)  # the others come last
    chance = average_precisions(np.random.default_rng(0).random(N), is_bot, drawn)
    assert chance[0] < 3 * BOTS / N

    args = Namespace(limit=4.0, most_share=0.02, seed=0)  # so ten may be flagged
    head, _, *rows = table({OURS: sure, "half": half}, is_bot, args)
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert "precision of 10" in head
    assert [one[0] for one in cells] == [OURS, "half"]
    assert [one[2].split()[0] for one in cells] == ["1.00", "1.00"]
    assert [one[3].split()[0] for one in cells] == ["0.50", "0.50"]
    assert cells[1][4].startswith("-0.4")
