"""What is said while an embedding is learned."""

from __future__ import annotations

from jobs.cli import say


def say_epoch(epoch: int, fvu: float | None) -> None:
    """Say a line, see ``models.autoencoder.trainer.EpochHook``."""
    say(f"pre-training, epoch {epoch}" if fvu is None else f"epoch {epoch}: held-out FVU {fvu:.4f}")
