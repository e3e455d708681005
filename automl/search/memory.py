"""Memory of a fit: what it takes at most, how many workers it has room for, what a fold will take."""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable
from typing import Any

from automl.core import Config, Executor
from automl.data import Container, Dataset
from automl.search.cost import kind_of
from automl.space import Catalog

__all__ = ["MemoryModel", "PeakMemory", "own_mb", "table_mb", "workers_with_room"]

LOOK_SECONDS = 0.2
WORKER_MB = 300.0  # libraries, and what a small job takes
COPIES = 5  # of the table in a worker: its training rows, those it stops on apart, and steps of the preparation
RECENT = 12
UNMEASURED = 2.0  # times the limit that a kind of pipeline must be expected to take before it was ever tried
OVER = 1.5  # times the limit that a fold which was killed at it counts as


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


class MemoryModel:
    """Predicts the megabytes that a worker takes for a fold, and refuses what would not fit.

    What is known from other tables is corrected by the mean logarithm of measured / predicted, for the same kind
    of pipeline (recent folds only), else for all: how much larger this table is than those. Counted runs do not ask it.

    Parameters
    ----------
    catalog : Catalog
    known : callable of Config -> float, optional
        Megabytes of a worker, as known from other tables.
    """

    def __init__(self, catalog: Catalog, known: Callable[[Config], float] | None = None) -> None:
        self._catalog = catalog
        self._known = None if known is None else functools.lru_cache(maxsize=10_000)(known)
        self._ratios: dict[tuple[str, ...], list[float]] = {}
        self._told: set[tuple[str, ...]] = set()

    def observe(self, config: Config, peak_mb: float, killed_at: float | None = None) -> None:
        """Learn what one fold took, or that it was killed at a limit."""
        mb = peak_mb if killed_at is None else OVER * max(peak_mb, killed_at)
        if mb > 0:
            self._ratios.setdefault(kind_of(config, self._catalog), []).append(math.log(mb / self._base(config)))

    def expected(self, config: Config) -> float:
        """Return the expected megabytes of a fold."""
        recent = self._ratios.get(kind_of(config, self._catalog), [])[-RECENT:]
        if not recent:
            means = [sum(values) / len(values) for values in self._ratios.values()]
            recent = means or [0.0]
        return self._base(config) * math.exp(sum(recent) / len(recent))

    def refusal(self, config: Config, limit_mb: float | None) -> str | None:
        """Return None where a fold is expected to stay below a limit, else why not; told once for each kind, then ''.

        In doubt, what was never tried fits.
        """
        kind = kind_of(config, self._catalog)
        margin = 1.0 if kind in self._ratios else UNMEASURED
        mb = self.expected(config)
        if limit_mb is None or mb <= margin * limit_mb:
            return None
        told, self._told = kind in self._told, self._told | {kind}
        return "" if told else f"{' on '.join(kind)} is not tried like this: about {mb:,.0f} MB of {limit_mb:,.0f} MB"

    def _base(self, config: Config) -> float:
        return WORKER_MB if self._known is None or not config.linear else max(self._known(config), 1.0)


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
