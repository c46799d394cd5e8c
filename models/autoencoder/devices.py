"""Where PyTorch computes, and with how many threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def torch_device(name: str) -> torch.device:
    """Give the device of a name that PyTorch knows; ``auto`` is the GPU where there is one.

    Raises
    ------
    ValueError
        When it is a GPU, and there is none.
    """
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"device is {name}, and PyTorch finds no GPU here: expected cpu or auto")
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


@contextmanager
def torch_threads(n_threads: int | None) -> Iterator[None]:
    """Let PyTorch use `n_threads` inside the block (None: as many as it is set to), and put back what was."""
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
