"""Bringing a column back to how it was stored in fit, where nothing is lost by it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from automl.data.dataset import Column, Kind, Schema
from automl.data.dates import moments, parse_dates
from automl.data.kinds import parses
from automl.data.reference import ColumnReference, holds, read_dates, reads_numbers, spelled

__all__ = ["assemble", "restore"]

_STRINGS = pd.StringDtype(na_value=np.nan)
_WORDS = {"true": 1.0, "false": 0.0}


def restore(series: pd.Series[Any], column: Column, seen: ColumnReference) -> pd.Series[Any]:
    """Return the column stored as in fit; the same object if it is so already, or if something would be lost.

    Strings become numbers if all of them are numbers; numbers become strings, 3.0 the level "3"; dates are written, and
    numbers and strings read as dates, in the format of fit, if all of them can be.
    """
    now = holds(series)
    if now in ("", seen.holds) or seen.holds in ("", "objects"):
        return series
    if reads_numbers(column):
        return _as_numbers(series, column) if now in ("strings", "objects") else series
    if column.kind is Kind.DATE:
        return _as_dates(series, column, seen, now)
    return _as_strings(series, seen) if now == "numbers" and seen.holds == "strings" else series


def assemble(table: pd.DataFrame, restored: Mapping[Hashable, pd.Series[Any]], schema: Schema) -> pd.DataFrame:
    """Return the columns of fit in their order: restored, as they are, or all missing where a model needs them."""
    used = {column.name for column in schema.used}
    columns = {}
    for column in schema.columns:
        if column.name in table.columns:
            columns[column.name] = restored.get(column.name, table[column.name])
        elif column.name in used:
            columns[column.name] = _missing(column, table.index)
    return pd.DataFrame(columns, index=table.index)


def _missing(column: Column, index: pd.Index[Any]) -> pd.Series[Any]:
    if reads_numbers(column):
        return pd.Series(np.nan, index=index, dtype="float64")
    dated = column.kind is Kind.DATE and column.date_format is None
    return pd.Series(pd.NaT if dated else np.nan, index=index, dtype="datetime64[ns]" if dated else _STRINGS)


def _as_numbers(series: pd.Series[Any], column: Column) -> pd.Series[Any]:
    if parses(series):
        return series.astype("float64")
    if column.kind is Kind.BOOLEAN:
        words = series.astype(_STRINGS).str.strip().str.lower().map(_WORDS).astype("float64")
        if words.notna().sum() == series.notna().sum():
            return words
    return series


def _as_strings(series: pd.Series[Any], seen: ColumnReference) -> pd.Series[Any]:
    """Spell each number as fit knew it: 3.0 is "3" unless only "3.0" was a level."""
    known = {level for level, _ in seen.levels}
    codes, values = pd.factorize(series)
    written = []
    for value, long in zip(values, pd.Series(values).astype(_STRINGS), strict=True):
        brief = spelled(float(value)) if isinstance(value, float | np.floating) else long
        written.append(long if long in known and brief not in known else brief)
    return pd.Series(written, dtype=_STRINGS).reindex(codes).set_axis(series.index)


def _as_dates(series: pd.Series[Any], column: Column, seen: ColumnReference, now: str) -> pd.Series[Any]:
    present = series.notna().sum()
    if now == "strings" and seen.holds == "dates":
        dates = read_dates(series, column)
        return dates if dates.notna().sum() == present else series
    written_as = column.date_format
    if written_as is None:
        return series
    if now == "numbers" and parses(series):
        text = _as_strings(series, seen)
        return text if parse_dates(text, written_as).notna().sum() == present else series
    if now == "dates":
        dates = moments(series, replace(column, date_format=None))
        spelt: pd.Series[Any] = pd.Series(dates.dt.strftime(written_as), dtype=_STRINGS)
        return spelt if (parse_dates(spelt, written_as) == dates).sum() == present else series
    return series
