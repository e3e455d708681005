"""What ``optimizer="auto"`` means: which proposer when."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from automl.core import Config, Measures, Proposal, Result, Status, Trial, stream, stream_seed
from automl.optimize.ask_tell import Optimizer, recalled, usable_loss
from automl.optimize.bayes import BayesSearch
from automl.optimize.genetic import GeneticSearch
from automl.optimize.learners import LearnerChoice
from automl.optimize.portfolio import Portfolio
from automl.optimize.random import RandomSearch
from automl.space import Space

__all__ = ["Policy", "Start", "first_shares"]

THINKING = 0.02  # share of the time elapsed that proposing may take
LONG_SECONDS = 500.0  # from which on new shapes of pipelines are bred: ten minutes, less reading and preparing
LONG_TRIALS = 200
LARGE_ROWS = 50_000  # above which a tree of several models takes too long for what it gains
BRED = 0.2
DRAWN = 0.1
LEARNT = 0.55  # of what is left: a forest over all models; the others a family of models first
LEAST_SHARE = 0.05
AMONG = 8  # a proposal pays if its result is among so many best
CAUTION = 6.0  # proposals whose success is taken to be the mean of all


@dataclass(frozen=True)
class Start:
    """How often each proposer is asked at first, and why."""

    shares: dict[str, float]
    reasons: tuple[str, ...]


def first_shares(*, seconds: float | None = None, trials: int | None = None, rows: int = 0) -> Start:
    """Return what the policy begins with after the portfolio.

    Examples
    --------
    >>> from automl.optimize.policy import first_shares
    >>> first_shares(seconds=60.0).shares
    {'bayes': 0.495, 'learners': 0.405, 'random': 0.1}
    """
    long = (seconds or 0.0) >= LONG_SECONDS or (seconds is None and (trials or 0) >= LONG_TRIALS)
    if not long:
        genetic, why = 0.0, f"no genetic programming: the budget is below {LONG_SECONDS:.0f} s or {LONG_TRIALS} trials"
    elif rows > LARGE_ROWS:
        genetic, why = 0.0, f"no genetic programming: more than {LARGE_ROWS:,} rows"
    else:
        genetic, why = BRED, f"genetic {BRED:.0%}: the budget is long enough for new shapes of pipelines"
    rest = 1.0 - DRAWN - genetic
    shares = {"bayes": LEARNT * rest, "learners": (1 - LEARNT) * rest, "genetic": genetic, "random": DRAWN}
    reasons = (
        "the portfolio first",
        f"then bayes {shares['bayes']:.0%}: where a forest over all models expects most improvement",
        f"learners {shares['learners']:.0%}: a family of models by its estimated cost of improvement, then a forest",
        why,
        f"random {DRAWN:.0%}, and where the others would take more than {THINKING:.0%} of the time for proposing",
        f"these shares follow what gets among the best {AMONG} results",
    )
    return Start({name: round(share, 4) for name, share in shares.items() if share}, reasons)


class Policy:
    """The portfolio, then Bayesian optimization, genetic programming and random search, by what pays.

    After the portfolio each proposal comes from one of them, drawn by shares: a forest over the whole space (bayes),
    one over a family of models that is chosen first (learners), trees (genetic), or chance. The shares start from the
    budget and the table, and follow how often the proposals of each got among the best 8 results (probability
    matching; Goldberg, Machine Learning 5, 1990). In timed runs nobody is asked whose proposal would bring the time for
    proposing above 2 % of the whole: what is dear waits, random search never does. All learn from all Results.
    Proposal i draws from a generator of its own.

    Parameters
    ----------
    space : Space or FreeSpace
    portfolio : iterable of Config
        Proposed first, in order; may be empty.
    seed : int
    seconds, trials : float or None, int or None
        Budget of the run.
    rows : int
        Of the table; 0 where there is none.
    clock : callable or None
        Returns the seconds since the start of a timed run. Without it nothing depends on time: not on measured costs,
        not on how long proposing takes.
    make : callable
        Called with a space, the whole or that of a family, and a seed; returns a Bayesian optimizer.

    Examples
    --------
    >>> from ConfigSpace import ConfigurationSpace
    >>> from automl.core import Measures, Result, Status, Trial
    >>> from automl.optimize import Policy
    >>> from automl.space import FreeSpace
    >>> space = FreeSpace(ConfigurationSpace({"x": (-5.0, 5.0)}))
    >>> optimizer, best = Policy(space, (), seed=0), float("inf")
    >>> for number in range(30):
    ...     [proposal] = optimizer.ask(1)
    ...     loss = (space.values(proposal.config)["x"] - 1.0) ** 2
    ...     best = min(best, loss)
    ...     optimizer.tell(Result(Trial(number, proposal.config, proposal.origin), Status.OK, loss, Measures()))
    >>> best < 0.05
    True
    """

    def __init__(
        self,
        space: Any,
        portfolio: Iterable[Config],
        seed: int,
        *,
        seconds: float | None = None,
        trials: int | None = None,
        rows: int = 0,
        clock: Callable[[], float] | None = None,
        make: Callable[[Any, int], Optimizer] = BayesSearch,
    ) -> None:
        self._space = space
        self._seed = seed
        self._clock = clock
        self._make = make
        self._first = first_shares(seconds=seconds, trials=trials, rows=rows).shares
        if not isinstance(space, Space):  # no families to choose from
            self._first["bayes"] += self._first.pop("learners")
        self._asked = 0
        self._thought = 0.0  # seconds
        self._dear: dict[str, float] = {}  # what one proposal takes, lately
        self._in_portfolio = True
        self._open = list(self._first)
        self._proposers: dict[str, Optimizer] = {"portfolio": Portfolio(portfolio)}
        self._known: dict[str, int] = {}  # how much of the history each was told
        self._history: list[tuple[str, Result]] = []  # what all are told, but for whoever proposed it itself
        self._best: list[float] = []
        self._tries = dict.fromkeys(self._first, 0)
        self._hits = dict.fromkeys(self._first, 0)
        self._leader = ""
        self._hurried = False
        self._news: list[str] = []

    def shares(self) -> dict[str, float]:
        """Return how likely each proposer is to be the next, after the portfolio."""
        rate = (sum(self._hits.values()) + 1.0) / (sum(self._tries.values()) + 2.0)
        weights = {}
        for name in self._open:
            own = (self._hits[name] + CAUTION * rate) / (self._tries[name] + CAUTION)
            weights[name] = self._first[name] * own / rate
        total = sum(weights.values())
        floored = {name: max(weight / total, LEAST_SHARE) for name, weight in weights.items()}
        return {name: share / sum(floored.values()) for name, share in floored.items()}

    def ask(self, n: int) -> list[Proposal]:
        proposals: list[Proposal] = []
        while len(proposals) < n:
            name = self._name()
            if name is None:
                break
            started = self._now()
            found = self._proposer(name).ask(1)
            self._took(name, self._now() - started)
            if found:
                self._proposed(name, found[0].config)
                proposals.append(replace(found[0], origin=name))
            else:
                self._close(name)
        return proposals

    def tell(self, result: Result) -> None:
        self._history.append(("", result))
        if result.status is Status.CANCELLED:
            return
        name, loss = result.trial.origin, usable_loss(result)
        hit = loss < float("inf") and (len(self._best) < AMONG or loss < self._best[-1])
        if hit and result.status is Status.OK:
            bisect.insort(self._best, loss)
            self._best = self._best[:AMONG]
        if name in self._tries:
            self._tries[name] += 1
            self._hits[name] += hit and result.status is Status.OK

    def recall(self, config: Config) -> bool:
        while (name := self._name()) is not None:
            if recalled(self._proposer(name), config):
                self._proposed(name, config)
                return True
            self._close(name)
        return False

    def news(self) -> list[str]:
        """Return what has changed since the last call, in sentences for the log."""
        news, self._news = self._news, []
        return news

    def _took(self, name: str, seconds: float) -> None:
        self._thought += seconds
        self._dear[name] = 0.7 * self._dear.get(name, seconds) + 0.3 * seconds

    def _payable(self) -> list[str]:
        """Return who may be asked: whose proposal keeps within the time for proposing, and random search."""
        if self._clock is None:
            return self._open
        left = THINKING * self._now() - self._thought
        payable = [name for name in self._open if name == "random" or 0 < left > self._dear.get(name, 0.0)]
        if len(payable) < len(self._open) and not self._hurried:
            self._hurried = True
            waiting = ", ".join(name for name in self._open if name not in payable)
            self._news.append(
                f"proposing has taken {self._thought:.1f} s: {waiting} waits until that is {THINKING:.0%}"
            )
        return payable or self._open

    def _now(self) -> float:
        return 0.0 if self._clock is None else self._clock()

    def _name(self) -> str | None:
        """Return who proposes next, or None where nobody has anything left."""
        if self._in_portfolio:
            return "portfolio"
        if not self._open:
            return None
        shares = self.shares()
        leader = max(shares, key=shares.__getitem__)
        if leader != self._leader:
            self._leader = leader
            self._news.append("proposals from now on: " + ", ".join(f"{n} {s:.0%}" for n, s in shares.items()))
        payable = {name: shares[name] for name in self._payable()}
        drawn = stream(self._seed, "policy", self._asked).random() * sum(payable.values())
        for name, share in payable.items():
            drawn -= share
            if drawn < 0:
                return name
        return next(reversed(payable))

    def _proposer(self, name: str) -> Optimizer:
        """Return a proposer that knows the history; made when it is first needed."""
        if name not in self._proposers:
            self._proposers[name] = self._made(name)
        proposer = self._proposers[name]
        for by, result in self._history[self._known.get(name, 0) :]:
            if by != name:
                proposer.tell(result)
        self._known[name] = len(self._history)
        return proposer

    def _made(self, name: str) -> Optimizer:
        seed = stream_seed(self._seed, name)
        if name == "bayes":
            return self._make(self._space, seed)
        if name == "learners":
            return LearnerChoice(self._space, seed, make=self._make, timed=self._clock is not None)
        if name == "genetic":
            return GeneticSearch(self._space, seed)
        return RandomSearch(self._space, seed)

    def _proposed(self, name: str, config: Config) -> None:
        """Let the others know of a proposal that is under way; a cancelled trial is known and teaches nothing."""
        self._asked += name != "portfolio"
        self._history.append((name, Result(Trial(-1, config, name), Status.CANCELLED, None, Measures())))

    def _close(self, name: str) -> None:
        if name == "portfolio":
            self._in_portfolio = False
        else:
            self._open.remove(name)
