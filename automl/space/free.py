"""Any ConfigSpace as a space of Configs, so that every optimizer can be used for any objective."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.core import Array, Config, SpaceError, Step

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

__all__ = ["FreeSpace"]

STEP = "objective"


class FreeSpace:
    """The configurations of a ConfigSpace, each a Config of one step whose parameters are its active values.

    Parameters
    ----------
    configspace : ConfigurationSpace

    Examples
    --------
    >>> from ConfigSpace import ConfigurationSpace
    >>> from automl.space import FreeSpace
    >>> space = FreeSpace(ConfigurationSpace({"x": (-5.0, 5.0), "kind": ["a", "b"]}))
    >>> import numpy as np
    >>> config = space.sample(np.random.default_rng(0))
    >>> sorted(space.values(config))
    ['kind', 'x']
    """

    def __init__(self, configspace: ConfigurationSpace) -> None:
        self.configspace = configspace

    def sample(self, rng: np.random.Generator) -> Config:
        """Draw a configuration."""
        self.configspace.seed(int(rng.integers(2**31 - 1)))
        return self._config(self.configspace.sample_configuration())

    def values(self, config: Config) -> dict[str, Any]:
        """Return the active values by name, as ConfigSpace gives them."""
        return dict(self._configuration(config))

    def check(self, config: Config) -> None:
        """Raise SpaceError unless the configuration belongs to this space."""
        self._configuration(config)

    def to_vector(self, config: Config) -> Array:
        """Return ConfigSpace's vector: one number each, NaN where not active."""
        return np.asarray(self._configuration(config).get_array(), dtype=np.float64)

    def from_vector(self, vector: Array) -> Config:
        """Return the configuration of a vector; SpaceError where its combination is forbidden."""
        from ConfigSpace import Configuration

        try:
            configuration = Configuration(self.configspace, vector=np.asarray(vector, dtype=np.float64))
            configuration.check_valid_configuration()
        except Exception as error:  # ConfigSpace has an exception of its own for each reason
            raise SpaceError(f"not a configuration of this space: {error}") from error
        return self._config(configuration)

    def _config(self, configuration: Any) -> Config:
        return Config.of(Step.of(STEP, **{name: _written(value) for name, value in dict(configuration).items()}))

    def _configuration(self, config: Config) -> Any:
        from ConfigSpace import Configuration

        if len(config.steps) != 1 or config.steps[0].component != STEP:
            raise SpaceError(f"expected one step {STEP!r}, got {config.shape()!r}")
        known = dict(self.configspace)
        values = {}
        for name, value in config.steps[0].params:
            if name not in known:
                raise SpaceError(f"there is no hyperparameter {name!r}; this space has: {', '.join(known)}")
            values[name] = _read(known[name], value)
        try:
            return Configuration(self.configspace, values=values)
        except Exception as error:
            raise SpaceError(f"not a configuration of this space: {error}") from error


def _written(value: Any) -> Any:
    """Values that are no plain ones (a tuple among the choices) are written as JSON."""
    plain = value.item() if hasattr(value, "item") else value
    return plain if plain is None or isinstance(plain, bool | int | float | str) else json.dumps(plain)


def _read(part: Any, value: Any) -> Any:
    return next((choice for choice in getattr(part, "choices", ()) if _written(choice) == value), value)
