"""How many threads LightGBM takes: a number of the whole process, which must not change while anything is fitted.

What is being fitted holds a buffer for each thread. A data set or a prediction elsewhere in the process that names no
number, or another one, changes it for all, and compiled code then reads and writes beyond its buffers. See
``num_threads`` in LightGBM's documentation.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import lightgbm


@contextmanager
def at_most(n_threads: int) -> Iterator[None]:
    """Let LightGBM take no more threads, whatever it is asked for; with one, its number of threads cannot change."""
    set_most = lightgbm.basic._LIB.LGBM_SetMaxThreads  # type: ignore[attr-defined]
    set_most(ctypes.c_int(n_threads))
    try:
        yield
    finally:
        set_most(ctypes.c_int(-1))
