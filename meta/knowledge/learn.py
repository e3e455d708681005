"""From what the workshop found to the knowledge base that automl comes with.

    python -m meta.knowledge.learn                               # meta/knowledge/base -> automl/metalearn/base
    python -m meta.knowledge.learn --found ../workshop/run       # straight from the folder of a run, however far it is

The same results give the same files, byte for byte.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from automl.core import Array
from automl.data import Task
from automl.metalearn import METAFEATURES
from automl.metalearn.contents import FILES, MANIFEST, SCHEMA
from automl.metalearn.knowledge import LEAST_CONFIGURATIONS, LEAST_TABLES, SHIPPED
from meta.knowledge.greedy import Ensembles, greedy_order, widely_tried
from meta.knowledge.machine import versions
from meta.knowledge.pack import BASE
from meta.knowledge.plan import FIRST_ROWS
from meta.knowledge.results import Results, Table, read_results
from meta.knowledge.surrogates import fit_surrogates, ranks_of

__all__ = ["by_hand_first", "learn", "learnt_orders", "rich", "weight_between"]

LIMIT_MB = 3.0
SMALL, MIDDLE = 1_000, 4_000  # rows up to which an order is for
FAR = 0.3  # weight of a table that is not of the sizes an order is for
BEYOND = 5  # tables of more than MIDDLE rows before there is an order for them
CONSTANT = "prior"
# tasks whose whole fits end worse with the learnt order than with that by hand (audit --end-to-end)
BY_HAND = dict.fromkeys(("binary", "regression"), "whole fits of 60 s ended no better with the learnt one")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--found", type=Path, default=BASE, help="a packed base, or the folder of a run")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder of the knowledge base, written anew")
    parser.add_argument("--every-order", action="store_true", help="also those that whole fits lose by")
    given = parser.parse_args()
    manifest = learn(read_results(given.found), given.out, {} if given.every_order else BY_HAND)
    for task, count in manifest["counts"].items():
        print(f"{task}: {count['tables']} tables with {count['configurations']} configurations and more")
    print(f"{given.out}: {sum(path.stat().st_size for path in given.out.iterdir()) / 1e6:.2f} MB")


def learn(results: Results, out: Path, by_hand: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Write the knowledge base anew; return its manifest.

    ``by_hand`` are tasks that are to keep the order by hand, and why.

    Raises ValueError, and leaves the old one, if it would be larger than a wheel should carry.
    """
    tasks = [str(task) for task in Task if any(table.found for table in results.of(str(task)))]
    learnt = [task for task in tasks if rich(results.of(task)) >= LEAST_TABLES]
    orders = {task: learnt_orders(results, task) for task in learnt}
    surrogates = [fit_surrogates(results, task) for task in learnt]
    used = {name for task in tasks for table in results.of(task) for name in table.found}
    files = {
        "configs.json": _json({n: results.pool.entries[n].config.to_json() for n in sorted(used)}),
        "orders.json": _json(orders),
        "results.npz": _arrays({k: v for task in tasks for k, v in _evidence(results, task).items()}),
        "surrogates.npz": _arrays({k: v for fitted in surrogates for k, v in fitted.to_arrays().items()}),
    }
    assert tuple(files) == FILES
    day = datetime.datetime.fromtimestamp(results.newest, datetime.UTC).date().isoformat() if used else ""
    manifest = {
        "schema": SCHEMA,
        "newest_result": day,
        "versions": {name: version for name, version in versions().items() if name != "machine"},
        "counts": {task: _count(results.of(task)) for task in tasks},
        "by_hand": dict(by_hand or {}),
        "metafeatures": [feature.name for feature in METAFEATURES],
        "surrogates": {fitted.task: fitted.declared() for fitted in surrogates},
        "unit_seconds": round(results.unit_seconds, 4),
        "tables": [_line(table) for table in results.tables if table.found],
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    files[MANIFEST] = (json.dumps(manifest, indent=1) + "\n").encode()
    megabytes = sum(map(len, files.values())) / 1e6
    if megabytes > LIMIT_MB:
        raise ValueError(f"the knowledge base has {megabytes:.1f} MB, at most {LIMIT_MB:g} go into the wheel")
    new = out.with_name(f".{out.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    for name, data in files.items():
        (new / name).write_bytes(data)
    shutil.rmtree(out, ignore_errors=True)
    new.rename(out)
    return manifest


def rich(tables: Sequence[Table]) -> int:
    """Return how many tables have results of enough configurations to be learnt from."""
    return len({table.name for table in tables if len(table.complete) >= LEAST_CONFIGURATIONS})


def learnt_orders(results: Results, task: str, *, without: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the orders of a task, for few rows first."""
    ensembles = Ensembles(results.of(task), by_hand_first(results, task))
    models = {entry.id: entry.model for entry in results.pool.entries.values()}
    larger = sum(table.rows > MIDDLE for table in ensembles.tables) >= BEYOND
    bounds = (SMALL, MIDDLE, None) if larger else (SMALL, None)
    found: list[dict[str, Any]] = []
    judged = sorted(widely_tried(ensembles))
    least = 0
    for bound in bounds:
        order = greedy_order(ensembles, models, weight=weight_between(least, bound), without=without)
        found.append({"up_to": bound, "entries": list(order), "judged": judged})
        least = bound or 0
    return found


def weight_between(least: int, most: int | None) -> Any:
    """Return how much a table counts for an order meant for so many rows."""

    def weight(table: Table) -> float:
        rows = int(table.description["n_rows"])
        if least < rows <= (most or rows):
            return 1.0
        return FAR if table.rows <= FIRST_ROWS else 0.0  # a larger sample of a table that is there already

    return weight


def by_hand_first(results: Results, task: str) -> tuple[str, ...]:
    """Return the entries of a task, those of the hand-made portfolio first: equal gains keep this order."""
    entries = results.pool.of(task)
    named = [entry for entry in entries if entry.model != CONSTANT]
    return tuple(entry.id for entry in sorted(named, key=lambda entry: entry.origin != "portfolio"))


def _count(tables: Sequence[Table]) -> dict[str, int]:
    return {"tables": rich(tables), "configurations": LEAST_CONFIGURATIONS, "fits": sum(len(t.found) for t in tables)}


def _evidence(results: Results, task: str) -> dict[str, Array]:
    """Return ranks, seconds and memory of all entries on all tables at the first size."""
    tables = results.of(task)
    held = [table for table in tables if table.found and table.rows == min(t.rows for t in tables)]
    entries = sorted({name for table in held for name in table.found})
    ranks, seconds, mb = (np.full((len(entries), len(held)), np.nan) for _ in range(3))
    for column, table in enumerate(held):
        of_table = ranks_of(table)
        for row, name in enumerate(entries):
            if name in of_table:
                found = table.found[name]
                ranks[row, column] = of_table[name]
                seconds[row, column] = np.log(max(found.units * results.unit_seconds, 1e-3))
                mb[row, column] = np.log(max(found.mb, 1.0))
    features = [[table.metafeatures.get(f.name, np.nan) for f in METAFEATURES] for table in held]
    return {
        f"{task}:entries": np.array(entries),
        f"{task}:tables": np.array([table.name for table in held]),
        f"{task}:ranks": ranks.astype(np.float16),
        f"{task}:log_seconds": seconds.astype(np.float16),
        f"{task}:log_mb": mb.astype(np.float16),
        f"{task}:metafeatures": np.array(features, dtype=np.float32),
    }


def _line(table: Table) -> dict[str, Any]:
    known = {name: table.description[name] for name in ("checksum", "provenance", "licence")}
    return {"name": table.name, "task": table.task, "rows": table.rows, "results": len(table.found), **known}


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _arrays(arrays: dict[str, Array]) -> bytes:
    """Return a compressed archive without dates: equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
