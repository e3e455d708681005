"""The pool: configurations that the workshop tries on every table, in a fixed order for each task.

    python -m meta.knowledge.pool            # writes pool.json anew; ids follow from what an entry holds
    python -m meta.knowledge.pool --show     # what it holds
    python -m meta.knowledge.pool --larger POOL    # chooses anew what larger tables are tried with

The first ``FIRST_BASE`` of a task are its first base: the start portfolio, the defaults of all other models, and
published configurations spread over the models. Behind them published and random ones, so that every model comes at
least three times and every other component at least once. Both parts are ordered breadth first: one of each model,
cheap ones first, then the second of each, so that what has been computed is useful whenever the workshop stops.

Tables of more rows cost too much for all of that. They are tried with what matters after the first base: the lines of
the order that was learnt from it and of the one by hand, in turns.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import zip_longest
from pathlib import Path

from automl.core import Config, stream
from automl.data import Task
from automl.metalearn.adapting import adapted
from automl.metalearn.knowledge import SHIPPED
from automl.space import Facts, Space, build_space, default_catalog, start_portfolio
from meta.portfolio.published import Translation, published, translate

__all__ = ["FIRST_BASE", "POOL", "Entry", "Pool", "read_pool"]

POOL = Path(__file__).with_name("pool.json")
FIRST_BASE = 80
SIZE = 140
AT_LEAST = 3  # times that every model comes
LARGER = 24  # entries for larger tables
OPTIONAL = ("catboost", "xgboost")  # not for larger tables: not everybody has them, and they cost most


@dataclass(frozen=True)
class Entry:
    """A configuration with everything that a table could ask of it; ``origin`` says where it is from."""

    id: str
    origin: str
    config: Config

    @property
    def model(self) -> str:
        return self.config.steps[-1].component


@dataclass(frozen=True)
class Pool:
    """All entries by id, and for each task the ids in the order in which they are tried; ``larger``: on more rows."""

    entries: dict[str, Entry]
    order: dict[str, tuple[str, ...]]
    larger: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, task: str) -> tuple[Entry, ...]:
        return tuple(self.entries[name] for name in self.order[task])


def read_pool(path: Path = POOL) -> Pool:
    data = json.loads(path.read_text())
    entries = {e["id"]: Entry(e["id"], e["origin"], Config.from_json(e["config"])) for e in data["entries"]}
    order, larger = ({task: tuple(names) for task, names in data.get(name, {}).items()} for name in ("order", "larger"))
    return Pool(entries, order, larger)


def write_pool(pool: Pool, path: Path = POOL) -> None:
    lines = [
        json.dumps({"id": entry.id, "origin": entry.origin, "config": entry.config.to_json()})
        for _, entry in sorted(pool.entries.items())
    ]
    orders = f'"order": {json.dumps(pool.order)},\n"larger": {json.dumps(pool.larger)}'
    path.write_text("{" + orders + ',\n"entries": [\n' + ",\n".join(lines) + "\n]}\n")


# ---- made of


@cache
def _spaces(task: Task) -> tuple[Space, ...]:
    """Return what the pool is written for: a table with everything, then ones that get other lines."""
    everything = Facts(
        task=task,
        n_rows=2_000,
        n_columns=14,
        n_numeric=8,
        n_categorical=5,
        n_high=1,
        n_levels=80,
        n_text=1,
        n_classes={Task.BINARY: 2, Task.MULTICLASS: 4, Task.REGRESSION: 0}[task],
        min_class_count=400,
        has_missing=True,
        target_low=0.1,
        target_skew=2.0,
    )
    numbers = replace(everything, n_columns=8, n_categorical=0, n_high=0, n_levels=0, n_text=0)
    small = replace(numbers, n_rows=300, min_class_count=60)
    wide = replace(numbers, n_columns=400, n_numeric=400, n_rows=300, min_class_count=60)
    return tuple(build_space(facts, default_catalog()) for facts in (everything, numbers, wide, small))


def make_pool() -> Pool:
    entries: dict[str, Entry] = {}
    order: dict[str, tuple[str, ...]] = {}
    for task in Task:
        first = _first_base(task)
        second = _second_part(task, first)
        order[str(task)] = tuple(e.id for e in (*_breadth_first(first, task), *_breadth_first(second, task)))
        for entry in (*first, *second):
            entries.setdefault(entry.id, entry)
    return Pool(entries, order, {task: larger_order(entries, order[task], task) for task in order})


def larger_order(
    entries: Mapping[str, Entry], order: Sequence[str], task: str, base: Path = SHIPPED
) -> tuple[str, ...]:
    """Return what a task is tried with on larger tables: learnt from smaller ones and by hand, in turns.

    A base without an order for the task leaves the one by hand.
    """
    learnt = json.loads((base / "orders.json").read_text()).get(task, [])
    by_hand = [entry.id for entry, _ in _portfolio(Task(task), 0, 1)]
    turns = zip_longest(learnt[-1]["entries"] if learnt else (), by_hand)
    held = {name for name in order if entries[name].model not in OPTIONAL}
    return tuple(dict.fromkeys(name for pair in turns for name in pair if name in held))[:LARGER]


def _entry(origin: str, config: Config) -> Entry:
    return Entry(f"{config.steps[-1].component}-{config.key()[:8]}", origin, config)


class _Chosen:
    """Entries without repetition: two that the table one of them was written for spells alike are one."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries = list(entries)
        self._keys: dict[Facts, set[str]] = {}

    def add(self, entry: Entry, space: Space) -> bool:
        if space.facts not in self._keys:
            self._keys[space.facts] = {_key(e, space) for e in self.entries}
        if _key(entry, space) in self._keys[space.facts]:
            return False
        self.entries.append(entry)
        for keys, other in ((self._keys[s.facts], s) for s in _spaces(space.facts.task) if s.facts in self._keys):
            keys.add(_key(entry, other))
        return True


def _key(entry: Entry, space: Space) -> str:
    here = adapted(entry.config, space)
    return entry.id if isinstance(here, str) else here.key()


def _first_base(task: Task) -> list[Entry]:
    chosen = _Chosen()
    space = _spaces(task)[0]
    for entry, written_for in _portfolio(task, 0, 2):
        chosen.add(entry, written_for)
    models = {entry.model for entry in chosen.entries}
    for entry in _defaults(task):
        if entry.model not in models:
            chosen.add(entry, space)
    for entry in _published(task):
        if len(chosen.entries) >= FIRST_BASE:
            break
        chosen.add(entry, space)
    return chosen.entries


def _second_part(task: Task, first: list[Entry]) -> list[Entry]:
    chosen = _Chosen(first)
    space = _spaces(task)[0]
    models = sorted({component.name for space in _spaces(task) for component in space.models} - {"prior"})

    def count(model: str) -> int:
        return sum(entry.model == model for entry in chosen.entries)

    for entry, written_for in _portfolio(task, 2, 4):
        chosen.add(entry, written_for)
    for source in (_defaults(task), _published(task)):
        for entry in source:
            if count(entry.model) < AT_LEAST:
                chosen.add(entry, space)
    missing = _components(task) - _used(chosen.entries)
    for entry in _random(task):
        steps = {step.component for step in entry.config.steps}
        if (count(entry.model) < AT_LEAST or missing & steps) and chosen.add(entry, space):
            missing -= steps
        if not missing and all(count(model) >= AT_LEAST or model not in _drawn(task) for model in models):
            break
    for entry in _published(task):
        if len(chosen.entries) >= SIZE:
            break
        chosen.add(entry, space)
    return chosen.entries[len(first) :]


def _components(task: Task) -> set[str]:
    """Return all components that a table with everything draws at random."""
    return {component.name for component in _spaces(task)[0].active if component.share > 0}


def _drawn(task: Task) -> set[str]:
    return {component.name for component in _spaces(task)[0].models if component.share > 0}


def _used(entries: Iterable[Entry]) -> set[str]:
    return {step.component for entry in entries for step in entry.config.steps}


def _portfolio(task: Task, start: int, end: int) -> Iterator[tuple[Entry, Space]]:
    for space in _spaces(task)[start:end]:
        for config in start_portfolio(space.facts, space):
            yield _entry("portfolio", config), space


def _defaults(task: Task) -> Iterator[Entry]:
    seen = set()
    for space in _spaces(task):
        for model in space.models:
            if model.name not in seen:
                seen.add(model.name)
                yield _entry("default", space.default(model.name))


def _published(task: Task) -> Iterator[Entry]:
    """Yield published configurations, one of each model in turn, those first that stand first where they are from."""
    queues: dict[str, list[tuple[int, str, Config]]] = {}
    for record in published():
        for space in _spaces(task)[:2]:
            result = translate(record, space)
            if isinstance(result, Translation):
                model = result.config.steps[-1].component
                place = (record.rank or 50) + 10 * len(result.differences)
                queues.setdefault(model, []).append((place, record.id, result.config))
                break
    for queue in queues.values():
        queue.sort(key=lambda item: item[:2])
    while any(queues.values()):
        for model in sorted(queues):
            if queues[model]:
                _, name, config = queues[model].pop(0)
                yield _entry(f"published {name}", config)


def _random(task: Task, draws: int = 3000) -> Iterator[Entry]:
    space = _spaces(task)[0]
    rng = stream(0, f"pool {task}")
    for _ in range(draws):
        yield _entry("random", space.sample(rng))


def _breadth_first(entries: list[Entry], task: Task) -> list[Entry]:
    """Order by how often a model came before, then by the nominal seconds of the model."""
    seen: Counter[str] = Counter()
    placed = []
    for number, entry in enumerate(entries):
        component = default_catalog().get(entry.model)
        outputs = 1 if task is not Task.MULTICLASS else 5
        cost = component.cost.estimate(rows=2000, columns=20, outputs=outputs)
        placed.append((seen[entry.model], cost, number, entry))
        seen[entry.model] += 1
    return [entry for *_, entry in sorted(placed, key=lambda item: item[:3])]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m meta.knowledge.pool", description=__doc__)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--larger", type=Path, metavar="POOL")
    given = parser.parse_args(arguments)
    if given.larger:
        pool = read_pool(given.larger)
        larger = {task: larger_order(pool.entries, names, task) for task, names in pool.order.items()}
        write_pool(replace(pool, larger=larger), given.larger)
    elif not given.show:
        write_pool(make_pool())
    pool = read_pool(given.larger or POOL)
    for task, names in pool.order.items():
        origins = Counter(pool.entries[name].origin.split()[0] for name in names)
        print(task, len(names), dict(origins), dict(Counter(pool.entries[name].model for name in names)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
