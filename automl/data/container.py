"""Opening whatever was handed over as X: one of three containers comes out, the values stay as they were."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from automl.core import DataError
from automl.data.dataset import Container

__all__ = ["CellError", "as_table", "container_of", "open_table", "read_foreign", "refuse_cells"]

_NESTED = (list, tuple, dict, set, frozenset, np.ndarray)
_NUMBER_KINDS = "biuf"
_NUMBERS = frozenset({"integer", "floating", "mixed-integer-float", "boolean", "decimal"})


class CellError(DataError, TypeError):
    """A cell holds something that is neither a string nor a number; also a TypeError, as scikit-learn raises one."""


def as_table(X: Any) -> Any:
    """Return X as a DataFrame, a 2-D array of numbers or a CSR matrix; refuse what no model can be fitted on.

    Parameters
    ----------
    X : DataFrame, polars or Arrow table, anything with ``to_pandas`` or ``__arrow_c_stream__``, 2-D array, nested \
list or sparse matrix
        pandas is returned as it is, but for pandas.NA in columns of objects, which becomes None. Arrays and lists
        that hold anything but numbers become a DataFrame with the columns ``x0``, ``x1``, ...

    Raises
    ------
    DataError
        Wrong number of dimensions, no rows, no columns, complex numbers, duplicate or unusable column names, nested
        cells.

    Examples
    --------
    >>> from automl.data import as_table
    >>> as_table([[1, 2], [3, None]])
       x0   x1
    0   1  2.0
    1   3  NaN
    >>> as_table([[1, 2], [3, 4]])
    array([[1., 2.],
           [3., 4.]])
    """
    table, _ = open_table(X)
    if isinstance(table, pd.DataFrame):
        refuse_cells(table)
    return table


def container_of(table: Any) -> Container:
    """Name the container of a table that :func:`as_table` returned."""
    if isinstance(table, pd.DataFrame):
        return Container.FRAME
    return Container.ARRAY if isinstance(table, np.ndarray) else Container.SPARSE


def open_table(X: Any) -> tuple[Any, bool]:
    """Return (table, whether its columns came with names), checked in all but its cells."""
    table, named = _open(X)
    shape = table.shape
    if len(shape) != 2:
        raise DataError(_shape_message(len(shape)))
    if shape[1] == 0:
        raise DataError(
            f"Found array with 0 feature(s) (shape={shape}) while a minimum of 1 is required. Pass at least one column."
        )
    if shape[0] == 0:
        raise DataError(
            f"Found array with 0 sample(s) (shape={shape}) while a minimum of 1 is required. Pass at least one row."
        )
    if isinstance(table, pd.DataFrame):
        _check_labels(table)
        table = _without_na(table)
    return table, named


def refuse_cells(table: pd.DataFrame) -> None:
    """Raise if a column holds complex numbers or nested values (lists, dictionaries, arrays)."""
    for position, (name, dtype) in enumerate(zip(table.columns, table.dtypes, strict=True)):
        if not _suspicious(dtype):
            continue
        if getattr(dtype, "kind", "") == "c":
            raise DataError(_complex_message(name))
        if not pd.api.types.is_object_dtype(dtype):
            raise CellError(_cell_message(name, str(dtype)))
        _refuse_objects(table.iloc[:, position], name)


def _open(X: Any) -> tuple[Any, bool]:
    if isinstance(X, pd.DataFrame):
        return X, True
    if isinstance(X, np.ndarray):
        return _from_array(X)
    if hasattr(X, "tocsr"):
        return _from_sparse(X), False
    if isinstance(X, (list, tuple)):
        return _from_list(X), False
    if isinstance(X, (str, bytes, dict, set)) or X is None:
        raise DataError(
            f"X is a {type(X).__name__}; expected a table of rows and columns. "
            "Pass a DataFrame (pandas.DataFrame(X) for a dictionary of columns, automl's load_table(path) for a file)."
        )
    if isinstance(X, pd.Series) or len(getattr(X, "shape", (0, 0))) == 1:
        raise DataError(_shape_message(1))
    frame = _from_foreign(X)
    if frame is not None:
        return frame, True
    if hasattr(X, "__array__"):
        return _from_array(read_foreign("X", lambda: np.asarray(X)))
    raise DataError(
        f"X is of type {type(X).__module__}.{type(X).__name__}, which cannot be read as a table. Pass a pandas, polars "
        "or pyarrow table, a 2-D NumPy array or a SciPy sparse matrix (lazy tables: collect them first)."
    )


def read_foreign(name: str, read: Callable[[], Any]) -> Any:
    """Read an object of another library, whose code may raise anything."""
    try:
        return read()
    except Exception as error:
        raise DataError(f"{name} cannot be read: {type(error).__name__}: {error}. Pass pandas or NumPy.") from error


def _without_na(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with None for pandas.NA in columns of objects, which would not become numbers with it."""
    filled: dict[Any, Any] = {}
    for position, (name, dtype) in enumerate(zip(table.columns, table.dtypes, strict=True)):
        if not pd.api.types.is_object_dtype(dtype):
            continue
        values = table.iloc[:, position].to_numpy(dtype=object)
        gaps = [row for row in np.flatnonzero(pd.isna(values)) if values[row] is pd.NA]
        if gaps:
            filled[name] = values.copy()
            filled[name][gaps] = None
    if filled:
        table = table.copy(deep=False)
        for name, values in filled.items():
            table[name] = values
    return table


def _from_foreign(X: Any) -> pd.DataFrame | None:
    """Read polars, Arrow and their kin; None if X is nothing of the sort."""
    if hasattr(X, "to_pandas"):
        frame = read_foreign("X", X.to_pandas)
    elif hasattr(X, "__arrow_c_stream__"):
        import pyarrow

        frame = read_foreign("X", lambda: pyarrow.table(X).to_pandas())
    elif hasattr(X, "__dataframe__"):
        frame = read_foreign("X", lambda: pd.api.interchange.from_dataframe(X))
    else:
        return None
    if isinstance(frame, pd.Series):
        raise DataError(_shape_message(1))
    return frame if isinstance(frame, pd.DataFrame) else None


def _from_sparse(X: Any) -> Any:
    if len(X.shape) != 2:
        raise DataError(_shape_message(len(X.shape)))
    if X.dtype.kind == "c":
        raise DataError("Complex data not supported: X is a sparse matrix of complex numbers. Pass real numbers.")
    if X.dtype.kind not in _NUMBER_KINDS:
        raise DataError(f"X is a sparse matrix of dtype {X.dtype}; expected numbers. Pass X.astype(float).")
    import scipy.sparse

    matrix = scipy.sparse.csr_matrix(X)  # LightGBM takes no sparse arrays; shares the user's memory
    if matrix.dtype.kind != "f":
        matrix = matrix.astype(np.float64)
    if np.isinf(matrix.data).any():
        raise DataError("X is a sparse matrix with infinite values; expected finite numbers. Replace or drop them.")
    if not matrix.has_canonical_format:
        matrix = matrix.copy()  # summing duplicates works in place, and X is the user's
        matrix.sum_duplicates()
    return matrix


def _from_array(X: Any) -> tuple[Any, bool]:
    if isinstance(X, np.ma.MaskedArray):
        X = np.ma.filled(X.astype(object if X.dtype.kind in "OSU" else np.float64), np.nan)
    if X.dtype.names is not None and X.ndim == 1:
        return pd.DataFrame(X), True
    if X.ndim != 2:
        raise DataError(_shape_message(X.ndim))
    if X.dtype.kind == "c":
        raise DataError("Complex data not supported: X is an array of complex numbers. Pass real numbers.")
    X = np.asarray(X)  # numpy.matrix and other subclasses would keep surprising everybody
    if X.dtype.kind in _NUMBER_KINDS:
        return X, False
    if X.dtype.kind == "V":
        raise DataError(f"X is an array of dtype {X.dtype}; expected numbers or strings. Pass pandas.DataFrame(X).")
    if X.dtype.kind in "SU":
        X = X.astype(object)
    columns = [f"x{position}" for position in range(X.shape[1])]
    try:
        return pd.DataFrame(X, columns=columns).infer_objects(), False
    except UnicodeEncodeError as error:
        raise DataError(f"X holds text that is not valid Unicode ({error}). Decode it again.") from error


def _from_list(X: Sequence[Any]) -> Any:
    if len(X) and isinstance(X[0], dict):
        raise DataError("X is a list of dictionaries. Pass pandas.DataFrame(X).")
    try:
        cells = np.array(X, dtype=object)
    except ValueError as error:
        raise DataError(
            f"X is a nested list that is not rectangular ({error}). Give every row the same length."
        ) from None
    if cells.ndim == 1 and len(cells) and isinstance(cells[0], _NESTED):
        lengths = sorted({len(row) for row in cells if isinstance(row, _NESTED)})
        raise DataError(f"X is a nested list with rows of lengths {lengths[:5]}. Give every row the same length.")
    if cells.ndim == 2 and cells.size and pd.api.types.infer_dtype(cells.ravel(), skipna=False) in _NUMBERS:
        try:
            return cells.astype(np.float64)
        except OverflowError:
            raise DataError("X holds a whole number too large for float64. Scale it down or pass it as text.") from None
    return _from_array(cells)[0]


def _check_labels(table: pd.DataFrame) -> None:
    """Accept strings, or exactly 0..d-1: pipelines select columns by name, or by position where there are no names."""
    labels = table.columns
    if isinstance(labels, pd.MultiIndex):
        raise DataError(
            f"X has {labels.nlevels} levels of column names; expected one. "
            "Join them first: X.columns = ['_'.join(map(str, name)) for name in X.columns]."
        )
    if not labels.is_unique:
        repeated = labels[labels.duplicated()].unique().tolist()
        raise DataError(
            f"X has {len(repeated)} column name(s) more than once: {_some(repeated)}. "
            "Rename or drop the copies: X = X.loc[:, ~X.columns.duplicated()]."
        )
    broken = [label for label in labels if isinstance(label, str) and not _is_text(label)]
    if broken:
        raise DataError(f"X has column names that are not valid Unicode: {_some(broken)}. Rename these columns.")
    odd = [label for label in labels if not isinstance(label, str)]
    if odd and not _counts(labels):
        raise DataError(
            f"X has column names that are not strings: {_some(odd)}. "
            "Pass strings: X.columns = X.columns.astype(str), both for fit and for predict."
        )


def _is_text(value: str) -> bool:
    """Whether it can be written as UTF-8: wrong decoding leaves halves of pairs, which no library takes."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _counts(labels: pd.Index[Any]) -> bool:
    return pd.api.types.is_integer_dtype(labels.dtype) and bool(np.array_equal(labels, np.arange(len(labels))))


def _suspicious(dtype: Any) -> bool:
    if pd.api.types.is_object_dtype(dtype) or getattr(dtype, "kind", "") == "c":
        return True
    if isinstance(dtype, pd.ArrowDtype):
        import pyarrow

        return bool(pyarrow.types.is_nested(dtype.pyarrow_dtype))
    return False


def _refuse_objects(series: pd.Series[Any], name: Any) -> None:
    inferred = pd.api.types.infer_dtype(series, skipna=True)
    broken = next((value for value in series if isinstance(value, str) and not _is_text(value)), None)
    if broken is not None:
        raise DataError(f"column {name!r} holds text that is not valid Unicode: {broken[:60]!r}. Decode it again.")
    if inferred not in ("complex", "mixed", "mixed-integer"):
        return
    odd = next(
        (type(value) for value in series if isinstance(value, (complex, *_NESTED)) or not isinstance(value, Hashable)),
        None,
    )
    if odd is not None and issubclass(odd, complex):
        raise DataError(_complex_message(name))
    if odd is not None:
        raise CellError(_cell_message(name, odd.__name__))


def _complex_message(name: Any) -> str:
    return f"Complex data not supported: column {name!r} holds complex numbers. Pass real numbers."


def _cell_message(name: Any, given: str) -> str:
    return (
        f"column {name!r} holds cells of type {given}; each argument must be a string or a real number. "
        "Spread the nested values over columns of their own, or drop the column."
    )


def _shape_message(dimensions: int) -> str:
    return (
        f"Expected 2D array, got {dimensions}D array instead. Reshape your data: X.reshape(-1, 1) (a Series: "
        "X.to_frame()) if it is a single column, X.reshape(1, -1) if it is a single row."
    )


def _some(names: Sequence[Any]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return f"{shown}, ..." if len(names) > 5 else shown
