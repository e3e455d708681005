"""Early stopping: how each kind of boosting is fitted with a stop set, and told to stop by the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from automl.evaluate.boost import fit_catboost, fit_xgboost
from automl.evaluate.network import fit_network
from automl.evaluate.part import Part, Stopper, patience

__all__ = ["Part", "Stopper", "fit_hist", "fit_lightgbm", "stopper"]


def stopper(name: str) -> Stopper:
    """Return the function of a component's ``stopping``."""
    return _STOPPERS[name]


def fit_hist(estimator: Any, fit: Part, stop: Part, seconds: float | None, patient: bool) -> int:
    """Fit scikit-learn's HistGradientBoosting; it does not look at the clock."""
    estimator.set_params(early_stopping=True)
    estimator.fit(fit.X, fit.y, sample_weight=fit.weights, X_val=stop.X, y_val=stop.y, sample_weight_val=stop.weights)
    return max(1, int(np.argmax(estimator.validation_score_)))  # entry 0 is before the first round


def fit_lightgbm(estimator: Any, fit: Part, stop: Part, seconds: float | None, patient: bool) -> int:
    """Fit LightGBM."""
    import lightgbm

    callbacks: list[Any] = [lightgbm.early_stopping(patience(estimator, patient), verbose=False)]
    if seconds is not None:
        callbacks.append(_stop_at(time.monotonic() + seconds))
    estimator.fit(
        fit.X,
        fit.y,
        sample_weight=fit.weights,
        eval_set=[(stop.X, stop.y)],
        eval_sample_weight=None if stop.weights is None else [stop.weights],
        callbacks=callbacks,
    )
    return max(1, int(estimator.best_iteration_ or estimator.n_estimators_))


def _stop_at(deadline: float) -> Callable[[Any], None]:
    """Return a LightGBM callback that ends training, keeping the rounds so far, when the clock passes the deadline."""
    from lightgbm.callback import EarlyStopException

    def callback(env: Any) -> None:
        if env.iteration >= 1 and time.monotonic() > deadline:
            raise EarlyStopException(env.iteration, env.evaluation_result_list or [])

    callback.order = 40  # type: ignore[attr-defined]  # after early_stopping (30), which knows the best round
    return callback


_STOPPERS: Mapping[str, Stopper] = {
    "lightgbm": fit_lightgbm,
    "hist": fit_hist,
    "xgboost": fit_xgboost,
    "catboost": fit_catboost,
    "network": fit_network,
}
