"""conform: a table handed to predict, brought into the container and column order of fit, or refused."""

from __future__ import annotations

import warnings
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from automl.core import DataError, SchemaError
from automl.data.container import open_table, refuse_cells
from automl.data.dataset import Column, Container, Kind, Schema
from automl.data.dates import find_format
from automl.data.kinds import parses, unparsed_example
from automl.data.reference import holds, read_dates

__all__ = ["as_frame", "check_type", "check_width", "conform", "opened"]

_PROBED_DATES = 1_000
_TELLING_DATES = 5  # different ones, all written otherwise, are no accident
_LEVELS = (Kind.CATEGORICAL, Kind.HIGH_CARDINALITY, Kind.BOOLEAN)


def conform(X: Any, schema: Schema, name: str = "automl") -> Any:
    """Return X in the container of fit, its columns in the order of fit; no value is changed.

    Parameters
    ----------
    X : table-like of shape (n, d)
        Columns are matched by name where both tables have names, else by position. Columns that fit did not know
        are dropped; columns that no model uses may be absent.
    schema : Schema
    name : str
        Who expects the table, for messages.

    Raises
    ------
    SchemaError
        A used column is missing, their number is wrong, or a column has changed its type.

    Examples
    --------
    >>> import pandas as pd
    >>> from automl.data import conform, infer_columns
    >>> schema = infer_columns(pd.DataFrame({"age": [31.0, 45.0], "city": ["Bonn", "Ulm"]}))
    >>> conform(pd.DataFrame({"city": ["Rome"], "extra": [1], "age": [28.0]}), schema)
        age  city
    0  28.0  Rome
    """
    table, named = opened(X)
    if schema.container is Container.FRAME:
        frame = as_frame(table, named, schema, name)
        _check_cells(frame)
        columns = {column.name: column for column in schema.used}
        for label in frame.columns:
            if label in columns:
                check_type(frame[label], columns[label])
        return frame
    check_width(table, schema, name)
    if schema.container is Container.ARRAY:
        return _array(table)
    return table if hasattr(table, "tocsr") else _sparse(_array(table))


def opened(X: Any) -> tuple[Any, bool]:
    """Return (table, whether its columns came with names)."""
    try:
        return open_table(X)
    except SchemaError:
        raise
    except DataError as error:
        raise SchemaError(str(error)) from error


def check_width(table: Any, schema: Schema, name: str) -> None:
    """Refuse a table of another number of columns: without names nobody knows which are missing."""
    given, expected = table.shape[1], len(schema.columns)
    if given != expected:
        raise SchemaError(
            f"X has {given} features, but {name} is expecting {expected} features as input. "
            "Pass the same columns as in fit."
        )


def as_frame(table: Any, named: bool, schema: Schema, name: str) -> pd.DataFrame:
    """Return the known columns in the order of fit, matched by name where both tables have names."""
    names = list(schema.names)
    if not (named and isinstance(table, pd.DataFrame)):
        check_width(table, schema, name)
        values = table.toarray() if hasattr(table, "tocsr") else table
        if isinstance(values, pd.DataFrame):
            return values.set_axis(names, axis=1)
        return pd.DataFrame(values, columns=names)
    if not all(isinstance(label, str) for label in names):
        return _numbered(table, names, name)
    present = set(table.columns)
    missing = [column.name for column in schema.used if column.name not in present]
    if missing:
        shown = ", ".join(map(repr, missing[:10])) + (", ..." if len(missing) > 10 else "")
        raise SchemaError(
            f"X lacks {len(missing)} column(s) that {name} uses: {shown}. It has {table.shape[1]} columns. "
            "Add them (a column may be all missing) or rename yours."
        )
    wanted = [label for label in names if label in present]
    return table if wanted == list(table.columns) else table[wanted]


def _numbered(table: pd.DataFrame, names: list[Hashable], name: str) -> pd.DataFrame:
    """Columns without names are taken by position, so that only the very same ones will do; files spell them."""
    if list(table.columns) == names:
        return table
    if list(table.columns) == [str(label) for label in names]:
        return table.set_axis(names, axis=1)
    raise SchemaError(
        f"X has {table.shape[1]} features, but {name} is expecting {len(names)} features as input, numbered "
        f"0 to {len(names) - 1} in this order, as there were no column names in fit. Pass the same columns."
    )


def check_type(series: pd.Series[Any], column: Column) -> None:
    """Refuse a column whose type has changed so that a model would silently misread it."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = pd.Series(series.cat.remove_unused_categories().cat.categories)
    dtype = series.dtype
    number = pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype)
    number = number or (column.kind is Kind.DATE and holds(series) == "numbers")
    if getattr(dtype, "kind", "") == "m":
        raise SchemaError(f"column {column.name!r} holds time differences; in fit it was {column.kind}.")
    if column.kind is Kind.NUMERIC or (column.numeric and column.kind in _LEVELS):
        moment = getattr(dtype, "kind", "") == "M"  # Arrow's would pass as numbers
        if moment or not (number or parses(series)):
            example = next(iter(series.dropna()), pd.NaT) if moment else unparsed_example(series)
            raise SchemaError(
                f"column {column.name!r} held numbers in fit; here it holds {example!r}. "
                "Make the column numeric again: missing values may be NaN or None."
            )
    elif column.kind is Kind.DATE and pd.api.types.infer_dtype(series) == "period":
        raise SchemaError(
            f"column {column.name!r} held dates in fit; here it holds periods. "
            f"Convert them: X[{column.name!r}] = X[{column.name!r}].dt.to_timestamp()."
        )
    elif number and not series.isna().all():
        _check_number(series, column)
    elif column.kind is Kind.DATE:
        _check_dates(series, column)


def _check_dates(series: pd.Series[Any], column: Column) -> None:
    """Refuse dates that are all written in another way than in fit: each would be missing, without a word.

    A few may be the odd ones that fit had as well: they are missing, as they were there, with a warning.
    """
    values = series.dropna()
    values = values.iloc[:: max(1, len(values) // _PROBED_DATES)]  # of the whole column: files are often sorted
    if not len(values) or read_dates(values, column).notna().any():
        return
    texts, counts = np.unique(values.astype(str).to_numpy(dtype=object), return_counts=True)
    other, remark = find_format(texts, counts)
    if other is None:
        return
    text = (
        f"column {column.name!r} held dates written as {column.date_format or 'datetimes'} in fit; here it holds "
        f"{texts[0]!r}, which is read as missing. Pass dates as in fit, or datetimes: "
        f"pandas.to_datetime(X[{column.name!r}], format={other!r}){f' ({remark})' if remark else ''}."
    )
    if len(texts) >= _TELLING_DATES:
        raise SchemaError(text)
    warnings.warn(text, UserWarning, stacklevel=2)


def _check_number(series: pd.Series[Any], column: Column) -> None:
    """Numbers where there were strings, dates or text: whole ones still spell the same level."""
    example = series.dropna().tolist()[0]
    if column.kind is Kind.DATE:
        written = f"dates written as {column.date_format}" if column.date_format else "dates"
        raise SchemaError(
            f"column {column.name!r} held {written} in fit; here it holds the number {example!r}. "
            "Pass the dates as they were in fit."
        )
    if column.padded and column.kind in _LEVELS:
        raise SchemaError(
            f"column {column.name!r} held strings such as '0{example}' in fit; here it holds the number {example!r}, "
            f"whose zeros are lost. Read it as strings: read_csv(..., dtype={{{column.name!r}: str}})."
        )
    if getattr(series.dtype, "kind", "") == "f" and column.kind in _LEVELS:
        values = series.dropna().astype("float64").to_numpy()
        if np.all(values == np.floor(values)):
            raise SchemaError(
                f"column {column.name!r} held strings in fit; here it holds floats such as {example!r}, which would be "
                f"read as the level '{example}'. Read it as strings: read_csv(..., dtype={{{column.name!r}: str}})."
            )


def _check_cells(table: pd.DataFrame) -> None:
    try:
        refuse_cells(table)
    except DataError as error:
        raise SchemaError(str(error)) from error


def _array(table: Any) -> Any:
    if isinstance(table, np.ndarray):
        return table
    if hasattr(table, "tocsr"):
        return table.toarray()
    _check_cells(table)
    for label in table.columns:
        dtype = table[label].dtype
        if getattr(dtype, "kind", "") in "mM" or not parses(table[label]):
            raise SchemaError(
                f"column {label!r} holds {unparsed_example(table[label])!r}; in fit X was an array of numbers. "
                "Pass numbers in every column."
            )
    return table.astype("float64").to_numpy()


def _sparse(values: Any) -> Any:
    from scipy import sparse

    return sparse.csr_matrix(values.astype(np.float64, copy=False))
