"""Intervals and sets of labels that hold the truth with a stated probability: CV+ over the fold models.

Barber, Candes, Ramdas and Tibshirani (2021), Predictive inference with the jackknife+; for classes Romano, Sesia and
Candes (2020), Classification with valid and adaptive coverage, Theorem 2. A row that was held out of fold k is
compared with what the model of fold k predicts for the new row. With a single fold that is split-conformal prediction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from automl.core import Array, SettingError
from automl.evaluate.out_of_fold import OutOfFold

__all__ = ["Calibration", "calibrate", "predict_interval", "predict_sets"]

_ROUNDING = 1e-6  # out-of-fold probabilities are kept in single precision: closer ones are ties
_HALVINGS = 30  # of the range that the fold models' predictions span


@dataclass(frozen=True)
class Calibration:
    """Nonconformity scores of held-out rows, and how much of them a label or value must not exceed.

    Parameters
    ----------
    folds : tuple of (ndarray, ndarray)
        For each fold model the sorted scores of its held-out rows, and the mass of the first 0, 1, 2, ... of them.
    needed : float
        Mass: confidence times (rows + 1).
    """

    folds: tuple[tuple[Array, Array], ...]
    needed: float

    def mass(self, fold: int, scores: Array, side: str) -> Array:
        """Return the mass of held-out rows whose score is below ("left"), or not above ("right"), each of these."""
        values, cumulative = self.folds[fold]
        return np.asarray(cumulative[np.searchsorted(values, scores, side=side)])  # type: ignore[call-overload]

    def interval(self, centres: Array) -> Array:
        """Return the lower and upper ends, shape (t, 2), around predictions of shape (folds, t)."""
        ends = np.stack([-self._upper(-centres), self._upper(centres)], axis=1)
        return np.sort(ends, axis=1)  # far below one half the ends may cross

    def _upper(self, centres: Array) -> Array:
        """Return the smallest values that prediction + score does not exceed for the needed mass of rows."""
        pooled = np.concatenate([values for values, _ in self.folds])
        order = np.argsort(pooled, kind="stable")
        masses = np.concatenate([np.diff(cumulative) for _, cumulative in self.folds])[order]
        reached = min(int(np.searchsorted(np.cumsum(masses), self.needed)), len(pooled) - 1)
        low, high = centres.min(axis=0) + pooled[order][reached], centres.max(axis=0) + pooled[order][reached]
        if np.array_equal(low, high):  # a single model
            return np.asarray(high)
        for _ in range(_HALVINGS):
            middle = low + (high - low) / 2
            mass = sum(self.mass(fold, middle - centre, "right") for fold, centre in enumerate(centres))
            enough = mass >= self.needed
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return np.asarray(high)

    def sets(self, scores: Iterable[Array], *, empty: bool = False) -> Array:
        """Return which labels are in the set, shape (t, K), from their scores under each fold model, (t, K) each.

        The label with the least mean score is always in, unless sets may be ``empty``.
        """
        mass: Any = 0.0
        total: Any = 0.0
        for fold, score in enumerate(scores):
            mass = mass + self.mass(fold, score - _ROUNDING, "left")
            total = total + score
        found = np.asarray(mass < self.needed)
        if not empty:
            found[np.arange(len(found)), total.argmin(axis=1)] = True
        return found


def calibrate(
    scores: Array, rows: Array, folds: Array, confidence: Any, *, n_models: int, weights: Array | None = None
) -> Calibration:
    """Sort the scores of held-out rows by fold.

    Parameters
    ----------
    scores, rows, folds : ndarray of shape (n,)
        A row that was held out r times counts 1/r each time.
    n_models : int
        1: all scores belong to one model, whatever the folds.
    weights : ndarray of shape (n,), optional
        Importance of rows (Tibshirani et al. 2019, Conformal prediction under covariate shift); a new row is taken to
        have the mean weight.

    Raises
    ------
    SettingError
        If the confidence is not between 0 and 1, or higher than so few rows can give.
    """
    if isinstance(confidence, bool) or not isinstance(confidence, Real) or not 0 < float(confidence) < 1:
        raise SettingError(f"confidence={confidence!r}; give a number between 0 and 1, such as 0.9")
    share = float(confidence)
    _, own, counts = np.unique(rows, return_inverse=True, return_counts=True)
    mass = (np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)) / counts[own]
    n = len(counts) if weights is None else len(np.unique(rows[weights > 0]))
    mass *= n / mass.sum()
    needed = share * (n + 1) - 1e-9 * n
    if needed > n:
        raise SettingError(
            f"confidence={confidence} needs {int(np.ceil(share / (1 - share) * (1 - 1e-9)))} rows that were held "
            f"out, this fit has {n}: every interval would be infinite, every set full. Ask for at most "
            f"{np.floor(1000 * n / (n + 1)) / 1000:g}, or fit on more rows"
        )
    if n_models == 1:
        folds = np.zeros(len(rows), dtype=np.intp)
    found = []
    for fold in range(n_models):
        chosen = np.flatnonzero(folds == fold)
        chosen = chosen[np.argsort(scores[chosen], kind="stable")]
        found.append((scores[chosen], np.concatenate([[0.0], np.cumsum(mass[chosen])])))
    return Calibration(tuple(found), needed)


def predict_interval(kept: OutOfFold, model: Any, X: Any, confidence: float) -> Array:
    """Return CV+ intervals of shape (t, 2) from absolute residuals.

    ``model`` predicts where the fold models are gone: the out-of-fold residuals then stand in for its own.
    """
    calibration = _calibrated(kept, np.abs(kept.y - kept.prediction), confidence)
    return calibration.interval(np.stack(list(_predictions(kept, model, X))))


def predict_sets(kept: OutOfFold, model: Any, X: Any, confidence: float) -> Array:
    """Return CV+ sets of labels, a truth value for each row and class.

    A label's score is one minus its probability, which gives the smallest sets in the mean (Sadinle, Lei and Wasserman
    2019, Least ambiguous set-valued classifiers with bounded error levels). The likeliest label is always in, so that
    no set is empty. ``model`` as in :func:`predict_interval`.
    """
    scores = 1.0 - kept.prediction[np.arange(len(kept.y)), kept.y]
    return _calibrated(kept, scores, confidence).sets(1.0 - p for p in _predictions(kept, model, X))


def _calibrated(kept: OutOfFold, scores: Array, confidence: float) -> Calibration:
    n_models = max(1, len(kept.models))
    return calibrate(scores, kept.rows, kept.folds, confidence, n_models=n_models, weights=kept.weights)


def _predictions(kept: OutOfFold, model: Any, X: Any) -> Iterator[Array]:
    """Yield what each fold's ensemble predicts, or the refitted model alone."""
    if not kept.models:
        prediction = model.predict_proba(X) if kept.prediction.ndim == 2 else model.predict(X)
        yield np.asarray(prediction, dtype=np.float64)
    for fold in range(len(kept.models)):
        yield kept.predict(fold, X)
