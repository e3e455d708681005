"""In what order configurations are tried on a table that nothing is known of yet: what the audit compares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from automl.core import Array, stream
from automl.metalearn.knowledge import value_range
from automl.metalearn.sources import LEAST_SEEN, discordance, trust
from automl.space import build_space, default_catalog, start_portfolio
from meta.knowledge.greedy import Ensembles, greedy_order
from meta.knowledge.learn import MIDDLE, SMALL, by_hand_first, weight_between
from meta.knowledge.results import Results, Table
from meta.knowledge.surrogates import ranks_of

__all__ = ["NEAR", "Known", "Order", "by_hand", "defaults_and_random", "learnt", "learnt_larger", "near", "updating"]

NEAR = 5  # tables that resemble this one
LINES = 30  # of a learnt order, of which 25 are looked at
Order = Callable[["Known", Table], Iterator[str]]


@dataclass(frozen=True)
class Known:
    """What the other tables of a task say; every question names the table that must not answer."""

    results: Results
    task: str

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        found = [table for table in self.results.of(self.task) if table.found]
        return tuple(table for table in found if table.rows == min(t.rows for t in found))

    @cached_property
    def ensembles(self) -> Ensembles:
        return Ensembles(self.tables, by_hand_first(self.results, self.task))

    @cached_property
    def models(self) -> dict[str, str]:
        return {entry.id: entry.model for entry in self.results.pool.entries.values()}

    @cached_property
    def ranks(self) -> dict[str, dict[str, float]]:
        return {table.name: ranks_of(table) for table in self.tables}

    @cached_property
    def all_sizes(self) -> Ensembles:
        tables = [table for table in self.results.of(self.task) if table.found]
        return Ensembles(tables, by_hand_first(self.results, self.task))

    @cached_property
    def _orders(self) -> dict[tuple[str, bool], tuple[str, ...]]:
        return {}

    def order(self, table: Table) -> tuple[str, ...]:
        """Return the learnt order for a table, learnt without it."""
        small = int(table.description["n_rows"]) <= SMALL
        key = (table.name, small)
        if key not in self._orders:
            weight = weight_between(0, SMALL) if small else weight_between(SMALL, None)
            self._orders[key] = greedy_order(
                self.ensembles, self.models, weight=weight, without=[table.name], most=LINES
            )
        return self._orders[key]


def by_hand(known: Known, table: Table) -> Iterator[str]:
    """The start portfolio, as automl orders it without any knowledge."""
    facts = table.facts
    spelled = {found.key: name for name, found in sorted(table.found.items(), reverse=True)}
    for config in start_portfolio(facts, build_space(facts, default_catalog())):
        if config.key() in spelled:
            yield spelled[config.key()]


def defaults_and_random(known: Known, table: Table, seed: int = 0) -> Iterator[str]:
    """One of each model as the pool begins, cheap ones first, then at random."""
    names = known.results.pool.order[known.task]
    of_model: dict[str, str] = {}
    for name in names:
        of_model.setdefault(known.models[name], name)
    first = list(of_model.values())
    rest = sorted(set(names) - set(first))
    yield from first
    yield from (rest[i] for i in stream(seed, f"random {table.name}").permutation(len(rest)))


def learnt(known: Known, table: Table) -> Iterator[str]:
    """The order learnt from all other tables; behind it, as in the product, what is left of the one by hand."""
    yield from known.order(table)
    yield from by_hand(known, table)


def learnt_larger(known: Known, table: Table) -> Iterator[str]:
    """The order for tables of many rows, learnt from all sizes of all other tables."""
    weight = weight_between(MIDDLE, None)
    yield from greedy_order(known.all_sizes, known.models, weight=weight, without=[table.name], most=LINES)
    yield from by_hand(known, table)


def near(known: Known, table: Table) -> Iterator[str]:
    """The learnt order in turns with what was best on the tables that resemble this one (auto-sklearn's start)."""
    others = [other for other in known.tables if other.name != table.name and other.metafeatures]
    names = sorted(table.metafeatures)
    features = np.array([[other.metafeatures.get(name, np.nan) for name in names] for other in others])
    low, high = value_range(features)
    mine = np.array([table.metafeatures[name] for name in names])
    distance = np.nanmean(np.abs(features - mine) / (high - low), axis=1)
    nearest = [others[i] for i in np.argsort(distance, kind="stable")[:NEAR]]
    lists = [sorted(known.ranks[other.name], key=known.ranks[other.name].__getitem__) for other in nearest]
    best = [name for place in range(10) for names in lists for name in names[place : place + 1]]
    for one, other in zip(known.order(table), best, strict=False):
        yield from (one, other)
    yield from learnt(known, table)


def updating(known: Known, table: Table) -> Iterator[str]:
    """The learnt order; after a few results, what is left by its rank on tables that agree with what was seen."""
    left, seen = list(dict.fromkeys(learnt(known, table))), list[str]()
    ranks = [known.ranks[other.name] for other in known.tables if other.name != table.name]
    while left:
        name = left[0] if len(seen) < LEAST_SEEN else left[int(np.argmin(_expected(ranks, seen, left, table)))]
        left.remove(name)
        if name in table.found:
            seen.append(name)
        yield name


def _expected(ranks: Sequence[Mapping[str, float]], seen: Sequence[str], left: Sequence[str], table: Table) -> Array:
    """Return a rank for each that is left: half its place in the order, half its rank where tables agree."""
    losses = np.nan_to_num([table.found[name].loss for name in seen])  # those that failed are equally bad
    weights = []
    for other in ranks:
        both = [i for i, name in enumerate(seen) if name in other]
        told = np.array([other[seen[i]] for i in both])
        weights.append(float(trust(np.array(discordance(told, losses[both])))) if len(both) >= LEAST_SEEN else 0.0)
    places = np.linspace(0.0, 1.0, len(left))
    if not any(weights):
        return places
    expected = []
    for name in left:
        held = [(w, other[name]) for w, other in zip(weights, ranks, strict=True) if name in other and w > 0]
        expected.append(np.average([rank for _, rank in held], weights=[w for w, _ in held]) if held else 0.5)
    return np.asarray(0.5 * places + 0.5 * np.array(expected))
