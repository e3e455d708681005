"""Counting distinct and missing values of many number columns at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.core import Array

__all__ = ["Profile", "profile_numbers", "profile_sparse"]

_CELLS_AT_ONCE = 8_000_000
_SKEW_ROWS = 20_000
_LEAST_RANGE = 1e-5
_LEAST_GAP = 3e-8  # on average: scikit-learn's trees split no two values that are closer than 1e-7
_FARTHEST = 1e4  # in ranges: single precision keeps differences of a thousandth of it


@dataclass(frozen=True)
class Profile:
    """What a column of numbers looks like.

    ``missing`` counts NaN and ±inf; ``counts_rows``: it is a row number; ``skew``: skewness, 0 where it is not known;
    ``afar``: its range is tiny, or small beside its distance from zero.
    """

    rows: int
    n_unique: int
    missing: int
    counts_rows: bool = False
    whole: bool = False
    skew: float = 0.0
    afar: bool = False

    @property
    def missing_share(self) -> float:
        return self.missing / self.rows

    @property
    def constant(self) -> bool:
        """All missing, or one value and nothing missing (one value and gaps still says which rows have gaps)."""
        return self.n_unique == 0 or (self.n_unique == 1 and self.missing == 0)


def profile_numbers(block: Array, step: int = 1) -> list[Profile]:
    """Profile each column of a 2-D array of numbers, which holds every ``step``-th row of the table."""
    width = max(1, _CELLS_AT_ONCE // max(1, len(block)))
    profiles: list[Profile] = []
    for start in range(0, block.shape[1], width):
        profiles.extend(_profile_some(block[:, start : start + width], step))
    return profiles


def profile_sparse(matrix: Any) -> list[Profile]:
    """Profile each column of a CSR matrix; cells that are not stored are zeros, so none is far from it."""
    rows, width = matrix.shape
    columns, values = matrix.indices, matrix.data
    missing = np.bincount(columns[~np.isfinite(values)], minlength=width)
    nonzero = np.isfinite(values) & (values != 0)
    columns, values = columns[nonzero], values[nonzero]
    order = np.lexsort((values, columns))
    columns, values = columns[order], values[order]
    first = np.ones(len(values), dtype=bool)
    first[1:] = (columns[1:] != columns[:-1]) | (values[1:] != values[:-1])
    zeros = rows - missing - np.bincount(columns, minlength=width)
    n_unique = np.bincount(columns[first], minlength=width) + (zeros > 0)
    largest = np.zeros(width)
    np.maximum.at(largest, columns, np.abs(values))
    whole = np.bincount(columns, weights=values != np.floor(values), minlength=width) == 0
    return [
        Profile(
            rows, int(unique), int(gaps), whole=bool(integral), afar=unique > 1 and _is_afar(0.0, 0.0, most, unique)
        )
        for unique, gaps, integral, most in zip(n_unique.tolist(), missing, whole, largest.tolist(), strict=True)
    ]


def _profile_some(block: Array, step: int) -> Iterator[Profile]:
    rows = len(block)
    values = np.ascontiguousarray(block.T.astype(np.int8) if block.dtype.kind == "b" else block.T)
    if values.dtype.kind == "f":
        values = np.where(np.isfinite(values), values, np.nan)
        missing = np.isnan(values).sum(axis=1)
    else:
        missing = np.zeros(len(values), dtype=np.int64)
    numbers = np.arange(rows) * step
    ordered = np.sort(values, axis=1)
    skews = _skews(values[:, :: -(-rows // _SKEW_ROWS)])
    for column, line, gaps, skew in zip(values, ordered, missing, skews, strict=True):
        present = line[: rows - gaps]
        unique = int(np.count_nonzero(present[1:] != present[:-1])) + (len(present) > 0)
        whole = values.dtype.kind in "iu" or (values.dtype.kind == "f" and bool(np.all(present == np.floor(present))))
        counts = unique == rows and column[0] in (0, 1) and bool(np.array_equal(column - column[0], numbers))
        afar = unique > 1 and _is_afar(float(present[0]), float(present[len(present) // 2]), float(present[-1]), unique)
        yield Profile(rows, unique, int(gaps), counts, whole, float(skew), afar)


def _is_afar(least: float, middle: float, greatest: float, unique: int) -> bool:
    """Whether trees that read single precision cannot tell many of the values apart."""
    width = greatest - least
    return width < max(_LEAST_RANGE, _LEAST_GAP * unique) or abs(middle) > _FARTHEST * width


def _skews(lines: Array) -> Array:
    """Return the skewness of each line of numbers with NaN; 0 for lines of one value."""
    with np.errstate(all="ignore"):  # lines without a value, squares of the largest floats
        present = np.maximum(np.isfinite(lines).sum(axis=1, keepdims=True), 1)
        means = np.nansum(lines, axis=1, keepdims=True, dtype=np.float64) / present
        deviations = np.nan_to_num(lines - means)
        spread = np.sqrt((deviations * deviations).sum(axis=1, keepdims=True) / present)
        deviations = np.where(spread > 1e-12 * np.abs(means), deviations / spread, 0.0)  # less is rounding
        skews = (deviations * deviations * deviations).sum(axis=1) / present[:, 0]
    return np.where(np.isfinite(skews), skews, 0.0)
