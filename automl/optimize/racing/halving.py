"""Successive halving and Hyperband: rungs that wait for all their results."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from automl.core import Config, Fidelity, Proposal, Result
from automl.optimize.ask_tell import Optimizer, recalled
from automl.optimize.racing.rungs import Rungs, bracket_sizes, check_eta

__all__ = ["Hyperband", "SuccessiveHalving"]


@dataclass
class _Bracket:
    """One run down the rungs. ``lacking`` configurations of its first rung are not proposed yet."""

    sizes: tuple[int, ...]
    place: int  # its rung now
    lacking: int
    next_up: deque[Config] = field(default_factory=deque)  # promoted, to be proposed
    flying: set[str] = field(default_factory=set)
    losses: dict[str, float] = field(default_factory=dict)  # of this rung
    configs: dict[str, Config] = field(default_factory=dict)

    def tell(self, key: str, loss: float) -> bool:
        """Take in a loss; whether it was waited for here."""
        if key not in self.flying:
            return False
        self.flying.discard(key)
        self.losses[key] = loss
        self.promote()
        return True

    def promote(self) -> None:
        """Go on to the next rung if nothing is missing on this one."""
        if self.flying or self.lacking or self.next_up:
            return
        self.sizes, self.place = self.sizes[1:], self.place + 1
        kept = sorted(self.losses, key=self.losses.__getitem__)[: self.sizes[0] if self.sizes else 0]
        self.next_up = deque(self.configs[key] for key in kept if self.losses[key] < float("inf"))
        self.losses = {}


class SuccessiveHalving:
    """Proposes eta**k configurations at the lowest fidelity, then the best 1/eta of them at the next, and so on.

    Successive halving (Jamieson and Talwalkar, AISTATS 2016), bracket after bracket. While a rung waits for its last
    results, the next bracket begins.

    Parameters
    ----------
    proposer : Optimizer
        Who proposes new configurations. It learns from all fidelities, as in :class:`ASHA`.
    fidelities : sequence of Fidelity
        The lowest first, such as ``ladder(1 / 81)``.
    eta : int
        One of so many goes on.

    Examples
    --------
    >>> from ConfigSpace import ConfigurationSpace
    >>> from automl.optimize import RandomSearch, SuccessiveHalving, ladder
    >>> from automl.space import FreeSpace
    >>> space = FreeSpace(ConfigurationSpace({"x": (-5.0, 5.0)}))
    >>> optimizer = SuccessiveHalving(RandomSearch(space, seed=0), ladder(1 / 81))
    >>> [proposal] = optimizer.ask(1)
    >>> round(81 * proposal.fidelity.rows)
    1
    """

    def __init__(self, proposer: Optimizer, fidelities: Sequence[Fidelity], *, eta: int = 3) -> None:
        check_eta(eta)
        self._proposer = proposer
        self._rungs = Rungs(fidelities)
        self._sizes = bracket_sizes(len(fidelities), eta)
        self._opened = 0
        self._brackets: list[_Bracket] = []

    def ask(self, n: int) -> list[Proposal]:
        proposals: list[Proposal] = []
        while len(proposals) < n:
            proposal = self._next(None)
            if proposal is None:
                break
            proposals.append(proposal)
        return proposals

    def tell(self, result: Result) -> None:
        place, key = self._rungs.place(result.trial.fidelity), result.trial.config.key()
        if place is not None:
            loss = self._rungs.add(place, result)
            any(bracket.place == place and bracket.tell(key, loss) for bracket in self._brackets)
        self._proposer.tell(self._rungs.comparable(result))
        self._brackets = [b for b in self._brackets if b.lacking or b.flying or b.next_up]

    def recall(self, config: Config) -> bool:
        return self._next(config) is not None

    def _bracket(self) -> tuple[int, ...]:
        """Return the sizes of the next bracket."""
        return self._sizes[0]

    def _next(self, recall: Config | None) -> Proposal | None:
        """Return the next proposal of the first bracket that has one; or take ``recall`` for it."""
        for bracket in self._brackets:
            proposal = self._fresh(bracket, recall) if bracket.lacking else None
            if proposal is not None:
                return proposal
            if bracket.next_up:
                config = bracket.next_up.popleft()
                return self._started(bracket, Proposal(config, "promoted"))
        sizes = self._bracket()
        bracket = _Bracket(sizes, len(self._rungs) - len(sizes), sizes[0])
        proposal = self._fresh(bracket, recall)
        if proposal is not None:
            self._opened += 1
            self._brackets.append(bracket)
        return proposal

    def _fresh(self, bracket: _Bracket, recall: Config | None) -> Proposal | None:
        if recall is not None:
            proposal = Proposal(recall, "") if recalled(self._proposer, recall) else None
        else:
            proposal = next(iter(self._proposer.ask(1)), None)
        if proposal is None:  # the bracket goes on with those that it has
            bracket.lacking = 0
            bracket.promote()
            return None
        bracket.lacking -= 1
        return self._started(bracket, proposal)

    def _started(self, bracket: _Bracket, proposal: Proposal) -> Proposal:
        key = proposal.config.key()
        bracket.flying.add(key)
        bracket.configs[key] = proposal.config
        return replace(proposal, fidelity=self._rungs.fidelities[bracket.place])


class Hyperband(SuccessiveHalving):
    """All brackets of successive halving in turn: from many configurations at little cost to few at full cost.

    Li et al., Hyperband (JMLR 2018). It hedges against low fidelities that mislead. With :class:`BayesSearch` as
    proposer it is much like BOHB (Falkner, Klein and Hutter, ICML 2018), with a forest in place of densities.

    Parameters
    ----------
    proposer, fidelities, eta
        As in :class:`SuccessiveHalving`.
    """

    def _bracket(self) -> tuple[int, ...]:
        return self._sizes[self._opened % len(self._sizes)]
