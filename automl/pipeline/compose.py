"""A Config becomes an unfitted scikit-learn Pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automl.core import Config, Param, SpaceError, Step
from automl.data import Schema
from automl.pipeline.boost import category_frame
from automl.pipeline.columns import Columns, route
from automl.pipeline.parts import make
from automl.pipeline.targets import transformed
from automl.space import Catalog, Component, Facts, Role

__all__ = ["build"]

_MOST_ROUNDS = 5000


def build(config: Config, schema: Schema, facts: Facts, *, catalog: Catalog, seed: int) -> Any:
    """Return the unfitted Pipeline of a configuration.

    Parameters
    ----------
    config : Config
        Steps in any order, at most one of each role; the model is required, hyperparameters left out take the
        defaults of the component.
    schema : Schema
        Columns of the table it will be fitted on.
    facts : Facts
        Sizes of the table; where ``n_rows`` is lower than that of the table, neighbours and quantiles suit fewer rows.
    catalog : Catalog
    seed : int
        ``random_state`` of every part that has one.

    Returns
    -------
    Pipeline
        Steps ``columns``, ``feature`` (if any) and ``model``. Only public library parts. Models that stop early have
        a generous number of rounds, which whoever fits them lowers; a model of a transformed target is the
        ``regressor`` of a TransformedTargetRegressor.
    """
    from sklearn.pipeline import Pipeline

    steps = _by_role(config, catalog)
    model = catalog.get(steps[Role.MODEL].component)
    columns = route(steps, schema, facts, catalog=catalog, model=model, seed=seed)
    parts = [("columns", columns.transformer)]
    feature = steps.get(Role.FEATURE)
    if feature is not None:
        component = catalog.get(feature.component)
        parts.append(("feature", make(component, feature.values, facts, seed)))
    native = _native_codes(model, columns) if feature is None else {}
    if model.category_dtype is not None and feature is None and columns.n_codes > 0:
        parts += category_frame(model.category_dtype, columns.n_codes)
    estimator = _model(model, steps[Role.MODEL], facts, seed, native)
    target = steps.get(Role.TARGET)
    if target is not None and not facts.task.classifies:
        chosen = make(catalog.get(target.component), target.values, facts, seed)
        estimator = transformed(estimator, chosen)
    elif model.scale_target and not facts.task.classifies:
        estimator = transformed(estimator, None)
    return Pipeline([*parts, ("model", estimator)])


def _by_role(config: Config, catalog: Catalog) -> Mapping[Role, Step]:
    steps: dict[Role, Step] = {}
    for step in config.steps:
        role = catalog.get(step.component).role
        if role in steps:
            raise SpaceError(f"a configuration has two steps of role {role}: {config.shape()}; expected at most one")
        steps[role] = step
    if Role.MODEL not in steps:
        raise SpaceError(f"a configuration needs a model as its last step, got {config.shape() or 'no step'!r}")
    return steps


def _native_codes(model: Component, columns: Columns) -> dict[str, Any]:
    if model.category_parameter is None or columns.n_codes == 0:
        return {}
    return {model.category_parameter: list(range(columns.n_codes))}


def _model(component: Component, step: Step, facts: Facts, seed: int, native: Mapping[str, Any]) -> Any:
    more: dict[str, Any] = dict(native)
    if component.rounds is not None:
        more[component.rounds] = _round_limit(component.values(step.values, facts.task).get("learning_rate"))
    return make(component, step.values, facts, seed, **more)


def _round_limit(learning_rate: Param) -> int:
    """Return a number of rounds that early stopping hardly ever reaches."""
    rate = float(learning_rate) if isinstance(learning_rate, int | float) else 0.1
    return int(min(_MOST_ROUNDS, max(500, 200 / rate)))
