"""Looking at a dataset before the search: what is odd about it, and what to do. Nothing is changed or refused here."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array
from automl.data.dataset import Column, Container, Dataset, Kind
from automl.data.dates import moments
from automl.data.dependence import bonded_columns, row_order
from automl.data.kinds import WRITTEN_NUMBERS
from automl.data.leak import leaking_columns
from automl.data.numerals import Numerals, find_numerals

__all__ = ["Finding", "check_health"]

_SAMPLE_ROWS = 100_000
_MANY_DUPLICATES = 0.05
_MANY_MISSING = 0.5
_MANY_LEVELS = 1000
_RARE_SHARE = 0.05
_HEAVY_TAIL = 20.0
_CLEAR = 0.3  # correlation of neighbours; tables sorted by a feature reach less


@dataclass(frozen=True)
class Finding:
    """One remark on a dataset.

    Parameters
    ----------
    level : {"info", "warning"}
        A warning deserves a decision of the user.
    code : str
        Stable name of the check.
    columns : tuple
        Columns it is about; empty for the whole table.
    message : str
    """

    level: str
    code: str
    columns: tuple[Hashable, ...]
    message: str


def check_health(dataset: Dataset, *, folds: int = 5) -> tuple[Finding, ...]:
    """Check a dataset, warnings first; costs well below a second on 100,000 x 50.

    Parameters
    ----------
    dataset : Dataset
    folds : int
        Classes with fewer members are reported.

    Examples
    --------
    >>> import numpy as np
    >>> from automl.data import check_health, make_dataset
    >>> X = np.column_stack([np.tile([0.0, 1.0], 50), np.ones(100)])
    >>> dataset = make_dataset(X, np.tile(["no", "yes"], 50), classifies=True)
    >>> [finding.code for finding in check_health(dataset)]
    ['leak', 'duplicate_rows', 'constant']
    """
    leaks = leaking_columns(dataset)
    checks: tuple[Callable[[Dataset], Iterator[Finding]], ...] = (
        lambda data: _leaks(leaks),
        lambda data: _classes(data, folds),
        _target_tail,
        _time_order,
        lambda data: _groups(data, leaks),
        _size,
        _duplicates,
        _written_numbers,
        _columns,
    )
    findings = [finding for check in checks for finding in check(dataset)]
    return tuple(sorted(findings, key=lambda finding: finding.level != "warning"))


def _leaks(names: tuple[Hashable, ...]) -> Iterator[Finding]:
    if names:
        yield Finding(
            "warning",
            "leak",
            names,
            f"{_named(names)} alone predicts the target almost perfectly; leave it out if it is known only afterwards; "
            "if it names things that have several rows each, pass it as groups",
        )


def _classes(dataset: Dataset, folds: int) -> Iterator[Finding]:
    if dataset.classes is None:
        return
    counts = np.bincount(dataset.y, minlength=dataset.n_classes)
    rare = np.flatnonzero(counts < folds)
    if len(rare):
        labels = ", ".join(f"{dataset.classes[code]!s} ({counts[code]})" for code in rare[:5])
        yield Finding(
            "warning",
            "rare_class",
            (),
            f"{len(rare)} class(es) have fewer than {folds} rows: {labels}{', ...' if len(rare) > 5 else ''}; "
            "they are learned but cannot be scored reliably",
        )
    share = counts.min() / counts.max()
    if share < _RARE_SHARE:
        yield Finding(
            "info",
            "imbalance",
            (),
            f"the rarest class has {counts.min()} rows, the most frequent {counts.max()}; accuracy would say little: "
            "judge by roc_auc, average_precision or balanced_accuracy",
        )
    if dataset.n_classes > 2 and dataset.n_classes > dataset.n_rows / 10:
        yield Finding(
            "warning",
            "many_classes",
            (),
            f"{dataset.n_classes} classes for {dataset.n_rows} rows; if the labels are measurements, use regression",
        )


def _target_tail(dataset: Dataset) -> Iterator[Finding]:
    if dataset.task.classifies:
        return
    y = dataset.y[:: _step(dataset)]
    low, middle, high = np.quantile(y, [0.25, 0.5, 0.75])
    if y.min() == y.max():
        yield Finding("warning", "constant_target", (), f"the target has one value only, {y[0]:g}; nothing to learn")
        return
    reach = float(np.abs(y - middle).max())
    if high > low and reach > _HEAVY_TAIL * (high - low):
        advice = "predicting its logarithm may help" if y.min() >= 0 else "a robust metric (mae) may suit better"
        yield Finding(
            "info",
            "heavy_tail",
            (),
            f"the target reaches {reach / (high - low):.0f} interquartile ranges away from its median; {advice}",
        )


def _time_order(dataset: Dataset) -> Iterator[Finding]:
    if dataset.times is not None:
        return
    frame = dataset.schema.container is Container.FRAME
    dates = dataset.schema.of(Kind.DATE) if frame else ()
    ordered = tuple(column.name for column in dates if _monotone(dataset, column))
    if ordered:
        yield Finding(
            "warning",
            "time_order",
            ordered,
            f"rows are sorted by {_named(ordered)}; if the model is to predict later rows, score it on later rows: "
            f"pass times=X[{ordered[0]!r}] (--times {ordered[0]})",
        )
        return
    found = None if dataset.groups is not None else row_order(dataset)
    if found is not None:
        by = (
            f"times={'X[' if frame else 'X[:, '}{found.rising[0]!r}]"
            if found.rising
            else f"times=range({len(dataset.y)})"
        )
        yield Finding(
            "warning" if found.correlation > _CLEAR else "info",
            "row_order",
            found.rising,
            f"the order of the rows matters: features tell the first half from the second (AUC {found.auc:.2f}), "
            f"and targets are like those of the row before (correlation {found.correlation:.2f}); scores of shuffled "
            f"folds will be too good. If rows are in the order of time, pass {by}; if neighbours belong to one thing, "
            "pass groups",
        )


def _groups(dataset: Dataset, leaks: tuple[Hashable, ...]) -> Iterator[Finding]:
    if dataset.groups is not None or dataset.times is not None:
        return
    bonds = bonded_columns(dataset, skip=leaks)
    if bonds:
        bond = bonds[0]
        alike = "the target" if bond.target else "most other columns"
        yield Finding(
            "warning",
            "groups",
            tuple(bond.column for bond in bonds),
            f"rows with the same value of column {bond.column} (of {bond.groups} values) hardly differ in {alike}; if "
            "it names things with several rows each and new ones are to be predicted, pass it as groups "
            f"(--groups {bond.column})",
        )


def _monotone(dataset: Dataset, column: Column) -> bool:
    step = max(1, dataset.n_rows // 10_000)
    values = dataset.X[column.name].iloc[::step]
    known = moments(values, column).dropna()
    if known.nunique() < 10:
        return False
    return bool(known.is_monotonic_increasing or known.is_monotonic_decreasing)


def _size(dataset: Dataset) -> Iterator[Finding]:
    used = len(dataset.schema.used)
    if used > dataset.n_rows:
        yield Finding(
            "info",
            "wide",
            (),
            f"{used} columns for {dataset.n_rows} rows: scores vary much from fold to fold; prefer simple models",
        )
    if dataset.n_rows < 100:
        yield Finding("info", "few_rows", (), f"only {dataset.n_rows} rows: every score has a wide margin")


def _duplicates(dataset: Dataset) -> Iterator[Finding]:
    step = _step(dataset)
    names = [column.name for column in dataset.schema.used]
    if dataset.schema.container is Container.SPARSE or len(names) * dataset.n_rows / step > 2e7:
        return
    if dataset.schema.container is Container.FRAME:
        rows = dataset.X.iloc[::step][names]
    else:
        rows = pd.DataFrame(dataset.X[::step][:, names])
    y = pd.Series(dataset.y[::step])
    keys = pd.Series(_row_keys(rows))
    share = float(keys.duplicated().mean())
    if share < _MANY_DUPLICATES or len(keys) < 20:
        return
    same = pd.DataFrame({"x": keys, "y": y}).duplicated().mean()
    level = "warning" if same >= share / 2 and same >= _MANY_DUPLICATES and len(names) > 3 else "info"
    yield Finding(
        level,
        "duplicate_rows",
        (),
        f"{share:.0%} of the rows repeat an earlier row ({same:.0%} with the same target), so that scores may be too "
        "good; drop copies, or pass groups that keep them together",
    )


def _row_keys(rows: pd.DataFrame) -> Array:
    """Return one 64-bit hash for each row; values of any type."""
    factors = np.random.default_rng(0).integers(1 << 63, size=rows.shape[1], dtype=np.uint64) * 2 + 1
    plain = np.array([isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in rows.dtypes])
    keys: Array = np.zeros(len(rows), dtype=np.uint64)
    for some in np.array_split(np.flatnonzero(plain), max(1, plain.sum() * len(rows) // 4_000_000)):
        block = rows.iloc[:, some].to_numpy(dtype=np.float64) + 0.0  # -0.0 equals 0.0
        block[np.isnan(block)] = np.nan
        bits = block.view(np.uint64)
        keys += (_mixed(bits) * factors[some]).sum(axis=1, dtype=np.uint64)
    for position in np.flatnonzero(~plain):
        column = rows.iloc[:, int(position)]
        try:
            codes = pd.util.hash_pandas_object(column, index=False).to_numpy()
        except TypeError:
            codes = pd.util.hash_array(np.asarray(column.astype(str), dtype=object))
        keys += _mixed(codes) * factors[position]
    return keys


def _mixed(bits: Array) -> Array:
    """Spread the high bits, where small whole numbers differ, over the low ones."""
    bits = (bits ^ (bits >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray(bits ^ (bits >> np.uint64(29)))


def _written_numbers(dataset: Dataset) -> Iterator[Finding]:
    """Report strings that are numbers to people: as levels they have lost their order and most of their meaning."""
    alike: dict[tuple[str, tuple[str, ...]], list[tuple[Hashable, Numerals]]] = {}
    for column in dataset.schema.columns:
        if WRITTEN_NUMBERS in column.reason:
            counts = dataset.X[column.name].iloc[:: _step(dataset)].value_counts()
            found = find_numerals(np.asarray(counts.index, dtype=object), counts.to_numpy())
            if found is not None:
                alike.setdefault((found.writing, found.gaps), []).append((column.name, found))
    for members in alike.values():
        names = tuple(name for name, _ in members)
        first = f"{_named(names)}: " if len(names) == 1 else f"{_named(names)}, in the first "
        yield Finding("warning", "written_numbers", names, f"{first}{members[0][1]}")


def _columns(dataset: Dataset) -> Iterator[Finding]:
    columns = dataset.schema.columns

    def about(code: str, chosen: Sequence[Column], says: str) -> Iterator[Finding]:
        if chosen:
            names = tuple(column.name for column in chosen)
            yield Finding("info", code, names, f"{_named(names)} {says}")

    used = dataset.schema.used
    yield from about("constant", [c for c in columns if c.kind is Kind.CONSTANT], "never changes and is left out")
    yield from about(
        "id",
        [c for c in columns if c.kind is Kind.ID],
        "looks like an identifier and is left out (column_kinds= overrides)",
    )
    gaps = [c for c in used if c.missing_share > _MANY_MISSING]
    yield from about("missing", gaps, "is missing or infinite in more than half of the rows")
    high = [c for c in used if c.kind is Kind.HIGH_CARDINALITY and c.n_unique > min(_MANY_LEVELS, dataset.n_rows / 2)]
    yield from about("high_cardinality", high, "has so many levels that most are hardly ever seen")
    odd = [c for c in used if "do not all become numbers" in c.reason]
    yield from about(
        "mixed_numbers", odd, "holds numbers as objects that float() refuses, and is read as categories: convert it"
    )


def _step(dataset: Dataset) -> int:
    return -(-dataset.n_rows // _SAMPLE_ROWS)


def _named(names: Sequence[Any]) -> str:
    """Write a list of columns in words: the verb that follows is in the singular."""
    shown = ", ".join(str(name) for name in names[:5])
    if len(names) == 1:
        return f"column {shown}"
    return f"each of the {len(names)} columns {shown}{', ...' if len(names) > 5 else ''}"
