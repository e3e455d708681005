"""What each column holds: kinds are inferred from at most 100,000 evenly spaced rows, and may be overridden by name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array, DataError, SettingError
from automl.data.container import container_of
from automl.data.dataset import Column, Container, Kind, Schema
from automl.data.dates import find_format
from automl.data.numerals import find_numerals
from automl.data.profile import Profile, profile_numbers, profile_sparse

__all__ = ["WRITTEN_NUMBERS", "infer_again", "infer_columns", "parses", "unparsed_example"]

WRITTEN_NUMBERS = "look like numbers"  # in the reason of a column of such strings

_SAMPLE_ROWS = 100_000
_MANY_LEVELS = 50  # above it a categorical column counts as one of high cardinality
_ENOUGH_FOR_ID = 50  # fewer rows prove nothing: any small sample is all distinct
_ID_NAME = re.compile(r"(?:(?:^|[\W_])(?:id|uuid|guid)$)|(?:^id[\W_])", re.IGNORECASE)
_ID_CAMEL = re.compile(r"[a-z](?:Id|ID)$")
_CODE = re.compile(r"[+-]?(?:0\d|\d{16})")  # leading zeros and card numbers are names, not quantities
_PADDED = re.compile(r"[+-]?0\d+")
_NUMBER_LIKE = re.compile(r"\s*[+-]?(?:\.?\d|nan|inf)", re.IGNORECASE)
_OPAQUE = re.compile(r"[0-9A-Fa-f{}-]+|\S{1,23}")  # hashes, UUIDs and short keys; longer words have a structure
_NUMBERS = frozenset({"integer", "floating", "mixed-integer-float", "decimal"})
_UNUSED = (Kind.CONSTANT, Kind.ID)
_ASKED = "asked for in column_kinds"


def infer_columns(X: Any, column_kinds: Mapping[Hashable, str] | None = None) -> Schema:
    """Infer the kind of each column of a table that :func:`~automl.data.as_table` returned.

    Parameters
    ----------
    X : DataFrame, ndarray or CSR matrix
    column_kinds : mapping of column name (position in an array) to kind, optional
        Kinds to be taken instead of the inferred ones. ``"id"`` and ``"constant"`` leave a column out unseen.

    Raises
    ------
    SettingError
        ``column_kinds`` names a column or kind that does not exist.
    DataError
        A column cannot be used as it is (time differences, periods), or not as the kind that was asked for.

    Examples
    --------
    >>> import pandas as pd
    >>> from automl.data import infer_columns
    >>> X = pd.DataFrame({"age": [31, 45, None], "city": ["Bonn", "Ulm", "Bonn"], "born": ["1/5/92", "30/1/78", None]})
    >>> [(column.name, str(column.kind)) for column in infer_columns(X).columns]
    [('age', 'numeric'), ('city', 'categorical'), ('born', 'date')]
    """
    container = container_of(X)
    names = list(X.columns) if container is Container.FRAME else list(range(X.shape[1]))
    names = [name if isinstance(name, str) else int(name) for name in names]
    wanted = _wanted({} if column_kinds is None else column_kinds, names)
    step = -(-X.shape[0] // _SAMPLE_ROWS)
    if container is Container.FRAME:
        unseen = {name for name, kind in wanted.items() if kind in _UNUSED}
        columns = _frame_columns(X, names, step, unseen)
    else:
        columns = _matrix_columns(X, names, step)
    for position, column in enumerate(columns):
        if column.name in wanted:
            series = X.iloc[:, position] if container is Container.FRAME else None
            columns[position] = _overridden(column, wanted[column.name], series)
    return Schema(tuple(_keep_something(columns, wanted)), container)


def parses(series: pd.Series[Any]) -> bool:
    """Whether the whole column becomes numbers by ``astype("float64")``, which is what pipelines do to it."""
    try:
        series.astype("float64")
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def unparsed_example(series: pd.Series[Any]) -> Any:
    """Return a value that is not a number, to be shown to the user."""
    return next((value for value in series.dropna().unique() if not parses(pd.Series([value], dtype=object))), None)


def infer_again(X: Any, schema: Schema) -> Schema:
    """Infer the columns of some rows from them alone, with the kinds that were asked for where ``schema`` was made."""
    return infer_columns(X, {column.name: str(column.kind) for column in schema.columns if column.reason == _ASKED})


def _wanted(column_kinds: Mapping[Hashable, str], names: list[Hashable]) -> dict[Hashable, Kind]:
    if not isinstance(column_kinds, Mapping):
        raise SettingError(f"column_kinds={column_kinds!r}; give a dictionary of column names and kinds, or None.")
    choices = [str(kind) for kind in Kind]
    known = set(names)
    wanted = {}
    for name, kind in column_kinds.items():
        if name not in known:
            near = difflib.get_close_matches(str(name), [str(n) for n in names], n=3) or [str(n) for n in names[:5]]
            raise SettingError(
                f"column_kinds names the column {name!r}, which X does not have. "
                f"X has {len(names)} columns; did you mean one of: {', '.join(near)}?"
            )
        if str(kind) not in choices:
            raise SettingError(
                f"column_kinds asks for the kind {kind!r} for column {name!r}; choose one of: {', '.join(choices)}."
            )
        wanted[name] = Kind(str(kind))
    return wanted


def _matrix_columns(X: Any, names: list[Hashable], step: int) -> list[Column]:
    def profiled(matrix: Any, every: int) -> list[Profile]:
        return profile_numbers(matrix, every) if isinstance(matrix, np.ndarray) else profile_sparse(matrix)

    profiles = profiled(X[::step], step)
    suspects = [position for position, profile in enumerate(profiles) if profile.constant]
    if step > 1 and suspects:
        for position, profile in zip(suspects, profiled(X[:, suspects], 1), strict=True):
            profiles[position] = profile
    return [_number_column(name, X.dtype, profile) for name, profile in zip(names, profiles, strict=True)]


def _frame_columns(X: pd.DataFrame, names: list[Hashable], step: int, unseen: set[Hashable]) -> list[Column]:
    sample = X.iloc[::step]
    dtypes = list(X.dtypes)
    profiles = _plain_profiles(sample, dtypes, step)
    columns = []
    for position, (name, dtype) in enumerate(zip(names, dtypes, strict=True)):
        if name in unseen:
            columns.append(Column(name, Kind.ID, False, 0, dtype=str(dtype)))
            continue
        if position in profiles:
            column = _number_column(name, dtype, profiles[position])
        else:
            column = _describe(name, sample.iloc[:, position], X.iloc[:, position], step)
        if column.kind is Kind.CONSTANT and step > 1:  # a rare value may have slipped through the sample
            column = _describe(name, X.iloc[:, position], X.iloc[:, position], 1)
        columns.append(column)
    return columns


def _plain_profiles(sample: pd.DataFrame, dtypes: list[Any], step: int) -> dict[int, Profile]:
    """Profile the columns of NumPy's number types together, one block for each type."""
    blocks: dict[Any, list[int]] = {}
    for position, dtype in enumerate(dtypes):
        if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
            blocks.setdefault(dtype, []).append(position)
    profiles: dict[int, Profile] = {}
    for positions in blocks.values():
        block = sample.iloc[:, positions].to_numpy()
        profiles.update(zip(positions, profile_numbers(block, step), strict=True))
    return profiles


def _number_column(name: Hashable, dtype: Any, profile: Profile, *, numeric: bool = True, reason: str = "") -> Column:
    kind, why = Kind.NUMERIC, reason or "numbers"
    if profile.constant:
        kind, why = Kind.CONSTANT, "one value only" if profile.n_unique else "nothing but missing values"
    elif profile.rows >= _ENOUGH_FOR_ID and profile.n_unique == profile.rows and profile.counts_rows:
        kind, why = Kind.ID, "counts the rows"
    elif profile.rows >= _ENOUGH_FOR_ID and profile.n_unique == profile.rows and profile.whole and _named_id(name):
        kind, why = Kind.ID, "whole numbers, all different, in a column named like an identifier"
    elif pd.api.types.is_bool_dtype(dtype):
        kind, why = Kind.BOOLEAN, reason or "true or false"
    counted = (profile.n_unique, profile.missing_share)
    return Column(name, kind, numeric, *counted, None, str(dtype), why, profile.skew, afar=profile.afar)


def _named_id(name: Hashable) -> bool:
    return isinstance(name, str) and bool(_ID_NAME.search(name) or _ID_CAMEL.search(name))


def _describe(name: Hashable, sample: pd.Series[Any], whole: pd.Series[Any], step: int) -> Column:
    """Describe one column by its dtype; objects by what they hold."""
    dtype = sample.dtype
    kind = getattr(dtype, "kind", "O")
    if isinstance(dtype, pd.CategoricalDtype):
        of = dtype.categories.dtype
        numbers = pd.api.types.is_numeric_dtype(of) or pd.api.types.is_bool_dtype(of)
        return _levels_column(name, sample, "category dtype", numeric=numbers)
    if kind == "m":
        raise DataError(_duration_message(name))
    if kind == "M":
        return _date_column(name, sample, None, "dates")
    if kind == "b" or pd.api.types.is_numeric_dtype(dtype):
        values = sample.astype("float64").to_numpy()
        return _number_column(name, dtype, profile_numbers(values.reshape(-1, 1), step)[0])
    if isinstance(dtype, pd.PeriodDtype):
        raise DataError(_period_message(name))
    inferred = "string" if isinstance(dtype, pd.StringDtype) else pd.api.types.infer_dtype(sample, skipna=True)
    return _describe_objects(name, sample, whole, step, inferred)


def _describe_objects(name: Hashable, sample: pd.Series[Any], whole: pd.Series[Any], step: int, holds: str) -> Column:
    if holds == "string":
        return _string_column(name, sample, whole, step)
    if holds in _NUMBERS or holds == "boolean":
        if not parses(whole):  # strings further down
            return _levels_column(name, sample, "objects that do not all become numbers", numeric=False)
        profile = profile_numbers(sample.astype("float64").to_numpy().reshape(-1, 1), step)[0]
        column = _number_column(name, sample.dtype, profile, reason=f"objects: {holds}")
        return replace(column, kind=Kind.BOOLEAN) if holds == "boolean" and column.kind is Kind.NUMERIC else column
    if holds in ("timedelta", "timedelta64"):
        raise DataError(_duration_message(name))
    if holds in ("date", "datetime", "datetime64") and _all_dates(sample):
        return _date_column(name, sample, None, f"objects: {holds}")
    return _levels_column(name, sample, f"{sample.dtype}: {holds}", numeric=False)


def _string_column(name: Hashable, sample: pd.Series[Any], whole: pd.Series[Any], step: int) -> Column:
    codes, levels = pd.factorize(sample)
    values, counts = np.asarray(levels, dtype=object), np.bincount(codes[codes >= 0], minlength=len(levels))
    present = int(counts.sum())
    if len(values) < 2 and (not present or present == len(sample)):
        return _levels_column(name, sample, "strings", numeric=False, unique=len(values))
    date_format, remark = find_format(values, counts)
    if date_format is not None:
        return _date_column(name, sample, date_format, f"strings written as {date_format}; {remark}".rstrip("; "))
    if _hold_numbers(values) and parses(whole):
        profile = profile_numbers(sample.astype("float64").to_numpy().reshape(-1, 1), step)[0]
        return _number_column(name, sample.dtype, profile, numeric=False, reason="numbers stored as strings")
    if _write_numbers(values, counts):
        return _levels_column(name, sample, f"strings that {WRITTEN_NUMBERS}", numeric=False, unique=len(values))
    column = _levels_column(name, sample, "strings", numeric=False, unique=len(values))
    words = _mean_words(values)
    distinct = len(values) / present
    many = len(values) > _MANY_LEVELS
    if words >= 4 and distinct >= 0.5 and many:
        return replace(column, kind=Kind.TEXT, reason=f"strings of {words:.1f} words, mostly distinct")
    if words >= 2 and distinct >= 0.9 and many:
        return replace(column, kind=Kind.TEXT, reason=f"strings of {words:.1f} words, nearly all distinct")
    if len(values) == len(sample) >= _ENOUGH_FOR_ID:
        if all(_OPAQUE.fullmatch(value) for value in values[:: max(1, len(values) // 200)]):
            return replace(column, kind=Kind.ID, reason="single words, all different")
        return replace(column, kind=Kind.TEXT, reason="long words, all different")
    return column


def _hold_numbers(values: Array) -> bool:
    if not all(map(_NUMBER_LIKE.match, values[:5])):
        return False
    probe = values[:: max(1, len(values) // 100)]
    return parses(pd.Series(probe, dtype=object)) and not any(_CODE.match(value.strip()) for value in values)


def _write_numbers(values: Array, counts: Array) -> bool:
    found = find_numerals(values, counts)
    return found is not None and not (found.writing == "plain" and any(_CODE.match(value.strip()) for value in values))


def _mean_words(values: Array) -> float:
    probe = values[:: max(1, len(values) // 1000)]
    return float(np.mean([len(value.split()) for value in probe])) if len(probe) else 0.0


def _all_dates(sample: pd.Series[Any]) -> bool:
    try:
        pd.to_datetime(sample, utc=True)  # a column may hold several offsets, as of summer and winter
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _date_column(name: Hashable, sample: pd.Series[Any], date_format: str | None, reason: str) -> Column:
    column = _levels_column(name, sample, reason, numeric=False)
    if column.kind is Kind.CONSTANT:
        return column
    return replace(column, kind=Kind.DATE, date_format=date_format, reason=reason)


def _levels_column(
    name: Hashable, sample: pd.Series[Any], what: str, *, numeric: bool, unique: int | None = None
) -> Column:
    missing = int(sample.isna().sum())
    unique = int(sample.nunique()) if unique is None else unique
    if unique == 0 or (unique == 1 and not missing):
        kind, why = Kind.CONSTANT, "one value only" if unique else "nothing but missing values"
    else:
        kind = Kind.HIGH_CARDINALITY if unique > _MANY_LEVELS else Kind.CATEGORICAL
        why = f"{what}, {unique} levels"
    padded = not numeric and _has_padded(sample)
    return Column(name, kind, numeric, unique, missing / len(sample), None, str(sample.dtype), why, padded=padded)


def _has_padded(sample: pd.Series[Any]) -> bool:
    levels = sample.cat.categories if isinstance(sample.dtype, pd.CategoricalDtype) else sample.dropna().unique()
    return any(isinstance(level, str) and _PADDED.fullmatch(level) is not None for level in levels)


def _overridden(column: Column, kind: Kind, series: pd.Series[Any] | None) -> Column:
    """Give a column the kind that the user asked for, if its values allow it."""
    asked = replace(column, kind=kind, reason=_ASKED)
    refusal = f"column_kinds asks for {column.name!r} to be {kind}, but "
    if kind in (Kind.NUMERIC, Kind.BOOLEAN):
        if series is not None and not parses(series):
            example = unparsed_example(series)
            raise DataError(f"{refusal}{example!r} is not a number. Convert the column, or ask for 'categorical'.")
        if kind is Kind.BOOLEAN and column.n_unique > 2:
            raise DataError(f"{refusal}it has {column.n_unique} distinct values. Ask for 'numeric' or 'categorical'.")
        return asked
    if kind is Kind.TEXT and (series is None or column.numeric or column.dtype.startswith("datetime")):
        raise DataError(f"{refusal}it does not hold strings. Convert it: X[name] = X[name].astype(str).")
    if kind is Kind.DATE and column.kind is not Kind.DATE:
        advice = "Convert it: X[name] = pandas.to_datetime(X[name], format=...)."
        if series is None or column.numeric or pd.api.types.infer_dtype(series, skipna=True) != "string":
            raise DataError(f"{refusal}it holds neither dates nor strings. {advice}")
        counts = series.dropna().value_counts()
        date_format, _ = find_format(np.asarray(counts.index, dtype=object), counts.to_numpy(), enough=0.5)
        if date_format is None:
            raise DataError(f"{refusal}no date format fits half of its values (as {counts.index[0]!r}). {advice}")
        return replace(asked, date_format=date_format)
    return asked


def _keep_something(columns: list[Column], wanted: Mapping[Hashable, Kind]) -> Iterable[Column]:
    """Bring back columns left out as identifiers, else one constant, when nothing else is there to learn from."""
    if any(column.kind not in _UNUSED for column in columns):
        return columns
    free = [column for column in columns if column.name not in wanted]
    if not free:
        raise SettingError("column_kinds leaves every column out. Leave at least one column to learn from.")
    revived = {column.name for column in free if column.kind is Kind.ID} or {free[0].name}

    def revive(column: Column) -> Column:
        kind = Kind.NUMERIC if column.numeric else Kind.CATEGORICAL
        if not column.numeric and column.n_unique > _MANY_LEVELS:
            kind = Kind.HIGH_CARDINALITY
        return replace(column, kind=kind, reason=f"{column.reason}; kept, as there is no better column")

    return [revive(column) if column.name in revived else column for column in columns]


def _period_message(name: Hashable) -> str:
    return (
        f"column {name!r} holds periods, which no model takes. Convert them to dates: "
        f"X[{name!r}] = X[{name!r}].dt.to_timestamp(), or to levels: X[{name!r}].astype(str)."
    )


def _duration_message(name: Hashable) -> str:
    return (
        f"column {name!r} holds time differences, which no model takes. Convert them to numbers: "
        f"X[{name!r}] = X[{name!r}].dt.total_seconds(), or leave the column out: column_kinds={{{name!r}: 'id'}}."
    )
