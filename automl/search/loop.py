"""The conversation between optimizer and executor, against the deadline."""

from __future__ import annotations

import contextlib
import errno
import functools
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from automl.core import (
    Budget,
    Event,
    ExecutionError,
    Executor,
    FoldResult,
    Job,
    JobKind,
    Measures,
    Metric,
    Result,
    SettingError,
    Status,
    StoreError,
)
from automl.evaluate import FoldOutput, Folds, metric_failed, run_fold
from automl.search.candidate import Candidate
from automl.search.launch import Launch
from automl.search.plan import FitPlan
from automl.search.sampled import Sampled
from automl.search.schedule import Schedule
from automl.store import Artifacts

__all__ = ["Run", "announce", "await_jobs", "await_results", "growth_to_all", "new_job", "run_search"]

GRACE_SECONDS = 2.0  # for cancelled jobs to come back

_DISK = tuple(f"[Errno {code}]" for code in (errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO))

_JOB_IDS = itertools.count(1)  # one executor may serve several fits: no two of their jobs share a number
LOAD_MB_PER_SECOND = 100.0  # loading a fold model back, cautiously
MODEL_SECONDS = 0.03  # processor seconds for each fold model that is loaded and joined
JOINING = 0.4  # of the least reserve, what selecting leaves for that
MOST_JOINING = 0.2  # of the time budget, what joining may need beyond the least reserve
MOST_SLOWDOWN = 4.0
LATEST_FOLDS = 10
METRIC_TRIES = 3  # models, a constant among them, by which a metric is found to fail always


@dataclass
class Run:
    """What one fit works with. ``emit`` writes to the journal and tells the listeners."""

    plan: FitPlan
    budget: Budget
    folds: Folds
    metric: Metric
    schedule: Schedule
    executor: Executor
    artifacts: Artifacts
    evaluation_path: Path
    emit: Callable[[Event], None]
    flying: dict[int, Launch] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    chosen: tuple[int, ...] = ()  # trials in the latest ensemble of the search
    reported: tuple[Metric, ...] = ()  # metrics that are not optimised
    sampled: Sampled = field(default_factory=Sampled)  # predictions of candidates that are discarded
    move: Callable[[Run], None] | None = None  # to another folder, once, when this one can no longer be used
    stranded: frozenset[int] = frozenset()  # jobs that were under way in the folder that was left
    largest_mb: float = 0.0  # what an earlier sitting would have joined

    def new_job(self) -> int:
        return new_job()


def new_job() -> int:
    """Return the number of a new job."""
    return next(_JOB_IDS)


def run_search(run: Run, between: Callable[[Run], None]) -> str:
    """Search until the deadline less the reserve; return why it stopped. All jobs are ended when it returns.

    ``between`` is called after every batch of results, while the workers go on.
    """
    try:
        stopped = _converse(run, between)
    except KeyboardInterrupt:
        stopped = "interrupted"
    except ExecutionError as error:
        stopped = "executor failed"
        run.notes.append(f"the executor failed: {error}")
    except Exception as error:
        if not any(c.complete and c.model.family != "prior" for c in run.schedule.candidates):
            raise
        stopped = "error"
        run.notes.append(f"the search failed: {type(error).__name__}: {error}")
    try:
        _land(run)
    except KeyboardInterrupt:
        stopped = "interrupted"
    return stopped


def _land(run: Run) -> None:
    """End what is still flying and close the trials that were not complete."""
    for result in await_jobs(run, set(run.flying), 0.0):
        _take_in(run, result)
    for closed in run.schedule.close_open():
        announce(run, closed)


def await_jobs(run: Run, ids: set[int], seconds: float) -> Iterator[FoldResult]:
    """Yield the results of these jobs as they end; after ``seconds`` cancel the rest, and never wait for ever."""
    yield from await_results(run.executor, ids, seconds)


def await_results(executor: Executor, ids: set[int], seconds: float) -> Iterator[FoldResult]:
    """Do what ``await_jobs`` does, without a run.

    Results of other jobs (of a fit that was interrupted, on the same executor) are passed over.
    """
    waiting = set(ids)
    deadline = time.monotonic() + seconds
    cancelled = False
    while waiting:
        left = deadline - time.monotonic()
        if left <= 0:
            if cancelled:
                return
            executor.cancel(list(waiting))
            cancelled, deadline = True, time.monotonic() + GRACE_SECONDS
            continue
        for result in executor.collect(min(left, 1.0)):
            if result.job in waiting:
                waiting.discard(result.job)
                yield result


def _converse(run: Run, between: Callable[[Run], None]) -> str:
    # one job waits for the next free worker; not where fits are long: it would be decided on too early
    ahead = 0 if run.plan.screen_rows else 1
    while True:
        left = run.budget.remaining() - reserve_seconds(run)
        if left <= 0:
            return "deadline"
        while len(run.flying) < run.executor.capacity + ahead:
            launch = run.schedule.next(left)
            if launch is None:
                break
            _submit(run, launch)
        if not run.flying:
            return run.schedule.reason or "nothing fits the time or the memory left"
        for result in run.executor.collect(min(left, 1.0)):
            _take_in(run, result)
        _check_metric(run)
        between(run)
        run.emit(Event("tick", seconds=run.budget.elapsed()))


def _check_metric(run: Run) -> None:
    """Refuse a metric of the user's own that fails whatever it is given, before it takes all of the time."""
    if run.metric.builtin:
        return
    ended = [c.result for c in run.schedule.candidates if c.result is not None]
    reasons = [result.reason or "" for result in ended]
    if len(reasons) >= METRIC_TRIES and all(reason.startswith(metric_failed(run.metric)) for reason in reasons):
        raise SettingError(f"{reasons[0]}; so it did for each of the first {len(reasons)} models. Correct the metric.")


def reserve_seconds(run: Run) -> float:
    """Time to keep for the end: joining and loading what the ensemble may need, refits where members are refitted."""
    if run.plan.seconds is None:
        return 0.0
    ended = [c for c in run.schedule.candidates if c.complete]
    complete = [c for c in ended if c.model.family != "prior"] or ended
    kept = [c for c in complete if c.trial.id in run.chosen and not c.discarded] or sorted(
        complete, key=lambda c: c.loss
    )[:8]
    loading = sum(c.artifact_mb for c in kept) / LOAD_MB_PER_SECOND
    refitting = 0.0
    if run.plan.refit and kept:
        longest = max(c.measures().fit_seconds / run.plan.n_folds for c in kept)
        total = sum(c.measures().fit_seconds / run.plan.n_folds for c in kept)
        more = 1.2 * growth_to_all(run) if run.folds.forward else 1.3
        refitting = min(more * max(longest, total / run.plan.n_jobs), 0.25 * run.plan.seconds)
    held = JOINING * run.plan.reserve_seconds
    joining = max(held, MODEL_SECONDS * sum(len(c.outputs) for c in kept)) * _slowdown(run)
    return run.plan.reserve_seconds + loading + min(joining - held, MOST_JOINING * run.plan.seconds) + refitting


def _slowdown(run: Run) -> float:
    """Return how many times longer the latest folds took than the processor worked on them: others want it too."""
    outputs = [output for c in run.schedule.candidates for output in c.outputs.values()][-LATEST_FOLDS:]
    worked = sum(output.cpu_seconds for output in outputs)
    # what the cache has saved counts as the fold's own, but nobody worked on it
    taken = sum(output.fit_seconds + output.predict_seconds - max(output.saved_seconds, 0.0) for output in outputs)
    return min(max(taken / worked, 1.0), MOST_SLOWDOWN) if worked > 0 else 1.0


def growth_to_all(run: Run) -> float:
    """Return how many times the training rows of a fold all rows are."""
    return run.plan.n_rows * len(run.folds) / sum(len(train) for train, _ in run.folds.pairs)


def model_path(run: Run, trial: int, fold: int | None) -> str:
    """Return where the fold model of a trial (None: the refit on all rows) lies."""
    return str(run.artifacts.folder_for(trial, fold) / "model.joblib")


def screened_path(run: Run, trial: int) -> Path:
    """Return where the model of a trial lies that was fitted on some of the rows."""
    return run.artifacts.folder_for(trial, 0).with_name("screened") / "model.joblib"


def _submit(run: Run, launch: Launch) -> None:
    trial, fold, whole = launch.candidate.trial, launch.fold, launch.rows == 1.0
    payload = functools.partial(
        run_fold,
        str(run.evaluation_path),
        trial.config,
        fold,
        trial.fidelity if whole else replace(trial.fidelity, rows=launch.rows),
        model_path(run, trial.id, fold) if whole else str(screened_path(run, trial.id)),
        launch.soft_seconds,
    )
    kind = JobKind.FOLD if whole else JobKind.PROBE
    job = Job(run.new_job(), kind, trial.id, fold, payload, launch.hard_seconds, run.plan.worker_limit_mb)
    run.flying[job.id] = launch
    run.executor.submit(job)


def _take_in(run: Run, result: FoldResult) -> None:
    """Journal one finished job, hand it to the schedule, and drop the artifacts nobody can need any more."""
    if run.flying.pop(result.job, None) is None:
        return  # of another fit
    result = unpack(result)
    if _lost_ground(run, result):
        _go_elsewhere(run, result)
        return
    run.emit(Event("fold", fold_event(result), run.budget.elapsed()))
    ended = run.schedule.record(result)
    for one in ended:
        announce(run, one)
    candidate = run.schedule.candidates[result.trial or 0]
    cut_short = candidate.result is not None and candidate.result.status is Status.CANCELLED
    if candidate.result is not None and not candidate.complete and not cut_short:  # its folds may be all there is
        discard(run, candidate)
    elif ended:
        keep_best(run)
    if candidate.screened is not None:
        _keep_screened(run)


def _lost_ground(run: Run, result: FoldResult) -> bool:
    """Whether a job failed because the folder of the run is gone, full or read-only, and there is another."""
    if result.status is not Status.CRASHED:
        return False
    if run.move is None:
        return result.job in run.stranded
    return not run.evaluation_path.exists() or any(code in (result.error or "") for code in _DISK)


def _go_elsewhere(run: Run, result: FoldResult) -> None:
    """Go on in another folder; the job runs again there."""
    again = replace(result, status=Status.CANCELLED)
    run.emit(Event("fold", fold_event(again), run.budget.elapsed()))
    if run.move is not None:
        move, run.move = run.move, None
        run.stranded = frozenset(run.flying)
        why = f"the folder of the run could not be used any more ({result.error})"
        run.notes.append(f"{why}; went on in a temporary one")
        move(run)
    run.schedule.retry(result)


def announce(run: Run, result: Result) -> None:
    """Journal how a trial ended."""
    candidate = run.schedule.candidates[result.trial.id]
    data = {
        "trial": result.trial.id,
        "status": str(result.status),
        "loss": result.loss,
        "folds": len(candidate.outputs),
        "fit_seconds": result.measures.fit_seconds,
        "predict_seconds": result.measures.predict_seconds,
        "reason": result.reason,
        "model": candidate.model.name,
        "family": candidate.model.family,
    }
    run.emit(Event("result", data, run.budget.elapsed()))


def unpack(result: FoldResult) -> FoldResult:
    """Join what the executor saw with what the payload reported."""
    output = result.value
    if result.status is not Status.OK or not isinstance(output, FoldOutput):
        return result
    measures = Measures(
        output.losses, output.fit_seconds, output.predict_seconds, output.cpu_seconds, output.write_seconds
    )
    return replace(
        result,
        status=output.status,
        measures=measures,
        rounds=output.rounds,
        artifact=output.artifact,
        error=output.error,
    )


def fold_event(result: FoldResult) -> dict[str, object]:
    measures = result.measures
    output = result.value if isinstance(result.value, FoldOutput) else FoldOutput(result.status)
    return {
        "job": result.job,
        "kind": str(result.kind),
        "trial": result.trial,
        "fold": result.fold,
        "status": str(result.status),
        "losses": dict(measures.losses),
        "fit_seconds": measures.fit_seconds,
        "predict_seconds": measures.predict_seconds,
        "cpu_seconds": measures.cpu_seconds,
        "write_seconds": measures.write_seconds,
        "wall_seconds": result.wall_seconds,
        "prepare_seconds": output.prepare_seconds,
        "saved_seconds": output.saved_seconds,
        "cache_hits": output.cache_hits,
        "cache_misses": output.cache_misses,
        "rounds": result.rounds,
        "peak_mb": result.peak_mb,
        "artifact": result.artifact,
        "artifact_mb": output.artifact_mb,
        "checksum": output.checksum,
        "error": result.error,
    }


def retained(run: Run) -> list[Candidate]:
    """Complete candidates that the ensemble may choose: the best ones and the best two of each family.

    A candidate too large to be loaded in a small part of the time, or of the memory, is out unless there is no other.
    """
    there = (c for c in run.schedule.candidates if c.complete and not c.discarded)
    complete = sorted(there, key=lambda c: (c.loss, c.trial.id))
    limit = max(run.largest_mb, largest_mb(run.plan.seconds, run.plan.memory_limit_mb))
    complete = [c for c in complete if c.artifact_mb <= limit] or complete[:1]
    keep = {c.trial.id for c in complete[: run.plan.candidates]}
    families: dict[str, int] = {}
    for candidate in complete:
        family = candidate.model.family
        families[family] = families.get(family, 0) + 1
        if families[family] <= 2:
            keep.add(candidate.trial.id)
    return [c for c in complete if c.trial.id in keep]


def largest_mb(seconds: float | None, memory_limit_mb: float) -> float:
    """Return how large the models of a candidate may be to be joined in a sitting of so many seconds."""
    if seconds is None:  # counted runs must not depend on the memory that happens to be free
        return float("inf")
    return min(0.1 * memory_limit_mb, 0.04 * seconds * LOAD_MB_PER_SECOND)


def keep_best(run: Run) -> None:
    keep = {c.trial.id for c in retained(run)}
    for candidate in run.schedule.candidates:
        if candidate.complete and candidate.trial.id not in keep:
            discard(run, candidate)


def _keep_screened(run: Run) -> None:
    """Of the models fitted on some of the rows keep the best, until one is there that was fitted on all."""
    screened = [c for c in run.schedule.candidates if c.screened is not None and c.screened.artifact]
    whole = any(c.complete and c.model.family != "prior" for c in run.schedule.candidates)
    best = None if whole else min(screened, key=lambda c: (c.screened_loss, c.trial.id), default=None)
    for candidate in screened:
        if candidate is not best and candidate.screened is not None:
            _delete(run, [screened_path(run, candidate.trial.id).parent])
            candidate.screened = replace(candidate.screened, artifact=None)


def discard(run: Run, candidate: Candidate) -> None:
    """Delete the fold models of a candidate that can no longer be chosen, and forget its predictions."""
    if candidate.complete and not candidate.discarded:
        run.sampled.keep(run.artifacts, candidate)
    _delete(run, [run.artifacts.folder_for(candidate.trial.id, fold) for fold in candidate.outputs])
    candidate.discard()


def _delete(run: Run, paths: list[Path]) -> None:
    with contextlib.suppress(StoreError):  # what cannot be deleted is no reason to stop
        run.artifacts.delete(paths)
