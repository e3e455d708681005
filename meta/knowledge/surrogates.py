"""Surrogates of rank, seconds and memory over configurations and meta-features, small enough to be shipped."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.core import Array, Config
from automl.metalearn import METAFEATURES
from automl.metalearn.encoding import config_cells, encode_configs
from automl.metalearn.knowledge import scaled, value_range
from automl.metalearn.trees import Trees
from automl.search.cost import CostModel
from automl.space import default_catalog
from meta.knowledge.results import Results, Table

__all__ = ["CHEAP", "Surrogates", "TARGETS", "fit_surrogates", "ranks_of", "trees_of"]

# those that every fit computes: they cost next to nothing, and do not depend on a clock
CHEAP = tuple(f.name for f in METAFEATURES if f.group in ("simple", "target", "missing", "levels"))
TARGETS = ("rank", "slower", "memory")
ROUNDS = 150
SETTINGS: dict[str, Any] = {
    "objective": "l2",
    "learning_rate": 0.06,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 0,
    "verbose": -1,
}


@dataclass(frozen=True)
class Surrogates:
    """Trees for each target, and what their columns mean."""

    task: str
    columns: tuple[str, ...]
    low: Array
    high: Array
    rows: int
    trees: dict[str, Trees]

    def declared(self) -> dict[str, Any]:
        return {"columns": list(self.columns), "metafeatures": list(CHEAP), "rows": self.rows}

    def to_arrays(self) -> dict[str, Array]:
        arrays = {f"{self.task}:low": self.low, f"{self.task}:high": self.high}
        for name, trees in self.trees.items():
            arrays |= trees.to_arrays(f"{self.task}:{name}:")
        return arrays

    def predict(self, target: str, configs: Sequence[Config], table: Table) -> Array:
        """Return what is predicted of configurations on a table, before any limit."""
        return self.trees[target].predict(cells_of(configs, table, self.columns, self.low, self.high))


def ranks_of(table: Table) -> dict[str, float]:
    """Return for every entry tried on a table the share of entries that are better; 1 where it failed."""
    names = sorted(table.found)
    losses = np.array([table.found[name].loss for name in names])
    better = (losses[None] < losses[:, None]).sum(axis=1) / max(len(names) - 1, 1)
    return {name: 1.0 if np.isinf(loss) else float(b) for name, loss, b in zip(names, losses, better, strict=True)}


def cells_of(configs: Sequence[Config], table: Table, columns: Sequence[str], low: Array, high: Array) -> Array:
    about = scaled(table.metafeatures, CHEAP, low, high)
    cells = encode_configs(configs, columns, default_catalog(), table.task)
    return np.hstack([cells, np.tile(about, (len(cells), 1))])


def fit_surrogates(results: Results, task: str, *, without: Collection[str] = ()) -> Surrogates:
    """Return surrogates learnt from all tables of a task but some."""
    tables = [table for table in results.of(task) if table.name not in without and table.found]
    used = {found.key for table in tables for found in table.found.values()}
    found_cells = [config_cells(results.configs[key], default_catalog(), task) for key in sorted(used)]
    columns = tuple(sorted({name for cells in found_cells for name in cells}))
    features = np.array([[t.metafeatures.get(name, np.nan) for name in CHEAP] for t in tables])
    low, high = value_range(features)
    cells, targets = [], []
    for table in tables:
        names = sorted(table.found)
        configs = [results.configs[table.found[name].key] for name in names]
        cells.append(cells_of(configs, table, columns, low, high))
        targets.append(targets_of(table, configs, names, results.unit_seconds))
    X, y = np.vstack(cells), np.vstack(targets)
    trees = {name: _fitted(X, y[:, place]) for place, name in enumerate(TARGETS)}
    return Surrogates(task, columns, low, high, max(table.rows for table in tables), trees)


def targets_of(table: Table, configs: Sequence[Config], names: Sequence[str], unit_seconds: float) -> Array:
    """Return rank, log (seconds / nominal seconds) and log megabytes of entries; NaN where not known."""
    cost, ranks = CostModel(default_catalog(), table.facts, train_rows_of(table)), ranks_of(table)
    rows = []
    for config, name in zip(configs, names, strict=True):
        found = table.found[name]
        seconds = found.units * unit_seconds
        ended = np.isfinite(found.loss) and np.isfinite(seconds)
        slower = np.log(max(seconds, 1e-3) / cost.nominal(config)) if ended else np.nan
        rows.append((ranks[name], slower, np.log(found.mb) if ended and found.mb > 0 else np.nan))
    return np.array(rows)


def train_rows_of(table: Table) -> int:
    return round(table.description["n_rows"] * 2 / 3)  # three folds


def _fitted(X: Array, y: Array) -> Trees:
    import lightgbm

    known = np.isfinite(y)
    data = lightgbm.Dataset(X[known], y[known], params={"verbose": -1})
    return trees_of(lightgbm.train(SETTINGS, data, ROUNDS))


def trees_of(booster: Any) -> Trees:
    """Return the trees of a LightGBM booster as arrays; it must have been trained without missing values."""
    parts: list[tuple[int, float, int, int, float]] = []
    roots, depths = [], []

    def add(node: dict[str, Any], depth: int) -> int:
        place = len(parts)
        if "split_index" not in node:
            parts.append((0, 0.0, place, place, float(node["leaf_value"])))
            depths.append(depth)
            return place
        parts.append((0, 0.0, 0, 0, 0.0))
        left, right = add(node["left_child"], depth + 1), add(node["right_child"], depth + 1)
        parts[place] = (int(node["split_feature"]), float(node["threshold"]), left, right, 0.0)
        return place

    for tree in booster.dump_model()["tree_info"]:
        roots.append(add(tree["tree_structure"], 0))
    feature, threshold, left, right, value = (np.array(part) for part in zip(*parts, strict=True))
    return Trees(feature, threshold, left, right, value, np.array(roots), max(depths))
