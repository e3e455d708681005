"""How long a fold will take: nominal costs of the declarations, corrected by what this run measures."""

from __future__ import annotations

import math

from automl.space import Component, Facts

__all__ = ["CostModel", "nominal_seconds"]

UNMEASURED_SPREAD = 0.9  # standard deviation of log(seconds / predicted) before a model is measured
LEAST_SECONDS = 0.02  # handling, preparation of a tiny table


def nominal_seconds(component: Component, facts: Facts, train_rows: int) -> float:
    """Return the nominal seconds of one fit of a model on this many rows, from its declaration."""
    cost = component.cost
    outputs = max(1, facts.n_classes if facts.n_classes > 2 else 1)
    columns = max(1, facts.n_columns)
    return LEAST_SECONDS + float(
        cost.seconds * (train_rows / 1_000) ** cost.rows * (columns / 10) ** cost.columns * outputs**cost.outputs
    )


class CostModel:
    """Predicts fold seconds per model; in counted runs it is never told anything and stays nominal.

    The logarithm of seconds / nominal is averaged per model (recent values count more). A model not measured yet takes
    the mean of the others: how fast this machine and this table are.
    """

    def __init__(self, nominal: dict[str, float]) -> None:
        self._nominal = nominal
        self._ratios: dict[str, list[float]] = {}

    def observe(self, model: str, seconds: float) -> None:
        """Learn what one fold of a model took; pass the limit for one that was killed at it."""
        ratio = math.log(max(seconds, 1e-3) / self._nominal.get(model, LEAST_SECONDS))
        self._ratios.setdefault(model, []).append(ratio)

    def measured(self, model: str) -> bool:
        return model in self._ratios

    def expected(self, model: str) -> float:
        """Return the expected seconds of a fold."""
        return self._nominal.get(model, LEAST_SECONDS) * math.exp(self._centre(model))

    def high(self, model: str) -> float:
        """Return the 90th percentile of a fold's seconds."""
        return self.expected(model) * math.exp(1.28 * self._spread(model))

    def _centre(self, model: str) -> float:
        recent = self._ratios.get(model, [])[-12:]
        if recent:
            return sum(recent) / len(recent)
        known = [sum(values) / len(values) for name, values in self._ratios.items() if name != "prior"]
        return min(sum(known) / len(known), 1.5) if known else 0.0

    def _spread(self, model: str) -> float:
        recent = self._ratios.get(model, [])[-12:]
        if len(recent) < 2:
            return UNMEASURED_SPREAD if not recent else 0.6
        centre = sum(recent) / len(recent)
        variance = sum((value - centre) ** 2 for value in recent) / (len(recent) - 1)
        return min(1.5, max(0.15, math.sqrt(variance)))
