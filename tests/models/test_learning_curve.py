"""A learning curve: nested shares of whole users, one hold-out, the last point what training gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from models.batch import LabelledRows
from models.candidates import CandidateSpec, FittedCandidate
from models.evaluation import auc, log_loss
from models.learning_curve import Part, Point, TooFewClicks, learning_curve, user_place
from models.logistic import LogisticSettings
from models.schema import FeatureSchema

N_LATENTS = 8
LOGISTIC = CandidateSpec("logistic", LogisticSettings())


@pytest.fixture(scope="module")
def drawn(parts: dict[str, LabelledRows], make_table: Callable[[int, int], pa.Table]) -> dict[str, Part]:
    """Training and validation rows of ``conftest``, each row with the place of its user."""
    users = {"train": make_table(4000, 1)["user_id"], "validation": make_table(2000, 2)["user_id"]}
    return {name: Part(parts[name], user_place(ids.to_pylist(), seed=0)) for name, ids in users.items()}


@pytest.fixture(scope="module")
def curve(drawn: dict[str, Part], parts: dict[str, LabelledRows], schema: FeatureSchema) -> list[Point]:
    train, validation = drawn["train"], drawn["validation"]
    found = learning_curve(
        LOGISTIC, train, validation, parts["holdout"], schema, N_LATENTS, seed=0, n_threads=1, shares=(0.1, 0.5, 1.0)
    )
    return list(found)


def test_shares_are_nested_and_keep_users_whole(drawn: dict[str, Part]) -> None:
    part = drawn["train"]
    tenth, half, whole = (set(part.first(share).user.tolist()) for share in (0.1, 0.5, 1.0))
    assert tenth < half < whole
    for share, users in ((0.1, tenth), (0.5, half)):
        assert len(part.first(share)) == np.isin(part.rows.user, list(users)).sum()
        assert len(users) / len(whole) == pytest.approx(share, abs=0.05)


def test_a_user_has_the_same_place_in_every_part() -> None:
    here, there = user_place(["a", "b", "a"], seed=0), user_place(["b", "c"], seed=0)
    assert here[0] == here[2] != here[1] == there[0]
    assert user_place(["a"], seed=1)[0] != here[0]
    assert ((here >= 0) & (here < 1)).all()


def test_the_last_point_is_what_training_gives(
    curve: list[Point], candidates: dict[str, FittedCandidate], parts: dict[str, LabelledRows]
) -> None:
    p = candidates["logistic"].model.predict(parts["holdout"].batch)
    label = parts["holdout"].label
    assert (curve[-1].auc, curve[-1].log_loss) == (auc(p, label), log_loss(p, label))
    assert curve[-1].rows == len(parts["train"]) + len(parts["validation"])
    assert curve[-1].clicks == parts["train"].label.sum() + parts["validation"].label.sum()


def test_more_users_are_more_rows_and_a_better_model(curve: list[Point]) -> None:
    assert [point.share for point in curve] == [0.1, 0.5, 1.0]
    assert curve[0].rows < curve[1].rows < curve[2].rows
    assert curve[-1].log_loss < curve[0].log_loss
    assert all(point.auc_ci.low < point.auc < point.auc_ci.high for point in curve)


def test_a_share_without_clicks_is_told_before_anything_is_fitted(
    drawn: dict[str, Part], parts: dict[str, LabelledRows], schema: FeatureSchema
) -> None:
    train, validation = drawn["train"], drawn["validation"]
    points = learning_curve(
        LOGISTIC, train, validation, parts["holdout"], schema, N_LATENTS, seed=0, n_threads=1, shares=(1.0, 0.0001)
    )
    with pytest.raises(TooFewClicks, match=r"0% of the users: expected training rows, clicked and not, got \d+ with 0"):
        next(points)
