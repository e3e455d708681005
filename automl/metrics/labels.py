"""Label metrics from one stack of confusion matrices."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from automl.core import Array

__all__ = ["accuracy", "balanced_accuracy", "confusion", "labels_of", "matthews", "scores_by_counts", "shares"]

Share = Callable[[Array, Array, Array], tuple[Array, Array]]  # (hits, predicted, true) -> (numerator, denominator)


def labels_of(view: Array) -> Array:
    """Return the labels of probabilities (m, n, K), first maximum as in ``argmax``, or of margins (m, n)."""
    if view.ndim == 2:
        return (view > 0).astype(np.intp)
    if view.shape[-1] > 16:
        return np.asarray(np.argmax(view, axis=-1))
    best = view[..., 0].copy()  # for few classes much faster than argmax over a short last axis
    label = np.zeros(best.shape, dtype=np.intp)
    for k in range(1, view.shape[-1]):
        column = view[..., k]
        label[column > best] = k
        np.maximum(best, column, out=best)
    return label


def confusion(y: Array, view: Array, weights: Array | None) -> Array:
    """Return the confusion matrices (m, K, K) of a view: true classes in rows, predicted ones in columns."""
    m, n = view.shape[:2]
    k = 2 if view.ndim == 2 else view.shape[2]
    cells = labels_of(view) + (y * k)[None, :] + (np.arange(m) * k * k)[:, None]
    mass = None if weights is None else np.broadcast_to(weights, (m, n)).ravel()
    counts = np.bincount(cells.ravel(), mass, minlength=m * k * k)
    return counts.reshape(m, k, k).astype(np.float64)


def _divide(numerator: Array, denominator: Array) -> Array:
    """Divide; where nothing is there to divide by, 0 as scikit-learn's ``zero_division`` default."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)


def accuracy(y: Array, view: Array, weights: Array | None) -> Array:
    return _accuracy(confusion(y, view, weights))


def _accuracy(matrices: Array) -> Array:
    return np.asarray(np.trace(matrices, axis1=1, axis2=2) / matrices.sum(axis=(1, 2)))


def balanced_accuracy(y: Array, view: Array, weights: Array | None) -> Array:
    """Mean recall over the classes present in ``y``."""
    return _balanced_accuracy(confusion(y, view, weights))


def _balanced_accuracy(matrices: Array) -> Array:
    true = matrices.sum(axis=2)
    recalls = _divide(np.diagonal(matrices, axis1=1, axis2=2).copy(), true)
    return np.asarray(recalls.sum(axis=1) / (true > 0).sum(axis=1))


def matthews(y: Array, view: Array, weights: Array | None) -> Array:
    """Matthews correlation, R_K for several classes; 0 where one side has one class only."""
    return _matthews(confusion(y, view, weights))


def _matthews(matrices: Array) -> Array:
    true, predicted = matrices.sum(axis=2), matrices.sum(axis=1)
    n = true.sum(axis=1)
    joint = np.trace(matrices, axis1=1, axis2=2) * n - (true * predicted).sum(axis=1)
    spread = (n**2 - (predicted**2).sum(axis=1)) * (n**2 - (true**2).sum(axis=1))
    return _divide(joint, np.sqrt(np.maximum(spread, 0.0)))


def shares(y: Array, view: Array, weights: Array | None, *, share: str, average: str) -> Array:
    """Return precision, recall, F1 or Jaccard (``share``), averaged as scikit-learn's ``average`` says."""
    return _shares(confusion(y, view, weights), share, average)


def _shares(matrices: Array, share: str, average: str) -> Array:
    hits = np.diagonal(matrices, axis1=1, axis2=2).copy()
    predicted, true = matrices.sum(axis=1), matrices.sum(axis=2)
    if average == "micro":
        hits, predicted, true = (part.sum(axis=1, keepdims=True) for part in (hits, predicted, true))
    values = _divide(*_SHARES[share](hits, predicted, true))
    if average == "binary":
        return np.asarray(values[:, 1])
    if average == "weighted":
        return np.asarray((values * true).sum(axis=1) / true.sum(axis=1))
    present = (predicted > 0) | (true > 0)  # scikit-learn averages over the labels that occur on either side
    if average == "macro":
        return np.asarray((values * present).sum(axis=1) / present.sum(axis=1))
    return np.asarray(values[:, 0])


def scores_by_counts(name: str) -> Callable[[Array], Array] | None:
    """Return the function from confusion matrices (m, K, K) to scores (m,) of a named metric.

    None where the metric is not one of those of this module.
    """
    plain = {"accuracy": _accuracy, "balanced_accuracy": _balanced_accuracy, "matthews_corrcoef": _matthews}
    if name in plain:
        return plain[name]
    share, _, average = name.partition("_")
    if share in _SHARES and average in ("", "macro", "micro", "weighted"):
        return partial(_shares, share=share, average=average or "binary")
    return None


_SHARES: dict[str, Share] = {
    "precision": lambda hits, predicted, true: (hits, predicted),
    "recall": lambda hits, predicted, true: (hits, true),
    "f1": lambda hits, predicted, true: (2.0 * hits, predicted + true),
    "jaccard": lambda hits, predicted, true: (hits, predicted + true - hits),
}
