"""A score with its standard error and interval, labelled for what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from automl.core import Array, Metric

__all__ = ["Estimate", "bootstrap_losses", "estimate_score", "fold_loss"]

SEARCH_SCORE = "search score (optimistic)"
LEAST_REPLICATES = 20  # fewer give no standard error


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
    metric : str
    n_rows : int
        Rows scored.
    n_unscored : int
        Rows never scored, because their class (or group) had to stay in every training part.
    """

    value: float
    standard_error: float
    interval: tuple[float, float]
    label: str
    metric: str
    n_rows: int
    n_unscored: int = 0

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


def bootstrap_losses(
    y: Array,
    prediction: Array,
    metric: Metric,
    *,
    weights: Array | None = None,
    folds: Array | None = None,
    clusters: Array | None = None,
    replicates: int = 100,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> Array:
    """Return the losses of row bootstraps, shape (replicates,); NaN where not defined, or not made before ``stop``.

    Rows that belong together (``clusters``: the same row scored twice, or a group) are drawn together. At most 10,000
    rows are used; the spread is then scaled to all rows.
    """
    rng = np.random.default_rng(seed)
    n = len(y)
    limit = 10_000
    keep = np.sort(rng.choice(n, limit, replace=False)) if n > limit else np.arange(n)
    y, prediction = y[keep], prediction[keep]
    weights = None if weights is None else weights[keep]
    folds = None if folds is None else folds[keep]
    codes = np.arange(len(y)) if clusters is None else np.unique(clusters[keep], return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(codes.max() + 2))
    losses = np.full(replicates, np.nan)
    for i in range(replicates):
        if stop is not None and stop():
            break
        drawn = rng.integers(0, codes.max() + 1, codes.max() + 1)
        rows = drawn if clusters is None else np.concatenate([order[starts[c] : starts[c + 1]] for c in drawn])
        some_weights = None if weights is None else weights[rows]
        losses[i] = fold_loss(metric, y[rows], prediction[rows], some_weights, None if folds is None else folds[rows])
    centre = np.nanmean(losses) if np.isfinite(losses).any() else np.nan
    scaled: Array = centre + (losses - centre) * np.sqrt(len(y) / n)
    return scaled


def estimate_score(
    y: Array,
    prediction: Array,
    metric: Metric,
    *,
    weights: Array | None = None,
    folds: Array | None = None,
    clusters: Array | None = None,
    label: str = SEARCH_SCORE,
    n_unscored: int = 0,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> Estimate:
    """Score out-of-fold predictions, with a per-row bootstrap standard error (normal 95 % interval).

    The score is always computed; the bootstrap asks ``stop`` between replicates.

    Parameters
    ----------
    y, prediction : ndarray of n scored rows
    folds : ndarray of shape (n,), optional
        The score is then the mean over folds, comparable with the scores of trials.
    clusters : ndarray of shape (n,), optional
        Rows drawn together.
    """
    loss = fold_loss(metric, y, prediction, weights, folds)
    losses = bootstrap_losses(
        y, prediction, metric, weights=weights, folds=folds, clusters=clusters, seed=seed, stop=stop
    )
    finite = losses[np.isfinite(losses)]
    error = float(finite.std(ddof=1)) if len(finite) >= LEAST_REPLICATES else float("nan")
    value = -metric.sign * loss
    interval = (value - 1.96 * error, value + 1.96 * error)
    return Estimate(value, error, interval, label, metric.name, len(y), n_unscored)
