"""What a model is fitted on, where rows have times: the newest rows above all, and columns that stay the same."""

from __future__ import annotations

from automl.space.component import Component, Cost, Float, Preparation, Role

__all__ = ["COMPONENTS"]

_ANY = frozenset({Preparation.NATIVE, Preparation.DENSE})
_ALL = frozenset({"missing", "sparse"})

COMPONENTS = (
    Component(
        name="recency_weights",
        role=Role.ROWS,
        target="automl.evaluate.recent:recency_weights",
        family="recency",
        hyperparameters=(Float("half_life", 0.05, 1.0, 0.3, log=True),),
        accepts=_ALL,
        weights=True,
        preparations=_ANY,
        needs_times=True,
        cost=Cost(0.001),
    ),
    Component(
        name="recent_rows",
        role=Role.ROWS,
        target="automl.evaluate.recent:recent_rows",
        family="recency",
        hyperparameters=(Float("share", 0.1, 0.9, 0.5),),
        accepts=_ALL,
        weights=True,
        preparations=_ANY,
        needs_times=True,
        min_rows=200,
        cost=Cost(0.001),
    ),
    Component(
        name="stable_columns",
        role=Role.ROWS,
        target="automl.evaluate.recent:stable_columns",
        family="recency",
        hyperparameters=(Float("dropped", 0.05, 0.6, 0.2),),
        accepts=_ALL,
        weights=True,
        preparations=_ANY,
        needs_times=True,
        min_rows=200,
        cost=Cost(0.01),
    ),
)
