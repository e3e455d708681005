"""Config: one candidate pipeline as a value. The one currency between optimizers, portfolio, journal and export."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Config", "Param", "Step"]

Param = bool | int | float | str | None


def _plain(value: Any) -> Param:
    """Turn NumPy scalars into Python ones, so that keys and JSON do not depend on where a value came from."""
    item = getattr(value, "item", None)
    plain = item() if callable(item) else value
    if plain is None or isinstance(plain, (bool, int, float, str)):
        return plain
    raise TypeError(f"a parameter is a bool, int, float, str or None, not {type(value).__name__}: {value!r}")


@dataclass(frozen=True)
class Step:
    """One component with its hyperparameters, and sub-pipelines where it joins several.

    Parameters
    ----------
    component : str
        Name of a Component declaration.
    params : tuple of (name, value)
        Sorted by name. Use :meth:`of` to build one from keywords.
    branches : tuple of Config
        Sub-pipelines of a union or a stack; empty for ordinary steps.
    """

    component: str
    params: tuple[tuple[str, Param], ...] = ()
    branches: tuple[Config, ...] = ()

    def __post_init__(self) -> None:
        ordered = tuple(sorted((str(name), _plain(value)) for name, value in self.params))
        object.__setattr__(self, "params", ordered)

    @classmethod
    def of(cls, component: str, /, *branches: Config, **params: Any) -> Step:
        """Build a step from keywords: ``Step.of("lightgbm", learning_rate=0.1)``."""
        return cls(component, tuple(params.items()), branches)

    @property
    def values(self) -> dict[str, Param]:
        """The hyperparameters as a dictionary."""
        return dict(self.params)

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"component": self.component, "params": self.values}
        if self.branches:
            data["branches"] = [branch.to_json() for branch in self.branches]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Step:
        branches = tuple(Config.from_json(branch) for branch in data.get("branches", ()))
        return cls(data["component"], tuple(data.get("params", {}).items()), branches)


@dataclass(frozen=True)
class Config:
    """A sequence of steps, the last one the model.

    Two configurations are equal exactly when their steps are; :meth:`key` is stable across processes and versions.

    Examples
    --------
    >>> from automl.core import Config, Step
    >>> config = Config((Step.of("ordinal"), Step.of("lightgbm", num_leaves=31)))
    >>> Config.from_json(config.to_json()) == config
    True
    >>> config.shape()
    'ordinal > lightgbm'
    """

    steps: tuple[Step, ...]

    @classmethod
    def of(cls, *steps: Step) -> Config:
        return cls(tuple(steps))

    def key(self) -> str:
        """Return a stable 16-digit hexadecimal hash of the configuration."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def shape(self) -> str:
        """Return the tree of component names without hyperparameters."""
        return " > ".join(
            step.component + (f"({', '.join(b.shape() for b in step.branches)})" if step.branches else "")
            for step in self.steps
        )

    @property
    def linear(self) -> bool:
        """Whether no step has branches."""
        return not any(step.branches for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        return {"steps": [step.to_json() for step in self.steps]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Config:
        return cls(tuple(Step.from_json(step) for step in data["steps"]))
