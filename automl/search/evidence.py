"""What is known of the candidates when the search is over, and what it says of the ensemble and of each of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from automl.core import Array, Metric, adjusted_p_values
from automl.data import Dataset
from automl.evaluate import (
    SEARCH_SCORE,
    Estimate,
    Optimism,
    corrected_estimate,
    estimate_score,
    inflation,
    selection_optimism,
)
from automl.evaluate.influence import deviations
from automl.search.loop import Run
from automl.search.sampled import clusters_of

__all__ = ["Entrants", "Evidence", "Scores", "compare"]

COMPARED = 200  # candidates
LEAST_RECENT = 200  # rows of the last forward fold that can choose alone
LEAST_CORRECTED = 50  # of them among the rows that the correction looks at


@dataclass(frozen=True)
class Scores:
    """What an ensemble scores.

    Parameters
    ----------
    estimate : Estimate
        Corrected for the selection.
    search_score : Estimate
        As trials are scored, on the rows that chose: optimistic.
    reported : mapping of str to Estimate
        Corrected, under the metrics that are not optimised.
    optimism : Optimism
        What was corrected, under all of them.
    """

    estimate: Estimate
    search_score: Estimate
    reported: Mapping[str, Estimate]
    optimism: Optimism


@dataclass(frozen=True)
class Entrants:
    """All complete candidates but constants, also those that the ensemble could no longer choose.

    Parameters
    ----------
    trials : tuple of int
    families : tuple of str
    losses : ndarray of shape (m,)
    stack : ndarray of shape (m, r, K) or (m, r)
        Predictions for a sample of the scored rows.
    rows : ndarray of shape (r,)
        Their places among the scored rows.
    n : int
        Complete candidates, also of those without predictions.
    n_rows : int
        Rows of the table.
    """

    trials: tuple[int, ...]
    families: tuple[str, ...]
    losses: Array
    stack: Array = field(repr=False)
    rows: Array = field(repr=False)
    n: int
    n_rows: int

    @classmethod
    def of(cls, run: Run) -> Entrants:
        complete = [c for c in run.schedule.candidates if c.complete and c.model.family != "prior"]
        sampled, rows = run.sampled.predictions, run.sampled.rows
        there = [c for c in complete if not c.discarded or c.trial.id in sampled]
        there = [c for c in there if rows.size]
        return cls(
            tuple(c.trial.id for c in there),
            tuple(c.model.family for c in there),
            np.array([c.loss for c in there]),
            np.array([sampled[c.trial.id] if c.discarded else c.out_of_fold()[rows] for c in there]),
            rows,
            len(complete),
            run.plan.n_rows,
        )


@dataclass(frozen=True)
class Evidence:
    """Targets of the scored rows, in the layout of out-of-fold predictions.

    ``recent`` are the places of the rows that choose the ensemble: after forward folds those of the last one, where
    there are enough. On tables with times that lowered the error on later rows (meta/bench/forward.py). None: all.
    """

    y: Array
    rows: Array
    folds: Array
    metric: Metric
    weights: Array | None
    groups: Array | None
    clusters: Array | None
    seed: int
    n_unscored: int
    reported: tuple[Metric, ...] = ()
    recent: Array | None = field(default=None, repr=False)

    @classmethod
    def of(cls, run: Run, dataset: Dataset) -> Evidence:
        rows = run.folds.scored
        last = np.flatnonzero(run.folds.numbers == len(run.folds) - 1)
        chooses = run.folds.forward and LEAST_RECENT <= len(last) < len(rows)
        return cls(
            dataset.y[rows],
            rows,
            run.folds.numbers,
            run.metric,
            None if dataset.weights is None else dataset.weights[rows],
            None if dataset.groups is None else np.asarray(dataset.groups)[rows],
            clusters_of(run.folds, dataset),
            run.plan.seed,
            run.folds.n_unscored,
            run.reported,
            last if chooses else None,
        )

    @property
    def builtin(self) -> bool:
        """Whether no code of the user's own is called."""
        return self.metric.builtin and all(metric.builtin for metric in self.reported)

    def with_usual(self, usual: Metric) -> Evidence:
        """Return the same without metrics of the user's own; ``usual`` stands in for the optimised one."""
        reported = tuple(metric for metric in self.reported if metric.builtin)
        return replace(self, metric=self.metric if self.metric.builtin else usual, reported=reported)

    def optimism(self, entrants: Entrants, mixed: Array, size: int, stop: Callable[[], bool] | None = None) -> Optimism:
        """Return how much of the ensemble's score is owed to its choice."""
        if len(entrants.trials) < 2:
            return _nothing(1 + len(self.reported))
        here, share = np.arange(len(entrants.rows)), 1.0
        if self.recent is not None:  # the other rows did not choose, so that nothing is owed on them
            inside = np.flatnonzero(np.isin(entrants.rows, self.recent))
            if len(inside) >= LEAST_CORRECTED:
                here, share = inside, len(self.recent) / len(self.y)
        rows = entrants.rows[here]
        some = self.part(rows)
        found = selection_optimism(
            entrants.stack[:, here],
            mixed[rows],
            some.y,
            (self.metric, *self.reported),
            families=entrants.families,
            weights=some.weights,
            folds=some.folds,
            clusters=some.clusters,
            n_rows=entrants.n_rows,
            size=size,
            seed=self.seed,
            stop=stop,
        )
        losses, errors = (tuple(share * value for value in part) for part in (found.losses, found.errors))
        return replace(found, losses=losses, errors=errors)

    def scores(
        self, mixed: Array, n: int, optimism: Optimism | None = None, stop: Callable[[], bool] | None = None
    ) -> Scores:
        """Score the predictions of an ensemble that was chosen among ``n`` candidates."""
        optimism = optimism or _nothing(1 + len(self.reported))
        found = [
            corrected_estimate(self._estimate(metric, mixed, stop, n_candidates=n), optimism, metric.sign, number)
            for number, metric in enumerate((self.metric, *self.reported))
        ]
        search_score = self._estimate(self.metric, mixed, stop, by_fold=True, n_candidates=n, label=SEARCH_SCORE)
        return Scores(found[0], search_score, {one.metric: one for one in found[1:]}, optimism)

    def _estimate(self, metric: Metric, mixed: Array, stop: Callable[[], bool] | None, **options: Any) -> Estimate:
        return estimate_score(
            self.y,
            mixed,
            metric,
            weights=self.weights,
            folds=self.folds,
            clusters=self.clusters,
            n_unscored=self.n_unscored,
            seed=self.seed,
            stop=stop,
            **options,
        )

    def part(self, rows: Array) -> Evidence:
        """Return the same of some places; all of them choose."""

        def take(values: Array | None) -> Any:
            return None if values is None else values[rows]

        return replace(
            self,
            y=self.y[rows],
            rows=self.rows[rows],
            folds=self.folds[rows],
            weights=take(self.weights),
            groups=take(self.groups),
            clusters=take(self.clusters),
            recent=None,
        )


def compare(
    evidence: Evidence, entrants: Entrants, stop: Callable[[], bool] | None = None
) -> dict[str, dict[str, float]]:
    """Return the standard error of each trial's score, and the p-value of its being worse than the best, by trial.

    One-sided, from the differences of the influences of the same rows, adjusted for the number of trials after Holm.
    Trials for which nothing is known are not there; at most the best 200 are, and none under a metric of the user's
    own, which may be slow.
    """
    order = np.argsort(entrants.losses, kind="stable")[:COMPARED]
    if not len(order) or not evidence.metric.builtin:
        return {"standard_errors": {}, "p_worse": {}}
    some = evidence.part(entrants.rows)
    found = deviations(
        evidence.metric,
        some.y,
        entrants.stack[order],
        weights=some.weights,
        folds=some.folds,
        clusters=some.clusters,
        seed=evidence.seed,
        stop=stop,
    )
    # fewer rows of each group say less about rows, but not about groups
    share = 1.0 if evidence.groups is not None else len(some.y) / len(evidence.y)
    units = len(evidence.y) if evidence.clusters is None else len(np.unique(evidence.clusters))
    scale = math.sqrt(share) * inflation(units)
    errors = scale * np.sqrt((found**2).sum(axis=1))
    apart = scale * np.sqrt(((found - found[0]) ** 2).sum(axis=1))
    behind = entrants.losses[order] - entrants.losses[order[0]]
    p = np.array([_upper_tail(gap, error) for gap, error in zip(behind[1:], apart[1:], strict=True)])
    return {
        "standard_errors": _by_trial(entrants, order, errors),
        "p_worse": _by_trial(entrants, order, np.concatenate(([1.0], adjusted_p_values(p)))),
    }


def _nothing(n_metrics: int) -> Optimism:
    return Optimism((0.0,) * n_metrics, (0.0,) * n_metrics, "none", 0)


def _upper_tail(gap: float, error: float) -> float:
    """Return the chance of a normal variable to be above ``gap``; equal predictions are not worse."""
    if not error > 0:
        return 1.0 if error == 0 else float("nan")
    return 0.5 * math.erfc(gap / error / math.sqrt(2.0))


def _by_trial(entrants: Entrants, order: Array, values: Sequence[float] | Array) -> dict[str, float]:
    pairs = zip(order, values, strict=True)
    return {str(entrants.trials[i]): float(value) for i, value in pairs if math.isfinite(value)}
