"""Configurations of a ConfigSpace as rows of numbers, many at once; only the chosen one is made into a Config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.core import Array

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

__all__ = ["RowSpace"]

STEP = 0.2  # standard deviation of a change to a number, in units of its range
INACTIVE = -1.0


@dataclass(frozen=True)
class _Rule:
    """Columns that depend on the same parents; for each of these which of them its values permit, or nothing."""

    children: Array
    parents: tuple[int, ...]
    allowed: tuple[Array, ...]


class RowSpace:
    """Draws and changes rows of shape (n, d): numbers in [0, 1], choices by index, NaN where not active.

    The rows are ConfigSpace's own vectors, so one of them is a valid configuration (forbidden combinations aside).

    Parameters
    ----------
    configspace : ConfigurationSpace
    """

    def __init__(self, configspace: ConfigurationSpace) -> None:
        self._parts: list[Any] = list(configspace.values())  # parents before their children
        self._conditions: list[list[Any]] = [[] for _ in self._parts]
        places = {part.name: place for place, part in enumerate(self._parts)}
        for condition in configspace.conditions:
            simple: Any = condition
            while hasattr(simple, "components"):
                simple = simple.components[0]
            self._conditions[places[simple.child.name]].append(condition)
        self._sizes = np.array([len(getattr(part, "choices", ())) for part in self._parts], dtype=np.intp)
        self._plain = np.flatnonzero(self._sizes < 3)
        self._many = np.flatnonzero(self._sizes >= 3)
        self._starts = len(self._plain) + np.cumsum(self._sizes[self._many]) - self._sizes[self._many]
        self._rules = self._ruled(places, configspace)
        self._below = np.array([self._descendants(part.name, configspace) for part in self._parts], dtype=np.intp)

    @property
    def width(self) -> int:
        return len(self._parts)

    @property
    def root(self) -> int | None:
        """The column of the choice that most others depend on; None where nothing does."""
        below = np.where(self._sizes > 1, self._below, 0)
        return int(np.argmax(below)) if below.any() else None

    def choices(self, column: int) -> int:
        """Return how many choices a column has; 0 for a number."""
        return int(self._sizes[column])

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return n rows drawn independently, shape (n, d)."""
        state = np.random.RandomState(int(rng.integers(2**31 - 1)))
        columns = [np.asarray(part.sample_vector(n, seed=state), dtype=np.float64) for part in self._parts]
        rows = np.column_stack(columns) if columns else np.empty((n, 0))
        for rule in self._rules:
            rows[:, rule.children] = np.where(self._active(rows, rule), rows[:, rule.children], np.nan)
        return rows

    def neighbours(
        self, rows: Array, each: int, rng: np.random.Generator, *, step: float = STEP, fixed: int | None = None
    ) -> Array:
        """Return ``each`` changed copies of every row, shape (each * n, d): one active value differs.

        A number moves by a normal step, ``step`` of its range, cut at its range; a choice becomes another one (Hutter
        et al., LION 2011). What a new choice makes active is drawn, what it makes inactive is left out. The column
        ``fixed`` stays as it is where anything else can change.
        """
        changed = np.repeat(rows, each, axis=0)
        active = ~np.isnan(changed)
        order = np.where(active, rng.random(changed.shape), -1.0)
        if fixed is not None:
            order[:, fixed] -= 1.0
        place = order.argmax(axis=1)
        for column in np.unique(place):
            here = np.flatnonzero(place == column)
            changed[here, column] = self._moved(changed[here, column], int(column), rng, step)
        parents = np.flatnonzero(self._below[place] > 0)
        changed[parents] = self._settled(changed[parents], rng)
        return changed

    def crossed(self, first: Array, second: Array, rng: np.random.Generator) -> Array:
        """Return children of pairs of rows, shape (n, d): each value is that of one parent, drawn.

        What a choice makes active comes from the parent that has it.
        """
        child = np.where(rng.random(first.shape) < 0.5, first, second)
        child = np.where(np.isnan(child), np.where(np.isnan(first), second, first), child)
        return self._settled(child, rng)

    def encoded(self, rows: Array) -> Array:
        """Return rows for trees: -1 where not active, one column per choice where there are more than two."""
        cells = np.zeros((len(rows), len(self._plain) + int(self._sizes[self._many].sum())))
        plain = rows[:, self._plain]
        cells[:, : len(self._plain)] = np.where(np.isnan(plain), INACTIVE, plain)
        chosen = rows[:, self._many]
        row, column = np.nonzero(~np.isnan(chosen))
        cells[row, self._starts[column] + chosen[row, column].astype(np.intp)] = 1.0
        return cells

    def _moved(self, values: Array, column: int, rng: np.random.Generator, step: float) -> Array:
        size = self._sizes[column]
        if size > 1:
            return np.asarray((values + rng.integers(1, size, len(values))) % size, dtype=np.float64)
        if size == 1:
            return values
        part = self._parts[column]
        low, high = float(part.lower_vectorized), float(part.upper_vectorized)
        moved = np.clip(values + step * (high - low) * rng.standard_normal(len(values)), low, high)
        return self._legal(np.rint(moved) if hasattr(part, "sequence") else moved, column)  # ordered values go by place

    def _legal(self, values: Array, column: int) -> Array:
        part = self._parts[column]
        return np.asarray(part.to_vector(part.to_value(values)), dtype=np.float64)

    def _settled(self, rows: Array, rng: np.random.Generator) -> Array:
        """Return rows in which all that is active has a value and nothing else has one."""
        for rule in self._rules:
            active = self._active(rows, rule)
            values = np.where(active, rows[:, rule.children], np.nan)
            missing = active & np.isnan(values)
            for place in np.flatnonzero(missing.any(axis=0)):
                state = np.random.RandomState(int(rng.integers(2**31 - 1)))
                wanted = np.flatnonzero(missing[:, place])
                values[wanted, place] = self._parts[rule.children[place]].sample_vector(len(wanted), seed=state)
            rows[:, rule.children] = values
        return rows

    @staticmethod
    def _descendants(name: str, configspace: ConfigurationSpace) -> int:
        """Return how many parameters' activity depends on this one."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            children = {child.name for child in configspace.children_of[waiting.pop()]} - found
            found |= children
            waiting += children
        return len(found)

    def _ruled(self, places: dict[str, int], configspace: ConfigurationSpace) -> list[_Rule]:
        """Return what the columns that depend on others hang on, parents before their children.

        Those that depend on the same choices, on all of them alike, are looked up together; the others one by one.
        """
        from ConfigSpace import OrConjunction

        rules: list[_Rule] = []
        together: dict[tuple[int, ...], list[int]] = {}
        for column, part in enumerate(self._parts):
            parents = tuple(sorted({places[parent.name] for parent in configspace.parents_of[part.name]}))
            looked_up = not any(isinstance(one, OrConjunction) for one in _all_of(self._conditions[column]))
            if parents and looked_up and all(self._sizes[parent] > 0 for parent in parents):
                together.setdefault(parents, []).append(column)
            elif parents:
                rules.append(_Rule(np.array([column]), parents, ()))
        for parents, children in together.items():
            allowed = tuple(self._allowed(parent, children) for parent in parents)
            rules.append(_Rule(np.array(children), parents, allowed))
        return sorted(rules, key=lambda rule: rule.parents[-1])

    def _allowed(self, parent: int, children: list[int]) -> Array:
        """Return which children each value of a choice permits; the last row is for where the choice is not active."""
        values = np.full((int(self._sizes[parent]) + 1, self.width), np.nan)
        values[:-1, parent] = np.arange(len(values) - 1)
        columns = []
        for child in children:
            simple = [one for one in _all_of(self._conditions[child]) if not hasattr(one, "components")]
            own = [one for one in simple if one.parent.name == self._parts[parent].name]
            columns.append(np.logical_and.reduce([one.satisfied_by_vector_array(values.T) for one in own]))
        return np.column_stack(columns)

    def _active(self, rows: Array, rule: _Rule) -> Array:
        """Return whether the columns of a rule are active, shape (n, children)."""
        if not rule.allowed:
            [column] = rule.children
            found = [one.satisfied_by_vector_array(rows.T) for one in self._conditions[column]]
            return np.asarray(np.logical_and.reduce(found)[:, None])
        chosen = rows[:, rule.parents]
        places = np.where(np.isnan(chosen), -1, chosen).astype(np.intp)
        return np.asarray(np.logical_and.reduce([a[places[:, i]] for i, a in enumerate(rule.allowed)]))


def _all_of(conditions: list[Any]) -> list[Any]:
    """Return conditions and, of those that join others, also what they join."""
    return [*conditions, *(one for c in conditions for one in _all_of(list(getattr(c, "components", ()))))]
