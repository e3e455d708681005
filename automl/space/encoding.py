"""Layout of a space -> ConfigSpace, and configurations both ways.

One hyperparameter ``model``; for each preparation and role ``native:encoder``, ``dense:scaler``, ...; then
``component:parameter``, active while its component is chosen. Every combination is valid, so nothing is forbidden.
Choices are written as JSON, because ConfigSpace compares them as strings.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl.core import Config, Param, Step
from automl.space.component import Choice, Component, Flag, Hyperparameter, Int, Preparation, Role

if TYPE_CHECKING:
    from ConfigSpace import Configuration, ConfigurationSpace

__all__ = [
    "ABSENT",
    "OPTIONAL",
    "PREPARING",
    "Layout",
    "declare",
    "declare_shape",
    "from_config",
    "places",
    "shape_config",
    "shape_values",
    "to_config",
]

ABSENT = "none"
# how often a step is absent at random
OPTIONAL: Mapping[Role, float] = {
    Role.ROWS: 0.5,
    Role.SCALER: 0.1,
    Role.CROSS: 0.75,
    Role.FEATURE: 0.6,
    Role.TARGET: 0.7,
}
PREPARING: Mapping[Preparation, tuple[Role, ...]] = {
    Preparation.NATIVE: (Role.ROWS, Role.ENCODER, Role.TEXT, Role.CROSS, Role.FEATURE, Role.TARGET),
    Preparation.DENSE: tuple(role for role in Role if role not in (Role.STACK, Role.MODEL)),
    Preparation.NONE: (),
}


@dataclass(frozen=True)
class Layout:
    """What may stand where: the models, the options of each step before them, the hyperparameters of each component."""

    models: tuple[Component, ...]
    options: Mapping[tuple[Preparation, Role], tuple[Component, ...]]
    tunes: Mapping[str, tuple[Hyperparameter, ...]]

    def preparation(self, model: str) -> Preparation:
        return next(component.preparation for component in self.models if component.name == model)


def declare(layout: Layout) -> ConfigurationSpace:
    """Return the ConfigSpace of a layout."""
    from ConfigSpace import CategoricalHyperparameter, InCondition

    model = _categorical("model", layout.models, absent=0.0)
    parts: list[Any] = [model]
    chosen: dict[str, list[tuple[CategoricalHyperparameter, str]]] = {c.name: [(model, c.name)] for c in layout.models}
    for preparation, roles in PREPARING.items():
        users = [c.name for c in layout.models if c.preparation is preparation]
        for role in roles:
            options = layout.options[preparation, role]
            if not users or not options:
                continue
            step = _categorical(_step_name(preparation, role), options, absent=OPTIONAL.get(role, 0.0))
            parts += [step, InCondition(step, model, users)]
            for option in options:
                chosen.setdefault(option.name, []).append((step, option.name))
    for name, hyperparameters in layout.tunes.items():
        if name in chosen:
            parts += _params(name, hyperparameters, chosen[name])
    return _space("automl", parts)


def declare_shape(layout: Layout, skeleton: Config) -> ConfigurationSpace:
    """Return the ConfigSpace over the hyperparameters of all components of a configuration."""
    parts = [
        part
        for place, step in places(skeleton)
        for part in _params(step.component, layout.tunes[step.component], None, place)
    ]
    return _space(skeleton.shape(), parts)


def places(config: Config, place: str = "") -> Iterator[tuple[str, Step]]:
    """Yield every step of a tree with the name of its place: empty for a step of the trunk."""
    for step in config.steps:
        yield place, step
        for number, branch in enumerate(step.branches):
            yield from places(branch, _inside(place, step, number))


def shape_values(layout: Layout, config: Config) -> dict[str, Any]:
    """Return the hyperparameters of a complete configuration under their names in the space of its shape."""
    values = {}
    for place, step in places(config):
        known = {h.name: h for h in layout.tunes[step.component]}
        values.update({f"{place}{step.component}:{name}": _encode(known[name], v) for name, v in step.params})
    return values


def shape_config(layout: Layout, skeleton: Config, values: Mapping[str, Any], place: str = "") -> Config:
    """Return the configuration of this shape with these values."""
    steps = []
    for step in skeleton.steps:
        names = {h.name: f"{place}{step.component}:{h.name}" for h in layout.tunes[step.component]}
        params = [
            (h.name, _decode(h, values[names[h.name]])) for h in layout.tunes[step.component] if names[h.name] in values
        ]
        branches = (
            shape_config(layout, branch, values, _inside(place, step, number))
            for number, branch in enumerate(step.branches)
        )
        steps.append(Step(step.component, tuple(params), tuple(branches)))
    return Config(tuple(steps))


def _inside(place: str, step: Step, branch: int) -> str:
    return f"{place}{step.component}.{branch}/"


def to_config(layout: Layout, configuration: Configuration) -> Config:
    """Return a ConfigSpace configuration as a Config."""
    values: Mapping[str, Any] = dict(configuration)
    model = str(values["model"])
    preparation = layout.preparation(model)
    names = [str(values.get(_step_name(preparation, role), ABSENT)) for role in PREPARING[preparation]]
    steps = []
    for name in (*(name for name in names if name != ABSENT), model):
        present = [h for h in layout.tunes[name] if f"{name}:{h.name}" in values]
        steps.append(Step.of(name, **{h.name: _decode(h, values[f"{name}:{h.name}"]) for h in present}))
    return Config(tuple(steps))


def from_config(layout: Layout, declared: ConfigurationSpace, config: Config) -> Configuration:
    """Return a complete Config as a configuration of the declared ConfigSpace."""
    from ConfigSpace import Configuration

    *preparing, model = config.steps
    preparation = layout.preparation(model.component)
    values: dict[str, Any] = {"model": model.component}
    for role in PREPARING[preparation]:
        options = layout.options[preparation, role]
        if options:
            present = {step.component for step in preparing} & {option.name for option in options}
            values[_step_name(preparation, role)] = present.pop() if present else ABSENT
    for step in config.steps:
        known = {h.name: h for h in layout.tunes[step.component]}
        values.update({f"{step.component}:{name}": _encode(known[name], value) for name, value in step.params})
    return Configuration(declared, values=values)


def _step_name(preparation: Preparation, role: str) -> str:
    return f"{preparation}:{role}"


def _categorical(name: str, options: Sequence[Component], *, absent: float) -> Any:
    from ConfigSpace import CategoricalHyperparameter

    names = [option.name for option in options]
    shares = [option.share for option in options]
    if not any(shares):
        shares = [1.0] * len(names)
    default = next(name for name, share in zip(names, shares, strict=True) if share > 0)
    if absent:
        names, shares = [*names, ABSENT], [*shares, sum(shares) * absent / (1 - absent)]
    return CategoricalHyperparameter(name, names, weights=shares, default_value=default)


def _space(name: str, parts: Sequence[Any]) -> ConfigurationSpace:
    """Return the ConfigSpace of hyperparameters and conditions, added at once: each addition sorts all of them anew."""
    from ConfigSpace import ConfigurationSpace

    declared = ConfigurationSpace(name=name)
    declared.add(parts)
    return declared


def _params(
    component: str,
    hyperparameters: Sequence[Hyperparameter],
    parents: Sequence[tuple[Any, str]] | None,
    place: str = "",
) -> list[Any]:
    """Return a component's hyperparameters and their conditions.

    ``parents`` says where it can be chosen, None that it is always there.
    """
    from ConfigSpace import AndConjunction, EqualsCondition, InCondition, OrConjunction

    made: dict[str, Any] = {}
    for hyperparameter in hyperparameters:
        made[hyperparameter.name] = _declared(f"{place}{component}:{hyperparameter.name}", hyperparameter)
    parts = list(made.values())
    siblings = {h.name: h for h in hyperparameters}
    for hyperparameter in hyperparameters:
        child = made[hyperparameter.name]
        conditions: list[Any] = []
        if parents is not None:
            present = [EqualsCondition(child, parent, value) for parent, value in parents]
            conditions.append(present[0] if len(present) == 1 else OrConjunction(*present))
        if hyperparameter.when is not None:
            sibling, values = hyperparameter.when
            encoded = [_encode(siblings[sibling], value) for value in values]
            conditions.append(InCondition(child, made[sibling], encoded))
        if conditions:
            parts.append(conditions[0] if len(conditions) == 1 else AndConjunction(*conditions))
    return parts


def _declared(name: str, hyperparameter: Hyperparameter) -> Any:
    from ConfigSpace import CategoricalHyperparameter, UniformFloatHyperparameter, UniformIntegerHyperparameter

    if isinstance(hyperparameter, Choice | Flag):
        choices = (False, True) if isinstance(hyperparameter, Flag) else hyperparameter.choices
        return CategoricalHyperparameter(
            name, [json.dumps(choice) for choice in choices], default_value=json.dumps(hyperparameter.default)
        )
    kind = UniformIntegerHyperparameter if isinstance(hyperparameter, Int) else UniformFloatHyperparameter
    return kind(
        name, hyperparameter.low, hyperparameter.high, default_value=hyperparameter.default, log=hyperparameter.log
    )


def _encode(hyperparameter: Hyperparameter, value: Param) -> Any:
    return json.dumps(value) if isinstance(hyperparameter, Choice | Flag) else value


def _decode(hyperparameter: Hyperparameter, value: Any) -> Param:
    if isinstance(hyperparameter, Choice | Flag):
        decoded: Param = json.loads(str(value))
        return decoded
    if isinstance(hyperparameter, Int):
        return int(value)
    # exp(log(x)) differs from x in the last digits
    return min(max(float(f"{float(value):.12g}"), hyperparameter.low), hyperparameter.high)
