"""Ranks: they stop together, where one machine with all their rows would."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from models.ranks import Ranks, as_of_one, best_tree


@pytest.mark.parametrize(
    ("losses", "ended", "best"),
    [
        ([3.0, 2.0, 2.5, 2.4], False, 1),  # two trees without a lower loss
        ([3.0, 2.0, 2.5, 2.4, 1.0], False, 1),  # what comes after the end does not count
        ([3.0, 2.0, 2.5], False, None),
        ([3.0, 2.0, 2.5], True, 1),
        ([3.0, 3.0, 3.0], False, 0),  # level is not lower
        ([3.0, 2.0, 1.0], True, 2),
    ],
)
def test_the_best_tree_is_that_of_early_stopping(losses: list[float], ended: bool, best: int | None) -> None:
    assert best_tree(losses, 2, ended=ended) == best


def test_one_machine_stops_at_the_same_tree() -> None:
    rng = np.random.default_rng(0)
    rows, label = rng.random((600, 3)), rng.integers(0, 2, 600)
    train = lightgbm.Dataset(rows[:300], label[:300], params={"verbose": -1})
    later, found = train.create_valid(rows[300:], label[300:]), {}
    booster = lightgbm.train(
        {"objective": "binary", "learning_rate": 0.02, "verbose": -1, "num_threads": 1},
        train,
        60,
        valid_sets=[later],
        callbacks=[lightgbm.early_stopping(5, verbose=False), lightgbm.record_evaluation(found)],
    )
    losses = found["valid_0"]["binary_logloss"]
    assert best_tree(losses, 5, ended=len(losses) == 60) == booster.best_iteration - 1


def test_a_model_does_not_say_where_a_rank_listened() -> None:
    ranks = Ranks(1, ("10.0.0.1:4001", "10.0.0.2:4002"), lambda text: [text])
    said = {name: ranks.parameters[name] for name in ("machines", "local_listen_port", "num_machines")}
    assert said == {"machines": "10.0.0.1:4001,10.0.0.2:4002", "local_listen_port": 4002, "num_machines": 2}
    text = "".join(f"[{name}: {value}]\n" for name, value in said.items())
    assert as_of_one(text) == "[machines: ]\n[local_listen_port: 12400]\n[num_machines: 2]\n"
