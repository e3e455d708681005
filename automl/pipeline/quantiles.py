"""Columns by their quantiles, without what a distribution of scipy.stats takes for each column."""

from __future__ import annotations

from typing import Any

import numpy as np

from automl.core import Array

__all__ = ["normal_by_quantiles"]

_EDGE = 1e-7  # of scikit-learn: what is closer to the least and greatest quantile is beyond them


def normal_by_quantiles(step: Any, X: Any) -> Array | None:
    """Return what a fitted QuantileTransformer makes of a dense table, operation by operation as it does."""
    from scipy.special import ndtri

    if not isinstance(X, np.ndarray) or X.dtype != np.float64 or step.output_distribution != "normal":
        return None
    shares = step.references_
    made = np.empty(X.shape)
    for place, quantiles in enumerate(step.quantiles_.T):
        column = np.ascontiguousarray(X[:, place])
        # the mean of both directions, for quantiles that are equal
        up = np.interp(column, quantiles, shares)
        down = np.interp(-column, -quantiles[::-1], -shares[::-1])
        share = 0.5 * (up - down)
        share[column + _EDGE > quantiles[-1]] = 1.0
        share[column - _EDGE < quantiles[0]] = 0.0
        made[:, place] = share
    edge = _EDGE - np.spacing(1)
    return np.asarray(np.clip(ndtri(made), ndtri(edge), ndtri(1 - edge)))
