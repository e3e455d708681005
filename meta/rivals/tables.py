"""A benchmark table as every system gets it: plain types, plain names, fixed folds."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Part", "categories", "fold_hash", "read", "split"]

Part = tuple[pd.DataFrame, np.ndarray]


def read(path: str | Path, target: str, task: str) -> tuple[pd.DataFrame, np.ndarray, int]:
    """Return the table, its target (codes 0..K-1 of sorted labels, or numbers) and the number of classes.

    Names are made of letters, digits and underscores: LightGBM, and with it FLAML, refuses others.
    """
    frame = pd.read_parquet(path) if str(path).endswith(".parquet") else pd.read_csv(path)
    frame = frame[frame[target].notna()].reset_index(drop=True)
    y = frame.pop(target)
    frame.columns = _plain_names(frame.columns)
    for name in frame.columns:
        frame[name] = _plain_column(frame[name])
    if task == "regression":
        return frame, y.to_numpy(dtype="float64"), 0
    labels = y.astype(object).to_numpy()
    try:
        classes = sorted(set(labels))
    except TypeError:
        labels = np.array([str(label) for label in labels], dtype=object)
        classes = sorted(set(labels))
    code = {label: number for number, label in enumerate(classes)}
    return frame, np.array([code[label] for label in labels], dtype="int64"), len(classes)


def split(y: np.ndarray, task: str, fold: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (train, test) rows of one of five fixed folds."""
    from sklearn.model_selection import KFold, StratifiedKFold

    kind = KFold if task == "regression" else StratifiedKFold
    return list(kind(5, shuffle=True, random_state=seed).split(np.zeros(len(y)), y))[fold]


def fold_hash(test: np.ndarray) -> str:
    """Return what two runs must have in common to be compared."""
    return hashlib.sha1(test.astype("int64").tobytes()).hexdigest()[:12]


def categories(frame: pd.DataFrame) -> pd.DataFrame:
    """Return text as pandas' category and dates as seconds: for systems that take no others."""
    frame = frame.copy()
    for name in frame.columns:
        kind = str(frame[name].dtype)
        if kind in ("object", "str", "string"):
            frame[name] = frame[name].astype("category")
        elif kind.startswith("datetime"):
            days = frame[name].to_numpy(dtype="datetime64[s]")
            frame[name] = np.where(np.isnat(days), np.nan, days.astype("int64").astype("float64"))
    return frame


def _plain_names(names: Any) -> list[str]:
    found: list[str] = []
    for name in names:
        plain = re.sub(r"[^0-9A-Za-z_]+", "_", str(name)) or "f"
        unique, number = plain, 1
        while unique in found:
            number += 1
            unique = f"{plain}_{number}"
        found.append(unique)
    return found


def _plain_column(column: pd.Series) -> pd.Series:
    """Return numbers as NumPy's, truth values as numbers, text as objects, with NaN where something is missing."""
    kind = str(column.dtype)
    present = column.dropna()
    if kind == "category":
        texts = [str(level) for level in column.cat.categories]
        return column.cat.rename_categories(texts)
    if kind == "bool":
        return column.astype("int8")
    if kind == "boolean" or (kind == "object" and len(present) and present.map(type).eq(bool).all()):
        return column.map({True: 1.0, False: 0.0}).astype("float64")
    if kind.startswith("timedelta"):
        return column.dt.total_seconds()
    if kind[:1].isupper():  # pandas' own numbers, which know missing ones
        return column.astype("float64")
    if kind == "object" and len(present) and present.map(lambda v: isinstance(v, (int, float, np.number))).all():
        return pd.to_numeric(column, errors="coerce")
    if kind == "object" or kind.startswith(("str", "large_string")):
        texts = [v if isinstance(v, str) else np.nan if pd.isna(v) else str(v) for v in column.to_numpy(dtype=object)]
        return pd.Series(np.array(texts, dtype=object), dtype=object, index=column.index)
    return column
