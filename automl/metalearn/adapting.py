"""A configuration known elsewhere, on this table: without steps it has no use for, complete, or refused and why."""

from __future__ import annotations

from automl.core import Config, SpaceError, Step
from automl.space import Role, Space

__all__ = ["adapted"]

_REPLACEABLE = (Role.ENCODER, Role.TEXT, Role.IMPUTER, Role.SCALER)  # here the default of the table takes its place


def adapted(config: Config, space: Space) -> Config | str:
    """Return the configuration as this space spells it, or why the space does not hold it."""
    active = {component.name for component in space.active}
    steps = []
    for step in config.steps:
        if step.component not in space.catalog:
            return f"there is no component {step.component}"
        role = space.catalog.get(step.component).role
        if (role is Role.ENCODER and space.facts.n_categorical == 0) or (role is Role.TEXT and not space.facts.n_text):
            continue
        if role in _REPLACEABLE and step.component not in active:
            continue
        steps.append(_with_known_values(step, space))
    try:
        complete = space.complete(Config.of(*steps))
        space.check(complete)
    except SpaceError as reason:
        return str(reason)
    return complete


def _with_known_values(step: Step, space: Space) -> Step:
    """Leave out hyperparameters that do not exist for this table, such as those of categories."""
    component = space.catalog.get(step.component)
    known = component.values(step.values, str(space.facts.task), categories=space.facts.n_categorical > 0)
    params = tuple((name, value) for name, value in step.params if name in known)
    return Step(step.component, params, step.branches)
