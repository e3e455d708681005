"""The target of a regression, transformed. Predictions stay near the targets of training, however wild."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from automl.pipeline.parts import chain
from automl.space.facts import Facts

__all__ = ["bounded_target", "log_target", "quantile_target", "transformed"]

_AROUND = 0.5  # how far, in parts of the range of the target, predictions may lie outside of it
_BEYOND = 0.1  # how far, in parts of the logarithmic range, predictions may lie above the targets of training


def log_target(strength: float = 30.0) -> Any:
    """The logarithm of 1 + strength x y / (interquartile range of y), for targets of at least 0.

    A wild prediction is brought back before the exponential is taken; none is below the least target of training.
    """
    from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, RobustScaler

    times = FunctionTransformer(partial(np.multiply, strength), partial(np.multiply, 1 / strength), check_inverse=False)
    bounds = {"a_min": 0.0, "a_max": 1 + _BEYOND}
    return chain(
        ("scale", RobustScaler(with_centering=False)),
        ("times", times),
        ("log", FunctionTransformer(np.log1p, np.expm1, check_inverse=False)),
        ("range", MinMaxScaler()),
        ("bounded", FunctionTransformer(None, np.clip, inv_kw_args=bounds, check_inverse=False)),
    )


def bounded_target() -> Any:
    """The target as it is; predictions are cut where they lie half its range beyond it."""
    from sklearn.preprocessing import FunctionTransformer, MinMaxScaler

    bounds = {"a_min": -_AROUND, "a_max": 1 + _AROUND}
    return chain(
        ("range", MinMaxScaler()),
        ("bounded", FunctionTransformer(None, np.clip, inv_kw_args=bounds, check_inverse=False)),
    )


def quantile_target(facts: Facts, random_state: int) -> Any:
    """The quantiles of y as those of a normal distribution; predictions end at the extremes of training."""
    from sklearn.preprocessing import QuantileTransformer, RobustScaler

    quantiles = QuantileTransformer(
        n_quantiles=int(np.clip(facts.n_rows // 4, 2, 1000)),
        output_distribution="normal",
        subsample=100_000,
        random_state=random_state,
    )
    # It takes all values within 1e-7 of the least for the least.
    return chain(("scale", RobustScaler()), ("quantiles", quantiles))


def transformed(model: Any, transformer: Any | None) -> Any:
    """Return a regressor of the transformed target, standardised last."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler

    steps = chain(None if transformer is None else ("transform", transformer), ("standard", StandardScaler()))
    return TransformedTargetRegressor(regressor=model, transformer=steps, check_inverse=False)
