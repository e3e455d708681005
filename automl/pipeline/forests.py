"""Predictions of many trees: the rows wait for the trees, not the trees for the rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from automl.core import Array

__all__ = ["boosted", "grown"]

_TREES = 150  # that stay in a processor's nearer memory while all rows pass
_KNOWN = "4."  # versions of LightGBM whose sums and links are known
_FEW_ROWS = 32  # for which that does not matter
_VALUES = ("regression", "regression_l1", "huber", "fair", "quantile", "mape")
_LOGARITHMS = ("poisson", "gamma", "tweedie")


def boosted(model: Any, X: Any) -> Array | None:
    """Return probabilities or values of a LightGBM model on an array; None where its own code is needed.

    LightGBM passes one row after the other through all trees, so that thousands of trees are fetched again for each
    row. A part of the trees at a time takes half the time; only the last bits of the sums differ.
    """
    import lightgbm

    if not isinstance(X, np.ndarray) or X.dtype != np.float64 or X.shape[1:] != (model.n_features_in_,):
        return None
    if not lightgbm.__version__.startswith(_KNOWN):
        return None
    objective, threads = model.objective_, model.n_jobs
    if objective not in ("binary", "multiclass", *_VALUES, *_LOGARITHMS) or getattr(model, "reg_sqrt", False):
        return None
    if not isinstance(threads, int) or threads < 1 or model.boosting_type == "rf":
        return None
    booster = model.booster_
    rounds = booster.best_iteration if booster.best_iteration > 0 else booster.current_iteration()
    step = max(1, _TREES // booster.num_model_per_iteration()) if len(X) > _FEW_ROWS else rounds
    X = np.ascontiguousarray(X)
    total: Any = 0.0
    for first in range(0, rounds, step):
        some = min(step, rounds - first)
        total = total + booster.predict(
            X, start_iteration=first, num_iteration=some, raw_score=True, num_threads=threads
        )
    return _linked(total, objective, getattr(model, "sigmoid", 1.0))


def _linked(scores: Array, objective: str, slope: float) -> Array:
    """Return what an objective makes of sums over trees."""
    if objective == "binary":
        likely = 1.0 / (1.0 + np.exp(-slope * scores))
        return np.column_stack((1.0 - likely, likely))
    if objective == "multiclass":
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))
    return np.exp(scores) if objective in _LOGARITHMS else scores


def grown(model: Any, X: Any) -> Array | None:
    """Return probabilities or values of a forest of scikit-learn, the trees added up in the order in which it does.

    That is without a call through joblib for each tree, which takes longer than the tree does for some hundred rows.
    """
    if not isinstance(X, np.ndarray) or model.n_jobs not in (None, 1) or model.n_outputs_ > 1:
        return None
    if X.ndim != 2 or X.shape[1] != model.n_features_in_:
        return None
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(X, dtype=np.float32)
    if not np.isfinite(rows).all():  # missing values that it may know, or numbers that it refuses
        return None
    classifies = hasattr(model, "classes_")
    total = np.zeros((len(rows), model.n_classes_ if classifies else 1))
    for tree in model.estimators_:
        total += tree.tree_.predict(rows)
    total /= len(model.estimators_)
    return total if classifies else total[:, 0]
