"""NamedMetric: one metric for one task, with its kernel."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from automl.core import Array, Metric
from automl.metrics.kernels import Kernel, identity

__all__ = ["NamedMetric", "as_named"]

_BLOCK = 2**18  # numbers of a stack that are scored at once


@dataclass(frozen=True)
class NamedMetric:
    """A metric (``automl.core.Metric``) that also scores many candidates at once.

    Parameters
    ----------
    name : str
        scikit-learn's name without ``neg_``.
    sign : int
        +1 where greater is better (score = -loss), -1 where smaller is better (score = loss).
    needs : str
        ``"probability"``, ``"label"`` or ``"value"``.
    requested : str
        What the user asked for; the scorer's name where that was ``"auto"``.
    builtin : bool
        Whether it runs our or scikit-learn's code only.
    positive : int or None
        Code of the class that it singles out; None for the second of two, and where it singles out none.
    quantile : float or None
        The quantile that minimises it, where it is a quantile loss.
    why : str
        What led to it where ``"auto"`` was asked for.
    """

    name: str
    sign: int
    needs: str
    requested: str
    builtin: bool
    kernel: Kernel = field(repr=False, compare=False)
    positive: int | None = None
    quantile: float | None = None
    why: str = ""

    def losses(self, y: Array, stack: Array, weights: Array | None = None) -> Array:
        """Return the loss of each candidate, in double precision.

        Parameters
        ----------
        y : ndarray of shape (n,)
        stack : ndarray of shape (m, n, K) or (m, n)
        weights : ndarray of shape (n,), optional
            Rows of weight 0 count as absent.

        Returns
        -------
        losses : ndarray of shape (m,)
            NaN where the metric is not defined on these rows, or a prediction is not finite.
        """
        y, stack = np.asarray(y), np.asarray(stack)
        if stack.ndim != (2 if self.needs == "value" else 3) or stack.shape[1] != len(y):
            raise ValueError(f"predictions of shape {stack.shape} do not fit {len(y)} rows of metric {self.name!r}")
        if weights is not None:
            weights = np.asarray(weights, dtype=np.float64)
            if (weights <= 0).any():
                rows = np.flatnonzero(weights > 0)
                y, stack, weights = y[rows], stack[:, rows], weights[rows]
        losses = np.full(len(stack), np.nan)
        if not len(y):
            return losses
        step = max(1, _BLOCK // stack[0].size) if len(stack) else 1
        for start in range(0, len(stack), step):
            block = stack[start : start + step].astype(np.float64)
            usable = np.flatnonzero(np.isfinite(block).reshape(len(block), -1).all(axis=1))
            if usable.size:
                view = self.kernel.view(y, block if usable.size == len(block) else block[usable])
                losses[start + usable] = self.kernel.losses(y, view, weights)
        return losses

    def loss(self, y: Array, prediction: Array, weights: Array | None = None) -> float:
        """Return the loss of one candidate; NaN where it is not defined."""
        return float(self.losses(y, np.asarray(prediction)[None], weights)[0])

    def score(self, loss: float) -> float:
        """Return the value with the metric's natural sign, as users know it."""
        return -self.sign * loss


def as_named(metric: Metric) -> NamedMetric:
    """Return any metric as one that scores many candidates, if need be one by one."""
    if isinstance(metric, NamedMetric):
        return metric
    kernel = Kernel(identity, partial(_one_by_one, metric), costly=True)
    return NamedMetric(metric.name, metric.sign, metric.needs, metric.name, metric.builtin, kernel)


def _one_by_one(metric: Metric, y: Array, stack: Array, weights: Array | None) -> Array:
    return np.array([metric.loss(y, prediction, weights) for prediction in stack])
