"""Fit one pipeline; boosting stops early on a stop set cut from its own training rows, never on the scored fold."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.core import Array
from automl.data import Dataset
from automl.evaluate.splits import Rule, stop_split
from automl.space import Component

__all__ = ["Fitted", "fit_pipeline"]

SMALL = 1_000  # below this many training rows a stop set is too dear: the round count is found, then all rows are used


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline and its number of boosting rounds (None for models without rounds)."""

    pipeline: Any
    rounds: int | None


def fit_pipeline(
    build: Callable[[int | None], Any],
    model: Component,
    train: Dataset,
    *,
    rule: Rule,
    seed: int,
    rounds: int | None = None,
    seconds: float | None = None,
) -> Fitted:
    """Fit a pipeline on all given rows.

    Parameters
    ----------
    build : callable
        ``build(rounds)`` returns the unfitted pipeline; with a number it sets that many boosting rounds.
    model : Component
        Declaration of the last step; says whether and how it stops early.
    train : Dataset
        Training rows only.
    rounds : int or None
        A number of rounds found earlier: then nothing is held out (refit, replay).
    seconds : float or None
        Boosting stops adding rounds after this many seconds; the model so far is kept.

    Notes
    -----
    With 1,000 training rows or more a tenth of them (50 to 5,000) is the stop set and the rest is fitted once. Below,
    a fifth finds the round count and the pipeline is fitted again on all rows with 1.15 times as many rounds.
    """
    if model.stopping is None or rounds is not None:
        pipeline = build(rounds)
        _fit_all(pipeline, train)
        return Fitted(pipeline, rounds)
    small = train.n_rows < SMALL
    share = 0.2 if small else np.clip(0.1 * train.n_rows, 50, 5_000) / train.n_rows
    fit, stop = stop_split(train, float(share), rule, seed)
    if len(stop) < 5:
        found = min(200, _rounds_of(build(None)[-1], model))
    else:
        pipeline = build(None)
        limit = None if seconds is None else seconds * (0.4 if small else 1.0)
        found = _fit_stopping(pipeline, model, train.rows(fit), train.rows(stop), limit, patient=small)
        if not small:
            return Fitted(pipeline, found)
        found = max(10, int(found * 1.15))
    pipeline = build(found)
    _fit_all(pipeline, train)
    return Fitted(pipeline, found)


def _fit_all(pipeline: Any, train: Dataset) -> None:
    weights = {} if train.weights is None else {f"{pipeline.steps[-1][0]}__sample_weight": train.weights}
    pipeline.fit(train.X, train.y, **weights)


def _rounds_of(estimator: Any, model: Component) -> int:
    return int(estimator.get_params()[model.rounds])


def _fit_stopping(
    pipeline: Any, model: Component, fit: Dataset, stop: Dataset, seconds: float | None, *, patient: bool
) -> int:
    """Fit the pipeline's steps in place and return the best number of rounds (``recipes`` of scikit-learn: the slice
    ``pipeline[:-1]`` shares its steps)."""
    preparation, estimator = pipeline[:-1], pipeline[-1]
    fit_matrix = preparation.fit_transform(fit.X, fit.y)
    stop_matrix = preparation.transform(stop.X)
    if model.stopping == "lightgbm":
        return _fit_lightgbm(estimator, fit, fit_matrix, stop, stop_matrix, seconds, patient=patient)
    estimator.set_params(early_stopping=True)
    estimator.fit(
        fit_matrix,
        fit.y,
        sample_weight=fit.weights,
        X_val=stop_matrix,
        y_val=stop.y,
        sample_weight_val=stop.weights,
    )
    return max(1, int(np.argmax(estimator.validation_score_)))  # entry 0 is before the first round


def _fit_lightgbm(
    estimator: Any,
    fit: Dataset,
    fit_matrix: Array,
    stop: Dataset,
    stop_matrix: Array,
    seconds: float | None,
    *,
    patient: bool,
) -> int:
    import lightgbm

    rate = float(estimator.get_params()["learning_rate"])
    patience = int(np.clip((5 if patient else 3) / rate, 20, 150 if patient else 80))
    callbacks: list[Any] = [lightgbm.early_stopping(patience, verbose=False)]
    if seconds is not None:
        callbacks.append(_stop_at(time.monotonic() + seconds))
    estimator.fit(
        fit_matrix,
        fit.y,
        sample_weight=fit.weights,
        eval_set=[(stop_matrix, stop.y)],
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
