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
_CELLS, _BINS = 2**14, 512  # of a coarse search: equal cells of the view's range, joined to bins of as many scores


class Steps(Protocol):
    """The running sum of the members chosen so far."""

    def losses(self, among: Array, stop: Callable[[], bool]) -> Array | None:
        """Return the loss with each of these candidates added; None if stopped before the end."""
        ...

    def add(self, candidate: int) -> None: ...


def open_steps(kernel: Kernel, y: Array, stack: Array, weights: Array | None, *, coarse: bool = False) -> Steps:
    """Return the fastest way to take steps under this kernel.

    Parameters
    ----------
    coarse : bool
        Whether scores that lie close together may count as equal.
    """
    with np.errstate(over="ignore"):
        view = kernel.view(y, stack)
        if np.asarray(y).dtype.kind != "f":  # values may lie far from zero, probabilities do not
            view = view.astype(np.float32, copy=False)
    if kernel.quadratic:
        return _Squares(view, weights)
    if coarse and kernel.area and np.isfinite(view).all() and 0 < (y == 1).sum() < len(y):
        return _Areas(y == 1, view, weights)
    return _Views(kernel, y, view, weights)


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
            block *= block.dtype.type(1.0 / (self._size + 1))
            losses[start : start + self._step] = self._kernel.losses(self._y, block, self._weights)
        return losses

    def add(self, candidate: int) -> None:
        self._total += self._view[candidate]
        self._size += 1


class _Areas:
    """Areas under the ROC curve from counts in bins, without sorting; scores in one bin count as equal."""

    def __init__(self, positive: Array, view: Array, weights: Array | None) -> None:
        order = np.argsort(~positive, kind="stable")  # class 1 first
        self._positives = int(positive.sum())
        low, high = float(view.min()), float(view.max())
        self._view = (view[:, order] - np.float32(low)) * np.float32((_CELLS - 1) / max(high - low, 1e-12))
        counts = np.bincount(self._view.astype(np.intp).ravel(), minlength=_CELLS)
        below = np.cumsum(counts) - counts
        self._bin_of = np.minimum(below * _BINS // max(1, counts.sum()), _BINS - 1).astype(np.intp)
        self._weights = None if weights is None else weights[order]
        self._total = np.zeros_like(self._view[0])
        self._size = 0

    def losses(self, among: Array, stop: Callable[[], bool]) -> Array | None:
        mean = (self._view[among] + self._total) * np.float32(1.0 / (self._size + 1))
        bins = self._bin_of[np.clip(mean, 0.0, _CELLS - 1).astype(np.intp)]
        bins += _BINS * np.arange(len(among))[:, None]
        of_one, of_zero = self._mass(bins, slice(None, self._positives)), self._mass(bins, slice(self._positives, None))
        below = np.cumsum(of_zero, axis=1) - 0.5 * of_zero
        return np.asarray(-(of_one * below).sum(axis=1) / (of_one[0].sum() * of_zero[0].sum()))

    def _mass(self, bins: Array, rows: slice) -> Array:
        part = bins[:, rows]
        weights = None if self._weights is None else np.tile(self._weights[rows], len(part))
        return np.bincount(part.ravel(), weights, minlength=len(part) * _BINS).reshape(len(part), _BINS)

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
