"""What outer folds say of the whole procedure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from automl.core import Array
from automl.data import Dataset
from automl.evaluate import Estimate, Folds, Held, OutOfFold, join_held
from automl.evaluate.influence import held_out_losses, standard_errors
from automl.metrics import NamedMetric
from automl.search.sampled import clusters_of

__all__ = ["NestedResult", "OuterFold", "join_folds"]

LABEL = "nested cross-validation of the whole procedure"
SHARED_TRAINING = 2.0**0.5


@dataclass(frozen=True)
class OuterFold:
    """What came of the whole procedure on the training part of one outer fold.

    Parameters
    ----------
    fold : int
    score : float
        Of its final model on the test part, in the metric's natural sign; NaN where the metric is not defined there.
    inner_score : float
        What the search itself had estimated.
    n_train, n_test : int
    stopped : str
        Why its search ended.
    trials : mapping of status to count
    members : tuple of str
        Models of its ensemble, heaviest first.
    seconds : float
        For all of it; 0 in counted runs.
    max_trials : int or None
    """

    fold: int
    score: float
    inner_score: float
    n_train: int
    n_test: int
    stopped: str
    trials: Mapping[str, int]
    members: tuple[str, ...]
    seconds: float = 0.0
    max_trials: int | None = None


@dataclass(frozen=True)
class NestedResult:
    """The score of the whole procedure on rows that nothing in it had seen.

    Parameters
    ----------
    estimate : Estimate
        Over the rows of all outer folds, with the standard error of their contributions.
    folds : tuple of OuterFold
        Those that came to their end.
    description : str
        Of the outer folds.
    out_of_fold : OutOfFold
        Predictions of the outer folds' final models, without the models.
    reported : tuple of Estimate
        By the other metrics that were asked for.
    stopped : str
        "complete", "deadline" or "interrupted".
    notes : tuple of str
        Why outer folds are missing.
    """

    estimate: Estimate
    folds: tuple[OuterFold, ...]
    description: str
    out_of_fold: OutOfFold = field(repr=False)
    reported: tuple[Estimate, ...] = ()
    stopped: str = "complete"
    notes: tuple[str, ...] = ()

    @property
    def estimates(self) -> dict[str, Estimate]:
        """By metric: the estimate, and those under the other metrics."""
        return {one.metric: one for one in (self.estimate, *self.reported)}

    def __str__(self) -> str:
        return str(self.estimate)


def join_folds(
    dataset: Dataset,
    metrics: Sequence[NamedMetric],
    outer: Folds,
    done: Mapping[int, tuple[OuterFold, Held]],
    seed: int,
) -> NestedResult:
    """Score all rows held out together; calls the metrics, so that the user's own belong into a worker.

    Ranks are compared within a fold only. The standard error comes from what each row contributes to the score when it
    is held out; rows of one group or one block of time, or of one row held out several times, vary together. But each
    row has trained the models of the other folds too, which makes folds vary together and cannot be estimated from one
    cross-validation (Bengio and Grandvalet, 2004). Where labels tell nothing, that part is as large as the first: the
    variance is taken twice, which is too much where there is more to learn.
    """
    order = sorted(done)
    held = join_held([done[fold][1] for fold in order])
    tests = [outer.pairs[fold][1] for fold in order]
    rows, folds = np.concatenate(tests), np.repeat(order, [len(test) for test in tests])
    weights, groups = (None if v is None else np.asarray(v)[rows] for v in (dataset.weights, dataset.groups))
    out = OutOfFold(rows, folds, dataset.y[rows], held.prediction, weights, groups)
    clusters = clusters_of(outer, dataset)
    clusters = None if clusters is None else clusters[np.isin(outer.numbers, order)]
    counted = f"{len(outer)} outer folds" if len(done) == len(outer) else f"{len(done)} of {len(outer)} outer folds"
    label = f"{LABEL}, {counted}"
    first, *others = [_estimate(out, held, metric, label, clusters, outer.n_unscored, seed) for metric in metrics]
    return NestedResult(first, tuple(done[fold][0] for fold in order), outer.description, out, tuple(others))


def _estimate(
    out: OutOfFold,
    held: Held,
    metric: NamedMetric,
    label: str,
    clusters: Array | None,
    n_unscored: int,
    seed: int,
) -> Estimate:
    stack = held.seen_by(metric)[None]
    value = metric.score(float(held_out_losses(metric, out.y, stack, out.weights, out.folds)[0]))
    error = float(
        standard_errors(metric, out.y, stack, weights=out.weights, folds=out.folds, clusters=clusters, seed=seed)[0]
    )
    if len(np.unique(out.folds)) > 1:
        error *= SHARED_TRAINING
    interval = (value - 1.96 * error, value + 1.96 * error)
    return Estimate(value, error, interval, label, metric.name, len(out.rows), n_unscored)
