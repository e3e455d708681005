"""Greedy ensemble selection with replacement (Caruana et al. 2004), cut at its best prefix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.core import Array, Metric, NoModelError
from automl.ensemble.steps import Steps, open_steps, sample_rows
from automl.metrics import KERNELS, NamedMetric, as_named

__all__ = ["Selection", "greedy", "never", "single_losses"]

COSTLY_ROWS = 20_000  # rows that steps of a costly metric look at
_FEWEST_ROWS = 2_000  # of them, with many classes
_TIE = 1e-7  # relative difference of losses below which two candidates are equally good


@dataclass(frozen=True)
class Selection:
    """A weighted ensemble.

    Parameters
    ----------
    weights : ndarray of shape (m,)
        Non-negative, sum 1.
    loss : float
        Loss of the weighted mean on all rows; never above that of the best single candidate.
    path : tuple of int
        Candidates in the order they were added, also beyond the best prefix.
    losses : tuple of float
        Loss on all rows after each addition.
    """

    weights: Array
    loss: float
    path: tuple[int, ...]
    losses: tuple[float, ...]


def never() -> bool:
    return False


def greedy(
    stack: Array,
    y: Array,
    metric: Metric,
    *,
    weights: Array | None = None,
    size: int = 25,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
    max_rows: int = COSTLY_ROWS,
    coarse: bool = False,
) -> Selection:
    """Add, ``size`` times, the candidate that lowers the loss of the mean most; keep the best prefix.

    Parameters
    ----------
    stack : ndarray of shape (m, n, K) or (m, n)
        Predictions of m candidates on the same rows. Candidates without a finite loss are ignored.
    size : int
        Steps, the first one (the best single candidate) included.
    stop : callable, optional
        Asked between steps, and inside slow ones; once it says True the best prefix so far is returned.
    max_rows : int
        Rows, sampled by class from ``seed``, on which steps of a costly metric (ranks, user code) are decided;
        fewer for more than two classes.
    coarse : bool
        Whether steps under an area below a curve may count scores that lie close together as equal: for selections
        that are repeated many times.

    Notes
    -----
    Ties go to a present member, then (label metrics) to the lower log loss, then to the earlier candidate.

    Examples
    --------
    >>> import numpy as np
    >>> from automl.ensemble import greedy
    >>> from automl.metrics import get_metric
    >>> stack = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0], [9.0, 9.0, 9.0]])
    >>> selection = greedy(stack, np.array([2.0, 2.0, 2.0]), get_metric("mse", task="regression"))
    >>> selection.weights, selection.loss
    (array([0.5, 0.5, 0. ]), 0.0)
    """
    if size < 1:
        raise ValueError(f"size must be at least 1, not {size}")
    named, stop = as_named(metric), stop or never
    y, stack, weights = _with_weight(y, stack, weights)
    singles = single_losses(stack, y, named, weights, stop)
    alive = np.flatnonzero(np.isfinite(singles))
    if not alive.size:
        raise NoModelError(
            f"none of {len(stack)} candidates has a {named.name} on these {len(y)} rows; "
            "look for missing predictions, or classes that are not there"
        )
    offered = stack if len(alive) == len(stack) else stack[alive]
    race = _Race(offered, y, named, weights, max_rows, seed, coarse)
    path = [race.pick(singles[alive], tie=0.0)]
    losses = [float(singles[alive][path[0]])]
    total = race.stack[path[0]].astype(np.float64)
    while len(path) < size and len(alive) > 1 and not stop():
        race.add(path[-1])
        steps = race.losses(stop)
        if steps is None or not np.isfinite(steps).any():
            break
        path.append(race.pick(steps))
        total += race.stack[path[-1]]
        losses.append(named.loss(y, total / len(path), weights))
    best = int(np.nanargmin(losses)) + 1
    counts = np.bincount(alive[path[:best]], minlength=len(stack))
    return Selection(counts / best, losses[best - 1], tuple(int(alive[i]) for i in path), tuple(losses))


def single_losses(
    stack: Array, y: Array, metric: NamedMetric, weights: Array | None, stop: Callable[[], bool]
) -> Array:
    """Return the loss of each candidate alone; user code is asked no further once stopped, which leaves NaN."""
    if metric.builtin:
        return metric.losses(y, stack, weights)
    losses = np.full(len(stack), np.nan)
    for i, prediction in enumerate(stack):
        losses[i] = metric.loss(y, prediction, weights)
        if np.isfinite(losses).any() and stop():
            break
    return losses


def _with_weight(y: Array, stack: Array, weights: Array | None) -> tuple[Array, Array, Array | None]:
    """Leave out rows of weight 0."""
    y, stack = np.asarray(y), np.asarray(stack)
    if weights is None:
        return y, stack, None
    weights = np.asarray(weights, dtype=np.float64)
    if (weights > 0).all():
        return y, stack, weights
    rows = np.flatnonzero(weights > 0)
    return y[rows], stack[:, rows], weights[rows]


class _Race:
    """The candidates, their next losses, and the tie rule."""

    def __init__(
        self,
        stack: Array,
        y: Array,
        metric: NamedMetric,
        weights: Array | None,
        max_rows: int,
        seed: int,
        coarse: bool,
    ) -> None:
        self.stack = stack
        self._all = np.arange(len(stack))
        self._members: set[int] = set()
        classifies = metric.needs != "value"
        rows: Any = slice(None)
        if classifies:  # the cost of a row grows with its classes
            max_rows = max(min(max_rows, _FEWEST_ROWS), 2 * max_rows // stack.shape[2])
        if metric.kernel.costly and len(y) > max_rows:
            rows = sample_rows(y, max_rows, np.random.default_rng(seed), classifies=classifies)
        self._data = (y[rows], stack[:, rows], None if weights is None else weights[rows])
        self._steps = open_steps(metric.kernel, *self._data, coarse=coarse)
        self._log_loss: Steps | None = None
        if metric.needs == "label" and stack.ndim == 3:
            self._log_loss = open_steps(KERNELS["log_loss"], *self._data)

    def add(self, candidate: int) -> None:
        self._members.add(candidate)
        self._steps.add(candidate)
        if self._log_loss is not None:
            self._log_loss.add(candidate)

    def losses(self, stop: Callable[[], bool]) -> Array | None:
        return self._steps.losses(self._all, stop)

    def pick(self, losses: Array, tie: float = _TIE) -> int:
        losses = np.where(np.isfinite(losses), losses, np.inf)
        least = losses.min()
        tied = np.flatnonzero(losses <= least + tie * abs(least))
        if len(tied) > 1 and self._members:
            members = [i for i in tied if i in self._members]
            tied = np.array(members) if members else tied
        if len(tied) > 1 and self._log_loss is not None:
            second = self._log_loss.losses(tied, never)
            return int(tied[np.argmin(second)]) if second is not None else int(tied[0])
        return int(tied[np.argmin(losses[tied])])
