"""Which complete trials vote, with which weights, and what they score together."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from automl.core import Array, Job, JobKind, NoModelError, Status
from automl.data import Task
from automl.ensemble import select_decided, slimmed
from automl.evaluate import Estimate
from automl.evaluate.influence import standard_errors
from automl.metrics import get_metric
from automl.search.candidate import Candidate
from automl.search.evidence import Entrants, Evidence, Scores, compare
from automl.search.launch import COUNTED_SECONDS
from automl.search.loop import LOAD_MB_PER_SECOND, Run, await_jobs

__all__ = ["Selected", "after", "choose", "in_worker"]

STARTING_SECONDS = 0.5  # a worker may have to be started for it
CORRECTING = 0.03  # of the time budget
SELECTING = 0.6  # of the time for both
UNSEEN = 0.05  # standard errors of the score: what slow members may be worth and still leave


@dataclass(frozen=True)
class Selected:
    """Weights over the candidates offered, and what they score together.

    ``comparison`` is what :func:`automl.search.evidence.compare` says of all complete candidates.
    """

    weights: tuple[float, ...]
    method: str
    nested: dict[str, float]
    scores: Scores
    comparison: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def estimate(self) -> Estimate:
        return self.scores.estimate


def choose(run: Run, evidence: Evidence, candidates: Sequence[Candidate]) -> Selected:
    """Select the ensemble; in the driver for built-in metrics, in a worker where the user's own code is called."""
    spare = run.budget.remaining() - sum(c.artifact_mb for c in candidates[:8]) / LOAD_MB_PER_SECOND
    spare = min(spare, run.plan.reserve_seconds)  # what is kept beyond that is for refits
    seconds = max(0.3, 0.6 * (spare - 0.3)) if run.plan.timed else None
    work = functools.partial(
        _select,
        [candidate.out_of_fold() for candidate in candidates],
        Entrants.of(run),
        families=[candidate.model.family for candidate in candidates],
        size=run.plan.ensemble_size,
        # not in a counted run, where no clock may decide
        predicting=[c.measures().predict_seconds for c in candidates] if run.plan.timed else None,
        seconds=seconds,
        correcting=None if run.plan.seconds is None else CORRECTING * run.plan.seconds,
    )
    if evidence.builtin:
        return work(evidence=evidence)
    own = functools.partial(work, evidence=evidence)
    selected: Selected | None = in_worker(run, own, COUNTED_SECONDS if seconds is None else seconds + 0.5)
    if selected is not None:
        return selected
    # the user's metric fails or hangs outside the folds: select by the task's usual metric instead
    task = Task(run.plan.task)
    usual = evidence.with_usual(get_metric("log_loss" if task is Task.BINARY else "auto", task=run.plan.task))
    if not run.metric.builtin:
        run.notes.append(
            f"metric {run.metric.name} failed on the ensemble; selected and estimated by {usual.metric.name}"
        )
    missing = [m.name for m in evidence.reported if not m.builtin]
    if missing:
        run.notes.append(f"no estimate by {', '.join(missing)}: failed on the ensemble")
    return work(evidence=usual)


def _select(
    predictions: Sequence[Array],
    entrants: Entrants,
    *,
    evidence: Evidence,
    families: Sequence[str],
    size: int,
    seconds: float | None,
    correcting: float | None,
    predicting: Sequence[float] | None = None,
) -> Selected:
    stack = np.stack(list(predictions))
    last = after(seconds)
    stop = after(None if seconds is None else SELECTING * seconds)
    weights, method, nested = _weights(stack, evidence, families, size, stop)
    if predicting is not None:
        weights = _without_slow(stack, weights, evidence, predicting, stop)
    mixed = mix(stack, weights)
    limit = after(correcting)
    optimism = evidence.optimism(entrants, mixed, size, _either(last, limit))
    comparison = compare(evidence, entrants, last)
    scores = evidence.scores(mixed, entrants.n, optimism, after(None if seconds is None else 0.1 * seconds))
    return Selected(weights, method, nested, scores, comparison)


def _weights(
    stack: Array, evidence: Evidence, families: Sequence[str], size: int, stop: Callable[[], bool] | None
) -> tuple[tuple[float, ...], str, dict[str, float]]:
    """Return weights, method and nested losses; by the most recent rows, where these are to choose."""
    for rows in (evidence.recent, np.arange(len(evidence.y))):
        if rows is None:
            continue
        some = evidence.part(rows)
        try:
            choice = select_decided(
                stack[:, rows],
                some.y,
                some.metric,
                weights=some.weights,
                groups=some.clusters,
                families=families,
                size=size,
                seed=some.seed,
                stop=stop,
            )
        except NoModelError:  # not defined on these rows together
            continue
        return tuple(float(weight) for weight in choice.weights), choice.method, dict(choice.nested)
    return (1.0, *([0.0] * (len(stack) - 1))), "single", {}  # the best trial stands first


def _without_slow(
    stack: Array,
    weights: tuple[float, ...],
    evidence: Evidence,
    predicting: Sequence[float],
    stop: Callable[[], bool] | None,
) -> tuple[float, ...]:
    """Return the weights without members that take much of the time to predict for a gain that nobody can see."""
    if evidence.metric.needs == "label" or not evidence.builtin or sum(weight > 0 for weight in weights) < 2:
        return weights
    rows = np.arange(len(evidence.y)) if evidence.recent is None else evidence.recent
    some = evidence.part(rows)
    mixed = mix(stack[:, rows], weights)
    error = standard_errors(
        some.metric, some.y, mixed[None], weights=some.weights, folds=some.folds, clusters=some.clusters, stop=stop
    )[0]
    if not error > 0:
        return weights
    return slimmed(
        stack[:, rows],
        weights,
        some.y,
        some.metric,
        seconds=predicting,
        allowed=UNSEEN * float(error),
        row_weights=some.weights,
    )


def mix(stack: Array, weights: Sequence[float]) -> Array:
    """Return the weighted mean of predictions."""
    shares = np.asarray(weights, dtype=np.float64)
    return np.asarray(np.tensordot(shares[shares > 0], stack[shares > 0], axes=1))


def _either(*questions: Callable[[], bool] | None) -> Callable[[], bool] | None:
    asked = [question for question in questions if question is not None]
    return (lambda: any(question() for question in asked)) if asked else None


def after(seconds: float | None) -> Callable[[], bool] | None:
    """Return a question that is answered with yes from so many seconds on."""
    if seconds is None:
        return None
    deadline = time.monotonic() + seconds
    return lambda: time.monotonic() > deadline


def in_worker(run: Run, work: Callable[[], Any], seconds: float) -> Any:
    """Return what some work gives where the user's own code may be called; None where it fails or takes too long."""
    job = Job(run.new_job(), JobKind.CALL, None, None, work, seconds_limit=seconds)
    run.executor.submit(job)
    for result in await_jobs(run, {job.id}, seconds + STARTING_SECONDS):
        if result.status is Status.OK:
            return result.value
    return None
