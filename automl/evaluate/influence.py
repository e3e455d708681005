"""How much each row has to do with a loss: the influence function, and standard errors from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from automl.core import Array, Metric
from automl.metrics import as_named

__all__ = ["deviations", "held_out_losses", "influence", "one_mistake", "row_losses", "standard_errors"]

BOOTSTRAPS = 100  # where there is no formula
LEAST_BOOTSTRAPS = 20  # fewer give no standard error
MOST_ROWS = 10_000  # that a bootstrap looks at
MISTAKES = 10  # tried
MOST_CELLS = 400  # pairs of true and predicted class, each of which costs a call

# and all that begins so: ranks of different models do not compare
_BY_FOLD = ("roc_auc", "average_precision", "gini", "ks")
_EPSILON = float(np.finfo(np.float64).eps)


def held_out_losses(metric: Metric, y: Array, stack: Array, weights: Array | None, folds: Array | None) -> Array:
    """Return the loss of each candidate on rows that were held out of several models, shape (m,).

    All rows are scored together. Ranks, and metrics of the user's own, are scored fold by fold instead, and the mean
    is taken by the rows of the folds: predictions of different models cannot be ranked against each other, while a
    root or a ratio averaged over small folds is biased (Forman and Scholz, 2010). NaN where not defined.
    """
    named = as_named(metric)
    if folds is None or not _by_fold(metric):
        return named.losses(y, stack, weights)
    total, mass = np.zeros(len(stack)), np.zeros(len(stack))
    for _, rows, share in _fold_rows(folds, weights):
        losses = named.losses(y[rows], stack[:, rows], None if weights is None else weights[rows])
        defined = np.isfinite(losses)
        total[defined] += share * losses[defined]
        mass[defined] += share
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(mass > 0, total / np.where(mass > 0, mass, 1.0), np.nan))


def _by_fold(metric: Metric) -> bool:
    return not metric.builtin or metric.name.startswith(_BY_FOLD)


def _fold_rows(folds: Array, weights: Array | None) -> list[tuple[Any, Array, float]]:
    """Return (fold, its rows, its share of all weight) for each fold."""
    mass = np.ones(len(folds)) if weights is None else weights
    parts = [(fold, np.flatnonzero(folds == fold)) for fold in np.unique(folds)]
    return [(fold, rows, float(mass[rows].sum() / mass.sum())) for fold, rows in parts]


def influence(metric: Metric, y: Array, stack: Array, weights: Array | None, folds: Array | None) -> Array | None:
    """Return how the losses of :func:`held_out_losses` change with the weight of each row, shape (m, n).

    To first order the loss under weights ``w * (1 + e)`` is the loss plus the sum of ``e * influence`` (Hampel, 1974;
    for the area under the ROC curve these are the placement values of DeLong, DeLong and Clarke-Pearson, 1988). None
    for metrics without a formula here.
    """
    if not metric.builtin:
        return None
    if folds is None or not _by_fold(metric):
        return _influence(metric, y, stack, weights)
    found, mass = np.zeros(stack.shape[:2]), 0.0
    w = np.ones(len(y)) if weights is None else weights
    total = held_out_losses(metric, y, stack, weights, folds)
    for _, rows, share in _fold_rows(folds, weights):
        own = None if weights is None else weights[rows]
        losses = as_named(metric).losses(y[rows], stack[:, rows], own)
        if not np.isfinite(losses[0]):  # has no part in the score either
            continue
        part = _influence(metric, y[rows], stack[:, rows], own)
        if part is None:
            return None
        # a row also gives weight to its fold: with whole groups as units that is all that a fold of one group varies by
        found[:, rows] = share * part + (w[rows] / w.sum()) * (losses - total)[:, None]
        mass += share
    return found / mass if mass > 0 else np.full(found.shape, np.nan)


def _influence(metric: Metric, y: Array, stack: Array, weights: Array | None) -> Array | None:
    stack = stack.astype(np.float64, copy=False)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    w = w / w.sum()
    name = metric.name
    if name in _MEANS:
        values = _MEANS[name](y, stack)
        return np.asarray(w * (values - (values @ w)[:, None]))
    if name.startswith("root_"):
        values = _MEANS[name.removeprefix("root_")](y, stack)
        mean = (values @ w)[:, None]
        return np.asarray(w * (values - mean) / (2.0 * np.sqrt(np.maximum(mean, 1e-300))))
    if name in ("r2", "explained_variance"):
        errors = stack - y
        if name == "explained_variance":
            errors = errors - (errors @ w)[:, None]
        spread = (y - y @ w) ** 2
        return np.asarray(w * (errors**2 - ((errors**2 @ w) / (spread @ w))[:, None] * spread) / (spread @ w))
    if name == "roc_auc" or (name == "roc_auc_ovr" and stack.shape[2] == 2):
        return np.array([_placements(y == 1, one[:, 1], w) for one in stack])
    if name == "gini":
        return np.array([2.0 * _placements(y == 1, one[:, 1], w) for one in stack])
    if name == "roc_auc_ovr":
        present = np.unique(y[w > 0])
        return np.array([sum(_placements(y == k, one[:, k], w) for k in present) / len(present) for one in stack])
    if metric.needs == "label" and stack.shape[2] ** 2 <= MOST_CELLS:
        return np.array([_by_cell(metric, y, one, w) for one in stack])
    return None


def row_losses(metric: Metric, y: Array, stack: Array) -> Array | None:
    """Return what each row adds to a loss without bounds that is a mean over rows, or a root or a share of one.

    In units of the loss, shape (m, n); None for other metrics.
    """
    name = "root_mean_squared_error" if metric.name == "r2" else metric.name
    values = _MEANS.get(name.removeprefix("root_"))
    if not metric.builtin or values is None:
        return None
    stack = stack.astype(np.float64, copy=False)
    found = values(y, stack)
    if metric.name == "r2":
        return np.asarray(found / max(float(np.var(y)), 1e-300))
    if name.startswith("root_"):
        return np.asarray(found / (2.0 * np.sqrt(np.maximum(found.mean(axis=1, keepdims=True), 1e-300))))
    return np.asarray(found)


def _log_losses(y: Array, stack: Array) -> Array:
    own = np.take_along_axis(stack, y[None, :, None], axis=2)[:, :, 0]
    return np.asarray(-np.log(np.clip(own, _EPSILON, 1.0 - _EPSILON)))


def _brier_losses(y: Array, stack: Array) -> Array:
    k = stack.shape[2]
    return np.asarray(((stack - np.eye(k)[y]) ** 2).sum(axis=2) * (0.5 if k == 2 else 1.0))


_MEANS: dict[str, Callable[[Array, Array], Array]] = {
    "log_loss": _log_losses,
    "brier_score": _brier_losses,
    "mean_squared_error": lambda y, stack: (stack - y) ** 2,
    "mean_absolute_error": lambda y, stack: np.abs(stack - y),
    "mean_absolute_percentage_error": lambda y, stack: np.abs(stack - y) / np.maximum(np.abs(y), _EPSILON),
    "mean_squared_log_error": lambda y, stack: (np.log1p(stack) - np.log1p(y)) ** 2,
    "mean_poisson_deviance": lambda y, stack: (
        2.0 * (y * np.log(np.where(y > 0, y, 1.0) / np.where(y > 0, stack, 1.0)) - y + stack)
    ),
    "mean_gamma_deviance": lambda y, stack: 2.0 * (np.log(stack / y) + y / stack - 1.0),
}


def _placements(positive: Array, scores: Array, w: Array) -> Array:
    """Return the influence on 1 - AUC: how many rows of the other class each row is ranked on the wrong side of."""
    found = np.zeros(len(scores))
    if not w[positive].any() or not w[~positive].any():
        return found
    for own, above in ((positive, True), (~positive, False)):
        others = np.sort(scores[~own])
        mass = np.concatenate(([0.0], np.cumsum(w[~own][np.argsort(scores[~own], kind="stable")])))
        left, right = (np.searchsorted(others, scores[own], side) for side in ("left", "right"))
        below = (mass[left] + mass[right]) / (2.0 * mass[-1])
        right_side = below if above else 1.0 - below
        share = w[own] / w[own].sum()
        found[own] = share * (share @ right_side - right_side)
    return found


def _by_cell(metric: Metric, y: Array, prediction: Array, w: Array) -> Array:
    """Return influences on a loss that depends on true and predicted classes only: one difference for each pair."""
    predicted = prediction.argmax(axis=1)
    cells = y * prediction.shape[1] + predicted
    cells, firsts, of_row = np.unique(cells, return_index=True, return_inverse=True)
    mass = np.bincount(of_row, w)
    y, prediction = y[firsts], prediction[firsts]  # one row stands for each pair
    step = 1e-4
    slopes = np.empty(len(cells))
    for i in range(len(cells)):
        up, down = mass.copy(), mass.copy()
        up[i] *= 1.0 + step
        down[i] *= 1.0 - step
        slopes[i] = (metric.loss(y, prediction, up) - metric.loss(y, prediction, down)) / (2.0 * step * mass[i])
    return np.asarray(w * slopes[of_row])


def deviations(
    metric: Metric,
    y: Array,
    stack: Array,
    *,
    weights: Array | None = None,
    folds: Array | None = None,
    clusters: Array | None = None,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> Array:
    """Return an array (m, u) whose rows have the standard errors of the candidates' losses as their lengths.

    The length of the difference of two rows is the standard error of the difference of two losses. Rows of the table
    that belong together (``clusters``) vary together. From the influence function; where that has no formula, from a
    bootstrap of the rows with the same draws for all candidates. NaN where ``stop`` leaves no time for a candidate, or
    for enough draws.
    """
    found = _influences(metric, y, stack, weights, folds, stop)
    if found is None:
        return _bootstrapped(metric, y, stack, weights, folds, clusters, seed, stop)
    if clusters is not None:
        names, of_row = np.unique(clusters, return_inverse=True)
        sums = np.zeros((len(names), len(found)))
        np.add.at(sums, of_row, found.T)
        found = sums.T
    units = found.shape[1]
    return np.asarray(found * np.sqrt(units / max(units - 1, 1)))


def _influences(
    metric: Metric,
    y: Array,
    stack: Array,
    weights: Array | None,
    folds: Array | None,
    stop: Callable[[], bool] | None,
) -> Array | None:
    """Return :func:`influence` of one candidate after the other; NaN from when ``stop`` says so."""
    found = np.full(stack.shape[:2], np.nan)
    for i in range(len(stack)):
        if stop is not None and stop():
            break
        one = influence(metric, y, stack[i : i + 1], weights, folds)
        if one is None:
            return None
        found[i] = one[0]
    return found


def _bootstrapped(
    metric: Metric,
    y: Array,
    stack: Array,
    weights: Array | None,
    folds: Array | None,
    clusters: Array | None,
    seed: int,
    stop: Callable[[], bool] | None,
) -> Array:
    rng = np.random.default_rng([seed, 4])
    n = len(y)
    keep = np.sort(rng.choice(n, MOST_ROWS, replace=False)) if n > MOST_ROWS else np.arange(n)
    codes = np.arange(len(keep)) if clusters is None else np.unique(clusters[keep], return_inverse=True)[1]
    units = int(codes.max()) + 1
    losses: list[Array] = []
    for _ in range(BOOTSTRAPS):
        if stop is not None and stop():
            break
        times = np.bincount(rng.integers(0, units, units), minlength=units)[codes]
        rows = np.repeat(keep, times)
        some = (None if part is None else part[rows] for part in (weights, folds))
        drawn = held_out_losses(metric, y[rows], stack[:, rows], *some)
        if np.isfinite(drawn).all():
            losses.append(drawn)
    if len(losses) < LEAST_BOOTSTRAPS:
        return np.full((len(stack), 1), np.nan)
    table = np.array(losses).T
    scale = np.sqrt(len(keep) / n / (len(losses) - 1))
    return np.asarray((table - table.mean(axis=1, keepdims=True)) * scale)


def one_mistake(
    metric: Metric, y: Array, prediction: Array, weights: Array | None, folds: Array | None, seed: int = 0
) -> float:
    """Return how much the loss changes, on average, when one row is predicted like another one, of another class.

    Where all rows are predicted well their own spread says nothing of mistakes that are rare: of events that did not
    happen in n rows one in n may still be expected. 0 for metrics of the user's own, which may be slow.
    """
    if not metric.builtin:
        return 0.0
    rng = np.random.default_rng([seed, 5])
    before = float(held_out_losses(metric, y, prediction[None], weights, folds)[0])
    found = []
    for row in rng.integers(0, len(y), MISTAKES):
        others = np.flatnonzero(y != y[row])
        if others.size:
            changed = prediction.copy()
            changed[row] = prediction[rng.choice(others)]
            found.append(float(held_out_losses(metric, y, changed[None], weights, folds)[0]) - before)
    steps = [abs(step) for step in found if step == step]
    return float(np.mean(steps)) if steps else 0.0


def standard_errors(*args: Any, **options: Any) -> Array:
    """Return the standard error of each candidate's loss, shape (m,); arguments of :func:`deviations`."""
    return np.asarray(np.sqrt((deviations(*args, **options) ** 2).sum(axis=1)))
