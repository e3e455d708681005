"""Class biases that minimise a label metric: exact line searches, class by class, over log probabilities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from automl.core import Array
from automl.metrics import KERNELS, NamedMetric, scores_by_counts

__all__ = ["LabelLoss", "best_bias", "find_biases", "one_hot"]

MOST_CUTS = 50_000  # between them all the labels of two classes can change
MOST_CUTS_MANY = 200  # of a class among several
MOST_CALLS = 40  # cuts of a metric that has to be called for each
_SWEEPS = 2
_BAGS = 10
_BAG_BELOW = 5_000  # rows
_TIE = 1e-12
_EDGE = 1.0  # how far beyond the last row (in log odds) a cut lies that all rows are on one side of


@dataclass(frozen=True)
class LabelLoss:
    """The loss of a label metric when rows change to a class one after the other."""

    metric: NamedMetric

    @property
    def by_counts(self) -> Callable[[Array], Array] | None:
        """Scores from confusion matrices, where the metric is one of the named ones."""
        own = self.metric.positive is not None or self.metric.kernel is KERNELS.get(self.metric.name)
        return scores_by_counts(self.metric.name) if own else None

    def most_cuts(self, n_classes: int) -> int:
        if self.by_counts is None:
            return MOST_CALLS
        return MOST_CUTS if n_classes == 2 else MOST_CUTS_MANY

    def of(self, y: Array, label: Array, n_classes: int, weights: Array | None) -> float:
        return float(self.metric.losses(y, one_hot(label, n_classes)[None], weights)[0])

    def at_cuts(
        self, y: Array, rest: Array, k: int, bins: Array, n_cuts: int, n_classes: int, weights: Array | None
    ) -> Array:
        """Return the losses at cuts 0..n_cuts: at cut c rows with ``bins`` < c have label k, the others ``rest``."""
        score = self.by_counts
        if score is None:
            losses = np.empty(n_cuts + 1)
            for cut in range(n_cuts + 1):
                losses[cut] = self.of(y, np.where(bins < cut, k, rest), n_classes, weights)
            return losses
        cells = (bins * n_classes + y) * n_classes + rest
        mass = np.bincount(cells, weights, minlength=(n_cuts + 1) * n_classes**2)
        mass = mass.reshape(n_cuts + 1, n_classes, n_classes).astype(np.float64)
        moved = np.zeros_like(mass)
        np.cumsum(mass[:-1], axis=0, out=moved[1:])
        matrices = mass.sum(axis=0) - moved
        if weights is not None:  # what sums up to nothing must be nothing: averages ask whether a class is there
            matrices[np.abs(matrices) < 1e-9 * mass.sum()] = 0.0
        matrices[:, :, k] += moved.sum(axis=2)
        return np.asarray(-score(matrices[:, ::-1, ::-1] if self.metric.positive == 0 else matrices))


def one_hot(label: Array, n_classes: int) -> Array:
    return np.asarray((label[:, None] == np.arange(n_classes)).astype(np.float64))


def best_bias(loss: LabelLoss, y: Array, scores: Array, k: int, weights: Array | None = None) -> float:
    """Return what is best added to the scores of class k, the middle of the longest stretch of equally good values.

    Parameters
    ----------
    scores : ndarray of shape (n, K)
        A row has the label of its greatest score, the first one of equal ones.

    Notes
    -----
    Rows change to class k one by one as its bias grows, each at the distance to the best of its other scores. So the
    loss is known for all biases after one sort: O(n log n).
    """
    n_classes = scores.shape[1]
    others = np.where(np.arange(n_classes) == k, -np.inf, scores)
    rest = others.argmax(axis=1)
    change = others.max(axis=1) - scores[:, k]
    grid = np.unique(change)
    most = loss.most_cuts(n_classes)
    if len(grid) > most:
        grid = grid[np.linspace(0, len(grid) - 1, most).astype(np.intp)]
    bins = np.searchsorted(grid, change)
    losses = loss.at_cuts(y, rest, k, np.minimum(bins, len(grid) - 1), len(grid), n_classes, weights)
    if not np.isfinite(losses).any():
        return 0.0
    good = losses <= np.nanmin(losses) + _TIE
    edges = np.concatenate([[grid[0] - _EDGE], grid, [grid[-1] + _EDGE]])  # cut c lies between edges c and c + 1
    bounds = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]])))
    first, last = bounds[::2], bounds[1::2] - 1
    now = np.searchsorted(grid, 0.0)  # where nothing is added
    if good[now]:
        return 0.0
    middles = 0.5 * (edges[first] + edges[last + 1])
    order = np.lexsort((np.abs(middles), first - last))
    return float(middles[order[0]])


def find_biases(
    loss: LabelLoss,
    y: Array,
    scores: Array,
    *,
    weights: Array | None,
    units: Array | None,
    shrink: float,
    seed: int,
    stop: Callable[[], bool],
) -> Array:
    """Return biases of all classes, 0 for the first or on average, that lower a label metric on these rows.

    A class without rows, such as one that had to stay in training, has none: being predicted it could only lose here.

    They are searched from an anchor, which is either no bias or the inverse of the classes' shares, and drawn back to
    it where a class has few rows: a class of n rows goes n / (n + ``shrink``) of the way. For two classes on few rows
    the searched value is the mean over bootstrap samples.

    Parameters
    ----------
    units : ndarray of shape (n,), optional
        Codes of rows that are drawn together.
    """
    n_classes = scores.shape[1]
    rows = np.bincount(y, minlength=n_classes)
    if n_classes > 2:
        if (rows > 0).sum() < 2:
            return np.zeros(n_classes)
        scores = np.where(rows > 0, scores, -np.inf)
    mass = np.maximum(np.bincount(y, weights, minlength=n_classes), 1e-300)
    evened = np.where(rows > 0, -np.log(mass / mass.sum()), 0.0)
    evened = np.where(rows > 0, evened - evened[rows > 0].mean(), 0.0)
    anchors = [np.zeros(n_classes), evened]
    losses = [loss.of(y, (scores + anchor).argmax(axis=1), n_classes, weights) for anchor in anchors]
    anchor = anchors[1 if losses[1] < losses[0] else 0]
    found = anchor.copy()
    if n_classes == 2:
        anchor = np.array([0.0, anchor[1] - anchor[0]])
        found = np.array([0.0, _bagged(loss, y, scores + anchor, weights, units, seed) + anchor[1]])
        pull = rows.min() / (rows.min() + shrink)
        return np.asarray(anchor + pull * (found - anchor))
    for _ in range(_SWEEPS):
        before = found.copy()
        for k in np.flatnonzero(rows):
            if stop():
                break
            found[k] += best_bias(loss, y, scores + found, int(k), weights)
        if np.array_equal(before, found):
            break
    biases = anchor + rows / (rows + shrink) * (found - anchor)
    return np.where(rows > 0, biases - biases[rows > 0].mean(), 0.0)


def _bagged(loss: LabelLoss, y: Array, scores: Array, weights: Array | None, units: Array | None, seed: int) -> float:
    """Return the best bias of class 1, on few rows averaged over bootstrap samples: single best cuts jump about."""
    n = len(y)
    if n >= _BAG_BELOW or loss.by_counts is None:
        return best_bias(loss, y, scores, 1, weights)
    rng = np.random.default_rng([seed, 7])
    count = n if units is None else int(units.max()) + 1
    found = []
    for _ in range(_BAGS):
        times = np.bincount(rng.integers(0, count, count), minlength=count)
        times = times if units is None else times[units]
        drawn = np.flatnonzero(times)
        mass = times[drawn].astype(np.float64)
        mass = mass if weights is None else mass * weights[drawn]
        if len(np.unique(y[drawn])) == 2:
            found.append(best_bias(loss, y[drawn], scores[drawn], 1, mass))
    return float(np.mean(found)) if found else 0.0
