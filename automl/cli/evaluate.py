"""`automl evaluate`: nested cross-validation of everything that `automl fit` would do, without a model to keep."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from automl.cli.clock import process_start
from automl.cli.output import fixed, print_json, text_table
from automl.cli.request import Request
from automl.cli.signals import stop_when_asked
from automl.cli.table import read_table
from automl.core import Budget

__all__ = ["evaluate_table"]

LOADING_SECONDS = 0.5  # of the time: printing, and the end of the process


def evaluate_table(request: Request, *, verbose: bool, as_json: bool) -> int:
    """Estimate what a fit on a table file would be worth, print it, and return the exit code."""
    from automl import AutoClassifier, AutoRegressor

    started = process_start()
    budget = Budget(request.seconds, started)
    table = read_table(request)
    if not as_json:
        print(f"task: {'classification' if table.classifies else 'regression'} ({table.why})", flush=True)
    kind = AutoClassifier if table.classifies else AutoRegressor
    estimator = kind(
        None if budget.seconds is None else max(1.0, budget.remaining() - LOADING_SECONDS),
        metric=request.metric,
        report=request.report,
        max_trials=request.trials,
        include=request.include or None,
        exclude=request.exclude or None,
        knowledge=request.known,
        n_jobs=request.jobs,
        random_state=request.seed,
        verbose=int(verbose),
    )
    with stop_when_asked() as asked:
        result = estimator.evaluate(
            table.X,
            table.y,
            outer_folds=request.outer,
            sample_weight=table.weights,
            groups=table.groups,
            times=table.times,
        )
    seconds = time.monotonic() - started
    if as_json:
        print_json(_summary(request, result, seconds))
    else:
        print(_text(result, seconds))
    return asked.code(result.stopped)


def _summary(request: Request, result: Any, seconds: float) -> dict[str, Any]:
    return {
        "target": request.target,
        "table": str(request.path),
        "score": _score(result.estimate),
        "reported": [_score(estimate) for estimate in result.reported],
        "outer": result.description,
        "folds": [dataclasses.asdict(fold) for fold in result.folds],
        "stopped": result.stopped,
        "notes": list(result.notes),
        "seconds": seconds,
    }


def _score(estimate: Any) -> dict[str, Any]:
    return {**dataclasses.asdict(estimate), "interval": list(estimate.interval)}


def _text(result: Any, seconds: float) -> str:
    estimate, folds = result.estimate, result.folds
    columns = {
        "fold": [fold.fold + 1 for fold in folds],
        "rows": [fold.n_test for fold in folds],
        estimate.metric: fixed([fold.score for fold in folds]),
        "within": fixed([fold.inner_score for fold in folds]),
        "trials": [sum(fold.trials.values()) for fold in folds],
        "seconds": fixed([fold.seconds for fold in folds], 3),
        "models": [", ".join(dict.fromkeys(fold.members)) for fold in folds],
    }
    table = text_table(list(columns), zip(*columns.values(), strict=True))
    scores = "\n".join(
        f"{'score:' if one is estimate else 'also:':<8}{one.metric} {one.value:.4g} "
        f"[{one.interval[0]:.4g}, {one.interval[1]:.4g}], standard error {one.standard_error:.2g}"
        for one in (estimate, *result.reported)
    )
    notes = "".join(f"\nnote:   {note}" for note in result.notes)
    return (
        f"\n{table}\n\n{scores}\nlabel:  {estimate.label} ({result.description}), {estimate.n_rows} rows\n"
        f"time:   {seconds:.1f} s{notes}"
    )
