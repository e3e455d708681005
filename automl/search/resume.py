"""Going on with a run: its journal is read into a new schedule, as if everything in it had just happened."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from automl.core import Config, Event, FoldResult, JobKind, Measures, SettingError, Status, StoreError
from automl.evaluate import FoldOutput, read_prediction
from automl.search.candidate import Candidate
from automl.search.loop import Run, announce, largest_mb, model_path, retained, screened_path
from automl.search.plan import FitPlan

__all__ = ["MUST_AGREE", "check_same", "mend", "restore"]

MUST_AGREE = (  # of two plans of one run; time, workers and memory may differ
    "task",
    "metric",
    "report",
    "folds",
    "n_folds",
    "folds_digest",
    "holdout",
    "optimizer",
    "models",
    "portfolio",
    "knowledge",
    "seed",
    "n_rows",
    "n_columns",
    "n_classes",
    "train_rows",
    "versions",
)


def check_same(plan: FitPlan, fingerprint: str | None, earlier: Sequence[Event]) -> None:
    """Refuse to go on with a run of other data, settings or library versions.

    Parameters
    ----------
    fingerprint : str or None
        Of the table given; None where it is the run's own copy.

    Raises
    ------
    SettingError
        Names the fields that differ.
    """
    first = next((event.data for event in earlier if event.kind == "plan"), None)
    if first is None or "plan" not in first:
        raise SettingError(
            "this run ended before it had a plan; there is nothing to go on with: delete it and fit again"
        )
    now, then = _plain(plan.to_json()), _plain(first["plan"])
    names = [name for name in MUST_AGREE if now.get(name) != then.get(name)]
    differing = [f"{name}: {then.get(name)!r} then, {now.get(name)!r} now" for name in names]
    if names == ["folds_digest"]:
        differing = ["cv cuts other folds than then; give it a random_state of its own"]
    if fingerprint is not None and fingerprint != first.get("fingerprint"):
        differing.insert(0, "the table is another one")
    if differing:
        raise SettingError(
            f"this run cannot go on: {'; '.join(differing)}. Give the same table, settings and library versions, "
            "or start a new fit"
        )


def _plain(value: Any) -> Any:
    """As JSON gives it back."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def restore(run: Run, earlier: Sequence[Event]) -> None:
    """Bring the schedule of a new run to where the journal of the earlier sessions left it.

    Trials are opened and folds recorded in the order of the journal, so that races, costs and what the optimizer is
    told are as they were. What was cancelled runs again, and so does what has lost its files.
    """
    limit_mb: float | None = None
    for event in earlier:
        data = event.data
        if event.kind in ("plan", "resumed"):
            limit_mb = data["plan"]["worker_limit_mb"]  # of that session: this one may have more room
            # what a longer sitting has kept is not deleted by a short one
            largest = largest_mb(data["plan"]["seconds"], data["plan"]["memory_limit_mb"])
            run.largest_mb = max(run.largest_mb, largest)
        elif event.kind == "trial":
            config, rows = Config.from_json(data["config"]), float(data.get("rows", 1.0))
            run.schedule.reopen(config, str(data["origin"]), waits=bool(data["waits"]), rows=rows)
        elif event.kind == "fold" and data["status"] != Status.CANCELLED and data["kind"] != JobKind.REFIT:
            run.schedule.record(_fold_result(run, data), limit_mb)
    announced = {e.data["trial"] for e in earlier if e.kind == "result" and e.data["status"] != Status.CANCELLED}
    for candidate in run.schedule.candidates:
        if candidate.result is not None and candidate.trial.id not in announced:  # killed in between
            announce(run, candidate.result)
    mend(run)


def _fold_result(run: Run, data: Mapping[str, Any]) -> FoldResult:
    trial, fold, kind, status = int(data["trial"]), int(data["fold"]), JobKind(data["kind"]), Status(data["status"])
    losses = dict(data["losses"])
    fit, predict = float(data["fit_seconds"]), float(data["predict_seconds"])
    cpu, write = float(data["cpu_seconds"]), float(data["write_seconds"])
    artifact = str(screened_path(run, trial)) if kind is JobKind.PROBE else model_path(run, trial, fold)
    output = FoldOutput(
        status,
        losses,
        rounds=data["rounds"],
        fit_seconds=fit,
        predict_seconds=predict,
        cpu_seconds=cpu,
        write_seconds=write,
        artifact=artifact,
        artifact_mb=float(data["artifact_mb"]),
        checksum=data["checksum"],
    )
    return FoldResult(
        int(data["job"]),
        kind,
        trial,
        fold,
        status,
        Measures(losses, fit, predict, cpu, write),
        data["rounds"],
        float(data["wall_seconds"]),
        float(data["peak_mb"]),
        artifact,
        data["error"],
        output if status is Status.OK else None,
    )


def mend(run: Run) -> None:
    """Read the predictions of all trials that may still be chosen; folds whose files are not whole run again.

    All other files of trials are deleted.
    """
    keep = {c.trial.id for c in retained(run)}
    needed: list[Path] = []
    for candidate in run.schedule.candidates:
        if candidate.result is not None and candidate.trial.id not in keep:
            kept = run.sampled.read(run.artifacts, candidate) if candidate.complete else None
            needed += [] if kept is None else [kept.parent]
            candidate.discard()
        else:
            lost = [fold for fold in candidate.outputs if not _whole(candidate, fold)]
            if lost:
                candidate.reopen(lost)
            needed += [run.artifacts.folder_for(candidate.trial.id, fold) for fold in candidate.outputs]
        screened = candidate.screened
        if screened is not None and not (screened.artifact and Path(screened.artifact).exists()):
            candidate.screened = dataclasses.replace(screened, artifact=None)
        elif screened is not None:
            needed.append(screened_path(run, candidate.trial.id).parent)
    with contextlib.suppress(StoreError):
        run.artifacts.sweep(needed)


def _whole(candidate: Candidate, fold: int) -> bool:
    output = candidate.outputs[fold]
    prediction = None if output.artifact is None else read_prediction(output.artifact, output.checksum)
    if prediction is None:
        return False
    candidate.outputs[fold] = dataclasses.replace(output, prediction=prediction)
    return True
