"""The TopK network."""

from __future__ import annotations

import torch
from torch import Tensor

from models.autoencoder.networks.active import as_rows, is_sparse, is_wide
from models.autoencoder.networks.base import Network, Start
from models.autoencoder.networks.batch import SparseBatch

GROUP = 4
"""Latents of which only the largest is looked at first."""


class TopKNetwork(Network):
    """z = TopK(ReLU(W_e' (x - mean) + b_e)); x_hat = mean + z W_d + b_d, with the rows of W_d of norm 1.

    Loss, with all sums over tokens, averaged over rows and divided by `variance`::

        |x - x_hat|^2 + aux_weight * |e - z_aux W_d|^2

    where e = x - x_hat is detached and z_aux holds the `aux_k` largest activations among the dead latents
    (those that fired for none of the last `dead_after` rows). The auxiliary term leaves out b_d, which x_hat
    already has.

    Source: Gao et al. 2024, "Scaling and evaluating sparse autoencoders", section 2 and appendix A.

    Parameters
    ----------
    start : Start
    k : int
        Latents kept a row.
    aux_k : int
        Most dead latents that share in the auxiliary loss.
    aux_weight : float
        Its weight; 0 switches it off.
    dead_after : int
        Rows without firing after which a latent counts as dead.
    """

    UNIT_NORM = True
    rows_since_fired: Tensor

    def __init__(self, start: Start, *, k: int, aux_k: int, aux_weight: float, dead_after: int) -> None:
        super().__init__(start)
        self.k, self.aux_k, self.aux_weight, self.dead_after = k, aux_k, aux_weight, dead_after
        self.register_buffer("rows_since_fired", torch.zeros(len(self.decoder), dtype=torch.int64), persistent=False)

    def code(self, batch: SparseBatch) -> Tensor:
        """Give what the encoder will give for these rows, shape (n_rows, n_latents)."""
        return keep_top_k(self.activations(batch), self.k)

    def kept_in_training(self, activations: Tensor) -> SparseBatch:
        """Give the latents that a training step rebuilds rows from."""
        n_latents = activations.shape[1]
        largest = top_k_of_wide if is_wide(n_latents, self.k) else top_k
        return as_rows(*largest(activations, self.k), n_latents)

    def training_loss(self, seen: SparseBatch, target: SparseBatch) -> Tensor:
        """Give the loss of rebuilding `target` from `seen`, and note which latents fired."""
        activations = self.activations(seen)
        kept = self.kept_in_training(activations)
        error = self._error(kept, target) if is_sparse(kept) else None
        loss = self.rebuilding_loss(kept.dense(), target) if error is None else self.per_row(error)
        self._note_fired(kept)
        dead = self.rows_since_fired >= self.dead_after
        if self.aux_weight and bool(dead.any()):
            residual = -(self._error(kept, target) if error is None else error).detach()
            loss = loss + self.aux_weight * self._auxiliary_loss(activations, dead, residual)
        return loss

    def _error(self, kept: SparseBatch, target: SparseBatch) -> Tensor:
        return target.taken_from(self._rebuilt(kept) + (self.decoder_bias + self.mean))

    def _rebuilt(self, kept: SparseBatch) -> Tensor:
        """Give what latents add up to, shape (n_rows, n_tokens)."""
        return kept.times(self.decoder) if is_sparse(kept) else kept.dense() @ self.decoder

    def _note_fired(self, kept: SparseBatch) -> None:
        fired = torch.zeros_like(self.rows_since_fired, dtype=torch.bool)
        fired[kept.tokens[kept.values > 0]] = True
        self.rows_since_fired += len(kept) * self.ranks.size
        self.rows_since_fired[self.ranks.any(fired)] = 0

    def _auxiliary_loss(self, activations: Tensor, dead: Tensor, residual: Tensor) -> Tensor:
        n_dead = int(dead.sum())
        kept = as_rows(*top_k(activations * dead, min(self.aux_k, n_dead)), len(dead))
        share = min(1.0, n_dead / self.aux_k)
        return share * self.per_row(residual - self._rebuilt(kept))


def top_k(activations: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Give the k largest entries of each row in no order, and their columns, both of shape (n_rows, k)."""
    values, columns = activations.topk(k, dim=1, sorted=False)
    return values, columns


def top_k_of_wide(activations: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Do the same, for rows much wider than k.

    Columns are put into groups; the k largest are all in the k groups with the largest maxima.
    """
    n_rows, n_columns = activations.shape
    if n_columns % GROUP:
        return top_k(activations, k)
    grouped = activations.view(n_rows, GROUP, n_columns // GROUP)
    groups = top_k(grouped.detach().amax(dim=1), k)[1]
    members = grouped.gather(2, groups[:, None].expand(n_rows, GROUP, k)).flatten(1)
    values, places = top_k(members, k)
    return values, places // k * (n_columns // GROUP) + groups.gather(1, places % k)


def keep_top_k(activations: Tensor, k: int) -> Tensor:
    """Zero all but the k largest entries of each row."""
    values, indices = top_k(activations, k)
    return torch.zeros_like(activations).scatter(1, indices, values)
