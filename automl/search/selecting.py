"""Which complete trials vote, with which weights, and what they score together."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl.core import Array, Job, JobKind, Metric, NoModelError, Status
from automl.data import Dataset, Task
from automl.ensemble import select
from automl.evaluate import Estimate, estimate_score
from automl.metrics import get_metric
from automl.search.candidate import Candidate
from automl.search.loop import LOAD_MB_PER_SECOND, Run, await_jobs
from automl.search.schedule import COUNTED_SECONDS

__all__ = ["Evidence", "Selected", "choose"]

STARTING_SECONDS = 0.5  # a worker may have to be started for it


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
    n_unscored: int

    @classmethod
    def of(cls, run: Run, dataset: Dataset) -> Evidence:
        rows = run.folds.scored
        weights = None if dataset.weights is None else dataset.weights[rows]
        groups = None if dataset.groups is None else np.asarray(dataset.groups)[rows]
        return cls(
            dataset.y[rows], rows, run.folds.numbers, run.metric, weights, groups, run.plan.seed, run.folds.n_unscored
        )

    @property
    def clusters(self) -> Array | None:
        """What must stay together: groups, or the same row scored twice."""
        if self.groups is not None:
            return self.groups
        return self.rows if len(np.unique(self.rows)) < len(self.rows) else None

    def estimate(self, stack: Array, weights: Sequence[float], stop: Callable[[], bool] | None = None) -> Estimate:
        """Score the weighted mean of predictions; rows that belong together are resampled together."""
        shares = np.asarray(weights, dtype=np.float64)
        mixed = np.tensordot(shares[shares > 0], stack[shares > 0], axes=1)
        return estimate_score(
            self.y,
            mixed,
            self.metric,
            weights=self.weights,
            folds=self.folds,
            clusters=self.clusters,
            n_unscored=self.n_unscored,
            seed=self.seed,
            stop=stop,
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
    spare = min(spare, run.plan.reserve_seconds)  # what is kept beyond that is for refits
    seconds = max(0.3, 0.8 * (spare - 0.3)) if run.plan.timed else None
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
    selected: Selected | None = _in_worker(run, own, COUNTED_SECONDS if seconds is None else seconds + 0.5)
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
    stack = np.stack(list(predictions))
    try:
        choice = select(
            stack,
            evidence.y,
            evidence.metric,
            weights=evidence.weights,
            groups=evidence.clusters,
            families=families,
            size=size,
            seed=evidence.seed,
            stop=_after(None if seconds is None else 0.75 * seconds),
        )
        weights, method, nested = tuple(float(weight) for weight in choice.weights), choice.method, dict(choice.nested)
    except NoModelError:  # not defined on all scored rows together: the best trial, which stands first
        weights, method, nested = (1.0, *([0.0] * (len(stack) - 1))), "single", {}
    stop = _after(None if seconds is None else 0.25 * seconds)
    return Selected(weights, method, nested, evidence.estimate(stack, weights, stop))


def _after(seconds: float | None) -> Callable[[], bool] | None:
    """Return a question that is answered with yes from so many seconds on."""
    if seconds is None:
        return None
    deadline = time.monotonic() + seconds
    return lambda: time.monotonic() > deadline


def _in_worker(run: Run, work: Callable[[], Any], seconds: float) -> Any:
    job = Job(run.new_job(), JobKind.CALL, None, None, work, seconds_limit=seconds)
    run.executor.submit(job)
    for result in await_jobs(run, {job.id}, seconds + STARTING_SECONDS):
        if result.status is Status.OK:
            return result.value
    return None
