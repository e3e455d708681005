"""Outer folds: how they are cut, how the time is shared among them, and the settings of the fits in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from automl.core import SettingError, stream_seed
from automl.data import Dataset
from automl.evaluate import BatchFolds, Folds, TimeFolds, make_folds
from automl.metalearn import KnowledgeBase
from automl.metrics import NamedMetric
from automl.search.plan import Settings

__all__ = [
    "LEAST_SHARE",
    "check_outer",
    "fold_seconds",
    "fold_settings",
    "outer_folds",
    "settings_of_final",
    "share_seconds",
]

LEAST_SHARE = 1.0  # seconds; less finds nothing worth judging
_IN_TIME = (TimeFolds, BatchFolds)


def check_outer(settings: Settings) -> None:
    """Refuse outer folds that are none, and inner ones that cannot be made within outer ones.

    Raises
    ------
    SettingError
    """
    asked, inner = settings.outer_folds, settings.cv
    if asked is None:
        return
    count = isinstance(asked, (int, np.integer)) and not isinstance(asked, bool)
    if not (int(asked) >= 2 if count else isinstance(asked, _IN_TIME) or _splits(asked)):
        raise SettingError(
            f"outer_folds={asked!r}; give a number of folds of at least 2, a splitter, or None for no outer folds"
        )
    if not (inner is None or isinstance(inner, (str, int, np.integer, *_IN_TIME)) or _splits(inner)):
        raise SettingError(
            "cv holds (train, test) pairs of rows of the whole table, of which an outer fold has only some; with "
            "outer_folds give a number of folds or a splitter"
        )


def _splits(value: Any) -> bool:
    return hasattr(value, "split") and not isinstance(value, (str, bytes, type))


def outer_folds(dataset: Dataset, settings: Settings) -> Folds:
    """Cut the outer folds by the same rule as the inner ones: classes, groups, times, gaps.

    Raises
    ------
    SettingError
        If a splitter cannot split this table.
    DataError
        If the target or the groups leave nothing to hold out.
    """
    asked, inner = settings.outer_folds, settings.cv
    if isinstance(inner, TimeFolds) and isinstance(asked, (int, np.integer)):
        asked = replace(inner, n_folds=int(asked))  # the same gap, purge and window
    return make_folds(dataset, cv=asked, seed=stream_seed(settings.seed, "outer"))


def share_seconds(total: float | None, fits: int) -> float | None:
    """Return the time of each of several fits of one procedure: equal shares, so that one says something of the other.

    Raises
    ------
    SettingError
        If a share is too small for any of them.
    """
    if total is None:
        return None
    if total < LEAST_SHARE * fits:
        raise SettingError(
            f"time_budget={total:g} is shared among {fits} fits, {total / fits:.2g} s for each; give at least "
            f"{LEAST_SHARE * fits:g} s, better a minute for each, or fewer outer folds"
        )
    return total / fits


def fold_seconds(remaining: float, waiting: int, share: float, scoring: float) -> float | None:
    """Return the time for the search of the next outer fold; None where too little is left to begin with it.

    Where the time does not do for all of them, as many are done as can have half a share: a much shorter search would
    say nothing of the one that is to be judged.

    Parameters
    ----------
    remaining : float
        Seconds until the deadline of everything.
    waiting : int
        Outer folds that are not done, this one included, among which what is left is shared equally.
    share : float
        At most; no fold has more time than the fit that it is to judge.
    scoring : float
        Seconds that predictions for the rows held out may take.

    Examples
    --------
    >>> from automl.search.outer import fold_seconds
    >>> fold_seconds(50.0, 5, 10.0, 0.5), fold_seconds(20.0, 1, 10.0, 0.5), fold_seconds(3.0, 5, 10.0, 0.5)
    (9.5, 10.0, None)
    """
    for folds in range(waiting, 0, -1):
        seconds = min(share, remaining / folds - scoring)
        if seconds >= 0.5 * share:
            return seconds
    return None


def settings_of_final(dataset: Dataset, settings: Settings) -> tuple[Settings, str | None]:
    """Return the settings of the fit on all rows, which shares the time with outer folds, and what these are."""
    if settings.outer_folds is None:
        return settings, None
    outer = outer_folds(dataset, settings)
    return replace(settings, time_budget=share_seconds(settings.time_budget, len(outer) + 1)), outer.description


def fold_settings(settings: Settings, fold: int, share: float | None, metric: NamedMetric) -> Settings:
    """Return the settings of the procedure within one outer fold: own random choices, the metric of the whole table.

    Earlier runs of the user's own are left out: they may have been judged on the rows that are held out here.
    """
    seed, known = stream_seed(settings.seed, "outer fold", fold), settings.knowledge
    if isinstance(known, str) and known == "auto":
        known = KnowledgeBase()
    elif isinstance(known, KnowledgeBase):
        known = replace(known, transfer=())
    own = {"outer_folds": None, "run_dir": None, "report": (), "knowledge": known}
    return replace(settings, time_budget=share, seed=seed, metric=metric, **own)
