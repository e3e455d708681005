"""A folder of tiny tables as the workshop expects it, and a tiny pool."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from automl.core import Config, Step
from meta.knowledge.pool import Entry, Pool


def frame(n: int, seed: int, names: str = "abcd") -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({name: rng.normal(size=n).round(6) for name in names})
    X["colour"] = rng.choice(["red", "green", "blue"], n)
    return X


def folder(path: Path, tables: dict[str, tuple[str, pd.DataFrame, object]], develop: tuple[str, ...] = ()) -> Path:
    """Write tables given as name -> (task, columns, target)."""
    rows = []
    for name, (task, X, y) in tables.items():
        X.assign(goal=y).to_parquet(path / f"{name}.parquet")
        rows.append({"name": name, "task": task, "target": "goal", "n_rows": len(X), "group_column": None})
    texts = dict.fromkeys(("source_repo", "source_path", "source_commit", "license_if_stated"), "made up")
    pd.DataFrame([row | texts for row in rows]).to_csv(path / "manifest.csv", index=False)
    split = {"develop": list(develop), "meta_only": [name for name in tables if name not in develop]}
    (path / "split.json").write_text(json.dumps(split))
    return path


def two_tables(path: Path, n: int = 90) -> Path:
    rng = np.random.default_rng(5)
    one, other = frame(n, 0, "abcd"), frame(n, 1, "pqrs")
    return folder(
        path,
        {
            "coins": ("binary", one, np.where(one["a"] + rng.normal(size=n) > 0, "heads", "tails")),
            "sizes": ("regression", other, 100 * np.exp(other["p"] + 0.3 * rng.normal(size=n))),
        },
    )


def tiny_pool() -> Pool:
    steps = {
        "none": Config.of(Step.of("prior")),
        "tree": Config.of(Step.of("ordinal"), Step.of("decision_tree", max_depth=4)),
        "near": Config.of(Step.of("one_hot"), Step.of("median"), Step.of("standard"), Step.of("knn", n_neighbors=5)),
        "bayes": Config.of(Step.of("naive_bayes")),
    }
    entries = {name: Entry(name, "default", config) for name, config in steps.items()}
    order = dict.fromkeys(("binary", "multiclass", "regression"), ("none", "bayes", "tree", "near"))
    return Pool(entries, order, larger=dict.fromkeys(order, ("tree", "near")))
