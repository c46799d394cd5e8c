"""Who is compared, and the settings that each may choose from at a number of bytes a user.

The first settings of each list are those that `--quick` tries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from models.autoencoder.batch_topk import BatchTopKAutoencoder
from models.autoencoder.contractive import ContractiveAutoencoder
from models.autoencoder.deep import DeepAutoencoder
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.kl import KLAutoencoder
from models.autoencoder.l1 import L1Autoencoder
from models.autoencoder.measures import fvu_of
from models.autoencoder.predictive import PredictiveAutoencoder
from models.autoencoder.topk import TopKAutoencoder
from models.autoencoder.undercomplete import UndercompleteAutoencoder
from models.autoencoder.variational import VariationalAutoencoder
from tests.benchmarks.embeddings import rivals
from tests.benchmarks.embeddings.rivals import Embedding

Settings = Mapping[str, Any]
QUICK_SETTINGS = 2
DEFAULT = "TopK, the default"


@dataclass(frozen=True)
class Learned:
    """A fitted autoencoder."""

    estimator: Autoencoder

    def encode(self, counts: sp.csr_matrix) -> sp.csr_matrix:
        return self.estimator.sparse_encoder().encode(counts)

    def bytes_per_user(self, codes: sp.csr_matrix | NDArray[np.float32]) -> float:
        return self.estimator.sparse_encoder().selection.bytes_per_user(codes)

    def fvu(self, counts: sp.csr_matrix) -> float:
        return fvu_of(self.estimator, counts)


@dataclass(frozen=True)
class Method:
    """One way to embed users."""

    name: str
    fit: Callable[..., Embedding]
    """``fit(counts, budget, seed, **settings)``."""
    settings: Callable[[int], list[Settings]]
    """Settings to choose from at a number of bytes."""


def _autoencoder(kind: type[Autoencoder]) -> Callable[..., Embedding]:
    def fit(counts: sp.csr_matrix, budget: int, seed: int, **settings: Any) -> Embedding:  # noqa: ARG001
        return Learned(kind(random_state=seed, **settings).fit(counts))

    return fit


def _each(**choices: list[Any]) -> list[Settings]:
    """Give every combination; the last choice varies fastest."""
    found: list[dict[str, Any]] = [{}]
    for name, values in choices.items():
        found = [{**one, name: value} for one in found for value in values]
    return found


def _topk(budget: int, k: int, **corruption: list[float]) -> list[Settings]:
    """Give three widths at k, each with every corruption, and shorter codes that leave bytes unused."""
    full = _each(k=[k], **corruption, n_latents=[budget, 2 * budget, 4 * budget])
    return full + _each(k=[max(k // 2, 1)], **corruption, n_latents=[budget, 2 * budget])


def _l1(budget: int) -> list[Settings]:
    return _each(n_latents=[budget, 2 * budget], l1=[0.2, 0.1, 0.3, 0.05])


RIVALS = [
    Method("raw top tokens, fp16", rivals.raw, lambda _: _each(by=["users", "variance"])),
    Method("TruncatedSVD, fp16", rivals.svd, lambda _: [{}]),
    Method("PCA, int8", rivals.pca_int8, lambda _: [{}]),
    Method("random projection, fp16", rivals.random_projection, lambda _: [{}]),
    Method("NMF, fp16", rivals.nmf, lambda _: _each(l1=[0.0, 0.001, 0.01])),
]

VARIANTS = [
    Method("TopK", _autoencoder(TopKAutoencoder), lambda budget: _topk(budget, budget // 4)),
    Method("BatchTopK", _autoencoder(BatchTopKAutoencoder), lambda budget: _topk(budget, (budget - 2) // 4)),
    Method("L1", _autoencoder(L1Autoencoder), _l1),
    Method("predictive (PSD)", _autoencoder(PredictiveAutoencoder), _l1),
    Method(
        "undercomplete",
        _autoencoder(UndercompleteAutoencoder),
        lambda budget: _each(n_latents=[budget // 2], activation=["linear", "relu"]),
    ),
    Method(
        "KL",
        _autoencoder(KLAutoencoder),
        lambda budget: _each(n_latents=[budget // 2], kl=[0.03, 0.3], target=[0.1, 0.2]),
    ),
    Method(
        "denoising: TopK, masked",
        _autoencoder(TopKAutoencoder),
        lambda budget: _topk(budget, budget // 4, dropout=[0.3, 0.5]),
    ),
    Method(
        "denoising: TopK, Gaussian",
        _autoencoder(TopKAutoencoder),
        lambda budget: _topk(budget, budget // 4, noise=[0.5, 1.0]),
    ),
    Method(
        "denoising: undercomplete",
        _autoencoder(UndercompleteAutoencoder),
        lambda budget: [
            {"n_latents": budget // 2, "dropout": 0.3},
            {"n_latents": budget // 2, "noise": 0.5},
            {"n_latents": budget // 2, "dropout": 0.5, "activation": "relu"},
            {"n_latents": budget // 2, "noise": 1.0, "activation": "relu"},
        ],
    ),
    Method(
        "contractive",
        _autoencoder(ContractiveAutoencoder),
        lambda budget: _each(n_latents=[budget // 2], contraction=[0.01, 0.1, 1.0]),
    ),
    Method("deep", _autoencoder(DeepAutoencoder), lambda budget: _each(n_latents=[budget // 2], n_hidden=[64, 128])),
    Method(
        "deep, pre-trained",
        _autoencoder(DeepAutoencoder),
        lambda budget: _each(n_latents=[budget // 2], n_hidden=[64, 128], pretrain_epochs=[10]),
    ),
    Method(
        "variational",
        _autoencoder(VariationalAutoencoder),
        lambda budget: _each(n_latents=[budget // 2], beta=[0.003, 0.01, 0.001]),
    ),
]

THE_DEFAULT = Method(DEFAULT, _autoencoder(TopKAutoencoder), lambda _: [{"n_latents": 32, "k": 4, "max_epochs": 30}])
"""Of `jobs.train_embedding`; 16 bytes."""
