"""Made-up results of the workshop: tables on which what is good and what it costs is known."""

from __future__ import annotations

from functools import cache

import numpy as np

from automl.core import Config
from automl.data import Task
from automl.metalearn import METAFEATURES, adapted
from automl.space import Facts, Space, build_space, default_catalog
from meta.knowledge.pool import Entry, Pool, read_pool
from meta.knowledge.results import Found, Results, Table

ROWS = 60
FACTS = Facts(task=Task.BINARY, n_rows=ROWS, n_columns=6, n_numeric=6, n_classes=2, min_class_count=20)


@cache
def numbers_space() -> Space:
    return build_space(FACTS, default_catalog())


@cache
def some_entries(n: int = 14) -> tuple[Entry, ...]:
    """The first entries of the pool for two classes that a table of numbers can express, each its own there."""
    pool, found, keys = read_pool(), [], set()
    for entry in pool.of("binary"):
        config = adapted(entry.config, numbers_space())
        if isinstance(config, Config) and config.key() not in keys:
            keys.add(config.key())
            found.append(entry)
    return tuple(found[:n])


def table(number: int, entries: tuple[Entry, ...], quality: dict[str, float], units: dict[str, float]) -> Table:
    """A table of two classes: predictions hold the truth with this quality, and noise that entries do not share."""
    rng = np.random.default_rng(number)
    y = np.arange(ROWS) % 2
    logits = {e.id: quality.get(e.id, 0.5) * (2 * y - 1) + rng.normal(size=ROWS) for e in entries}
    predictions = np.stack([1 / (1 + np.exp(-logits[e.id])) for e in entries]).astype(np.float32)
    found = {}
    for e, p in zip(entries, predictions, strict=True):
        config = adapted(e.config, numbers_space())
        assert isinstance(config, Config)
        auc = float((p[y == 1][:, None] > p[y == 0][None]).mean())
        found[e.id] = Found(config.key(), -auc, {"roc_auc": -auc}, units.get(e.id, 1.0), 170.0)
    features = {feature.name: float(rng.random()) for feature in METAFEATURES}
    facts = {name: value for name, value in vars(FACTS).items() if name != "container"}
    about = {"checksum": f"{number:064d}", "provenance": "made up", "licence": "none", "n_rows": ROWS}
    ids = tuple(entry.id for entry in entries)
    description = {"table": f"t{number}", "facts": {**facts, "task": "binary"}, **about}
    return Table(f"t{number}", 2_000, "binary", description, found, frozenset(), ids, predictions, y, features)


def results(n_tables: int = 22, n_entries: int = 14) -> Results:
    """Tables on which later entries are better and dearer, all alike."""
    entries = some_entries(n_entries)
    quality = {entry.id: 0.4 + 0.05 * place for place, entry in enumerate(entries)}
    units = {entry.id: 0.2 + 0.2 * place for place, entry in enumerate(entries)}
    tables = tuple(table(number, entries, quality, units) for number in range(n_tables))
    return of_tables(tables, entries)


def of_tables(tables: tuple[Table, ...], entries: tuple[Entry, ...]) -> Results:
    pool = Pool({entry.id: entry for entry in entries}, {"binary": tuple(entry.id for entry in entries)})
    configs = {}
    for entry in entries:
        config = adapted(entry.config, numbers_space())
        assert isinstance(config, Config)
        configs[config.key()] = config
    return Results(tables, pool, configs, 0.2, 1_790_000_000.0)
