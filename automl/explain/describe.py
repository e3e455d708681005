"""A configuration in one readable line."""

from __future__ import annotations

from automl.core import Config, Param, Step

__all__ = ["describe"]


def describe(config: Config) -> str:
    """Return a short readable text of a configuration: its steps in order, numbers with four digits.

    Examples
    --------
    >>> from automl.core import Config, Step
    >>> from automl.explain import describe
    >>> describe(Config.of(Step.of("ordinal"), Step.of("lightgbm", num_leaves=31, learning_rate=0.0512345)))
    'ordinal > lightgbm(learning_rate=0.05123, num_leaves=31)'
    """
    return " > ".join(_step(step) for step in config.steps)


def _step(step: Step) -> str:
    inner = [f"[{describe(branch)}]" for branch in step.branches]
    inner += [f"{name}={_value(value)}" for name, value in step.params]
    return f"{step.component}({', '.join(inner)})" if inner else step.component


def _value(value: Param) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
