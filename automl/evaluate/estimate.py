"""A score with its standard error and interval, labelled for what it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from automl.core import Array, Metric
from automl.evaluate.corrected import Optimism
from automl.evaluate.influence import held_out_losses, one_mistake, standard_errors

__all__ = ["SEARCH_SCORE", "Estimate", "corrected_estimate", "estimate_score", "fold_loss", "inflation"]

SEARCH_SCORE = "search score (optimistic)"
NO_CHOICE = "score on held-out rows; there was one candidate, so nothing was selected"

# Standard errors know the rows that are scored, not that other training rows would have given other models. How much
# that adds was measured (meta/bench/estimates.py, on tables that judge nothing else): about the same from 200 to 2,000
# rows; below 100 rows, what folds of one small sample share by chance comes on top.
INFLATION = ((99, 2.5), (math.inf, 1.6))


@dataclass(frozen=True)
class Estimate:
    """A score in the metric's natural sign.

    Parameters
    ----------
    value : float
    standard_error : float
        NaN where it cannot be computed.
    interval : tuple of float
        95 %: value -/+ 1.96 standard errors, cut to the metric's range nowhere.
    label : str
        What the score is. ``"search score (optimistic)"``: the rows it is computed on also chose the model.
        ``"corrected for selection among the N complete trials of this run"``: that choice is accounted for; that
        later trials were proposed for what earlier ones scored is not. It is the score of models fitted without the
        rows scored; the delivered average of all of them is usually a little better.
    metric : str
    n_rows : int
        Rows scored.
    n_unscored : int
        Rows never scored, because their class (or group) had to stay in every training part.
    n_candidates : int
        Complete trials that there were to choose from; 0 where nothing is known of them.
    """

    value: float
    standard_error: float
    interval: tuple[float, float]
    label: str
    metric: str
    n_rows: int
    n_unscored: int = 0
    n_candidates: int = 0

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.metric} {self.value:.5g} [{low:.5g}, {high:.5g}] — {self.label}"


def fold_loss(metric: Metric, y: Array, prediction: Array, weights: Array | None, folds: Array | None) -> float:
    """Return the mean over folds of the loss in each, as trials are scored; NaN where it is defined in none."""
    if folds is None:
        return metric.loss(y, prediction, weights)
    losses = []
    for fold in np.unique(folds):
        rows = folds == fold
        losses.append(metric.loss(y[rows], prediction[rows], None if weights is None else weights[rows]))
    defined = [loss for loss in losses if loss == loss]
    return float(np.mean(defined)) if defined else float("nan")


def inflation(units: int) -> float:
    """Return the factor on standard errors from so many rows (or groups) that vary on their own."""
    return next(factor for bound, factor in INFLATION if units <= bound)


def estimate_score(
    y: Array,
    prediction: Array,
    metric: Metric,
    *,
    weights: Array | None = None,
    folds: Array | None = None,
    clusters: Array | None = None,
    by_fold: bool = False,
    label: str = NO_CHOICE,
    n_unscored: int = 0,
    n_candidates: int = 1,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> Estimate:
    """Score out-of-fold predictions of one model; standard error from the influence of each row.

    Parameters
    ----------
    y, prediction : ndarray of n scored rows
    folds : ndarray of shape (n,), optional
        Ranks are compared inside folds only.
    clusters : ndarray of shape (n,), optional
        Rows that vary together: groups, blocks of time, the same row scored twice.
    by_fold : bool
        Whether the score is the plain mean over folds, as trials are scored, whatever the metric.
    stop : callable, optional
        Asked where the standard error needs a bootstrap; without it the standard error is NaN.
    """
    stack = prediction[None]
    loss = fold_loss(metric, y, prediction, weights, folds) if by_fold else None
    if loss is None:
        loss = float(held_out_losses(metric, y, stack, weights, folds)[0])
    errors = standard_errors(metric, y, stack, weights=weights, folds=folds, clusters=clusters, seed=seed, stop=stop)
    units = len(y) if clusters is None else len(np.unique(clusters))
    # one row more that is predicted badly, where there are few mistakes to judge their number by
    error = math.hypot(float(errors[0]) * inflation(units), one_mistake(metric, y, prediction, weights, folds, seed))
    return _shaped(-metric.sign * loss, error, label, metric.name, len(y), n_unscored, n_candidates)


def _shaped(
    value: float, error: float, label: str, metric: str, n_rows: int, n_unscored: int, n_candidates: int
) -> Estimate:
    interval = (value - 1.96 * error, value + 1.96 * error)
    return Estimate(value, error, interval, label, metric, n_rows, n_unscored, n_candidates)


def corrected_estimate(estimate: Estimate, optimism: Optimism, sign: int, number: int = 0) -> Estimate:
    """Return the estimate without the optimism of the choice, labelled for how that was found out.

    Parameters
    ----------
    estimate : Estimate
        Of the model chosen.
    sign : int
        Of its metric.
    number : int
        Place of its metric in ``optimism``.
    """
    if estimate.n_candidates < 2:
        return estimate
    many = f"among the {estimate.n_candidates} complete trials of this run"
    label = {
        "ensemble": f"corrected for selection {many}",
        "single": f"corrected for selection of the best single one {many}",
        "none": SEARCH_SCORE,
    }[optimism.method]
    value = estimate.value - sign * optimism.losses[number]
    error = math.hypot(estimate.standard_error, optimism.errors[number])
    interval = (value - 1.96 * error, value + 1.96 * error)
    return replace(estimate, value=value, standard_error=error, interval=interval, label=label)
