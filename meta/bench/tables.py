"""The benchmark tables: real data beside the project (``../shared/data``), which are not part of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["DATA", "METRICS", "load", "require", "split", "test_score"]

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "root_mean_squared_error"}  # of test_score


def require(folder: str | Path) -> Path:
    """Return the folder of the tables, or end the program saying what is missing."""
    if not (Path(folder) / "manifest.csv").exists():
        sys.exit(f"the benchmark tables are not at {folder}: give --data")
    return Path(folder)


def load(folder: Path, name: str) -> tuple[pd.DataFrame, pd.Series, str]:
    """Return table, target and task."""
    manifest = pd.read_csv(folder / "manifest.csv").set_index("name")
    frame = pd.read_parquet(folder / f"{name}.parquet")
    target = str(manifest.loc[name, "target"])
    frame = frame[frame[target].notna()].reset_index(drop=True)
    return frame.drop(columns=target), frame[target], str(manifest.loc[name, "task"])


def split(y: pd.Series, task: str, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (train, test) rows of one of five fixed folds."""
    from sklearn.model_selection import KFold, StratifiedKFold

    kind = KFold if task == "regression" else StratifiedKFold
    labels = y if task == "regression" else y.astype(str)
    return list(kind(5, shuffle=True, random_state=0).split(np.zeros(len(y)), labels))[fold]


def test_score(task: str, y: pd.Series, model: Any, X: pd.DataFrame) -> float:
    """Return ROC AUC (binary), log loss (multiclass) or RMSE (regression) on held-out rows."""
    from sklearn.metrics import log_loss, roc_auc_score

    if task == "regression":
        return float(np.sqrt(np.mean((np.asarray(model.predict(X), float) - np.asarray(y, float)) ** 2)))
    probability = model.predict_proba(X)
    if task == "binary":
        return float(roc_auc_score(y == model.classes_[1], probability[:, 1]))
    return float(log_loss(y, probability, labels=list(model.classes_)))
