"""How long a fold will take: nominal costs of the declarations, corrected by what this run measures."""

from __future__ import annotations

import math

from automl.core import Config
from automl.space import Catalog, Component, Facts, Role

__all__ = ["CostModel"]

UNMEASURED_SPREAD = 0.9  # standard deviation of log(seconds / nominal) before a kind of pipeline is measured
LEAST_SECONDS = 0.02  # handling, preparation of a tiny table
FEATURE_FACTOR = 2.0  # a feature step widens or narrows the table; until measured it counts as widening it
RECENT = 12


class CostModel:
    """Predicts the seconds of one fold of a configuration; in counted runs it is never told anything.

    The nominal seconds of the model's declaration, for these rows, columns and hyperparameters, are corrected by the
    mean logarithm of seconds / nominal seen for the same model with the same feature step (recent folds only). What is
    not measured yet takes the correction of the model without feature steps, or else the mean of all: how fast this
    machine is on this table.
    """

    def __init__(self, catalog: Catalog, facts: Facts, train_rows: int) -> None:
        self._catalog = catalog
        self._facts = facts
        self._rows = train_rows
        self._ratios: dict[tuple[str, ...], list[float]] = {}

    def observe(self, config: Config, seconds: float) -> None:
        """Learn what one fold took; pass more than the limit for one that was killed at it."""
        ratio = math.log(max(seconds, 1e-3) / self.nominal(config))
        self._ratios.setdefault(self._key(config), []).append(ratio)

    def nominal(self, config: Config) -> float:
        """Return the seconds that the declarations alone say."""
        model, step = self._catalog.get(config.steps[-1].component), config.steps[-1]
        defaults = {parameter.name: parameter.default for parameter in model.hyperparameters}
        feature = FEATURE_FACTOR if len(self._key(config)) > 1 else 1.0
        return LEAST_SECONDS + feature * self._estimate(model) * model.cost.relative(step.values, defaults)

    def expected(self, config: Config) -> float:
        """Return the expected seconds of a fold."""
        return self.nominal(config) * math.exp(self._centre(self._key(config)))

    def high(self, config: Config) -> float:
        """Return the 90th percentile of a fold's seconds."""
        return self.expected(config) * math.exp(1.28 * self._spread(self._key(config)))

    def _estimate(self, model: Component) -> float:
        facts = self._facts
        outputs = facts.n_classes if facts.n_classes > 2 else 1
        return model.cost.estimate(rows=self._rows, columns=max(1, facts.n_columns), outputs=outputs)

    def _key(self, config: Config) -> tuple[str, ...]:
        """The model, and the feature step before it if there is one."""
        features = [s.component for s in config.steps[:-1] if self._catalog.get(s.component).role is Role.FEATURE]
        return (config.steps[-1].component, *features)

    def _centre(self, key: tuple[str, ...]) -> float:
        for known in (key, key[:1]):
            recent = self._ratios.get(known, [])[-RECENT:]
            if recent:
                return sum(recent) / len(recent)
        others = [sum(values) / len(values) for name, values in self._ratios.items() if name != ("prior",)]
        return min(sum(others) / len(others), 1.5) if others else 0.0

    def _spread(self, key: tuple[str, ...]) -> float:
        recent = self._ratios.get(key, [])[-RECENT:]
        if len(recent) < 2:
            return UNMEASURED_SPREAD if not recent else 0.6
        centre = sum(recent) / len(recent)
        variance = sum((value - centre) ** 2 for value in recent) / (len(recent) - 1)
        return min(1.5, max(0.15, math.sqrt(variance)))
