"""Fitted imputers and scalers on dense numbers, without the checks that each of them repeats."""

from __future__ import annotations

from typing import Any

import numpy as np

from automl.core import Array

__all__ = ["filled", "marked", "scaled"]


def filled(imputer: Any, X: Any) -> Array | None:
    """Return what a fitted SimpleImputer makes of a table; None where it has to say so itself."""
    values = imputer.statistics_
    if not _numbers(X, imputer) or imputer.add_indicator or not _is_gap(imputer.missing_values):
        return None
    if values.dtype != np.float64 or np.isnan(values).any():  # columns that it drops
        return None
    return np.asarray(np.where(np.isnan(X), values, X))


def marked(indicator: Any, X: Any) -> Array | None:
    """Return what a fitted MissingIndicator makes of a table."""
    if not _numbers(X, indicator) or not _is_gap(indicator.missing_values) or indicator.sparse is True:
        return None
    if indicator.features != "all" and indicator.error_on_new:
        return None
    gaps: Array = np.isnan(X)
    return gaps if indicator.features == "all" else gaps[:, indicator.features_]


def scaled(scaler: Any, X: Any) -> Array | None:
    """Return what a fitted StandardScaler or RobustScaler makes of a table."""
    if not _numbers(X, scaler):
        return None
    centre = scaler.center_ if hasattr(scaler, "center_") else scaler.mean_
    centred = scaler.with_centering if hasattr(scaler, "with_centering") else scaler.with_mean
    made: Array = X - centre if centred else X
    return made if scaler.scale_ is None else np.asarray(made / scaler.scale_)


def _numbers(X: Any, step: Any) -> bool:
    return isinstance(X, np.ndarray) and X.dtype == np.float64 and X.shape[1:] == (step.n_features_in_,)


def _is_gap(value: Any) -> bool:
    return isinstance(value, float) and value != value
