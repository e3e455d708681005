"""`automl predict`: a table in, predictions out, row by row in the same order."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

from automl.cli.folder import ModelFolder
from automl.cli.output import writing
from automl.core import SettingError

__all__ = ["check_suffix", "predict_table", "read_rows", "write_rows"]


def predict_table(model: Path, table: Path, output: Path | None, *, proba: bool) -> None:
    """Predict a file with a saved model and write the predictions."""
    folder = ModelFolder(model)
    record = folder.record()
    if proba and record.get("task") == "regression":
        raise SettingError("--proba needs a classifier, and this model predicts numbers; leave --proba out")
    if output is not None:
        check_suffix(output)
    from automl import load

    estimator = load(folder.model)
    predictions = _predictions(estimator, read_rows(estimator, table), record["target"], proba=proba)
    if output is None:
        predictions.to_csv(sys.stdout, index=False)
        return
    write_rows(predictions, output)
    print(f"{output}: {len(predictions)} rows", file=sys.stderr)


def read_rows(estimator: Any, table: Path) -> Any:
    """Read a file as the model knows its columns: what was text in fit stays text."""
    from automl.data import load_table

    text = [column.name for column in estimator.schema_.columns if not column.numeric and isinstance(column.name, str)]
    return load_table(table, text=text)


def _predictions(estimator: Any, X: Any, target: str, *, proba: bool) -> Any:
    import pandas as pd

    if proba:
        names = [f"proba_{name}" for name in estimator.classes_]
        return pd.DataFrame(estimator.predict_proba(X), columns=names)
    return pd.DataFrame({target: estimator.predict(X)})


def check_suffix(path: Path) -> None:
    """Refuse a kind of file that cannot be written, before any work is done."""
    name = path.name.lower()
    if not name.endswith((".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".pq")):
        raise SettingError(f"--output {path}: write to .csv, .tsv (also .gz) or .parquet")
    if os.path.isdir(path):
        raise SettingError(f"--output {path} is a folder; name a file")


def write_rows(rows: Any, path: Path) -> None:
    """Write a table under another name first, so that nobody reads half a file."""
    partial = path.with_name(f".partial-{path.name}")
    with writing("--output", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            if path.name.lower().endswith((".parquet", ".pq")):
                rows.to_parquet(partial, index=False)
            else:
                rows.to_csv(partial, index=False, sep="\t" if ".tsv" in path.name.lower() else ",")
            os.replace(partial, path)
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
