"""Genetic programming of pipelines, one child at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from automl.core import Config, InputError, Proposal, Result, SettingError, Status, stream
from automl.optimize.genetic.breeding import Breeder, TreeBreeder, VectorBreeder, Vectors
from automl.optimize.genetic.fronts import fronts, survivors
from automl.space import Space

__all__ = ["GeneticSearch"]

CROSSOVER = 0.2  # of the children; the others are mutants
RANDOM_SHARE = 0.15  # of the proposals are new trees
TOURNAMENT = 5
BY_FRONT = 0.5  # of the tournaments; fronts alone would breed from what is cheap as often as from what is good
TRIES = 60  # for one proposal; the second half of them are new trees


@dataclass(frozen=True)
class _Member:
    config: Config
    loss: float
    cost: float

    @property
    def values(self) -> tuple[float, float]:
        return self.loss, self.cost


class GeneticSearch:
    """Breeds pipelines: trees of the space's components, with unions and one stack.

    Strongly typed genetic programming (Koza 1992; Montana 1995; for pipelines Olson and Moore, TPOT, 2016) as an
    asynchronous steady state: each proposal is one child of those that survived so far, each Result joins them, and of
    too many the last by NSGA-II on loss and cost leaves. A child comes from crossover, from a change, an insertion or a
    deletion of a step, or from changed hyperparameters; invalid and repeated ones are drawn again. Proposal i draws
    from a generator of its own. Results of other optimizers join the population like its own.

    Parameters
    ----------
    space : Space or FreeSpace
        In a space that has one shape only, hyperparameters alone are changed and exchanged.
    seed : int
    population : int
        How many survive.
    initial : int
        Results needed before children are bred; until then proposals are random trees.
    timed : bool
        The cost is the time of prediction, measured; by default that of the declarations, so that a run that must not
        depend on a clock does not.

    Examples
    --------
    >>> from automl.core import Measures, Result, Status, Trial
    >>> from automl.data import Task
    >>> from automl.optimize import GeneticSearch
    >>> from automl.space import Facts, build_space, default_catalog
    >>> facts = Facts(Task.REGRESSION, 500, 8, n_numeric=8, min_class_count=500)
    >>> space = build_space(facts, default_catalog(), include=["linear"])
    >>> optimizer, best = GeneticSearch(space, seed=0), 0
    >>> for number in range(60):  # looks for a stack behind a union with a spline
    ...     [proposal] = optimizer.ask(1)
    ...     found = sum(name in proposal.config.shape() for name in ("union", "spline", "stack"))
    ...     best = max(best, found)
    ...     optimizer.tell(Result(Trial(number, proposal.config, ""), Status.OK, -float(found), Measures()))
    >>> best
    3
    """

    def __init__(
        self, space: Space | Vectors, seed: int, *, population: int = 40, initial: int = 10, timed: bool = False
    ) -> None:
        if population < 2 or initial < 2:
            raise SettingError(f"population={population}, initial={initial}; each must be at least 2")
        self._breeder: Breeder = TreeBreeder(space) if isinstance(space, Space) else VectorBreeder(space)
        self._seed = seed
        self._size = population
        self._initial = min(initial, population)
        self._timed = timed
        self._asked = 0
        self._seen: set[str] = set()
        self._members: list[_Member] = []
        self._ranks: list[int] = []

    @property
    def front(self) -> tuple[Config, ...]:
        """The configurations that none of those told beats in both loss and cost, the best loss first."""
        best = [member for member, rank in zip(self._members, self._ranked(), strict=True) if rank == 0]
        return tuple(member.config for member in sorted(best, key=lambda member: member.values))

    def ask(self, n: int) -> list[Proposal]:
        proposals: list[Proposal] = []
        while len(proposals) < n:
            config = self._next()
            if config is None:
                break
            proposals.append(Proposal(config, "genetic"))
        return proposals

    def tell(self, result: Result) -> None:
        config = result.trial.config
        self._seen.add(config.key())
        if result.status is Status.CANCELLED:
            return
        try:
            config = self._breeder.complete(config)
        except InputError:  # of another space
            return
        self._seen.add(config.key())
        loss, cost = math.inf, math.inf  # a failure is worse than everything
        if result.status in (Status.OK, Status.PRUNED) and result.loss is not None and math.isfinite(result.loss):
            loss = float(result.loss)
            # Differences that do not matter make no front.
            seconds = result.measures.predict_seconds if self._timed else self._breeder.seconds(config)
            cost = round(math.log10(max(seconds, 1e-3)), 1)
        self._members = [member for member in self._members if member.config != config]
        self._members.append(_Member(config, loss, cost))
        if len(self._members) > self._size:
            kept = survivors([member.values for member in self._members], self._size)
            self._members = [self._members[position] for position in kept]
        self._ranks = []

    def recall(self, config: Config) -> bool:
        self._asked += 1
        self._seen.add(config.key())
        return True

    def _next(self) -> Config | None:
        rng = stream(self._seed, "genetic", self._asked)
        self._asked += 1
        for attempt in range(TRIES):
            try:
                config = self._bred(rng) if attempt < TRIES // 2 else self._breeder.draw(rng)
            except InputError:  # parts that do not go together
                continue
            if config.key() not in self._seen:
                self._seen.add(config.key())
                return config
        return None

    def _bred(self, rng: np.random.Generator) -> Config:
        if len(self._members) < self._initial or rng.random() < RANDOM_SHARE:
            return self._breeder.draw(rng)
        first = self._parent(rng)
        if rng.random() < CROSSOVER:
            return self._breeder.cross(first, self._parent(rng), rng)
        return self._breeder.mutate(first, rng)

    def _parent(self, rng: np.random.Generator) -> Config:
        """Return the winner of a tournament: the one of least loss, half of the time only in the best front of them."""
        ranks = self._ranked() if rng.random() < BY_FRONT else [0] * len(self._members)
        drawn = rng.integers(len(self._members), size=TOURNAMENT)
        return self._members[min(drawn, key=lambda place: (ranks[place], self._members[place].loss))].config

    def _ranked(self) -> list[int]:
        if len(self._ranks) != len(self._members):
            self._ranks = fronts([member.values for member in self._members])
        return self._ranks
