"""Out-of-fold predictions in one byte each: enough to build ensembles from, small enough to keep.

Classification: the probability p of the second of two classes, or of every class of more, as the code c of
p = sin^2(pi c / 510): fine steps near 0 and 1, where losses and ranks need them, steps of at most 0.006 between.
Regression: the nearest of 256 levels, half way between an even grid over the range of y and the quantiles of y, after
y has been standardised: fine steps where the rows are, and no step over 1/255 of the range.
"""

from __future__ import annotations

import numpy as np

from automl.core import Array
from automl.data import Dataset
from automl.metalearn.rows import pick_rows

__all__ = ["Truth", "decode", "encode", "truth_of"]

ROWS = 500

Truth = dict[str, Array]  # rows, y and fold of the kept rows; for regression levels, centre and scale


def truth_of(dataset: Dataset, numbers: Array, hashes: Array) -> Truth:
    """Choose the rows whose predictions are kept, and note what is needed to score them.

    Parameters
    ----------
    numbers : ndarray of shape (n,)
        Fold of each row; -1 where it is never scored.
    hashes : ndarray of shape (n,)
        Of the rows' content.
    """
    scored = np.flatnonzero(numbers >= 0)
    y = np.asarray(dataset.y)
    classes = np.unique(y[scored], return_inverse=True)[1] if dataset.task.classifies else None
    rows = np.sort(scored[pick_rows(hashes[scored], ROWS, classes)])
    truth: Truth = {"rows": rows.astype(np.int32), "fold": numbers[rows].astype(np.int8)}
    if dataset.task.classifies:
        return truth | {"y": y[rows].astype(np.int16)}
    centre, scale = float(y.mean()), float(y.std()) or 1.0
    standardised = (y - centre) / scale
    even = np.linspace(standardised.min(), standardised.max(), 256)
    levels = 0.5 * even + 0.5 * np.quantile(standardised, np.linspace(0, 1, 256))
    return truth | {"y": standardised[rows].astype(np.float32), "levels": levels, "shape": np.array([centre, scale])}


def encode(prediction: Array, truth: Truth) -> Array:
    """Return one byte for each prediction of the kept rows: (n,) for two classes and for regression, else (n, K)."""
    if "levels" in truth:
        centre, scale = truth["shape"]
        middles = (truth["levels"][1:] + truth["levels"][:-1]) / 2
        return np.searchsorted(middles, (prediction - centre) / scale).astype(np.uint8)
    shares = prediction[:, 1] if prediction.shape[1] == 2 else prediction
    angles = np.arcsin(np.sqrt(np.clip(shares.astype(np.float64), 0.0, 1.0)))
    return np.round(angles * (510 / np.pi)).astype(np.uint8)


def decode(codes: Array, truth: Truth) -> Array:
    """Return probabilities (n, K) that sum to one, or values of the standardised target (n,)."""
    if "levels" in truth:
        values: Array = truth["levels"][codes]
        return values
    # the outermost codes stand for half a step: a probability is never exactly zero
    shares = np.sin(np.clip(codes.astype(np.float64), 0.25, 254.75) * (np.pi / 510)) ** 2
    both = np.stack([1 - shares, shares], axis=-1) if codes.ndim == 1 else shares
    probabilities: Array = both / both.sum(axis=-1, keepdims=True)
    return probabilities
