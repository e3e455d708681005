"""Decimal commas in a table that was read with decimal points, column by column."""

from __future__ import annotations

import re
from collections.abc import Collection

import pandas as pd

__all__ = ["grouped_points", "read_commas"]

_COMMA = re.compile(r"\s*[+-]?(?:[0-9]+,?[0-9]*|,[0-9]+)(?:[eE][+-]?[0-9]+)?\s*")
_GROUPED = re.compile(r"\s*[+-]?[1-9][0-9]{0,2},[0-9]{3}\s*|[^,]*")
_POINT_GROUPED = re.compile(r"\s*[+-]?(?:[1-9][0-9]{0,2}\.[0-9]{3}|[0-9]+)\s*")


def read_commas(frame: pd.DataFrame, text: Collection[str] = ()) -> list[str]:
    """Turn columns of strings that are all numbers with a decimal comma into numbers; return their names.

    A column in which some value is none stays as it is, and so do those named in ``text``. ``1,234`` may also be a
    thousand: where other columns have decimal points, a column that holds nothing but such commas stays text.
    Exports do the same (automl/pipeline/standalone.py).
    """
    points = any(((frame[name] % 1) > 0).any() for name in frame.columns if frame[name].dtype.kind == "f")
    changed = []
    for name in frame.columns:
        if name in text or not pd.api.types.is_string_dtype(frame[name].dtype):
            continue
        values = frame[name].dropna().astype(str)
        if not all(map(_COMMA.fullmatch, values)) or not values.str.contains(",", regex=False).any():
            continue
        if not (points and all(map(_GROUPED.fullmatch, values))):
            frame[name] = frame[name].str.replace(",", ".", regex=False).astype("float64")
            changed.append(str(name))
    return changed


def grouped_points(strings: pd.DataFrame) -> list[str]:
    """Return the columns of strings whose points all stand before three digits, as they do between thousands."""

    def grouped(values: pd.Series[str]) -> bool:
        return bool(values.str.contains(".", regex=False).any()) and all(map(_POINT_GROUPED.fullmatch, values))

    return [str(name) for name in strings.columns if grouped(strings[name].dropna().astype(str))]
