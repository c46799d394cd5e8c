"""What the autoencoders have in common before and after they are fitted: settings, and what is learned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from models.autoencoder.scaling import Floats

if TYPE_CHECKING:
    from models.autoencoder.trainer import EpochHook


class Learned:
    """What `fit` and `partial_fit` set."""

    WEIGHTS: ClassVar[tuple[str, ...]] = ("encoder", "encoder_bias", "decoder", "decoder_bias")
    """Names of the network's weights; as learned attributes they end in an underscore."""

    mean_: Floats
    """Training mean of the scaled counts, shape (n_tokens,)."""
    scale_: Floats
    """What log1p counts are divided by, shape (n_tokens,)."""
    encoder_: Floats
    """Shape (n_tokens, n_latents); starts as the transpose of `decoder_`."""
    encoder_bias_: Floats
    """Shape (n_latents,), for centred inputs."""
    decoder_: Floats
    """Shape (n_latents, n_tokens)."""
    decoder_bias_: Floats
    """Shape (n_tokens,), added to `mean_`."""
    n_features_in_: int
    """Number of tokens."""
    n_iter_: int
    """Epochs of `fit`, and calls of `partial_fit` since."""
    history_: list[float]
    """Held-out FVU after each epoch of `fit`."""
    measures_: dict[str, float | dict[str, float]]
    """`models.autoencoder.measures.measure` of the held-out rows of `fit`."""

    @property
    def learned(self) -> tuple[str, ...]:
        """Attributes that make up a fitted model, all ndarrays."""
        return ("mean_", "scale_", *(f"{name}_" for name in self.WEIGHTS))


@dataclass(kw_only=True, eq=False, repr=False)
class Settings(Learned):
    """The settings of all; a variant adds its own, and their limits."""

    LIMITS: ClassVar[Mapping[str, tuple[float, float]]] = {
        "n_latents": (1, 2**15 - 1),
        "dropout": (0, 0.95),
        "noise": (0, math.inf),
        "scale_floor": (0, math.inf),
        "scale_cap": (1e-6, math.inf),
        "learning_rate": (1e-9, 10),
        "batch_size": (1, math.inf),
        "max_epochs": (1, math.inf),
        "patience": (1, math.inf),
        "tol": (0, math.inf),
        "validation_fraction": (0, 0.9),
        "click_weight": (0, math.inf),
    }
    """Least and largest value of each setting, both allowed."""

    n_latents: int = 32
    """Width of the code."""
    value_bits: int = 8
    """What a value of a code takes: 8, or 16 for float16. See `models.autoencoder.rounding`."""
    dropout: float = 0.0
    """Share of a training row's non-zeros that are hidden from the encoder and still have to be rebuilt: masking noise
    (Vincent et al. 2010, "Stacked denoising autoencoders")."""
    noise: float = 0.0
    """Standard deviation of Gaussian noise that the encoder sees added to all scaled counts of a training row, and that
    is not to be rebuilt (same source)."""
    scale_floor: float = 0.5
    """See `models.autoencoder.scaling.fit_scaling`."""
    scale_cap: float = 10.0
    """See `models.autoencoder.scaling.fit_scaling`."""
    learning_rate: float = 4e-3
    """Of Adam."""
    batch_size: int = 512
    """Rows a step."""
    max_epochs: int = 60
    """Most passes of `fit` over the rows."""
    patience: int = 3
    """`fit` stops after so many epochs in a row without progress, and keeps the last epoch that made some."""
    tol: float = 1e-3
    """How far an epoch must go below the held-out FVU of the one that is kept to count as progress; with
    `click_weight`, below the sum of FVU and the held-out loss of clicks."""
    validation_fraction: float = 0.1
    """Share of the rows of `fit` that are held out; with 0, FVU is measured on the training rows."""
    click_weight: float = 0.0
    """What telling clicks weighs beside the network's own loss: the loss of
    `models.autoencoder.networks.click_head.ClickHead` on the codes is added so many times. With 0, `y` is not looked
    at."""
    n_threads: int | None = 1
    """Threads of PyTorch while fitting, encoding and rebuilding; None leaves them as they are. Other thread counts can
    give other weights. At widths below some hundred latents, one thread is as fast as several."""
    device: str = "auto"
    """Where `fit` computes: a name that PyTorch knows, or ``auto`` for the GPU where there is one. Only on a CPU does
    the same seed give the same weights to the bit."""
    random_state: int | np.random.RandomState | None = 0
    """For initial weights, held-out rows, order of the rows, and noise."""
    on_epoch: EpochHook | None = None
    """``on_epoch(epoch, fvu)`` after each epoch of `fit`, and ``on_epoch(epoch, None)`` after each of pre-training, for
    progress."""

    def check_settings(self) -> None:
        """Raise ValueError where a setting is out of its limits."""
        for name, (low, high) in self.LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}, expected {low} to {high}")
        if self.value_bits not in (8, 16):
            raise ValueError(f"value_bits is {self.value_bits}, expected 8 or 16")
