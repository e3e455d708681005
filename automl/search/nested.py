"""Nested cross-validation: the whole procedure again within each outer training part, and once on all rows."""

from __future__ import annotations

import dataclasses
import functools
import math
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from automl.core import (
    Budget,
    Event,
    Executor,
    InputError,
    Job,
    JobKind,
    Journal,
    Listener,
    NoModelError,
    Status,
)
from automl.data import Dataset, dump_dataset, infer_again
from automl.evaluate import Folds, Held, join_held, predict_held
from automl.metrics import NamedMetric
from automl.search.launch import COUNTED_SECONDS
from automl.search.loop import await_results, new_job
from automl.search.nested_result import NestedResult, OuterFold, join_folds
from automl.search.outer import fold_seconds, fold_settings, outer_folds, share_seconds
from automl.search.outer_records import kept_folds, outer_event, write_held
from automl.search.plan import FitOutcome, Settings
from automl.search.resolve import LEAST_SECONDS, check_settings, worker_count
from automl.search.run import open_executor, run_fit, summary
from automl.search.scoring import resolve_metrics
from automl.search.session import CUT_SHORT, has_ended
from automl.store import RunFolder

__all__ = ["estimate_nested", "run_nested"]

ROWS_AT_ONCE = 10_000  # of a test part: they are predicted by several workers, in equal parts for any number of them
SCORING_SHARE = 0.03  # of a fold's time, until it has been measured


@dataclass
class _Loop:
    """What the outer folds of one run work with."""

    settings: Settings
    dataset: Dataset
    outer: Folds
    metrics: tuple[NamedMetric, ...]  # the first one is optimised
    budget: Budget
    executor: Executor
    place: Path
    share: float | None  # settings of the folds are resolved for so many seconds
    listeners: Sequence[Listener]
    done: dict[int, tuple[OuterFold, Held]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    peak_mb: float = 0.0
    scoring: float = 0.0
    error: Exception | None = None

    def tell(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)


def run_nested(
    settings: Settings,
    dataset: Dataset,
    *,
    budget: Budget | None = None,
    journal: Journal | None = None,
    listeners: Sequence[Listener] = (),
    folder: RunFolder | None = None,
    earlier: Sequence[Event] = (),
) -> FitOutcome:
    """Fit on all rows, then run the same procedure within each outer training part and score it on the part held out.

    The fit on all rows and the k outer folds have equal shares of the time, T / (k + 1); a fold that begins late has
    less. The fit on all rows comes first, so that there is a model whenever the run is interrupted; the estimate is
    then that of the outer folds which had come to their end. A run that is resumed does the missing ones, and all of
    them anew where it had ended and goes on, as they judged a shorter search.

    Parameters and exceptions are those of :func:`automl.search.run_fit`; ``settings.outer_folds`` says how to cut, and
    the time of a sitting is that of ``budget``.

    Returns
    -------
    FitOutcome
        Of the fit on all rows, with ``nested``; ``seconds`` and ``notes`` are those of everything.
    """
    check_settings(settings)
    budget = budget or Budget.begin(settings.time_budget)
    outer = outer_folds(dataset, settings)
    share = share_seconds(settings.time_budget, len(outer) + 1)
    _warn(settings, share, len(outer) + 1)
    ended = has_ended(earlier)
    with _opened(settings, dataset, outer, budget, share, listeners) as loop:
        if folder is not None and not ended:
            loop.done |= kept_folds(folder, earlier, settings, outer)
        _await_worker(loop, len(outer) + 1)
        own, most = _times(loop, earlier, ended=ended)
        outcome = run_fit(
            settings,
            dataset,
            budget=_until(budget, own),
            journal=journal,
            listeners=listeners,
            folder=folder,
            earlier=earlier,
            seconds=own if earlier else None,
            executor=loop.executor,
            ends=False,
        )
        emit = functools.partial(_emit, loop, journal, max((event.seconds for event in earlier), default=0.0))
        stopped = outcome.stopped
        if stopped not in CUT_SHORT:
            stopped = _run_folds(loop, most, functools.partial(_keep, loop, folder, emit))
        outcome = _with_nested(loop, outcome, _judged(loop, stopped), stopped)
        judged = outcome
        if (nested := outcome.nested) is not None:
            judged = dataclasses.replace(outcome, estimate=nested.estimate, estimates=nested.estimates)
        emit(Event("finished", summary(judged)))
    return outcome


def _emit(loop: _Loop, journal: Journal | None, before: float, event: Event) -> None:
    if journal is not None:
        journal.append(dataclasses.replace(event, seconds=before + loop.budget.elapsed()))
    loop.tell(event)


def _keep(loop: _Loop, folder: RunFolder | None, emit: Callable[[Event], None], record: OuterFold, held: Held) -> None:
    if folder is not None and folder.owned:
        write_held(folder, record.fold, held)
    emit(outer_event(record, loop.outer, loop.metrics[0].name))


def _with_nested(loop: _Loop, outcome: FitOutcome, nested: NestedResult | None, stopped: str) -> FitOutcome:
    return dataclasses.replace(
        outcome,
        nested=nested,
        stopped=stopped if stopped == "interrupted" else outcome.stopped,
        notes=(*outcome.notes, *loop.notes),
        seconds=loop.budget.elapsed(),
        peak_mb=max(outcome.peak_mb, loop.peak_mb),
    )


def estimate_nested(
    settings: Settings, dataset: Dataset, *, budget: Budget | None = None, listeners: Sequence[Listener] = ()
) -> NestedResult:
    """Run the outer folds alone, each for an equal share of the time.

    Raises
    ------
    SettingError, DataError
        If a setting or the table cannot be used.
    NoModelError
        If no outer fold came to its end.
    KeyboardInterrupt
        If it was interrupted before the first one did.
    """
    check_settings(settings)
    budget = budget or Budget.begin(settings.time_budget)
    outer = outer_folds(dataset, settings)
    share = share_seconds(settings.time_budget, len(outer))
    _warn(settings, share, len(outer))
    with _opened(settings, dataset, outer, budget, share, listeners) as loop:
        stopped = _run_folds(loop, math.inf if share is None else share, lambda *_: None)
        nested = _judged(loop, stopped)
    if nested is None and stopped == "interrupted":
        raise KeyboardInterrupt
    if nested is None and isinstance(loop.error, InputError):
        raise loop.error
    if nested is None:
        raise NoModelError(f"no outer fold came to its end: {'; '.join(loop.notes)}")
    return nested


@contextmanager
def _opened(
    settings: Settings,
    dataset: Dataset,
    outer: Folds,
    budget: Budget,
    share: float | None,
    listeners: Sequence[Listener],
) -> Iterator[_Loop]:
    """Start one set of workers for all fits, and a place that is deleted once they have ended."""
    with ExitStack() as exits:
        place = Path(tempfile.mkdtemp(prefix="automl-"))
        exits.callback(shutil.rmtree, place, ignore_errors=True)
        executor = exits.enter_context(open_executor(settings, worker_count(settings, dataset)))
        metrics = resolve_metrics(dataset, settings.metric, settings.report)
        scoring = 0.0 if share is None else max(0.1, SCORING_SHARE * share)
        yield _Loop(settings, dataset, outer, metrics, budget, executor, place, share, listeners, scoring=scoring)


def _await_worker(loop: _Loop, left: int) -> None:
    """Wait until there is a worker: a fit must not pay for the start of those that all use, or that the last ended."""
    if loop.budget.timed:
        with suppress(NoModelError):
            _called(loop, [int], left)


def _warn(settings: Settings, share: float | None, fits: int) -> None:
    if share is not None and share < LEAST_SECONDS:
        warnings.warn(
            f"time_budget={settings.time_budget:g} is shared among {fits} fits, {share:.2g} s for each: expect the "
            "first models only",
            UserWarning,
            stacklevel=5,
        )


def _until(budget: Budget, seconds: float | None) -> Budget:
    """Return a part of the time that begins now, on the clock of the whole."""
    return budget if seconds is None else Budget(budget.elapsed() + seconds, budget.start, budget.clock)


def _times(loop: _Loop, earlier: Sequence[Event], *, ended: bool) -> tuple[float | None, float]:
    """Return the seconds of the fit on all rows in this sitting, and the most that an outer fold may have."""
    if loop.share is None:
        return None, math.inf
    if not earlier:
        return loop.share, loop.share
    each = loop.budget.remaining() / (len(loop.outer) - len(loop.done) + 1)
    if ended:
        return each, each
    spent = max((e.seconds for e in earlier if e.kind in ("trial", "fold", "result")), default=0.0)
    return min(each, max(LEAST_SECONDS, loop.share - spent)), loop.share


def _run_folds(loop: _Loop, most: float, keep: Callable[[OuterFold, Held], None]) -> str:
    """Do the outer folds that are missing; return why there are no more: "complete", "deadline" or "interrupted"."""
    waiting = [fold for fold in range(len(loop.outer)) if fold not in loop.done]
    try:
        for position, fold in enumerate(waiting):
            left = len(waiting) - position
            _await_worker(loop, left)
            seconds = None
            if loop.budget.timed:
                seconds = fold_seconds(loop.budget.remaining(), left, most, loop.scoring)
                if seconds is None:
                    loop.notes.append(f"no time for {left} outer fold(s)")
                    return "deadline"
            loop.tell(Event("part", {"text": f"outer fold {fold + 1} of {len(loop.outer)}"}, loop.budget.elapsed()))
            try:
                found = _run_fold(loop, fold, seconds)
            except Exception as error:  # what is missing in one training part need not be in another
                loop.error = error
                loop.notes.append(f"outer fold {fold + 1} left out: {type(error).__name__}: {error}")
                continue
            loop.done[fold] = found
            keep(*found)
    except KeyboardInterrupt:
        loop.notes.append(f"interrupted after {len(loop.done)} of {len(loop.outer)} outer folds")
        return "interrupted"
    return "complete"


def _run_fold(loop: _Loop, fold: int, seconds: float | None) -> tuple[OuterFold, Held]:
    """Run the whole procedure on one outer training part, whose columns are described anew, and score it."""
    train, test = loop.outer.pairs[fold]
    started = loop.budget.elapsed()
    part = loop.dataset.rows(train)
    part = dataclasses.replace(part, schema=infer_again(part.X, loop.dataset.schema))
    folder = RunFolder(loop.place / f"fold-{fold}")
    folder.path.mkdir()
    try:
        outcome = run_fit(
            fold_settings(loop.settings, fold, loop.share, loop.metrics[0]),
            part,
            budget=_until(loop.budget, seconds),
            listeners=loop.listeners,
            folder=folder,
            executor=loop.executor,
        )
        loop.peak_mb = max(loop.peak_mb, outcome.peak_mb)
        if outcome.stopped == "interrupted":
            raise KeyboardInterrupt
        if outcome.stopped in CUT_SHORT:
            raise NoModelError(f"its search was cut short ({outcome.stopped}): {'; '.join(outcome.notes)}")
        begun = time.monotonic()
        held = _held(loop, outcome, test, folder.path)
        score = _score(loop, held, test)
        loop.scoring = max(loop.scoring, 1.3 * (time.monotonic() - begun))
    finally:
        shutil.rmtree(folder.path, ignore_errors=True)
    record = OuterFold(
        fold,
        score,
        outcome.estimate.value,
        len(train),
        len(test),
        outcome.stopped,
        dict(outcome.trials),
        tuple(member.config.steps[-1].component for member in outcome.members),
        loop.budget.elapsed() - started,
        loop.settings.max_trials,
    )
    return record, held


def _held(loop: _Loop, outcome: FitOutcome, test: Any, place: Path) -> Held:
    """Predict the rows of a test part in the workers: a model may be slow, and hold the user's own code."""
    import cloudpickle

    path = place / "model.pkl"
    decides = outcome.model if outcome.decision_model is None else outcome.decision_model
    path.write_bytes(cloudpickle.dumps((outcome.model, decides)))
    data = dump_dataset(loop.dataset.rows(test), place / "test")
    parts = [
        functools.partial(predict_held, str(path), str(data), start, min(start + ROWS_AT_ONCE, len(test)))
        for start in range(0, len(test), ROWS_AT_ONCE)
    ]
    return join_held(_called(loop, parts))


def _score(loop: _Loop, held: Held, test: Any) -> float:
    weights = None if loop.dataset.weights is None else loop.dataset.weights[test]
    metric = loop.metrics[0]
    work = functools.partial(metric.loss, loop.dataset.y[test], held.seen_by(metric), weights)
    return metric.score(work() if metric.builtin else _called(loop, [work])[0])


def _judged(loop: _Loop, stopped: str) -> NestedResult | None:
    """Join the folds that are done; None where there are none, or the user's own metric fails on them."""
    if not loop.done:
        return None
    work = functools.partial(join_folds, loop.dataset, loop.metrics, loop.outer, loop.done, loop.settings.seed)
    own = not all(metric.builtin for metric in loop.metrics)
    try:
        nested: NestedResult = _called(loop, [work])[0] if own else work()
    except NoModelError as error:
        loop.notes.append(f"no nested estimate: {error}")
        return None
    return dataclasses.replace(nested, stopped=stopped, notes=tuple(loop.notes))


def _called(loop: _Loop, payloads: Sequence[Callable[[], Any]], left: int = 1) -> list[Any]:
    """Call these in the workers and return what they return, in order; ``left``: for that part of the time left.

    Raises
    ------
    NoModelError
        If one of them fails, or the time is up.
    """
    seconds = max(0.5, loop.budget.remaining() / left) if loop.budget.timed else COUNTED_SECONDS
    jobs = [Job(new_job(), JobKind.CALL, None, None, payload, seconds_limit=seconds) for payload in payloads]
    for job in jobs:
        loop.executor.submit(job)
    values = {}
    for result in await_results(loop.executor, {job.id for job in jobs}, seconds):
        if result.status is not Status.OK:
            loop.executor.cancel([job.id for job in jobs if job.id not in values and job.id != result.job])
            raise NoModelError(f"its model could not be scored on the rows held out: {result.error or result.status}")
        values[result.job] = result.value
    if len(values) < len(jobs):
        raise NoModelError("its model could not be scored on the rows held out: no time")
    return [values[job.id] for job in jobs]
