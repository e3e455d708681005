"""`automl importance`: which columns the score of a saved model rests on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from automl.cli.durations import parse_duration
from automl.cli.folder import ModelFolder
from automl.cli.output import as_records, fixed, print_json, text_table
from automl.cli.predict import read_rows
from automl.core import SettingError

__all__ = ["print_importance"]


def print_importance(
    model: Path, table: Path, *, target: str | None, repeats: int, max_rows: int, time: str | None, as_json: bool
) -> None:
    """Shuffle the columns of a file one by one, score again, and print how much worse the model gets."""
    folder = ModelFolder(model)
    name = target or folder.record()["target"]
    weights = folder.request()["weights"]
    seconds = None if time is None else parse_duration(time)
    from automl import load

    estimator = load(folder.model)
    rows = read_rows(estimator, table)
    if name not in rows.columns:
        raise SettingError(f"{table} has no column {name!r} to score against; name the known outcomes with --target")
    found = estimator.feature_importance(
        rows.drop(columns=name),
        rows[name],
        n_repeats=repeats,
        max_rows=max_rows,
        seconds=seconds,
        sample_weight=rows[weights] if weights in rows.columns else None,
    )
    if as_json:
        print_json({**found.attrs, "features": as_records(found)})
    else:
        print(importance_text(found))


def importance_text(found: Any) -> str:
    """Return importances as aligned text below a line that says on which rows."""
    attrs = found.attrs
    columns = {
        "feature": found["feature"],
        f"worse by ({attrs['metric']})": fixed(found["importance"]),
        "se": fixed(found["standard_error"]),
        "95% from": fixed(found["low"]),
        "to": fixed(found["high"]),
    }
    head = f"{attrs['metric']} {attrs['score']:.5g} on {attrs['n_rows']} {attrs['rows']}"
    return f"{head}\n{text_table(list(columns), zip(*columns.values(), strict=True))}"
