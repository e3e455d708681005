"""Estimators that return stored predictions, for scorers that want to ask an estimator. Imports scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from automl.core import Array

__all__ = ["stand_in"]


class _StoredClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifier whose X holds row numbers in its first column, so that a scorer may also take a part of X."""

    def __init__(self, probabilities: Array, classes: Array) -> None:
        self.probabilities = probabilities
        self.classes = classes
        self.classes_ = classes

    def predict_proba(self, X: Any) -> Array:
        return self.probabilities[np.asarray(X)[:, 0].astype(np.intp)]

    def predict(self, X: Any) -> Array:
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


class _StoredRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Regressor whose X holds row numbers in its first column."""

    def __init__(self, values: Array) -> None:
        self.values = values

    def predict(self, X: Any) -> Array:
        return self.values[np.asarray(X)[:, 0].astype(np.intp)]


def stand_in(prediction: Array, classes: Array | None, *, classifies: bool) -> Any:
    """Return a fitted estimator that predicts what is stored."""
    if not classifies:
        return _StoredRegressor(prediction)
    return _StoredClassifier(prediction, np.arange(prediction.shape[1]) if classes is None else classes)
