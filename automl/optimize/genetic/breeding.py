"""How children come about: crossover, and changes of steps and hyperparameters."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from automl.core import Config, InputError, SpaceError
from automl.optimize.genetic.genome import Genome
from automl.optimize.genetic.vectors import Leaves, Vectors
from automl.space import Space
from automl.space.encoding import places

__all__ = ["Breeder", "TreeBreeder", "VectorBreeder", "Vectors"]

# how often a mutant differs in each way
MUTATIONS = {"hyperparameters": 0.4, "change": 0.25, "insert": 0.2, "shrink": 0.15}
UNIFORM = 0.5  # of the crossovers of two of one shape exchange hyperparameters
MOST_INSERTED = 2  # into a random sequence, which makes a tree of it
STACKED_FITS = 6  # of each model in a stack: five folds and all rows
MOST_SHAPES = 200  # whose spaces are kept


class Breeder(Protocol):
    """Makes configurations of a space; an InputError means that this one came to nothing."""

    def complete(self, config: Config) -> Config:
        """Return a configuration of the space in canonical form, or refuse it."""
        ...

    def draw(self, rng: np.random.Generator) -> Config: ...

    def cross(self, first: Config, second: Config, rng: np.random.Generator) -> Config: ...

    def mutate(self, config: Config, rng: np.random.Generator) -> Config: ...

    def seconds(self, config: Config) -> float:
        """Return the nominal cost of a configuration."""
        ...


class VectorBreeder:
    """Children in a space of one shape: hyperparameters, changed and exchanged."""

    def __init__(self, space: Vectors) -> None:
        self._space = space
        self._leaves = Leaves(space)

    def complete(self, config: Config) -> Config:
        self._space.to_vector(config)
        return config

    def draw(self, rng: np.random.Generator) -> Config:
        return self._leaves.draw(rng)

    def cross(self, first: Config, second: Config, rng: np.random.Generator) -> Config:
        return self._leaves.cross(first, second, rng)

    def mutate(self, config: Config, rng: np.random.Generator) -> Config:
        return self._leaves.mutate(config, rng)

    def seconds(self, config: Config) -> float:
        return 1.0


class TreeBreeder:
    """Children in the space of a table: trees of its components."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._genome = Genome(space)
        self._sequences = Leaves(space)
        self._shapes: dict[str, Leaves] = {}

    def complete(self, config: Config) -> Config:
        config = self._space.complete(config)
        self._space.check(config)
        return config

    def draw(self, rng: np.random.Generator) -> Config:
        """Return a random sequence, or a random tree made of one."""
        config = self._sequences.draw(rng)
        for _ in range(int(rng.integers(MOST_INSERTED + 1))):
            try:
                config = self.complete(self._genome.insert(config, rng))
            except InputError:
                continue
        return config

    def cross(self, first: Config, second: Config, rng: np.random.Generator) -> Config:
        """Return the first with a part of the second in place of one of the same type."""
        if first.shape() == second.shape() and rng.random() < UNIFORM:
            return self._shaped(first.shape()).cross(first, second, rng)
        return self.complete(self._genome.cross(first, second, rng))

    def mutate(self, config: Config, rng: np.random.Generator) -> Config:
        kind = rng.choice(list(MUTATIONS), p=list(MUTATIONS.values()))
        if kind == "hyperparameters":
            return self._shaped(config.shape()).mutate(config, rng)
        change = {"change": self._genome.change, "insert": self._genome.insert, "shrink": self._genome.shrink}[kind]
        return self.complete(change(config, rng))

    def seconds(self, config: Config) -> float:
        """Return the nominal seconds of a fit, all parts of the tree together."""
        facts, total = self._space.facts, 0.0
        outputs = facts.n_classes if facts.n_classes > 2 else 1
        for place, step in places(config):
            component = self._space.component(step.component)
            defaults = {h.name: h.default for h in component.hyperparameters}
            once = component.cost.estimate(rows=facts.n_rows, columns=facts.width, outputs=outputs)
            once *= component.cost.relative(step.values, defaults)
            total += once * (STACKED_FITS if place.startswith("stack.") else 1)
        return total

    def _shaped(self, shape: str) -> Leaves:
        if len(self._shapes) > MOST_SHAPES:
            self._shapes.clear()
        if shape not in self._shapes:
            self._shapes[shape] = Leaves(self._space.shaped(shape))
        if self._shapes[shape].width == 0:
            raise SpaceError(f"there is nothing to tune in {shape!r}")
        return self._shapes[shape]
