"""What happens to single kinds of columns: categories, numbers, dates, text. Public library parts only."""

from __future__ import annotations

import operator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from automl.data import Container, Task
from automl.pipeline.parts import apply, chain
from automl.space.facts import MAX_LEVELS, TEXT_PARTS, Facts

__all__ = [
    "date_numbers",
    "finite",
    "one_hot",
    "ordinal_codes",
    "quantile_normal",
    "robust_clip",
    "standard",
    "strings",
    "target_means",
    "text_numbers",
]

_LARGEST = 1e30  # scikit-learn's trees overflow on what float32 cannot hold, scalers on squares


def strings() -> Any:
    """Categories of any type as strings, every missing marker as NaN."""
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


def ordinal_codes() -> Any:
    """Codes 0..k-1; missing, rare beyond 254 levels and unseen values are NaN or share a code."""
    from sklearn.preprocessing import OrdinalEncoder

    return OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=254,  # HistGradientBoosting takes 255
    )


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


def date_numbers(date_format: str) -> Any:
    """Year, month, day, hour, weekday, day of the year and days since 1970 of one date column.

    Times of different zones are compared in UTC. skrub has the same; importing it costs every worker two seconds.
    """
    from sklearn.pipeline import FeatureUnion

    def number(name: str, *reading: tuple[str, Any]) -> tuple[str, Any]:
        as_column = (("float", apply(pd.Series.astype, dtype="float64")), ("column", apply(pd.Series.to_frame)))
        return name, chain(*reading, *as_column)

    parts = ("year", "month", "day", "hour", "day_of_week", "day_of_year")
    epoch = pd.Timestamp(0, tz="UTC")
    days = (
        ("elapsed", apply(operator.methodcaller("sub", epoch))),
        ("days", apply(operator.methodcaller("div", pd.Timedelta(days=1)))),
    )
    return chain(
        ("parse", apply(pd.to_datetime, format=date_format, errors="coerce", utc=True)),
        (
            "numbers",
            FeatureUnion(
                [number(part, ("part", apply(operator.attrgetter(f"dt.{part}")))) for part in parts]
                + [number("days", *days)]
            ),
        ),
    )


def text_numbers(random_state: int) -> Any:
    """The leading directions of the words of one text column; hashing cannot fail on any vocabulary."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    return chain(
        ("strings", apply(pd.Series.astype, dtype=pd.StringDtype(na_value=np.nan))),
        ("present", apply(pd.Series.fillna, value="")),
        ("words", HashingVectorizer(ngram_range=(1, 2), n_features=2**13, alternate_sign=False)),
        ("weights", TfidfTransformer(sublinear_tf=True)),
        ("directions", TruncatedSVD(TEXT_PARTS, random_state=random_state)),
    )
