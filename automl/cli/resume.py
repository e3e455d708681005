"""`automl resume`: go on with a run that was interrupted, killed, or has ended."""

from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import Any

from automl.cli.clock import process_start
from automl.cli.durations import parse_duration
from automl.cli.fit import keep, report
from automl.cli.folder import ModelFolder
from automl.cli.request import Request
from automl.cli.signals import stop_when_asked, while_saving
from automl.cli.table import Table, read_table
from automl.core import Budget

__all__ = ["resume_run", "table_of"]


def resume_run(
    model: Path,
    data: Path | None,
    *,
    time: str | None,
    trials: int | None,
    jobs: int | None,
    keep_data: bool,
    verbose: bool,
    as_json: bool,
) -> int:
    """Search on in the run of a folder, save and print what comes of it; return the exit code."""
    from automl import AutoClassifier, AutoRegressor

    folder = ModelFolder(model)
    request = folder.request()
    kind = AutoClassifier if request["classifies"] else AutoRegressor
    params: dict[str, Any] = {"keep_data": True, "verbose": int(verbose)}  # kept until the model is saved
    params |= {} if trials is None else {"max_trials": trials}
    params |= {} if jobs is None else {"n_jobs": jobs}
    table: dict[str, Any] = {} if data is None else _given(request, data)
    budget = Budget(None if time is None else parse_duration(time), process_start())
    with stop_when_asked() as asked:
        estimator = kind.resume(folder.path, time_budget=_fit_seconds(budget), **table, **params)
        with while_saving(asked):
            summary = keep(request, estimator, folder, budget, keep_data=keep_data)
    folder.settle()
    report(summary, estimator, folder, as_json=as_json)
    return asked.code(estimator.outcome_.stopped)


def _fit_seconds(budget: Budget) -> float | None:
    return Request(Path(), "").fit_seconds(budget, process_time())


def table_of(request: dict[str, Any], data: Path) -> Table:
    """Read the table of a run again, with the columns of its first sitting."""
    return read_table(
        Request(
            data,
            request["target"],
            task="classification" if request["classifies"] else "regression",
            drop=tuple(request["drop"]),
            weights=request["weights"],
            groups=request["groups"],
            times=request.get("times"),  # older runs know none
        )
    )


def _given(request: dict[str, Any], data: Path) -> dict[str, Any]:
    table = table_of(request, data)
    return {
        "X": table.X,
        "y": table.y,
        "sample_weight": table.weights,
        "groups": table.groups,
        "times": table.times,
    }
