"""What each block of features adds: a picture, the order of the table, and the sentence above them."""

from __future__ import annotations

from jobs.report import numbers
from jobs.report.charts import Chart
from jobs.report.metrics import BlockWeight, BlockWeights
from jobs.report.stacked import Row, Stretch, held_against

GAIN, LOSS, UNDECIDED = "helps", "harms", "undecided"
KINDS = {GAIN: "chosen", LOSS: "before", UNDECIDED: "other"}
"""How marks of each look."""

MOST = 24
"""Blocks of the picture."""


def ranked(weights: BlockWeights | None) -> tuple[BlockWeight, ...]:
    """Give the blocks, the one that is missed most first."""
    blocks = weights.blocks if weights else ()
    return tuple(sorted(blocks, key=lambda one: (-(one.log_loss_gain or 0.0), one.block)))


def judgement(one: BlockWeight) -> str:
    """Say whether the interval of the log-loss gain lies above zero, below it or about it."""
    low, high = one.log_loss_gain_ci
    if low is not None and low > 0:
        return GAIN
    return LOSS if high is not None and high < 0 else UNDECIDED


def picture(weights: BlockWeights | None) -> Chart | None:
    """Draw the log-loss gain of each block with its interval, the one that is missed most first; null without any."""
    rows = [Row(one.block, (found,)) for one in ranked(weights)[:MOST] if (found := _stretch(one))]
    title, x_title = "Log-loss gain of each block", "Log-loss without the block minus with it"
    return held_against(rows, 0.0, name="blocks", title=title, x_title=x_title)


def _stretch(one: BlockWeight) -> Stretch | None:
    gain, (low, high) = one.log_loss_gain, one.log_loss_gain_ci
    if gain is None or low is None or high is None:
        return None
    told = f"{numbers.fixed(gain, 5)} ({numbers.interval(one.log_loss_gain_ci, 5)})"
    return Stretch(low, high, KINDS[judgement(one)], f"{one.block}: log-loss gain {told}, {judgement(one)}", dot=gain)


def sentence(weights: BlockWeights | None) -> str | None:
    """Name the blocks that surely help and those that surely harm; null without weights."""
    if weights is None or not weights.blocks:
        return None
    found = {kind: [one.block for one in ranked(weights) if judgement(one) == kind] for kind in (GAIN, LOSS)}
    helping = f"Surely missed: {', '.join(found[GAIN])}." if found[GAIN] else "No block is surely missed."
    harming = f" Better without: {', '.join(found[LOSS])}." if found[LOSS] else ""
    left = len(weights.blocks) - len(found[GAIN]) - len(found[LOSS])
    return f"{helping}{harming} For {left} of {len(weights.blocks)} the interval holds zero."
