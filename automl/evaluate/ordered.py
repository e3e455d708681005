"""Folds in the order of time: what is scored lies after what the model was fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array, DataError, SettingError
from automl.data import Dataset

__all__ = ["PROTOCOLS", "BatchFolds", "Forward", "TimeFolds", "forward_folds"]

PROTOCOLS = ("walk_forward", "last_batch", "first_vs_rest")
MOST_BATCHES = 100
_DAY = 86_400 * 10**9  # in nanoseconds
_LEAST_TRAINING = 2


@dataclass(frozen=True)
class TimeFolds:
    """Walk-forward folds along ``times``: each test part is scored by models fitted on what lies before it.

    By default, and where all times differ, the folds are those of scikit-learn's ``TimeSeriesSplit``. Rows of the same
    time are never cut apart, so that the parts may differ in size, and be fewer where there are few times.

    Parameters
    ----------
    n_folds : int
        1 is a holdout of the last fifth of the rows, at most 30,000.
    gap : number or duration
        Between the last row of training, its label known, and the first row scored.
    purge : number or duration
        How far the label of a row looks ahead: rows whose label would reach into the test part leave training. It
        comes on top of the gap: time + purge + gap < first time scored.
    window : number or duration, optional
        Length of the training part (a sliding window); by default it begins with the first row.

    Notes
    -----
    Lengths are in the units of ``times``; where these are dates, numbers are days, and whatever ``pandas.Timedelta``
    takes will do ("12h").

    Examples
    --------
    >>> from automl import TimeFolds
    >>> TimeFolds(n_folds=4, purge="7D")
    TimeFolds(n_folds=4, gap=0, purge='7D', window=None)
    """

    n_folds: int = 5
    gap: Any = 0
    purge: Any = 0
    window: Any = None

    def __post_init__(self) -> None:
        if not _is_count(self.n_folds):
            raise SettingError(f"TimeFolds(n_folds={self.n_folds!r}); give a whole number of at least 1")


@dataclass(frozen=True)
class BatchFolds:
    """Folds over batches, the distinct values of ``times``; none is ever cut.

    Parameters
    ----------
    protocol : {"walk_forward", "last_batch", "first_vs_rest"}
        Score each batch by models fitted on those before it; score the last batch only; fit on the first batch and
        score every later one.
    window : int, optional
        How many batches to fit on: the most recent ones, for "first_vs_rest" the first ones. By default all before the
        batch scored; for "first_vs_rest" one.
    """

    protocol: str = "walk_forward"
    window: int | None = None

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise SettingError(f"BatchFolds(protocol={self.protocol!r}); give one of {', '.join(PROTOCOLS)}")
        if self.window is not None and not _is_count(self.window):
            raise SettingError(f"BatchFolds(window={self.window!r}); give a number of batches of at least 1, or None")


@dataclass(frozen=True)
class Forward:
    """What :func:`forward_folds` found; ``pinned`` rows are in every training part and never scored."""

    pairs: tuple[tuple[Array, Array], ...]
    description: str
    unscored_classes: tuple[int, ...]
    pinned: Array


def forward_folds(dataset: Dataset, asked: TimeFolds | BatchFolds, holdout_rows: float) -> Forward:
    """Cut a dataset with ``times`` into training parts and later test parts.

    Parameters
    ----------
    holdout_rows : float
        Wanted size of the test part of ``TimeFolds(1)``.

    Raises
    ------
    SettingError, DataError
        If lengths do not suit the times, or nothing is left to fit on or to score.

    Notes
    -----
    With groups, training rows whose group is in the test part leave. Folds whose training part lacks a class that the
    last one has are dropped. Classes that even the last training part lacks cannot be scored: their rows are pinned.
    """
    assert dataset.times is not None
    if dataset.times.min() == dataset.times.max():
        raise DataError("times holds one value only, so nothing lies before anything; leave times out")
    if isinstance(asked, TimeFolds):
        raw = _time_parts(dataset, asked, holdout_rows)
        what = f"{len(raw)} folds in the order of time" if asked.n_folds > 1 else "holdout of the last rows"
        given = [("gap", asked.gap), ("purge", asked.purge), ("window", asked.window)]
        what += "".join(f", {name} {value}" for name, value in given if value not in (0, None))
    else:
        raw = _batch_parts(dataset, asked)
        text = {"walk_forward": "walk-forward over batches", "last_batch": "the last batch"}
        what = f"{text.get(asked.protocol, 'each later batch against the first')}"
        what += "" if asked.window is None else f", window {asked.window}"
    pairs, late, pinned = _fair(dataset, raw, asked)
    dropped = f"; {len(pairs)} of {len(raw)} can be used" if len(pairs) < len(raw) else ""
    return Forward(tuple(pairs), what + dropped, tuple(late), pinned)


def _time_parts(dataset: Dataset, asked: TimeFolds, holdout_rows: float) -> list[tuple[Array, Array]]:
    times = np.asarray(dataset.times)
    ahead = _length("gap", asked.gap, times) + _length("purge", asked.purge, times)
    window = None if asked.window is None else _length("window", asked.window, times)
    order = np.argsort(times, kind="stable")
    along = times[order]
    cuts = _cuts(dataset, order, asked.n_folds, holdout_rows)
    parts = []
    for cut, end in zip(cuts, [*cuts[1:], len(along)], strict=True):
        known = along[:cut] + ahead < along[cut]
        if window is not None:
            known &= along[:cut] + ahead + window >= along[cut]
        parts.append((order[:cut][known], order[cut:end]))
    return parts


def _cuts(dataset: Dataset, order: Array, n_folds: int, holdout_rows: float) -> list[int]:
    """Return where the test parts begin, in time order: between different times, and not before every class is seen."""
    n, along = len(order), np.asarray(dataset.times)[order]
    between = np.flatnonzero(along[1:] != along[:-1]) + 1
    if n_folds == 1:
        wanted = np.array([n - max(1, round(holdout_rows))])
    else:
        if len(between) <= n_folds:
            return [int(cut) for cut in between]
        size = n // (n_folds + 1)
        start = _all_seen(dataset, order, n - size)
        size = max(1, min(size, (n - start) // n_folds))
        wanted = n - size * np.arange(n_folds, 0, -1)
    right = np.clip(np.searchsorted(between, wanted), 1, len(between) - 1) if len(between) > 1 else np.zeros(1, int)
    left = np.maximum(right - 1, 0)
    nearer = np.where(wanted - between[left] < between[right] - wanted, between[left], between[right])
    return [int(cut) for cut in np.unique(nearer)]


def _all_seen(dataset: Dataset, order: Array, latest: int) -> int:
    """Return after how many rows every class was seen; classes that first come after ``latest`` rows do not count."""
    if not dataset.task.classifies:
        return 0
    first = np.unique(dataset.y[order], return_index=True)[1] + 1
    return int(first[first <= latest].max(initial=0))


def _batch_parts(dataset: Dataset, asked: BatchFolds) -> list[tuple[Array, Array]]:
    values, batch = np.unique(np.asarray(dataset.times), return_inverse=True)
    n = len(values)
    if asked.protocol == "first_vs_rest":
        ends = [asked.window or 1] * (n - (asked.window or 1))
        tests = list(range(asked.window or 1, n))
    else:
        tests = ends = [n - 1] if asked.protocol == "last_batch" else list(range(1, n))
    if not tests:
        raise SettingError(f"{asked} leaves no batch to score: times holds {n} batches")
    if len(tests) > MOST_BATCHES:
        raise SettingError(
            f"{asked} makes {len(tests)} folds, one for each distinct value of times; at most {MOST_BATCHES} are "
            "allowed: give coarser times (months rather than days) or cv=TimeFolds()"
        )
    starts = [0 if asked.window is None else max(0, end - asked.window) for end in ends]
    return [
        (np.flatnonzero((batch >= start) & (batch < end)), np.flatnonzero(batch == test))
        for start, end, test in zip(starts, ends, tests, strict=True)
    ]


def _fair(
    dataset: Dataset, raw: Sequence[tuple[Array, Array]], asked: Any
) -> tuple[list[tuple[Array, Array]], list[int], Array]:
    """Return the folds that can be used, the classes that cannot be scored, and their rows."""
    pairs = [(_without_groups(dataset, train, test), test) for train, test in raw]
    pairs = [pair for pair in pairs if len(_weighing(dataset, pair[0])) >= _LEAST_TRAINING]
    if not pairs:
        why = "once the groups of the rows scored have left" if dataset.groups is not None else "before the rows scored"
        weighing = "" if dataset.weights is None else " with weight"
        raise DataError(f"{asked}: too few rows{weighing} to fit on are left {why}; {_advice(dataset, asked)}")
    if not dataset.task.classifies:
        return [(np.sort(train), test) for train, test in pairs], [], np.empty(0, dtype=np.intp)
    seen = np.unique(dataset.y[_weighing(dataset, pairs[-1][0])])
    late = np.setdiff1d(np.arange(dataset.n_classes), seen)
    pinned = np.flatnonzero(np.isin(dataset.y, late))
    kept = pinned if dataset.groups is None else np.flatnonzero(np.isin(dataset.groups, dataset.groups[pinned]))
    usable = []
    for train, test in pairs:
        test = np.setdiff1d(test, kept, assume_unique=True)
        if len(test) and np.isin(seen, dataset.y[_weighing(dataset, train)]).all():
            usable.append((np.union1d(train, pinned), test))
    if len(seen) < 2 or not usable:
        assert dataset.classes is not None
        names = ", ".join(repr(label) for label in dataset.classes[seen][:5].tolist())
        raise DataError(
            f"{asked}: the rows before those scored hold class(es) {names} only; at least 2 classes must be known "
            f"before the rest comes: {_advice(dataset, asked)}"
        )
    return usable, [int(code) for code in late], pinned


def _weighing(dataset: Dataset, rows: Array) -> Array:
    """Return the rows that a model learns from: those of weight zero count for nothing."""
    return rows if dataset.weights is None else np.asarray(rows[dataset.weights[rows] > 0])


def _without_groups(dataset: Dataset, train: Array, test: Array) -> Array:
    if dataset.groups is None:
        return train
    return np.asarray(train[~np.isin(dataset.groups[train], dataset.groups[test])])


def _advice(dataset: Dataset, asked: Any) -> str:
    if dataset.groups is not None:
        return "leave out times or groups, or give groups that end"
    return "give a smaller gap, purge or a longer window" if isinstance(asked, TimeFolds) else "take another protocol"


def _length(name: str, value: Any, times: Array) -> Any:
    """Return a length in the units in which the times are stored: nanoseconds for dates."""
    dates = times.dtype.kind == "i"
    length: Any = None
    if not isinstance(value, (bool, np.timedelta64)) and isinstance(value, Real):
        number = float(value)
        length = (round(number * _DAY) if dates else number) if np.isfinite(number) else None
    elif dates:
        try:
            length = int(pd.Timedelta(value).as_unit("ns").value)
        except (TypeError, ValueError, OverflowError):
            length = None
    if length is None or length < 0 or (name == "window" and length == 0):
        expected = "days, or a duration such as '12h'" if dates else "a number, as times are"
        raise SettingError(f"TimeFolds({name}={value!r}); give {expected}, not negative")
    return length


def _is_count(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and int(value) >= 1
