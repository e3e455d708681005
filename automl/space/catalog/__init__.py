"""The catalogue: every component the search may use, one declaration each. Importing it imports no model library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from automl.core import SpaceError
from automl.space.catalog import (
    bayes,
    boost,
    boosting,
    crosses,
    discriminant,
    encoders,
    features,
    forest,
    gaussian,
    imputers,
    joins,
    kernel,
    linear,
    neighbors,
    neural,
    rows,
    scalers,
    stochastic,
    targets,
    text,
)
from automl.space.component import Component, Role

__all__ = ["Catalog", "default_catalog"]

_MODULES = (
    bayes,
    boosting,
    boost,
    forest,
    linear,
    stochastic,
    discriminant,
    neural,
    kernel,
    gaussian,
    neighbors,
    rows,
    encoders,
    text,
    imputers,
    scalers,
    crosses,
    features,
    joins,
    targets,
)


class Catalog:
    """Components by name, in order. Immutable.

    Examples
    --------
    >>> from automl.space import default_catalog
    >>> default_catalog().get("lightgbm").family
    'boosting'
    """

    def __init__(self, components: Iterable[Component]) -> None:
        self._components: dict[str, Component] = {}
        for component in components:
            if component.name in self._components:
                raise SpaceError(
                    f"two components are named {component.name!r}; names are unique in a catalogue: rename one"
                )
            self._components[component.name] = component

    def get(self, name: str) -> Component:
        """Return the component of this name; SpaceError if there is none."""
        if name not in self._components:
            raise SpaceError(f"there is no component {name!r}; the catalogue has: {', '.join(self._components)}")
        return self._components[name]

    def __contains__(self, name: object) -> bool:
        return name in self._components

    def __iter__(self) -> Iterator[Component]:
        return iter(self._components.values())

    def __len__(self) -> int:
        return len(self._components)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._components)

    def of(self, role: Role) -> tuple[Component, ...]:
        """Return the components of this role, in order."""
        return tuple(component for component in self if component.role is role)

    def with_components(self, extra: Iterable[Component]) -> Catalog:
        """Return a catalogue with these components added."""
        return Catalog((*self, *extra))


def default_catalog() -> Catalog:
    """Return the catalogue of this release."""
    return Catalog(component for module in _MODULES for component in module.COMPONENTS)
