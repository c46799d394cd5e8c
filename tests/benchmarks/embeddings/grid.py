"""Who is compared, and the settings that each may choose from at a number of bytes a user.

The first settings of each list are those that `--quick` tries.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from jobs.embedding_arguments import add_embedding_arguments, estimator_of
from jobs.report.embedding_comparison import DEFAULT, SVD
from jobs.report.embedding_comparison import TRUTH as TRUE_INTERESTS
from models.autoencoder.batch_topk import BatchTopKAutoencoder
from models.autoencoder.contractive import ContractiveAutoencoder
from models.autoencoder.deep import DeepAutoencoder
from models.autoencoder.deep_contractive import DeepContractiveAutoencoder
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.kl import KLAutoencoder
from models.autoencoder.l1 import L1Autoencoder
from models.autoencoder.measures import dead_fraction, fvu_of
from models.autoencoder.predictive import PredictiveAutoencoder
from models.autoencoder.topk import TopKAutoencoder
from models.autoencoder.undercomplete import UndercompleteAutoencoder
from models.autoencoder.variational import VariationalAutoencoder
from tests.benchmarks.embeddings import rivals
from tests.benchmarks.embeddings.data import Data
from tests.benchmarks.embeddings.downstream import Codes
from tests.benchmarks.embeddings.rivals import Embedding

Settings = Mapping[str, Any]
QUICK_SETTINGS = 2
KIND = "the default's kind"


def default(**settings: Any) -> Autoencoder:
    """Make what `jobs.train_embedding` learns unless it is told otherwise, but for some settings."""
    parser = argparse.ArgumentParser()
    add_embedding_arguments(parser)
    return estimator_of(parser.parse_args([])).set_params(**settings)


DEFAULT_SIZE = 16
"""Bytes a user of the default, at most."""


def of_default(budget: int) -> Settings:
    """Give the default's settings, scaled to a number of bytes: as many latents for each that a user may have."""
    own = default().get_params()
    k = own["k"] * budget // DEFAULT_SIZE
    width = min(own["n_latents"] // own["k"] * k, 256)
    return {**{name: own[name] for name in ("dropout", "scale_floor", "max_epochs")}, "n_latents": width, "k": k}


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

    def dead_fraction(self, codes: sp.csr_matrix | NDArray[np.float32]) -> float:
        return dead_fraction(sp.csr_matrix(codes))

    def rebuilt(self, counts: sp.csr_matrix) -> NDArray[np.float32]:
        return np.asarray(self.estimator.rebuild(self.encode(counts)) * self.estimator.scale_)

    def dictionary(self) -> NDArray[np.float32] | None:
        return None if isinstance(self.estimator, DeepAutoencoder) else self.estimator.decoder_


@dataclass(frozen=True)
class Method:
    """One way to embed users."""

    name: str
    fit: Callable[..., Embedding] | None
    """``fit(counts, budget, seed, **settings)``; None where there is nothing to learn."""
    settings: Callable[[int], list[Settings]] = lambda _: [{}]
    """Settings to choose from at a number of bytes."""
    known: Callable[[Data], Codes] = lambda _: None
    """Codes of all requests, where there is nothing to learn."""


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


def _topk(k: int, **corruption: list[float]) -> list[Settings]:
    """Give three widths at k, and a shorter code that leaves bytes unused, each with two floors of the scale."""
    full = _each(**corruption, n_latents=[min(width * k, 256) for width in (8, 16, 4)], k=[k], scale_floor=[1.0, 0.5])
    return full + _each(**corruption, n_latents=[min(8 * k, 256)], k=[k // 2], scale_floor=[1.0])


def _l1(budget: int) -> list[Settings]:
    return _each(n_latents=[4 * min(budget, 64), 2 * min(budget, 64)], l1=[0.05, 0.02, 0.1])


def _predictive(budget: int) -> list[Settings]:
    narrower = {"n_latents": 2 * min(budget, 64), "l1": 0.05}
    return _l1(budget) + [{**narrower, "prediction": prediction} for prediction in (0.3, 3.0)]


def _dense(**choices: list[Any]) -> Callable[[int], list[Settings]]:
    """Give a latent a byte, and half as many."""
    return lambda budget: _each(n_latents=[budget, budget // 2], **choices)


FLOORS = [0.5, 1.0]
LENGTHS = {"share": [1.0, 0.5], "floor": FLOORS}
"""All of the bytes or half of them, as TopK has."""

RIVALS = [
    Method("raw top tokens, fp16", rivals.raw, lambda _: _each(floor=FLOORS, by=["users", "variance"])),
    Method(SVD, rivals.svd, lambda _: _each(**LENGTHS)),
    Method("PCA, int8", rivals.pca_int8, lambda _: _each(**LENGTHS)),
    Method("random projection, fp16", rivals.random_projection, lambda _: _each(floor=FLOORS)),
    Method("NMF, fp16", rivals.nmf, lambda _: _each(**LENGTHS, l1=[0.0, 0.001, 0.01])),
]

NONE = Method("none", None)
TRUTH = Method(TRUE_INTERESTS, None, known=lambda data: data.interests)

VARIANTS = [
    Method("TopK", _autoencoder(TopKAutoencoder), lambda budget: _topk(budget // 2)),
    Method("BatchTopK", _autoencoder(BatchTopKAutoencoder), lambda budget: _topk((budget - 1) // 2)),
    Method("L1", _autoencoder(L1Autoencoder), _l1),
    Method("predictive (PSD)", _autoencoder(PredictiveAutoencoder), _predictive),
    Method("undercomplete", _autoencoder(UndercompleteAutoencoder), _dense(activation=["linear", "relu"])),
    Method("KL", _autoencoder(KLAutoencoder), _dense(target=[0.1, 0.03], kl=[0.03, 0.3])),
    Method(
        "denoising: TopK, masked",
        _autoencoder(TopKAutoencoder),
        lambda budget: _topk(budget // 2, dropout=[0.3]),
    ),
    Method(
        "denoising: TopK, Gaussian",
        _autoencoder(TopKAutoencoder),
        lambda budget: _topk(budget // 2, noise=[0.5]),
    ),
    Method(
        "denoising: undercomplete",
        _autoencoder(UndercompleteAutoencoder),
        lambda budget: [
            {"n_latents": width, **corruption}
            for width in (budget, budget // 2)
            for corruption in ({"dropout": 0.3}, {"noise": 0.5})
        ],
    ),
    Method("contractive", _autoencoder(ContractiveAutoencoder), _dense(contraction=[0.01, 0.1])),
    Method("deep", _autoencoder(DeepAutoencoder), _dense(n_hidden=[64, 128])),
    Method("deep, pre-trained", _autoencoder(DeepAutoencoder), _dense(n_hidden=[64, 128], pretrain_epochs=[10])),
    Method("deep, contractive", _autoencoder(DeepContractiveAutoencoder), _dense(contraction=[0.001, 0.01, 0.1])),
    Method("variational", _autoencoder(VariationalAutoencoder), _dense(beta=[0.003, 0.001])),
]

THE_DEFAULT = Method(DEFAULT, _autoencoder(type(default())), lambda _: [of_default(DEFAULT_SIZE)])
ITS_KIND = Method(KIND, THE_DEFAULT.fit, lambda budget: [of_default(budget)])
