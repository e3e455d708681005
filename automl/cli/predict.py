"""`automl predict`: a table in, predictions out, row by row in the same order."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from automl.cli.folder import ModelFolder
from automl.core import SettingError

__all__ = ["predict_table"]


def predict_table(model: Path, table: Path, output: Path | None, *, proba: bool) -> None:
    """Predict a file with a saved model and write the predictions."""
    folder = ModelFolder(model)
    record = folder.record()
    if proba and record["task"] == "regression":
        raise SettingError("--proba needs a classifier, and this model predicts numbers; leave --proba out")
    if output is not None:
        _check_suffix(output)
    from automl import load
    from automl.data import load_table

    estimator = load(folder.model)
    text = [column.name for column in estimator.schema_.columns if not column.numeric and isinstance(column.name, str)]
    predictions = _predictions(estimator, load_table(table, text=text), record["target"], proba=proba)
    if output is None:
        predictions.to_csv(sys.stdout, index=False)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    _write(predictions, output)
    print(f"{output}: {len(predictions)} rows", file=sys.stderr)


def _predictions(estimator: Any, X: Any, target: str, *, proba: bool) -> Any:
    import pandas as pd

    if proba:
        names = [f"proba_{name}" for name in estimator.classes_]
        return pd.DataFrame(estimator.predict_proba(X), columns=names)
    return pd.DataFrame({target: estimator.predict(X)})


def _check_suffix(path: Path) -> None:
    name = path.name.lower()
    if not name.endswith((".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".pq")):
        raise SettingError(f"--output {path}: write to .csv, .tsv (also .gz) or .parquet")


def _write(predictions: Any, path: Path) -> None:
    """Write under another name first, so that nobody reads half a file."""
    partial = path.with_name(f".partial-{path.name}")
    if path.name.lower().endswith((".parquet", ".pq")):
        predictions.to_parquet(partial, index=False)
    else:
        predictions.to_csv(partial, index=False, sep="\t" if ".tsv" in path.name.lower() else ",")
    os.replace(partial, path)
