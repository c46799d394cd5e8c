"""How the quality of a model grows with the users that it learns from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.batch import LabelledRows
from models.candidates import CandidateSpec, fit_candidate
from models.evaluation import Interval, auc, auc_interval, log_loss
from models.schema import FeatureSchema
from models.serving.types import Floats

SHARES = (0.1, 0.25, 0.5, 1.0)
"""Shares of the users, smallest first."""


class TooFewClicks(ValueError):
    """A share of the users holds too little to learn from; the message says which."""


@dataclass(frozen=True)
class Part:
    """Rows of one part of a training set, and the place of each one's user among all users."""

    rows: LabelledRows
    place: Floats
    """Shape (n_rows,): what `user_place` gives."""

    def first(self, share: float) -> LabelledRows:
        """Give the rows of the first users; a smaller share's rows are among those of a larger one."""
        return self.rows.take(np.flatnonzero(self.place < share))


@dataclass(frozen=True)
class Point:
    """A model that learned from some of the users, on the hold-out."""

    share: float
    """Share of the users, 0 to 1."""
    rows: int
    """Rows that it was fitted on: training and validation."""
    clicks: int
    """How many of them were clicked."""
    auc: float
    auc_ci: Interval
    log_loss: float


def learning_curve(
    spec: CandidateSpec,
    train: Part,
    validation: Part,
    holdout: LabelledRows,
    schema: FeatureSchema,
    n_latents: int,
    *,
    seed: int,
    n_threads: int,
    shares: Sequence[float] = SHARES,
) -> Iterator[Point]:
    """Fit a candidate on growing shares of the users, and measure each fit on the same hold-out.

    Users are drawn, not days: then every share has the same days and the same mix, and the curve tells what more users
    would bring. Shares of days would differ in age as well. Features and codes stay those of the whole log.

    Parameters
    ----------
    spec : CandidateSpec
        What to fit, as `fit_candidate` does: validation rows of the share stop and calibrate.
    train, validation : Part
        Consecutive in time.
    holdout : LabelledRows
        All users' rows, later still.
    schema : FeatureSchema
        Which columns are what.
    n_latents : int
        Width of the users' code.
    seed, n_threads : int
        As for `fit_candidate`.
    shares : sequence of float
        Shares of the users, each above 0 and at most 1.

    Raises
    ------
    TooFewClicks
        When a part of a share lacks rows that were clicked, or rows that were not; before anything is fitted.
    """
    drawn = [(share, train.first(share), validation.first(share)) for share in shares]
    for share, *parts in drawn:
        _check(share, parts)
    for share, first, later in drawn:
        fitted = fit_candidate(spec, first, later, schema, n_latents, seed=seed, n_threads=n_threads)
        p = fitted.model.predict(holdout.batch)
        yield Point(
            share,
            len(first) + len(later),
            int(first.label.sum() + later.label.sum()),
            auc(p, holdout.label),
            auc_interval(p, holdout.label, holdout.user),
            log_loss(p, holdout.label),
        )


def user_place(user_id: Iterable[str], *, seed: int) -> Floats:
    """Give each row a number within [0, 1) that hangs on its user and the seed alone."""
    ids = np.asarray(list(user_id), dtype=object)
    users, position = np.unique(ids.astype(str), return_inverse=True)
    return np.array([_hashed(f"{seed}|{user}|learning_curve") for user in users.tolist()])[position]


def _hashed(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48


def _check(share: float, parts: Sequence[LabelledRows]) -> None:
    for name, rows in zip(("training", "validation"), parts, strict=True):
        clicks = int(rows.label.sum())
        if not 0 < clicks < len(rows):
            raise TooFewClicks(
                f"{share:.0%} of the users: expected {name} rows, clicked and not, got {len(rows)} with {clicks} clicks"
            )
