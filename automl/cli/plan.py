"""`automl plan`: what `fit` would do with a table, before it does it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from automl.cli.clock import process_start
from automl.cli.output import print_json, text_table
from automl.cli.request import Request
from automl.cli.table import Table, read_table
from automl.core import Budget

__all__ = ["print_plan"]

# Shown as tables of their own, or already in the first lines.
APART = (
    *("left_out", "nominal_seconds", "versions", "models", "task", "metric", "metric_why"),
    *("n_rows", "n_columns", "n_classes", "search"),
)


def print_plan(request: Request, *, as_json: bool) -> None:
    """Resolve everything that `fit` would resolve, and print it."""
    from automl.data import check_health, make_dataset
    from automl.search import Settings, resolve

    budget = Budget(request.seconds, process_start())
    table = read_table(request)
    dataset = make_dataset(
        table.X,
        table.y,
        classifies=table.classifies,
        groups=table.groups,
        times=table.times,
        weights=table.weights,
    )
    settings = Settings(
        time_budget=request.fit_seconds(budget, time.process_time()),
        metric=request.metric,
        report=request.report,
        outer_folds=request.outer,
        max_trials=request.trials,
        include=request.include or None,
        exclude=request.exclude or None,
        knowledge=request.known,
        n_jobs=request.jobs,
        seed=request.seed or 0,
    )
    plan = resolve(dataset, settings).plan
    findings = check_health(dataset)
    if as_json:
        print_json(
            {
                "task": plan.task,
                "why_task": table.why,
                "columns": dataset.schema.to_json()["columns"],
                "findings": [vars(finding) for finding in findings],
                "plan": plan.to_json(),
            }
        )
    else:
        print(_text(request, table, dataset, findings, plan))


def _text(request: Request, table: Table, dataset: Any, findings: Any, plan: Any) -> str:
    classes = f", {plan.n_classes} classes" if plan.n_classes else ""
    columns = [(c.name, c.kind, c.n_unique, f"{c.missing_share:.1%}", c.reason) for c in dataset.schema.columns]
    models = [(name, plan.nominal_seconds.get(name)) for name in plan.models]
    found = [(f.level, f.code, f.message) for f in findings]
    resolved = [(name, _value(value)) for name, value in plan.to_json().items() if name not in APART]
    parts = [
        f"table   {request.path}: {plan.n_rows} rows, {plan.n_columns} columns beside the target {request.target}\n"
        f"task    {plan.task}{classes} ({table.why})\n"
        f"metric  {plan.metric}{f' ({plan.metric_why})' if plan.metric_why else ''}",
        "Columns\n" + text_table(("column", "kind", "distinct", "missing", "why"), columns, widest=90),
        "Findings\n" + (text_table(("level", "code", "finding"), found, widest=200) if found else "none"),
        "Plan\n" + text_table(("setting", "value"), resolved, widest=100),
        "Search\n" + "\n".join(plan.search),
        "Models\n" + text_table(("model", "nominal seconds per fold"), models),
        "Stays out\n" + (text_table(("component", "why"), plan.left_out, widest=120) if plan.left_out else "nothing"),
    ]
    return "\n\n".join(parts)


def _value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return value
