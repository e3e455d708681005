"""The smallest parts: calls of public functions, and a component turned into an estimator."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from automl.core import Param, SpaceError
from automl.space import Component, Facts

__all__ = ["apply", "chain", "load_target", "make", "takes"]


def apply(function: Callable[..., Any], **keywords: Any) -> Any:
    """Return a transformer that calls a public function: picklable wherever that function can be imported."""
    from sklearn.preprocessing import FunctionTransformer

    return FunctionTransformer(function, kw_args=keywords or None)


def chain(*steps: tuple[str, Any] | None) -> Any:
    """Return the named steps as a Pipeline, leaving out those that are None; a single step stands alone."""
    from sklearn.pipeline import Pipeline

    present = [step for step in steps if step is not None]
    return present[0][1] if len(present) == 1 else Pipeline(present)


def make(
    component: Component,
    params: Mapping[str, Param],
    facts: Facts,
    seed: int,
    *,
    offered: Mapping[str, Any] | None = None,
    **more: Any,
) -> Any:
    """Call a component's target; see :class:`automl.space.Component` for what it is called with.

    Parameters
    ----------
    params : mapping
        Hyperparameters; those left out take the defaults of the component.
    offered : mapping, optional
        Passed where the signature has these names.
    **more
        Always passed.
    """
    target = load_target(component.path(facts.task.classifies), component.name)
    values = component.values(params, facts.task, categories=facts.n_categorical > 0)
    arguments: dict[str, Any] = {**component.constants, **values, **params, **more}
    accepted = inspect.signature(target).parameters
    known = {"random_state": seed, "n_jobs": 1, "facts": facts, **(offered or {})}
    arguments.update({name: value for name, value in known.items() if name in accepted and name not in arguments})
    return target(**arguments)


def takes(component: Component, facts: Facts, name: str) -> bool:
    """Return whether a component's target has a parameter of this name."""
    return name in inspect.signature(load_target(component.path(facts.task.classifies), component.name)).parameters


def load_target(path: str, name: str) -> Callable[..., Any]:
    """Return what the target of a component names."""
    module, _, attribute = path.partition(":")
    try:
        target: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SpaceError(
            f"the target {path!r} of component {name!r} cannot be imported ({error}); "
            "expected 'package.module:Class' of an installed package"
        ) from error
    return target
