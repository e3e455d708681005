"""Meta-features: what a table is like, in numbers that can be compared between tables."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from automl.core import SettingError
from automl.data import Dataset, Task, infer_task, make_dataset
from automl.metalearn import groups
from automl.metalearn.declared import METAFEATURES
from automl.metalearn.landmarks import landmarks
from automl.metalearn.sample import draw

__all__ = ["describe_dataset", "metafeatures", "until"]


def metafeatures(
    X: Any,
    y: Any,
    *,
    task: str | None = None,
    seconds: float | None = None,
    stop: Callable[[], bool] | None = None,
) -> pd.Series[float]:
    """Describe a table in numbers: sizes, kinds, target, gaps, levels, distributions, information, easy scores.

    Parameters
    ----------
    X : table-like of shape (n, d)
        As for ``fit``.
    y : array-like of shape (n,)
    task : {"classification", "regression"}, optional
        By default what the target suggests.
    seconds : float, optional
        When they are spent, what has not been computed stays NaN. The cheap ones come first.
    stop : callable, optional
        Asked between steps, in place of ``seconds``.

    Returns
    -------
    Series of float
        One value for each of ``automl.metalearn.METAFEATURES``, in that order; NaN where it does not exist for this
        table (levels without columns of categories) or there was no time.

    Raises
    ------
    DataError
        If the table or the target cannot be used, as in ``fit``.
    SettingError
        If ``task`` or ``seconds`` is not one of those above.

    Notes
    -----
    All but sizes, kinds, target and gaps come from at most 1,000 rows and 100 columns of each kind, chosen and ordered
    by what they hold: rows and columns in another order give the same numbers. Only which kind a column is may depend
    on it (a column that counts the rows is an identifier).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> import automl
    >>> found = automl.metafeatures(*load_iris(return_X_y=True, as_frame=True))
    >>> round(found["class_entropy"], 3), round(found["landmark_linear"], 1)
    (np.float64(1.585), np.float64(1.0))
    """
    if task not in (None, "classification", "regression"):
        raise SettingError(f"task={task!r}; give 'classification', 'regression' or None")
    if seconds is not None and not seconds >= 0:
        raise SettingError(f"seconds={seconds!r}; give a number of seconds, or None for as long as it takes")
    if stop is None:
        stop = until(seconds) if seconds is not None else lambda: False
    classifies = infer_task(y)[0] is not Task.REGRESSION if task is None else task == "classification"
    return describe_dataset(make_dataset(X, y, classifies=classifies), stop)


def describe_dataset(dataset: Dataset, stop: Callable[[], bool] = lambda: False) -> pd.Series[float]:
    """Return the meta-features of a checked table; see :func:`metafeatures`."""
    found = dict.fromkeys((feature.name for feature in METAFEATURES), float("nan"))
    for of_dataset in (groups.simple, groups.target, groups.missing, groups.levels):
        found |= of_dataset(dataset)
    sample = None if stop() else draw(dataset, stop)
    if sample is not None:
        for of_sample in (groups.rows, groups.numbers, groups.information, groups.components):
            if stop():
                break
            found |= of_sample(sample)
        else:
            found |= landmarks(sample, stop)
    series = pd.Series(found, dtype=np.float64)
    return series.where(np.isfinite(series), np.nan)


def until(seconds: float, clock: Callable[[], float] = time.monotonic) -> Callable[[], bool]:
    """Return what says stop when so many seconds from now are over."""
    end = clock() + seconds
    return lambda: clock() >= end
