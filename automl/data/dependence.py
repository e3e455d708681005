"""Rows that are not independent of each other: in the order of time, or in groups that belong together."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array
from automl.data.dataset import Column, Container, Dataset, Kind
from automl.data.dates import seconds

__all__ = ["Bond", "RowOrder", "bonded_columns", "row_order"]

_ROWS = 2_000
_MOST_COLUMNS = 30
_MOST_NAMES = 10
_LEAST_ROWS = 100
_LEAST_AUC = 0.6
_LEAST_CORRELATION = 0.1
_BINS = 16
_SURE = 4.0  # standard errors
_RUNS = 3  # times the classes: with fewer runs of equal labels the rows are sorted by the target, not by time
_SORTED = 0.99
_IDENTICAL = 0.9
_LEAST_GROUPS = 10
_LARGEST_GROUP = 50  # mean rows of a group
_SCANNED = 100_000
_IDENTIFYING = (Kind.NUMERIC, Kind.CATEGORICAL, Kind.HIGH_CARDINALITY, Kind.ID)


@dataclass(frozen=True)
class RowOrder:
    """How much the order of the rows tells.

    Parameters
    ----------
    auc : float
        Of telling, by the features, the first half of the rows from the second (a classifier two-sample test: Lopez-Paz
        and Oquab, 2017).
    correlation : float
        Of the target with that of the row before; of labels Cohen's kappa.
    rising : tuple
        Columns along which the rows are sorted.
    """

    auc: float
    correlation: float
    rising: tuple[Hashable, ...]


@dataclass(frozen=True)
class Bond:
    """A column whose equal values mark rows that are nearly the same: in the ``target``, or in the other columns."""

    column: Hashable
    groups: int
    target: bool


def row_order(dataset: Dataset) -> RowOrder | None:
    """Return how much the order of the rows tells, if features and target both follow it.

    Looks at 2,000 rows. The halves are taken within each class, so that rows sorted by class are no finding; a table
    that is sorted by its target never is one.
    """
    n = dataset.n_rows
    if n < _LEAST_ROWS or _sorted_by_target(dataset):
        return None
    scanned = np.arange(min(n, _SCANNED))
    correlation = _alike(dataset, scanned, scanned[:-1], scanned[1:])
    if not correlation > max(_LEAST_CORRELATION, _SURE / np.sqrt(len(scanned))):
        return None
    rows = np.linspace(0, n - 1, min(n, _ROWS)).astype(np.int64)
    columns = list(_columns(dataset, rows))
    auc = _tell_apart([values for _, values in columns], _later(dataset, rows))
    if not auc > max(_LEAST_AUC, 0.5 + _SURE / np.sqrt(3 * len(rows) / 2)):  # half of the rows are judged
        return None
    return RowOrder(auc, correlation, tuple(column.name for column, values in columns if _rises(column, values)))


def bonded_columns(dataset: Dataset, skip: Collection[Hashable] = ()) -> tuple[Bond, ...]:
    """Return the columns that look like the names of things with several rows each.

    Such a column has at least 10 values, of 2 to 50 rows on average, and rows of equal value agree in half of the other
    columns nearly always, or in the target (categories only: a number may simply be a good feature). Looks at up to
    2,000 rows for each of at most 10 columns, categories first.
    """
    n = min(dataset.n_rows, _SCANNED)
    if n < _LEAST_ROWS or dataset.schema.container is Container.SPARSE:
        return ()
    least = max(_LEAST_GROUPS, n / _LARGEST_GROUP)
    names = [c for c in dataset.schema.of(*_IDENTIFYING) if least <= c.n_unique <= n / 2 and c.name not in skip]
    names.sort(key=lambda column: column.kind is Kind.NUMERIC)
    return tuple(bond for column in names[:_MOST_NAMES] for bond in _bonds(dataset, column, n))


def _sorted_by_target(dataset: Dataset) -> bool:
    steps = np.diff(dataset.y)
    if dataset.task.classifies:
        return int(np.count_nonzero(steps)) < _RUNS * dataset.n_classes
    return bool(max((steps >= 0).mean(), (steps <= 0).mean()) > _SORTED)


def _alike(dataset: Dataset, rows: Array, one: Array, other: Array) -> float:
    """Return how alike the targets of pairs among some rows are: 0 as of strangers, 1 equal."""
    y = dataset.y[rows]
    return _agreement(y if dataset.task.classifies else _ranks(y), one, other, labels=dataset.task.classifies)


def _ranks(values: Array) -> Array:
    return np.searchsorted(np.sort(values), values)  # equal values have one rank


def _agreement(values: Array, one: Array, other: Array, *, labels: bool) -> float:
    if labels:
        shares = np.bincount(values) / len(values)
        chance = float(np.sum(shares**2))
        return float(((values[one] == values[other]).mean() - chance) / (1 - chance)) if chance < 1 else 0.0
    spread = 2 * float(np.var(values))
    return 1.0 - float(np.mean((values[one] - values[other]) ** 2)) / spread if spread > 0 else 0.0


def _later(dataset: Dataset, rows: Array) -> Array:
    """Return which rows are in the second half of their class."""
    y = dataset.y[rows] if dataset.task.classifies else np.zeros(len(rows), dtype=int)
    return np.asarray(pd.Series(np.arange(len(y))).groupby(y).rank(pct=True) > 0.5)


def _columns(dataset: Dataset, rows: Array) -> Iterator[tuple[Column, Array]]:
    """Yield columns with their values at some rows: numbers, or codes of levels."""
    columns = [c for c in dataset.schema.columns if c.kind not in (Kind.TEXT, Kind.CONSTANT)]
    for column in columns[:: max(1, -(-len(columns) // _MOST_COLUMNS))]:
        if dataset.schema.container is Container.FRAME:
            yield column, _values(dataset.X[column.name].iloc[rows], column)
        else:
            values = dataset.X[:, [column.name]][rows]
            yield column, np.asarray(values if isinstance(values, np.ndarray) else values.toarray()).ravel()


def _values(series: pd.Series[Any], column: Column) -> Array:
    if column.kind is Kind.DATE:
        return seconds(series, column)
    if column.numeric:
        return np.asarray(series.astype("float64"))
    try:
        return np.asarray(pd.factorize(series)[0])
    except TypeError:
        return np.asarray(pd.factorize(series.astype(str))[0])


def _rises(column: Column, values: Array) -> bool:
    """Whether the rows are sorted by a column of numbers or dates."""
    if column.kind not in (Kind.NUMERIC, Kind.DATE, Kind.ID) or values.dtype.kind != "f":
        return False
    steps = np.diff(values[np.isfinite(values)])
    rises, falls = np.count_nonzero(steps > 0), np.count_nonzero(steps < 0)
    return bool(rises >= _LEAST_GROUPS and rises > _SORTED * (rises + falls))


def _tell_apart(columns: list[Array], later: Array) -> float:
    """Return the AUC, on one half of the rows, of naive Bayes over binned columns learned on the other half."""
    order = np.random.default_rng(0).permutation(len(later))
    learn, check = order[: len(order) // 2], order[len(order) // 2 :]
    score = np.zeros(len(check))
    for values in columns:
        bins = _binned(values)
        counts = np.bincount(bins[learn] * 2 + later[learn], minlength=2 * (int(bins.max()) + 1)).reshape(-1, 2) + 1.0
        score += np.log(counts[bins[check], 1] / counts[bins[check], 0])
    ranks = np.asarray(pd.Series(score).rank())
    positive = int(later[check].sum())
    negative = len(check) - positive
    if not positive or not negative:
        return 0.5
    return float((ranks[later[check]].sum() - positive * (positive + 1) / 2) / (positive * negative))


def _binned(values: Array) -> Array:
    if values.dtype.kind != "f":
        return np.asarray(values - values.min())
    known = np.isfinite(values)
    bins = np.zeros(len(values), dtype=np.int64)
    if known.any():
        edges = np.unique(np.quantile(values[known], np.linspace(0, 1, _BINS + 1)[1:-1]))
        bins[known] = 1 + np.searchsorted(edges, values[known])
    return bins


def _bonds(dataset: Dataset, column: Column, n: int) -> Iterator[Bond]:
    frame = dataset.schema.container is Container.FRAME
    values = _values(dataset.X[column.name].iloc[:n], column) if frame else np.asarray(dataset.X[:n, column.name])
    if values.dtype.kind == "f":
        if not np.array_equal(values[np.isfinite(values)], np.round(values[np.isfinite(values)])):
            return  # measurements are no names
        codes = pd.factorize(values)[0]
    else:
        codes = values
    chosen = _whole_groups(codes)
    order = chosen[np.argsort(codes[chosen], kind="stable")]
    same = codes[order[1:]] == codes[order[:-1]]
    one, other = np.flatnonzero(same), np.flatnonzero(same) + 1
    groups = len(np.unique(codes[order][one]))
    if groups < _LEAST_GROUPS:
        return
    n_groups = int(codes.max()) + 1
    if column.kind is not Kind.NUMERIC and _alike(dataset, order, one, other) > _IDENTICAL:
        yield Bond(column.name, n_groups, True)
        return
    others = [(c, v) for c, v in _columns(dataset, order) if c.name != column.name]
    equal = [_column_agreement(v, one, other) > _IDENTICAL for _, v in others]
    if len(equal) >= 3 and np.mean(equal) >= 0.5:
        yield Bond(column.name, n_groups, False)


def _column_agreement(values: Array, one: Array, other: Array) -> float:
    if values.dtype.kind != "f":
        return _agreement(values - values.min(), one, other, labels=True)
    return _agreement(_ranks(np.where(np.isfinite(values), values, -np.inf)), one, other, labels=False)


def _whole_groups(codes: Array) -> Array:
    """Return the rows of groups drawn at random, up to 2,000; missing values (-1) belong to none."""
    sizes = np.bincount(codes[codes >= 0])
    order = np.random.default_rng(0).permutation(len(sizes))
    order = order[sizes[order] > 1]
    taken = order[np.cumsum(sizes[order]) <= _ROWS]
    wanted = np.zeros(len(sizes) + 1, dtype=bool)
    wanted[taken] = True
    return np.flatnonzero(wanted[codes])
