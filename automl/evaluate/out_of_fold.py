"""What the members of an ensemble predict together for rows that they were not fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from automl.core import Array

__all__ = ["OutOfFold"]


@dataclass(frozen=True)
class OutOfFold:
    """Out-of-fold predictions of an ensemble, in the layout of ``Folds.scored``: fold after fold.

    Parameters
    ----------
    rows : ndarray of shape (n,)
        Positions in the table of fit; a row may be there more than once (repeats) or never.
    folds : ndarray of shape (n,)
        The fold that each row was held out of.
    y : ndarray of shape (n,)
        Codes of classes, or values.
    prediction : ndarray of shape (n, K) or (n,)
        Weighted mean of the members' probabilities, or values.
    weights, groups : ndarray of shape (n,) or None
    models : tuple of tuple of (float, estimator)
        For each fold its members with their weights, fitted without the rows of that fold. Empty where members were
        fitted again on all rows: their fold models are gone.
    parts : ndarray of shape (m, n, K) or (m, n), or None
        What each member predicts, in the order of the members; None where that would be large.
    """

    rows: Array
    folds: Array
    y: Array
    prediction: Array
    weights: Array | None = None
    groups: Array | None = None
    models: tuple[tuple[tuple[float, Any], ...], ...] = field(default=(), repr=False)
    parts: Array | None = field(default=None, repr=False)

    def predict(self, fold: int, X: Any) -> Array:
        """Return what the ensemble of one fold predicts: probabilities (n, K), or values (n,)."""
        total: Any = 0.0
        for weight, model in self.models[fold]:
            part = model.predict_proba(X) if self.prediction.ndim == 2 else model.predict(X)
            total = total + weight * np.asarray(part, dtype=np.float64)
        return np.asarray(total)

    def of_members(self, members: Sequence[int], weights: Sequence[float], *, bagged: bool) -> OutOfFold | None:
        """Return the same of some members with other weights; None where it is not known what each predicts.

        Parameters
        ----------
        bagged : bool
            Whether all fold models of these members are delivered; if not they are left out here too.
        """
        if self.parts is None:
            return None
        parts = self.parts[list(members)]
        models = tuple(
            tuple((float(w), fold[k][1]) for k, w in zip(members, weights, strict=True)) for fold in self.models
        )
        prediction = np.asarray(np.tensordot(np.asarray(weights, dtype=np.float64), parts, axes=1))
        return replace(self, prediction=prediction, models=models if bagged else (), parts=parts)
