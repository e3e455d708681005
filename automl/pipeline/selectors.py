"""Selections of columns: each keeps at least one, whatever it is given."""

from __future__ import annotations

import math
import operator
from functools import partial
from typing import Any

from automl.data import Container
from automl.pipeline.models import least_width
from automl.pipeline.parts import chain
from automl.space.facts import Facts

__all__ = [
    "gain_selection",
    "l1_selection",
    "mutual_information",
    "tree_selection",
    "univariate",
    "univariate_rates",
    "variance",
]


def variance(facts: Facts, threshold: float = 1e-20) -> Any:
    """Columns whose variance is at least this part of the mean one: all of them where none varies."""
    from sklearn.feature_selection import SelectFromModel
    from sklearn.preprocessing import StandardScaler

    # Other than VarianceThreshold this never selects nothing.
    spread = StandardScaler(with_mean=facts.container is not Container.SPARSE)
    return SelectFromModel(spread, threshold=f"{threshold!r}*mean", importance_getter="var_")


def univariate(facts: Facts, percentile: float) -> Any:
    from sklearn.feature_selection import SelectPercentile, f_classif, f_regression

    score = f_classif if facts.task.classifies else f_regression
    select = SelectPercentile(score, percentile=_percentile(facts, percentile))
    # Constant columns of a fold would divide by zero.
    return chain(("varying", variance(facts)), ("select", select))


def mutual_information(facts: Facts, random_state: int, percentile: float, n_neighbors: int) -> Any:
    from sklearn.feature_selection import SelectPercentile, mutual_info_classif, mutual_info_regression

    score = mutual_info_classif if facts.task.classifies else mutual_info_regression
    information = partial(score, discrete_features=False, n_neighbors=n_neighbors, random_state=random_state)
    return SelectPercentile(information, percentile=_percentile(facts, percentile))


def _percentile(facts: Facts, percentile: float) -> float:
    """A share that rounds to no column would select none."""
    least = math.ceil(100 / max(facts.n_columns, 1)) + 1
    return min(100.0, max(percentile, least))


def univariate_rates(facts: Facts, mode: str, alpha: float) -> Any:
    """Columns by F tests at a rate of false positives, of false discoveries or of any error; all if none passes."""
    from sklearn.feature_selection import GenericUnivariateSelect, SelectFromModel, f_classif, f_regression

    score = f_classif if facts.task.classifies else f_regression
    # Taken as importances 0 and 1, the selected are those not below the mean: all of them where all are 0.
    tests = SelectFromModel(
        GenericUnivariateSelect(score, mode=mode, param=alpha),
        threshold="mean",
        importance_getter=operator.methodcaller("get_support"),
    )
    return chain(("varying", variance(facts)), ("tests", tests))


def l1_selection(facts: Facts, random_state: int, strength: float, threshold: str) -> Any:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.feature_selection import SelectFromModel
    from sklearn.linear_model import Lasso, SGDClassifier
    from sklearn.preprocessing import StandardScaler

    # A threshold relative to the mean keeps a column even where all coefficients are zero.
    if facts.task.classifies:
        ranking: Any = SGDClassifier(
            loss="log_loss", penalty="l1", alpha=strength / 10, max_iter=200, random_state=random_state
        )
    else:
        ranking = TransformedTargetRegressor(Lasso(alpha=strength, max_iter=500), transformer=StandardScaler())
    getter = "auto" if facts.task.classifies else "regressor_.coef_"
    return SelectFromModel(ranking, threshold=threshold, importance_getter=getter)


def tree_selection(facts: Facts, random_state: int, threshold: str) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
    from sklearn.feature_selection import SelectFromModel

    trees = (ExtraTreesClassifier if facts.task.classifies else ExtraTreesRegressor)(
        n_estimators=50,
        min_samples_leaf=3,
        max_features=min(1.0, 40 / least_width(facts)),  # the time must not grow with the columns
        n_jobs=1,
        random_state=random_state,
    )
    return SelectFromModel(trees, threshold=threshold)


def gain_selection(facts: Facts, random_state: int, threshold: float, max_features: int) -> Any:
    """Columns by their gain in a few rounds of LightGBM.

    ``threshold`` is relative to the mean gain. The limit ``max_features`` holds where at least so many columns are
    known to come in: SelectFromModel refuses a limit above their number.
    """
    from lightgbm import LGBMClassifier, LGBMRegressor
    from sklearn.feature_selection import SelectFromModel

    width = least_width(facts)
    trees = (LGBMClassifier if facts.task.classifies else LGBMRegressor)(
        n_estimators=max(10, 60 // max(1, facts.n_classes - 1)),
        num_leaves=16,
        learning_rate=0.1,
        max_bin=63,
        colsample_bytree=min(0.8, max(0.05, 400 / width)),
        subsample=0.8,
        subsample_freq=1,
        importance_type="gain",
        random_state=random_state,
        n_jobs=1,
        force_col_wise=True,
        verbose=-1,
    )
    limit = max_features if max_features <= width else None
    return SelectFromModel(trees, threshold=f"{threshold!r}*mean", max_features=limit)
