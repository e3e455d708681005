"""Is a table another one under a new name? The base must not hold what it will be measured on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array
from automl.metalearn.rows import column_hashes

__all__ = ["Likeness", "Signature", "likeness", "signature"]

NAMES = 0.5  # share of the names that two tables have in common
SHARED_NAMES = 4
ROWS = 0.05  # share of the smaller table's rows
_WIDEST = 300


@dataclass(frozen=True)
class Signature:
    """What a table looks like whatever it is called: words of its column names, its rows, its size and target."""

    names: frozenset[str]
    rows: Array
    shape: tuple[int, int]
    target: tuple[float, ...]


@dataclass(frozen=True)
class Likeness:
    """Shares of names and rows that two tables have in common, and whether size and target are alike."""

    names: float
    rows: float
    target: bool
    similar: bool


def signature(X: pd.DataFrame, y: pd.Series[Any]) -> Signature:
    frame = X.iloc[:, :_WIDEST].copy()
    frame["target column"] = np.asarray(y)
    numbers = frame.select_dtypes("number").astype(np.float64)
    names = frozenset(_words(name) for name in X.columns if _telling(name))
    return Signature(names, _rows(numbers), X.shape, _target(y))


def _words(name: object) -> str:
    """Return the words of a name in alphabetical order: "mean radius" is "radius_mean"."""
    return " ".join(sorted(re.findall(r"[a-z]+|\d+", re.sub(r"([a-z])([A-Z])", r"\1 \2", str(name)).lower())))


def _telling(name: object) -> bool:
    """Whether a name says something: V12, x_3, attr7 and numbers alone do not."""
    nothing = r"(?i)[a-z]?|\d+|([a-z]{1,4}|attribute|feature|column|pixel)[_ .-]?\d*"
    return re.fullmatch(nothing, str(name)) is None or re.fullmatch(r"[A-Za-z]{2,4}", str(name)) is not None


def _rounded(values: Array) -> Array:
    """Return five significant digits: files differ in what they print."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        scale = 10.0 ** (4 - np.floor(np.log10(np.abs(values))))
        rounded: Array = np.where(np.isfinite(scale), np.round(values * scale) / scale, values)
    return rounded


def _rows(numbers: pd.DataFrame) -> Array:
    """Return a sum of hashes for each row with numbers enough to be told from others; the order of columns is free."""
    if numbers.shape[1] < 5:
        return np.empty(0, dtype=np.uint64)
    total = np.zeros(len(numbers), dtype=np.uint64)
    for position in range(numbers.shape[1]):
        values = numbers.iloc[:, position].to_numpy()
        zero = np.isnan(values) | (values == 0)  # a column of zeros, which one file leaves out, adds nothing
        total += np.where(zero, np.uint64(0), column_hashes(_rounded(np.nan_to_num(values))))
    varied = numbers.nunique(axis=1).to_numpy() >= 4
    rows: Array = np.unique(total[varied])
    return rows


def _target(y: pd.Series[Any]) -> tuple[float, ...]:
    """Return the sorted shares of the classes, or figures of a target of many numbers."""
    if y.nunique() <= 100:
        return tuple(sorted(y.value_counts(normalize=True)))
    values = y.to_numpy(dtype=np.float64)
    return tuple(float(value) for value in np.quantile(values, [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1]))


def likeness(one: Signature, other: Signature) -> Likeness:
    """Compare two tables; ``similar`` if names, rows, or size and target together say so."""
    shared = len(one.names & other.names)
    names = shared / max(1, len(one.names | other.names))
    fewest = min(len(one.rows), len(other.rows))
    rows = len(np.intersect1d(one.rows, other.rows, assume_unique=True)) / fewest if fewest >= 20 else 0.0
    target = len(one.target) == len(other.target) and np.allclose(one.target, other.target, rtol=0.01, atol=0.005)
    size = abs(one.shape[1] - other.shape[1]) <= 2 and 0.95 <= one.shape[0] / other.shape[0] <= 1.05
    similar = (names >= NAMES and shared >= SHARED_NAMES) or rows >= ROWS or (target and size)
    return Likeness(names, rows, target and size, similar)
