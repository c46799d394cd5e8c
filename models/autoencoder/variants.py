"""Every kind of autoencoder by the name it is stored under."""

from __future__ import annotations

from collections.abc import Mapping

from models.autoencoder.batch_topk import BatchTopKAutoencoder
from models.autoencoder.contractive import ContractiveAutoencoder
from models.autoencoder.deep import DeepAutoencoder
from models.autoencoder.deep_contractive import DeepContractiveAutoencoder
from models.autoencoder.estimator import Autoencoder
from models.autoencoder.kl import KLAutoencoder
from models.autoencoder.l1 import L1Autoencoder
from models.autoencoder.predictive import PredictiveAutoencoder
from models.autoencoder.topk import TopKAutoencoder
from models.autoencoder.undercomplete import UndercompleteAutoencoder
from models.autoencoder.variational import VariationalAutoencoder

ESTIMATORS: Mapping[str, type[Autoencoder]] = {
    variant.__name__: variant
    for variant in (
        BatchTopKAutoencoder,
        ContractiveAutoencoder,
        DeepAutoencoder,
        DeepContractiveAutoencoder,
        KLAutoencoder,
        L1Autoencoder,
        PredictiveAutoencoder,
        TopKAutoencoder,
        UndercompleteAutoencoder,
        VariationalAutoencoder,
    )
}
