"""Ports that more than one room must agree on: Executor and Metric."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

from numpy.typing import NDArray

from automl.core.trial import FoldResult, Job

__all__ = ["Array", "Executor", "Metric"]

Array = NDArray[Any]  # shapes stand in the docstrings


class Executor(Protocol):
    """Port: where jobs run.

    Owned and called by one thread. Exactly one FoldResult comes back for each submitted job, also when its process
    was killed, ran over a limit or was cancelled; ``collect`` never raises because of a job. ``close`` ends every
    process at once and may be called twice.
    """

    @property
    def capacity(self) -> int:
        """How many jobs run at the same time."""
        ...

    def submit(self, job: Job) -> None:
        """Queue a job; it starts as soon as a worker is free."""
        ...

    def collect(self, timeout: float | None) -> list[FoldResult]:
        """Wait up to ``timeout`` seconds for at least one finished job and return all that are finished."""
        ...

    def cancel(self, ids: Collection[int]) -> None:
        """Stop these jobs now; each is collected later with status ``cancelled``."""
        ...

    def close(self) -> None: ...


class Metric(Protocol):
    """Port: one metric. Losses are minimised inside; scores keep their natural sign outside.

    Targets are encoded: integers 0..K-1 for classification, floats for regression. Predictions are always the full
    output of a model: (n, K) probabilities for classification, (n,) values for regression.
    """

    @property
    def name(self) -> str:
        """scikit-learn's name without ``neg_``."""
        ...

    @property
    def sign(self) -> int:
        """+1 where greater is better (score = -loss), -1 where smaller is better (score = loss)."""
        ...

    @property
    def needs(self) -> str:
        """``"probability"``, ``"label"`` or ``"value"``: what the metric looks at."""
        ...

    @property
    def builtin(self) -> bool:
        """Whether it is our or scikit-learn's code; user code runs only in workers."""
        ...

    def loss(self, y: Array, prediction: Array, weights: Array | None = None) -> float:
        """Return the loss of predictions; NaN where it is not defined (for example one class only)."""
        ...
