"""One rank of LightGBM's own distributed mode: each fits the same trees, and sees its own rows only.

Ranks add up their histograms over sockets (``tree_learner=data`` of LightGBM's parallel learning guide), and
each makes the bins of some of the columns for all. Whoever starts the ranks says where they listen, and hands texts
round.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lightgbm import Booster
from lightgbm.callback import CallbackEnv, EarlyStopException

SILENCE_MINUTES = 10
"""How long a rank waits for another one before it gives up."""
OWN = {"machines": "", "local_listen_port": "12400"}
"""What a model's text says of the rank that wrote it, and LightGBM's defaults, which stand there instead."""


@dataclass(frozen=True)
class Ranks:
    """The ranks that fit one model together, seen from one of them."""

    rank: int
    """Which of them this is."""
    addresses: tuple[str, ...]
    """IP address and port of each, ``IP:PORT``, in the order of ranks; at least two."""
    gather: Callable[[str], Sequence[str]]
    """Hands over a text, and gives those of all ranks, in their order; every rank has to call it."""

    @property
    def parameters(self) -> dict[str, Any]:
        """What LightGBM has to know of them."""
        return {
            "tree_learner": "data",
            "pre_partition": True,
            "num_machines": len(self.addresses),
            "machines": ",".join(self.addresses),
            "local_listen_port": int(self.addresses[self.rank].rpartition(":")[2]),
            "time_out": SILENCE_MINUTES,
        }


@dataclass(eq=False)
class JointStopping:
    """Early stopping by the loss over the validation rows of all ranks; a LightGBM callback.

    Each rank has the loss of its own rows, and two that judged by those would stop at different trees. So from time to
    time they hand each other what they have, and each makes the same sum. Trees fitted since the best one are dropped
    as ever; at most `patience` of them would not have been fitted by one machine.

    Parameters
    ----------
    ranks : Ranks
        Who stops together.
    patience : int
        Training ends when the loss has not fallen for this many trees.
    """

    ranks: Ranks
    patience: int
    order: int = 30
    before_iteration: bool = False
    _since: list[float] = field(default_factory=list)
    _losses: list[float] = field(default_factory=list)

    def __call__(self, env: CallbackEnv) -> None:
        """Take the loss of a tree; stop at the best tree before this one, or go on.

        Raises
        ------
        EarlyStopException
            When training ends; LightGBM takes it as such.
        """
        assert isinstance(env.model, Booster)
        assert env.evaluation_result_list  # there are rows to stop by
        n_rows = env.model.valid_sets[0].num_data()
        self._since.append(env.evaluation_result_list[0].metric_value * n_rows)
        last = env.iteration + 1 == env.end_iteration
        if len(self._since) == self.patience or last:
            mine = " ".join([str(n_rows), *map(float.hex, self._since)])
            self._losses += _joint([text.split() for text in self.ranks.gather(mine)])
            self._since.clear()
            best = best_tree(self._losses, self.patience, ended=last)
            if best is not None:
                raise EarlyStopException(best, [("validation", "binary_logloss", self._losses[best], False)])


def best_tree(losses: Sequence[float], patience: int, *, ended: bool) -> int | None:
    """Give the tree (from 0) at which early stopping would end, or None while it would go on.

    Parameters
    ----------
    losses : sequence of float
        Validation loss after each tree so far.
    patience : int
        Trees without a new lowest loss before it stops.
    ended : bool
        Whether no tree follows.
    """
    best = 0
    for tree, loss in enumerate(losses):
        if loss < losses[best]:
            best = tree
        elif tree - best >= patience:
            return best
    return best if ended else None


def as_of_one(text: str) -> str:
    """Give a model's text without what only one rank says of itself."""
    for name, default in OWN.items():
        text = re.sub(rf"^\[{name}: .*\]$", f"[{name}: {default}]", text, flags=re.MULTILINE)
    return text


def _joint(told: Sequence[Sequence[str]]) -> list[float]:
    """Give mean losses over the rows of all ranks; the same sum in the same order, whoever adds it up."""
    n_rows = sum(int(one[0]) for one in told)
    of_ranks = ([float.fromhex(loss) for loss in one[1:]] for one in told)
    return [math.fsum(losses) / n_rows for losses in zip(*of_ranks, strict=True)]
