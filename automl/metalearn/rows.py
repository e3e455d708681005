"""Rows by what they hold: a sample and an order that do not depend on how rows and columns were arranged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array

__all__ = ["column_hashes", "pick_rows", "row_hashes"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_CELLS = 4_000_000  # hashed at most, whole columns
_AT_ONCE = 1_000_000  # cells


def _mixed(values: Array) -> Array:
    """Scatter 64-bit numbers (the finaliser of SplitMix64, Steele et al., OOPSLA 2014)."""
    values = values + _GOLDEN
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Array = values ^ (values >> np.uint64(31))
    return mixed


def column_hashes(values: Any) -> Array:
    """Return a 64-bit hash of each value of a column; numbers by value, all missing ones alike."""
    series = values if isinstance(values, pd.Series) else pd.Series(np.asarray(values))
    if _plain(series.dtype):
        return _number_hashes(series.to_numpy(dtype=np.float64))
    if series.dtype == object:  # pandas would hash 1 and "1" alike, and refuses lists
        series = pd.Series([None if value is None else repr(value) for value in series], dtype=object)
    return _mixed(np.asarray(pd.util.hash_pandas_object(series, index=False), dtype=np.uint64))


def _plain(dtype: Any) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind in "biuf"


def _number_hashes(numbers: Array) -> Array:
    numbers = numbers + 0.0  # minus zero is zero
    return _mixed(np.where(np.isnan(numbers), np.float64("nan"), numbers).view(np.uint64))


def row_hashes(
    X: Any, y: Any, *, stop: Callable[[], bool] = lambda: False, cells: int = _CELLS
) -> tuple[Array, list[int]]:
    """Return a 64-bit hash of each row, and the positions of the columns in an order by what they hold.

    A column counts by its values, not by its name or place. Of tables with more than ``cells`` cells only the columns
    of most distinct values (among the first thousand rows by place) are hashed; the others follow by place.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n, d)
    y : array-like of shape (n,)
    stop : callable
        Asked between columns; after it has said so, no further column is hashed.
    """
    n, width = X.shape
    most = max(1, cells // max(n, 1))
    positions = list(range(width)) if width <= most else _telling(X, most)
    total = _mixed(column_hashes(y))
    found: list[tuple[int, int]] = []
    with np.errstate(over="ignore"):
        for block, hashes in _blocks(X, positions):
            marks = np.add.reduce(_mixed(hashes), axis=0)
            total = total + np.add.reduce(_mixed(hashes ^ _mixed(marks)), axis=1)
            found += zip(marks.tolist(), block, strict=True)
            if stop():
                break
    ordered = [position for _, position in sorted(found)]
    return total, ordered + sorted(set(range(width)) - set(ordered))


def _blocks(X: Any, positions: list[int]) -> Iterator[tuple[list[int], Array]]:
    """Yield positions and hashes of columns: many columns of numbers at once, others one by one."""
    frame = isinstance(X, pd.DataFrame)
    dtypes = list(X.dtypes) if frame else [X.dtype] * X.shape[1]
    plain = [position for position in positions if _plain(dtypes[position])]
    step = max(1, _AT_ONCE // max(1, len(X)))
    for start in range(0, len(plain), step):
        block = plain[start : start + step]
        values = X.iloc[:, block] if frame else X[:, block]
        yield block, _number_hashes(np.asarray(values, dtype=np.float64))
    for position in sorted(set(positions) - set(plain)):
        yield [position], column_hashes(X.iloc[:, position] if frame else X[:, position])[:, None]


def _telling(X: Any, most: int) -> list[int]:
    """Return the columns with the most distinct values in the first rows."""
    distinct = np.zeros(X.shape[1], dtype=np.int64)
    for block, hashes in _blocks(X.iloc[:1000] if isinstance(X, pd.DataFrame) else X[:1000], list(range(X.shape[1]))):
        ordered = np.sort(hashes, axis=0)
        distinct[block] = 1 + (ordered[1:] != ordered[:-1]).sum(axis=0)
    return [int(position) for position in np.argsort(-distinct, kind="stable")[:most]]


def pick_rows(hashes: Array, size: int, codes: Array | None = None) -> Array:
    """Return the rows of the lowest hashes, lowest first: about ``size``, every class with its share and at least two.

    Parameters
    ----------
    hashes : ndarray of shape (n,)
    size : int
    codes : ndarray of shape (n,), optional
        Classes 0..K-1; without them the rows are not stratified.
    """
    order = np.argsort(hashes, kind="stable")
    if len(order) <= size or codes is None:
        return order[:size]
    counts = np.bincount(codes)
    wanted = np.minimum(counts, np.maximum(2, np.round(counts * (size / len(order)))))
    classes = codes[order]
    place = np.empty(len(order), dtype=np.int64)  # of a row among those of its class
    for code in range(len(counts)):
        members = classes == code
        place[members] = np.arange(int(members.sum()))
    return order[place < wanted[classes]]
