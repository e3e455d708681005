"""The commands and their options. Each imports its work only when it is called, so that ``--help`` stays quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl.cli.knowledge import knowledge_app
from automl.cli.options import (
    Drop,
    Exclude,
    Groups,
    Include,
    Jobs,
    Json,
    KeepData,
    Knowledge,
    Metric,
    Model,
    Outer,
    Policy,
    Quiet,
    Report,
    Seed,
    Table,
    Target,
    Task,
    TaskOption,
    Time,
    Times,
    Trials,
    Weights,
)
from automl.cli.request import Request

__all__ = ["app"]

app = typer.Typer(
    name="automl",
    help="AutoML for tables: a deadline in, a plain scikit-learn pipeline out.",
    epilog=(
        "Exit codes: 0 done, 1 `check` has warnings or `replay` differs, 2 usage or bad input, 3 no model was found, "
        "4 something unexpected (AUTOML_DEBUG=1 shows the traceback), 130 interrupted and 143 terminated: what was "
        "found until then is saved."
    ),
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.command()
def fit(
    table: Table,
    target: Target,
    out: Annotated[Path, typer.Option(help="Folder for the model and the run; new or empty.", show_default=False)],
    time: Time = None,
    task: Task = TaskOption.AUTO,
    metric: Metric = "auto",
    report: Report = None,
    jobs: Jobs = -1,
    seed: Seed = None,
    trials: Trials = None,
    drop: Drop = None,
    weights: Weights = None,
    groups: Groups = None,
    times: Times = None,
    outer: Outer = None,
    include: Include = None,
    exclude: Exclude = None,
    knowledge: Knowledge = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out if automl made it.")] = False,
    keep_data: KeepData = False,
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Search, fit and save the best model for a table within the time given."""
    from automl.cli.fit import fit_table

    request = Request(
        path=table,
        target=target,
        time=time,
        task=task,
        metric=metric,
        report=tuple(report or ()),
        jobs=jobs,
        seed=seed,
        trials=trials,
        drop=tuple(drop or ()),
        weights=weights,
        groups=groups,
        times=times,
        outer=outer,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        knowledge=knowledge,
    )
    return fit_table(request, out, overwrite=overwrite, keep_data=keep_data, verbose=not quiet, as_json=json)


@app.command()
def evaluate(
    table: Table,
    target: Target,
    outer: Outer = 5,
    time: Time = None,
    task: Task = TaskOption.AUTO,
    metric: Metric = "auto",
    report: Report = None,
    jobs: Jobs = -1,
    seed: Seed = None,
    trials: Trials = None,
    drop: Drop = None,
    weights: Weights = None,
    groups: Groups = None,
    times: Times = None,
    include: Include = None,
    exclude: Exclude = None,
    knowledge: Knowledge = "auto",
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Score what `fit` would do on rows that nothing in it has seen: nested cross-validation; no model is kept."""
    from automl.cli.evaluate import evaluate_table

    request = Request(
        path=table,
        target=target,
        time=time,
        task=task,
        metric=metric,
        report=tuple(report or ()),
        jobs=jobs,
        seed=seed,
        trials=trials,
        drop=tuple(drop or ()),
        weights=weights,
        groups=groups,
        times=times,
        outer=outer,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        knowledge=knowledge,
    )
    return evaluate_table(request, verbose=not quiet, as_json=json)


@app.command()
def resume(
    model: Model,
    table: Annotated[Path | None, typer.Argument(help="The table again, where the run has not kept it.")] = None,
    time: Annotated[str | None, typer.Option(help="Time for everything. [default: what was left]")] = None,
    trials: Annotated[int | None, typer.Option(help="Number of trials in all.", min=1)] = None,
    jobs: Annotated[int | None, typer.Option(help="Worker processes. [default: as before]", show_default=False)] = None,
    keep_data: KeepData = False,
    quiet: Quiet = False,
    json: Json = False,
) -> int:
    """Go on with a run that was interrupted, killed, or has ended; finished work is not done again."""
    from automl.cli.resume import resume_run

    return resume_run(
        model, table, time=time, trials=trials, jobs=jobs, keep_data=keep_data, verbose=not quiet, as_json=json
    )


@app.command()
def predict(
    model: Model,
    table: Annotated[Path, typer.Argument(help="Table to predict.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="CSV or Parquet file; without it CSV goes to stdout.")
    ] = None,
    proba: Annotated[bool, typer.Option("--proba", help="One column proba_<class> per class.")] = False,
) -> None:
    """Predict the rows of a table, in their order."""
    from automl.cli.predict import predict_table

    predict_table(model, table, output, proba=proba)


@app.command()
def check(
    model: Model,
    table: Annotated[Path, typer.Argument(help="Table to compare with the one of fit.", show_default=False)],
    policy: Annotated[
        Policy, typer.Option(help="repair: make a table that predict accepts; strict: refuse all but drift.")
    ] = Policy.REPORT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="CSV or Parquet file for the repaired table.")
    ] = None,
    json: Json = False,
) -> int:
    """Say how a table differs from the one of fit: columns, types, levels, missing values, ranges, drift."""
    from automl.cli.check import check_file

    return check_file(model, table, policy.value, output, as_json=json)


@app.command()
def drift(
    table: Table,
    by: Annotated[str, typer.Option(help="Column of dates or batches, in whose order rows came.", show_default=False)],
    target: Annotated[str | None, typer.Option(help="Column to predict, to measure what shuffling hides.")] = None,
    metric: Metric = "auto",
    drop: Drop = None,
    json: Json = False,
) -> None:
    """Say whether a table changes along a column: which columns move, and what shuffled validation would hide."""
    from automl.cli.drift import print_drift

    print_drift(table, by, target, tuple(drop or ()), metric, as_json=json)


@app.command()
def importance(
    model: Model,
    table: Annotated[
        Path, typer.Argument(help="The table of fit as it was, or new rows; with the target.", show_default=False)
    ],
    target: Annotated[str | None, typer.Option(help="Column of known outcomes. [default: as in fit]")] = None,
    repeats: Annotated[int, typer.Option(help="How often each column is shuffled.", min=1)] = 5,
    max_rows: Annotated[int, typer.Option(help="Rows to score, drawn at random.", min=1)] = 2_000,
    time: Annotated[str | None, typer.Option(help="Time to measure in, such as 30s; then print what is there.")] = None,
    json: Json = False,
) -> None:
    """List the columns by how much worse the model gets when one is shuffled, on rows that it has not seen."""
    from automl.cli.importance import print_importance

    print_importance(model, table, target=target, repeats=repeats, max_rows=max_rows, time=time, as_json=json)


@app.command()
def menu(
    model: Model,
    point: Annotated[str | None, typer.Option(help="Name of a point of the menu.", show_default=False)] = None,
    max_predict_ms: Annotated[float | None, typer.Option(help="Milliseconds for 1,000 rows.", min=0)] = None,
    max_model_mb: Annotated[float | None, typer.Option(help="Size of the pickled model.", min=0)] = None,
    max_loss_increase: Annotated[float | None, typer.Option(help="In its units; takes the fastest.", min=0)] = None,
    out: Annotated[Path | None, typer.Option(help="New folder for the chosen point, as `export --out`.")] = None,
    json: Json = False,
) -> None:
    """List smaller and faster models that the same fit can deliver; write one of them with --out."""
    from automl.cli.menu import print_menu

    print_menu(
        model,
        point=point,
        max_predict_ms=max_predict_ms,
        max_model_mb=max_model_mb,
        max_loss_increase=max_loss_increase,
        out=out,
        as_json=json,
    )


@app.command()
def leaderboard(
    model: Model,
    top: Annotated[int | None, typer.Option(help="Only the best rows.", min=1)] = None,
    json: Json = False,
) -> None:
    """List the trials of a run, best first; also while it is still working."""
    from automl.cli.report import print_leaderboard

    print_leaderboard(model, top, as_json=json)


@app.command()
def replay(
    model: Model,
    table: Annotated[Path | None, typer.Argument(help="The table again, where the run has not kept it.")] = None,
    jobs: Jobs = -1,
    json: Json = False,
) -> int:
    """Do the final model of a run again from its journal; exit code 1 if it comes out otherwise."""
    from automl.cli.replay import replay as replay_model

    return replay_model(model, table, jobs=jobs, as_json=json)


@app.command()
def log(
    model: Model,
    tail: Annotated[int | None, typer.Option(help="Only the last lines.", min=1)] = None,
    json: Json = False,
) -> None:
    """Tell what happened in a run, line by line; also while it is still working."""
    from automl.cli.report import print_log

    print_log(model, tail, as_json=json)


@app.command()
def failures(model: Model, json: Json = False) -> None:
    """List what failed in a run, and why."""
    from automl.cli.report import print_failures

    print_failures(model, as_json=json)


@app.command()
def inspect(
    model: Annotated[Path, typer.Argument(help="Model file, or folder that `automl fit` made.", show_default=False)],
    json: Json = False,
) -> None:
    """Show what a saved model says of itself: versions, columns, score, size, speed; loads nothing of it."""
    from automl.cli.inspect import print_manifest

    print_manifest(model, as_json=json)


@app.command()
def export(
    model: Model,
    pickle: Annotated[Path | None, typer.Option(help="Write the fitted pipeline as one joblib file.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the whole folder: pipeline, schema, versions.")] = None,
    python: Annotated[Path | None, typer.Option(help="Write a script that builds and fits the model again.")] = None,
    share: Annotated[
        Path | None, typer.Option(help="Write the model so that `load(..., trusted=False)` can read it too.")
    ] = None,
) -> None:
    """Write the fitted scikit-learn pipeline or its source, which need no automl, or the model to be shared."""
    from automl.cli.export import export_model

    export_model(model, pickle, out, python, share)


@app.command()
def plan(
    table: Table,
    target: Target,
    time: Time = None,
    task: Task = TaskOption.AUTO,
    metric: Metric = "auto",
    report: Report = None,
    jobs: Jobs = -1,
    seed: Seed = None,
    trials: Trials = None,
    drop: Drop = None,
    weights: Weights = None,
    groups: Groups = None,
    times: Times = None,
    outer: Outer = None,
    include: Include = None,
    exclude: Exclude = None,
    knowledge: Knowledge = "auto",
    json: Json = False,
) -> None:
    """Show what `fit` would do: column kinds, findings about the data, the resolved plan, and what stays out."""
    from automl.cli.plan import print_plan

    request = Request(
        path=table,
        target=target,
        time=time,
        task=task,
        metric=metric,
        report=tuple(report or ()),
        jobs=jobs,
        seed=seed,
        trials=trials,
        drop=tuple(drop or ()),
        weights=weights,
        groups=groups,
        times=times,
        outer=outer,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        knowledge=knowledge,
    )
    print_plan(request, as_json=json)


app.add_typer(knowledge_app, name="knowledge")


@app.command()
def version() -> None:
    """Print the version of automl."""
    from automl import __version__

    print(f"automl {__version__}")
