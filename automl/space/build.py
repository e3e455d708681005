"""The search space of one table: what fits it, how it is drawn, and Config <-> vector."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.core import Array, Config, Param, SettingError, SpaceError, Step
from automl.data import Container
from automl.space.catalog import Catalog
from automl.space.component import Choice, Component, Flag, Hyperparameter, Preparation, Role
from automl.space.encoding import OPTIONAL, PREPARING, Layout, declare, from_config, places, to_config
from automl.space.facts import Facts
from automl.space.trees import ShapeSpace, check_branches, check_widths, parse_shape

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

__all__ = ["Space", "build_space"]


@dataclass(frozen=True)
class Space:
    """The components that suit one table, and the configurations that can be made of them.

    Parameters
    ----------
    active : tuple of Component
        What may stand in a configuration.
    left_out : tuple of (name, reason)
        Components of the catalogue that may not, for ``automl plan``.
    catalog : Catalog
        The catalogue it was made of, the user's components included.
    """

    facts: Facts
    active: tuple[Component, ...]
    left_out: tuple[tuple[str, str], ...]
    catalog: Catalog

    @cached_property
    def models(self) -> tuple[Component, ...]:
        return tuple(component for component in self.active if component.role is Role.MODEL)

    @cached_property
    def _active(self) -> dict[str, Component]:
        return {component.name: component for component in self.active}

    @cached_property
    def layout(self) -> Layout:
        """What may stand where in a sequence, and what of it is tuned."""
        options = {
            (preparation, role): self.options(preparation, role)
            for preparation, roles in PREPARING.items()
            for role in roles
        }
        return Layout(self.models, options, {component.name: self.tunes(component) for component in self.active})

    @cached_property
    def configspace(self) -> ConfigurationSpace:
        """The same space as a ConfigSpace, made on first use."""
        return declare(self.layout)

    def options(self, preparation: Preparation, role: Role) -> tuple[Component, ...]:
        """Return the active components of a role that are offered to models of this preparation."""
        if role not in PREPARING[preparation]:
            return ()
        return tuple(c for c in self.active if c.role is role and preparation in c.preparations)

    def tunes(self, component: Component) -> tuple[Hyperparameter, ...]:
        """Return the hyperparameters of a component that exist for this table."""
        return component.tunes(self.facts.task, categories=self.facts.n_categorical > 0)

    def sample(self, rng: np.random.Generator) -> Config:
        """Draw a sequence: models by their share, steps and values independently."""
        self.configspace.seed(int(rng.integers(2**31 - 1)))
        return to_config(self.layout, self.configspace.sample_configuration())

    def default(self, model: str) -> Config:
        """Return the default configuration of a model."""
        if model not in self._active or self._active[model].role is not Role.MODEL:
            names = ", ".join(component.name for component in self.models)
            raise SpaceError(f"there is no model {model!r} in this space; it has: {names}")
        scalers = self.options(self._active[model].preparation, Role.SCALER)
        return self.complete(Config.of(*(Step.of(scaler.name) for scaler in scalers[:1]), Step.of(model)))

    def complete(self, config: Config) -> Config:
        """Return the configuration in canonical form.

        Steps are in order, branches sorted, required steps and all defaults filled in.
        """
        steps = {self.component(step.component).role: step for step in config.steps}
        if len(steps) < len(config.steps) or Role.MODEL not in steps:
            raise SpaceError(f"expected one model and at most one step of each other role, got {config.shape()!r}")
        model = self._active[steps[Role.MODEL].component]
        for role in PREPARING[model.preparation]:
            options = self.options(model.preparation, role)
            if role not in OPTIONAL and role not in steps and options:
                steps[role] = Step.of(options[0].name)
        return Config(tuple(self._filled(steps[role]) for role in Role if role in steps))

    def check(self, config: Config) -> None:
        """Raise SpaceError, saying why, unless the configuration belongs to this space."""
        config = self.complete(config)
        model = self._active[config.steps[-1].component]
        for step in config.steps:
            component = self._active[step.component]
            offered = component in (model, *self.options(model.preparation, component.role))
            if component.branches is None and not offered:
                raise SpaceError(f"the step {component.name!r} is not offered to {model.name!r} on this table")
            check_branches(self, step, model)
        check_widths(self, config)
        for _, step in places(config):
            active = self._values(step)
            known = {h.name: h for h in self.tunes(self._active[step.component]) if h.name in active}
            for name, value in step.params:
                if name not in known:
                    raise SpaceError(
                        f"{step.component!r} has no hyperparameter {name!r} here; it has: {', '.join(known) or 'none'}"
                    )
                _check_value(step.component, known[name], value)

    def to_vector(self, config: Config) -> Array:
        """Return a sequence as ConfigSpace's vector: one number each, NaN where not active.

        Trees have vectors in the space of their shape alone: see :meth:`shaped`.
        """
        if not config.linear:
            raise SpaceError(f"a tree has no vector in the space of sequences: shaped({config.shape()!r}) has one")
        self.check(config)
        configuration = from_config(self.layout, self.configspace, self.complete(config))
        return np.asarray(configuration.get_array(), dtype=np.float64)

    def from_vector(self, vector: Array) -> Config:
        """Return the configuration of a vector that :meth:`to_vector` or the ConfigSpace made."""
        from ConfigSpace import Configuration

        return to_config(self.layout, Configuration(self.configspace, vector=np.asarray(vector, dtype=np.float64)))

    def of(self, shape: str) -> ConfigurationSpace:
        """Return the space over the hyperparameters of one shape, such as ``'ordinal > lightgbm'``."""
        return self.shaped(shape).configspace

    def shaped(self, shape: str) -> ShapeSpace:
        """Return the configurations of one shape, which may be a tree, as a space of their own."""
        for _, step in places(parse_shape(shape)):
            self.component(step.component)
        return ShapeSpace(self, shape)

    def component(self, name: str) -> Component:
        """Return the active component of this name; SpaceError, saying why, if there is none."""
        if name in self._active:
            return self._active[name]
        reasons = dict(self.left_out)
        if name in reasons:
            raise SpaceError(f"the component {name!r} is not in this space: {reasons[name]}")
        raise SpaceError(f"there is no component {name!r}; this space has: {', '.join(self._active)}")

    def _filled(self, step: Step) -> Step:
        """Return the step with the defaults of all its active hyperparameters."""
        branches = (
            Config(tuple(self._filled(s) for s in sorted(branch.steps, key=self._place))) for branch in step.branches
        )
        ordered = sorted(branches, key=lambda branch: (branch.shape(), branch.key()))
        return Step.of(step.component, *ordered, **{**self._values(step), **step.values})

    def _place(self, step: Step) -> int:
        return list(Role).index(self.component(step.component).role)

    def _values(self, step: Step) -> dict[str, Param]:
        component = self._active[step.component]
        return component.values(step.values, self.facts.task, categories=self.facts.n_categorical > 0)


def build_space(
    facts: Facts,
    catalog: Catalog,
    *,
    include: Iterable[str | Component] | None = None,
    exclude: Iterable[str] | None = None,
) -> Space:
    """Return the space of what suits these facts.

    Parameters
    ----------
    include : iterable of str or Component, optional
        Names of components or families; of each role named here, only these stay. A Component joins the catalogue
        and counts as named. The constant model ``prior`` always stays.
    exclude : iterable of str, optional
        Names of components or families that leave.
    """
    wanted = None if include is None else [include] if isinstance(include, str) else list(include)
    catalog = catalog.with_components(item for item in wanted or () if isinstance(item, Component))
    if facts.quantile is not None:
        catalog = Catalog(component.predicting(facts.quantile) for component in catalog)
    included = _names(catalog, wanted, "include") if wanted is not None else None
    excluded = _names(catalog, exclude, "exclude") if exclude is not None else frozenset()
    limited = {c.role for c in catalog if included is not None and c.name in included and c.branches is None}
    active: list[Component] = []
    left_out: list[tuple[str, str]] = []
    for component in catalog:
        if component.name in excluded:
            reason: str | None = "excluded by the user"
        elif (
            component.role in limited and component.name not in {*(included or ()), "prior"} and not component.branches
        ):
            reason = "not among those included by the user"
        else:
            reason = _unsuitable(component, facts)
        if reason is None:
            active.append(component)
        else:
            left_out.append((component.name, reason))
    if not any(component.role is Role.MODEL for component in active):
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out if catalog.get(name).role is Role.MODEL)
        raise SettingError(f"no model is left for this table ({reasons}); include more or exclude less")
    _check_installed(catalog, included or frozenset(), active)
    return Space(facts, tuple(active), tuple(left_out), catalog)


def _check_installed(catalog: Catalog, included: frozenset[str], active: Sequence[Component]) -> None:
    """Refuse a choice of models none of which is installed: the constant that stays is not what was asked for."""
    asked = [c for c in catalog if c.name in included and c.role is Role.MODEL]
    missing = sorted({c.needs for c in asked if c.needs and not _installed(c.needs)})
    if missing and not any(c in active for c in asked):
        packages = ", ".join(missing)
        raise SettingError(
            f"include names models that need {packages}, which is not installed, and no other; install it (XGBoost and "
            "CatBoost: pip install 'automl[boost]') or include more"
        )


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _names(catalog: Catalog, wanted: Iterable[str | Component], setting: str) -> frozenset[str]:
    """Return the names of all components meant by names, families and Components."""
    if isinstance(wanted, str):
        wanted = [wanted]
    families = {component.family for component in catalog if component.family}
    names: set[str] = set()
    for item in wanted:
        if isinstance(item, Component):
            names.add(item.name)
        elif item in catalog:
            names.add(item)
        elif item in families:
            names.update(component.name for component in catalog if component.family == item)
        else:
            raise SettingError(
                f"{setting}={item!r} is neither a component nor a family; families: {', '.join(sorted(families))}; "
                f"components: {', '.join(catalog.names)}"
            )
    return frozenset(names)


def _unsuitable(component: Component, facts: Facts) -> str | None:
    """Return why a component does not suit the facts, or None if it does."""
    if str(facts.task) not in component.tasks:
        return f"not for {facts.task} tasks"
    if facts.n_columns == 0 and component.preparation is not Preparation.NONE:
        return "no usable column"
    if component.role is Role.ENCODER and facts.n_categorical == 0:
        return "no column of categories"
    if component.role is Role.TEXT and facts.n_text == 0:
        return "no column of text"
    if facts.quantile is not None and component.role is Role.MODEL and component.quantile_parameter is None:
        return "predicts no quantiles"
    if component.needs_times and not facts.has_times:
        return "the rows have no times"
    if facts.has_weights and not component.weights:
        return "takes no sample weights"
    if facts.has_groups and not component.groups:
        return "its inner splits would tear groups apart"
    if facts.has_times and not component.order:
        return "its inner splits would mix past and future"
    if facts.container is Container.SPARSE and "sparse" not in component.accepts:
        return "takes no sparse table"
    if component.needs and not _installed(component.needs):
        return f"the package {component.needs} is not installed"
    return _size_reason(component, facts) or _target_reason(component, facts) or _time_reason(component, facts)


def _width(component: Component, facts: Facts) -> int:
    return facts.code_width if component.preparation is Preparation.NATIVE else facts.width


def _size_reason(component: Component, facts: Facts) -> str | None:
    width, numbers = _width(component, facts), facts.n_numeric + facts.n_dates
    for least, size, what in (
        (component.min_rows, facts.n_rows, "rows"),
        (component.min_numeric, numbers, "columns of numbers"),
        (component.min_categorical, facts.n_categorical, "columns of categories"),
        (component.min_high, facts.n_high, "columns of high cardinality"),
    ):
        if least is not None and size < least:
            return f"needs {least} {what}, the table has {size}"
    for limit, size, what in (
        (component.max_rows, facts.n_rows, "rows"),
        (component.max_numeric, numbers, "columns of numbers"),
        (component.max_columns, width, "encoded columns"),
        (component.max_cells, facts.n_rows * width, "cells"),
        (component.max_classes, facts.n_classes, "classes"),
    ):
        if limit is not None and size > limit:
            return f"at most {limit} {what}, the table has {size}"
    if facts.task.classifies and facts.min_class_count < (component.min_class_count or 0):
        return f"needs {component.min_class_count} members of every class, one has {facts.min_class_count}"
    return None


def _target_reason(component: Component, facts: Facts) -> str | None:
    if component.min_target is not None and facts.target_low < component.min_target:
        return f"needs a target of at least {component.min_target:g}, it goes down to {facts.target_low:.4g}"
    if component.min_target_skew is not None and abs(facts.target_skew) < component.min_target_skew:
        return f"needs a target of skewness {component.min_target_skew:g} or more, it has {facts.target_skew:.2f}"
    return None


def _time_reason(component: Component, facts: Facts) -> str | None:
    outputs = facts.n_classes if facts.n_classes > 2 else 1
    nominal = component.cost.estimate(rows=facts.n_rows, columns=_width(component, facts), outputs=outputs)
    # what stops early can be cut short by the clock
    if facts.seconds is not None and nominal > facts.seconds and not component.heeds_clock:
        return f"one fit takes about {nominal:.0f} s, the whole budget is {facts.seconds:.0f} s"
    return None


def _check_value(component: str, hyperparameter: Hyperparameter, value: Any) -> None:
    where = f"{component}:{hyperparameter.name}"
    if isinstance(hyperparameter, Flag):
        if not isinstance(value, bool):
            raise SpaceError(f"{where} is True or False, got {value!r}")
    elif isinstance(hyperparameter, Choice):
        if not any(value == choice and type(value) is type(choice) for choice in hyperparameter.choices):
            raise SpaceError(f"{where} is one of {list(hyperparameter.choices)}, got {value!r}")
    elif (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not hyperparameter.low <= value <= hyperparameter.high
    ):
        raise SpaceError(f"{where} lies in [{hyperparameter.low}, {hyperparameter.high}], got {value!r}")
