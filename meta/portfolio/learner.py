"""One estimator of a published configuration -> one model of our catalogue and its hyperparameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from automl.space import Component, Facts
from automl.space.component import Float, Int
from meta.portfolio.records import Record, Untranslatable

__all__ = ["Families", "Learner", "hyperparameters", "plain"]

_NEGLIGIBLE = 1e-3  # a penalty of zero may be the lowest value of a logarithmic range that starts here or below


@dataclass(frozen=True)
class Learner:
    """How the parameters of one estimator translate.

    Parameters
    ----------
    component : str
        Name in our catalogue.
    library : mapping
        Our hyperparameters, by our names, with what the library takes where a record says nothing.
    renamed : mapping
        Parameters of the source that have another name here.
    settled : mapping
        Parameters that we do not expose, with the values that mean what we do; any other value is refused.
    dropped : tuple of str
        Parameters that mean nothing here: rounds of what stops early, limits of solvers.
    differences : tuple of str
        In words, what is not the same in spite of equal hyperparameters.
    """

    component: str
    library: Mapping[str, Any]
    renamed: Mapping[str, str] = field(default_factory=dict)
    settled: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()


# Of a family: a record and the facts of a table -> how it translates, and its parameters, those computed from the data
# included.
Families = Mapping[str, Callable[[Record, Facts], tuple[Learner, dict[str, Any]]]]


def plain(learner: Learner) -> Callable[[Record, Facts], tuple[Learner, dict[str, Any]]]:
    """Return the translation of a family whose parameters need no computing."""
    return lambda record, facts: (learner, dict(record.params))


def hyperparameters(learner: Learner, params: Mapping[str, Any], component: Component, facts: Facts) -> dict[str, Any]:
    """Return all hyperparameters that the component has on a table.

    Raises
    ------
    Untranslatable
        The message names the parameter that has no counterpart.
    """
    values = dict(learner.library)
    for name, value in params.items():
        ours = learner.renamed.get(name, name)
        if name in learner.settled:
            if value not in learner.settled[name]:
                raise Untranslatable(f"{learner.component} has no {name}, here {value!r}")
        elif ours in learner.library:
            values[ours] = value
        elif name not in learner.dropped:
            raise Untranslatable(f"{learner.component} has no {name}, here {value!r}")
    return _active(component, values, learner.library, facts)


def _active(
    component: Component, values: Mapping[str, Any], library: Mapping[str, Any], facts: Facts
) -> dict[str, Any]:
    """Return the values that the component has on this table; others must not differ from those of the library."""
    task, categories = str(facts.task), facts.n_categorical > 0
    exist = {h.name: h for h in component.tunes(task, categories=categories)}
    without_effect = {h.name for h in component.tunes(task)} - set(exist)  # they concern categories only
    active = component.values({name: value for name, value in values.items() if name in exist}, task)
    chosen: dict[str, Any] = {}
    for name, value in values.items():
        if name in active and name in exist:
            h = exist[name]
            off = value == 0 and isinstance(h, Float) and h.log and h.low <= _NEGLIGIBLE
            whole = isinstance(h, Int) and isinstance(value, float) and value.is_integer()
            chosen[name] = h.low if off else int(value) if whole else value
        elif name not in without_effect and value != library[name]:
            raise Untranslatable(f"{component.name} has no {name} for {task}, here {value!r}")
    return chosen
