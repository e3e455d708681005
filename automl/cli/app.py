"""The commands and their options. Each imports its work only when it is called, so that ``--help`` stays quick."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from automl.cli.request import Request

__all__ = ["app"]

app = typer.Typer(
    name="automl",
    help="AutoML for tables: a deadline in, a plain scikit-learn pipeline out.",
    epilog=(
        "Exit codes: 0 done, 2 usage or bad input, 3 no model was found, 4 something unexpected "
        "(AUTOML_DEBUG=1 shows the traceback), 130 interrupted."
    ),
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class TaskOption(enum.StrEnum):
    AUTO = "auto"
    CLASSIFICATION = "classification"
    REGRESSION = "regression"


Table = Annotated[Path, typer.Argument(help="CSV, TSV or Parquet file, also .gz.", show_default=False)]
Target = Annotated[str, typer.Option(help="Column to predict.", show_default=False)]
Time = Annotated[
    str | None,
    typer.Option(help="Time for everything, reading and saving included: 90s, 5m, 1h. [default: 5m without --trials]"),
]
Task = Annotated[TaskOption, typer.Option(help="auto: strings, booleans and up to 20 integers mean classification.")]
Metric = Annotated[str, typer.Option(help="Name of a scikit-learn scorer, or auto.")]
Jobs = Annotated[int, typer.Option(help="Worker processes; -1 means every core that this process may use.")]
Seed = Annotated[int | None, typer.Option(help="Seed of every random choice.", show_default=False)]
Trials = Annotated[int | None, typer.Option(help="Number of trials: without --time a reproducible run.", min=1)]
Drop = Annotated[list[str] | None, typer.Option(help="Column to leave out; may be repeated.")]
Weights = Annotated[str | None, typer.Option(help="Column of sample weights.")]
Groups = Annotated[str | None, typer.Option(help="Column of groups that must not be split between folds.")]
Include = Annotated[list[str] | None, typer.Option(help="Model or family to search; may be repeated.")]
Exclude = Annotated[list[str] | None, typer.Option(help="Model or family to leave out; may be repeated.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Model = Annotated[Path, typer.Argument(help="Folder that `automl fit --out` made.", show_default=False)]


@app.command()
def fit(
    table: Table,
    target: Target,
    out: Annotated[Path, typer.Option(help="Folder for the model and the run; new or empty.", show_default=False)],
    time: Time = None,
    task: Task = TaskOption.AUTO,
    metric: Metric = "auto",
    jobs: Jobs = -1,
    seed: Seed = None,
    trials: Trials = None,
    drop: Drop = None,
    weights: Weights = None,
    groups: Groups = None,
    include: Include = None,
    exclude: Exclude = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out if automl made it.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")] = False,
    json: Json = False,
) -> None:
    """Search, fit and save the best model for a table within the time given."""
    from automl.cli.fit import fit_table

    request = Request(
        path=table,
        target=target,
        time=time,
        task=task,
        metric=metric,
        jobs=jobs,
        seed=seed,
        trials=trials,
        drop=tuple(drop or ()),
        weights=weights,
        groups=groups,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
    )
    fit_table(request, out, overwrite=overwrite, verbose=not quiet, as_json=json)


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
def leaderboard(
    model: Model,
    top: Annotated[int | None, typer.Option(help="Only the best rows.", min=1)] = None,
    json: Json = False,
) -> None:
    """List the trials of a run, best first; also while it is still working."""
    from automl.cli.report import print_leaderboard

    print_leaderboard(model, top, as_json=json)


@app.command()
def failures(model: Model, json: Json = False) -> None:
    """List what failed in a run, and why."""
    from automl.cli.report import print_failures

    print_failures(model, as_json=json)


@app.command()
def export(
    model: Model,
    pickle: Annotated[Path | None, typer.Option(help="Write the fitted pipeline as one joblib file.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the whole folder: pipeline, schema, versions.")] = None,
) -> None:
    """Write the fitted scikit-learn pipeline, which needs no automl, to where it is wanted."""
    from automl.cli.export import export_model

    export_model(model, pickle, out)


@app.command()
def plan(
    table: Table,
    target: Target,
    time: Time = None,
    task: Task = TaskOption.AUTO,
    metric: Metric = "auto",
    jobs: Jobs = -1,
    seed: Seed = None,
    trials: Trials = None,
    drop: Drop = None,
    weights: Weights = None,
    groups: Groups = None,
    include: Include = None,
    exclude: Exclude = None,
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
        jobs=jobs,
        seed=seed,
        trials=trials,
        drop=tuple(drop or ()),
        weights=weights,
        groups=groups,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
    )
    print_plan(request, as_json=json)


@app.command()
def version() -> None:
    """Print the version of automl."""
    from automl import __version__

    print(f"automl {__version__}")
