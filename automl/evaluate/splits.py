"""Folds, fixed once for a fit, and stop sets cut from training rows by the same rule."""

from __future__ import annotations

import enum
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.core import Array, DataError, SettingError, stream, stream_seed
from automl.data import Dataset

__all__ = ["Folds", "Rule", "default_folds", "make_folds", "stop_split"]

HOLDOUT_SHARE = 0.2
HOLDOUT_ROWS = 30_000  # more scored rows tell candidates apart hardly better, and cost every one of them time
MANY_GROUPS = 200
REPEATED_CELLS = 1_000_000  # a wider table takes too long for repeats


class Rule(enum.StrEnum):
    """What the folds respect; stop sets are cut by the same rule."""

    RANDOM = "random"  # shuffled, stratified for classification
    GROUPS = "groups"  # a group is never on both sides
    ORDERED = "ordered"  # rows are in time order: a stop set is the last part


@dataclass(frozen=True)
class Folds:
    """The (train, test) row positions of every fold.

    Out-of-fold predictions are laid out as the test parts one after the other: ``scored`` gives their rows. A row may
    be scored more than once (repeats) or never (rare classes, custom splitters).
    """

    pairs: tuple[tuple[Array, Array], ...]
    rule: Rule
    description: str
    holdout: bool
    unscored_classes: tuple[int, ...] = ()
    n_unscored: int = 0

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def scored(self) -> Array:
        return np.concatenate([test for _, test in self.pairs])

    @property
    def numbers(self) -> Array:
        """The number of the fold of every scored row, in the same layout."""
        return np.repeat(np.arange(len(self.pairs)), [len(test) for _, test in self.pairs])


def default_folds(n_rows: int, seconds: float | None, n_columns: int = 1) -> tuple[int, int]:
    """Return (folds, repeats) for a table and seconds; one fold means a holdout of 20 %, at most 30,000 rows.

    More time buys more folds; tables below 500 rows are limited by statistics rather than by time, so they repeat,
    unless they are very wide.
    """
    long, middle = (seconds is not None and seconds > 1800), (seconds is not None and 300 < seconds <= 1800)
    if n_rows < 500:
        return 5, 1 if n_rows * n_columns > REPEATED_CELLS else 4 if long else 2
    if n_rows < 5_000:
        return (8 if long else 5), 1
    if n_rows < 20_000:
        return (8 if long else 5 if middle else 3), 1
    if n_rows <= 100_000:
        return (5 if long else 3 if middle else 1), 1
    return (3 if long else 1), 1


def make_folds(dataset: Dataset, *, cv: Any = "auto", seconds: float | None = None, seed: int = 0) -> Folds:
    """Fix the folds of a fit.

    Parameters
    ----------
    dataset : Dataset
    cv : "auto", int, scikit-learn splitter or iterable of (train, test)
        ``auto`` chooses by rows and ``seconds``; 1 means a holdout.
    seconds : float or None
        The time budget.
    seed : int

    Returns
    -------
    Folds

    Raises
    ------
    SettingError
        If ``cv`` is none of these, or gives unusable splits.
    DataError
        If the target or the groups leave nothing to score.

    Notes
    -----
    Every training part holds every class. Rows of classes with fewer members than folds are in every training part
    and are never scored; with groups, whole groups are kept in training where that is needed.
    """
    if isinstance(cv, str) and cv != "auto":
        raise SettingError(f"cv={cv!r}; give 'auto', a number of folds, a splitter or (train, test) pairs")
    if isinstance(cv, bool) or (isinstance(cv, (int, np.integer)) and cv < 1):
        raise SettingError(f"cv={cv!r}; the number of folds must be at least 1 (1 is a holdout)")
    if cv is not None and not isinstance(cv, (str, int, np.integer)):
        return _custom_folds(dataset, cv)
    n_folds, repeats = default_folds(dataset.n_rows, seconds, dataset.n_columns)
    if isinstance(cv, (int, np.integer)):
        n_folds, repeats = int(cv), 1
    return (
        _group_folds(dataset, n_folds, seed) if dataset.groups is not None else _folds(dataset, n_folds, repeats, seed)
    )


def _folds(dataset: Dataset, n_folds: int, repeats: int, seed: int) -> Folds:
    from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold, StratifiedShuffleSplit

    n = dataset.n_rows
    rows = np.arange(n)
    holdout = n_folds == 1
    always = np.empty(0, dtype=np.intp)
    rare: tuple[int, ...] = ()
    if dataset.task.classifies:
        counts = np.bincount(dataset.y, minlength=dataset.n_classes)
        wanted = 2 if holdout else n_folds
        second = int(np.sort(counts)[-2])
        if second < 2:
            raise DataError(
                f"only one class has more than 1 member (of {n} rows); at least two classes need 2 or more: "
                "add rows of the other classes"
            )
        n_folds = 1 if holdout else min(n_folds, max(2, second))
        wanted = min(wanted, second)
        rare = tuple(int(c) for c in np.flatnonzero(counts < wanted))
        is_rare = np.isin(dataset.y, rare)
        always, rows = rows[is_rare], rows[~is_rare]
    elif n < 2:
        raise DataError(f"cannot split {n} row(s); at least 2 are needed")
    else:
        n_folds = min(n_folds, n)
    pairs = []
    for repeat in range(repeats):
        state = stream_seed(seed, "folds", repeat)
        if holdout:
            share = min(HOLDOUT_SHARE, HOLDOUT_ROWS / len(rows))
            size = max(share, dataset.n_classes / len(rows)) if dataset.task.classifies else share
            splitter: Any = (StratifiedShuffleSplit if dataset.task.classifies else ShuffleSplit)(
                1, test_size=size, random_state=state
            )
        else:
            kind = StratifiedKFold if dataset.task.classifies else KFold
            splitter = kind(n_folds, shuffle=True, random_state=state)
        for train, test in splitter.split(rows, dataset.y[rows]):
            pairs.append((np.sort(np.concatenate([rows[train], always])), rows[test]))
    text = f"{n_folds} folds" + (f" x {repeats}" if repeats > 1 else "")
    if holdout:
        text = "holdout of 20 %" if share == HOLDOUT_SHARE else f"holdout of {HOLDOUT_ROWS:,} rows"
    text += ", stratified" if dataset.task.classifies else ""
    return Folds(tuple(pairs), Rule.RANDOM, text, holdout, rare, len(always))


def _group_folds(dataset: Dataset, n_folds: int, seed: int) -> Folds:
    """Group folds; groups that hold the only rows of a class for some fold stay in training, unscored."""
    groups = np.unique(np.asarray(dataset.groups), return_inverse=True)[1]
    rows = np.arange(dataset.n_rows)
    always = np.empty(0, dtype=np.intp)
    state = stream_seed(seed, "folds", 0)
    unscored: set[int] = set()
    while True:
        if len(np.unique(groups[rows])) < 2:
            raise DataError(
                f"{len(np.unique(groups))} group(s), too few to hold one out while every class stays in training; "
                "give finer groups or none"
            )
        tests = _group_tests(dataset, rows, groups, n_folds, state)
        pairs = [(np.sort(np.concatenate([np.setdiff1d(rows, test), always])), test) for test in tests]
        missing = _missing_classes(dataset, pairs)
        if not missing:
            break
        unscored |= missing
        pinned = np.isin(groups, np.unique(groups[np.isin(dataset.y, sorted(unscored))]))
        always, rows = np.flatnonzero(pinned), np.flatnonzero(~pinned)
    scored = len(pairs[0][1])
    text = f"holdout of groups with {scored:,} rows" if n_folds == 1 else f"{len(pairs)} group folds"
    return Folds(tuple(pairs), Rule.GROUPS, text, n_folds == 1, tuple(sorted(unscored)), len(always))


def _group_tests(dataset: Dataset, rows: Array, groups: Array, n_folds: int, seed: int) -> list[Array]:
    """Return the scored rows of each fold, out of these rows."""
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    n_groups = len(np.unique(groups[rows]))
    if n_folds == 1 and n_groups >= MANY_GROUPS:  # a splitter that balances so many takes long
        return [_some_groups(rows, groups, HOLDOUT_SHARE * len(rows), seed)]
    wanted = min(5 if n_folds == 1 else n_folds, n_groups)
    if dataset.task.classifies:
        counts = np.bincount(dataset.y[rows], minlength=dataset.n_classes)
        wanted = min(wanted, max(2, int(counts.max())))
    kind = StratifiedGroupKFold if dataset.task.classifies else GroupKFold
    splitter = kind(wanted, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the caller looks after classes rarer than the folds
        tests = [rows[test] for _, test in splitter.split(rows, dataset.y[rows], groups[rows]) if len(test)]
    return tests if n_folds > 1 else [_some_groups(tests[0], groups, HOLDOUT_ROWS, seed)]


def _some_groups(rows: Array, groups: Array, most: float, seed: int) -> Array:
    """Return the rows of whole groups drawn at random: at most so many, and at most 30,000, or one group."""
    most = min(most, HOLDOUT_ROWS)
    if len(rows) <= most:
        return rows
    numbers, own = np.unique(groups[rows], return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(numbers))
    total = np.cumsum(np.bincount(own)[order])
    chosen = order[: max(1, int(np.searchsorted(total, most, side="right")))]
    return np.asarray(rows[np.isin(own, chosen)])


def _missing_classes(dataset: Dataset, pairs: Iterable[tuple[Array, Array]]) -> set[int]:
    """Return the classes that some training part lacks."""
    if not dataset.task.classifies:
        return set()
    every = set(range(dataset.n_classes))
    return set().union(*(every - set(np.unique(dataset.y[train]).tolist()) for train, _ in pairs))


def _custom_folds(dataset: Dataset, cv: Any) -> Folds:
    from sklearn.model_selection import TimeSeriesSplit, check_cv

    try:
        splitter = check_cv(cv, dataset.y, classifier=dataset.task.classifies)
    except ValueError as error:
        raise SettingError(
            f"cv={cv!r} is no splitter; give one with split(X, y, groups) or (train, test) pairs"
        ) from error
    rows = np.arange(dataset.n_rows)
    try:
        splits = list(splitter.split(rows.reshape(-1, 1), dataset.y, dataset.groups))
        pairs = tuple((_positions(train, rows), _positions(test, rows)) for train, test in splits)
    except Exception as error:  # the splitter may be the user's own code
        raise SettingError(f"cv={cv!r} cannot split this table: {error}") from error
    if not pairs or any(len(a) == 0 or len(b) == 0 for a, b in pairs):
        raise SettingError(f"cv={cv!r} gives an empty training or test part")
    if any(np.intersect1d(a, b).size for a, b in pairs):
        raise SettingError(f"cv={cv!r} gives folds whose training and test rows overlap")
    missing = _missing_classes(dataset, pairs)
    if missing and dataset.classes is not None:
        names = ", ".join(repr(label) for label in dataset.classes[sorted(missing)][:5].tolist())
        raise SettingError(
            f"cv={cv!r} leaves class(es) {names} out of some training part; every class must be in every training "
            "part: use a stratified splitter or merge rare classes"
        )
    ordered = isinstance(splitter, TimeSeriesSplit)
    rule = Rule.ORDERED if ordered else Rule.GROUPS if dataset.groups is not None else Rule.RANDOM
    return Folds(pairs, rule, f"{len(pairs)} folds of {type(splitter).__name__}", len(pairs) == 1)


def _positions(index: Any, rows: Array) -> Array:
    """Return row positions given as integers or as a mask; IndexError where they are out of range."""
    chosen = np.asarray(index)
    if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "biu"):
        raise TypeError("row positions must be a list of whole numbers or a mask")
    if chosen.dtype == bool:
        return np.asarray(rows[chosen])
    if chosen.size and chosen.min() < 0:
        raise IndexError(f"row position {chosen.min()} is negative")
    return np.asarray(rows[chosen.astype(np.intp)])


def stop_split(dataset: Dataset, share: float, rule: Rule, seed: int) -> tuple[Array, Array]:
    """Cut a stop set for early stopping out of training rows, by the rule of the folds.

    Parameters
    ----------
    dataset : Dataset
        The training rows alone.
    share : float
        Wanted share of the rows.

    Returns
    -------
    fit, stop : ndarray of int
        Row positions. Every class stays in the fit part. ``stop`` is empty where nothing can be held out.
    """
    n = dataset.n_rows
    rng = stream(seed, "stop set")
    if rule is Rule.ORDERED:
        cut = n - max(1, round(share * n))
        fit = np.arange(cut)
        if dataset.task.classifies and len(np.unique(dataset.y[fit])) < dataset.n_classes:
            return np.arange(n), np.empty(0, dtype=np.intp)
        return fit, np.arange(cut, n)
    if rule is Rule.GROUPS and dataset.groups is not None:
        return _group_stop_split(dataset, share, rng)
    chosen = []
    for code in range(max(dataset.n_classes, 1)):
        members = np.flatnonzero(dataset.y == code) if dataset.task.classifies else np.arange(n)
        chosen.append(rng.permutation(members)[: min(round(share * len(members)), len(members) - 1)])
    stop = np.sort(np.concatenate(chosen))
    stays = np.ones(n, dtype=bool)
    stays[stop] = False
    return np.flatnonzero(stays), stop


def _group_stop_split(dataset: Dataset, share: float, rng: np.random.Generator) -> tuple[Array, Array]:
    groups = np.unique(np.asarray(dataset.groups), return_inverse=True)[1]
    left = np.bincount(dataset.y, minlength=dataset.n_classes) if dataset.task.classifies else None
    stop = np.zeros(dataset.n_rows, dtype=bool)
    wanted = share * dataset.n_rows
    for group in rng.permutation(groups.max() + 1)[:-1]:
        members = groups == group
        if stop.sum() + members.sum() > 1.5 * wanted:
            continue
        if left is not None:
            rest = left - np.bincount(dataset.y[members], minlength=dataset.n_classes)
            if rest.min() < 1:
                continue
            left = rest
        stop |= members
        if stop.sum() >= wanted:
            break
    if not stop.any():
        stop = _smallest_group(dataset, groups)
    return np.flatnonzero(~stop), np.flatnonzero(stop)


def _smallest_group(dataset: Dataset, groups: Array) -> Array:
    """Return the mask of the smallest group that leaves every class and 60 % of the rows; empty if there is none."""
    for group in np.argsort(np.bincount(groups), kind="stable"):
        members = groups == group
        rest = dataset.y[~members]
        if members.mean() <= 0.4 and (not dataset.task.classifies or len(np.unique(rest)) == dataset.n_classes):
            return np.asarray(members)
    return np.zeros(dataset.n_rows, dtype=bool)
