"""Bayesian optimization with a forest over a conditional space."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np

from automl.core import Array, Config, InputError, Proposal, Result, SettingError, Status, stream
from automl.optimize.bayes.acquisition import ACQUISITIONS
from automl.optimize.bayes.forest import Forest, grow
from automl.space import RowSpace

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

__all__ = ["BayesSearch", "Vectors"]

EVERY = 8  # Results between two forests
DRAWN = 600  # random candidates for one proposal
STARTS = 10
NEIGHBOURS = 6  # of each start, in each round
ROUNDS = 5
RANDOM_SHARE = 0.1  # of the proposals
TRIES = 50
WORST = 0.8  # losses above this quantile are all the same: they are not where the optimum is
LOG_OFFSET = 0.02


class Vectors(Protocol):
    """What this optimizer needs of a space."""

    @property
    def configspace(self) -> ConfigurationSpace: ...

    def to_vector(self, config: Config) -> Array: ...

    def from_vector(self, vector: Array) -> Config: ...


class BayesSearch:
    """Proposes where a random forest, fitted to the losses told so far, expects most improvement.

    Sequential model-based optimization after Hutter, Hoos and Leyton-Brown (SMAC, LION 2011): a forest over the
    conditional space, log expected improvement, local search around the best. A new forest is grown every 8 Results;
    in between new Results, and the mean loss for proposals that are still under way (constant liar; Ginsbourger et al.
    2010), go into its leaves. Proposal i draws from a generator of its own.

    Parameters
    ----------
    space : Space or FreeSpace
    seed : int
    acquisition : {"log_ei", "ei", "pi", "lcb"}
    initial : int
        Results needed before the forest decides; until then proposals are random.
    per_second : float
        How much predicted seconds count: the acquisition is divided by seconds to this power. 0 in runs that must not
        depend on a clock.

    Examples
    --------
    >>> from ConfigSpace import ConfigurationSpace
    >>> from automl.core import Measures, Result, Status, Trial
    >>> from automl.optimize import BayesSearch
    >>> from automl.space import FreeSpace
    >>> space = FreeSpace(ConfigurationSpace({"x": (-5.0, 5.0)}))
    >>> optimizer, best = BayesSearch(space, seed=0), float("inf")
    >>> for number in range(30):
    ...     [proposal] = optimizer.ask(1)
    ...     loss = (space.values(proposal.config)["x"] - 1.0) ** 2
    ...     best = min(best, loss)
    ...     trial = Trial(number, proposal.config, proposal.origin)
    ...     optimizer.tell(Result(trial, Status.OK, loss, Measures()))
    >>> best < 0.05
    True
    """

    def __init__(
        self, space: Vectors, seed: int, *, acquisition: str = "log_ei", initial: int = 10, per_second: float = 0.0
    ) -> None:
        if acquisition not in ACQUISITIONS:
            raise SettingError(f"acquisition={acquisition!r}; give one of {', '.join(ACQUISITIONS)}")
        if per_second and acquisition != "log_ei":
            raise SettingError(f"per_second={per_second} needs acquisition='log_ei', not {acquisition!r}")
        self._space = space
        self._rows = RowSpace(space.configspace)
        self._seed = seed
        self._acquisition = acquisition
        self._initial = max(initial, EVERY)
        self._per_second = per_second
        self._asked = 0
        self._seen: set[str] = set()
        self._waiting: dict[str, Array] = {}
        self._vectors: list[Array] = []
        self._cells: list[Array] = []  # the same, encoded
        self._losses: list[float] = []  # NaN where a trial failed
        self._seconds: list[float] = []
        self._grown = 0
        self._by_loss: Forest | None = None
        self._by_seconds: Forest | None = None

    def ask(self, n: int) -> list[Proposal]:
        proposals: list[Proposal] = []
        while len(proposals) < n:
            config = self._next()
            if config is None:
                break
            proposals.append(Proposal(config, "bayes"))
        return proposals

    def tell(self, result: Result) -> None:
        config = result.trial.config
        key = config.key()
        self._seen.add(key)
        self._waiting.pop(key, None)
        if result.status is Status.CANCELLED:
            return
        try:
            vector = self._space.to_vector(config)
        except InputError:  # of another space
            return
        known = result.loss is not None and result.status in (Status.OK, Status.PRUNED)
        self._vectors.append(vector)
        self._cells.append(self._rows.encoded(vector[None])[0])
        self._losses.append(float(result.loss) if known and result.loss is not None else float("nan"))
        self._seconds.append(max(result.measures.fit_seconds, 1e-3))

    def recall(self, config: Config) -> bool:
        self._asked += 1
        self._remember(config)
        return True

    def _remember(self, config: Config) -> None:
        key = config.key()
        self._seen.add(key)
        try:
            self._waiting[key] = self._space.to_vector(config)
        except InputError:
            return

    def _next(self) -> Config | None:
        rng = stream(self._seed, "bayes", self._asked)
        self._asked += 1
        rows = self._candidates(rng)
        for row in rows:
            try:
                config = self._space.from_vector(row)
            except InputError:  # a forbidden combination
                continue
            if config.key() not in self._seen:
                self._remember(config)
                return config
        return None

    def _candidates(self, rng: np.random.Generator) -> Array:
        """Return rows to propose, the most promising first."""
        usable = int(np.isfinite(self._losses).sum())
        if usable < self._initial or rng.random() < RANDOM_SHARE:
            return self._rows.draw(TRIES, rng)
        score = self._scorer()
        drawn = self._rows.draw(DRAWN, rng)
        drawn = drawn[np.argsort(-score(drawn), kind="stable")]
        best = np.argsort(self._filled(), kind="stable")[: STARTS // 2]
        front = np.concatenate([drawn[: STARTS - len(best)], np.array(self._vectors)[best]])
        found = [drawn[:TRIES]]
        held = score(front)
        for _ in range(ROUNDS):
            near = self._rows.neighbours(front, NEIGHBOURS, rng)
            promise = score(near)
            found.append(near)
            block = promise.reshape(len(front), NEIGHBOURS)
            top = block.argmax(axis=1)
            better = block.max(axis=1) > held
            front = np.where(better[:, None], near[np.arange(len(front)) * NEIGHBOURS + top], front)
            held = np.maximum(held, block.max(axis=1))
        rows = np.concatenate(found)
        return np.asarray(rows[np.argsort(-score(rows), kind="stable")])

    def _scorer(self) -> Callable[[Array], Array]:
        """Return what a row promises, by forests that hold everything told and a guess for everything under way."""
        self._grow()
        assert self._by_loss is not None
        values = self._warped()
        later = np.array(self._cells[self._grown :])
        by_loss = self._by_loss.add(later, values[self._grown :])
        if self._waiting:
            pending = self._rows.encoded(np.array(list(self._waiting.values())))
            by_loss = by_loss.add(pending, np.full(len(pending), values.mean()))
        best, promise = float(values.min()), ACQUISITIONS[self._acquisition]

        def score(rows: Array) -> Array:
            cells = self._rows.encoded(rows)
            mean, deviation = by_loss.predict(cells)
            value = promise(mean, deviation, best)
            if self._per_second and self._by_seconds is not None:
                value = value - self._per_second * self._by_seconds.predict(cells)[0]
            return np.asarray(value)

        return score

    def _grow(self) -> None:
        """Grow new forests where enough Results have come: on the first so many, whenever that happens."""
        wanted = len(self._losses) // EVERY * EVERY
        if wanted == self._grown and self._by_loss is not None:
            return
        wanted = max(wanted, 1)
        rng = stream(self._seed, "forest", wanted)
        encoded = np.array(self._cells[:wanted])
        self._grown = wanted
        self._by_loss = grow(encoded, self._warped()[:wanted], rng)
        if self._per_second:
            self._by_seconds = grow(encoded, np.log(self._seconds[:wanted]), rng)

    def _filled(self) -> Array:
        """Return the losses, the worst one in place of a failure."""
        losses = np.array(self._losses)
        finite = losses[np.isfinite(losses)]
        return np.where(np.isfinite(losses), losses, finite.max() if finite.size else 0.0)

    def _warped(self) -> Array:
        """Return losses for the forest: the worst fifth cut, then on a logarithmic scale above the best.

        The scale is that of the Results the forests were grown on, so that what comes later fits their leaves.
        """
        losses = self._filled()
        low, high = losses[: self._grown].min(), np.quantile(losses[: self._grown], WORST)
        above = (np.minimum(losses, high) - low) / (high - low if high > low else 1.0)
        logarithm = np.log(np.maximum(above, 0.0) + LOG_OFFSET)
        return np.asarray(logarithm + np.minimum(above, 0.0) / LOG_OFFSET)  # below the best so far: its tangent
