"""Metrics without a kernel: one call per candidate, of scikit-learn's or of the user's code."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from automl.core import Array, SettingError
from automl.metrics.kernels import Kernel, identity

__all__ = ["LIBRARY", "UserMetric", "call_kernel"]

Call = Callable[[Array, Array, Array | None], float]  # (y, prediction, weights) -> score with its natural sign


def call_kernel(call: Call, sign: int) -> Kernel:
    """Return a kernel that asks ``call`` for each candidate."""
    return Kernel(identity, partial(_loop, call, sign), costly=True)


def _loop(call: Call, sign: int, y: Array, stack: Array, weights: Array | None) -> Array:
    stack = stack.astype(np.float64, copy=False)
    if stack.ndim == 3:
        stack = np.clip(stack, 0.0, 1.0)  # a mean of ones may exceed 1 by rounding, which scikit-learn refuses
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "not defined on this sample": the result says so
        return np.array([-sign * call(y, prediction, weights) for prediction in stack], dtype=np.float64)


def _likelihood_ratio(which: int, y: Array, prediction: Array, weights: Array | None) -> float:
    from sklearn.metrics import class_likelihood_ratios

    label = prediction.argmax(axis=1)
    ratios = class_likelihood_ratios(y, label, sample_weight=weights, labels=[0, 1], replace_undefined_by=1.0)
    return float(ratios[which])


def _median_absolute_error(y: Array, prediction: Array, weights: Array | None) -> float:
    from sklearn.metrics import median_absolute_error

    return float(median_absolute_error(y, prediction, sample_weight=weights))


LIBRARY: dict[str, Call] = {
    "positive_likelihood_ratio": partial(_likelihood_ratio, 0),
    "negative_likelihood_ratio": partial(_likelihood_ratio, 1),
    "median_absolute_error": _median_absolute_error,
}


@dataclass(frozen=True)
class UserMetric:
    """A user's callable as (y, prediction, weights) -> score.

    Parameters
    ----------
    function : callable
        ``f(y_true, y_pred)``, or ``f(estimator, X, y)`` where ``by_estimator``; both see original labels.
    sign : int
        What scikit-learn multiplied the score with, to undo it; 1 for plain callables.
    classifies : bool
        Whether predictions are probabilities.
    classes : ndarray of shape (K,) or None
        Original labels; None: the codes themselves.
    takes_weights : bool
        Whether ``function`` has a parameter ``sample_weight``; otherwise weights are not passed on.
    """

    function: Callable[..., Any]
    by_estimator: bool
    classifies: bool
    classes: Array | None
    takes_weights: bool
    sign: int = 1

    def __call__(self, y: Array, prediction: Array, weights: Array | None) -> float:
        options = {"sample_weight": weights} if self.takes_weights and weights is not None else {}
        try:
            score = self._score(y, prediction, options)
        except ValueError:
            defined = len(np.unique(y)) > 1 if self.classifies else len(y) > 1
            if defined:
                raise
            return float("nan")
        if score is None or np.ndim(score) != 0:
            raise SettingError(f"metric {self.function!r} returned {score!r}; it must return one number")
        return self.sign * float(score)

    def _score(self, y: Array, prediction: Array, options: dict[str, Any]) -> Any:
        if self.by_estimator:
            from automl.metrics.standin import stand_in

            estimator = stand_in(prediction, self.classes, classifies=self.classifies)
            X = np.arange(len(y), dtype=np.float64)[:, None]
            return self.function(estimator, X, self._labels(y), **options)
        guess = self._labels(prediction.argmax(axis=1)) if self.classifies else prediction
        return self.function(self._labels(y), guess, **options)

    def _labels(self, y: Array) -> Array:
        return self.classes[y] if self.classifies and self.classes is not None else y
