"""A Gaussian process for one branch of a space: exact where a forest is coarse, as long as there are few rows."""

from __future__ import annotations

import numpy as np

from automl.core import Array

__all__ = ["Process", "Scales", "tune"]

LENGTHS = (0.15, 0.3, 0.6, 1.2, 2.5)  # of all columns alike, in units of their ranges
NOISES = (1e-6, 1e-3, 3e-2, 0.3)  # shares of the variance
FACTORS = (0.0, 0.2, 5.0)  # by which the weight of one column is tried to be changed
GAIN = 1.0  # of the log evidence, below which a column is left as it is
TUNED = 50  # rows that the scales are chosen on
LEAST_DEVIATION = 1e-6


class Scales:
    """Weight of each column in the squared distance, and the noise."""

    def __init__(self, weights: Array, noise: float) -> None:
        self.weights = weights
        self.noise = noise


def _matern(squared: Array) -> Array:
    """Return the Matern correlation of smoothness 5/2 at squared distances (Rasmussen and Williams 2006, (4.17))."""
    root = np.sqrt(5.0 * np.maximum(squared, 0.0))
    return np.asarray((1.0 + root + root**2 / 3.0) * np.exp(-root))


def _evidence(gaps: Array, values: Array, weights: Array, noise: float) -> float:
    """Return the log marginal likelihood, its amplitude at its best, up to a constant."""
    matrix = _matern(gaps @ weights)
    matrix[np.diag_indices_from(matrix)] += noise
    try:
        lower = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return -np.inf
    white = np.linalg.solve(lower, values)
    amplitude = max(float(white @ white) / len(values), 1e-12)
    return float(-0.5 * len(values) * np.log(amplitude) - np.log(np.diag(lower)).sum())


def tune(cells: Array, values: Array) -> Scales:
    """Return the scales of most evidence: the best length for all columns, then column by column.

    Parameters
    ----------
    cells : ndarray of shape (n, d)
    values : ndarray of shape (n,)
        The first rows count, if there are many.
    """
    cells, values = cells[:TUNED], values[:TUNED]
    varying = np.flatnonzero(np.ptp(cells, axis=0))
    gaps = (cells[:, None, varying] - cells[None, :, varying]) ** 2
    centred = values - values.mean()
    tried = [(np.full(len(varying), length**-2.0), noise) for length in LENGTHS for noise in NOISES]
    held = [_evidence(gaps, centred, *pair) for pair in tried]
    best = int(np.argmax(held))
    (weights, noise), evidence = tried[best], held[best]
    isotropic = weights[0] if len(varying) else 1.0
    for column in range(len(varying)):
        for factor in FACTORS:
            other = weights.copy()
            other[column] *= factor
            found = _evidence(gaps, centred, other, noise)
            if found > evidence + GAIN:
                weights, evidence = other, found
    whole = np.full(cells.shape[1], isotropic)  # nothing is known of a column that never varied
    whole[varying] = weights
    return Scales(whole, noise)


class Process:
    """A Gaussian process with given scales, conditioned on rows and values."""

    def __init__(self, cells: Array, values: Array, scales: Scales) -> None:
        self._root = np.sqrt(scales.weights)
        self._cells = cells * self._root
        self._mean = float(values.mean())
        matrix = _matern(_squared(self._cells, self._cells))
        matrix[np.diag_indices_from(matrix)] += max(scales.noise, 1e-6)
        self._lower = np.linalg.cholesky(matrix)
        self._white = np.linalg.solve(self._lower, values - self._mean)
        self._amplitude = float(self._white @ self._white) / len(values)

    def predict(self, cells: Array) -> tuple[Array, Array]:
        """Return mean and standard deviation of the values without noise."""
        across = np.linalg.solve(self._lower, _matern(_squared(self._cells, cells * self._root)))
        variance = self._amplitude * np.maximum(1.0 - (across**2).sum(axis=0), 0.0)
        return self._mean + across.T @ self._white, np.sqrt(np.maximum(variance, LEAST_DEVIATION**2))


def _squared(first: Array, second: Array) -> Array:
    product = first @ second.T
    return np.asarray((first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None, :] - 2.0 * product)
