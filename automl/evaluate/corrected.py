"""The score of a model that was chosen among others, corrected for the choice."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl.core import Array, Metric, NoModelError
from automl.ensemble import distinct, greedy, shortlist, single_losses
from automl.evaluate.influence import held_out_losses, row_losses
from automl.metrics import as_named

__all__ = ["LEAST_REPLICATES", "REPLICATES", "Optimism", "selection_optimism"]

REPLICATES = 60
LEAST_REPLICATES = 50
STEPS = 12  # of a repeated selection: all 25 correct by as much (AUC .0373 against .0379), in 1.7 times the time


@dataclass(frozen=True)
class Optimism:
    """How much better a chosen model looks on the rows that chose it than on others.

    Parameters
    ----------
    losses : tuple of float
        To be added to the loss under each metric; 0 where nothing was found out.
    errors : tuple of float
        Their standard errors where losses have no bounds, so that a correction may be owed to a few rows; else 0.
    method : str
        ``"ensemble"``: the whole selection was repeated. ``"single"``: only the choice of the best single candidate,
        for want of time. ``"none"``: nothing was.
    replicates : int
    """

    losses: tuple[float, ...]
    errors: tuple[float, ...]
    method: str
    replicates: int


def selection_optimism(
    stack: Array,
    chosen: Array,
    y: Array,
    metrics: Sequence[Metric],
    *,
    families: Sequence[Hashable] | None = None,
    weights: Array | None = None,
    folds: Array | None = None,
    clusters: Array | None = None,
    n_rows: int | None = None,
    size: int = 25,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> Optimism:
    """Repeat a selection on bootstrap samples and compare, on the rows left out, what it chooses with what was chosen.

    This is the bootstrap bias-corrected cross-validation of Tsamardinos, Greasidou and Borboudakis (2018), for an
    ensemble: of each sample the best candidates are short-listed and an ensemble is selected greedily. Its mean score
    on the rows left out is the corrected score; the model chosen on all rows, scored on the same rows left out, takes
    the noise of the draws off. There are no fits.

    Parameters
    ----------
    stack : ndarray of shape (m, n, K) or (m, n)
        Out-of-fold predictions of all candidates that there were to choose from.
    chosen : ndarray of shape (n, K) or (n,)
        Out-of-fold predictions of the model chosen.
    metrics : sequence of Metric
        The first one chooses; all are corrected.
    clusters : ndarray of shape (n,), optional
        Rows that are drawn together: groups, blocks of time, the same row scored twice.
    n_rows : int, optional
        Rows that the real selection looked at, where these are a sample of them.
    stop : callable, optional
        Asked before each replicate. With fewer than 50 the best single candidate's optimism stands in.
    """
    zeros = (0.0,) * len(metrics)
    nothing = Optimism(zeros, zeros, "none", 0)
    if len(stack) < 2:
        return nothing
    draws = _Draws(stack, chosen, y, tuple(metrics), weights, folds, clusters, seed)
    stop = stop or _never
    order = np.argsort(single_losses(stack, y, as_named(metrics[0]), weights, stop), kind="stable")
    order = distinct(stack, order)
    draws = replace(draws, stack=stack[order])  # candidate 0 is the best single one
    kinds = None if families is None else [families[i] for i in order]
    singles = list(draws.singles(stop))
    if len(singles) < LEAST_REPLICATES:
        return nothing
    by_row = _ByRow(draws)
    options: dict[str, Any] = {"families": kinds, "n_rows": n_rows or len(y), "size": min(size, STEPS), "stop": stop}
    found = [draws.ensemble(at, one, by_row, **options) for at, one in _until(stop, singles)]
    if len(found) >= LEAST_REPLICATES:
        return _mean(found, "ensemble", nothing, by_row)
    by_row = _ByRow(draws)
    return _mean([draws.best_single(at, one, by_row) for at, one in enumerate(singles)], "single", nothing, by_row)


def _never() -> bool:
    return False


def _until(stop: Callable[[], bool], items: Sequence[Array]) -> Iterator[tuple[int, Array]]:
    for place, item in enumerate(items):
        if stop():
            return
        yield place, item


def _mean(found: Sequence[Array], method: str, nothing: Optimism, by_row: _ByRow) -> Optimism:
    """Average over the replicates in which the metric was defined; a correction never makes a score better."""
    table = np.array(found)
    defined = table[np.isfinite(table[:, 0])]
    if len(defined) < len(table) / 2:
        return nothing
    with np.errstate(invalid="ignore"):
        means = [
            float(column[np.isfinite(column)].mean()) if np.isfinite(column).any() else 0.0 for column in defined.T
        ]
    return Optimism(tuple(max(0.0, mean) for mean in means), by_row.errors(), method, len(defined))


@dataclass(frozen=True)
class _Draws:
    """Bootstrap samples of the rows, and what is selected on each."""

    stack: Array
    chosen: Array
    y: Array
    metrics: tuple[Metric, ...]
    weights: Array | None
    folds: Array | None
    clusters: Array | None
    seed: int

    def times(self, replicate: int) -> Array:
        """Return how often each row is drawn: whole clusters, every class with its share."""
        rng = np.random.default_rng([self.seed, 3, replicate])
        if self.clusters is None:
            firsts = of_row = np.arange(len(self.y))
        else:
            _, firsts, of_row = np.unique(self.clusters, return_index=True, return_inverse=True)
        drawn = np.zeros(len(firsts), dtype=np.intp)
        for units in self._strata(firsts, of_row):
            np.add.at(drawn, units[rng.integers(0, len(units), len(units))], 1)
        return drawn[of_row]

    def _strata(self, firsts: Array, of_row: Array) -> list[Array]:
        """Return the clusters by class, where all rows of each have the same."""
        codes = self.y[firsts]
        if self.metrics[0].needs == "value" or (codes[of_row] != self.y).any():
            return [np.arange(len(firsts))]
        return [np.flatnonzero(codes == code) for code in np.unique(codes)]

    def _take(self, rows: Array) -> tuple[Array, Array | None, Array | None]:
        return (
            self.y[rows],
            None if self.weights is None else self.weights[rows],
            None if self.folds is None else self.folds[rows],
        )

    def singles(self, stop: Callable[[], bool]) -> Iterator[Array]:
        """Yield the loss of each candidate alone on each sample."""
        for replicate in range(REPLICATES):
            if stop():
                return
            rows = np.repeat(np.arange(len(self.y)), self.times(replicate))
            y, weights, _ = self._take(rows)
            yield single_losses(self.stack[:, rows], y, as_named(self.metrics[0]), weights, stop)

    def ensemble(
        self,
        replicate: int,
        singles: Array,
        by_row: _ByRow,
        *,
        families: Sequence[Hashable] | None,
        n_rows: int,
        size: int,
        stop: Callable[[], bool],
    ) -> Array:
        """Select on one sample; return how much worse that is on the rows left out than the model chosen."""
        times = self.times(replicate)
        rows = np.repeat(np.arange(len(self.y)), times)
        order = np.argsort(singles, kind="stable")[: int(np.isfinite(singles).sum())]
        kept = shortlist(order, n_rows, families)
        y, weights, _ = self._take(rows)
        try:
            # asked inside only where one step may take long: what is cut short there says less than the others
            asked = None if self.metrics[0].builtin else stop
            offered = self.stack[kept][:, rows]
            selection = greedy(offered, y, self.metrics[0], weights=weights, size=size, stop=asked, coarse=True)
        except NoModelError:  # not defined on this sample
            return np.full(len(self.metrics), np.nan)
        left_out = np.flatnonzero(times == 0)
        members = selection.weights > 0
        there = np.tensordot(selection.weights[members], self.stack[kept[members]][:, left_out], axes=1)
        return self._worse(there, self.chosen[left_out], left_out, by_row)

    def best_single(self, replicate: int, singles: Array, by_row: _ByRow) -> Array:
        """Return how much worse the best of one sample is on the rows left out than the best of all rows."""
        left_out = np.flatnonzero(self.times(replicate) == 0)
        if not np.isfinite(singles).any():
            return np.full(len(self.metrics), np.nan)
        return self._worse(self.stack[np.nanargmin(singles)][left_out], self.stack[0][left_out], left_out, by_row)

    def _worse(self, here: Array, there: Array, rows: Array, by_row: _ByRow) -> Array:
        if not rows.size:
            return np.full(len(self.metrics), np.nan)
        y, weights, folds = self._take(rows)
        pair = np.stack([here, there])
        by_row.add(pair, rows)
        losses = np.array([held_out_losses(metric, y, pair, weights, folds) for metric in self.metrics])
        return np.asarray(losses[:, 0] - losses[:, 1])


class _ByRow:
    """How much worse each row fares, on average over the samples that leave it out, where the loss is a mean of rows.

    The standard error of a correction is that of the mean of these (Efron and Tibshirani, 1997, section 4).
    """

    def __init__(self, draws: _Draws) -> None:
        self._draws = draws
        self._sums = np.zeros((len(draws.metrics), len(draws.y)))
        self._counts = np.zeros(len(draws.y))

    def add(self, pair: Array, rows: Array) -> None:
        self._counts[rows] += 1.0
        for sums, metric in zip(self._sums, self._draws.metrics, strict=True):
            found = row_losses(metric, self._draws.y[rows], pair)
            if found is not None:
                sums[rows] += found[0] - found[1]

    def errors(self) -> tuple[float, ...]:
        draws = self._draws
        means = self._sums / np.maximum(self._counts, 1.0)
        weights = np.ones(len(draws.y)) if draws.weights is None else draws.weights
        weights = weights / weights.sum()
        parts = weights * (means - (means @ weights)[:, None])
        of_row = (
            np.arange(len(draws.y)) if draws.clusters is None else np.unique(draws.clusters, return_inverse=True)[1]
        )
        units = int(of_row.max()) + 1
        sums = np.array([np.bincount(of_row, part, minlength=units) for part in parts])
        return tuple(float(error) for error in np.sqrt((sums**2).sum(axis=1) * units / max(units - 1, 1)))
