"""run_fit: settings and a Dataset in, FitOutcome out. Builds the parts, runs the search, always returns a model."""

from __future__ import annotations

import dataclasses
import functools
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from automl.core import Budget, Event, Executor, Journal, Listener, NoModelError, stream_seed
from automl.data import Dataset, dump_dataset, fingerprint
from automl.evaluate import (
    SEARCH_SCORE,
    Estimate,
    Evaluation,
    Preparations,
    forget_evaluation,
    save_evaluation,
    warm_up,
)
from automl.execute import ProcessExecutor, SerialExecutor
from automl.optimize import Optimizer, start_optimizer
from automl.search.finish import Finished, finish, finish_alone, why_constant
from automl.search.interim import InterimEnsemble
from automl.search.loop import Run, run_search
from automl.search.memory import MemoryModel, PeakMemory, own_mb
from automl.search.plan import FitOutcome, FitPlan, Settings
from automl.search.resolve import (
    LEAST_SECONDS,
    Resolved,
    check_settings,
    least_reserve,
    resolve,
    wanted_workers,
    worker_count,
)
from automl.search.resume import check_same, restore
from automl.search.sampled import Sampled
from automl.search.schedule import Schedule
from automl.store import Artifacts, RunFolder, SqliteJournal

__all__ = ["open_executor", "run_fit", "summary"]

LEAST_WORKER_MB = 300.0  # less kills a worker that has only imported its libraries
SPARE_MB = 150.0  # a worker that waits to replace another
FREE_SHARE = 0.1  # of the free disk, for prepared rows


def run_fit(
    settings: Settings,
    dataset: Dataset,
    *,
    budget: Budget | None = None,
    journal: Journal | None = None,
    listeners: Sequence[Listener] = (),
    folder: RunFolder | None = None,
    earlier: Sequence[Event] = (),
    seconds: float | None = None,
    executor: Executor | None = None,
    ends: bool = True,
) -> FitOutcome:
    """Search for the best model that the budget can buy.

    Parameters
    ----------
    settings : Settings
    dataset : Dataset
        From :func:`automl.data.make_dataset`.
    budget : Budget, optional
        Opened by the caller when reading and checking count too; otherwise the clock starts here.
    journal : Journal, optional
        Where events are written; without one they are kept in memory and lost with it.
    listeners : sequence of Listener
        See every event, and ``tick`` events in between that are not journalled.
    folder : RunFolder, optional
        Owned by the caller: the run leaves there what another process needs to go on with it. Without one, everything
        but the outcome is gone at the end.
    earlier : sequence of Event
        The journal of this run so far: finished jobs are taken from it, the others run again.
    seconds : float or None
        Time of this session where it goes on with a run; ``settings`` stay those of the first session.
    executor : Executor, optional
        One that the caller has opened and closes, for several fits.
    ends : bool
        Whether the run ends with this fit; if not, its last event is left to the caller.

    Returns
    -------
    FitOutcome

    Raises
    ------
    SettingError
        If a setting is not valid.
    NoModelError
        If not even a constant model can be made.
    """
    check_settings(settings)
    budget = budget or Budget.begin(settings.time_budget)
    n_jobs = worker_count(settings, dataset) if executor is None else executor.capacity
    with ExitStack() as exits:
        place = exits.enter_context(_workspace(folder))
        executor = executor or exits.enter_context(open_executor(settings, n_jobs))
        memory = exits.enter_context(PeakMemory(executor))
        resolved = resolve(dataset, settings, n_jobs=n_jobs)
        if earlier:
            resolved = _continued(resolved, dataset, earlier, seconds)
        book = journal if journal is not None else SqliteJournal(None)
        run = _prepare(resolved, settings, dataset, budget, place, executor, book, listeners, earlier, exits)
        memory.shared_mb = folder_mb(place.data)
        run.notes += [] if resolved.advice.problem is None else [resolved.advice.problem]
        if settings.executor == "process" and n_jobs < (wanted := wanted_workers(settings.n_jobs)):
            run.notes.append(f"memory has room for {n_jobs} of {wanted} workers")
        try:
            stopped = run_search(run, InterimEnsemble(run, dataset).update)
            finished, stopped = _finish(run, dataset, stopped)
        finally:
            forget_evaluation()  # a serial executor has opened the table in this process
        memory.look()
        outcome = _outcome(run, finished, stopped, memory.mb)
        if ends:
            run.emit(Event("finished", summary(outcome), budget.elapsed()))
    return outcome


def _continued(resolved: Resolved, dataset: Dataset, earlier: Sequence[Event], seconds: float | None) -> Resolved:
    """Check that the run is the same, and give its plan the time of this session."""
    check_same(resolved.plan, fingerprint(dataset), earlier)
    if not resolved.plan.timed:
        return resolved
    given = seconds if seconds is not None else resolved.plan.seconds
    assert given is not None
    plan = dataclasses.replace(resolved.plan, seconds=given, reserve_seconds=least_reserve(given))
    return dataclasses.replace(resolved, plan=plan)


@contextmanager
def _workspace(folder: RunFolder | None) -> Iterator[RunFolder]:
    """The folder of the run, or one for this fit alone, deleted at the end."""
    if folder is not None:
        yield folder
        return
    path = tempfile.mkdtemp(prefix="automl-")
    try:
        yield RunFolder(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def open_executor(settings: Settings, n_jobs: int) -> Iterator[Executor]:
    """Start the workers first: they import their libraries while the driver checks and writes the table."""
    choice: Any = settings.executor
    if choice == "serial":
        executor: Executor = SerialExecutor()
    elif isinstance(choice, str):
        # a spare one takes memory that a table for which workers were left out has no room for
        executor = ProcessExecutor(n_jobs, warm=warm_up, spare=n_jobs == wanted_workers(settings.n_jobs))
    else:
        executor = choice
    try:
        yield executor
    finally:
        if isinstance(choice, str):
            executor.close()


def _prepare(
    resolved: Resolved,
    settings: Settings,
    dataset: Dataset,
    budget: Budget,
    place: RunFolder,
    executor: Executor,
    journal: Journal,
    listeners: Sequence[Listener],
    earlier: Sequence[Event],
    exits: ExitStack,
) -> Run:
    data_path = dump_dataset(dataset, place.data)
    plan = _with_limits(resolved.plan, budget, data_path)
    before = max((event.seconds for event in earlier), default=0.0)

    def emit(event: Event) -> None:
        if event.kind != "tick":
            journal.append(dataclasses.replace(event, seconds=before + budget.elapsed()))
        for listener in listeners:
            listener(event)

    metric = resolved.metric
    emit(
        Event(
            "resumed" if earlier else "plan",
            {
                "plan": plan.to_json(),
                "fingerprint": fingerprint(dataset) if place.owned else None,
                "metric": {"name": metric.name, "sign": metric.sign, "positive": metric.positive},
                "report": [{"name": other.name, "sign": other.sign} for other in resolved.metrics[1:]],
                "task": plan.task,
                "n_rows": plan.n_rows,
                "n_columns": plan.n_columns,
                "metafeatures": dict(resolved.advice.metafeatures),
            },
        )
    )
    evaluation = Evaluation(
        str(data_path),
        resolved.folds,
        resolved.metrics,
        resolved.facts,
        resolved.space.catalog,
        plan.seed,
        _preparations(place.prepared, plan.cache_mb),
        durable=place.owned,
    )
    save_evaluation(evaluation, place.evaluation)
    memory = MemoryModel(resolved.space.catalog, resolved.advice.memory_mb)
    optimizer = _optimizer(settings, resolved, budget)
    schedule = Schedule(plan, resolved.space.catalog, optimizer, resolved.cost, emit, memory)
    artifacts = Artifacts(place.artifacts)
    run = Run(plan, budget, resolved.folds, metric, schedule, executor, artifacts, place.evaluation, emit)
    run.reported, run.sampled = resolved.reported, Sampled.of(resolved.folds, dataset, plan.seed)
    run.move = functools.partial(_move, dataset=dataset, evaluation=evaluation, exits=exits)
    restore(run, earlier)
    return run


def _move(run: Run, *, dataset: Dataset, evaluation: Evaluation, exits: ExitStack) -> None:
    """Go on in a temporary folder: the table is written again, what is gone from the old one runs again."""
    place = RunFolder(tempfile.mkdtemp(prefix="automl-"))
    exits.callback(shutil.rmtree, place.path, ignore_errors=True)
    moved = dataclasses.replace(
        evaluation,
        data_path=str(dump_dataset(dataset, place.data)),
        preparations=_preparations(place.prepared, run.plan.cache_mb),
        durable=False,
    )
    save_evaluation(moved, place.evaluation)
    run.evaluation_path, run.artifacts = place.evaluation, Artifacts(place.artifacts)
    for candidate in run.schedule.candidates:
        lost = [f for f, output in candidate.outputs.items() if output.artifact and not Path(output.artifact).exists()]
        if lost and (candidate.result is None or candidate.complete):
            candidate.reopen(lost)


def _optimizer(settings: Settings, resolved: Resolved, budget: Budget) -> Optimizer:
    return start_optimizer(
        settings.optimizer,
        resolved.space,
        resolved.portfolio,
        stream_seed(resolved.plan.seed, "optimizer"),
        seconds=resolved.plan.seconds,
        trials=resolved.plan.max_trials,
        rows=resolved.plan.n_rows,
        clock=budget.elapsed if resolved.plan.timed else None,
        prior=resolved.advice.prior,
    )


def _with_limits(plan: FitPlan, budget: Budget, data_path: Path) -> FitPlan:
    """Fix what is only known now: memory of a worker, disk for the cache, a reserve of at most a third of the time."""
    shared = folder_mb(data_path.parent)
    cache = min(plan.cache_mb, FREE_SHARE * shutil.disk_usage(data_path.parent).free / 1e6)
    # the folder of the cache may lie in memory
    cap = max(LEAST_WORKER_MB, (plan.memory_limit_mb - own_mb() - shared - cache - SPARE_MB) / plan.n_jobs)
    reserve = (
        plan.reserve_seconds if plan.seconds is None else min(plan.reserve_seconds, max(0.2, budget.remaining() / 3))
    )
    return dataclasses.replace(plan, worker_limit_mb=cap, cache_mb=cache, reserve_seconds=reserve)


def folder_mb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def _preparations(folder: Path, cap_mb: float) -> Preparations | None:
    shutil.rmtree(folder, ignore_errors=True)  # of an earlier session
    if cap_mb <= 0:
        return None
    folder.mkdir()
    return Preparations(folder, cap_mb)


def _finish(run: Run, dataset: Dataset, stopped: str) -> tuple[Finished, str]:
    """Finish, and return why the fit stopped: as the search did, or because joining failed or was interrupted.

    A first Ctrl-C while joining is answered with the model that is nearly there, a second one stops.
    """
    try:
        return finish(run, dataset, refit=run.plan.refit), stopped
    except KeyboardInterrupt:
        run.notes.append("interrupted while the ensemble was joined; joined again from fold models")
        return finish(run, dataset, refit=False), "interrupted"
    except NoModelError:
        raise
    except Exception as error:
        run.notes.append(f"no ensemble, the best single trial instead: {type(error).__name__}: {error}")
        return finish_alone(run, dataset), "error"


def _outcome(run: Run, finished: Finished, stopped: str, peak_mb: float) -> FitOutcome:
    counts = Counter(str(c.result.status) for c in run.schedule.candidates if c.result is not None)
    if not run.plan.timed and counts["timeout"]:
        run.notes.append("a fold hit the fixed time limit of counted runs: this run is not reproducible")
    share = run.schedule.false_stop_share()
    if share is not None:
        run.notes.append(f"of the trials that the race wanted to stop, {share:.0%} would have been among the best")
    complete = sum(c.complete and c.model.family != "prior" for c in run.schedule.candidates)
    if run.plan.timed and complete > 1 and finished.estimate.label == SEARCH_SCORE:
        run.notes.append("the score is not corrected for selection, it is optimistic: no time was left for that")
    if run.plan.seconds is not None and run.plan.seconds < LEAST_SECONDS:
        run.notes.append(f"a budget below {LEAST_SECONDS:.0f} s leaves time for the first models only")
    return FitOutcome(
        finished.model,
        finished.members,
        finished.estimate,
        stopped,
        run.plan,
        dict(counts),
        run.budget.elapsed(),
        tuple(run.notes),
        peak_mb,
        finished.out_of_fold,
        search_score=finished.search_score,
        estimates={finished.estimate.metric: finished.estimate, **finished.reported},
        decision=finished.decision,
        decision_model=finished.model if finished.decision_model is None else finished.decision_model,
        fallback=_fallback(run, finished),
    )


def _fallback(run: Run, finished: Finished) -> str:
    """Say why the model is a constant, where others were to be had."""
    families = {c.trial.id: c.model.family for c in run.schedule.candidates}
    others = [c for c in run.schedule.candidates if c.model.family != "prior"]
    chosen = any(c.complete for c in others)
    if chosen or set(run.plan.models) == {"prior"} or any(families[m.trial] != "prior" for m in finished.members):
        return ""
    if why := why_constant(run):
        return f"the model predicts a constant: {why}; see failures()"
    return "the model predicts a constant: no other came to its end; give the fit more time" if run.plan.timed else ""


def summary(outcome: FitOutcome) -> dict[str, Any]:
    """Return what the last event of a run says."""
    score = outcome.search_score
    return {
        "stopped": outcome.stopped,
        "seconds": outcome.seconds,
        "peak_mb": outcome.peak_mb,
        "estimate": _as_json(outcome.estimate),
        "search_score": None if score is None else _as_json(score),
        "estimates": {name: _as_json(estimate) for name, estimate in outcome.estimates.items()},
        "trials": dict(outcome.trials),
        "notes": list(outcome.notes),
    }


def _as_json(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": estimate.value,
        "standard_error": estimate.standard_error,
        "interval": list(estimate.interval),
        "label": estimate.label,
    }
