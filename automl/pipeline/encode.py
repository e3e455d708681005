"""What happens to categories and numbers. Public library parts only."""

from __future__ import annotations

import operator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from automl.data import Container, Task
from automl.pipeline.parts import apply, chain
from automl.space.facts import MAX_LEVELS, Facts

__all__ = [
    "cross_codes",
    "finite",
    "hashed",
    "mixed",
    "one_hot",
    "ordinal_and_means",
    "ordinal_codes",
    "quantile_normal",
    "robust_clip",
    "skew_normal",
    "standard",
    "strings",
    "target_means",
]

_LARGEST = 1e30  # scikit-learn's trees overflow on what float32 cannot hold, scalers on squares


def strings() -> list[tuple[str, Any]]:
    """Categories of any type as strings, every missing marker as NaN: two steps.

    Encoders look at an array once, but at each column of a frame by itself, which takes them five times as long.
    """
    return [("strings", _as_strings()), ("array", apply(pd.DataFrame.to_numpy))]


def _as_strings() -> Any:
    return apply(pd.DataFrame.astype, dtype=pd.StringDtype(na_value=np.nan))


def finite(container: Container, dtype: str = "float64") -> list[tuple[str, Any]]:
    """Numbers of any type as floats, infinite ones as missing: three steps."""
    as_float = (
        apply(pd.DataFrame.astype, dtype=dtype) if container is Container.FRAME else apply(np.asarray, dtype=dtype)
    )
    return [
        ("float", as_float),
        ("infinite", apply(np.nan_to_num, nan=np.nan, posinf=np.nan, neginf=np.nan)),
        ("bounded", apply(np.clip, a_min=-_LARGEST, a_max=_LARGEST)),
    ]


def ordinal_codes(max_categories: int | None = 254) -> Any:
    """Codes 0..k-1; missing and unseen values are NaN, levels too rare share a code."""
    from sklearn.preprocessing import OrdinalEncoder

    return OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=max_categories,  # HistGradientBoosting takes 255
    )


def cross_codes() -> Any:
    """Codes 0..k-1, missing -2, unseen -1."""
    from sklearn.preprocessing import OrdinalEncoder

    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)


def one_hot(facts: Facts, max_categories: int = MAX_LEVELS) -> Any:
    """One column for each frequent level; rare and unseen ones share a column."""
    from sklearn.preprocessing import OneHotEncoder

    # Thousands of categorical columns share a bounded number of outputs.
    share = max(3, 4000 // max(facts.n_categorical, 1))
    return OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=0.005,
        max_categories=min(max_categories, share),
        sparse_output=False,
    )


def target_means(facts: Facts, random_state: int, smooth: float = 10.0) -> Any:
    """Cross-fitted means of the target for each level."""
    from sklearn.model_selection import KFold, StratifiedKFold
    from sklearn.preprocessing import TargetEncoder

    kinds = {Task.BINARY: "binary", Task.MULTICLASS: "multiclass", Task.REGRESSION: "continuous"}
    # With a rare class the stratified split warns, and a plain one serves as well.
    stratified = facts.task.classifies and facts.min_class_count >= 10
    splitter = (StratifiedKFold if stratified else KFold)(5, shuffle=True, random_state=random_state)
    return TargetEncoder(target_type=kinds[facts.task], smooth=smooth, cv=splitter)


def mixed(facts: Facts, random_state: int, many: bool, most_levels: int = 9, smooth: float = 10.0) -> Any:
    """One column for each level where there are few, else means of the target."""
    return target_means(facts, random_state, smooth) if many and facts.may_encode_target else one_hot(facts)


def ordinal_and_means(facts: Facts, random_state: int, many: bool, most_levels: int = 32, smooth: float = 10.0) -> Any:
    """Codes where there are few levels, else means of the target; the router adds means beside the codes."""
    return target_means(facts, random_state, smooth) if many and facts.may_encode_target else ordinal_codes()


def hashed(facts: Facts, many: bool, most_levels: int = MAX_LEVELS, n_features: int = 64) -> Any:
    """One column for each level where there are few; where there are many, levels of one hash share a column."""
    from sklearn.feature_extraction import FeatureHasher

    if not many:
        return one_hot(facts)
    return chain(
        ("frame", apply(pd.DataFrame)),
        ("strings", _as_strings()),
        ("present", apply(pd.DataFrame.fillna, value="")),
        ("rows", apply(operator.methodcaller("to_dict", orient="records"))),
        ("hashes", FeatureHasher(n_features)),
        ("dense", apply(operator.methodcaller("toarray"))),
    )


def standard(facts: Facts) -> Any:
    from sklearn.preprocessing import StandardScaler

    return StandardScaler(with_mean=facts.container is not Container.SPARSE)


def robust_clip() -> Any:
    """Centre by the median, scale by the quartiles, then x / sqrt(1 + (x / 3)^2): outliers end within (-3, 3)."""
    from sklearn.preprocessing import RobustScaler

    # sin(arctan(z)) = z / sqrt(1 + z^2)
    return chain(
        ("scale", RobustScaler()),
        ("third", apply(partial(np.multiply, 1 / 3))),
        ("arctan", apply(np.arctan)),
        ("sin", apply(np.sin)),
        ("triple", apply(partial(np.multiply, 3.0))),
    )


def quantile_normal(facts: Facts, random_state: int) -> Any:
    from sklearn.preprocessing import QuantileTransformer

    return QuantileTransformer(
        n_quantiles=int(np.clip(facts.n_rows // 4, 2, 200)),
        output_distribution="normal",
        subsample=20_000,
        random_state=random_state,
    )


def skew_normal(facts: Facts, random_state: int, skewed: bool) -> Any:
    """Skewed columns by their quantiles, the others as they are."""
    return quantile_normal(facts, random_state) if skewed else standard(facts)
