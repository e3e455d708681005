"""Random search over a conditional space (Bergstra and Bengio, JMLR 2012): the baseline of every other optimizer."""

from __future__ import annotations

from automl.core import Config, Proposal, Result, stream
from automl.space import Space

__all__ = ["RandomSearch"]

TRIES = 50  # draws for one proposal before a small space counts as exhausted


class RandomSearch:
    """Draws configurations independently; never proposes the same one twice.

    Proposal i is drawn from a generator of its own (seed, i), so that it does not depend on when it is asked for.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._asked = 0
        self._seen: set[str] = set()

    def ask(self, n: int) -> list[Proposal]:
        proposals: list[Proposal] = []
        while len(proposals) < n:
            config = self._draw()
            if config is None:
                break
            proposals.append(Proposal(config, "random"))
        return proposals

    def _draw(self) -> Config | None:
        rng = stream(self._seed, "random search", self._asked)
        self._asked += 1
        for _ in range(TRIES):
            config = self._space.sample(rng)
            if config.key() not in self._seen:
                self._seen.add(config.key())
                return config
        return None

    def tell(self, result: Result) -> None:
        self._seen.add(result.trial.config.key())

    def recall(self, config: Config) -> bool:
        self._asked += 1
        self._seen.add(config.key())
        return True
