"""Selection for metrics of labels: with the threshold or multipliers in view that come after it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

import numpy as np

from automl.core import Array, Metric, NoModelError
from automl.ensemble.decision import decide
from automl.ensemble.guard import Choice, select
from automl.ensemble.selection import never
from automl.metrics import as_named, get_metric

__all__ = ["select_decided"]


def select_decided(
    stack: Array,
    y: Array,
    metric: Metric,
    *,
    weights: Array | None = None,
    groups: Array | None = None,
    families: Sequence[Hashable] | None = None,
    size: int = 25,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> Choice:
    """Do what :func:`select` does; for a metric of labels also by log loss, and take the better one once decided.

    By their default labels those members look good that lean to rare classes by themselves. A threshold leans any
    member, so that the best probabilities often give the best labels. Both ensembles are judged with decisions that
    were found on other rows (:func:`decide`). ``loss`` is that of the default labels in either case.
    """
    stop = stop or never
    options = {"weights": weights, "groups": groups, "families": families, "size": size, "seed": seed, "stop": stop}
    choice = select(stack, y, metric, **options)  # type: ignore[arg-type]
    if metric.needs != "label" or len(stack) < 2 or stop():
        return choice
    log_loss = get_metric("log_loss", task="binary" if stack.shape[2] == 2 else "multiclass")
    try:
        other = select(stack, y, log_loss, **options)  # type: ignore[arg-type]
    except NoModelError:
        return choice
    if stop() or np.allclose(choice.weights, other.weights):
        return choice
    named = as_named(metric)
    mixed = [np.tensordot(one.weights, stack, axes=1).astype(np.float64) for one in (choice, other)]
    judged = [decide(y, one, metric, weights=weights, groups=groups, seed=seed, stop=stop)[1] for one in mixed]
    own, by_log_loss = named.losses(y, np.stack(judged), weights)
    if stop() or not by_log_loss < own:
        return choice
    return replace(other, loss=named.loss(y, mixed[1], weights), nested={})
