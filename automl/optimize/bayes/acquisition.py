"""How much a proposal promises, from the predicted loss: all for minimisation, greater is better."""

from __future__ import annotations

import numpy as np

from automl.core import Array

__all__ = ["ACQUISITIONS", "expected_improvement", "log_expected_improvement", "lower_bound", "probability"]

_FAR = -40.0  # z below which the closed form has no digits left
_HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)


def expected_improvement(mean: Array, deviation: Array, best: float) -> Array:
    """Return the expected improvement over ``best`` (Jones, Schonlau and Welch 1998).

    Examples
    --------
    >>> import numpy as np
    >>> from automl.optimize.bayes import expected_improvement
    >>> round(float(expected_improvement(np.array([0.6]), np.array([0.3]), 0.7)[0]), 4)
    0.1763
    """
    from scipy.special import ndtr

    z = (best - mean) / deviation
    density = np.exp(-0.5 * z**2 - _HALF_LOG_2PI)
    return np.asarray(np.maximum((best - mean) * ndtr(z) + deviation * density, 0.0))


def log_expected_improvement(mean: Array, deviation: Array, best: float) -> Array:
    """Return the logarithm of the expected improvement, also where that is too small for a float.

    Ament et al., Unexpected improvements to expected improvement (NeurIPS 2023), section 4.
    """
    from scipy.special import erfcx, ndtr

    z = (best - mean) / deviation
    near = np.maximum(z, -1.0)
    direct = np.log(np.exp(-0.5 * near**2 - _HALF_LOG_2PI) + near * ndtr(near))
    low = np.clip(z, _FAR, -1.0)
    tail = -0.5 * low**2 - _HALF_LOG_2PI + np.log1p(low * np.sqrt(np.pi / 2) * erfcx(-low / np.sqrt(2)))
    # h(z) -> phi(z) / z^2
    far = np.minimum(z, _FAR)
    limit = -0.5 * far**2 - _HALF_LOG_2PI - 2 * np.log(-far)
    return np.asarray(np.where(z > -1.0, direct, np.where(z > _FAR, tail, limit)) + np.log(deviation))


def probability(mean: Array, deviation: Array, best: float) -> Array:
    """Return the probability of an improvement over ``best`` (Kushner 1964)."""
    from scipy.special import ndtr

    return np.asarray(ndtr((best - mean) / deviation))


def lower_bound(mean: Array, deviation: Array, best: float, kappa: float = 2.0) -> Array:
    """Return the negative lower confidence bound; ``best`` does not matter."""
    return np.asarray(kappa * deviation - mean)


ACQUISITIONS = {
    "ei": expected_improvement,
    "log_ei": log_expected_improvement,
    "pi": probability,
    "lcb": lower_bound,
}
