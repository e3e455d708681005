"""A deadline on a clock that is passed in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Budget"]


@dataclass(frozen=True)
class Budget:
    """A time budget, counted from ``start`` on ``clock``; without ``seconds`` it never ends and reads no clock.

    Examples
    --------
    >>> from automl.core import Budget
    >>> budget = Budget(seconds=60.0, start=100.0, clock=lambda: 130.0)
    >>> budget.remaining(), budget.elapsed(), budget.over()
    (30.0, 30.0, False)
    """

    seconds: float | None
    start: float = 0.0
    clock: Callable[[], float] = field(default=time.monotonic, repr=False, compare=False)

    @classmethod
    def begin(cls, seconds: float | None, clock: Callable[[], float] = time.monotonic) -> Budget:
        """Open a budget that starts now."""
        return cls(seconds, clock() if seconds is not None else 0.0, clock)

    @property
    def timed(self) -> bool:
        """Whether there is a deadline at all."""
        return self.seconds is not None

    def elapsed(self) -> float:
        """Seconds since the start; 0 in an untimed budget."""
        return self.clock() - self.start if self.timed else 0.0

    def remaining(self) -> float:
        """Seconds left, possibly negative; infinite in an untimed budget."""
        return self.seconds - self.elapsed() if self.seconds is not None else float("inf")

    def over(self) -> bool:
        return self.remaining() <= 0.0
