"""Which complete trials vote, with which weights, and what they score together."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl.core import Array, Job, JobKind, Metric, Status
from automl.data import Dataset, Task
from automl.ensemble import select
from automl.evaluate import Estimate, estimate_score
from automl.metrics import get_metric
from automl.search.candidate import Candidate
from automl.search.loop import LOAD_MB_PER_SECOND, Run

__all__ = ["Evidence", "Selected", "choose"]


@dataclass(frozen=True)
class Evidence:
    """Targets of the scored rows, in the layout of out-of-fold predictions."""

    y: Array
    rows: Array
    folds: Array
    metric: Metric
    weights: Array | None
    groups: Array | None
    seed: int

    @classmethod
    def of(cls, run: Run, dataset: Dataset) -> Evidence:
        rows = run.folds.scored
        weights = None if dataset.weights is None else dataset.weights[rows]
        groups = None if dataset.groups is None else np.asarray(dataset.groups)[rows]
        return cls(dataset.y[rows], rows, run.folds.numbers, run.metric, weights, groups, run.plan.seed)

    def estimate(self, stack: Array, weights: Sequence[float]) -> Estimate:
        """Score the weighted mean of predictions; rows that belong together are resampled together."""
        mixed = np.tensordot(np.asarray(weights, dtype=np.float64), stack, axes=1)
        clusters = self.groups if self.groups is not None else self.rows
        bound = self.groups is not None or len(np.unique(self.rows)) < len(self.rows)
        return estimate_score(
            self.y,
            mixed,
            self.metric,
            weights=self.weights,
            folds=self.folds,
            clusters=clusters if bound else None,
            seed=self.seed,
        )


@dataclass(frozen=True)
class Selected:
    """Weights over the candidates offered, and the estimate of what they predict together."""

    weights: tuple[float, ...]
    method: str
    nested: dict[str, float]
    estimate: Estimate


def choose(run: Run, evidence: Evidence, candidates: Sequence[Candidate]) -> Selected:
    """Select the ensemble; in the driver for built-in metrics, in a worker where the user's own code is called."""
    spare = run.budget.remaining() - sum(c.artifact_mb for c in candidates[:8]) / LOAD_MB_PER_SECOND
    seconds = max(0.3, 0.4 * spare) if run.plan.timed else None
    work = functools.partial(
        _select,
        [candidate.out_of_fold() for candidate in candidates],
        families=[candidate.model.family for candidate in candidates],
        size=run.plan.ensemble_size,
        seconds=seconds,
    )
    if run.metric.builtin:
        return work(evidence=evidence)
    own = functools.partial(work, evidence=evidence)
    selected: Selected | None = _in_worker(run, own, None if seconds is None else seconds + 0.5)
    if selected is not None:
        return selected
    # the user's metric fails or hangs outside the folds: select by the task's usual metric instead
    task = Task(run.plan.task)
    usual = get_metric("log_loss" if task is Task.BINARY else "auto", task=run.plan.task)
    run.notes.append(f"metric {run.metric.name} failed on the ensemble; selected and estimated by {usual.name}")
    return work(evidence=replace(evidence, metric=usual))


def _select(
    predictions: Sequence[Array], *, evidence: Evidence, families: Sequence[str], size: int, seconds: float | None
) -> Selected:
    deadline = None if seconds is None else time.monotonic() + seconds
    stop: Callable[[], bool] | None = None if deadline is None else lambda: time.monotonic() > deadline
    stack = np.stack(list(predictions))
    choice = select(
        stack,
        evidence.y,
        evidence.metric,
        weights=evidence.weights,
        groups=evidence.groups,
        families=families,
        size=size,
        seed=evidence.seed,
        stop=stop,
    )
    weights = tuple(float(weight) for weight in choice.weights)
    return Selected(weights, choice.method, dict(choice.nested), evidence.estimate(stack, weights))


def _in_worker(run: Run, work: Callable[[], Any], seconds: float | None) -> Any:
    job = Job(run.new_job(), JobKind.CALL, None, None, work, seconds_limit=seconds)
    run.executor.submit(job)
    while True:
        for result in run.executor.collect(1.0):
            if result.job == job.id:
                return result.value if result.status is Status.OK else None
