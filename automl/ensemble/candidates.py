"""Which candidates may enter an ensemble: no copies, and no more of them than the rows can tell apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from automl.core import Array

__all__ = ["candidate_cap", "distinct", "shortlist"]

BEST = 25
PER_FAMILY = 2
_SAME = 1e-6
_PROBE = 64  # rows on which nearly all pairs already differ


def candidate_cap(n_rows: int) -> int:
    """Return how many candidates this many rows can tell apart: 4 at 100 rows, 15 at 2,500, 100 at 100,000.

    The points are AutoGluon's size curve, straight lines between them on logarithmic scales.
    """
    rows, models = np.log([100, 500, 2_500, 10_000, 100_000]), np.log([4, 8, 15, 40, 100])
    return int(round(float(np.exp(np.interp(np.log(max(n_rows, 1)), rows, models)))))


def distinct(stack: Array, order: Array) -> Array:
    """Return ``order`` without candidates whose predictions equal an earlier one's.

    Equal means within 1e-6 everywhere, for values in units of their standard deviation.
    """
    n = stack.shape[1]
    probe = np.unique(np.linspace(0, n - 1, min(n, _PROBE)).astype(np.intp))
    short = stack[:, probe].reshape(len(stack), -1)
    tolerance = _SAME if stack.ndim == 3 or not len(order) else _SAME * max(float(np.std(stack[order[0]])), 1e-300)
    kept: list[int] = []
    for candidate in order:
        gaps = np.abs(short[kept] - short[candidate]).max(axis=1) if kept else np.empty(0)
        near = [k for k, gap in zip(kept, gaps, strict=True) if gap <= tolerance]
        if not any(np.abs(stack[k] - stack[candidate]).max() <= tolerance for k in near):
            kept.append(int(candidate))
    return np.array(kept, dtype=np.intp)


def shortlist(order: Array, n_rows: int, families: Sequence[Hashable] | None) -> Array:
    """Return, still best first, the best candidates overall (25, fewer on few rows) and the best 2 of each family."""
    best = min(BEST, candidate_cap(n_rows))
    seen: Counter[Hashable] = Counter()
    kept = []
    for place, candidate in enumerate(order):
        family = None if families is None else families[candidate]
        seen[family] += 1
        if place < best or (families is not None and seen[family] <= PER_FAMILY):
            kept.append(int(candidate))
    return np.array(kept, dtype=np.intp)
