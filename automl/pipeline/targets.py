"""The target of a regression, transformed. Predictions stay near the targets of training, however wild."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from automl.pipeline.parts import chain
from automl.space.facts import Facts

__all__ = ["bounded_target", "in_own_unit", "log_target", "quantile_target", "transformed"]

_AROUND = 0.5  # how far, in parts of the range of the target, predictions may lie outside of it
_AHEAD = 3.0  # the same of rows in time, where a trend may go on
_BEYOND = 0.1  # how far, in parts of the logarithmic range, predictions may lie above the targets of training


def log_target(strength: float = 30.0) -> Any:
    """The logarithm of 1 + strength x y / (interquartile range of y), for targets of at least 0.

    A wild prediction is brought back before the exponential is taken; none is below the least target of training.
    """
    from sklearn.preprocessing import FunctionTransformer, RobustScaler

    times = FunctionTransformer(partial(np.multiply, strength), partial(np.multiply, 1 / strength), check_inverse=False)
    return chain(
        ("scale", RobustScaler(with_centering=False)),
        ("times", times),
        ("log", FunctionTransformer(np.log1p, np.expm1, check_inverse=False)),
        *_bounds(0.0, 1 + _BEYOND),
    )


def bounded_target(*, in_time: bool = False) -> Any:
    """The target as it is; predictions are cut where they lie half its range beyond it, farther where time goes on."""
    around = _AHEAD if in_time else _AROUND
    return chain(*_bounds(-around, 1 + around))


def _bounds(low: float, high: float) -> list[tuple[str, Any]]:
    """Return the parts that end predictions there, in parts of the range of the target."""
    from sklearn.preprocessing import FunctionTransformer, MinMaxScaler

    clip = FunctionTransformer(None, np.clip, inv_kw_args={"a_min": low, "a_max": high}, check_inverse=False)
    return [("range", MinMaxScaler()), ("bounded", clip)]


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


def transformed(model: Any, transformer: Any | None, *, afar: bool = False) -> Any:
    """Return a regressor of the transformed target, standardised last; one that is afar comes to an own unit first."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler

    steps = chain(
        # Robust and min-max scalers take a range below 1e-15 for none.
        ("unit", StandardScaler(with_mean=False)) if afar and transformer is not None else None,
        None if transformer is None else ("transform", transformer),
        ("standard", StandardScaler()),
    )
    return TransformedTargetRegressor(regressor=model, transformer=steps, check_inverse=False)


def in_own_unit(model: Any) -> Any:
    """Return a regressor of the standardised target; where it takes no negative ones, of the target in its own unit."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler

    if not _of_positive(model):
        return transformed(model, None)
    return TransformedTargetRegressor(regressor=model, transformer=StandardScaler(with_mean=False), check_inverse=False)


def _of_positive(model: Any) -> bool:
    """Whether a model, or one inside of it, is one of amounts or counts: all libraries name them alike."""
    known = ("poisson", "gamma", "tweedie")
    given = [value for value in model.get_params().values() if isinstance(value, str)]
    return any(name in text.lower() for text in (type(model).__name__, *given) for name in known)
