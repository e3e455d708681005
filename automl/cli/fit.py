"""`automl fit`: read, search, save, and say what came out, all within the time given."""

from __future__ import annotations

import shlex
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from automl.cli.clock import process_start
from automl.cli.folder import ModelFolder
from automl.cli.output import as_records, print_json
from automl.cli.report import equal_text, leaderboard_text
from automl.cli.request import Request
from automl.cli.signals import stop_when_asked, while_saving
from automl.cli.table import Table, read_table
from automl.core import Budget, StoreError
from automl.store import RunFolder

__all__ = ["fit_table", "keep", "report"]

SHOWN_ROWS = 10
MEASURING_SECONDS = 1.0  # at most, for the speed of predictions


def fit_table(request: Request, out: Path, *, overwrite: bool, keep_data: bool, verbose: bool, as_json: bool) -> int:
    """Fit a model for a table file, save it with its run in ``out``, print what came of it; return the exit code."""
    budget = Budget(request.seconds, process_start())
    folder = ModelFolder(out)
    folder.check_free(overwrite=overwrite)
    table = read_table(request)
    if not as_json:
        print(f"task: {'classification' if table.classifies else 'regression'} ({table.why})", flush=True)
    estimator = _estimator(request, table, budget, folder, verbose=verbose)
    with folder.renewed(), stop_when_asked() as asked:
        asked_for = request.to_json(classifies=table.classifies, why=table.why, aside=table.aside)
        folder.begin(asked_for)
        estimator.fit(table.X, table.y, sample_weight=table.weights, groups=table.groups, times=table.times)
        with while_saving(asked):
            summary = keep(asked_for, estimator, folder, budget, keep_data=keep_data)
    report(summary, estimator, folder, as_json=as_json)
    return asked.code(estimator.outcome_.stopped)


def keep(
    request: dict[str, Any], estimator: Any, folder: ModelFolder, budget: Budget, *, keep_data: bool
) -> dict[str, Any]:
    """Save what a fit found, export it if there is time, and only then delete what the run would need to go on."""
    from automl.saving import export_seconds, note_speed, save
    from automl.search import CUT_SHORT

    command = shlex.join(["automl", *sys.argv[1:]])
    folder.drop_export()
    began, worked = budget.clock(), time.process_time()
    save(estimator, folder.model, target=request["target"], command=command, measure=False)
    saving = budget.clock() - began
    summary = _summary(request, estimator, budget.clock() - budget.start)
    folder.finish(summary)
    waiting = max(1.0, saving / max(time.process_time() - worked, 1e-3))
    _export(estimator, folder, budget, export_seconds(estimator, saving, waiting))
    exporting = budget.clock() - began - saving
    if folder.exported:
        with suppress(StoreError):  # of a full disk; the model is there
            note_speed(estimator, folder.model, seconds=min(MEASURING_SECONDS, budget.remaining() - exporting))
    if not keep_data and estimator.outcome_.stopped not in CUT_SHORT:
        RunFolder(folder.path).clear()
    return {**summary, "seconds": budget.clock() - budget.start}


def _export(estimator: Any, folder: ModelFolder, budget: Budget, needed: float) -> None:
    """Export, or say in one line why not: the model is there already."""
    from automl.saving import export

    left = budget.remaining()
    try:
        if needed > left:
            raise StoreError(f"that takes about {needed:.1f} s, and {max(left, 0.0):.1f} s were left")
        export(estimator, folder.export, overwrite=True, budget=budget)
    except Exception as error:
        again = f"automl export {folder.path} --out FOLDER"
        print(f"automl: warning: not exported: {error}; any time later: {again}", file=sys.stderr)


def report(summary: dict[str, Any], estimator: Any, folder: ModelFolder, *, as_json: bool) -> None:
    """Print what came of a fit."""
    board = estimator.leaderboard()
    if as_json:
        places = {"model": str(folder.path), "export": str(folder.export) if folder.exported else None}
        print_json({**summary, "leaderboard": as_records(board), **places})
    else:
        print(_text(summary, board, folder))


def _estimator(request: Request, table: Table, budget: Budget, folder: ModelFolder, *, verbose: bool) -> Any:
    from automl import AutoClassifier, AutoRegressor

    kind = AutoClassifier if table.classifies else AutoRegressor
    return kind(
        request.fit_seconds(budget, time.process_time()),
        metric=request.metric,
        report=request.report,
        outer_folds=request.outer,
        max_trials=request.trials,
        include=request.include or None,
        exclude=request.exclude or None,
        knowledge=request.known,
        n_jobs=request.jobs,
        run_dir=folder.path,
        keep_data=True,  # until the model is saved
        random_state=request.seed,
        verbose=int(verbose),
    )


def _summary(request: dict[str, Any], estimator: Any, seconds: float) -> dict[str, Any]:
    """Return what came of a fit: what the folder remembers and ``--json`` prints."""
    outcome, estimate = estimator.outcome_, estimator.estimate_
    return {
        "target": request["target"],
        "task": outcome.plan.task,
        "why_task": request["why_task"],
        "metric": outcome.plan.metric,
        "score": _score(estimate),
        "search_score": None if estimator.search_score_ is None else _score(estimator.search_score_),
        "scores": {name: _score(one) for name, one in estimator.estimates_.items()},
        "stopped": outcome.stopped,
        "seconds": seconds,
        "peak_mb": outcome.peak_mb,
        "trials": {str(status): count for status, count in outcome.trials.items()},
        "rows": outcome.plan.n_rows,
        "table": request["table"],
        "left_aside": request["left_aside"],
    }


def _score(estimate: Any) -> dict[str, Any]:
    return {
        "value": float(estimate.value),
        "standard_error": float(estimate.standard_error),
        "interval": [float(bound) for bound in estimate.interval],
        "label": estimate.label,
    }


def _text(summary: dict[str, Any], board: Any, folder: ModelFolder) -> str:
    others = [(name, one) for name, one in summary["scores"].items() if name != summary["metric"]]
    found = summary["search_score"]
    searched = (
        "" if found is None or found == summary["score"] else f"searched: {found['value']:.4g}, {found['label']}\n"
    )
    more = f"\n... {len(board) - SHOWN_ROWS} more: automl leaderboard {folder.path}" if len(board) > SHOWN_ROWS else ""
    pipeline = (
        f"{folder.export}, plain scikit-learn that needs no automl; see {folder.export / 'README.md'}"
        if folder.exported
        else f"not exported; `automl export {folder.path} --out FOLDER` does it"
    )
    shown = leaderboard_text(board.head(SHOWN_ROWS)) if len(board) else "no trial has ended"
    counts = ", ".join(f"{count} {status}" for status, count in summary["trials"].items())
    return (
        f"\n{shown}{more}\n\n"
        f"{equal_text(board)}"
        f"score:    {_scored(summary['metric'], summary['score'])}\n"
        f"{''.join(f'          {_scored(name, one)}{chr(10)}' for name, one in others)}{searched}"
        f"run:      stopped by {summary['stopped']} after {summary['seconds']:.1f} s; trials: {counts}; "
        f"memory at most {summary['peak_mb']:,.0f} MB\n"
        f"model:    {folder.model}, for `automl predict {folder.path} TABLE`\n"
        f"pipeline: {pipeline}"
    )


def _scored(metric: str, score: dict[str, Any]) -> str:
    low, high = score["interval"]
    return f"{metric} {score['value']:.4g} [{low:.4g}, {high:.4g}], {score['label']}"
