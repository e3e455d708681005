"""The table of `fit` and `plan`: read from a file and taken apart into features, target, weights, groups and times."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from automl.cli.request import Request
from automl.core import DataError, SettingError

__all__ = ["Table", "columns_like", "read_table"]


@dataclass(frozen=True)
class Table:
    """Features, target, and what else the columns held.

    ``why`` says how the task was chosen; columns left ``aside`` are no features, and may be missing in `predict`.
    """

    X: Any
    y: Any
    classifies: bool
    why: str
    weights: Any = None
    groups: Any = None
    times: Any = None
    aside: tuple[str, ...] = ()


def read_table(request: Request) -> Table:
    """Read the file, take its columns apart and decide on the task."""
    from automl.data import infer_task, load_table, read_times

    frame = load_table(request.path)
    asked = [("--target", request.target), ("--weights", request.weights), ("--groups", request.groups)]
    asked.append(("--times", request.times))
    for option, name in [*asked, *(("--drop", name) for name in request.drop)]:
        if name is not None and name not in frame.columns:
            raise SettingError(f"{option} {name}: {request.path} has no such column; {columns_like(name, frame)}")
    times = None if request.times is None else frame[request.times]
    aside = [*request.drop, *(name for name in (request.weights, request.groups) if name is not None)]
    if request.times is not None and read_times(times, len(frame)).dtype.kind != "i":  # months of dates carry signal
        aside.append(request.times)
    X = frame[[name for name in frame.columns if name != request.target and name not in aside]]
    if X.shape[1] == 0:
        raise DataError(f"{request.path} has no column to learn from beside the target {request.target!r}; add some")
    y = frame[request.target]
    _check_target(y, request)
    weights = None if request.weights is None else _numbers(frame[request.weights])
    groups = None if request.groups is None else frame[request.groups]
    if request.task != "auto":
        classifies, why = request.task == "classification", "as asked with --task"
    else:
        task, why = infer_task(y)
        classifies = task.classifies
    return Table(X, y, classifies, why, weights, groups, times, tuple(aside))


def _check_target(y: Any, request: Request) -> None:
    """Refuse gaps in the target here, where one may be a word of the file that was read as missing."""
    gaps = int(y.isna().sum())
    if gaps and not str(request.path).lower().endswith((".parquet", ".pq")):
        raise DataError(
            f"--target {request.target}: {gaps} of {len(y)} values are missing: empty fields, or words such as None, "
            "NA and null, which are read so. Rename that label in the file if it is one, else remove these rows"
        )


def columns_like(name: str, frame: Any) -> str:
    """Say which column may be meant, or what columns there are; blanks around names are easily overlooked."""
    names = [str(column) for column in frame.columns]
    near = [one for one in names if one.strip() == name.strip()] or difflib.get_close_matches(name, names, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    shown = [one if one == one.strip() else repr(one) for one in names[:12]]
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"its columns are: {', '.join(shown)}{more}"


def _numbers(column: Any) -> Any:
    try:
        return column.astype("float64").to_numpy()
    except (TypeError, ValueError):
        raise SettingError(f"--weights {column.name}: not every value is a number; name a numeric column") from None
