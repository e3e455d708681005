"""Early stopping of the optional boosting libraries."""

from __future__ import annotations

import math
import time
from typing import Any

from automl.evaluate.part import Part, patience

__all__ = ["fit_catboost", "fit_xgboost"]


def fit_xgboost(estimator: Any, fit: Part, stop: Part, seconds: float | None, patient: bool) -> int:
    """Fit XGBoost; only the rounds up to the best one are kept."""
    from xgboost.callback import EarlyStopping, TrainingCallback

    class Clock(TrainingCallback):  # type: ignore[misc]
        deadline = math.inf if seconds is None else time.monotonic() + seconds

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            return time.monotonic() > self.deadline

    # The first that says stop is the last that is asked: the clock comes second, so that every round is noted.
    callbacks = [EarlyStopping(rounds=patience(estimator, patient), save_best=True), Clock()]
    estimator.set_params(callbacks=callbacks).fit(
        fit.X,
        fit.y,
        sample_weight=fit.weights,
        eval_set=[(stop.X, stop.y)],
        sample_weight_eval_set=None if stop.weights is None else [stop.weights],
        verbose=False,
    )
    estimator.set_params(callbacks=None)
    return int(estimator.get_booster().num_boosted_rounds())


def fit_catboost(estimator: Any, fit: Part, stop: Part, seconds: float | None, patient: bool) -> int:
    """Fit CatBoost; only the rounds up to the best one are kept."""
    from catboost import Pool

    deadline = math.inf if seconds is None else time.monotonic() + seconds

    class Clock:
        def after_iteration(self, info: Any) -> bool:  # whether to go on
            return time.monotonic() <= deadline

    categories = estimator.get_params().get("cat_features")
    fit_pool, stop_pool = (
        Pool(part.X, part.y, weight=part.weights, cat_features=categories, thread_count=1) for part in (fit, stop)
    )
    estimator.fit(
        fit_pool,
        eval_set=stop_pool,
        use_best_model=True,
        early_stopping_rounds=patience(estimator, patient),
        callbacks=[Clock()],
    )
    return max(1, int(estimator.tree_count_))
