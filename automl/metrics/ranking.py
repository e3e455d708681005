"""Rank metrics without a full argsort: sort the scores of each class, then search one in the other. Ties are exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl.core import Array

__all__ = [
    "auc",
    "aucs",
    "aucs_one_vs_one",
    "aucs_one_vs_rest",
    "average_precision",
    "average_precisions",
    "separation",
    "separations",
]


@dataclass(frozen=True)
class _Side:
    """Scores of one class, sorted, with the weight up to each of them; without weights both are counts."""

    scores: Array
    weights: Array | None
    mass: Array | None
    total: float

    @classmethod
    def of(cls, scores: Array, weights: Array | None) -> _Side:
        if weights is None:
            return cls(np.sort(scores), None, None, float(len(scores)))
        order = np.argsort(scores)
        weights = weights[order].astype(np.float64)
        mass = np.concatenate(([0.0], np.cumsum(weights)))
        return cls(scores[order], weights, mass, float(mass[-1]))

    def above(self, low: _Side) -> float:
        """Return the probability that a score of this side is above one of ``low``, ties counted half."""
        left, right = (np.searchsorted(low.scores, self.scores, side) for side in ("left", "right"))
        if self.weights is None or low.mass is None:
            return float(left.sum() + right.sum()) / (2.0 * self.total * low.total)
        return float(self.weights @ (low.mass[left] + low.mass[right])) / (2.0 * self.total * low.total)

    def reached(self, thresholds: Array) -> Array:
        """Return the weight of the scores at or above each threshold."""
        below = np.searchsorted(self.scores, thresholds, "left")
        return self.total - (below if self.mass is None else self.mass[below])


def _sides(scores: Array, rows: list[Array], weights: Array | None) -> list[_Side]:
    return [_Side.of(scores[index], None if weights is None else weights[index]) for index in rows]


def auc(positive: Array, scores: Array, weights: Array | None = None) -> float:
    """Return the area under the ROC curve of one score vector; NaN unless both classes are there.

    Parameters
    ----------
    positive : ndarray of bool, shape (n,)
    scores : ndarray of shape (n,)
        Any real numbers, in their own precision.
    """
    rows = [np.flatnonzero(positive), np.flatnonzero(~positive)]
    if not rows[0].size or not rows[1].size:
        return float("nan")
    high, low = _sides(scores, rows, weights)
    return high.above(low)


def average_precision(positive: Array, scores: Array, weights: Array | None = None) -> float:
    """Return the mean over the positives of the precision at their score; NaN without positives."""
    rows = [np.flatnonzero(positive), np.flatnonzero(~positive)]
    if not rows[0].size:
        return float("nan")
    high, low = _sides(scores, rows, weights)
    true, false = high.reached(high.scores), low.reached(high.scores)
    precisions = true / (true + false)
    return float(np.mean(precisions) if high.weights is None else high.weights @ precisions / high.total)


def separation(positive: Array, scores: Array, weights: Array | None = None) -> float:
    """Return the Kolmogorov-Smirnov statistic: the most by which the true exceeds the false positive rate."""
    rows = [np.flatnonzero(positive), np.flatnonzero(~positive)]
    if not rows[0].size or not rows[1].size:
        return float("nan")
    high, low = _sides(scores, rows, weights)
    gaps = high.reached(high.scores) / high.total - low.reached(high.scores) / low.total
    return max(0.0, float(gaps.max()))


def aucs(y: Array, scores: Array, weights: Array | None) -> Array:
    """Return the AUC of class 1 for each row of ``scores``, shape (m, n)."""
    positive = y == 1
    return np.array([auc(positive, row, weights) for row in scores])


def separations(y: Array, scores: Array, weights: Array | None) -> Array:
    """Return the Kolmogorov-Smirnov statistic of class 1 for each row of ``scores``, shape (m, n)."""
    return np.array([separation(y == 1, row, weights) for row in scores])


def average_precisions(y: Array, scores: Array, weights: Array | None) -> Array:
    """Return the average precision of each candidate: of class 1 for (m, n), the mean over classes for (m, n, K)."""
    if scores.ndim == 2:
        return np.array([average_precision(y == 1, row, weights) for row in scores])
    present = np.unique(y)
    if present.size < 2:
        return np.full(len(scores), np.nan)
    means = [np.mean([average_precision(y == k, one[:, k], weights) for k in present]) for one in scores]
    return np.array(means)


def aucs_one_vs_rest(y: Array, stack: Array, weights: Array | None, *, weighted: bool) -> Array:
    """Return the mean over the present classes of the AUC of each against all others, optionally by prevalence."""
    present = np.unique(y)
    if present.size < 2:
        return np.full(len(stack), np.nan)
    mass = np.ones(len(y)) if weights is None else weights
    prevalence = np.array([mass[y == k].sum() for k in present]) if weighted else np.ones(present.size)
    parts = np.array([[auc(y == k, one[:, k], weights) for k in present] for one in stack])
    return np.asarray(parts @ prevalence / prevalence.sum())


def aucs_one_vs_one(y: Array, stack: Array, weights: Array | None, *, weighted: bool) -> Array:
    """Return the mean over pairs of present classes of their AUC, both ways (Hand and Till), optionally by prevalence.

    scikit-learn takes no sample weights here; ours weigh the rows of each pair, and the pairs.
    """
    present = np.unique(y)
    if present.size < 2:
        return np.full(len(stack), np.nan)
    rows = [np.flatnonzero(y == k) for k in present]
    mass = [float(index.size if weights is None else weights[index].sum()) for index in rows]
    totals, share = np.zeros(len(stack)), 0.0
    for i, a in enumerate(present):
        columns = [_sides(one[:, a], rows, weights) for one in stack]
        for j in range(len(present)):
            if j != i:
                prevalence = mass[i] + mass[j] if weighted else 1.0
                totals += prevalence * np.array([sides[i].above(sides[j]) for sides in columns])
                share += prevalence
    return totals / share
