"""The port of every optimizer, and a chain of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from automl.core import Config, Proposal, Result, Status

__all__ = ["Chain", "Optimizer", "recalled", "usable_loss"]


class Optimizer(Protocol):
    """Port: who proposes configurations.

    State is a function of the construction arguments and of the ordered Results told, nothing else: no clock, no
    global generator. Called by one thread. ``tell`` accepts Results that this optimizer never asked for.
    """

    def ask(self, n: int) -> list[Proposal]:
        """Return up to ``n`` new proposals; fewer (or none) when nothing is left to propose."""
        ...

    def tell(self, result: Result) -> None:
        """Learn how a trial ended, also a failed or pruned one."""
        ...

    def recall(self, config: Config) -> bool:
        """Take this for the next proposal without working it out: an earlier process was given it, perhaps changed.

        Returns False where nothing is left to propose. An optimizer without this method is asked instead.
        """
        ...


def recalled(optimizer: Optimizer, config: Config) -> bool:
    """Let an optimizer recall a configuration, or ask one that cannot; whether it goes on as it did."""
    recall = getattr(optimizer, "recall", None)
    if recall is None:
        return [proposal.config for proposal in optimizer.ask(1)] == [config]
    return bool(recall(config))


def usable_loss(result: Result) -> float:
    """Return the loss of a trial, infinite where it has none that counts."""
    known = result.status in (Status.OK, Status.PRUNED) and result.loss is not None and math.isfinite(result.loss)
    return float(result.loss) if known and result.loss is not None else math.inf


class Chain:
    """Asks the first optimizer until it has nothing left, then the next; tells all of them."""

    def __init__(self, optimizers: Sequence[Optimizer]) -> None:
        self._optimizers = tuple(optimizers)

    def ask(self, n: int) -> list[Proposal]:
        proposals: list[Proposal] = []
        for optimizer in self._optimizers:
            if len(proposals) < n:
                proposals += optimizer.ask(n - len(proposals))
        return proposals

    def tell(self, result: Result) -> None:
        for optimizer in self._optimizers:
            optimizer.tell(result)

    def recall(self, config: Config) -> bool:
        return any(recalled(optimizer, config) for optimizer in self._optimizers)
