"""What there is to do: each table at each size, and the order in which configurations are tried on them.

Configuration by configuration over all tables, so that the base is useful whenever the workshop stops. First the first
base at 2,000 rows, then the rest of the pool there, then larger tables with what the pool has for them.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from automl.core import Config
from automl.data import Dataset, dump_dataset
from automl.evaluate import Evaluation, make_folds, save_evaluation
from automl.metalearn.adapting import adapted
from automl.metalearn.rows import row_hashes
from automl.metrics import get_metric
from automl.space import build_space, default_catalog, facts_of
from meta.knowledge.claims import write_whole
from meta.knowledge.compact import truth_of
from meta.knowledge.machine import versions
from meta.knowledge.pool import FIRST_BASE, LARGER, Pool
from meta.knowledge.tables import Source, checksum, sampled

__all__ = [
    "EVALUATION",
    "FIRST_ROWS",
    "FOLDS",
    "METRICS",
    "Fidelity",
    "Variant",
    "fidelities",
    "prepare",
    "read_variant",
    "tasks",
]

FOLDS = 3
EVALUATION = "evaluation.pkl"
FIRST_ROWS = 2_000  # of the first base
LARGER_TABLES = 15  # that are tried at more rows, too
METRICS = {
    "binary": (
        "roc_auc",
        "log_loss",
        "accuracy",
        "balanced_accuracy",
        "average_precision",
        "f1_macro",
        "matthews_corrcoef",
        "brier_score",
    ),
    "multiclass": (
        "log_loss",
        "accuracy",
        "balanced_accuracy",
        "f1_macro",
        "roc_auc_ovr",
        "matthews_corrcoef",
        "brier_score",
    ),
    "regression": (
        "root_mean_squared_error",
        "mean_absolute_error",
        "r2",
        "median_absolute_error",
        "mean_absolute_percentage_error",
    ),
}


@dataclass(frozen=True)
class Fidelity:
    """How many rows, how many of the configurations that the pool has for them, and processor seconds for a fit."""

    rows: int
    configurations: int
    cap: float
    first: int = 0

    def entries(self, pool: Pool, task: str) -> tuple[str, ...]:
        """Return what tables of a task are tried with, in order."""
        order = pool.order[task] if self.rows <= FIRST_ROWS else pool.larger.get(task, ())
        return order[self.first : self.first + self.configurations]


FIDELITIES = (
    Fidelity(FIRST_ROWS, FIRST_BASE, 10.0),
    Fidelity(FIRST_ROWS, 1_000, 10.0, first=FIRST_BASE),
    Fidelity(5_000, LARGER, 20.0),
    Fidelity(15_000, LARGER, 40.0),
)


@dataclass(frozen=True)
class Variant:
    """A table at one size, ready for workers: ``configs`` maps entries of the pool to what they are here."""

    table: str
    rows: int
    task: str
    path: str
    configs: dict[str, Config]

    @property
    def name(self) -> str:
        return f"{self.table}@{self.rows}"


def fidelities(sources: Sequence[Source]) -> Iterator[tuple[Fidelity, tuple[Source, ...]]]:
    """Yield what to do in order: a fidelity and its tables.

    The larger ones are for tables that have the rows: as many of each task as there are, by a hash of the name.
    """
    most = max(fidelity.rows for fidelity in FIDELITIES)
    ranks: dict[str, list[Source]] = {}
    for source in sorted(sources, key=lambda s: hashlib.sha256(s.name.encode()).hexdigest()):
        if source.n_rows >= 0.8 * most:
            ranks.setdefault(source.task, []).append(source)
    turns = sorted((place, task) for task, found in ranks.items() for place in range(len(found)))
    larger = {ranks[task][place].name for place, task in turns[:LARGER_TABLES]}
    for fidelity in FIDELITIES:
        yield fidelity, tuple(s for s in sources if fidelity.rows <= FIRST_ROWS or s.name in larger)


def tasks(pool: Pool, sources: Sequence[Source]) -> Iterator[tuple[Source, int, str, float]]:
    """Yield (table, rows, entry, cap) in the order in which they are to be done."""
    for fidelity, tables in fidelities(sources):
        entries = {task: fidelity.entries(pool, task) for task in pool.order}
        for place in range(max(map(len, entries.values()))):
            for source in tables:
                if place < len(entries[source.task]):
                    yield source, fidelity.rows, entries[source.task][place], fidelity.cap


def prepare(source: Source, rows: int, pool: Pool, folder: Path) -> None:
    """Write everything that workers and the base need to know about a table at one size, unless it is there.

    The evaluation is written last: a folder with one is ready. What a base knew of the table (`unpack`) stays, if the
    table is the same.

    Raises
    ------
    ValueError
        If the table, or the rows whose predictions are kept, are not those of the base.
    """
    if (folder / EVALUATION).exists():
        return
    described = folder / "variant.json"
    if described.exists() and json.loads(described.read_text())["checksum"] != checksum(source):
        raise ValueError(f"{source.name} is another file than the one that the base was made from")
    dataset = sampled(source, rows)
    facts, catalog = facts_of(dataset), default_catalog()
    folds = make_folds(dataset, cv=FOLDS, seed=0)
    metrics = tuple(
        get_metric(name, task=str(dataset.task), classes=dataset.classes) for name in METRICS[str(dataset.task)]
    )
    folder.mkdir(parents=True, exist_ok=True)
    data_path = dump_dataset(dataset, folder / "data")
    _write_truth(dataset, folds, folder / "truth.npz")
    if not described.exists():
        _describe(source, rows, pool, dataset, folds.description, described)
    part = folder / f".{EVALUATION}"
    save_evaluation(Evaluation(str(data_path), folds, metrics, facts, catalog, 0), part)
    part.replace(folder / EVALUATION)


def _describe(source: Source, rows: int, pool: Pool, dataset: Dataset, folds: str, path: Path) -> None:
    """Write what the table is, and what each entry of the pool is on it."""
    facts = facts_of(dataset)
    space = build_space(facts, default_catalog())
    found = {entry.id: adapted(entry.config, space) for entry in pool.of(source.task)}
    configs: dict[str, Any] = {}
    same: dict[str, str] = {}  # key of a configuration -> the first entry that is it here
    for name, config in found.items():
        if isinstance(config, str):
            configs[name] = {"refused": config}
        elif config.key() in same:
            configs[name] = {"same_as": same[config.key()]}
        else:
            same[config.key()] = name
            configs[name] = config.to_json()
    description = {
        "format": 1,
        "table": source.name,
        "rows": rows,
        "task": str(dataset.task),
        "n_rows": dataset.n_rows,
        "n_rows_of_table": source.n_rows,
        "facts": {name: value for name, value in vars(facts).items() if name != "container"},
        "folds": folds,
        "provenance": source.provenance,
        "licence": source.licence,
        "checksum": checksum(source),
        "versions": versions(),
        "configs": configs,
    }
    write_whole(path, json.dumps(description, default=str))


def _write_truth(dataset: Dataset, folds: Any, path: Path) -> None:
    numbers = np.full(dataset.n_rows, -1, dtype=np.int64)
    for number, (_, test) in enumerate(folds.pairs):
        numbers[test] = number
    hashes, _ = row_hashes(dataset.X, dataset.y)
    truth = truth_of(dataset, numbers, hashes)
    if path.exists():
        with np.load(path) as known:
            if any(not np.array_equal(known[name], truth[name]) for name in known.files):
                raise ValueError(f"the rows of {path.parent.name} are not those whose predictions the base holds")
    buffer = io.BytesIO()
    np.savez(buffer, **truth)
    write_whole(path, buffer.getvalue())


def read_variant(folder: Path) -> Variant:
    data = json.loads((folder / "variant.json").read_text())
    configs = {name: Config.from_json(config) for name, config in data["configs"].items() if "steps" in config}
    return Variant(data["table"], data["rows"], data["task"], str(folder / EVALUATION), configs)
