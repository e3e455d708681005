"""The options of the commands, each declared once."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Drop",
    "Exclude",
    "Groups",
    "Include",
    "Jobs",
    "Json",
    "KeepData",
    "Knowledge",
    "Metric",
    "Model",
    "Outer",
    "Policy",
    "Quiet",
    "Report",
    "Seed",
    "Table",
    "Target",
    "Task",
    "TaskOption",
    "Time",
    "Times",
    "Trials",
    "Weights",
]


class TaskOption(enum.StrEnum):
    AUTO = "auto"
    CLASSIFICATION = "classification"
    REGRESSION = "regression"


class Policy(enum.StrEnum):
    REPORT = "report"
    REPAIR = "repair"
    STRICT = "strict"


Table = Annotated[Path, typer.Argument(help="CSV, TSV or Parquet file, also .gz.", show_default=False)]
Target = Annotated[str, typer.Option(help="Column to predict.", show_default=False)]
Time = Annotated[
    str | None,
    typer.Option(help="Time for everything, reading and saving included: 90s, 5m, 1h. [default: 5m without --trials]"),
]
Task = Annotated[TaskOption, typer.Option(help="auto: strings, booleans and up to 20 integers mean classification.")]
Metric = Annotated[str, typer.Option(help="Name of a scikit-learn scorer, pinball_0.9 (any level), or auto.")]
Report = Annotated[list[str] | None, typer.Option(help="Metric to be reported beside it; may be repeated.")]
Jobs = Annotated[int, typer.Option(help="Worker processes; -1 means every core that this process may use.")]
Seed = Annotated[int | None, typer.Option(help="Seed of every random choice.", show_default=False, min=0)]
Trials = Annotated[int | None, typer.Option(help="Number of trials: without --time a reproducible run.", min=1)]
Drop = Annotated[list[str] | None, typer.Option(help="Column to leave out; may be repeated.")]
Weights = Annotated[str | None, typer.Option(help="Column of sample weights.")]
Groups = Annotated[str | None, typer.Option(help="Column of groups that must not be split between folds.")]
Times = Annotated[
    str | None,
    typer.Option(
        help="Column of dates, numbers or batches that orders the rows: scores are those of later rows. "
        "Dates remain features; numbers and batches do not."
    ),
]
Outer = Annotated[
    int | None,
    typer.Option(help="Outer folds in which everything is done again, to be scored on rows never seen.", min=2),
]
Include = Annotated[list[str] | None, typer.Option(help="Model or family to search; may be repeated.")]
Exclude = Annotated[list[str] | None, typer.Option(help="Model or family to leave out; may be repeated.")]
Knowledge = Annotated[
    str,
    typer.Option(help="What is known from other tables, for the start: auto, off, or the folder of a knowledge base."),
]
KeepData = Annotated[
    bool, typer.Option("--keep-data", help="Keep table and models in the folder, so that `resume` needs no table.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Model = Annotated[Path, typer.Argument(help="Folder that `automl fit --out` made.", show_default=False)]
