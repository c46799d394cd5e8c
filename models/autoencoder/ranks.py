"""What processes that train one autoencoder together agree on: sums, gradients, which latents fired."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")


class Ranks:
    """One process alone, with nobody to agree with; `GlooRanks` are several.

    All processes call the same methods in the same order, and are given the same.
    """

    size = 1
    """Number of processes."""
    rank = 0
    """Which of them this is, from 0."""

    def total(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Add up an array."""
        return values

    def largest(self, value: int) -> int:
        """Give the largest of a number."""
        return value

    def any(self, flags: Tensor) -> Tensor:
        """Tell which flags are set anywhere."""
        return flags

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by their mean."""

    def share(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by those of the first process."""

    def own(self, rng: np.random.Generator) -> np.random.Generator:
        """Give randomness that no other process has, from randomness that all have."""
        return rng if self.size == 1 else rng.spawn(self.size)[self.rank]


ALONE = Ranks()


class GlooRanks(Ranks):
    """The processes of `torch.distributed`, started by whoever runs this one, over sockets between CPUs.

    Use it in a ``with`` block, which leaves the group again.
    """

    def __enter__(self) -> GlooRanks:
        import torch.distributed as group

        # The first step of an optimiser imports it, and imported while a group stands it keeps that group for good:
        # the group's threads outlive destroy_process_group and abort the process when the interpreter goes.
        importlib.import_module("torch._dynamo")
        group.init_process_group("gloo")
        self.size, self.rank = group.get_world_size(), group.get_rank()
        return self

    def __exit__(self, *_: object) -> None:
        import torch.distributed as group

        group.destroy_process_group()

    def total(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Add up an array."""
        import torch
        import torch.distributed as group

        summed = torch.from_numpy(values.copy())
        group.all_reduce(summed)
        return np.asarray(summed.numpy())

    def largest(self, value: int) -> int:
        """Give the largest of a number."""
        return max(self.all_of(value))

    def any(self, flags: Tensor) -> Tensor:
        """Tell which flags are set anywhere."""
        import torch.distributed as group

        counted = flags.int()
        group.all_reduce(counted)
        return counted > 0

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by their mean, in one message."""
        import torch
        import torch.distributed as group

        own = list(tensors)
        flat = torch.cat([tensor.reshape(-1) for tensor in own])
        group.all_reduce(flat)
        means = torch.split(flat / self.size, [tensor.numel() for tensor in own])
        for tensor, mean in zip(own, means, strict=True):
            tensor.copy_(mean.view_as(tensor))

    def share(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by those of the first process."""
        import torch.distributed as group

        for tensor in tensors:
            group.broadcast(tensor, src=0)

    def all_of(self, value: T) -> list[T]:
        """Give the value of each process, in order."""
        import torch.distributed as group

        found: list[T] = [value] * self.size
        group.all_gather_object(found, value)
        return found
