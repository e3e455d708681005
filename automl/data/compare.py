"""How one column differs from what it held in fit: findings with counts, and its drift."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array, DataError
from automl.data.container import refuse_cells
from automl.data.dataset import Column, Kind
from automl.data.drift import Drift, level_drift, number_drift
from automl.data.kinds import parses
from automl.data.reference import (
    LEVEL_KINDS,
    ColumnReference,
    Reference,
    count_levels,
    holds,
    numbers,
    read_dates,
    reads_numbers,
    sorted_sample,
)
from automl.data.schema import check_type

__all__ = ["ColumnFinding", "Scale", "compare", "counted"]

_SHOWN_VALUES = 5


@dataclass(frozen=True)
class ColumnFinding:
    """One difference from the table of fit.

    Parameters
    ----------
    level : {"info", "warning"}
        A warning deserves a decision: predict would refuse the table, or not see what the values say.
    code : {"columns", "missing_column", "extra_column", "retyped", "unseen_levels", "new_missing", "out_of_range", \
"drift"}
    column : hashable
        None: the whole table.
    rows : int
        How many rows it is about.
    message : str
    values : tuple of str
        The first few values it is about.
    """

    level: str
    code: str
    column: Hashable
    rows: int
    message: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scale:
    """What decides how much of a difference is chance."""

    step: int
    reference: Reference
    n_columns: int


def compare(
    series: pd.Series[Any], back: pd.Series[Any], column: Column, seen: ColumnReference, scale: Scale
) -> tuple[list[ColumnFinding], Drift | None]:
    """Compare one column with what it held in fit; ``back`` is the column as ``restore`` returned it."""
    findings = list(_retyped(series, back, column, seen))
    if any(finding.level == "warning" for finding in findings):
        if _refusal(back, column) is not None:
            return findings, None
        series = back  # as predict would see it after the repair; else as it sees it now
    drift = None
    if column.kind in LEVEL_KINDS:
        counts = count_levels(series, column)
        missing = len(series) - int(counts.sum())
        findings += _unseen(counts, column, seen, scale)
        in_order = counts.reindex([level for level, _ in seen.levels], fill_value=0).to_numpy()
        others = int(counts.sum() - in_order.sum())
        drift = level_drift(seen, in_order, others, missing, scale.reference.n_rows, scale.n_columns)
    elif column.kind is Kind.NUMERIC:
        values = numbers(back)
        missing = int(np.isnan(values).sum())
        findings += _outside(values, column, seen)
        sample = sorted_sample(values, scale.step)
        gaps = len(values[:: scale.step]) - len(sample)
        drift = number_drift(seen, sample, gaps, scale.reference.n_sampled, scale.n_columns)
    elif column.kind is Kind.DATE:
        dates = read_dates(series, column)
        missing = int(dates.isna().sum())
        findings += _outside(dates, column, seen)
    else:
        missing = int(series.isna().sum())
    if missing and seen.missing_share == 0:
        what = "missing"
        if column.kind is Kind.DATE:
            what += f" or not written as {column.date_format}" if column.date_format else " or no date"
        elif column.kind is Kind.NUMERIC:
            what += " or infinite"
        text = f"column {column.name!r}: {_holds(missing, 'is')} {what}; in fit nothing was missing"
        findings.append(ColumnFinding("warning", "new_missing", column.name, missing, text))
    if drift is not None and drift.found:
        findings.append(_drifted(drift, len(series)))
    return findings, drift


def _retyped(
    series: pd.Series[Any], back: pd.Series[Any], column: Column, seen: ColumnReference
) -> Iterator[ColumnFinding]:
    refusal = _refusal(series, column)
    if refusal is not None:
        odd = _odd_values(series, column)
        cure = " Repair brings it back without loss." if back is not series else ""
        yield ColumnFinding("warning", "retyped", column.name, len(odd), refusal + cure, _first(odd))
        return
    now = holds(series)
    if back is series and (now in ("", seen.holds) or seen.holds in ("", "objects")):
        return
    if now == "numbers" and reads_numbers(column):
        return  # numbers that fit read from strings
    read = {Kind.NUMERIC: "numbers", Kind.DATE: "dates", Kind.TEXT: "text"}.get(column.kind, "levels")
    read = "numbers" if reads_numbers(column) else read
    text = f"column {column.name!r} held {seen.holds} in fit and {now} here; they are read as {read}"
    yield ColumnFinding("info", "retyped", column.name, int(series.notna().sum()), text, _first(series.dropna()))


def _refusal(series: pd.Series[Any], column: Column) -> str | None:
    """Say why predict would refuse a column, if it would."""
    try:
        if not (isinstance(series.dtype, np.dtype) and series.dtype.kind in "biuf"):
            refuse_cells(series.to_frame())
        check_type(series, column)
    except DataError as error:
        return str(error)
    return None


def _odd_values(series: pd.Series[Any], column: Column) -> pd.Series[Any]:
    """Return the values for which a column is refused: all of them, or the ones that are no numbers."""
    present = series.dropna()
    if reads_numbers(column) and holds(series) in ("strings", "objects"):
        levels = present.astype(str).unique()
        odd = {level for level in levels if not parses(pd.Series([level], dtype=object))}
        return present[present.astype(str).isin(odd)] if odd else present
    return present


def _unseen(counts: pd.Series[int], column: Column, seen: ColumnReference, scale: Scale) -> Iterator[ColumnFinding]:
    """Report levels that fit did not have; where it did not keep all, nobody can tell."""
    if seen.more_levels:
        return
    known = {level for level, _ in seen.levels}
    unseen = counts[[level not in known for level in counts.index]]
    if unseen.empty:
        return
    rows, present = int(unseen.sum()), int(counts.sum())
    # As many values as occurred once in fit are to be new in the next table (Good-Turing).
    usual = present * seen.single_share
    level = "info" if rows <= usual + 4 * np.sqrt(usual * (1 + present / scale.reference.n_rows)) else "warning"
    names = tuple(str(label) for label in unseen.index[:_SHOWN_VALUES])
    shown = ", ".join(map(repr, names)) + (", ..." if len(unseen) > _SHOWN_VALUES else "")
    what = counted(len(unseen), "level")
    text = f"column {column.name!r}: {_holds(rows, 'holds')} {what} not seen in fit: {shown}"
    yield ColumnFinding(level, "unseen_levels", column.name, rows, text, names)


def _outside(values: Array | pd.Series[pd.Timestamp], column: Column, seen: ColumnReference) -> Iterator[ColumnFinding]:
    if seen.low is None or seen.high is None:
        return
    low, high = seen.low, seen.high
    # NumPy would compare dates in nanoseconds, where those after 2262 overflow
    limits: list[Any] = [pd.Timestamp(end) if isinstance(end, str) else end for end in (low, high)]
    odd = values[(values < limits[0]) | (values > limits[1])]
    if len(odd):
        shown = f"{low} to {high}" if isinstance(low, str) else f"{low:g} to {high:g}"
        text = f"column {column.name!r}: {_holds(len(odd), 'lies')} outside the range of fit, {shown}"
        yield ColumnFinding("info", "out_of_range", column.name, len(odd), text, _first(pd.Series(odd)))


def _drifted(drift: Drift, rows: int) -> ColumnFinding:
    measures = f"PSI {drift.psi:.2f} (limit {drift.psi_limit:.2f})"
    if drift.ks is not None:
        measures += f", KS {drift.ks:.2f} (limit {drift.ks_limit:.2f})"
    text = f"column {drift.column!r} is distributed otherwise than in fit: {measures}"
    return ColumnFinding("warning", "drift", drift.column, rows, text)


def _first(values: pd.Series[Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in values.iloc[:1000].astype(str).unique()[:_SHOWN_VALUES])


def counted(number: int, what: str) -> str:
    """Write a number of things."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _holds(rows: int, verb: str) -> str:
    plural = {"holds": "hold", "is": "are", "lies": "lie"}[verb]
    return f"{counted(rows, 'row')} {verb if rows == 1 else plural}"
