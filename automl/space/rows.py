"""Configurations of a ConfigSpace as rows of numbers, many at once; only the chosen one is made into a Config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from automl.core import Array

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

__all__ = ["RowSpace"]

STEP = 0.2  # standard deviation of a change to a number, in units of its range
INACTIVE = -1.0


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
        self._below = [self._descendants(part.name, places, configspace) for part in self._parts]

    @property
    def width(self) -> int:
        return len(self._parts)

    @property
    def root(self) -> int | None:
        """The column of the choice that most others depend on; None where nothing does."""
        below = [len(found) if size > 1 else 0 for found, size in zip(self._below, self._sizes, strict=True)]
        return int(np.argmax(below)) if any(below) else None

    def choices(self, column: int) -> int:
        """Return how many choices a column has; 0 for a number."""
        return int(self._sizes[column])

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return n rows drawn independently, shape (n, d)."""
        state = np.random.RandomState(int(rng.integers(2**31 - 1)))
        columns = [np.asarray(part.sample_vector(n, seed=state), dtype=np.float64) for part in self._parts]
        rows = np.column_stack(columns) if columns else np.empty((n, 0))
        for column in range(self.width):
            rows[~self._active(rows, column), column] = np.nan
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
            if self._below[column]:
                changed[here] = self._settled(changed[here], self._below[column], rng)
        return changed

    def crossed(self, first: Array, second: Array, rng: np.random.Generator) -> Array:
        """Return children of pairs of rows, shape (n, d): each value is that of one parent, drawn.

        What a choice makes active comes from the parent that has it.
        """
        child = np.where(rng.random(first.shape) < 0.5, first, second)
        child = np.where(np.isnan(child), np.where(np.isnan(first), second, first), child)
        return self._settled(child, list(range(self.width)), rng)

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
        low, high = float(self._parts[column].lower_vectorized), float(self._parts[column].upper_vectorized)
        return self._legal(np.clip(values + step * rng.standard_normal(len(values)), low, high), column)

    def _legal(self, values: Array, column: int) -> Array:
        part = self._parts[column]
        return np.asarray(part.to_vector(part.to_value(values)), dtype=np.float64)

    def _settled(self, rows: Array, columns: list[int], rng: np.random.Generator) -> Array:
        """Return rows in which, of these columns, all that is active has a value and nothing else has one."""
        for column in columns:
            active = self._active(rows, column)
            rows[~active, column] = np.nan
            missing = np.flatnonzero(active & np.isnan(rows[:, column]))
            if missing.size:
                state = np.random.RandomState(int(rng.integers(2**31 - 1)))
                rows[missing, column] = self._parts[column].sample_vector(len(missing), seed=state)
        return rows

    @staticmethod
    def _descendants(name: str, places: dict[str, int], configspace: ConfigurationSpace) -> list[int]:
        """Return the columns whose activity depends on this one, parents before their children."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            children = {child.name for child in configspace.children_of[waiting.pop()]} - found
            found |= children
            waiting += children
        return sorted(places[child] for child in found)

    def _active(self, rows: Array, column: int) -> Array:
        active = np.ones(len(rows), dtype=bool)
        for condition in self._conditions[column]:
            active &= condition.satisfied_by_vector_array(rows.T)
        return active
