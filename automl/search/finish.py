"""From complete trials to one plain model: select, refit if planned, load, join, estimate."""

from __future__ import annotations

import functools
import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from automl.core import Array, Event, Job, JobKind, Metric, NoModelError, Status
from automl.data import Dataset, Task
from automl.ensemble import select
from automl.evaluate import Estimate, FoldOutput, estimate_score, run_refit
from automl.metrics import get_metric
from automl.pipeline.assemble import assemble
from automl.search.candidate import Candidate
from automl.search.loop import SAVE_MB_PER_SECOND, Run, fold_event, model_path, retained, unpack
from automl.search.plan import Member

__all__ = ["Finished", "finish"]


@dataclass(frozen=True)
class Finished:
    model: Any
    members: tuple[Member, ...]
    estimate: Estimate


@dataclass(frozen=True)
class Selected:
    """Weights over candidates and the estimate of what they predict together."""

    weights: tuple[float, ...]
    loss: float
    method: str
    nested: dict[str, float]
    estimate: Estimate


def select_and_estimate(
    predictions: Sequence[Array],
    y: Array,
    rows: Array,
    metric: Metric,
    *,
    weights: Array | None,
    groups: Array | None,
    families: Sequence[str],
    size: int,
    seed: int,
    seconds: float | None,
) -> Selected:
    """Select the ensemble and score it; runs in the driver for built-in metrics, in a worker for the user's own."""
    deadline = None if seconds is None else time.monotonic() + seconds
    stop: Callable[[], bool] | None = None if deadline is None else lambda: time.monotonic() > deadline
    stack = np.stack(list(predictions))
    choice = select(
        stack, y, metric, weights=weights, groups=groups, families=families, size=size, seed=seed, stop=stop
    )
    mixed = np.tensordot(np.asarray(choice.weights, dtype=np.float64), stack, axes=1)
    clusters = rows if groups is None else groups
    repeated = groups is not None or len(np.unique(rows)) < len(rows)
    estimate = estimate_score(y, mixed, metric, weights=weights, clusters=clusters if repeated else None, seed=seed)
    chosen = tuple(float(weight) for weight in choice.weights)
    return Selected(chosen, float(choice.loss), choice.method, dict(choice.nested), estimate)


def finish(run: Run, dataset: Dataset) -> Finished:
    """Make the final model out of what the search left.

    Raises
    ------
    NoModelError
        Only if not even a constant model can be made.
    """
    candidates = retained(run)
    # a constant changes no ranks, so rank metrics would take it in for nothing: only where there is nothing else
    candidates = [c for c in candidates if c.model.family != "prior"] or candidates
    if not candidates:
        return _last_resort(run, dataset)
    selected = _select(run, dataset, candidates)
    chosen = [(c, w) for c, w in zip(candidates, selected.weights, strict=True) if w > 0]
    chosen = _affordable(run, chosen)
    total = sum(weight for _, weight in chosen)
    refitted = _refit(run, chosen, dataset) if run.plan.refit else {}
    parts: list[tuple[float, list[Any]]] = []
    members: list[Member] = []
    for candidate, weight in sorted(chosen, key=lambda pair: -pair[1]):
        paths = [refitted[candidate.trial.id]] if candidate.trial.id in refitted else candidate.artifacts
        if parts and run.budget.remaining() < 0.2:
            run.notes.append(f"trial {candidate.trial.id} left out of the ensemble: no time to load it")
            continue
        parts.append((weight / total, [_load(path) for path in paths]))
        members.append(
            Member(
                candidate.trial.id,
                candidate.trial.config,
                weight / total,
                candidate.loss,
                candidate.trial.id in refitted,
            )
        )
    model = assemble(parts, classes=dataset.classes, task=dataset.task)
    _announce(run, selected, members)
    return Finished(model, tuple(members), selected.estimate)


def _select(run: Run, dataset: Dataset, candidates: list[Candidate]) -> Selected:
    rows = run.folds.scored
    spare = run.budget.remaining() - sum(c.artifact_mb for c in candidates[:8]) / SAVE_MB_PER_SECOND
    seconds = max(0.3, 0.4 * spare) if run.plan.timed else None
    work = functools.partial(
        select_and_estimate,
        [candidate.out_of_fold() for candidate in candidates],
        dataset.y[rows],
        rows,
        run.metric,
        weights=None if dataset.weights is None else dataset.weights[rows],
        groups=None if dataset.groups is None else np.asarray(dataset.groups)[rows],
        families=[candidate.model.family for candidate in candidates],
        size=run.plan.ensemble_size,
        seed=run.plan.seed,
        seconds=seconds,
    )
    if run.metric.builtin:
        return work()
    selected: Selected | None = _in_worker(run, work, None if seconds is None else seconds + 0.5)
    if selected is not None:
        return selected
    # the user's metric fails or hangs outside the folds: select by the task's usual metric instead
    usual = get_metric("auto" if dataset.task is not Task.BINARY else "log_loss", task=str(dataset.task), classes=None)
    run.notes.append(f"metric {run.metric.name} failed on the ensemble; selected and estimated by {usual.name}")
    predictions, y, scored, _ = work.args
    return select_and_estimate(predictions, y, scored, usual, **work.keywords)


def _in_worker(run: Run, work: Callable[[], Any], seconds: float | None) -> Any:
    job = Job(run.new_job(), JobKind.CALL, None, None, work, seconds_limit=seconds)
    run.executor.submit(job)
    while True:
        for result in run.executor.collect(1.0):
            if result.job == job.id:
                return result.value if result.status is Status.OK else None


def _affordable(run: Run, chosen: list[tuple[Candidate, float]]) -> list[tuple[Candidate, float]]:
    """Leave out members with the least weight where loading all of them would take too long or too much memory."""
    limit = 0.3 * run.plan.memory_limit_mb
    if run.plan.timed:
        limit = min(limit, max(run.budget.remaining() - 0.3, 0.1) * SAVE_MB_PER_SECOND)
    kept: list[tuple[Candidate, float]] = []
    size = 0.0
    for candidate, weight in sorted(chosen, key=lambda pair: -pair[1]):
        if kept and size + candidate.artifact_mb > limit:
            run.notes.append(f"trial {candidate.trial.id} left out of the ensemble: {candidate.artifact_mb:.0f} MB")
            continue
        size += candidate.artifact_mb
        kept.append((candidate, weight))
    return kept


def _refit(run: Run, chosen: list[tuple[Candidate, float]], dataset: Dataset) -> dict[int, str]:
    """Fit the members again on all rows, heaviest first; a member whose refit does not end keeps its fold models."""
    train_rows = len(run.folds.pairs[0][0])
    growth = min(1.1, (dataset.n_rows / train_rows) ** 0.5)
    waiting: dict[int, Candidate] = {}
    until = run.budget.remaining() - 0.5 if run.plan.timed else float("inf")
    for candidate, _ in sorted(chosen, key=lambda pair: -pair[1]):
        found = [output.rounds for output in candidate.outputs.values() if output.rounds]
        rounds = round(float(np.mean(found)) * growth) if found else None
        trial = candidate.trial
        payload = functools.partial(
            run_refit, str(run.evaluation_path), trial.config, model_path(run, trial.id, None), rounds, None
        )
        job = Job(
            run.new_job(), JobKind.REFIT, trial.id, None, payload, seconds_limit=until if run.plan.timed else 600.0
        )
        waiting[job.id] = candidate
        run.executor.submit(job)
    done: dict[int, str] = {}
    deadline = run.budget.elapsed() + until
    while waiting:
        left = deadline - run.budget.elapsed() if run.plan.timed else None
        if left is not None and left <= 0:
            run.executor.cancel(list(waiting))
            left = 0.2
        for raw in run.executor.collect(left):
            result = unpack(raw)
            if waiting.pop(raw.job, None) is None or raw.trial is None:
                continue
            run.emit(Event("fold", fold_event(result), run.budget.elapsed()))
            if result.status is Status.OK and isinstance(raw.value, FoldOutput) and raw.value.artifact:
                done[raw.trial] = raw.value.artifact
            else:
                run.notes.append(f"trial {raw.trial} could not be refitted ({result.status}); its fold models are used")
    return done


def _load(path: str) -> Any:
    with Path(path).open("rb") as file:  # written by our own workers in this run
        return pickle.load(file)


def _announce(run: Run, selected: Selected, members: Sequence[Member]) -> None:
    data = {
        "weights": {str(member.trial): member.weight for member in members},
        "loss": selected.loss,
        "method": selected.method,
        "nested": selected.nested,
        "final": True,
    }
    run.emit(Event("ensemble", data, run.budget.elapsed()))


def _last_resort(run: Run, dataset: Dataset) -> Finished:
    """No trial is complete: vote with the fold models of the trial that came furthest, else predict a constant."""
    partial = [c for c in run.schedule.candidates if c.artifacts and any(Path(p).exists() for p in c.artifacts)]
    if partial:
        best = min(partial, key=lambda c: (-len(c.outputs), c.loss))
        models = [_load(path) for path in best.artifacts if Path(path).exists()]
        run.notes.append(f"no trial was complete; the model is {best.model.name} on {len(models)} fold(s)")
        model = assemble([(1.0, models)], classes=dataset.classes, task=dataset.task)
        value, n = -run.metric.sign * best.loss, sum(len(run.folds.pairs[f][1]) for f in best.outputs)
        members: tuple[Member, ...] = (Member(best.trial.id, best.trial.config, 1.0, best.loss, False),)
    else:
        try:
            constant = _constant(dataset)
        except ValueError as error:
            raise NoModelError(f"no model could be fitted, not even a constant one: {error}") from error
        run.notes.append("no trial was complete; the model predicts a constant: give more time")
        model = assemble([(1.0, [constant])], classes=dataset.classes, task=dataset.task)
        value, n, members = float("nan"), 0, ()
    label = "no complete trial; score of the folds that are there" if members else "no score: constant model"
    nothing = float("nan")
    return Finished(model, members, Estimate(value, nothing, (nothing, nothing), label, run.metric.name, n))


def _constant(dataset: Dataset) -> Any:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    # strategies that ignore X, so that any table fits
    dummy = DummyClassifier(strategy="prior") if dataset.task.classifies else DummyRegressor()
    return dummy.fit(np.zeros((dataset.n_rows, dataset.n_columns)), dataset.y, sample_weight=dataset.weights)
