"""Columns that alone predict the target almost perfectly."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array
from automl.data.dataset import Column, Container, Dataset, Kind
from automl.data.dates import seconds

__all__ = ["leaking_columns"]

_ROWS = 5_000
_CELLS = 4_000_000
_BINS = 256
_MANY_COLUMNS = 500
_LEAST_ROWS = 100  # below this, chance and honest structure look the same
_LEAST_MEMBERS = 10
_TOLERANCE = 0.005
_ORDERED = (Kind.NUMERIC, Kind.BOOLEAN, Kind.DATE)


def leaking_columns(dataset: Dataset) -> tuple[Hashable, ...]:
    """Return the columns from which the target can be read off.

    Each column is cut into at most 256 bins (or its levels); what half of the sampled rows say about each bin is tried
    on the other half. Classes count equally, whatever their size; a regression target counts by its ranks.
    """
    rows = _sample(dataset)
    if len(rows) < _LEAST_ROWS:
        return ()
    score = _class_score if dataset.task.classifies else _rank_score
    perfect = 1 - max(_TOLERANCE, 4 / len(rows))  # one or two rows at the edge of a bin are no objection
    target = _compact(dataset.y[rows]) if dataset.task.classifies else _ranks(dataset.y[rows])
    # Neighbours in a table are often alike: the halves are drawn at random, the same way each time.
    order = np.random.default_rng(0).permutation(len(rows))
    learn, check = order[: len(rows) // 2], order[len(rows) // 2 :]
    return tuple(
        column.name
        for column, values in _columns(dataset, rows, target)
        if score(_bins(values), column.kind in _ORDERED, target, learn, check) >= perfect
    )


def _sample(dataset: Dataset) -> Array:
    """Return row positions, evenly spaced; of each class with enough members the same number."""
    size = min(_ROWS, max(_LEAST_ROWS * 4, _CELLS // max(1, dataset.n_columns)))
    if not dataset.task.classifies:
        return _spread(np.arange(dataset.n_rows), size)
    counts = np.bincount(dataset.y, minlength=dataset.n_classes)
    frequent = np.flatnonzero(counts >= _LEAST_MEMBERS)
    if len(frequent) < 2:
        return np.empty(0, dtype=np.int64)
    each = max(_LEAST_MEMBERS, size // len(frequent))
    return np.sort(np.concatenate([_spread(np.flatnonzero(dataset.y == code), each) for code in frequent]))


def _spread(rows: Array, size: int) -> Array:
    return rows if len(rows) <= size else rows[np.linspace(0, len(rows) - 1, size).astype(np.int64)]


def _columns(dataset: Dataset, rows: Array, target: Array) -> Iterator[tuple[Column, Array]]:
    """Yield every column that could leak with its sampled values: numbers, or codes of levels."""
    sampled = dataset.rows(rows).X
    columns = [c for c in dataset.schema.used if c.kind is not Kind.TEXT]
    if dataset.schema.container is Container.FRAME:
        plain = [c for c in columns if isinstance(sampled[c.name].dtype, np.dtype) and c.numeric]
        plain = [c for c in plain if sampled[c.name].dtype.kind in "biuf"]
        yield from _promising(plain, sampled[[c.name for c in plain]].to_numpy(np.float64), target)
        known = {column.name for column in plain}
        yield from ((c, _values(sampled[c.name], c)) for c in columns if c.name not in known)
        return
    for start in range(0, len(columns), 1000):
        some = columns[start : start + 1000]
        block = sampled[:, [c.name for c in some]]
        yield from _promising(some, block if isinstance(block, np.ndarray) else block.toarray(), target)


def _promising(columns: list[Column], block: Array, target: Array) -> Iterator[tuple[Column, Array]]:
    """Pass over columns along which neighbours differ in the target as often as strangers do; only if many."""
    values = np.ascontiguousarray(block.T)
    if len(columns) < _MANY_COLUMNS:
        yield from zip(columns, values, strict=True)
        return
    along = target[np.argsort(values, axis=1, kind="stable")]
    if target.dtype.kind == "i":
        near, far = (
            (along[:, 1:] != along[:, :-1]).mean(axis=1),
            1.0 - float(np.sum((np.bincount(target) / len(target)) ** 2)),
        )
    else:
        near, far = np.square(np.diff(along, axis=1)).mean(axis=1), 2.0 * float(target.var())
    for position in np.flatnonzero(near < far / 2):
        yield columns[position], values[position]


def _values(series: pd.Series[Any], column: Column) -> Array:
    if column.kind is Kind.DATE:
        return seconds(series, column)
    if column.kind in _ORDERED:
        return series.astype("float64").to_numpy()
    try:
        return np.asarray(pd.factorize(series)[0])
    except TypeError:
        return np.asarray(pd.factorize(series.astype(str))[0])


def _bins(values: Array) -> Array:
    """Return the code of each value's bin; missing and infinite values have one of their own."""
    if values.dtype.kind == "f":
        known = np.isfinite(values)
    else:
        known = np.ones(len(values), dtype=bool)
    bins = np.zeros(len(values), dtype=np.int64)
    present = values[known]
    if len(present) == 0:
        return bins
    levels, codes = np.unique(present, return_inverse=True)
    if len(levels) > _BINS:
        edges = np.unique(np.sort(present)[np.linspace(0, len(present) - 1, _BINS).astype(np.int64)])
        codes = np.searchsorted(edges, present)
    bins[known] = codes + 1
    return bins


def _compact(codes: Array) -> Array:
    return np.asarray(np.unique(codes, return_inverse=True)[1])


def _ranks(y: Array) -> Array:
    return np.asarray(pd.Series(y).rank(pct=True))


def _stand_ins(sizes: Array, ordered: bool) -> Array:
    """Return for each bin which bin answers for it: itself, or the one before it if it was empty among numbers."""
    own = np.arange(len(sizes))
    if not ordered or not sizes[1:].any():
        return own
    filled = np.where(sizes > 0, own, 0)
    filled[0] = own[1:][sizes[1:] > 0][0]  # numbers below all others; missing values answer for themselves
    filled = np.maximum.accumulate(filled)
    filled[0] = 0
    return filled


def _class_score(bins: Array, ordered: bool, target: Array, learn: Array, check: Array) -> float:
    """Mean recall of the classes when each bin of the second half is given its most frequent class in the first."""
    classes = int(target.max()) + 1
    counts = np.bincount(bins[learn] * classes + target[learn], minlength=(int(bins.max()) + 1) * classes)
    shares = counts.reshape(-1, classes) / np.maximum(np.bincount(target[learn], minlength=classes), 1)
    answers = _stand_ins(counts.reshape(-1, classes).sum(axis=1), ordered)
    right = shares.argmax(axis=1)[answers[bins[check]]] == target[check]
    seen = np.bincount(target[check], minlength=classes)
    recall = np.bincount(target[check], weights=right, minlength=classes) / np.maximum(seen, 1)
    return float(recall[seen > 0].mean())


def _rank_score(bins: Array, ordered: bool, target: Array, learn: Array, check: Array) -> float:
    """Explained share of the variance of the ranks when each bin of the second half is given its mean in the first."""
    sizes = np.bincount(bins[learn], minlength=int(bins.max()) + 1)
    sums = np.bincount(bins[learn], weights=target[learn], minlength=len(sizes))
    means = np.where(sizes > 0, sums / np.maximum(sizes, 1), target[learn].mean())
    total = float(np.sum((target[check] - target[check].mean()) ** 2))
    if total == 0:
        return 0.0
    return 1.0 - float(np.sum((target[check] - means[_stand_ins(sizes, ordered)[bins[check]]]) ** 2)) / total
