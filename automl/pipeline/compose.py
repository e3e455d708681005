"""A Config becomes an unfitted scikit-learn Pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from automl.core import Config, Param, SpaceError, Step
from automl.data import Schema
from automl.pipeline.boost import category_frame
from automl.pipeline.columns import route
from automl.pipeline.encode import standard
from automl.pipeline.parts import chain, make
from automl.pipeline.targets import bounded_target, in_own_unit, transformed
from automl.space import Catalog, Component, Facts, Preparation, Role

__all__ = ["build"]

_MOST_ROUNDS = 5000


def build(config: Config, schema: Schema, facts: Facts, *, catalog: Catalog, seed: int) -> Any:
    """Return the unfitted Pipeline of a configuration.

    Parameters
    ----------
    config : Config
        Steps in any order, at most one of each role; the model is required, hyperparameters left out take the
        defaults of the component. Branches of a tree are as :class:`automl.space.Space` completes them.
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
        ``regressor`` of a TransformedTargetRegressor, one behind a stack the ``final_estimator`` of that.
    """
    from sklearn.pipeline import Pipeline

    steps = _by_role(config, catalog)
    model = catalog.get(steps[Role.MODEL].component)
    columns = route(steps, schema, facts, catalog=catalog, model=model, seed=seed)
    parts = [("columns", columns.transformer)]
    maker = _Maker(facts, catalog, seed)
    feature, stack = steps.get(Role.FEATURE), steps.get(Role.STACK)
    if feature is not None:
        parts.append(("feature", maker.feature(feature)))
    codes = range(columns.n_codes if feature is None else 0)
    if stack is not None:
        codes = _behind(stack, codes, model, facts)
    if model.category_dtype is not None and codes:
        parts += category_frame(model.category_dtype, len(codes))
    native = {model.category_parameter: list(codes)} if model.category_parameter is not None and codes else {}
    estimator = _model(model, steps[Role.MODEL], facts, seed, native)
    if stack is not None:
        estimator = maker.stacked(stack, model, estimator)
    target = steps.get(Role.TARGET)
    if target is not None and not facts.task.classifies:
        chosen = make(catalog.get(target.component), target.values, facts, seed)
        estimator = transformed(estimator, chosen, afar=facts.target_afar)
    elif not facts.task.classifies:
        estimator = _on_its_scale(model, estimator, facts)
    return Pipeline([*parts, ("model", estimator)])


def _on_its_scale(model: Component, estimator: Any, facts: Facts) -> Any:
    """Return a regressor of the target as the model wants it."""
    if model.bounded:
        return transformed(estimator, bounded_target(in_time=facts.has_times), afar=facts.target_afar)
    if model.scale_target:
        return transformed(estimator, None)
    # a constant is no better for another unit
    return in_own_unit(estimator) if facts.target_afar and model.preparation is not Preparation.NONE else estimator


@dataclass(frozen=True)
class _Maker:
    """Makes the parts of branches."""

    facts: Facts
    catalog: Catalog
    seed: int

    def feature(self, step: Step) -> Any:
        """Return a feature step, or a union of branches."""
        return self._joined(step, parts=[self._sequence(branch.steps) for branch in step.branches])

    def stacked(self, step: Step, outer: Component, final: Any) -> Any:
        """Return the model of a stack's predictions."""
        return self._joined(step, parts=[self._inner(branch, outer) for branch in step.branches], final=final)

    def _inner(self, branch: Config, outer: Component) -> Any:
        """Return a model on what is prepared for the outer one; what that copes with and this not comes first."""
        *before, last = branch.steps
        model = self.catalog.get(last.component)
        estimator = make(model, last.values, self.facts, self.seed)
        if not self.facts.task.classifies:
            estimator = _on_its_scale(model, estimator, self.facts)
        fills = "missing" in outer.accepts and "missing" not in model.accepts
        scales = model.preparation is Preparation.DENSE and outer.preparation is not Preparation.DENSE
        return chain(
            ("impute", _filler()) if fills else None,
            ("scale", standard(self.facts)) if scales else None,
            ("feature", self._sequence(before)) if before else None,
            ("model", estimator),
        )

    def _sequence(self, steps: Iterable[Step]) -> Any:
        return chain(*((f"step{number}", self.feature(step)) for number, step in enumerate(steps, 1)))

    def _joined(self, step: Step, **offered: Any) -> Any:
        return make(self.catalog.get(step.component), step.values, self.facts, self.seed, offered=offered)


def _filler() -> Any:
    from sklearn.impute import SimpleImputer

    return SimpleImputer(strategy="median", keep_empty_features=True)


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


def _behind(stack: Step, codes: range, model: Component, facts: Facts) -> range:
    """Return the positions of category codes behind a stack's predictions, which come first in an array."""
    if stack.values.get("passthrough") is False or model.category_dtype is not None:
        return range(0)
    first = len(stack.branches) * (facts.n_classes if facts.n_classes > 2 else 1)
    return range(first, first + len(codes))


def _model(component: Component, step: Step, facts: Facts, seed: int, native: Mapping[str, Any]) -> Any:
    more: dict[str, Any] = dict(native)
    if component.rounds is not None:
        more[component.rounds] = _round_limit(component.values(step.values, facts.task).get("learning_rate"))
    return make(component, step.values, facts, seed, **more)


def _round_limit(learning_rate: Param) -> int:
    """Return a number of rounds that early stopping hardly ever reaches."""
    rate = float(learning_rate) if isinstance(learning_rate, int | float) else 0.1
    return int(min(_MOST_ROUNDS, max(500, 200 / rate)))
