"""Fit one pipeline; boosting stops early on a stop set cut from its own training rows, never on the scored fold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.data import Dataset
from automl.evaluate.splits import Rule, stop_split
from automl.evaluate.stopping import Part, Stopper, stopper
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
    inner = getattr(estimator, "regressor", estimator)
    return int(inner.get_params()[model.rounds])


def _fit_stopping(
    pipeline: Any, model: Component, fit: Dataset, stop: Dataset, seconds: float | None, *, patient: bool
) -> int:
    """Fit the pipeline's steps in place (the slice ``pipeline[:-1]`` shares them); return the best round."""
    preparation, estimator = pipeline[:-1], pipeline[-1]
    fit_part = Part(preparation.fit_transform(fit.X, fit.y), fit.y, fit.weights)
    stop_part = Part(preparation.transform(stop.X), stop.y, stop.weights)
    assert model.stopping is not None
    fit_stopping = stopper(model.stopping)
    if hasattr(estimator, "regressor"):  # a model of the transformed target
        return _fit_transformed(estimator, fit_stopping, fit_part, stop_part, seconds, patient)
    return fit_stopping(estimator, fit_part, stop_part, seconds, patient)


def _fit_transformed(
    wrapper: Any, fit_stopping: Stopper, fit: Part, stop: Part, seconds: float | None, patient: bool
) -> int:
    """Fit a TransformedTargetRegressor whose regressor stops early on the transformed target of the stop set."""
    from sklearn.base import clone
    from sklearn.frozen import FrozenEstimator

    transformer = clone(wrapper.transformer).fit(fit.y.reshape(-1, 1))
    fit_target, stop_target = (transformer.transform(part.y.reshape(-1, 1)).ravel() for part in (fit, stop))
    unfitted, inner = wrapper.regressor, clone(wrapper.regressor)
    fitted_part, stop_part = Part(fit.X, fit_target, fit.weights), Part(stop.X, stop_target, stop.weights)
    rounds = fit_stopping(inner, fitted_part, stop_part, seconds, patient)
    wrapper.set_params(regressor=FrozenEstimator(inner)).fit(fit.X, fit.y)  # fits the transformer alone
    wrapper.set_params(regressor=unfitted)
    wrapper.regressor_ = inner
    return rounds
