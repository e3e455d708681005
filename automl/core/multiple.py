"""Many tests at once: which hypotheses still go when their number is accounted for."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from automl.core.ports import Array

__all__ = ["adjusted_p_values"]


def adjusted_p_values(p: ArrayLike, method: str = "holm") -> Array:
    """Return p-values to be compared with the level as if each test were the only one.

    Parameters
    ----------
    p : array-like of shape (m,)
    method : {"holm", "bonferroni", "bh"}
        The first two bound the chance of any false rejection (Holm, 1979, is never weaker), "bh" the expected share
        of false ones among the rejected (Benjamini and Hochberg, 1995; independent or positively dependent tests).

    Examples
    --------
    >>> from automl.core import adjusted_p_values
    >>> p = (0.01, 0.02, 0.03, 0.04, 0.05)
    >>> [int((adjusted_p_values(p, method) <= 0.05).sum()) for method in ("bh", "bonferroni", "holm")]
    [5, 1, 1]
    """
    if method not in ("holm", "bonferroni", "bh"):
        raise ValueError(f"method {method!r} does not exist; choose holm, bonferroni or bh")
    values = np.asarray(p, dtype=np.float64)
    m = len(values)
    if method == "bonferroni" or not m:
        return np.minimum(1.0, values * m)
    order = np.argsort(values, kind="stable")
    ranks = np.arange(1, m + 1)
    if method == "holm":
        sorted_values = np.maximum.accumulate(values[order] * (m - ranks + 1))
    else:
        sorted_values = np.minimum.accumulate((values[order] * m / ranks)[::-1])[::-1]
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(1.0, sorted_values)
    return adjusted
