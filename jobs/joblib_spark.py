"""joblib's Spark backend: what a library gives to joblib's workers runs in Spark tasks, large arrays sent once."""

from __future__ import annotations

import io
import pickle
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from joblib import parallel_config
from joblibspark.backend import SparkDistributedBackend
from numpy.typing import NDArray
from pyspark import Broadcast, SparkContext, cloudpickle

from jobs.errors import Failed

LARGE_BYTES = 2**15
"""Arrays from this size on go by broadcast."""


@contextmanager
def on_executors() -> Iterator[BroadcastBackend]:
    """Run what asks joblib for workers inside the context in tasks of the active Spark session.

    Raises
    ------
    Failed
        When a task fails for good.
    """
    with warnings.catch_warnings():
        # joblibspark's says the contrary of what it found, PySpark's is about the tags of Spark Connect: no news, both.
        warnings.filterwarnings("ignore", message="Spark (version|local mode|session) ", category=UserWarning)
        backend = BroadcastBackend()
        with parallel_config(backend=backend):
            yield backend


class BroadcastBackend(SparkDistributedBackend):  # type: ignore[misc]
    """joblibspark pickles each call with all its arguments: of a forest, all rows with each tree."""

    sent_bytes = 0
    """What each executor got so far by broadcast."""

    def start_call(self) -> None:
        """Begin a loop of calls."""
        self._sent: dict[int, tuple[NDArray[Any], Broadcast[Any]]] = {}
        super().start_call()

    def submit(self, func: Callable[[], Any], callback: Callable[[Any], None] | None = None) -> Any:
        """Run some calls as a Spark job of one task; joblib lets one thread at a time in here."""
        return super().apply_async(Parcel(func, self._send), callback)

    def retrieve_result(self, out: Any, timeout: float | None = None) -> list[Any]:
        """Give what the calls gave; joblibspark hands on an error as if it were that."""
        found = super().retrieve_result(out, timeout)
        if isinstance(found, list):
            return found
        raise Failed(f"fitting on executors: {_in_one_line(found.exc)}") from found.exc

    def stop_call(self) -> None:
        """Free the arrays of the loop, here and on the executors."""
        super().stop_call()
        for _, broadcast in self._sent.values():
            broadcast.destroy()
        self._sent = {}

    def _send(self, array: NDArray[Any]) -> Broadcast[Any]:
        if id(array) not in self._sent:  # which keeps the array, so that its id stays its own
            context = SparkContext.getOrCreate()
            self._sent[id(array)] = array, context.broadcast(array)
            self.sent_bytes += array.nbytes
        return self._sent[id(array)][1]


class Parcel:
    """A function, pickled but for its large arrays."""

    def __init__(self, func: Callable[[], Any], send: Callable[[NDArray[Any]], Broadcast[Any]]) -> None:
        content = io.BytesIO()
        pickler = _Pickler(content)
        pickler.dump(func)  # type: ignore[no-untyped-call]
        self._content = content.getvalue()
        self._arrays = {number: send(array) for number, array in pickler.large.items()}

    def __call__(self) -> Any:
        """Call the function, where the arrays have come to."""
        return _Unpickler(self._content, self._arrays).load()()


class _Pickler(cloudpickle.Pickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)  # type: ignore[no-untyped-call]
        self.large: dict[int, NDArray[Any]] = {}

    def persistent_id(self, one: object) -> int | None:
        """Give the number of what stays out of the pickle."""
        if not isinstance(one, np.ndarray) or one.nbytes < LARGE_BYTES:
            return None
        self.large[id(one)] = one
        return id(one)


class _Unpickler(pickle.Unpickler):
    def __init__(self, content: bytes, arrays: Mapping[int, Broadcast[Any]]) -> None:
        super().__init__(io.BytesIO(content))
        self._arrays = arrays

    def persistent_load(self, number: int) -> Any:
        """Give what the number stands for."""
        return self._arrays[number].value


def _in_one_line(error: BaseException) -> str:
    """Give the last line of what Spark says before it comes to the JVM's stack."""
    before = re.split(r"\n\s+at |\nDriver stacktrace", str(error))[0]
    told = [line.strip(": ") for line in before.splitlines() if line.strip(": ")]
    return told[-1] if told else type(error).__name__
