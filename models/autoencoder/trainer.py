"""The training loop that any autoencoder network can use: batches, Adam, early stopping on held-out FVU."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
import scipy.sparse as sp
import torch

from models.autoencoder.devices import torch_device
from models.autoencoder.labels import Labels
from models.autoencoder.networks.base import Network
from models.autoencoder.networks.batch import SparseBatch
from models.autoencoder.networks.click_head import ClickHead
from models.autoencoder.networks.errors import squared_deviation
from models.autoencoder.ranks import ALONE, Ranks
from models.autoencoder.scaling import Floats

EpochHook = Callable[[int, float | None], None]
"""Called after each epoch with its number, from 1, and the held-out FVU; None in pre-training, which counts its own."""

EVALUATION_ROWS = 4096


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained."""

    learning_rate: float
    """Of Adam."""

    batch_size: int
    """Rows a step."""

    dropout: float
    """Share of a row's non-zeros hidden from the encoder; the rest are scaled up to make up for it."""

    noise: float
    """Standard deviation of the Gaussian noise that the encoder sees added to a row."""

    max_epochs: int
    """Most passes over the rows."""

    patience: int
    """Epochs without progress after which training stops."""

    tol: float
    """Decrease of what is measured on held-out rows that counts as progress."""

    device: str = "cpu"
    """See `models.autoencoder.devices.torch_device`."""

    click_weight: float = 0.0
    """Weight of `ClickHead.loss` beside the network's own loss; 0 goes without."""

    @classmethod
    def of(cls, estimator: object) -> TrainingSettings:
        """Take the settings from an estimator's parameters of the same names."""
        return cls(**{field.name: getattr(estimator, field.name) for field in fields(cls)})


class Trainer:
    """A network with its optimiser and its randomness, so that training can go on where it stopped.

    Loss: the network's own, plus `click_weight` times that of a `ClickHead` on its codes where there are labels.

    Parameters
    ----------
    network : Network
    settings : TrainingSettings
    rng : Generator
        For the order of the rows and what is hidden of them.
    head : ClickHead, optional
        What is trained with the network where rows come with labels.
    ranks : Ranks
        Who trains together, each on its own rows: they begin at the first one's weights, share out a step's rows
        evenly, average gradients, and count as dead what fires nowhere. So all have the same weights at all times.
    """

    def __init__(
        self,
        network: Network,
        settings: TrainingSettings,
        rng: np.random.Generator,
        head: ClickHead | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        device = torch_device(settings.device)
        self.network, self.head = network.to(device), head.to(device) if head else None
        self.settings = settings
        self.rng = rng
        self.ranks = network.ranks = ranks
        ranks.share(network.state_dict().values())
        self.parameters = [*network.parameters(), *(head.parameters() if head else ())]
        self.optimiser = torch.optim.Adam(self.parameters, lr=settings.learning_rate, fused=True)

    def fit(
        self,
        rows: sp.csr_matrix,
        held_out: sp.csr_matrix,
        on_epoch: EpochHook | None,
        labels: Labels | None = None,
        held_out_counts: Floats | None = None,
    ) -> list[float]:
        """Train until held-out rows show no more progress, and go back to the weights of the last epoch that made some.

        Progress is that of FVU; where clicks are told too, of the sum of both losses. An epoch that is better by no
        more than `tol` is none.

        Parameters
        ----------
        rows, held_out : csr_matrix of shape (n_users, n_tokens)
            Scaled, not centred.
        on_epoch : callable or None
        labels : Labels, optional
            Of `rows`; needs a head.
        held_out_counts : ndarray of shape (n_users, 2), optional
            Clicks and sends of `held_out`.

        Returns
        -------
        list of float
            Held-out FVU after each epoch.

        Raises
        ------
        ValueError
            When weights or held-out FVU are no longer finite.
        """
        history: list[float] = []
        best, best_epoch, best_state = float("inf"), 0, self._state()
        for epoch in range(1, self.settings.max_epochs + 1):
            self.run_epoch(rows, labels)
            history.append(self.fvu(held_out))
            if not math.isfinite(history[-1]):
                raise self._diverged(f"held-out FVU is {history[-1]} after epoch {epoch}")
            if on_epoch:
                on_epoch(epoch, history[-1])
            reached = history[-1] + self._held_out_clicks(held_out, held_out_counts)
            if reached < best - self.settings.tol:
                best, best_epoch, best_state = reached, epoch, self._state()
            elif epoch - best_epoch >= self.settings.patience:
                break
        self.network.load_state_dict(best_state)
        return history

    def run_epoch(self, rows: sp.csr_matrix, labels: Labels | None = None) -> None:
        """Make one pass over the rows, and their labels, in random order.

        Of several processes, those with fewer rows take some of them twice.

        Raises
        ------
        ValueError
            When weights are no longer finite.
        """
        n_rows = rows.shape[0]
        order = np.resize(self.rng.permutation(n_rows), self.ranks.largest(n_rows))
        step = max(self.settings.batch_size // self.ranks.size, 1)
        for start in range(0, len(order), step):
            chosen = order[start : start + step]
            self._step(rows[chosen], labels.counts[chosen] if labels else None)
        if not all(bool(one.isfinite().all()) for one in self.parameters):
            raise self._diverged("a weight is no longer a finite number")

    @torch.no_grad()
    def fvu(self, rows: sp.csr_matrix) -> float:
        """Fraction of variance unexplained: squared errors over squared deviations from the training mean."""
        errors = deviations = 0.0
        for start in range(0, rows.shape[0], EVALUATION_ROWS):
            batch = SparseBatch.of(rows[start : start + EVALUATION_ROWS], self.network.device)
            errors += float(self.network.squared_error(self.network.code(batch), batch))
            deviations += float(squared_deviation(batch, self.network.mean))
        errors, deviations = map(float, self.ranks.total(np.array([errors, deviations])))
        return errors / deviations if deviations else 0.0

    @torch.no_grad()
    def _held_out_clicks(self, rows: sp.csr_matrix, counts: Floats | None) -> float:
        """Give the weighted loss of clicks of held-out rows; 0 where none are told."""
        if self.head is None or counts is None:
            return 0.0
        loss = 0.0
        for start in range(0, rows.shape[0], EVALUATION_ROWS):
            part = slice(start, start + EVALUATION_ROWS)
            batch = SparseBatch.of(rows[part], self.network.device)
            loss += float(self._click_loss(self.head, batch, counts[part])) * len(batch)
        loss, n_rows = map(float, self.ranks.total(np.array([loss, rows.shape[0]])))
        return self.settings.click_weight * loss / n_rows

    def _diverged(self, what: str) -> ValueError:
        rate = self.settings.learning_rate
        return ValueError(f"training diverged: {what}; expected a learning_rate that it can follow, got {rate}")

    def _step(self, rows: sp.csr_matrix, counts: Floats | None) -> None:
        self.optimiser.zero_grad()
        seen = self._corrupt(rows)
        loss = self.network.training_loss(seen, SparseBatch.of(rows, self.network.device))
        if self.head is not None and counts is not None:
            loss = loss + self.settings.click_weight * self._click_loss(self.head, seen, counts)
        torch.autograd.backward(loss)
        self.ranks.average(one.grad for one in self.parameters if one.grad is not None)
        self.network.remove_parallel_gradient()
        self.optimiser.step()
        self.network.normalise()

    def _click_loss(self, head: ClickHead, seen: SparseBatch, counts: Floats) -> torch.Tensor:
        return head.loss(self.network.code(seen), torch.from_numpy(counts).to(self.network.device))

    def _corrupt(self, rows: sp.csr_matrix) -> SparseBatch:
        """Give what the encoder sees of the rows."""
        seen = SparseBatch.of(self._masked(rows), self.network.device)
        if not self.settings.noise:
            return seen
        noise = self.rng.standard_normal(rows.shape, dtype=np.float32) * np.float32(self.settings.noise)
        return replace(seen, noise=torch.from_numpy(noise).to(self.network.device))

    def _masked(self, rows: sp.csr_matrix) -> sp.csr_matrix:
        if not self.settings.dropout:
            return rows
        kept = self.rng.random(rows.nnz) >= self.settings.dropout
        values = rows.data * (kept / np.float32(1 - self.settings.dropout)).astype(np.float32)
        return sp.csr_matrix((values, rows.indices, rows.indptr), shape=rows.shape)

    def _state(self) -> dict[str, torch.Tensor]:
        return {name: value.clone() for name, value in self.network.state_dict().items()}
