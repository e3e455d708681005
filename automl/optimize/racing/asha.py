"""Asynchronous successive halving around any optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from automl.core import Config, Fidelity, Proposal, Result, Status
from automl.optimize.ask_tell import Optimizer, recalled
from automl.optimize.racing.rungs import Rungs, check_eta

__all__ = ["ASHA"]


class ASHA:
    """Starts configurations at the lowest fidelity, and goes on with the best of them at the next, without waiting.

    The asynchronous successive halving algorithm (Li et al., A system for massively parallel hyperparameter tuning,
    MLSys 2020): whenever one of the best 1/eta of a rung is not promoted yet, it is proposed again at the next
    fidelity, from the top rung down; otherwise ``proposer`` gives a new configuration. Where a rung ranks the
    configurations otherwise than the next one, new ones start one rung higher.

    The proposer learns from all fidelities: losses are brought to the scale of the lowest one by the median difference
    of the configurations seen at both.

    Parameters
    ----------
    proposer : Optimizer
        Who proposes new configurations; its own fidelities do not matter.
    fidelities : sequence of Fidelity
        The lowest first, such as ``ladder(1 / 27)``. What comes back at the last one is a full result.
    eta : int
        One of so many goes on.
    least_correlation : float
        Rank correlation with the next rung below which the lowest rung is given up; 0 or less never does.

    Examples
    --------
    >>> from ConfigSpace import ConfigurationSpace
    >>> from automl.core import Measures, Result, Status, Trial
    >>> from automl.optimize import ASHA, RandomSearch, ladder
    >>> from automl.space import FreeSpace
    >>> space = FreeSpace(ConfigurationSpace({"x": (-5.0, 5.0)}))
    >>> optimizer, full = ASHA(RandomSearch(space, seed=0), ladder(1 / 9)), []
    >>> for number in range(60):
    ...     [proposal] = optimizer.ask(1)
    ...     loss = (space.values(proposal.config)["x"] - 1.0) ** 2 + 1 - proposal.fidelity.rows
    ...     trial = Trial(number, proposal.config, proposal.origin, proposal.fidelity)
    ...     optimizer.tell(Result(trial, Status.OK, loss, Measures()))
    ...     full += [loss] if proposal.fidelity.rows == 1 else []
    >>> optimizer.sizes
    (41, 14, 5)
    >>> min(full) < 0.1
    True
    """

    def __init__(
        self, proposer: Optimizer, fidelities: Sequence[Fidelity], *, eta: int = 3, least_correlation: float = 0.4
    ) -> None:
        check_eta(eta)
        self._proposer = proposer
        self._rungs = Rungs(fidelities)
        self._eta = eta
        self._least = least_correlation
        self._lowest = 0
        self._promoted: tuple[set[str], ...] = tuple(set() for _ in fidelities)
        self._news: list[str] = []

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many results each rung has, failures included."""
        return tuple(len(losses) for losses in self._rungs.losses)

    @property
    def lowest(self) -> Fidelity:
        """Where new configurations start."""
        return self._rungs.fidelities[self._lowest]

    def ask(self, n: int) -> list[Proposal]:
        proposals: list[Proposal] = []
        while len(proposals) < n:
            found = self._promotable()
            if found is not None:
                place, key = found
                self._promoted[place].add(key)
                fidelity = self._rungs.fidelities[place + 1]
                proposals.append(Proposal(self._rungs.configs[key], "promoted", fidelity))
                continue
            fresh = self._proposer.ask(1)
            if not fresh:
                break
            proposals.append(replace(fresh[0], fidelity=self.lowest))
        return proposals

    def tell(self, result: Result) -> None:
        place = self._rungs.place(result.trial.fidelity)
        if place is not None and result.status is not Status.CANCELLED:
            self._rungs.add(place, result)
        elif place:  # it may be promoted once more
            self._promoted[place - 1].discard(result.trial.config.key())
        self._proposer.tell(self._rungs.comparable(result))
        self._raise_lowest()

    def recall(self, config: Config) -> bool:
        found = self._promotable()
        if found is not None and found[1] == config.key():
            self._promoted[found[0]].add(found[1])
            return True
        return recalled(self._proposer, config)

    def news(self) -> list[str]:
        """Return what has changed since the last call, in sentences for the log."""
        news, self._news = self._news, []
        return news

    def _promotable(self) -> tuple[int, str] | None:
        """Return the next to promote, from the top rung down: its rung and its key."""
        for place in range(len(self._rungs) - 2, self._lowest - 1, -1):
            for key in self._rungs.best(place, len(self._rungs.losses[place]) // self._eta):
                if key not in self._promoted[place]:
                    return place, key
        return None

    def _raise_lowest(self) -> None:
        if self._lowest >= len(self._rungs) - 2:
            return
        correlation = self._rungs.correlation(self._lowest)
        if correlation is not None and correlation < self._least:
            self._lowest += 1
            self._news.append(
                f"the lowest fidelity ranks otherwise than the next (rank correlation {correlation:.2f}): "
                f"new configurations start at {self.lowest}"
            )
