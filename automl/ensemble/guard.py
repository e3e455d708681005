"""Choose an ensemble that also holds on rows it was not selected on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from automl.core import Array, Metric, NoModelError
from automl.ensemble.candidates import distinct, shortlist
from automl.ensemble.selection import greedy, never, single_losses
from automl.ensemble.steps import sample_rows
from automl.metrics import NamedMetric, as_named

__all__ = ["Choice", "select"]

METHODS = ("single", "top3", "shrunk", "greedy")  # simplest first
MAX_ROWS = 100_000  # rows that selection looks at
MAX_CELLS = 10**8  # numbers of the stack that it looks at
NESTED_ROWS = 10_000  # rows for the steps of a costly metric inside the nested check
_SPLITS = 5
_BAGS = 20
_BAG_BELOW = 1_000  # rows
_PRUNE = 0.03
_PRUNE_LOSS = 1e-4


@dataclass(frozen=True)
class Choice:
    """The ensemble to build.

    Parameters
    ----------
    weights : ndarray of shape (m,)
        Non-negative, sum 1.
    loss : float
        Loss of the weighted mean on the rows it was selected on: optimistic.
    method : str
        ``"single"``, ``"top3"`` (mean of the best three), ``"greedy"``, or ``"shrunk"`` (greedy, half way to uniform).
    nested : dict of str to float
        Mean loss of each method on rows that it was not selected on; empty where that was not found out.
    """

    weights: Array
    loss: float
    method: str
    nested: dict[str, float] = field(default_factory=dict)


def select(
    stack: Array,
    y: Array,
    metric: Metric,
    *,
    weights: Array | None = None,
    groups: Array | None = None,
    families: Sequence[Hashable] | None = None,
    size: int = 25,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> Choice:
    """Select an ensemble out of m candidates, guarded against overfitting the selection.

    Copies leave, then all but the best 25 (fewer on few rows) and the best 2 of each family. Four methods are run on
    half of the rows and scored on the other half, five times; greedy selection is run on all rows, unless a simpler
    method was better there by more than one standard error. Below 1,000 rows greedy selection is averaged over 20
    bootstrap samples.
    Members with a weight below 3 % leave if the loss stays within a ten-thousandth.

    Parameters
    ----------
    stack : ndarray of shape (m, n, K) or (m, n)
        Out-of-fold predictions on scored rows; candidates that are not finite are ignored.
    groups : ndarray of shape (n,), optional
        Rows of a group stay together in every split and sample.
    families : sequence of length m, optional
        Model family of each candidate.
    stop : callable, optional
        Asked between steps; once it says True the best result that is ready is returned, at worst the best single.

    Raises
    ------
    NoModelError
        If no candidate has a finite loss.

    Examples
    --------
    >>> import numpy as np
    >>> from automl.ensemble import select
    >>> from automl.metrics import get_metric
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=2000)
    >>> stack = y + rng.normal(size=(8, 2000))
    >>> choice = select(stack, y, get_metric("rmse", task="regression"))
    >>> choice.loss < 0.5, bool(np.isclose(choice.weights.sum(), 1.0))
    (True, True)
    """
    named, stop = as_named(metric), stop or never
    table = _Rows.of(np.asarray(stack), np.asarray(y), weights, groups, named, seed)
    singles = single_losses(table.stack, table.y, named, table.weights, stop)
    order = np.argsort(singles, kind="stable")[: int(np.isfinite(singles).sum())]
    if not order.size:
        raise NoModelError(f"none of {len(table.stack)} candidates has a {named.name}; look for missing predictions")
    kept = order[:1] if stop() else shortlist(distinct(table.stack, order), len(table.y), families)
    table = table.candidates(kept)  # from here on, candidate 0 is the best single one
    # on all rows first: if the time ends during the nested scores, the selection itself is done
    methods = METHODS if len(kept) > 1 else METHODS[:1]
    found = _method_weights(table, named, methods, size, seed, stop, singles=singles[kept])
    nested = _nested(table, named, size, seed, stop) if len(kept) > 1 else {}
    method = _guarded(nested) if "greedy" in found else METHODS[0]
    inner, loss = _prune(table, named, found[method], stop)
    full = np.zeros(len(singles))
    full[kept] = inner
    return Choice(full, loss, method, {name: float(np.mean(losses)) for name, losses in nested.items()})


@dataclass(frozen=True)
class _Rows:
    """Candidates on some rows."""

    stack: Array
    y: Array
    weights: Array | None
    groups: Array | None

    @classmethod
    def of(
        cls, stack: Array, y: Array, weights: Array | None, groups: Array | None, metric: NamedMetric, seed: int
    ) -> _Rows:
        """Return the rows with weight, at most 100,000 and fewer for very large stacks."""
        table = cls(stack, y, weights if weights is None else np.asarray(weights, dtype=np.float64), groups)
        if table.weights is not None and (table.weights <= 0).any():
            table = table.rows(np.flatnonzero(table.weights > 0))
        most = min(MAX_ROWS, max(1_000, MAX_CELLS * max(len(y), 1) // max(stack.size, 1)))
        if len(table.y) <= most:
            return table
        rng = np.random.default_rng([seed, 0])
        return table.rows(sample_rows(table.y, most, rng, classifies=metric.needs != "value"))

    def rows(self, index: Array) -> _Rows:
        def take(values: Array | None) -> Array | None:
            return None if values is None else np.asarray(values)[index]

        return _Rows(self.stack[:, index], self.y[index], take(self.weights), take(self.groups))

    def candidates(self, index: Array) -> _Rows:
        return _Rows(self.stack[index], self.y, self.weights, self.groups)

    def mix(self, weights: Array) -> Array:
        """Return the predictions of weighted means, shape (len(weights), n[, K])."""
        members = np.flatnonzero(weights.any(axis=0))
        return np.tensordot(weights[:, members], self.stack[members], axes=1)


def _method_weights(
    table: _Rows,
    metric: NamedMetric,
    methods: Sequence[str],
    size: int,
    seed: int,
    stop: Callable[[], bool],
    max_rows: int | None = None,
    singles: Array | None = None,
) -> dict[str, Array]:
    """Run methods on these rows, given the loss of each candidate alone if known; leave out those without result."""
    if singles is None:
        singles = single_losses(table.stack, table.y, metric, table.weights, stop)
    order = np.argsort(singles, kind="stable")[: int(np.isfinite(singles).sum())]
    found: dict[str, Array] = {}
    for name, count in (("single", 1), ("top3", 3)):
        if order.size:
            found[name] = np.bincount(order[:count], minlength=len(singles)) / min(count, order.size)
    if "greedy" in methods or "shrunk" in methods:
        best = _bagged(table, metric, size, seed, stop, max_rows)
        if best is not None:
            found["greedy"] = best
            found["shrunk"] = 0.5 * best + 0.5 * (best > 0) / (best > 0).sum()
    return {name: found[name] for name in METHODS if name in methods and name in found}


def _bagged(
    table: _Rows, metric: NamedMetric, size: int, seed: int, stop: Callable[[], bool], max_rows: int | None
) -> Array | None:
    """Select greedily; on few rows, average over bootstrap samples."""
    options: dict[str, Any] = {} if max_rows is None else {"max_rows": max_rows}
    if len(table.y) >= _BAG_BELOW:
        samples = iter([table])
    else:
        rng = np.random.default_rng([seed, 1])
        samples = (table.rows(_bootstrap(table, rng)) for _ in range(_BAGS))
    found = []
    for sample in samples:
        try:
            selection = greedy(
                sample.stack, sample.y, metric, weights=sample.weights, size=size, seed=seed, stop=stop, **options
            )
        except NoModelError:  # a sample on which the metric is not defined
            continue
        found.append(selection.weights)
        if stop():
            break
    return np.mean(found, axis=0) if found else None


def _units(table: _Rows) -> tuple[Array, int]:
    """Return what is drawn as a whole, rows or groups: its number for each row, and how many there are."""
    if table.groups is None:
        return np.arange(len(table.y)), len(table.y)
    names, of_row = np.unique(table.groups, return_inverse=True)
    return of_row, len(names)


def _bootstrap(table: _Rows, rng: np.random.Generator) -> Array:
    of_row, n = _units(table)
    return np.repeat(np.arange(len(of_row)), np.bincount(rng.integers(0, n, n), minlength=n)[of_row])


def _halves(table: _Rows, rng: np.random.Generator, *, classifies: bool) -> tuple[Array, Array]:
    """Split the rows at random: groups whole, or else every class in halves."""
    of_row, n = _units(table)
    order = rng.permutation(n)
    if table.groups is None and classifies:
        order = order[np.argsort(table.y[order], kind="stable")]
    side = np.zeros(n, dtype=bool)
    side[order[rng.integers(0, 2) :: 2]] = True
    return np.flatnonzero(side[of_row]), np.flatnonzero(~side[of_row])


def _nested(
    table: _Rows, metric: NamedMetric, size: int, seed: int, stop: Callable[[], bool]
) -> dict[str, list[float]]:
    """Return the losses of each method on the other half of the rows, split by split; empty with fewer than two."""
    found: dict[str, list[float]] = {name: [] for name in METHODS}
    for here, there in _splits(table, metric, seed):
        if stop():
            break
        by_method = _method_weights(table.rows(here), metric, METHODS, size, seed, stop, NESTED_ROWS)
        if stop() or len(by_method) < len(METHODS):
            continue
        other = table.rows(there)
        losses = metric.losses(other.y, other.mix(np.array(list(by_method.values()))), other.weights)
        if np.isfinite(losses).all():
            for name, loss in zip(by_method, losses, strict=True):
                found[name].append(float(loss))
    return found if len(found["single"]) > 1 else {}


def _splits(table: _Rows, metric: NamedMetric, seed: int) -> Iterator[tuple[Array, Array]]:
    rng = np.random.default_rng([seed, 2])
    for _ in range(_SPLITS):
        here, there = _halves(table, rng, classifies=metric.needs != "value")
        if here.size and there.size:
            yield here, there


def _guarded(nested: dict[str, list[float]]) -> str:
    """Return greedy selection, unless a simpler method is better by more than one standard error (paired).

    The other way round (the simplest within one standard error) is too timid: five splits are noisy, and on real
    tables greedy selection beats the single best far more often than not.
    """
    if not nested:
        return METHODS[-1]
    best = min(nested, key=lambda name: np.mean(nested[name]))
    behind = np.array(nested[METHODS[-1]]) - np.array(nested[best])
    return best if behind.mean() > behind.std(ddof=1) / np.sqrt(len(behind)) else METHODS[-1]


def _prune(table: _Rows, metric: NamedMetric, weights: Array, stop: Callable[[], bool]) -> tuple[Array, float]:
    """Leave out members below 3 %, lightest first, as long as the loss stays within a ten-thousandth."""

    def loss_of(mixture: Array) -> float:
        return float(metric.losses(table.y, table.mix(mixture[None]), table.weights)[0])

    loss = loss_of(weights)
    allowed = loss + _PRUNE_LOSS * abs(loss)
    for light in np.argsort(weights, kind="stable"):
        if weights[light] == 0.0:
            continue
        if weights[light] >= _PRUNE or stop():
            break
        slim = weights.copy()
        slim[light] = 0.0
        slim /= slim.sum()
        slim_loss = loss_of(slim)
        if slim_loss <= allowed:
            weights, loss = slim, slim_loss
    return weights, loss
