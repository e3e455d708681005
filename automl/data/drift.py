"""How far the distribution of a column has moved since fit, and how far chance alone moves it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from automl.core import Array
from automl.data.reference import ColumnReference

__all__ = ["Drift", "level_drift", "number_drift", "population_stability"]

_LIMIT = 0.2  # the usual line between a moderate and a large change
_BINS = 20
_CHANCE = 0.001  # that any column of a table from the same source is reported


@dataclass(frozen=True)
class Drift:
    """How far a column has moved.

    Parameters
    ----------
    psi : float
        Population stability index over bins of numbers or of levels, and missing values if there were any in fit.
    ks : float or None
        Kolmogorov-Smirnov distance at the quantiles of fit; numbers only.
    psi_limit, ks_limit : float
        0.2, or what chance alone reaches in so few rows.
    """

    column: Hashable
    psi: float
    ks: float | None
    psi_limit: float
    ks_limit: float

    @property
    def found(self) -> bool:
        return self.psi > self.psi_limit or (self.ks or 0.0) > self.ks_limit


def population_stability(expected: Array, actual: Array) -> float:
    """Return the population stability index of two rows of counts.

    Half a row is added to each bin, as empty ones would make it infinite; bins that are empty on both sides do not
    count.

    Examples
    --------
    >>> import numpy as np
    >>> round(population_stability(np.array([50.0, 50.0]), np.array([80.0, 20.0])), 4)
    0.4063
    """
    first, second = _smoothed(expected, actual)
    return float(np.sum((second - first) * np.log(second / first)))


def number_drift(seen: ColumnReference, sample: Array, missing: int, rows: int, columns: int) -> Drift | None:
    """Compare sorted numbers with those of fit; None if there is nothing to compare.

    Parameters
    ----------
    missing : int
        Missing values beside the sample.
    rows : int
        Rows of fit that ``seen`` was drawn from.
    columns : int
        How many columns are looked at; the more, the less each may owe to chance.
    """
    if not seen.cuts or len(sample) == 0:
        return None
    counts = np.searchsorted(sample, seen.cuts, side="right")
    below = np.asarray(seen.below)
    ks = float(np.abs(counts / len(sample) - below).max())
    shares = np.diff(below, prepend=0.0, append=1.0)
    return _drift(seen, shares, np.diff(counts, prepend=0, append=len(sample)), missing, rows, columns, ks)


def level_drift(
    seen: ColumnReference, counts: Array, others: int, missing: int, rows: int, columns: int
) -> Drift | None:
    """Compare levels with those of fit; None if there is nothing to compare.

    Parameters
    ----------
    counts : ndarray of int
        Rows of each level of ``seen.levels``.
    others : int
        Rows of all other levels.
    """
    total = int(counts.sum()) + others
    if not seen.levels or total == 0:
        return None
    shares = np.array([share for _, share in seen.levels])
    # Rare levels share a bin with their like: alone they would be noise.
    bins = np.unique(((np.cumsum(shares) - shares / 2) * _BINS).astype(np.int64), return_inverse=True)[1]
    expected = np.append(np.bincount(bins, weights=shares), max(0.0, 1.0 - shares.sum()))
    actual = np.append(np.bincount(bins, weights=counts), others)
    return _drift(seen, expected, actual, missing, rows, columns, None)


def _drift(
    seen: ColumnReference, shares: Array, counts: Array, missing: int, rows: int, columns: int, ks: float | None
) -> Drift:
    expected = shares * rows * (1.0 - seen.missing_share)
    actual = counts.astype(np.float64)
    if seen.missing_share > 0:
        expected, actual = np.append(expected, seen.missing_share * rows), np.append(actual, missing)
    from scipy.special import chdtri

    noise = 1.0 / expected.sum() + 1.0 / actual.sum()  # the index of two samples of one source is chi-squared times it
    bins = int(np.count_nonzero(_filled(expected, actual)))
    chance = _CHANCE / columns
    psi_chance = float(chdtri(bins - 1, chance)) * noise if bins > 1 else 0.0
    present = 1.0 / max(1.0, rows * (1.0 - seen.missing_share)) + 1.0 / counts.sum()
    ks_chance = float(np.sqrt(-0.5 * np.log(chance / 2.0) * present))
    return Drift(seen.name, population_stability(expected, actual), ks, max(_LIMIT, psi_chance), max(_LIMIT, ks_chance))


def _filled(expected: Array, actual: Array) -> Array:
    return np.asarray((expected > 0.5) | (actual > 0))  # less than half a row is rounding


def _smoothed(expected: Array, actual: Array) -> tuple[Array, Array]:
    filled = _filled(expected, actual)
    first, second = expected[filled] + 0.5, actual[filled] + 0.5
    return first / first.sum(), second / second.sum()
