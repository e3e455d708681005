"""One step of greedy selection: the loss of the present members together with each candidate, quickly.

Only the choice of the next member depends on these losses. They are computed in single precision and, for costly
metrics, on a sample of the rows; what is reported is always scored again in double precision on all rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from automl.core import Array
from automl.metrics import Kernel

__all__ = ["Steps", "open_steps", "sample_rows"]

_BLOCK = 2**16  # numbers scored at once, about what a core's cache holds


class Steps(Protocol):
    """The running sum of the members chosen so far."""

    def losses(self, among: Array, stop: Callable[[], bool]) -> Array | None:
        """Return the loss with each of these candidates added; None if stopped before the end."""
        ...

    def add(self, candidate: int) -> None: ...


def open_steps(kernel: Kernel, y: Array, stack: Array, weights: Array | None) -> Steps:
    """Return the fastest way to take steps under this kernel."""
    with np.errstate(over="ignore"):
        view = kernel.view(y, stack).astype(np.float32, copy=False)
    return _Squares(view, weights) if kernel.quadratic else _Views(kernel, y, view, weights)


class _Squares:
    """Losses that grow with a sum of squares need only the products of all pairs of candidates."""

    def __init__(self, view: Array, weights: Array | None) -> None:
        m, n = view.shape[:2]
        self._products = np.zeros((m, m))
        rows = max(1, 2**22 // view[:, 0].size)
        for start in range(0, n, rows):
            part = view[:, start : start + rows].astype(np.float64)
            if weights is not None:
                part *= np.sqrt(weights[start : start + rows]).reshape(1, -1, *[1] * (view.ndim - 2))
            part = part.reshape(m, -1)
            self._products += part @ part.T
        self._with_sum = np.zeros(m)
        self._sum = 0.0
        self._size = 0

    def losses(self, among: Array, stop: Callable[[], bool]) -> Array | None:
        own = self._products[among, among]
        return np.asarray((self._sum + 2.0 * self._with_sum[among] + own) / (self._size + 1) ** 2)

    def add(self, candidate: int) -> None:
        self._sum += 2.0 * self._with_sum[candidate] + self._products[candidate, candidate]
        self._with_sum += self._products[candidate]
        self._size += 1


class _Views:
    """Any other kernel scores the mean view, block by block."""

    def __init__(self, kernel: Kernel, y: Array, view: Array, weights: Array | None) -> None:
        self._kernel, self._y, self._weights = kernel, y, weights
        self._view = np.ascontiguousarray(view)
        self._total = np.zeros_like(self._view[0])
        self._size = 0
        self._step = max(1, _BLOCK // max(1, self._total.size))

    def losses(self, among: Array, stop: Callable[[], bool]) -> Array | None:
        losses = np.empty(len(among))
        for start in range(0, len(among), self._step):
            if start and stop():
                return None
            block = self._view[among[start : start + self._step]]
            block += self._total
            block *= np.float32(1.0 / (self._size + 1))
            losses[start : start + self._step] = self._kernel.losses(self._y, block, self._weights)
        return losses

    def add(self, candidate: int) -> None:
        self._total += self._view[candidate]
        self._size += 1


def sample_rows(y: Array, size: int, rng: np.random.Generator, *, classifies: bool) -> Array:
    """Return ``size`` sorted rows, every class with its share and at least one row; all rows where there are fewer."""
    if len(y) <= size:
        return np.arange(len(y))
    if not classifies:
        return np.sort(rng.choice(len(y), size, replace=False))
    order = rng.permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]  # class by class, shuffled inside
    picked = order[np.floor((np.arange(size) + rng.random()) * len(y) / size).astype(np.intp)]
    firsts = order[np.unique(y[order], return_index=True)[1]]
    return np.unique(np.concatenate((picked, firsts)))
