"""The hyperparameters of one shape as rows of numbers: drawn, changed, exchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from automl.core import Array, Config
from automl.space import RowSpace

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

__all__ = ["Leaves", "Vectors"]

MOST_CHANGED = 3  # hyperparameters of one mutant


class Vectors(Protocol):
    """What a space needs whose configurations are vectors."""

    @property
    def configspace(self) -> ConfigurationSpace: ...

    def to_vector(self, config: Config) -> Array: ...

    def from_vector(self, vector: Array) -> Config: ...


class Leaves:
    """Draws, changes and exchanges the hyperparameters of a space."""

    def __init__(self, space: Vectors) -> None:
        self._space = space
        self._rows = RowSpace(space.configspace)

    @property
    def width(self) -> int:
        return self._rows.width

    def draw(self, rng: np.random.Generator) -> Config:
        return self._space.from_vector(self._rows.draw(1, rng)[0])

    def mutate(self, config: Config, rng: np.random.Generator) -> Config:
        """Return a copy with one to three values changed."""
        row = self._space.to_vector(config)[None]
        for _ in range(int(rng.integers(1, MOST_CHANGED + 1))):
            row = self._rows.neighbours(row, 1, rng)
        return self._space.from_vector(row[0])

    def cross(self, first: Config, second: Config, rng: np.random.Generator) -> Config:
        """Return a child that has each value from one of the two, drawn."""
        one, other = (self._space.to_vector(config)[None] for config in (first, second))
        return self._space.from_vector(self._rows.crossed(one, other, rng)[0])
