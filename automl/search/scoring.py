"""The metrics of a fit: the one that is optimised, and those that are reported beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from automl.core import SettingError
from automl.data import Dataset
from automl.metrics import NamedMetric, get_metric

__all__ = ["resolve_metrics"]


def resolve_metrics(dataset: Dataset, spec: Any, report: Sequence[Any] = ()) -> tuple[NamedMetric, ...]:
    """Return the optimised metric, then those to report, under names that differ.

    What is asked for twice is there once; different metrics of one name (two lambdas) are numbered.

    Raises
    ------
    SettingError
        If one of them does not exist, is for another task, or is not defined on this target.
    """
    found = [(spec, _resolved(dataset, spec))]
    for item in report:
        try:
            metric = _resolved(dataset, item)
        except SettingError as error:
            raise SettingError(f"report: {error}") from error
        if not any(_same((item, metric), other) for other in found):
            found.append((item, _renamed(metric, {other.name for _, other in found})))
    return tuple(metric for _, metric in found)


def _resolved(dataset: Dataset, spec: Any) -> NamedMetric:
    metric = get_metric(
        spec, task=str(dataset.task), classes=dataset.classes, y=np.asarray(dataset.y), weights=dataset.weights
    )
    if metric.builtin and not dataset.task.classifies and not np.isfinite(metric.loss(dataset.y, dataset.y)):
        raise SettingError(
            f"metric {metric.name!r} is not defined on this target (negative values?); choose another one"
        )
    return metric


def _same(one: tuple[Any, NamedMetric], other: tuple[Any, NamedMetric]) -> bool:
    """Whether two specs mean the same: one object, or names of one metric (a scorer's name tells nothing for sure)."""
    if isinstance(one[0], str) and isinstance(other[0], str):
        return one[1].name == other[1].name and one[1].positive == other[1].positive
    return one[0] is other[0]


def _renamed(metric: NamedMetric, taken: set[str]) -> NamedMetric:
    name, number = metric.name, 2
    while name in taken:
        name, number = f"{metric.name}_{number}", number + 1
    return replace(metric, name=name)
