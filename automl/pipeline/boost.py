"""XGBoost and CatBoost, which are optional, and the categories they take natively."""

from __future__ import annotations

from typing import Any

import pandas as pd

from automl.pipeline.parts import apply

__all__ = [
    "catboost_classifier",
    "catboost_regressor",
    "category_frame",
    "xgboost_classifier",
    "xgboost_regressor",
]

_MOST_CODES = 256


def xgboost_classifier(random_state: int, n_jobs: int, **params: Any) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(**_xgboost(random_state, n_jobs, **params))


def xgboost_regressor(random_state: int, n_jobs: int, **params: Any) -> Any:
    from xgboost import XGBRegressor

    return XGBRegressor(**_xgboost(random_state, n_jobs, **params))


def _xgboost(random_state: int, n_jobs: int, **params: Any) -> dict[str, Any]:
    """Trees that grow leaf by leaf are limited by their leaves alone, others by their depth alone."""
    unlimited = "max_depth" if params["grow_policy"] == "lossguide" else "max_leaves"
    return {**params, unlimited: 0, "random_state": random_state, "n_jobs": n_jobs}


def catboost_classifier(random_state: int, **params: Any) -> Any:
    from catboost import CatBoostClassifier

    return CatBoostClassifier(**_catboost(random_state, **params))


def catboost_regressor(random_state: int, quantile: float | None = None, **params: Any) -> Any:
    from catboost import CatBoostRegressor

    if quantile is not None:
        params["loss_function"] = f"Quantile:alpha={quantile!r}"
    return CatBoostRegressor(**_catboost(random_state, **params))


def _catboost(random_state: int, cat_features: Any = None, **params: Any) -> dict[str, Any]:
    # A tuple: CatBoost hands out copies of lists, which scikit-learn's clone takes for a changed parameter.
    categories = {} if cat_features is None else {"cat_features": tuple(cat_features)}
    return {**params, **categories, "random_state": random_state, "thread_count": 1}


def category_frame(dtype: str, n_codes: int) -> list[tuple[str, Any]]:
    """Steps that make a DataFrame of an array whose first columns are codes 0..k-1 of categories, NaN where unknown.

    Parameters
    ----------
    dtype : {"category", "int"}
        What these columns become: of pandas' category type with gaps, or integers with -1 in the gaps.
    """
    columns = range(n_codes)
    steps = [("frame", apply(pd.DataFrame))]
    if dtype == "category":
        # Levels that are the same in every fold, and a code is its own position among them.
        levels = pd.CategoricalDtype(list(range(_MOST_CODES)))
        return [*steps, ("levels", apply(pd.DataFrame.astype, dtype=dict.fromkeys(columns, levels)))]
    return [
        *steps,
        ("gaps", apply(pd.DataFrame.fillna, value=dict.fromkeys(columns, -1))),
        ("integers", apply(pd.DataFrame.astype, dtype=dict.fromkeys(columns, "int32"))),
    ]
