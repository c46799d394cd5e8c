"""What each block of features adds: the order of the table, and the sentence above it."""

from __future__ import annotations

from jobs.report.metrics import BlockWeight, BlockWeights

GAIN, LOSS, UNDECIDED = "helps", "harms", "undecided"


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


def sentence(weights: BlockWeights | None) -> str | None:
    """Name the blocks that surely help and those that surely harm; null without weights."""
    if weights is None or not weights.blocks:
        return None
    found = {kind: [one.block for one in ranked(weights) if judgement(one) == kind] for kind in (GAIN, LOSS)}
    helping = f"Surely missed: {', '.join(found[GAIN])}." if found[GAIN] else "No block is surely missed."
    harming = f" Better without: {', '.join(found[LOSS])}." if found[LOSS] else ""
    left = len(weights.blocks) - len(found[GAIN]) - len(found[LOSS])
    return f"{helping}{harming} For {left} of {len(weights.blocks)} the interval holds zero."
