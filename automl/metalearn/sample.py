"""The part of a table that meta-features look at: some rows and columns, chosen and ordered by what they hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array
from automl.data import Container, Dataset
from automl.metalearn.rows import pick_rows, row_hashes
from automl.space.facts import is_category, is_number

__all__ = ["Sample", "draw"]

ROWS = 1_000
COLUMNS = 100
CELLS = 4_000_000  # hashed
LEVELS = 10  # of a category in one column each


@dataclass(frozen=True)
class Sample:
    """Rows and columns in an order by content, so that the same table gives the same numbers however it is arranged.

    Parameters
    ----------
    duplicate_share : float
        Of the whole table; NaN where not every column was looked at.
    numbers : ndarray of shape (rows, columns of numbers)
        NaN where missing or infinite, each column scaled to at most 1.
    whole : ndarray of shape (columns of numbers,)
        Whether a column holds whole numbers only.
    codes : ndarray of shape (rows, columns of categories)
        Levels numbered in the order of their values; -1 where missing.
    y : ndarray of shape (rows,)
    """

    duplicate_share: float
    numbers: Array
    whole: Array
    codes: Array
    y: Array
    classifies: bool

    @cached_property
    def filled(self) -> Array:
        """The columns of numbers that vary, gaps filled with the median, standardised."""
        if self.numbers.size == 0:
            return np.empty((len(self.y), 0))
        present = self.numbers[:, np.isfinite(self.numbers).any(axis=0)]
        filled = np.where(np.isfinite(present), present, np.nanmedian(present, axis=0, keepdims=True))
        deviation = filled.std(axis=0)
        varies = deviation > 1e-12
        standardised: Array = (filled[:, varies] - filled[:, varies].mean(axis=0)) / deviation[varies]
        return standardised

    @cached_property
    def matrix(self) -> Array:
        """The filled numbers, beside them a column of zeros and ones for each of the most frequent levels."""
        columns = [self.filled]
        for codes in self.codes.T:
            levels, counts = np.unique(codes, return_counts=True)
            kept = np.sort(levels[np.argsort(-counts, kind="stable")[:LEVELS]])
            columns.append((codes[:, None] == kept[None, :]).astype(np.float64))
        return np.hstack(columns)


def draw(dataset: Dataset, stop: Callable[[], bool] = lambda: False) -> Sample | None:
    """Return the sample of a dataset, or None if ``stop`` has said so before all was looked at."""
    X = dataset.X
    if dataset.schema.container is Container.SPARSE:
        X = X[:, np.sort(np.argsort(-X.getnnz(axis=0), kind="stable")[:COLUMNS])].toarray()
        columns = {}  # all of them hold numbers
    else:
        used = set(dataset.schema.used)
        columns = {place: column for place, column in enumerate(dataset.schema.columns) if column in used}
    hashes, order = row_hashes(X, dataset.y, stop=stop, cells=CELLS)
    if stop():
        return None
    whole = 1.0 - len(np.unique(hashes)) / len(hashes) if X.shape[0] * X.shape[1] <= CELLS else float("nan")
    rows = pick_rows(hashes, ROWS, dataset.y if dataset.task.classifies else None)
    if not columns:
        numbers = [np.asarray(X[rows, place], dtype=np.float64) for place in order]
        return _sample(dataset, whole, numbers[:COLUMNS], [], rows)
    numbers, codes = [], list[Array]()
    for place in order:
        if place in columns and is_number(columns[place]) and len(numbers) < COLUMNS:
            numbers.append(_numbers(_column(X, place, rows)))
        elif place in columns and is_category(columns[place]) and len(codes) < COLUMNS:
            codes.append(_codes(_column(X, place, rows)))
    return _sample(dataset, whole, numbers, codes, rows)


def _column(X: Any, place: int, rows: Array) -> pd.Series[Any]:
    return X.iloc[rows, place] if isinstance(X, pd.DataFrame) else pd.Series(X[rows, place])


def _numbers(series: pd.Series[Any]) -> Array:
    return series.to_numpy(dtype=np.float64, na_value=np.nan)


def _codes(series: pd.Series[Any]) -> Array:
    """Number the levels by their values as text, which all kinds of levels have."""
    missing = series.isna().to_numpy()
    levels, codes = np.unique(series.astype(str).to_numpy(dtype=str), return_inverse=True)
    return np.where(missing, -1, codes)


def _sample(dataset: Dataset, duplicates: float, numbers: list[Array], codes: list[Array], rows: Array) -> Sample:
    def stacked(columns: list[Array], dtype: Any) -> Array:
        return np.column_stack(columns) if columns else np.empty((len(rows), 0), dtype=dtype)

    values = stacked(numbers, np.float64)
    values = np.where(np.isfinite(values), values, np.nan)
    whole = ((values == np.floor(values)) | np.isnan(values)).all(axis=0)
    scale = np.nanmax(np.abs(values), axis=0, initial=0.0) if values.size else np.ones(values.shape[1])
    values = values / np.where(scale > 0, scale, 1.0)  # squares of the largest floats overflow
    y = np.asarray(dataset.y)[rows]
    return Sample(duplicates, values, whole, stacked(codes, np.int64), y, dataset.task.classifies)
