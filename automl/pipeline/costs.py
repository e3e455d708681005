"""What parts of a fitted ensemble cost: seconds and bytes, where each step that models share counts once."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from automl.pipeline import once
from automl.pipeline.assemble import Leaf

__all__ = ["Cost", "Costs", "measure", "needed_columns"]

_Path = tuple[int, ...]


@dataclass(frozen=True)
class Cost:
    """Seconds of a prediction and MB (10^6 bytes) of a pickle."""

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Costs:
    """Costs of all steps of some leaves, each known by the steps before it and itself."""

    seconds: dict[_Path, float] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)

    def of(self, leaves: Collection[Leaf]) -> Cost:
        """Return what a model of these leaves costs, all of them among those measured."""
        paths = {path for leaf in leaves for path in _paths(leaf)}
        steps = {path[-1] for path in paths}
        return Cost(sum(self.seconds[path] for path in paths), sum(self.sizes[step] for step in steps) / 1e6)


def measure(
    leaves: Sequence[Leaf], X: Any, *, classifies: bool, clock: Callable[[], float] = time.perf_counter
) -> Costs:
    """Predict rows with each leaf, and take the time of every step; the second time counts, the first one also imports.

    Parameters
    ----------
    X : table
        As the model takes it.
    clock : callable
        Seconds.
    """
    costs = Costs()
    made: dict[_Path, Any] = {(): X}
    for leaf in leaves:
        paths = _paths(leaf)
        before: _Path = ()
        for path, (_, step) in zip(paths, leaf.steps, strict=True):
            if path not in costs.seconds:
                last = path == paths[-1]
                run = once.transform if not last else once.predict_proba if classifies else once.predict
                run(step, made[before])
                started = clock()
                made[path] = run(step, made[before])
                costs.seconds[path] = clock() - started
                if path[-1] not in costs.sizes:
                    costs.sizes[path[-1]] = len(pickle.dumps(step, protocol=5))
            before = path
        made.pop(paths[-1])
    return costs


def needed_columns(leaves: Sequence[Leaf], n_columns: int) -> int:
    """Return how many columns of the table these leaves look at."""
    found: set[Any] = set()
    for leaf in leaves:
        first = leaf.steps[0][1]
        if not hasattr(first, "transformers_"):
            return n_columns
        for _, step, columns in first.transformers_:
            if not isinstance(step, str) or step != "drop":
                found.update(columns if isinstance(columns, list | tuple | np.ndarray) else [columns])
    return len(found)


def _paths(leaf: Leaf) -> list[_Path]:
    ids = tuple(id(step) for _, step in leaf.steps)
    return [ids[: end + 1] for end in range(len(ids))]
