"""Predictions of support vector machines by matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from automl.core import Array

__all__ = ["decided_by_kernel", "kernel_values"]

_CELLS = 4_000_000  # of the matrix between rows and support vectors at a time
_ERROR = 1e-12  # of the largest value that may come from rounding


def kernel_values(machine: Any, X: Any) -> Array | None:
    """Return the values of an SVR, or of an SVC for two classes; None where only they know how.

    The library goes through the support vectors of each row one by one. As |x|^2 - 2 x.s + |s|^2 squared distances are
    a product of matrices, a tenth of the time; what rounding may change by that is bounded first.
    """
    vectors, factors = machine.support_vectors_, machine.dual_coef_
    if not (isinstance(X, np.ndarray) and isinstance(vectors, np.ndarray) and isinstance(machine.gamma, float)):
        return None
    if machine.kernel != "rbf" or X.dtype != np.float64 or len(factors) != 1 or X.shape[1] != vectors.shape[1]:
        return None
    if not len(vectors) or not np.isfinite(X).all():  # without vectors, all targets lay within the margin
        return None
    gamma, norms = machine.gamma, np.einsum("ij,ij->i", vectors, vectors)
    made = np.empty(len(X))
    step = max(1, _CELLS // len(vectors))
    for first in range(0, len(X), step):
        rows = X[first : first + step]
        squares = np.einsum("ij,ij->i", rows, rows)
        near = rows @ vectors.T
        near *= 2.0 * gamma
        near -= gamma * squares[:, None]
        near -= gamma * norms
        made[first : first + step] = np.exp(near, out=near) @ factors[0] + machine.intercept_[0]
        lost = np.finfo(np.float64).eps * gamma * (squares.max() + norms.max()) * np.linalg.norm(factors)
        if lost > _ERROR * max(1.0, float(np.abs(factors).max())):
            return None
    return made


def decided_by_kernel(model: Any, X: Any) -> Array | None:
    """Return the probabilities of an SVC for two classes that a sigmoid was fitted to."""
    if model.method != "sigmoid" or len(model.classes_) != 2 or len(model.calibrated_classifiers_) != 1:
        return None
    (one,) = model.calibrated_classifiers_
    if type(one.estimator).__name__ != "SVC":
        return None
    values = kernel_values(one.estimator, X)
    if values is None:
        return None
    likely = one.calibrators[0].predict(values)
    return np.column_stack((1.0 - likely, likely))
