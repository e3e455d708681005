"""Members that take much of the time to predict, and give an ensemble next to nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from automl.core import Array, Metric
from automl.metrics import as_named

__all__ = ["slimmed"]

LEAST_SAVED = 0.2  # share of the seconds that leaving must save
SLOWER = 2.0  # so many times as slow as the others are on average


def slimmed(
    stack: Array,
    weights: Sequence[float],
    y: Array,
    metric: Metric,
    *,
    seconds: Sequence[float],
    allowed: float,
    row_weights: Array | None = None,
) -> tuple[float, ...]:
    """Return the weights without members whose time to predict is large and whose gain is small.

    One after the other leaves the slowest member, if it takes a fifth of the seconds that are left, twice as many as
    the others do on average, and the loss stays within what is allowed; the others' weights grow in proportion.

    Parameters
    ----------
    stack : ndarray of shape (m, n, K) or (m, n)
        Out-of-fold predictions of all candidates.
    seconds : sequence of m floats
        To predict.
    allowed : float
        How much greater the loss may become, all who leave taken together.

    Examples
    --------
    >>> import numpy as np
    >>> from automl.ensemble import slimmed
    >>> from automl.metrics import get_metric
    >>> rng = np.random.default_rng(0)
    >>> y = rng.normal(size=500)
    >>> stack = y + rng.normal(size=(3, 500)) * [[1.0], [1.0], [3.0]]
    >>> rmse = get_metric("rmse", task="regression")
    >>> slimmed(stack, (0.5, 0.45, 0.05), y, rmse, seconds=(1.0, 1.0, 9.0), allowed=0.02)[2]
    0.0
    """
    named, now = as_named(metric), np.asarray(weights, dtype=np.float64)
    cost = np.asarray(seconds, dtype=np.float64)

    def loss_of(shares: Array) -> float:
        chosen = shares > 0
        mixed = np.tensordot(shares[chosen], stack[chosen], axes=1)
        return float(named.losses(y, np.asarray(mixed)[None], row_weights)[0])

    most = loss_of(now) + allowed
    for member in np.argsort(-cost, kind="stable"):
        without = now.copy()
        without[member] = 0.0
        others = cost[without > 0]
        if now[member] == 0 or not others.size:
            continue
        if cost[member] < max(LEAST_SAVED * (cost[member] + others.sum()), SLOWER * others.mean()):
            continue
        without /= without.sum()
        if loss_of(without) <= most:
            now = without
    return tuple(float(weight) for weight in now)
