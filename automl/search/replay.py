"""Doing again what a run wrote down: the folds of its final members, without a clock, joined with the same weights."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from automl.core import Config, Event, Fidelity, FoldResult, Job, JobKind, SettingError, Status
from automl.data import Dataset, dump_dataset, fingerprint
from automl.ensemble import Decision
from automl.evaluate import Evaluation, FoldOutput, run_fold, run_refit, save_evaluation, warm_up
from automl.execute import ProcessExecutor
from automl.pipeline.assemble import assemble
from automl.pipeline.shared import interned
from automl.search.deciding import place
from automl.search.finish import load_model
from automl.search.plan import Settings
from automl.search.resolve import resolve
from automl.search.resume import check_same

__all__ = ["Replay", "replay_run"]

CLOSE = 1e-9  # relative


@dataclass(frozen=True)
class Replay:
    """What came of doing a run again.

    Parameters
    ----------
    model : estimator
        Joined as the run joined its own.
    folds : int
        Jobs of the members that were done again.
    differing : tuple of str
        Where a loss or a number of rounds is not that of the journal: empty when the run was repeated exactly.
    decision_model : estimator
        The one whose ``predict`` is the decision.
    """

    model: Any
    folds: int
    differing: tuple[str, ...]
    decision_model: Any = None


@dataclass(frozen=True)
class _Task:
    """A finished job of the journal, to be done again."""

    trial: int
    fold: int | None
    config: Config
    event: Mapping[str, Any]


def replay_run(settings: Settings, dataset: Dataset, events: Iterable[Event], *, n_jobs: int) -> Replay:
    """Do the jobs of the final members again and compare them with the journal.

    A fit that the clock ended stops at the round it had reached then. Networks that were cut by the clock cannot be
    repeated, as their schedule depends on it: they differ, and are named.

    Raises
    ------
    SettingError
        If the run has no final model, or table, settings or library versions differ.
    """
    earlier = tuple(events)
    resolved = resolve(dataset, settings, n_jobs=n_jobs)
    check_same(resolved.plan, fingerprint(dataset), earlier)
    final = next((e.data for e in reversed(earlier) if e.kind == "ensemble" and e.data.get("final")), None)
    if final is None or not final["weights"]:
        raise SettingError("this run has no final model to repeat; resume it first")
    tasks = _tasks(earlier, final)
    with tempfile.TemporaryDirectory(prefix="automl-") as scratch:
        folder = Path(scratch)
        path = folder / "evaluation.pkl"
        data_path = dump_dataset(dataset, folder / "data")
        evaluation = Evaluation(
            str(data_path),
            resolved.folds,
            resolved.metrics,
            resolved.facts,
            resolved.space.catalog,
            resolved.plan.seed,
        )
        save_evaluation(evaluation, path)
        done = _done(tasks, path, folder, n_jobs, resolved.plan.memory_limit_mb)
        differing = tuple(text for task, result in zip(tasks, done, strict=True) for text in _compared(task, result))
        members = []
        for trial, weight in final["weights"].items():
            own = [r for task, r in zip(tasks, done, strict=True) if task.trial == int(trial)]
            models = [load_model(r.value.artifact) for r in own if isinstance(r.value, FoldOutput) and r.value.artifact]
            if models:
                members.append((float(weight), models[-1:] if resolved.folds.forward else models))
        if not members:
            raise SettingError(f"no job of this run could be repeated: {'; '.join(differing[:3])}")
        shared = interned([models for _, models in members])
        members = [(weight, models) for (weight, _), models in zip(members, shared, strict=True)]
        joined = assemble(members, classes=dataset.classes, task=dataset.task)
        model, decision_model = place(joined, dataset, _decision(earlier))
    return Replay(model, len(tasks), differing, decision_model)


def _decision(events: tuple[Event, ...]) -> Decision:
    """Return what was decided for the final model; nothing in runs of earlier versions, and for regression."""
    data = next((e.data for e in reversed(events) if e.kind == "decision"), None)
    return Decision() if data is None else Decision.from_json(data)


def _tasks(events: tuple[Event, ...], final: Mapping[str, Any]) -> list[_Task]:
    """The latest good job of each fold, or the refit, of the members; in the order of the folds."""
    configs = {int(e.data["trial"]): Config.from_json(e.data["config"]) for e in events if e.kind == "trial"}
    members, refitted = [int(trial) for trial in final["weights"]], set(final["refitted"])
    good: dict[tuple[int, int | None], Mapping[str, Any]] = {}
    for event in events:
        data = event.data
        if event.kind == "fold" and data["status"] == Status.OK and data["kind"] != JobKind.PROBE:
            good[int(data["trial"]), data["fold"]] = data
    return [
        _Task(trial, fold, configs[trial], data)
        for (trial, fold), data in sorted(good.items(), key=lambda item: (item[0][0], item[0][1] or 0))
        if trial in members and (fold is None) == (trial in refitted)
    ]


def _done(tasks: list[_Task], path: Path, folder: Path, n_jobs: int, memory_mb: float) -> list[FoldResult]:
    results: dict[int, FoldResult] = {}
    with ProcessExecutor(n_jobs, memory_limit_mb=memory_mb / n_jobs, warm=warm_up) as executor:
        for number, task in enumerate(tasks):
            artifact, rounds = str(folder / str(number) / "model.joblib"), task.event["rounds"]
            if task.fold is None:
                job: Any = functools.partial(run_refit, str(path), task.config, artifact, rounds, None)
            else:
                job = functools.partial(
                    run_fold, str(path), task.config, task.fold, Fidelity(), artifact, None, at_most=rounds
                )
            executor.submit(Job(number, JobKind.FOLD, task.trial, task.fold, job))
        while len(results) < len(tasks):
            results |= {result.job: result for result in executor.collect(None)}
    return [results[number] for number in range(len(tasks))]


def _compared(task: _Task, result: FoldResult) -> Iterable[str]:
    """Say in words where a job came out otherwise than the journal has it."""
    what = f"trial {task.trial}, {'refit' if task.fold is None else f'fold {task.fold}'}"
    output = result.value
    if not isinstance(output, FoldOutput) or output.status is not Status.OK:
        yield f"{what}: {result.error or getattr(output, 'error', None) or result.status}"
        return
    for name, loss in task.event["losses"].items():
        now = output.losses.get(name, float("nan"))
        if not np.isclose(now, loss, rtol=CLOSE, atol=0, equal_nan=True):
            yield f"{what}: {name} {now:.9g}, in the journal {loss:.9g}"
    if task.event["rounds"] != output.rounds:
        yield f"{what}: {output.rounds} rounds, in the journal {task.event['rounds']}"
