"""Which family of models next: the one whose next improvement is expected to cost least."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from automl.core import Config, Proposal, Result, Status, stream, stream_seed
from automl.optimize.ask_tell import Optimizer, recalled, usable_loss
from automl.optimize.bayes import BayesSearch
from automl.space import Role, Space

__all__ = ["History", "LearnerChoice", "Shortlist"]

PLACES = 8  # results that stand for the ensemble
OF_A_FAMILY = 3  # at most, as an ensemble gains little from more of a kind
LEAST_COST = 0.2  # of the mean trial: handling a trial costs something however fast its model is


@dataclass
class Shortlist:
    """The best results so far, few of each family: what the ensemble would be made of, judged by losses alone."""

    places: int = PLACES
    of_a_family: int = OF_A_FAMILY
    held: list[tuple[float, str]] = field(default_factory=list)  # loss and family, best first

    @property
    def bar(self) -> float:
        """The loss to beat for a place; infinite while there are free ones."""
        return self.held[-1][0] if len(self.held) == self.places else math.inf

    def add(self, loss: float, family: str) -> bool:
        """Take in a result; whether it got a place."""
        own = [entry for entry in self.held if entry[1] == family]
        if len(own) == self.of_a_family:
            leaves = own[-1]
        elif len(self.held) == self.places:
            leaves = self.held[-1]
        else:
            leaves = None
        if leaves is not None:
            if loss >= leaves[0]:
                return False
            self.held.remove(leaves)
        self.held.append((loss, family))
        self.held.sort(key=lambda entry: entry[0])
        return True


@dataclass
class History:
    """What one family has cost and reached.

    Parameters
    ----------
    cost : float
        Of all its trials; ``at_last`` and ``at_previous`` are what it was at its last two improvements.
    best : float
        Its best loss, and ``previous`` the one before, or what it started from.
    """

    cost: float = 0.0
    at_last: float = 0.0
    at_previous: float = 0.0
    best: float = math.inf
    previous: float = math.inf

    def add(self, loss: float, cost: float, *, entered: bool, reference: float) -> None:
        """Take in a trial; it improves if it ``entered`` the ensemble or is the family's best."""
        self.cost += cost
        if not (entered or loss < self.best):
            return
        self.at_previous, self.at_last = self.at_last, self.cost
        if loss < self.best:
            self.previous = self.best if math.isfinite(self.best) else reference
            self.best = loss

    def estimated_cost(self, bar: float) -> float:
        """Return the estimated cost of its next improvement of the ensemble, whose worst loss is ``bar``.

        That is what the last improvements took; and for a family that lies behind, twice what catching up takes at the
        speed it had (Wang et al., FLAML, MLSys 2021, section 4.2).
        """
        since = max(self.cost - self.at_last, self.at_last - self.at_previous)
        gap, drop = self.best - bar, self.previous - self.best
        if not math.isfinite(self.best):  # failures only
            return 2 * since
        return max(since, 2 * gap * (self.cost - self.at_previous) / drop) if gap > 0 and drop > 0 else since


class LearnerChoice:
    """Draws a family of models by how little its next improvement should cost, and asks that family's own optimizer.

    The probability of a family is inverse to its estimated cost of improvement (FLAML; Wang et al., MLSys 2021). An
    improvement is one of the ensemble: a place among the best 8 results, of which a family has 3 at most. A family that
    was not tried yet is taken to improve with its first trial. Proposal i draws from a generator of its own.

    Parameters
    ----------
    space : Space or FreeSpace
        A space without families is one family.
    seed : int
    make : callable
        Called with the space of one family and a seed; returns its optimizer.
    timed : bool
        Costs are measured seconds; by default each trial costs the same, so that a run that must not depend on a clock
        does not.

    Examples
    --------
    >>> from automl.core import Measures, Result, Status, Trial
    >>> from automl.data import Task
    >>> from automl.optimize import LearnerChoice, RandomSearch
    >>> from automl.space import Facts, build_space, default_catalog
    >>> facts = Facts(Task.REGRESSION, 500, 8, n_numeric=8, min_class_count=500)
    >>> space = build_space(facts, default_catalog(), include=["linear", "forest", "neighbors"])
    >>> optimizer = LearnerChoice(space, seed=0, make=RandomSearch)
    >>> for number in range(60):  # forests are better, and get better
    ...     [proposal] = optimizer.ask(1)
    ...     forest = space.component(proposal.config.steps[-1].component).family == "forest"
    ...     loss = 1 / (10 + number) if forest else 1.0
    ...     optimizer.tell(Result(Trial(number, proposal.config, ""), Status.OK, loss, Measures()))
    >>> chances = optimizer.probabilities()
    >>> max(chances, key=chances.get)
    'forest'
    """

    def __init__(
        self, space: Any, seed: int, *, make: Callable[[Any, int], Optimizer] = BayesSearch, timed: bool = False
    ) -> None:
        self._space = space
        self._seed = seed
        self._make = make
        self._timed = timed
        self._families = _families(space)
        self._names = list(dict.fromkeys(self._families.values()))
        self._asked = 0
        self._exhausted: set[str] = set()
        self._told: dict[str, list[Result]] = {name: [] for name in self._names}
        self._optimizers: dict[str, Optimizer] = {}
        self._histories = {name: History() for name in self._names}
        self._shortlist = Shortlist()
        self._costs: list[float] = []
        self._worst = -math.inf

    def probabilities(self) -> dict[str, float]:
        """Return how likely each family is to be the next."""
        mean = sum(self._costs) / len(self._costs) if self._costs else 1.0
        inverse = {}
        for name, history in self._histories.items():
            cost = history.estimated_cost(self._shortlist.bar) if history.cost else mean
            inverse[name] = 1.0 / max(cost, LEAST_COST * mean, 1e-9)
        total = sum(inverse.values())
        return {name: value / total if total else 1 / len(inverse) for name, value in inverse.items()}

    def ask(self, n: int) -> list[Proposal]:
        proposals: list[Proposal] = []
        while len(proposals) < n:
            found = self._next()
            if found is None:
                break
            self._asked += 1
            proposals.append(found)
        return proposals

    def tell(self, result: Result) -> None:
        name, loss = self._family(result.trial.config), usable_loss(result)
        if math.isfinite(loss):
            self._worst = max(self._worst, loss)
        if name is None:
            return
        self._told[name].append(result)
        if name in self._optimizers:
            self._optimizers[name].tell(result)
        if result.status is Status.CANCELLED:
            return
        entered = result.status is Status.OK and math.isfinite(loss) and self._shortlist.add(loss, name)
        cost = max(result.measures.fit_seconds, 1e-3) if self._timed else 1.0
        self._costs.append(cost)
        self._histories[name].add(loss, cost, entered=entered, reference=self._worst)

    def recall(self, config: Config) -> bool:
        name = self._family(config)
        self._asked += 1
        return name is not None and recalled(self._optimizer(name), config)

    def _next(self) -> Proposal | None:
        """Return the proposal of the first family, in the order drawn, that has anything left."""
        chances = self.probabilities()
        rng = stream(self._seed, "learner", self._asked)
        # without replacement, by weight (Efraimidis and Spirakis 2006); what is exhausted changes no other draw
        order = {name: -rng.exponential() / max(chance, 1e-12) for name, chance in chances.items()}
        for name in sorted(order, key=order.__getitem__, reverse=True):
            if name not in self._exhausted:
                found = self._optimizer(name).ask(1)
                if found:
                    return found[0]
                self._exhausted.add(name)
        return None

    def _optimizer(self, name: str) -> Optimizer:
        """Return the optimizer of a family; made when it is first needed, and told all that was there before."""
        if name not in self._optimizers:
            optimizer = self._make(_only(self._space, name), stream_seed(self._seed, name))
            for result in self._told[name]:
                optimizer.tell(result)
            self._optimizers[name] = optimizer
        return self._optimizers[name]

    def _family(self, config: Config) -> str | None:
        if not isinstance(self._space, Space):
            return self._names[0]
        return self._families.get(config.steps[-1].component)


def _families(space: Any) -> dict[str, str]:
    """Return the family of each model that has something to tune; a space without families is one family."""
    if not isinstance(space, Space):
        return {"": "all"}
    return {model.name: model.family or model.name for model in space.models if model.family != "prior"}


def _only(space: Any, family: str) -> Any:
    """Return the space of one family of models."""
    if not isinstance(space, Space):
        return space
    active = [c for c in space.active if c.role is not Role.MODEL or (c.family or c.name) == family]
    return dataclasses.replace(space, active=tuple(active))
