"""A fixed, ordered list of configurations."""

from __future__ import annotations

from collections.abc import Iterable

from automl.core import Config, Proposal, Result

__all__ = ["Portfolio"]


class Portfolio:
    """Proposes the given configurations in order, each once."""

    def __init__(self, configs: Iterable[Config]) -> None:
        self._left = list({config.key(): config for config in configs}.values())[::-1]

    def ask(self, n: int) -> list[Proposal]:
        return [Proposal(self._left.pop(), "portfolio") for _ in range(min(n, len(self._left)))]

    def tell(self, result: Result) -> None:
        key = result.trial.config.key()
        self._left = [config for config in self._left if config.key() != key]

    def recall(self, config: Config) -> bool:
        if not self._left:
            return False
        keys = [one.key() for one in self._left]
        key = config.key()
        # the order may be another one than in the process that was given this one
        self._left.pop(keys.index(key) if key in keys else -1)
        return True
