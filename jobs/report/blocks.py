"""What each block of features adds: a picture, the order of the table, and the sentence above them."""

from __future__ import annotations

from jobs.report import numbers
from jobs.report.axes import linear_axis
from jobs.report.charts import RIGHT, Chart
from jobs.report.metrics import BlockWeight, BlockWeights
from jobs.report.stacked import Row, Stretch, stacked

GAIN, LOSS, UNDECIDED = "helps", "harms", "undecided"
KINDS = {GAIN: "chosen", LOSS: "before", UNDECIDED: "other"}
"""How marks of each look."""

MOST, START = 24, 12
"""Blocks of the picture, and where its axis begins."""


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
    if not rows:
        return None
    ends = [end for row in rows for one in row.stretches for end in (one.low, one.high)]
    return stacked(
        rows,
        linear_axis([*ends, 0.0], START, RIGHT),
        name="blocks",
        title="Log-loss gain of each block",
        x_title="Log-loss without the block minus with it",
        text=numbers.significant,
        line_at=0.0,
    )


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
