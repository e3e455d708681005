"""How long a fold will take: nominal costs of the declarations, corrected by what this run measures."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

from automl.core import Config, Step
from automl.pipeline.trees import STACK_FOLDS
from automl.space import Catalog, Component, Facts, Float, Int, Role

__all__ = ["CostModel", "cheaper", "is_cut_short", "kind_of"]

UNMEASURED_SPREAD = 0.9  # standard deviation of log(seconds / nominal) before a kind of pipeline is measured
LEAST_SECONDS = 0.02  # handling, preparation of a tiny table
FEATURE_FACTOR = 2.0  # a feature step widens or narrows the table; until measured it counts as widening it
RECENT = 12
LINEAR_FROM = 100_000  # rows from which on the time of any fit grows at least in proportion
LEAST_WIDE = 100  # columns; where there are more of them than rows, time grows at most in proportion
COUNTS = ("n_estimators", "max_iter")  # hyperparameters that a fit's time is proportional to
FASTEST = 0.12  # learning rate; above it boosting of many classes often diverges
FASTER, SLOWER = -0.7, 1.5  # what others tell about a model not measured yet, in log(seconds / nominal)


class CostModel:
    """Predicts the seconds of one fold of a configuration; in counted runs it is never told anything.

    The nominal seconds of the model's declaration, for these rows, columns and hyperparameters, are corrected by the
    mean logarithm of seconds / nominal seen for the same model with the same feature step (recent folds only). What is
    not measured yet takes the correction of the model without feature steps, or else the mean of all: how fast this
    machine is on this table. Fits on some of the rows are told apart from those on all: ``rows`` of a fit, by default
    all training rows of a fold.

    Parameters
    ----------
    slower : callable, optional
        Factor for the nominal seconds of a sequence, as known from other tables.
    """

    def __init__(
        self, catalog: Catalog, facts: Facts, train_rows: int, slower: Callable[[Config], float] | None = None
    ) -> None:
        self._catalog = catalog
        self._facts = facts
        self._rows = train_rows
        self._slower = None if slower is None else functools.lru_cache(maxsize=10_000)(slower)
        self._ratios: dict[tuple[int, tuple[str, ...]], list[float]] = {}

    def observe(self, config: Config, seconds: float, rows: int | None = None) -> None:
        """Learn what one fold took; pass more than the limit for one that was killed at it."""
        ratio = math.log(max(seconds, 1e-3) / self.nominal(config, rows))
        self._ratios.setdefault((rows or self._rows, self._key(config)), []).append(ratio)

    def nominal(self, config: Config, rows: int | None = None) -> float:
        """Return the seconds that the declarations say, and what is known from other tables."""
        model, step = self._catalog.get(config.steps[-1].component), config.steps[-1]
        defaults = {parameter.name: parameter.default for parameter in model.hyperparameters}
        feature = FEATURE_FACTOR if len(self._key(config)) > 1 else 1.0
        base = self._estimate(model, rows or self._rows)
        stacked = [b for s in config.steps if self._catalog.get(s.component).role is Role.STACK for b in s.branches]
        inner = sum((STACK_FOLDS + 1) * self.nominal(branch, rows) for branch in stacked)
        known = 1.0 if self._slower is None or not config.linear else self._slower(config)
        return LEAST_SECONDS + known * feature * base * model.cost.relative(step.values, defaults) + inner

    def expected(self, config: Config, rows: int | None = None) -> float:
        """Return the expected seconds of a fold."""
        return self.nominal(config, rows) * math.exp(self._centre(rows or self._rows, self._key(config)))

    def high(self, config: Config, rows: int | None = None) -> float:
        """Return the 90th percentile of a fold's seconds."""
        return self.expected(config, rows) * math.exp(1.28 * self._spread(rows or self._rows, self._key(config)))

    def _estimate(self, model: Component, rows: int) -> float:
        facts = self._facts
        outputs = facts.n_classes if facts.n_classes > 2 else 1
        declared, columns = model.cost, max(1, facts.n_columns)
        many, wide = max(1.0, rows / LINEAR_FROM), max(1.0, columns / max(rows, LEAST_WIDE))
        some: float = declared.estimate(rows=min(rows, LINEAR_FROM), columns=round(columns / wide), outputs=outputs)
        return some * float(many ** max(1.0, declared.rows) * wide ** min(1.0, declared.columns))

    def _key(self, config: Config) -> tuple[str, ...]:
        return kind_of(config, self._catalog)

    def _centre(self, rows: int, key: tuple[str, ...]) -> float:
        for known in (key, key[:1]):
            recent = self._ratios.get((rows, known), [])[-RECENT:]
            if recent:
                return sum(recent) / len(recent)
        means = {known: sum(values) / len(values) for known, values in self._ratios.items()}
        others = [mean for (level, name), mean in means.items() if level == rows and name != ("prior",)]
        centre = min(max(sum(others) / len(others), FASTER), SLOWER) if others else 0.0
        # on fewer rows it may have been cheaper than its declaration says, and not so on more
        return max([centre, *(mean for (level, name), mean in means.items() if level < rows and name == key)])

    def _spread(self, rows: int, key: tuple[str, ...]) -> float:
        recent = self._ratios.get((rows, key), [])[-RECENT:]
        if len(recent) < 2:
            return UNMEASURED_SPREAD if not recent else 0.6
        centre = sum(recent) / len(recent)
        variance = sum((value - centre) ** 2 for value in recent) / (len(recent) - 1)
        return min(1.5, max(0.15, math.sqrt(variance)))


def kind_of(config: Config, catalog: Catalog) -> tuple[str, ...]:
    """Return the model, and what makes columns before it if anything does: what costs are told apart by."""
    adding = (Role.FEATURE, Role.CROSS, Role.STACK)
    features = [Config.of(s).shape() for s in config.steps[:-1] if catalog.get(s.component).role in adding]
    return (config.steps[-1].component, *features)


def is_cut_short(config: Config, catalog: Catalog) -> bool:
    """Return whether the clock can end a fit early and leave a model; the models in a stack take what they take."""
    stacked = any(catalog.get(step.component).role is Role.STACK for step in config.steps)
    return catalog.get(config.steps[-1].component).heeds_clock and not stacked


def cheaper(config: Config, model: Component, excess: float) -> Config:
    """Return the configuration with about ``excess`` times less to do: fewer trees or epochs, a faster learning rate.

    The change stays within the declared range; a model that has neither is returned as it is.
    """
    last = config.steps[-1]
    values = last.values
    for parameter in model.hyperparameters:
        value = values.get(parameter.name)
        if isinstance(parameter, Int) and parameter.name in COUNTS and isinstance(value, int):
            values[parameter.name] = max(parameter.low, int(value / excess))
        elif isinstance(parameter, Float) and parameter.name == "learning_rate" and isinstance(value, float):
            values[parameter.name] = max(value, min(parameter.high, FASTEST, value * excess**1.25))
    return Config((*config.steps[:-1], Step(last.component, tuple(values.items()))))
