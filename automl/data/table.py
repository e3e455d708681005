"""make_dataset: everything handed to fit, checked together."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array, DataError
from automl.data.container import as_table, read_foreign
from automl.data.dataset import Dataset
from automl.data.dates import find_format, parse_dates
from automl.data.kinds import infer_columns
from automl.data.target import encode_target

__all__ = ["LEAST_MEAN", "make_dataset", "read_times", "read_weights"]

LEAST_MEAN = 0.01  # of positive weights: LightGBM learns from those, and hardly from smaller ones
FAR = 1e100  # from 1: weights beyond are divided by the largest


def make_dataset(
    X: Any,
    y: Any,
    *,
    classifies: bool,
    column_kinds: Mapping[Hashable, str] | None = None,
    groups: Any = None,
    times: Any = None,
    weights: Any = None,
) -> Dataset:
    """Open and check a table with its target.

    Parameters
    ----------
    X : table-like of shape (n, d)
        See :func:`as_table`.
    y : array-like of shape (n,)
        See :func:`encode_target`.
    classifies : bool
        Whether y holds labels.
    column_kinds : mapping of column name to kind, optional
        See :func:`infer_columns`.
    groups : array-like of shape (n,), optional
        Rows with equal values belong together; kept as integer codes in order of appearance.
    times : array-like of shape (n,), optional
        Numbers, datetimes or strings of one date format, by which rows are ordered; dates are kept as nanoseconds
        since 1970 (int64), numbers as float64.
    weights : array-like of shape (n,) or number, optional
        Finite, not negative, not all zero. Where the positive ones are less than 0.01 on average they are kept as
        multiples of their mean.

    Raises
    ------
    DataError, SettingError
        What was given, what is expected, what to do.

    Examples
    --------
    >>> from automl.data import make_dataset
    >>> dataset = make_dataset([[1.0, 2.0], [3.0, 4.0]], ["a", "b"], classifies=True)
    >>> dataset.n_rows, dataset.n_columns, dataset.n_classes
    (2, 2, 2)
    """
    table = as_table(X)
    codes, classes, task = encode_target(y, classifies=classifies)
    n = table.shape[0]
    _check_length("y", len(codes), n)
    _check_order(X, y)
    counted = None if weights is None else _large_enough(read_weights(weights, n))
    if counted is not None and classes is not None and len(np.unique(codes[counted > 0])) < 2:
        raise DataError(
            "sample_weight is zero for all rows but those of one class; a classifier needs at least 2 classes."
        )
    return Dataset(
        table,
        codes,
        task,
        infer_columns(table, column_kinds),
        classes,
        None if groups is None else _read_groups(groups, n),
        None if times is None else read_times(times, n),
        counted,
    )


def _check_length(name: str, given: int, n: int) -> None:
    if given != n:
        raise DataError(
            f"Found input variables with inconsistent numbers of samples: X has {n} rows, {name} has {given}. "
            f"Pass one value of {name} for each row of X."
        )


def _check_order(X: Any, y: Any) -> None:
    if not (isinstance(X, pd.DataFrame) and isinstance(y, (pd.Series, pd.DataFrame))) or X.index.equals(y.index):
        return
    if X.index.is_unique and X.index.symmetric_difference(y.index, sort=False).empty:
        warnings.warn(
            "X and y have the same index in different orders; rows are matched by position, not by index. "
            "If that is not meant, pass y.loc[X.index].",
            UserWarning,
            stacklevel=3,
        )


def _column(name: str, values: Any, n: int) -> pd.Series[Any]:
    """Return one value for each row as a Series without missing values."""
    if hasattr(values, "to_pandas") and not isinstance(values, (pd.Series, pd.DataFrame)):
        values = read_foreign(name, values.to_pandas)
    if isinstance(values, pd.DataFrame) and values.shape[1] == 1:
        values = values.iloc[:, 0]
    if isinstance(values, (str, bytes)) or not (hasattr(values, "__len__") or hasattr(values, "__array__")):
        raise DataError(f"{name}={values!r}; expected one value for each of the {n} rows: pass the column itself.")
    if not isinstance(values, (pd.Series, pd.Index, pd.api.extensions.ExtensionArray, list, tuple)):
        values = read_foreign(name, functools.partial(np.asarray, values))
    if getattr(values, "ndim", 1) != 1:
        raise DataError(f"{name} has shape {values.shape}; expected one dimension with one value for each row of X.")
    series: pd.Series[Any] = read_foreign(name, lambda: pd.Series(values))
    _check_length(name, len(series), n)
    missing = int(series.isna().sum())
    if missing:
        raise DataError(f"{name} has {missing} missing value(s) of {n}. Fill them or drop these rows everywhere.")
    return series


def _read_groups(groups: Any, n: int) -> Array:
    series = _column("groups", groups, n)
    try:
        codes, levels = pd.factorize(series)
    except TypeError:
        raise DataError(
            "groups holds values that cannot be compared, such as lists. Pass numbers or strings."
        ) from None
    if len(levels) < 2:
        raise DataError(
            f"groups holds one group only, {series.tolist()[0]!r}; at least 2 are needed to hold one out. "
            "Leave groups out."
        )
    return codes.astype(np.int64)


def read_times(times: Any, n: int) -> Array:
    """Return the time of each of n rows: int64 nanoseconds since 1970 of dates, float64 of numbers."""
    series = _column("times", times, n)
    if getattr(series.dtype, "kind", "") == "M" or pd.api.types.infer_dtype(series) in ("date", "datetime"):
        return _nanoseconds(pd.to_datetime(series, utc=True).dt.tz_localize(None))
    if pd.api.types.is_numeric_dtype(series.dtype):
        values = series.astype("float64").to_numpy()
        if not np.isfinite(values).all():
            raise DataError("times has infinite values. Fill them or drop these rows everywhere.")
        return np.array(values)
    if pd.api.types.infer_dtype(series) == "string":
        values, counts = np.unique(np.asarray(series, dtype=object), return_counts=True)
        date_format, _ = find_format(values, counts, enough=1.0)
        if date_format is not None:
            return _nanoseconds(parse_dates(series, date_format))
    raise DataError(
        f"times holds values such as {series.iloc[0]!r}, which cannot be ordered in time. "
        "Pass numbers or datetimes: pandas.to_datetime(times, format=...)."
    )


def _nanoseconds(moments: pd.Series[pd.Timestamp]) -> Array:
    outside = moments[(moments < pd.Timestamp.min) | (moments > pd.Timestamp.max)]
    if len(outside):
        raise DataError(
            f"times holds {len(outside)} date(s) such as {outside.iloc[0]}; expected dates from "
            f"{pd.Timestamp.min:%Y-%m-%d} to {pd.Timestamp.max:%Y-%m-%d}. "
            "Replace dates that stand for never, or pass numbers, such as years."
        )
    return moments.to_numpy(dtype="datetime64[ns]").astype(np.int64)


def read_weights(weights: Any, n: int) -> Array:
    """Return one finite weight for each of n rows, none of them negative and not all zero; see :func:`make_dataset`."""
    if isinstance(weights, (int, float)):
        weights = np.full(n, float(weights))
    series = _column("sample_weight", weights, n)
    try:
        if getattr(series.dtype, "kind", "") == "c":
            raise TypeError
        values = np.array(series.astype("float64"))
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"sample_weight holds {series.iloc[0]!r}; expected numbers.") from None
    if not np.isfinite(values).all():
        raise DataError(
            f"sample_weight has {int((~np.isfinite(values)).sum())} infinite value(s); expected finite ones."
        )
    if (values < 0).any():
        raise DataError(
            f"sample_weight has {int((values < 0).sum())} negative value(s); expected none below zero. "
            "Drop rows that should not count, or give them weight 0."
        )
    if not (values > 0).any():
        raise DataError(
            "Sample weights are all zero: every sample_weight is zero, so no row counts. Pass positive ones."
        )
    largest = float(values.max())
    return values if 1 / FAR < largest < FAR else values / largest  # sums would over- or underflow


def _large_enough(weights: Array) -> Array:
    """Return weights as they are, or 1 on average if they are too small to learn from.

    Models have parameters on the scale of weights, such as LightGBM's ``min_child_weight``.
    """
    mean = float(weights[weights > 0].mean())
    return weights if mean >= LEAST_MEAN else weights / mean
