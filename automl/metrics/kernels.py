"""Fast losses over a stack of candidates at once.

A kernel sees predictions through its *view*, an affine map applied row by row: the view of a weighted mean of
predictions is the weighted mean of their views. So an ensemble is searched on views, often much smaller than the
predictions (log loss only needs the probability of the true class), and scored by the same function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from automl.core import Array
from automl.metrics import labels, ranking

__all__ = ["KERNELS", "Kernel", "family_kernel", "identity"]

_EPSILON = float(np.finfo(np.float64).eps)  # scikit-learn's clip for float64; the same for our float32 copies


@dataclass(frozen=True)
class Kernel:
    """How one metric looks at predictions, and its losses.

    Parameters
    ----------
    view : callable (y, stack) -> view
        Stack of shape (m, n, K) or (m, n) to view of shape (m, n) or (m, n, c); affine along the first axis.
    losses : callable (y, view, weights) -> ndarray of shape (m,)
        In the precision of the view; NaN where not defined. Weights are positive.
    quadratic : bool
        Whether the loss grows with the (weighted) sum of squares of the view, and with nothing else.
    costly : bool
        Whether it takes more than a few operations a row, so that a search should look at a sample of rows.
    area : bool
        Whether the loss falls with the area under the ROC curve of a view of shape (m, n), and with nothing else.
    """

    view: Callable[[Array, Array], Array]
    losses: Callable[[Array, Array, Array | None], Array]
    quadratic: bool = False
    costly: bool = False
    area: bool = False


def identity(y: Array, stack: Array) -> Array:
    return stack


def _error(y: Array, stack: Array) -> Array:
    return np.asarray(stack - y)


def _probability_error(y: Array, stack: Array) -> Array:
    return np.asarray(stack - (y[:, None] == np.arange(stack.shape[2])).astype(stack.dtype))


def _true_class(y: Array, stack: Array) -> Array:
    return np.take_along_axis(stack, y[None, :, None], axis=2)[:, :, 0]


def _class_one(y: Array, stack: Array) -> Array:
    return stack[:, :, 1]


def _margin(y: Array, stack: Array) -> Array:
    """Two classes: p1 - p0, positive exactly where argmax says 1; more: the probabilities."""
    return stack[:, :, 1] - stack[:, :, 0] if stack.shape[2] == 2 else stack


def _ranked(y: Array, stack: Array) -> Array:
    return stack[:, :, 1] if stack.shape[2] == 2 else stack


def _mean(values: Array, weights: Array | None) -> Array:
    if weights is None:
        return np.asarray(values.mean(axis=1))
    return np.asarray(values @ (weights / weights.sum()).astype(values.dtype))


def _squares(view: Array, weights: Array | None) -> Array:
    squares = view**2
    return _mean(squares if view.ndim == 2 else squares.sum(axis=2), weights)


def _log_loss(y: Array, view: Array, weights: Array | None) -> Array:
    return -_mean(np.log(np.clip(view, _EPSILON, 1.0 - _EPSILON)), weights)


def _balanced_log_loss(y: Array, view: Array, weights: Array | None) -> Array:
    """The mean over the present classes of the log loss of each."""
    share = 1.0 / np.bincount(y, weights)[y]
    return _log_loss(y, view, share if weights is None else share * weights)


def _null_share(y: Array, k: int, weights: Array | None) -> Array:
    return np.bincount(y, weights, minlength=k) / (len(y) if weights is None else weights.sum())


def _brier(y: Array, view: Array, weights: Array | None) -> Array:
    return _squares(view, weights) * (0.5 if view.shape[2] == 2 else 1.0)  # scikit-learn's scale_by_half="auto"


def _d2_brier(y: Array, view: Array, weights: Array | None) -> Array:
    null = 1.0 - (_null_share(y, view.shape[2], weights) ** 2).sum()  # mean squared distance to the class shares
    if len(np.unique(y)) < 2:
        return np.full(len(view), np.nan)
    return np.asarray(_squares(view, weights) / null - 1.0)


def _d2_log_loss(y: Array, view: Array, weights: Array | None) -> Array:
    share = _null_share(y, int(y.max()) + 1, weights)
    if len(np.unique(y)) < 2:
        return np.full(len(view), np.nan)
    null = -(share * np.log(share, out=np.zeros_like(share), where=share > 0)).sum()
    return np.asarray(_log_loss(y, view, weights) / null - 1.0)


def _negated(function: Callable[..., Array], y: Array, view: Array, weights: Array | None, **options: Any) -> Array:
    return -function(y, view, weights, **options)


def _gain(function: Callable[..., Array], **options: Any) -> Callable[[Array, Array, Array | None], Array]:
    """Turn a score of ours, greater is better, into losses."""
    return partial(_negated, function, **options)


def _mean_squared(y: Array, view: Array, weights: Array | None) -> Array:
    return _squares(view, weights)


def _root_mean_squared(y: Array, view: Array, weights: Array | None) -> Array:
    return np.sqrt(_squares(view, weights))


def _explained(numerator: Array, denominator: float, defined: bool) -> Array:
    """Return numerator / denominator - 1; a constant target is explained fully or, as in scikit-learn, scores 0."""
    if not defined:
        return np.full(len(numerator), np.nan)
    if denominator == 0.0:
        return np.where(numerator == 0.0, -1.0, 0.0)
    return np.asarray(numerator / denominator - 1.0)


def _spread(y: Array, weights: Array | None) -> float:
    return float(np.average((y - np.average(y, weights=weights)) ** 2, weights=weights))


def _r2(y: Array, view: Array, weights: Array | None) -> Array:
    return _explained(_squares(view, weights), _spread(y, weights), len(y) >= 2)


def _explained_variance(y: Array, view: Array, weights: Array | None) -> Array:
    return _explained(_squares(view - _mean(view, weights)[:, None], weights), _spread(y, weights), True)


def _absolute(y: Array, view: Array, weights: Array | None) -> Array:
    return _mean(np.abs(view), weights)


def _absolute_percentage(y: Array, view: Array, weights: Array | None) -> Array:
    return _mean(np.abs(view) / np.maximum(np.abs(y), _EPSILON).astype(view.dtype), weights)


def _pinball(y: Array, view: Array, weights: Array | None, *, level: float) -> Array:
    """Errors below the target count ``level``, those above it 1 - level (Koenker and Bassett 1978)."""
    return _mean(np.maximum(-level * view, (1.0 - level) * view), weights)


def _d2_pinball(y: Array, view: Array, weights: Array | None, *, level: float) -> Array:
    best = np.quantile(y, level, method="inverted_cdf", weights=weights)  # no constant has a smaller loss
    null = _pinball(y, (best - y)[None], weights, level=level)
    return _explained(_pinball(y, view, weights, level=level), float(null[0]), len(y) >= 2)


def _largest(y: Array, view: Array, weights: Array | None) -> Array:
    return np.asarray(np.abs(view).max(axis=1))


def _where(allowed: Array, values: Array) -> Array:
    """Keep the losses of candidates all of whose rows are allowed, NaN for the others."""
    return np.where(allowed.all(axis=-1), values, np.nan)


def _squared_log(y: Array, view: Array, weights: Array | None) -> Array:
    with np.errstate(all="ignore"):
        errors = np.log1p(view) - np.log1p(y).astype(view.dtype)
    return _where((view > -1) & (y > -1), _squares(errors, weights))


def _root_squared_log(y: Array, view: Array, weights: Array | None) -> Array:
    return np.sqrt(_squared_log(y, view, weights))


def _poisson(y: Array, view: Array, weights: Array | None) -> Array:
    with np.errstate(all="ignore"):
        ratio = np.log(np.where(y > 0, y / view, 1.0))
    return _where((view > 0) & (y >= 0), _mean(2.0 * (y * ratio - y + view), weights))


def _gamma(y: Array, view: Array, weights: Array | None) -> Array:
    with np.errstate(all="ignore"):
        deviance = 2.0 * (np.log(view / y) + y / view - 1.0)
    return _where((view > 0) & (y > 0), _mean(deviance, weights))


def _one_vs_rest(y: Array, view: Array, weights: Array | None, *, weighted: bool) -> Array:
    if view.ndim == 2:
        return ranking.aucs(y, view, weights)
    return ranking.aucs_one_vs_rest(y, view, weights, weighted=weighted)


def _one_vs_one(y: Array, view: Array, weights: Array | None, *, weighted: bool) -> Array:
    if view.ndim == 2:
        return ranking.aucs(y, view, weights)
    return ranking.aucs_one_vs_one(y, view, weights, weighted=weighted)


def _gini(y: Array, view: Array, weights: Array | None) -> Array:
    return 2.0 * ranking.aucs(y, view, weights) - 1.0


def _top_k(y: Array, view: Array, weights: Array | None, *, k: int) -> Array:
    """Share of rows whose class is among the k most probable; of equal ones the later, as in scikit-learn."""
    true = np.take_along_axis(view, y[None, :, None], axis=2)
    later = np.arange(view.shape[2]) > y[:, None]
    better = ((view > true) | ((view == true) & later)).sum(axis=2)
    return _mean((better < k).astype(view.dtype), weights)


def _label_kernels() -> dict[str, Kernel]:
    kernels = {
        "accuracy": Kernel(_margin, _gain(labels.accuracy)),
        "balanced_accuracy": Kernel(_margin, _gain(labels.balanced_accuracy)),
        "matthews_corrcoef": Kernel(_margin, _gain(labels.matthews)),
    }
    for share in ("precision", "recall", "f1", "jaccard"):
        kernels[share] = Kernel(_margin, _gain(labels.shares, share=share, average="binary"))
        for average in ("macro", "micro", "weighted"):
            kernels[f"{share}_{average}"] = Kernel(_margin, _gain(labels.shares, share=share, average=average))
    return kernels


KERNELS: dict[str, Kernel] = {
    "log_loss": Kernel(_true_class, _log_loss),
    "brier_score": Kernel(_probability_error, _brier, quadratic=True),
    "d2_brier_score": Kernel(_probability_error, _d2_brier, quadratic=True),
    "d2_log_loss_score": Kernel(_true_class, _d2_log_loss),
    "roc_auc": Kernel(_class_one, _gain(ranking.aucs), costly=True, area=True),
    "roc_auc_ovr": Kernel(_ranked, _gain(_one_vs_rest, weighted=False), costly=True),
    "roc_auc_ovr_weighted": Kernel(_ranked, _gain(_one_vs_rest, weighted=True), costly=True),
    "roc_auc_ovo": Kernel(_ranked, _gain(_one_vs_one, weighted=False), costly=True),
    "roc_auc_ovo_weighted": Kernel(_ranked, _gain(_one_vs_one, weighted=True), costly=True),
    "average_precision": Kernel(_ranked, _gain(ranking.average_precisions), costly=True),
    "mean_squared_error": Kernel(_error, _mean_squared, quadratic=True),
    "root_mean_squared_error": Kernel(_error, _root_mean_squared, quadratic=True),
    "r2": Kernel(_error, _r2, quadratic=True),
    "explained_variance": Kernel(_error, _explained_variance),
    "mean_absolute_error": Kernel(_error, _absolute),
    "mean_absolute_percentage_error": Kernel(_error, _absolute_percentage),
    "max_error": Kernel(_error, _largest),
    "mean_squared_log_error": Kernel(identity, _squared_log),
    "root_mean_squared_log_error": Kernel(identity, _root_squared_log),
    "mean_poisson_deviance": Kernel(identity, _poisson),
    "mean_gamma_deviance": Kernel(identity, _gamma),
    "balanced_log_loss": Kernel(_true_class, _balanced_log_loss),
    "d2_absolute_error_score": Kernel(_error, partial(_d2_pinball, level=0.5)),
    "gini": Kernel(_class_one, _gain(_gini), costly=True, area=True),
    "ks": Kernel(_class_one, _gain(ranking.separations), costly=True),
    "top_k_accuracy": Kernel(identity, _gain(_top_k, k=2)),
    **_label_kernels(),
}


def family_kernel(function: str, number: float) -> Kernel:
    """Return the kernel of one of scikit-learn's functions that take a number."""
    if function == "top_k_accuracy_score":
        return Kernel(identity, _gain(_top_k, k=int(number)))
    return Kernel(_error, partial(_pinball if function == "mean_pinball_loss" else _d2_pinball, level=number))
