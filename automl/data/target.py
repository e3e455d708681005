"""The target: opened, checked and encoded; and which task it suggests."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array, DataError, SettingError
from automl.data.container import read_foreign
from automl.data.dataset import Task
from automl.data.numerals import find_numerals

__all__ = ["encode_target", "infer_task", "read_truth"]

_NESTED = (list, tuple, set, frozenset, dict, np.ndarray)
_LARGEST = 1e150
_FEW_VALUES = 20  # so many distinct whole numbers still look like classes
_NUMBERS = frozenset({"integer", "floating", "mixed-integer-float", "decimal"})


def encode_target(y: Any, task: Task | None = None, *, classifies: bool) -> tuple[Array, Array | None, Task]:
    """Return (codes or values, classes, task) of a target.

    Parameters
    ----------
    y : array-like of shape (n,)
        Series, list, array, one-column table, polars or Arrow column; numbers, strings, booleans or categories.
    task : Task, optional
        Must agree with ``classifies`` and the number of classes; taken from them by default.
    classifies : bool
        Whether the values are labels.

    Returns
    -------
    codes : ndarray of shape (n,)
        int64 codes into ``classes``, or float64 values.
    classes : ndarray of shape (K,) or None
        Sorted labels; None for regression.
    task : Task

    Raises
    ------
    DataError
        Missing or infinite values, one class or one row only, several outputs, labels that are measurements,
        values that are no numbers.

    Examples
    --------
    >>> from automl.data import encode_target
    >>> codes, classes, task = encode_target(["yes", "no", "yes"], classifies=True)
    >>> codes.tolist(), classes.tolist(), str(task)
    ([1, 0, 1], ['no', 'yes'], 'binary')
    """
    if task is not None and task.classifies is not classifies:
        raise SettingError(f"task={str(task)!r} does not fit a {'classifier' if classifies else 'regressor'}.")
    series = _present(_as_series(y))
    if len(series) == 1:
        raise DataError("y has 1 sample; at least 2 are needed to learn anything. Pass more rows.")
    if not classifies:
        return _as_values(series), None, Task.REGRESSION
    codes, classes = _as_codes(series)
    found = Task.BINARY if len(classes) == 2 else Task.MULTICLASS
    if task is not None and task is not found:
        raise SettingError(
            f"task={str(task)!r}, but y has {len(classes)} classes. Leave task out or pass {str(found)!r}."
        )
    return codes, classes, found


def read_truth(y: Any, n: int, classes: Array | None = None) -> Array:
    """Return what n predictions are scored against: codes into classes, or values.

    Raises
    ------
    DataError
        As :func:`encode_target`; also another number of values, and labels that are not among the classes.

    Examples
    --------
    >>> import numpy as np
    >>> from automl.data import read_truth
    >>> read_truth(["yes", "no", "yes"], 3, np.array(["no", "yes"])).tolist()
    [1, 0, 1]
    """
    series = _present(_as_series(y))
    if len(series) != n:
        raise DataError(f"X has {n} rows, y has {len(series)}. Pass one value of y for each row of X.")
    if classes is None:
        return _as_values(series)
    known = {label: code for code, label in enumerate(classes.tolist())}
    try:
        positions, labels = pd.factorize(np.asarray(_labels(series)))
    except TypeError as error:
        raise DataError(f"Unknown label type: {error}. Pass labels as in fit.") from error
    codes = np.array([known.get(label, -1) for label in labels.tolist()], dtype=np.int64)
    if (codes < 0).any():
        raise DataError(f"y holds labels not seen in fit: {labels[codes < 0][:5].tolist()}")
    return np.asarray(codes[positions])


def infer_task(y: Any) -> tuple[Task, str]:
    """Return the task that a target suggests, and why, in words.

    Strings, booleans, categories and at most 20 distinct whole numbers are classes; other numbers are measurements.

    Raises
    ------
    DataError
        More than 20 distinct strings that are numbers to people ("1.234,56"): they may be either.

    Examples
    --------
    >>> from automl.data import infer_task
    >>> infer_task([0, 1, 1, 0])
    (<Task.BINARY: 'binary'>, '2 distinct whole numbers')
    >>> infer_task([0.5, 1.25, 3.0])
    (<Task.REGRESSION: 'regression'>, 'numbers that are not whole')
    """
    series = _as_series(y).dropna()
    distinct = int(series.nunique())
    classes = Task.BINARY if distinct <= 2 else Task.MULTICLASS
    if isinstance(series.dtype, pd.CategoricalDtype):
        return classes, f"{distinct} categories"
    if _holds(series) == "boolean":
        return classes, "true or false"
    if not _is_number(series):
        if distinct > _FEW_VALUES and _holds(series) == "string":
            _refuse_numerals(series)
        return classes, f"{distinct} distinct labels that are not numbers"
    values = series.astype("float64").to_numpy()
    if not np.all(values == np.floor(values)):
        return Task.REGRESSION, "numbers that are not whole"
    if distinct <= _FEW_VALUES:
        return classes, f"{distinct} distinct whole numbers"
    return Task.REGRESSION, f"{distinct} distinct whole numbers"


def _refuse_numerals(series: pd.Series[Any]) -> None:
    """Refuse many strings that are measurements to people: hundreds of classes would be made of them."""
    counts = series.value_counts()
    strings = counts.index.to_numpy(dtype=object)
    found = find_numerals(strings, counts.to_numpy())
    if found is not None:
        seen = found.seen
    else:
        values = pd.to_numeric(pd.Series(strings), errors="coerce").to_numpy(dtype="float64")
        if np.isnan(values).any() or np.all(values == np.floor(values)):  # whole ones may be codes
            return
        seen = "all are numbers stored as text"
    raise DataError(
        f"y holds {len(strings)} distinct strings such as {strings[0]!r}: {seen}. If they are numbers, write them as "
        "1234.5 in the file, or convert y to floats. If they are labels, say so: --task classification at the command "
        "line, task='classification' or AutoClassifier in Python."
    )


def _as_series(y: Any) -> pd.Series[Any]:
    if y is None:
        raise DataError("fit requires y to be passed, but the target y is None. Pass one value for each row of X.")
    if isinstance(y, pd.Series):
        series = y
    elif isinstance(y, pd.DataFrame) or (hasattr(y, "to_pandas") and not hasattr(y, "__array_interface__")):
        series = _one_column(y if isinstance(y, pd.DataFrame) else read_foreign("y", y.to_pandas))
    elif isinstance(y, (pd.Index, pd.api.extensions.ExtensionArray)):
        series = pd.Series(y)
    elif hasattr(y, "tocsr"):
        raise DataError("y is a sparse matrix; expected a 1-D array. Pass y.toarray().ravel().")
    elif isinstance(y, (str, bytes, dict, set)) or not (hasattr(y, "__len__") or hasattr(y, "__array__")):
        raise DataError(
            f"y should be a 1d array with one value for each row, got an object of type {type(y).__name__}."
        )
    else:
        series = _from_array(y)
    if len(series) == 0:
        raise DataError("y has 0 values: found array with 0 sample(s) while a minimum of 2 is required.")
    series = _inferred(series) if series.dtype == object else series
    if getattr(series.dtype, "kind", "") == "c":
        raise DataError("Complex data not supported: y holds complex numbers. Pass real numbers.")
    return series


def _one_column(table: Any) -> pd.Series[Any]:
    if isinstance(table, pd.Series):
        return table
    if table.shape[1] != 1:
        raise DataError(_outputs_message(table.shape))
    return pd.Series(table.iloc[:, 0])


def _from_array(y: Any) -> pd.Series[Any]:
    if not isinstance(y, (list, tuple)):
        values = read_foreign("y", lambda: np.asarray(y))
    else:
        # NumPy would turn [1, "a"] into two strings; rows of unequal length stay lists and are refused below.
        values = np.empty(len(y), dtype=object)
        values[:] = [tuple(value) if isinstance(value, (list, np.ndarray)) else value for value in y]
        if any(isinstance(value, tuple) for value in values):
            values = np.array(y, dtype=object)
    if values.ndim == 2 and values.shape[1] == 1:
        from sklearn.exceptions import DataConversionWarning

        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Pass y.ravel() to silence this warning.",
            DataConversionWarning,
            stacklevel=5,
        )
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(_outputs_message(values.shape))
    return pd.Series(values, dtype=object) if values.dtype.kind in "SUO" else pd.Series(values)


def _inferred(series: pd.Series[Any]) -> pd.Series[Any]:
    try:
        return series.infer_objects()
    except UnicodeEncodeError as error:
        raise DataError(f"y holds text that is not valid Unicode ({error}). Decode it again.") from error


def _present(series: pd.Series[Any]) -> pd.Series[Any]:
    """Refuse missing and infinite values."""
    missing = int(series.isna().sum())
    if missing:
        raise DataError(
            f"Input y contains NaN: {missing} of {len(series)} values are missing. "
            "Drop these rows from X and y: keep = pandas.notna(y)."
        )
    if getattr(series.dtype, "kind", "") == "f":
        infinite = int(np.isinf(series.astype("float64")).sum())
        if infinite:
            raise DataError(
                f"Input y contains infinity or a value too large for dtype('float64'): {infinite} of {len(series)} "
                "values. Drop or cap them: keep = numpy.isfinite(y)."
            )
    return series


def _as_values(series: pd.Series[Any]) -> Array:
    if not (_is_number(series) or _holds(series) == "boolean"):
        example = series.iloc[0]
        raise DataError(
            f"y holds {_holds(series)} values such as {example!r}; regression needs numbers. "
            "Convert them: y.astype(float), or use AutoClassifier if they are labels."
        )
    values = _floats(series)
    if not np.isfinite(values).all():
        raise DataError("Input y contains NaN or infinity among its objects. Drop these rows from X and y.")
    if np.abs(values).max() > _LARGEST:
        raise DataError(f"y reaches {np.abs(values).max():.3g}, and squares of it are infinite. Scale the target down.")
    return np.array(values, dtype=np.float64)


def _floats(series: pd.Series[Any]) -> Array:
    try:
        return np.asarray(series.astype("float64"))
    except OverflowError:
        raise DataError("y holds a whole number too large for float64. Scale the target down.") from None


def _as_codes(series: pd.Series[Any]) -> tuple[Array, Array]:
    labels = _labels(series)
    try:
        classes, codes = np.unique(labels, return_inverse=True)
    except TypeError:
        kinds = sorted({type(label).__name__ for label in labels})
        raise DataError(
            f"Unknown label type: y mixes {', '.join(kinds)}, which cannot be sorted. Make all labels strings: "
            "y.astype(str)."
        ) from None
    if len(classes) < 2:
        raise DataError(
            f"y holds a single class, {classes.tolist()[0]!r}; a classifier needs at least 2 classes. "
            "Check how the rows were selected."
        )
    return codes.astype(np.int64), classes


def _labels(series: pd.Series[Any]) -> Array:
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(series.dtype.categories.dtype)
    holds = _holds(series)
    if holds == "boolean":
        return series.astype("bool").to_numpy()
    if _is_number(series):
        if series.dtype != object and getattr(series.dtype, "kind", "") in "iu":
            if isinstance(series.dtype, np.dtype):
                return np.asarray(series.to_numpy(dtype=series.dtype.newbyteorder("=")))
            return np.asarray(series.to_numpy(dtype=np.uint64 if series.dtype.kind == "u" else np.int64))
        values = _floats(series)
        if not np.all(values == np.floor(values)):
            example = values[values != np.floor(values)][0]
            raise DataError(
                f"Unknown label type: continuous. y holds numbers such as {example}, which are measurements rather "
                "than classes. Use AutoRegressor, or make classes of them (pandas.cut, astype(str))."
            )
        # account numbers beyond 64 bits are told apart as they are, not as floats
        return values if (series.to_numpy() == values).all() else series.to_numpy(dtype=object)
    if holds in ("datetime64", "datetime", "date", "timedelta64", "timedelta"):
        raise DataError(f"Unknown label type: {holds}. y holds times; make labels of them: y.astype(str).")
    nested = next((value for value in series if isinstance(value, _NESTED)), None) if holds == "mixed" else None
    if nested is not None:
        raise DataError(f"Unknown label type: y holds a {type(nested).__name__} as a label. Pass strings or numbers.")
    return np.asarray(series.to_numpy(dtype=object))


def _holds(series: pd.Series[Any]) -> str:
    return "string" if isinstance(series.dtype, pd.StringDtype) else pd.api.types.infer_dtype(series, skipna=True)


def _is_number(series: pd.Series[Any]) -> bool:
    if isinstance(series.dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(series.dtype):
        return False
    return pd.api.types.is_numeric_dtype(series.dtype) or _holds(series) in _NUMBERS


def _outputs_message(shape: tuple[int, ...]) -> str:
    return (
        f"y should be a 1d array, got an array of shape {shape} instead: multi-output is not supported. "
        "Fit one model for each column of y."
    )
