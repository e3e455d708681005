"""What the workshop found, read for learning: tables with losses, costs and predictions of each configuration."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from automl.core import Array, Config
from automl.data import Task
from automl.space import Facts
from meta.knowledge.compact import decode
from meta.knowledge.pack import pack
from meta.knowledge.plan import METRICS
from meta.knowledge.pool import Pool, read_pool

__all__ = ["Found", "Results", "Table", "read_results"]


@dataclass(frozen=True)
class Found:
    """One configuration on one table: loss is infinite where it failed; units and megabytes are means over folds."""

    key: str
    loss: float
    losses: dict[str, float]
    units: float
    mb: float


@dataclass(frozen=True)
class Table:
    """A table at one size, with what was found for each entry of the pool that was tried on it.

    Parameters
    ----------
    description : mapping
        Facts, checksum, provenance and licence, as the workshop wrote them.
    predictions : ndarray of shape (entries, rows)
        Of the entries in ``predicted``, on rows with the targets ``y``: probabilities of the second of two classes, of
        more classes those of the true one (all that the log loss of a mixture depends on), or values.
    refused : frozenset of str
        Entries that its space does not hold: they cost nothing and bring nothing.
    """

    name: str
    rows: int
    task: str
    description: dict[str, Any]
    found: dict[str, Found]
    refused: frozenset[str]
    predicted: tuple[str, ...]
    predictions: Array
    y: Array
    metafeatures: dict[str, float]

    @property
    def complete(self) -> list[str]:
        return [name for name, found in self.found.items() if np.isfinite(found.loss)]

    @property
    def facts(self) -> Facts:
        known = {name: value for name, value in self.description["facts"].items() if name in Facts.__dataclass_fields__}
        return Facts(**{**known, "task": Task(known["task"])})


@dataclass(frozen=True)
class Results:
    """All tables, sorted by task, rows and name; ``configs`` are by the key that ``Found`` names."""

    tables: tuple[Table, ...]
    pool: Pool
    configs: dict[str, Config]
    unit_seconds: float
    newest: float

    def of(self, task: str) -> tuple[Table, ...]:
        return tuple(table for table in self.tables if table.task == task)


def read_results(path: Path) -> Results:
    """Return what a packed base holds, or the folder of a run, which is packed aside first."""
    if (path / "fits.parquet").is_file():
        return _read(path)
    with tempfile.TemporaryDirectory() as aside:
        pack(path, Path(aside) / "base")
        return _read(Path(aside) / "base")


def _read(base: Path) -> Results:
    fits = pd.read_parquet(base / "fits.parquet")
    features = base / "metafeatures.parquet"
    described = pd.read_parquet(features) if features.is_file() else pd.DataFrame()
    by_table = dict(iter(fits.groupby(["table", "rows"], observed=True)))
    tables = []
    for description in json.loads((base / "tables.json").read_text()):
        name, rows = description["table"], int(description["rows"])
        if (name, rows) in by_table:
            tables.append(_table(base, description, by_table[name, rows], described))
    configs = json.loads((base / "configs.json").read_text())
    return Results(
        tuple(sorted(tables, key=lambda t: (t.task, t.rows, t.name))),
        read_pool(base / "pool.json"),
        {key: Config.from_json(config) for key, config in configs.items()},
        float(fits["unit_seconds"].median()),
        float(fits["at"].max()),
    )


def _table(base: Path, description: dict[str, Any], fits: pd.DataFrame, described: pd.DataFrame) -> Table:
    name, rows, task = description["table"], int(description["rows"]), description["task"]
    found = {str(entry): _found(own, task) for entry, own in fits.groupby("entry", observed=True)}
    spelled = description["entries"]
    for entry, spelling in spelled.items():
        if "same_as" in spelling and spelling["same_as"] in found:
            found[entry] = found[spelling["same_as"]]
    predicted, predictions, y = _predictions(base / "predictions" / f"{name}@{rows}.npz", task)
    return Table(
        name,
        rows,
        task,
        description,
        found,
        frozenset(entry for entry, spelling in spelled.items() if "refused" in spelling),
        predicted,
        predictions,
        y,
        _features(described, name, rows, int(description["n_rows"])),
    )


def _features(described: pd.DataFrame, name: str, rows: int, n_rows: int) -> dict[str, float]:
    """Return the meta-features of a table at one size; of larger sizes those at 2,000 rows, with the rows they have."""
    label = next((label for label in (f"{name}@{rows}", f"{name}@2000") if label in described.index), None)
    if label is None:
        return {}
    found = {str(feature): float(value) for feature, value in described.loc[label].items()}
    more = float(np.log10(n_rows)) - found["log_rows"]
    signs = {"log_rows": 1, "log_cells": 1, "columns_per_row": -1, "log_class_min": 1}
    return found | {feature: found[feature] + sign * more for feature, sign in signs.items()}


def _found(own: pd.DataFrame, task: str) -> Found:
    names = [f"loss {metric}" for metric in METRICS[task]]
    whole = (own["trial"] == "ok").all()
    losses = {n.removeprefix("loss "): float(own[n].mean()) for n in names if n in own and whole}
    first = losses.get(METRICS[task][0], float("nan"))
    units = float("nan")
    if "fit_units" in own:  # what was ended for its time took all that it was given
        units = (own["fit_units"] + own["predict_units"]).fillna(own["cap"] / own["unit_seconds"]).mean()
    return Found(
        str(own["key"].iloc[0]),
        first if np.isfinite(first) else np.inf,
        losses,
        float(units),
        float(own["peak_mb"].mean()),
    )


def _predictions(path: Path, task: str) -> tuple[tuple[str, ...], Array, Array]:
    if not path.is_file():
        return (), np.empty((0, 0)), np.empty(0)
    with np.load(path) as arrays:
        held = dict(arrays)
    truth = {name: held[name] for name in held if name not in ("codes", "entries")}
    decoded = np.stack([decode(codes, truth) for codes in held["codes"]])
    if task == "binary":
        decoded = decoded[..., 1]
    elif task == "multiclass":
        decoded = np.take_along_axis(decoded, held["y"][None, :, None].astype(np.intp), axis=2)[..., 0]
    return tuple(map(str, held["entries"])), decoded.astype(np.float32), held["y"]
