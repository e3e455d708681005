"""Fit one pipeline; boosting stops early on a stop set cut from its own training rows, never on the scored fold."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.core import Array, Param
from automl.data import Dataset
from automl.evaluate.network import BLIND_EPOCHS, fit_network
from automl.evaluate.preparation import Prepared, Preparer
from automl.evaluate.splits import Rule
from automl.evaluate.stacked import fit_stacked, last_model
from automl.evaluate.stop_sets import stop_split
from automl.evaluate.stopping import Part, stopper
from automl.space import Component

__all__ = ["Fitted", "fit_pipeline", "refit_params"]

SMALL = 1_000  # below this many training rows a stop set is too dear: the round count is found, then all rows are used


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline and its number of rounds or epochs (None for models without); ``keys`` of its preparation."""

    pipeline: Any
    rounds: int | None
    keys: tuple[str, ...] = ()


def fit_pipeline(
    build: Callable[[int | None], Any],
    model: Component,
    train: Dataset,
    *,
    rule: Rule,
    seed: int,
    rounds: int | None = None,
    at_most: int | None = None,
    seconds: float | None = None,
    preparer: Preparer | None = None,
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
    at_most : int or None
        Rounds after which the clock ended an earlier fit of the same rows, which is done again without a clock.
    seconds : float or None
        Boosting stops adding rounds after this many seconds, its preparation included; the model so far is kept.
    preparer : Preparer, optional
        Prepares the rows; by default without a cache.

    Notes
    -----
    With 1,000 training rows or more a tenth of them (50 to 5,000) is the stop set and the rest is fitted once. Below,
    a fifth finds the round count and the pipeline is fitted again on all rows with 1.15 times as many rounds (networks:
    with the schedule that :func:`fit_network` found).
    """
    preparer = preparer or Preparer()
    if model.stopping is None or rounds is not None:
        return _fit_all(build(rounds), model, train, rounds, preparer)
    small = train.n_rows < SMALL
    if small and at_most is not None:
        return _fit_all(build(at_most), model, train, at_most, preparer)
    share = float(0.2 if small else np.clip(0.1 * train.n_rows, 50, 5_000) / train.n_rows)
    split = stop_split(train, share, rule, seed)
    if len(split[1]) < 5:
        found = BLIND_EPOCHS if model.stopping == "network" else min(200, _rounds_of(build(None)[-1], model))
    else:
        pipeline = build(at_most if model.heeds_clock and model.stopping != "network" else None)
        prepared = preparer.fit(pipeline[:-1], train, split, f"{share} {rule} {seed}")
        limit = seconds
        if seconds is not None:  # the preparation counts too
            limit = max(0.1 * seconds, seconds - preparer.seconds) * (0.4 if small else 1.0)
        found = _fit_stopping(pipeline[-1], model, prepared, train, split, limit, patient=small)
        if not small:
            return _joined(prepared, pipeline, found)
        found = found if model.stopping == "network" else max(10, int(found * 1.15))
    return _fit_all(build(found), model, train, found, preparer)


def refit_params(model: Component, rounds: int | None) -> dict[str, Param]:
    """Return what a model is told for a fit on all rows: a number of rounds found earlier, and to hold nothing out.

    For networks that holds where scikit-learn's own training is used.
    """
    counts = "max_iter" if model.stopping == "network" else model.rounds
    if rounds is None or counts is None:
        return {}
    return {counts: rounds, **({"early_stopping": False} if model.stopping in ("hist", "network") else {})}


def _fit_all(pipeline: Any, model: Component, train: Dataset, rounds: int | None, preparer: Preparer) -> Fitted:
    prepared = preparer.fit(pipeline[:-1], train)
    if model.stopping == "network":  # scikit-learn's own training has another schedule
        part = Part(prepared.fit, train.y, train.weights)
        _fit_part(pipeline[-1], functools.partial(fit_network, epochs=rounds), part, None, None, False)
    else:
        weights = {} if train.weights is None else {"sample_weight": train.weights}
        pipeline[-1].fit(prepared.fit, train.y, **weights)
    return _joined(prepared, pipeline, rounds)


def _joined(prepared: Prepared, pipeline: Any, rounds: int | None) -> Fitted:
    """Join a fitted prefix, which may come from a cache, and the fitted last step of a pipeline."""
    from sklearn.pipeline import Pipeline

    return Fitted(Pipeline([*prepared.prefix.steps, pipeline.steps[-1]]), rounds, prepared.keys)


def _rounds_of(estimator: Any, model: Component) -> int:
    return int(last_model(estimator).get_params()[model.rounds])


def _fit_stopping(
    estimator: Any,
    model: Component,
    prepared: Prepared,
    train: Dataset,
    split: tuple[Array, Array],
    seconds: float | None,
    *,
    patient: bool,
) -> int:
    """Fit the last step of a pipeline in place; return the best round."""
    fit_part, stop_part = (
        Part(X, train.y[rows], None if train.weights is None else train.weights[rows])
        for X, rows in zip((prepared.fit, prepared.stop), split, strict=True)
    )
    assert model.stopping is not None
    return _fit_part(estimator, stopper(model.stopping), fit_part, stop_part, seconds, patient)


def _fit_part(
    estimator: Any,
    fit_stopping: Callable[..., int],
    fit: Part,
    stop: Part | None,
    seconds: float | None,
    patient: bool,
) -> int:
    """Fit the last step of a pipeline in place; return the best round."""
    if hasattr(estimator, "regressor"):  # a model of the transformed target
        return _fit_transformed(estimator, fit_stopping, fit, stop, seconds, patient)
    if hasattr(estimator, "final_estimator"):
        return fit_stacked(estimator, fit_stopping, fit, stop, seconds, patient)
    return fit_stopping(estimator, fit, stop, seconds, patient)


def _fit_transformed(
    wrapper: Any, fit_stopping: Callable[..., int], fit: Part, stop: Part | None, seconds: float | None, patient: bool
) -> int:
    """Fit a TransformedTargetRegressor whose regressor stops early on the transformed target of the stop set."""
    from sklearn.base import clone
    from sklearn.frozen import FrozenEstimator

    transformer = clone(wrapper.transformer).fit(fit.y.reshape(-1, 1))

    def changed(part: Part) -> Part:
        return dataclasses.replace(part, y=transformer.transform(part.y.reshape(-1, 1)).ravel())

    unfitted, inner = wrapper.regressor, clone(wrapper.regressor)
    rounds = _fit_part(inner, fit_stopping, changed(fit), stop and changed(stop), seconds, patient)
    wrapper.set_params(regressor=FrozenEstimator(inner)).fit(fit.X, fit.y)  # fits the transformer alone
    wrapper.set_params(regressor=unfitted)
    wrapper.regressor_ = inner
    return rounds
