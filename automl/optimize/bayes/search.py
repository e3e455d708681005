"""Bayesian optimization with a forest over a conditional space."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from automl.core import Array, Config, InputError, Proposal, Result, SettingError, Status, stream
from automl.optimize.bayes.acquisition import ACQUISITIONS
from automl.optimize.bayes.forest import Forest, grow
from automl.optimize.bayes.process import Process, Scales, tune
from automl.space import RowSpace

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

__all__ = ["BayesSearch", "Prior", "Vectors"]

EVERY = 8  # Results between two forests
DRAWN = 600  # random candidates for one proposal
STARTS = 10
NEIGHBOURS = 6  # of each start, in each round
STEPS = (0.2, 0.1, 0.05, 0.02) * 2  # of the rounds of local search, in units of the ranges
ANYWHERE = 5  # rounds where all branches are looked at: those take longest
RANDOM_SHARE = 0.1  # of the proposals
BRANCH_SHARE = 0.5  # of the proposals look at one branch only
OF_PROCESS = (6, 80)  # rows of a branch for a Gaussian process: at least, and the best so many
GAIN = 0.02  # of the way from the median loss of a branch to its best: less is no progress
PATIENCE = 6.0  # results without progress after which a branch is looked at half as often
TRIES = 50
UNDER_WAY = 64  # proposals that are expected back, the newest
WORST = 0.8  # losses above this quantile are all the same: they are not where the optimum is
LOG_OFFSET = 0.02


Expected = Callable[[Array], Array]
Prior = Callable[[Any], Callable[[Array, Array], Expected | None]]


class Vectors(Protocol):
    """What this optimizer needs of a space."""

    @property
    def configspace(self) -> ConfigurationSpace: ...

    def to_vector(self, config: Config) -> Array: ...

    def from_vector(self, vector: Array) -> Config: ...


class BayesSearch:
    """Proposes where a random forest, fitted to the losses told so far, expects most improvement.

    Sequential model-based optimization after Hutter, Hoos and Leyton-Brown (SMAC, LION 2011): a forest over the
    conditional space, log expected improvement, local search around the best. A new forest is grown every 8 Results; in
    between new Results, and the mean loss for proposals that are still under way (constant liar; Ginsbourger et al.
    2010), go into its leaves. Proposal i draws from a generator of its own.

    Every second proposal looks at one branch only, a value of the choice that most parameters depend on, such as one
    model: with a Gaussian process, and for an improvement over the best *there*. Otherwise whatever branch is good
    first would be polished for good. The better the best of a branch, the more often its turn comes.

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
    prior : callable, optional
        What is known from elsewhere. Called with the space, it returns a callable that, given the vectors tried so far
        and their losses (NaN where one failed), returns what to expect of other vectors, in any unit, or None where it
        has nothing to say. The forest learns what is left unexplained; a prior that runs against the losses seen
        counts for nothing.

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
        self,
        space: Vectors,
        seed: int,
        *,
        acquisition: str = "log_ei",
        initial: int = 10,
        per_second: float = 0.0,
        prior: Prior | None = None,
    ) -> None:
        if acquisition not in ACQUISITIONS:
            raise SettingError(f"acquisition={acquisition!r}; give one of {', '.join(ACQUISITIONS)}")
        if per_second and acquisition != "log_ei":
            raise SettingError(f"per_second={per_second} needs acquisition='log_ei', not {acquisition!r}")
        self._space = space
        self._rows = RowSpace(space.configspace)
        self._root = self._rows.root
        self._seed = seed
        self._acquisition = acquisition
        self._initial = max(initial, EVERY)
        self._per_second = per_second
        self._prior = None if prior is None else prior(space)
        self._known: Expected | None = None  # the part of the warped losses that the prior explains
        self._asked = 0
        self._seen: set[str] = set()
        self._waiting: dict[str, Array] = {}
        self._vectors: list[Array] = []
        self._cells: list[Array] = []  # the same, encoded
        self._losses: list[float] = []  # NaN where a trial failed
        self._seconds: list[float] = []
        self._drawn: tuple[int, Array] = (-1, np.empty((0, 0)))
        self._grown = 0
        self._by_loss: Forest | None = None
        self._scales: dict[float, tuple[int, Scales]] = {}  # of branches, and after how many Results
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
        if len(self._waiting) > UNDER_WAY:  # what a run refuses or changes does not come back
            del self._waiting[next(iter(self._waiting))]

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
        branch = self._branch(rng)
        known, anywhere = self._inside(np.array(self._vectors), branch), self._anywhere(rng)
        drawn = anywhere[self._inside(anywhere, branch)]
        if not known.any():  # nothing to improve upon there
            return np.concatenate([drawn, anywhere])
        score = self._scorer(branch, known)
        drawn = drawn[np.argsort(-score(drawn), kind="stable")]
        best = np.flatnonzero(known)[np.argsort(self._filled()[known], kind="stable")][: STARTS // 2]
        front = np.concatenate([drawn[: STARTS - len(best)], np.array(self._vectors)[best]])
        found = [drawn[:TRIES], anywhere[:TRIES]]
        steps, fixed = (STEPS[:ANYWHERE], None) if branch is None else (STEPS, self._root)
        held = score(front)
        for step in steps:
            near = self._rows.neighbours(front, NEIGHBOURS, rng, step=step, fixed=fixed)
            promise = score(near)
            found.append(near)
            block = promise.reshape(len(front), NEIGHBOURS)
            top = block.argmax(axis=1)
            better = block.max(axis=1) > held
            front = np.where(better[:, None], near[np.arange(len(front)) * NEIGHBOURS + top], front)
            held = np.maximum(held, block.max(axis=1))
        rows = np.concatenate(found)
        return np.asarray(rows[np.argsort(-score(rows), kind="stable")])

    def _anywhere(self, rng: np.random.Generator) -> Array:
        """Return random rows: half of those that were drawn for 8 proposals at once, as drawing takes long."""
        block = self._asked // EVERY
        if self._drawn[0] != block:
            self._drawn = block, self._rows.draw(2 * DRAWN, stream(self._seed, "drawn", block))
        return np.asarray(self._drawn[1][rng.permutation(2 * DRAWN)[:DRAWN]])

    def _branch(self, rng: np.random.Generator) -> float | None:
        """Return the branch to look at, or None for all: the better its best loss, the likelier, by ranks.

        A branch that was never tried ranks in the middle.
        """
        losses = self._filled()
        if rng.random() < (1.0 - BRANCH_SHARE) / (1.0 + _stalled(losses) / PATIENCE):
            return None
        if self._root is None:
            return 0.0  # all is one branch
        values = np.array(self._vectors)[:, self._root]
        best = np.full(self._rows.choices(self._root), np.nan)
        for branch in np.unique(values[~np.isnan(values)]).astype(np.intp):
            best[branch] = losses[values == branch].min()
        best = np.where(np.isnan(best), np.nanmedian(best), best)
        weights = 1.0 / (1.0 + np.argsort(np.argsort(best, kind="stable"), kind="stable"))
        weights /= 1.0 + np.array([_stalled(losses[values == branch]) for branch in range(len(best))]) / PATIENCE
        return float(rng.choice(len(best), p=weights / weights.sum()))

    def _inside(self, rows: Array, branch: float | None) -> Array:
        if branch is None or self._root is None:
            return np.ones(len(rows), dtype=bool)
        return np.asarray(rows[:, self._root] == branch)

    def _scorer(self, branch: float | None, known: Array) -> Callable[[Array], Array]:
        """Return what a row promises, by forests that hold everything told and a guess for everything under way.

        The improvement is one over the best of what is ``known`` in the branch; other rows promise nothing.
        """
        self._grow()
        assert self._by_loss is not None
        few = branch is None or known[: self._grown].sum() < OF_PROCESS[0]
        values = self._warped(None if few else known)
        left = values - self._explained(np.array(self._vectors))
        waiting = np.array(list(self._waiting.values())).reshape(-1, self._rows.width)
        lies = (values if few else values[known]).mean() - self._explained(waiting)
        by_loss: Forest | Process
        if branch is None or few:
            later = np.array(self._cells[self._grown :])
            by_loss = self._by_loss.add(later, left[self._grown :]).add(self._rows.encoded(waiting), lies)
        else:
            here = self._inside(waiting, branch)
            by_loss = self._process(branch, known, left, self._rows.encoded(waiting[here]), lies[here])
        best, promise = float(values[known].min()), ACQUISITIONS[self._acquisition]

        def score(rows: Array) -> Array:
            cells = self._rows.encoded(rows)
            mean, deviation = by_loss.predict(cells)
            value = promise(mean + self._explained(rows), deviation, best)
            if self._per_second and self._by_seconds is not None:
                value = value - self._per_second * self._by_seconds.predict(cells)[0]
            return np.where(self._inside(rows, branch), value, -np.inf)

        return score

    def _process(self, branch: float, known: Array, values: Array, waiting: Array, lies: Array) -> Process:
        """Return a process of the best rows of a branch, with scales as of the last multiple of 8 Results."""
        cells = np.array(self._cells)
        if self._scales.get(branch, (0, None))[0] != self._grown:
            rows = _least(values[: self._grown], known[: self._grown])
            self._scales[branch] = self._grown, tune(cells[rows], values[rows])
        rows = _least(values, known)
        joined = np.concatenate([cells[rows], waiting]), np.concatenate([values[rows], lies])
        return Process(*joined, self._scales[branch][1])

    def _grow(self) -> None:
        """Grow new forests where enough Results have come: on the first so many, whenever that happens."""
        wanted = len(self._losses) // EVERY * EVERY
        if wanted == self._grown and self._by_loss is not None:
            return
        wanted = max(wanted, 1)
        rng = stream(self._seed, "forest", wanted)
        encoded = np.array(self._cells[:wanted])
        self._grown = wanted
        values, tried = self._warped()[:wanted], np.array(self._vectors[:wanted])
        if self._prior is not None:
            self._known = _leaning(self._prior(tried, np.array(self._losses[:wanted])), tried, values)
        self._by_loss = grow(encoded, values - self._explained(tried), rng)
        if self._per_second:
            self._by_seconds = grow(encoded, np.log(self._seconds[:wanted]), rng)

    def _explained(self, rows: Array) -> Array:
        return np.zeros(len(rows)) if self._known is None else self._known(rows)

    def _filled(self) -> Array:
        """Return the losses, the worst one in place of a failure."""
        losses = np.array(self._losses)
        finite = losses[np.isfinite(losses)]
        return np.where(np.isfinite(losses), losses, finite.max() if finite.size else 0.0)

    def _warped(self, known: Array | None = None) -> Array:
        """Return losses for a model: the worst fifth cut, then on a logarithmic scale above the best.

        The scale is that of the Results the forests were grown on, so that what comes later fits their leaves; for a
        branch it is that of what is ``known`` there, all of which may be among the worst.
        """
        losses = self._filled()
        told = losses[: self._grown] if known is None else losses[: self._grown][known[: self._grown]]
        low, high = told.min(), np.quantile(told, WORST)
        above = (np.minimum(losses, high) - low) / (high - low if high > low else 1.0)
        logarithm = np.log(np.maximum(above, 0.0) + LOG_OFFSET)
        return np.asarray(logarithm + np.minimum(above, 0.0) / LOG_OFFSET)  # below the best so far: its tangent


def _stalled(losses: Array) -> int:
    """Return how many results ago the best of a branch became better by a good part of what separates them."""
    if len(losses) < 2:
        return 0
    best = np.minimum.accumulate(losses)
    gains = best[:-1] - best[1:]
    large = np.flatnonzero(gains > GAIN * (np.median(losses) - best[-1]))
    return len(losses) - 1 - (int(large[-1]) + 1 if large.size else 0)


def _least(values: Array, known: Array) -> Array:
    """Return the places of the least of the known values, at most as many as a process takes."""
    rows = np.flatnonzero(known)
    return np.asarray(rows[np.argsort(values[rows], kind="stable")[: OF_PROCESS[1]]])


def _leaning(expected: Expected | None, rows: Array, values: Array) -> Expected | None:
    """Return what is expected on the scale of the values, by least squares; None where the two do not agree."""
    if expected is None:
        return None
    told = expected(rows)
    spread = float(told.var())
    slope = float(np.mean((told - told.mean()) * (values - values.mean()))) / spread if spread > 0 else 0.0
    return (lambda other: slope * expected(other)) if slope > 0 else None
