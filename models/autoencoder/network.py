"""The TopK network in PyTorch: parameters, loss and the constraint on the decoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from models.autoencoder.scaling import Floats


@dataclass(frozen=True)
class SparseBatch:
    """Scaled rows, not centred, as `embedding_bag` takes them."""

    offsets: Tensor
    """Where each row begins, int64, shape (n_rows,)."""

    tokens: Tensor
    """Token of each non-zero, int64, shape (n_non_zeros,)."""

    values: Tensor
    """Its scaled count, float32, shape (n_non_zeros,)."""

    n_tokens: int

    @classmethod
    def of(cls, rows: sp.csr_matrix) -> SparseBatch:
        """Take the rows of a CSR matrix of float32."""
        offsets = torch.from_numpy(rows.indptr[:-1].astype(np.int64))
        tokens = torch.from_numpy(rows.indices.astype(np.int64))
        return cls(offsets, tokens, torch.from_numpy(rows.data), int(rows.shape[1]))

    def __len__(self) -> int:
        return len(self.offsets)

    def dense(self) -> Tensor:
        """Build the rows in full, shape (n_rows, n_tokens)."""
        lengths = torch.diff(self.offsets, append=torch.tensor([len(self.tokens)]))
        rows = torch.repeat_interleave(torch.arange(len(self)), lengths)
        full = torch.zeros(len(self), self.n_tokens)
        full[rows, self.tokens] = self.values
        return full


def initial_weights(n_tokens: int, n_latents: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Draw unit-norm decoder rows; the encoder starts as their transpose, both biases at zero."""
    decoder = rng.standard_normal((n_latents, n_tokens)).astype(np.float32)
    decoder /= np.linalg.norm(decoder, axis=1, keepdims=True)
    return {
        "encoder": np.ascontiguousarray(decoder.T),
        "encoder_bias": np.zeros(n_latents, np.float32),
        "decoder": decoder,
        "decoder_bias": np.zeros(n_tokens, np.float32),
    }


class TopKNetwork(nn.Module):
    """z = TopK(ReLU(W_e' (x - mean) + b_e)); x_hat = mean + z W_d + b_d, with the rows of W_d of norm 1.

    Loss, with all sums over tokens, averaged over rows and divided by `variance`::

        |x - x_hat|^2 + aux_weight * |e - z_aux W_d|^2

    where e = x - x_hat is detached and z_aux holds the `aux_k` largest activations among the dead latents
    (those that fired for none of the last `dead_after` rows). The auxiliary term leaves out b_d, which x_hat
    already has.

    Source: Gao et al. 2024, "Scaling and evaluating sparse autoencoders", section 2 and appendix A.

    Parameters
    ----------
    weights : mapping
        As `initial_weights` gives them.
    mean : ndarray of shape (n_tokens,)
        Training mean of the scaled rows.
    k : int
        Latents kept a row.
    aux_k : int
        Most dead latents that share in the auxiliary loss.
    aux_weight : float
        Its weight; 0 switches it off.
    dead_after : int
        Rows without firing after which a latent counts as dead.
    variance : float
        Squared deviation of a training row from the mean, summed over tokens, averaged over rows.
    """

    def __init__(
        self,
        weights: Mapping[str, Floats],
        mean: Floats,
        *,
        k: int,
        aux_k: int,
        aux_weight: float,
        dead_after: int,
        variance: float,
    ) -> None:
        super().__init__()
        self.encoder = _parameter(weights["encoder"])
        self.encoder_bias = _parameter(weights["encoder_bias"])
        self.decoder = _parameter(weights["decoder"])
        self.decoder_bias = _parameter(weights["decoder_bias"])
        self.mean = torch.from_numpy(mean.copy())
        self.k, self.aux_k, self.aux_weight = k, aux_k, aux_weight
        self.dead_after, self.variance = dead_after, variance
        self.rows_since_fired = torch.zeros(len(self.decoder), dtype=torch.int64)

    def weights(self) -> dict[str, Floats]:
        """Copy the parameters out, by the names of `initial_weights`."""
        return {name: value.detach().numpy().copy() for name, value in self.named_parameters()}

    def activations(self, batch: SparseBatch) -> Tensor:
        """Rectified, before the choice of k, shape (n_rows, n_latents). The cost follows the non-zeros."""
        summed = embedding_bag(batch.tokens, self.encoder, batch.offsets, mode="sum", per_sample_weights=batch.values)
        return torch.relu(summed + self.encoder_bias - self.mean @ self.encoder)

    def forward(self, batch: SparseBatch) -> Tensor:
        """Rebuild scaled rows, not centred, shape (n_rows, n_tokens)."""
        return self._decode(keep_top_k(self.activations(batch), self.k))

    def training_loss(self, seen: SparseBatch, target: SparseBatch) -> Tensor:
        """Give the loss of rebuilding `target` from `seen`, and note which latents fired."""
        activations = self.activations(seen)
        code = keep_top_k(activations, self.k)
        error = target.dense() - self._decode(code)
        loss = self._per_row(error)
        self._note_fired(code.detach(), len(seen))
        dead = self.rows_since_fired >= self.dead_after
        if self.aux_weight and bool(dead.any()):
            loss = loss + self.aux_weight * self._auxiliary_loss(activations, dead, error.detach())
        return loss

    @torch.no_grad()
    def remove_parallel_gradient(self) -> None:
        """Drop the gradient along the decoder's rows: the unit norm undoes it, Adam would remember it."""
        if self.decoder.grad is not None:
            along = (self.decoder.grad * self.decoder).sum(dim=1, keepdim=True)
            self.decoder.grad -= along * self.decoder

    @torch.no_grad()
    def normalise(self) -> None:
        """Bring each decoder row back to norm 1."""
        self.decoder.div_(self.decoder.norm(dim=1, keepdim=True).clamp_min(1e-12))

    def _decode(self, code: Tensor) -> Tensor:
        return code @ self.decoder + (self.decoder_bias + self.mean)

    def _per_row(self, error: Tensor) -> Tensor:
        return error.square().sum() / (len(error) * self.variance)

    def _note_fired(self, code: Tensor, n_rows: int) -> None:
        self.rows_since_fired += n_rows
        self.rows_since_fired[(code > 0).any(dim=0)] = 0

    def _auxiliary_loss(self, activations: Tensor, dead: Tensor, residual: Tensor) -> Tensor:
        n_dead = int(dead.sum())
        code = keep_top_k(activations * dead, min(self.aux_k, n_dead))
        share = min(1.0, n_dead / self.aux_k)
        return share * self._per_row(residual - code @ self.decoder)


def keep_top_k(activations: Tensor, k: int) -> Tensor:
    """Zero all but the k largest entries of each row."""
    values, indices = activations.topk(k, dim=1, sorted=False)
    return torch.zeros_like(activations).scatter(1, indices, values)


def _parameter(values: Floats) -> nn.Parameter:
    return nn.Parameter(torch.from_numpy(values.copy()))
