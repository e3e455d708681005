"""Landmarks: how well cheap learners do on a sample (Pfahringer, Bensusan and Giraud-Carrier, ICML 2000)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from automl.core import Array
from automl.metalearn.sample import Sample

__all__ = ["landmarks"]

HALVES = 2
_NONE = float("nan")


def landmarks(sample: Sample, stop: Callable[[], bool] = lambda: False) -> dict[str, float]:
    """Return the scores of all learners that there is time for.

    Fitted on every second row, scored on the others, and the other way round: balanced accuracy for classification,
    R2 (0 where it is below) for regression.
    """
    scores: dict[str, float] = {}
    if sample.matrix.shape[1] == 0 or len(sample.y) < 10:
        return scores
    for name, model in _learners(sample):
        if stop():
            return scores
        scores[name] = _score(model, sample)
    best = float(np.nanmax(list(scores.values())))
    return scores | {
        "landmark_best": best,
        "landmark_curvature": scores["landmark_neighbors"] - scores["landmark_linear"],
        "landmark_depth": scores["landmark_tree"] - scores["landmark_node"],
    }


def _learners(sample: Sample) -> Iterator[tuple[str, Any]]:
    """Yield the learners, the cheapest first."""
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    tree: Any = DecisionTreeClassifier if sample.classifies else DecisionTreeRegressor
    neighbors: Any = KNeighborsClassifier if sample.classifies else KNeighborsRegressor
    several = min(10, len(sample.y) // 4)
    yield "landmark_node", tree(max_depth=1, random_state=0)
    if sample.classifies:
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
        from sklearn.naive_bayes import GaussianNB

        yield "landmark_bayes", GaussianNB(var_smoothing=1e-3)
        yield "landmark_linear", LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)
    else:
        from sklearn.linear_model import Ridge

        yield "landmark_linear", Ridge(1.0)
    yield "landmark_neighbor", neighbors(1, algorithm="brute")
    yield "landmark_neighbors", neighbors(several, algorithm="brute")
    yield "landmark_tree", tree(min_samples_leaf=2, random_state=0)


def _score(model: Any, sample: Sample) -> float:
    from sklearn.metrics import r2_score, recall_score

    parts = np.arange(len(sample.y)) % HALVES
    y = sample.y if sample.classifies else (sample.y - sample.y.mean()) / (sample.y.std() or 1.0)
    predicted = np.empty(len(y), dtype=y.dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for part in range(HALVES):
            train = parts != part
            if sample.classifies and len(np.unique(y[train])) < 2:
                return _NONE
            predicted[~train] = _fitted(model, sample.matrix[train], y[train], sample.matrix[~train])
        if sample.classifies:
            return float(recall_score(y, predicted, average="macro", zero_division=0.0))
        return max(0.0, float(r2_score(y, predicted)))


def _fitted(model: Any, X: Array, y: Array, test: Array) -> Array:
    predicted: Array = model.fit(X, y).predict(test)
    return predicted
