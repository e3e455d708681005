"""Memory of a whole fit: what it takes at most, and how many workers it has room for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from automl.core import Executor
from automl.data import Container, Dataset

__all__ = ["PeakMemory", "own_mb", "table_mb", "workers_with_room"]

LOOK_SECONDS = 0.2
WORKER_MB = 300.0  # libraries, and what a small job takes
COPIES = 5  # of the table in a worker: its training rows, those it stops on apart, and steps of the preparation


class PeakMemory:
    """Watches, in a thread of its own, what this process and the workers of an executor take together.

    Pages that processes share are not counted, but for the mapped copy of the table, which is given as ``shared_mb``.
    """

    def __init__(self, executor: Executor) -> None:
        self.mb = 0.0
        self.shared_mb = 0.0
        self._workers_mb: Callable[[], float] = getattr(executor, "memory_mb", float)  # float() is 0.0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="automl-memory", daemon=True)

    def look(self) -> None:
        with self._lock:
            self.mb = max(self.mb, own_mb() + self._workers_mb() + self.shared_mb)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        self.look()
        while not self._ended.wait(LOOK_SECONDS):
            self.look()


def own_mb() -> float:
    """Return what this process takes, pages shared with others not counted."""
    import psutil

    info = psutil.Process().memory_info()
    return float(info.rss - getattr(info, "shared", 0)) / 1e6


def table_mb(dataset: Dataset) -> float:
    """Return the size of a table as a matrix of floats."""
    X: Any = dataset.X
    if dataset.schema.container is Container.SPARSE:
        return float(X.data.nbytes + X.indices.nbytes + X.indptr.nbytes) / 1e6
    cell = min(8, X.dtype.itemsize) if dataset.schema.container is Container.ARRAY else 8
    return dataset.n_rows * dataset.n_columns * cell / 1e6


def workers_with_room(wanted: int, limit_mb: float, table: float) -> int:
    """Return how many of the wanted workers fit beside this process and the shared copy of the table, at least one."""
    room = limit_mb - own_mb() - table
    return max(1, min(wanted, int(room / (WORKER_MB + COPIES * table))))
