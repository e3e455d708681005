"""What the columns of the table of fit held, kept small enough to travel with a model: Reference."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array
from automl.data.dataset import Column, Container, Dataset, Kind

__all__ = [
    "LEVEL_KINDS",
    "ColumnReference",
    "Reference",
    "count_levels",
    "each_column",
    "holds",
    "make_reference",
    "numbers",
    "read_dates",
    "reads_numbers",
    "sample_step",
    "sorted_sample",
    "spelled",
]

LEVEL_KINDS = (Kind.CATEGORICAL, Kind.HIGH_CARDINALITY, Kind.BOOLEAN)
_MOST_LEVELS = 1_000
_SAMPLE_ROWS = 20_000
_LEAST_ROWS = 500
_CELLS = 20_000_000
_CELLS_AT_ONCE = 8_000_000
_QUANTILES = 21
_FAMILIES = {
    "boolean": "numbers",
    "integer": "numbers",
    "floating": "numbers",
    "mixed-integer-float": "numbers",
    "decimal": "numbers",
    "string": "strings",
    "date": "dates",
    "datetime": "dates",
    "datetime64": "dates",
    "timedelta": "durations",
    "timedelta64": "durations",
    "empty": "",
}


@dataclass(frozen=True)
class ColumnReference:
    """What one used column held in fit.

    Parameters
    ----------
    holds : {"numbers", "strings", "dates", "durations", "objects", ""}
        How its values were stored; "objects" is a mixture, "" nothing but missing values.
    missing_share : float
        Over all rows; infinite numbers and dates that cannot be read count as missing.
    levels : tuple of (str, float)
        The most frequent levels and their shares among the present values, most frequent first.
    more_levels : bool
        Whether there were others.
    single_share : float
        Share of the present values whose level occurs once: about as many will be unseen in the next table.
    low, high : float or str or None
        The range of numbers, and of dates in ISO form.
    cuts, below : tuple of float
        Points between which numbers are counted, and the share of the present values at or below each.
    """

    name: Hashable
    holds: str = ""
    missing_share: float = 0.0
    levels: tuple[tuple[str, float], ...] = ()
    more_levels: bool = False
    single_share: float = 0.0
    low: float | str | None = None
    high: float | str | None = None
    cuts: tuple[float, ...] = ()
    below: tuple[float, ...] = ()


@dataclass(frozen=True)
class Reference:
    """What the used columns of a table held, in the order of the schema.

    Parameters
    ----------
    n_rows : int
    n_sampled : int
        Rows of which ``cuts`` and ``below`` were taken; everything else is counted over all rows.
    columns : tuple of ColumnReference
    """

    n_rows: int
    n_sampled: int
    columns: tuple[ColumnReference, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reference:
        columns = tuple(
            ColumnReference(
                **{
                    **column,
                    "levels": tuple((level, share) for level, share in column["levels"]),
                    "cuts": tuple(column["cuts"]),
                    "below": tuple(column["below"]),
                }
            )
            for column in data["columns"]
        )
        return cls(data["n_rows"], data["n_sampled"], columns)


def make_reference(dataset: Dataset) -> Reference:
    """Describe the used columns of a dataset, so that later tables can be compared with it.

    Examples
    --------
    >>> import pandas as pd
    >>> from automl.data import make_dataset, make_reference
    >>> X = pd.DataFrame({"city": ["Ulm", "Bonn", "Ulm", None]})
    >>> make_reference(make_dataset(X, [1.0, 2.0, 3.0, 4.0], classifies=False)).columns[0].levels
    (('Ulm', 0.6666666666666666), ('Bonn', 0.3333333333333333))
    """
    used = {column.name: column for column in dataset.schema.used}
    step = sample_step(dataset.n_rows, len(used))
    seen = {plain.name: plain for plain in _describe_plain(dataset, step)}
    rest = [name for name in used if name not in seen]
    seen.update({name: _describe(series, used[name], step) for name, series in each_column(dataset.X, rest)})
    return Reference(dataset.n_rows, -(-dataset.n_rows // step), tuple(seen[name] for name in used))


def each_column(table: Any, names: Sequence[Any]) -> Iterator[tuple[Hashable, pd.Series[Any]]]:
    """Yield label (position in a matrix) and values of these columns."""
    if isinstance(table, pd.DataFrame):
        yield from ((name, table[name]) for name in names)
    elif isinstance(table, np.ndarray):
        yield from ((name, pd.Series(table[:, name])) for name in names)
    else:
        matrix = table.tocsc()
        for name in names:
            stored = slice(matrix.indptr[name], matrix.indptr[name + 1])
            values = np.zeros(matrix.shape[0], dtype=matrix.dtype)
            values[matrix.indices[stored]] = matrix.data[stored]
            yield name, pd.Series(values)


def sample_step(rows: int, width: int) -> int:
    """Return k such that every k-th row is enough to draw the distribution of numbers from."""
    return -(-rows // max(_LEAST_ROWS, min(_SAMPLE_ROWS, _CELLS // max(1, width))))


def reads_numbers(column: Column) -> bool:
    """Whether the values of a column become numbers by ``astype("float64")``."""
    return column.kind is Kind.NUMERIC or (column.numeric and column.kind in LEVEL_KINDS)


def holds(series: pd.Series[Any]) -> str:
    """Say what a column holds, whatever its dtype: see ``ColumnReference.holds``."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        return "" if series.isna().all() else holds(pd.Series(series.dtype.categories))
    kind = getattr(series.dtype, "kind", "O")
    if isinstance(series.dtype, np.dtype) and kind in "biuf":
        return "" if kind == "f" and bool(np.isnan(series.to_numpy()).all()) else "numbers"
    if kind in "biufMm":
        family = {"M": "dates", "m": "durations"}.get(kind, "numbers")
    elif pd.api.types.is_numeric_dtype(series.dtype) or pd.api.types.is_bool_dtype(series.dtype):
        family = "numbers"
    elif isinstance(series.dtype, pd.StringDtype):
        family = "strings"
    else:
        family = _FAMILIES.get(pd.api.types.infer_dtype(series, skipna=True), "objects")
    return "" if series.isna().all() else family


def numbers(series: pd.Series[Any]) -> Array:
    """Return the values as floats, infinite ones as missing, as pipelines read them."""
    plain = isinstance(series.dtype, np.dtype) and series.dtype.kind in "biuf"
    values = (series if plain else series.astype("float64")).to_numpy().astype(np.float64)  # the last is a copy
    values[np.isinf(values)] = np.nan
    return values


def sorted_sample(values: Array, step: int) -> Array:
    """Return the present values among every ``step``-th, in ascending order."""
    sampled = values[::step]
    return np.sort(sampled[~np.isnan(sampled)])


def read_dates(series: pd.Series[Any], column: Column) -> pd.Series[pd.Timestamp]:
    """Return naive datetimes, read as pipelines read them: what is not written as in fit is missing."""
    written = column.date_format or ("ISO8601" if column.dtype.startswith(("datetime", "timestamp")) else "mixed")
    codes, values = pd.factorize(series)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numbers among strings
        parsed = pd.Series(pd.to_datetime(pd.Series(values), format=written, errors="coerce", utc=True))
    return parsed.dt.tz_localize(None).reindex(codes).set_axis(series.index)


def count_levels(series: pd.Series[Any], column: Column) -> pd.Series[int]:
    """Count the rows of each level, spelled as a string, most frequent first; missing values are left out."""
    if not column.numeric:
        return series.astype(pd.StringDtype(na_value=np.nan)).value_counts()
    counts = pd.Series(numbers(series)).value_counts()
    return counts.set_axis([spelled(value) for value in counts.index])


def spelled(value: float) -> str:
    """Return a number without a fraction as one would write it: 3.0 as "3"."""
    return str(int(value)) if value == np.floor(value) and abs(value) < 1e15 else repr(float(value))


def _describe(series: pd.Series[Any], column: Column, step: int) -> ColumnReference:
    name, stored = column.name, holds(series)
    if column.kind in LEVEL_KINDS:
        counts = count_levels(series, column)
        present = max(1, int(counts.sum()))
        levels = tuple((str(level), float(count) / present) for level, count in counts.head(_MOST_LEVELS).items())
        return ColumnReference(
            name,
            stored,
            1.0 - float(counts.sum()) / len(series),
            levels,
            len(counts) > _MOST_LEVELS,
            float((counts == 1).sum()) / present,
        )
    if column.kind is Kind.NUMERIC:
        values = numbers(series)
        low, high = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
        missing = float(np.isnan(values).mean())
        return _describe_numbers(name, stored, missing, low, high, sorted_sample(values, step))
    if column.kind is Kind.DATE:
        dates = read_dates(series, column)
        known = dates.notna().any()
        return ColumnReference(
            name,
            stored,
            float(dates.isna().mean()),
            low=dates.min().isoformat() if known else None,
            high=dates.max().isoformat() if known else None,
        )
    return ColumnReference(name, stored, float(series.isna().mean()))


def _describe_plain(dataset: Dataset, step: int) -> Iterator[ColumnReference]:
    """Describe columns of plain numbers, many at once: there may be tens of thousands."""
    X, sparse = dataset.X, dataset.schema.container is Container.SPARSE
    names = [column.name for column in dataset.schema.of(Kind.NUMERIC)]
    if dataset.schema.container is Container.FRAME:
        dtypes = dict(X.dtypes)
        names = [n for n in names if isinstance(dtypes[n], np.dtype) and dtypes[n].kind in "biuf"]
    matrix, sampled = (X.tocsc(), X[::step].tocsc()) if sparse else (X, X)
    width = max(1, _CELLS_AT_ONCE // sampled.shape[0])
    for some in (names[start : start + width] for start in range(0, len(names), width)):
        if sparse:
            block = matrix[:, some]
            low, high = (ends.toarray().ravel() for ends in (block.nanmin(axis=0), block.nanmax(axis=0)))
            missing = np.asarray((block != block).sum(axis=0)).ravel()
            sample = sampled[:, some].toarray()
        else:
            block = np.array(X[some] if isinstance(X, pd.DataFrame) else X[:, some], dtype=np.float64)
            block[np.isinf(block)] = np.nan
            low, high = np.fmin.reduce(block), np.fmax.reduce(block)
            missing = np.isnan(block).sum(axis=0)
            sample = block[::step]
        ordered = np.sort(np.ascontiguousarray(sample.T, dtype=np.float64), axis=1)
        present = ordered.shape[1] - np.isnan(ordered).sum(axis=1)
        for position, name in enumerate(some):
            share = float(missing[position]) / X.shape[0]
            line = ordered[position, : present[position]]
            yield _describe_numbers(name, "numbers", share, float(low[position]), float(high[position]), line)


def _describe_numbers(
    name: Hashable, stored: str, missing: float, low: float, high: float, sample: Array
) -> ColumnReference:
    if missing == 1.0:
        return ColumnReference(name, stored, missing)
    cuts = _cuts(sample)
    below = np.searchsorted(sample, cuts, side="right") / max(1, len(sample))
    return ColumnReference(
        name, stored, missing, low=low, high=high, cuts=tuple(cuts.tolist()), below=tuple(below.tolist())
    )


def _cuts(sample: Array) -> Array:
    """Return quantiles; before a value that fills several of them also its predecessor, so that it is counted alone."""
    if len(sample) == 0:
        return sample
    points = sample[np.arange(1, _QUANTILES - 1) * (len(sample) - 1) // (_QUANTILES - 1)]
    heavy = points[1:][points[1:] == points[:-1]]
    before = np.searchsorted(sample, heavy, side="left") - 1
    return np.unique(np.concatenate([points, sample[before[before >= 0]]]))
