"""The page of all components, made of their declarations.

python -m meta.pages.components > examples/components.md
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields

from automl.space import Choice, Component, Flag, Hyperparameter, Int, Role, default_catalog
from automl.space.component import TASKS

__all__ = ["components_page"]

_TITLES = {
    Role.MODEL: "Models",
    Role.ROWS: "Rows and columns to fit on, where rows have times",
    Role.ENCODER: "Encoders of categories",
    Role.IMPUTER: "Imputers",
    Role.SCALER: "Scalers",
    Role.FEATURE: "Feature steps",
    Role.STACK: "Stacks of models",
}
_LIMITED = {
    "rows": "rows",
    "columns": "encoded columns",
    "cells": "cells (rows times encoded columns)",
    "classes": "classes",
    "class_count": "members of every class",
    "numeric": "columns of numbers",
    "categorical": "columns of categories",
    "high": "columns of high cardinality",
    "target": "as the least value of the target",
    "target_skew": "as the absolute skewness of the target",
}
_INTRODUCTION = """# Components

<!-- Made by `python -m meta.pages.components > examples/components.md`. Do not edit. -->

What the search may use: {models} models and {steps} steps before them, with {tuned} hyperparameters. Names and families
are what `include` and `exclude` take. A component leaves the search where the table does not suit it; `automl plan`
tells why. Hyperparameters have the names of the library that the component stands for, wherever that has them.

- input: `native` keeps missing values and gives categories as codes; `dense` is imputed, scaled and encoded.
- stays with: sample weights, groups or time order, where these are given; without the word it leaves the search then.
- nominal seconds: of one fit on 1,000 rows and 10 columns, before anything is measured.
- share: how often it is drawn at random, relative to the others of its role; 0 is never.
- branches: how many it joins; `optimizer="genetic"` makes such trees.
"""


def components_page() -> str:
    """Return the page."""
    catalog = default_catalog()
    tuned = sum(len({h.name for h in component.hyperparameters}) for component in catalog)
    models = len(catalog.of(Role.MODEL))
    parts = [_INTRODUCTION.format(models=models, steps=len(catalog) - models, tuned=tuned)]
    for role in (Role.MODEL, *(role for role in Role if role is not Role.MODEL)):
        components = catalog.of(role)
        if components:
            parts.append(f"## {_TITLES.get(role, str(role).capitalize() + ' steps')}\n")
            parts.extend(_component(component) for component in components)
    return "\n".join(parts)


def _component(component: Component) -> str:
    lines = [f"### {component.name}\n", _sentence(_properties(component))]
    if component.hyperparameters:
        lines.append("| hyperparameter | values | default | only if |\n|---|---|---|---|")
        lines.extend(_row(component, h) for h in component.hyperparameters)
        lines.append("")
    return "\n".join(lines)


def _sentence(properties: Iterable[tuple[str, str]]) -> str:
    return "; ".join(f"{name}: {text}" for name, text in properties if text) + "\n"


def _properties(component: Component) -> Iterator[tuple[str, str]]:
    yield "family", component.family
    yield "tasks", _all_or(TASKS, [task for task in TASKS if task in component.tasks])
    if component.role is Role.MODEL:
        yield "input", str(component.preparation)
    elif component.branches is not None:
        yield "branches", "{} to {}".format(*component.branches)
    else:
        yield "for models of input", ", ".join(sorted(p for p in component.preparations if p != "none"))
    takes = {"missing": "missing values", "sparse": "sparse tables"}
    yield "takes", ", ".join(words for name, words in takes.items() if name in component.accepts)
    kept = {"weights": component.weights, "groups": component.groups, "time order": component.order}
    yield "stays with", ", ".join(name for name, honoured in kept.items() if honoured)
    yield "predicts", "quantiles where the metric is a quantile loss" if component.quantile_parameter else ""
    yield "limits", "; ".join(_limits(component))
    yield "needs the package", component.needs or ""
    yield "nominal seconds", f"{component.cost.seconds:g}" if component.role in (Role.MODEL, Role.FEATURE) else ""
    yield "share", f"{component.share:g}"


def _limits(component: Component) -> Iterator[str]:
    """Yield what the fields min_... and max_... say."""
    for item in fields(component):
        bound, _, what = item.name.partition("_")
        value = getattr(component, item.name)
        if bound in ("min", "max") and value is not None:
            words = "at least" if bound == "min" else "at most"
            yield f"{words} {value:,} {_LIMITED.get(what, what.replace('_', ' '))}"


def _all_or(everything: Iterable[str], some: list[str]) -> str:
    return "all" if some == list(everything) else ", ".join(some)


def _row(component: Component, hyperparameter: Hyperparameter) -> str:
    shared = [task for task in TASKS if task in component.tasks]
    here = [task for task in shared if task in hyperparameter.tasks]
    conditions = [] if here == shared else [", ".join(here)]
    if hyperparameter.when is not None:
        sibling, values = hyperparameter.when
        conditions.append(f"{sibling} is {' or '.join(map(_value, values))}")
    if hyperparameter.categories:
        conditions.append("there are categories")
    cells = (hyperparameter.name, _values(hyperparameter), _value(hyperparameter.default), "; ".join(conditions))
    return f"| {' | '.join(cells)} |"


def _values(hyperparameter: Hyperparameter) -> str:
    if isinstance(hyperparameter, Flag):
        return "True, False"
    if isinstance(hyperparameter, Choice):
        return ", ".join(map(_value, hyperparameter.choices))
    kind = "integer" if isinstance(hyperparameter, Int) else "number"
    scale = ", log scale" if hyperparameter.log else ""
    return f"{kind} from {_value(hyperparameter.low)} to {_value(hyperparameter.high)}{scale}"


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    print(components_page(), end="")
