"""Trees: which unions and stacks belong to a space, and the space over the hyperparameters of one shape.

A union stands in place of a feature step and has one to three branches, each a sequence of one or two feature steps;
the columns themselves are kept beside them or not. A stack stands before the model and has one to three branches, each
a model, perhaps behind a feature step or a union of its own. So a tree is at most four steps deep.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from automl.core import Array, Config, Param, SpaceError, Step
from automl.space.component import Choice, Component, Flag, Hyperparameter, Int, Preparation, Role
from automl.space.encoding import Layout, declare_shape, shape_config, shape_values
from automl.space.facts import Facts

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

__all__ = ["LONGEST", "Components", "ShapeSpace", "check_branches", "check_widths", "draw_step", "parse_shape"]

LONGEST = 2  # feature steps in one branch
FEW = 1000  # columns; a step that takes so many at most does not stand behind one that makes many


class Components(Protocol):
    """What trees need to know of a :class:`automl.space.Space`."""

    @property
    def facts(self) -> Facts: ...

    @property
    def layout(self) -> Layout: ...

    def component(self, name: str) -> Component: ...

    def options(self, preparation: Preparation, role: Role) -> tuple[Component, ...]: ...

    def tunes(self, component: Component) -> tuple[Hyperparameter, ...]: ...

    def complete(self, config: Config) -> Config: ...

    def check(self, config: Config) -> None: ...


def parse_shape(shape: str) -> Config:
    """Return the configuration without hyperparameters that has this shape.

    Examples
    --------
    >>> from automl.space.trees import parse_shape
    >>> parse_shape("ordinal > stack(pca > knn, ridge) > lightgbm").steps[1].branches[0].shape()
    'pca > knn'
    """
    steps = []
    for part in _split(shape, " > "):
        name, bracket, inner = part.partition("(")
        branches = _split(inner.removesuffix(")"), ", ") if bracket else []
        steps.append(Step(name, (), tuple(parse_shape(branch) for branch in branches)))
    return Config(tuple(steps))


def _split(text: str, separator: str) -> list[str]:
    """Split a text where no bracket is open."""
    parts, depth, start = [], 0, 0
    for position, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and text.startswith(separator, position):
            parts.append(text[start:position])
            start = position + len(separator)
    return [*parts, text[start:]]


def draw_step(space: Components, component: Component, rng: np.random.Generator) -> Step:
    """Return a step of this component with hyperparameters drawn."""
    given = {h.name: _value(h, rng) for h in space.tunes(component)}
    facts = space.facts
    return Step.of(component.name, **component.values(given, facts.task, categories=facts.n_categorical > 0))


def _value(h: Hyperparameter, rng: np.random.Generator) -> Param:
    if isinstance(h, Choice | Flag):
        choices = h.choices if isinstance(h, Choice) else (False, True)
        return choices[int(rng.integers(len(choices)))]
    value = float(np.exp(rng.uniform(np.log(h.low), np.log(h.high))) if h.log else rng.uniform(h.low, h.high))
    value = min(max(float(f"{value:.12g}"), h.low), h.high)
    return round(value) if isinstance(h, Int) else value


def check_widths(space: Components, config: Config) -> None:
    """Raise SpaceError if a step multiplies the columns that another one has multiplied already."""
    _widened(space, config, None)


def _widened(space: Components, config: Config, wide: str | None) -> str | None:
    """Return the name of a step that makes many columns, here or in front, if there is one."""
    for step in config.steps:
        component = space.component(step.component)
        few = component.max_columns is not None and component.max_columns < FEW
        if wide is not None and component.role is Role.FEATURE and (component.widens or few):
            raise SpaceError(f"{component.name!r} cannot stand behind {wide!r}, which makes many columns")
        inside = [_widened(space, branch, wide) for branch in step.branches]
        if component.role is Role.FEATURE:
            wide = component.name if component.widens else next(filter(None, inside), wide)
    return wide


def check_branches(space: Components, step: Step, model: Component) -> None:
    """Raise SpaceError, saying why, unless the branches of a step before this model may stand there."""
    component = space.component(step.component)
    if component.branches is None:
        if step.branches:
            raise SpaceError(f"{component.name!r} takes no branches, got {len(step.branches)}")
        return
    if model.preparation is Preparation.NONE:
        raise SpaceError(f"{component.name!r} cannot stand before {model.name!r}, which looks at no column")
    least, most = component.branches
    if not least <= len(step.branches) <= most:
        raise SpaceError(f"{component.name!r} has {least} to {most} branches, got {len(step.branches)}")
    if len(set(step.branches)) < len(step.branches):
        raise SpaceError(f"two branches of {component.name!r} are the same: {Config.of(step).shape()}")
    for branch in step.branches:
        if component.role is Role.STACK:
            _check_inner(space, component, branch, model)
        else:
            _check_sequence(space, component, branch, model)
    if len(step.branches) == len(step.branches[0].steps) == 1 and step.values.get("keep") is False:
        raise SpaceError(f"a {component.name!r} of one step alone, {step.branches[0].shape()!r}, is that step itself")


def _check_sequence(space: Components, join: Component, branch: Config, model: Component) -> None:
    if not 1 <= len(branch.steps) <= LONGEST:
        raise SpaceError(f"a branch of {join.name!r} has 1 to {LONGEST} steps, got {branch.shape()!r}")
    if len({step.component for step in branch.steps}) < len(branch.steps):
        raise SpaceError(f"a branch of {join.name!r} has one step twice, {branch.shape()!r}")
    for step in branch.steps:
        _check_offered(space, step, model)


def _check_inner(space: Components, join: Component, branch: Config, model: Component) -> None:
    roles = [space.component(step.component).role for step in branch.steps]
    if roles not in ([Role.MODEL], [Role.FEATURE, Role.MODEL]):
        raise SpaceError(
            f"a branch of {join.name!r} is a model, perhaps behind one feature step or union; got {branch.shape()!r}"
        )
    inner = space.component(branch.steps[-1].component)
    if inner.stopping is not None or inner.preparation is Preparation.NONE:
        why = "which stops early" if inner.stopping else "which looks at no column"
        raise SpaceError(f"{inner.name!r}, {why}, cannot stand in a branch of {join.name!r}")
    check_branches(space, branch.steps[-1], inner)
    for step in branch.steps[:-1]:
        if space.component(step.component).branches is None:
            _check_offered(space, step, inner)
        check_branches(space, step, inner)


def _check_offered(space: Components, step: Step, model: Component) -> None:
    component = space.component(step.component)
    if component not in space.options(model.preparation, Role.FEATURE) or step.branches:
        raise SpaceError(f"the step {component.name!r} in a branch is not offered to {model.name!r} on this table")


@dataclass(frozen=True)
class ShapeSpace:
    """The configurations of one shape: what Bayesian optimization needs to tune the leaves of a tree.

    Parameters
    ----------
    space : Space
    shape : str
        Of a complete configuration.

    Examples
    --------
    >>> import numpy as np
    >>> from automl.data import Task
    >>> from automl.space import Facts, build_space, default_catalog
    >>> space = build_space(Facts(Task.REGRESSION, 500, 8, n_numeric=8, min_class_count=500), default_catalog())
    >>> leaves = space.shaped("median > standard > union(pca, spline) > ridge")
    >>> leaves.sample(np.random.default_rng(0)).shape()
    'median > standard > union(pca, spline) > ridge'
    >>> sorted(leaves.configspace)[:3]
    ['ridge:alpha', 'union.0/pca:kept', 'union.0/pca:whiten']
    """

    space: Components
    shape: str

    @cached_property
    def _skeleton(self) -> Config:
        return parse_shape(self.shape)

    @cached_property
    def configspace(self) -> ConfigurationSpace:
        return declare_shape(self.space.layout, self._skeleton)

    def sample(self, rng: np.random.Generator) -> Config:
        """Draw hyperparameters."""
        self.configspace.seed(int(rng.integers(2**31 - 1)))
        return self.from_vector(self.configspace.sample_configuration().get_array())

    def check(self, config: Config) -> None:
        """Raise SpaceError unless the configuration belongs to the space and has this shape."""
        self.space.check(config)
        found = self.space.complete(config).shape()
        if found != self.shape:
            raise SpaceError(f"expected a configuration of shape {self.shape!r}, got {found!r}")

    def to_vector(self, config: Config) -> Array:
        """Return the hyperparameters as ConfigSpace's vector: one number each, NaN where not active."""
        from ConfigSpace import Configuration

        self.check(config)
        values: dict[str, Any] = shape_values(self.space.layout, self.space.complete(config))
        return np.asarray(Configuration(self.configspace, values=values).get_array(), dtype=np.float64)

    def from_vector(self, vector: Array) -> Config:
        """Return the configuration of a vector; SpaceError where its parts do not go together."""
        from ConfigSpace import Configuration

        configuration = Configuration(self.configspace, vector=np.asarray(vector, dtype=np.float64))
        config = self.space.complete(shape_config(self.space.layout, self._skeleton, dict(configuration)))
        self.space.check(config)
        return config
