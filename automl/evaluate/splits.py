"""Folds, fixed once for a fit."""

from __future__ import annotations

import copy
import enum
import hashlib
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.core import Array, DataError, SettingError, stream_seed
from automl.data import Dataset
from automl.evaluate.ordered import PROTOCOLS, BatchFolds, TimeFolds, forward_folds

__all__ = ["Folds", "Rule", "default_folds", "make_folds"]

HOLDOUT_SHARE = 0.2
HOLDOUT_ROWS = 30_000  # more scored rows tell candidates apart hardly better, and cost every one of them time
MANY_GROUPS = 200
BALANCED_GROUPS = 2_000  # more need no balance of classes, which takes scikit-learn long
REPEATED_CELLS = 1_000_000  # a wider table takes too long for repeats


class Rule(enum.StrEnum):
    """What the folds respect; stop sets are cut by the same rule."""

    RANDOM = "random"  # shuffled, stratified for classification
    GROUPS = "groups"  # a group is never on both sides
    ORDERED = "ordered"  # by times, else by the order of the rows: a stop set is the last part


@dataclass(frozen=True)
class Folds:
    """The (train, test) row positions of every fold.

    Out-of-fold predictions are laid out as the test parts one after the other: ``scored`` gives their rows. A row may
    be scored more than once (repeats) or never (rare classes, custom splitters).

    Parameters
    ----------
    holdout : bool
        Whether there is one fold only.
    forward : bool
        Whether training parts lie before what they are scored on, the last one being the most recent: then models of
        earlier folds are no members of what is delivered.
    """

    pairs: tuple[tuple[Array, Array], ...]
    rule: Rule
    description: str
    holdout: bool
    unscored_classes: tuple[int, ...] = ()
    n_unscored: int = 0
    forward: bool = False

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def scored(self) -> Array:
        return np.concatenate([test for _, test in self.pairs])

    @property
    def digest(self) -> str:
        """Tells two cuts of one table apart."""
        found = hashlib.blake2b(digest_size=8)
        for pair in self.pairs:
            for part in pair:
                found.update(np.sort(part).astype(np.int64).tobytes() + b"|")
        return found.hexdigest()

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
    cv : "auto", int, TimeFolds, BatchFolds, scikit-learn splitter or iterable of (train, test)
        ``auto`` chooses by rows and ``seconds``; 1 means a holdout. Where the dataset has times, both mean
        :class:`TimeFolds`. "time" is short for ``TimeFolds``, "walk_forward", "last_batch" and "first_vs_rest" for
        ``BatchFolds``. Pairs and splitters are taken as they are, with ``seed`` where they have ``random_state=None``;
        with times, stop sets are cut by them nevertheless.
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
    if isinstance(cv, bool) or (isinstance(cv, (int, np.integer)) and cv < 1):
        raise SettingError(f"cv={cv!r}; the number of folds must be at least 1 (1 is a holdout)")
    n_folds, repeats = default_folds(dataset.n_rows, seconds, dataset.n_columns)
    if isinstance(cv, (int, np.integer)):
        n_folds, repeats = int(cv), 1
    asked = _ordered(cv, n_folds, dataset)
    if asked is not None:
        return _forward(dataset, asked)
    if cv is not None and not isinstance(cv, (str, int, np.integer)):
        return _custom_folds(dataset, cv, seed)
    return (
        _group_folds(dataset, n_folds, seed) if dataset.groups is not None else _folds(dataset, n_folds, repeats, seed)
    )


def _ordered(cv: Any, n_folds: int, dataset: Dataset) -> TimeFolds | BatchFolds | None:
    """Return the folds in the order of time that are asked for, if so."""
    asked: TimeFolds | BatchFolds | None = None
    if isinstance(cv, (TimeFolds, BatchFolds)):
        asked = cv
    elif isinstance(cv, str) and cv in PROTOCOLS:
        asked = BatchFolds(cv)
    elif isinstance(cv, str) and cv not in ("auto", "time"):
        raise SettingError(
            f"cv={cv!r}; give 'auto', a number of folds, 'time', {', '.join(map(repr, PROTOCOLS))}, a TimeFolds or "
            "BatchFolds object, a splitter or (train, test) pairs"
        )
    elif cv == "time" or (dataset.times is not None and (cv is None or isinstance(cv, (str, int, np.integer)))):
        asked = TimeFolds(n_folds)
    if asked is not None and dataset.times is None:
        raise SettingError(f"cv={cv!r} needs to know when rows are from; give times (--times)")
    return asked


def _forward(dataset: Dataset, asked: TimeFolds | BatchFolds) -> Folds:
    found = forward_folds(dataset, asked, min(HOLDOUT_SHARE * dataset.n_rows, HOLDOUT_ROWS))
    return Folds(
        found.pairs,
        Rule.ORDERED,
        found.description,
        len(found.pairs) == 1,
        found.unscored_classes,
        len(found.pinned),
        forward=True,
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
    if n_groups > BALANCED_GROUPS:
        return _dealt_groups(rows, groups, wanted, seed)
    kind = StratifiedGroupKFold if dataset.task.classifies else GroupKFold
    splitter = kind(wanted, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the caller looks after classes rarer than the folds
        tests = [rows[test] for _, test in splitter.split(rows, dataset.y[rows], groups[rows]) if len(test)]
    return tests if n_folds > 1 else [_some_groups(tests[0], groups, HOLDOUT_ROWS, seed)]


def _dealt_groups(rows: Array, groups: Array, n_folds: int, seed: int) -> list[Array]:
    """Return the rows of each fold: shuffled groups are dealt, large ones first, so that folds have as many rows."""
    numbers, own = np.unique(groups[rows], return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(numbers))
    sizes = np.bincount(own)
    order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    # back and forth, as teams are picked
    turn = np.arange(len(order)) % (2 * n_folds)
    fold_of = np.empty(len(numbers), dtype=np.intp)
    fold_of[order] = np.minimum(turn, 2 * n_folds - 1 - turn)
    return [rows[fold_of[own] == fold] for fold in range(n_folds)]


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


def _custom_folds(dataset: Dataset, cv: Any, seed: int) -> Folds:
    from sklearn.model_selection import TimeSeriesSplit, check_cv

    try:
        splitter = check_cv(cv, dataset.y, classifier=dataset.task.classifies)
    except ValueError as error:
        raise SettingError(
            f"{_shown(cv)} is no splitter; give one with split(X, y, groups) or (train, test) pairs"
        ) from error
    if getattr(splitter, "random_state", seed) is None:  # a run that goes on must cut the same folds
        splitter = copy.copy(splitter)
        splitter.random_state = stream_seed(seed, "folds", 0)
    ordered, rows = isinstance(splitter, TimeSeriesSplit), np.arange(dataset.n_rows)
    if ordered and dataset.times is not None:  # it takes the rows to be in the order of time
        rows = np.argsort(dataset.times, kind="stable")
    groups = None if dataset.groups is None else dataset.groups[rows]
    try:
        splits = list(splitter.split(rows.reshape(-1, 1), dataset.y[rows], groups))
        pairs = tuple((_positions(train, rows), _positions(test, rows)) for train, test in splits)
    except Exception as error:  # the splitter may be the user's own code
        raise SettingError(f"{_shown(cv)} cannot split this table: {error}") from error
    if not pairs or any(len(a) == 0 or len(b) == 0 for a, b in pairs):
        raise SettingError(f"{_shown(cv)} gives an empty training or test part")
    if any(np.intersect1d(a, b).size for a, b in pairs):
        raise SettingError(f"{_shown(cv)} gives folds whose training and test rows overlap")
    missing = _missing_classes(dataset, pairs)
    if missing and dataset.classes is not None:
        names = ", ".join(repr(label) for label in dataset.classes[sorted(missing)][:5].tolist())
        raise SettingError(
            f"{_shown(cv)} leaves class(es) {names} out of some training part; every class must be in every training "
            "part: use a stratified splitter or merge rare classes"
        )
    rule = Rule.GROUPS if dataset.groups is not None else Rule.RANDOM
    rule = Rule.ORDERED if ordered or dataset.times is not None else rule
    times = dataset.times
    forward = ordered or (times is not None and all(times[train].max() < times[test].min() for train, test in pairs))
    if forward and times is not None:  # the most recent one comes last
        pairs = tuple(sorted(pairs, key=lambda pair: times[pair[1]].min()))
    text = f"{len(pairs)} folds of {type(splitter).__name__}"
    return Folds(pairs, rule, text, len(pairs) == 1, forward=forward)


def _shown(cv: Any) -> str:
    """Name what was given as cv, without the thousands of row positions that a list of pairs holds."""
    if not isinstance(cv, (list, tuple, np.ndarray)):
        return f"cv={cv!r}"
    kind = "an array" if isinstance(cv, np.ndarray) else f"a {type(cv).__name__}"
    return f"cv=({kind} of {len(cv)} split{'' if len(cv) == 1 else 's'})"


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
