"""The target of a regression, transformed: for tails that would decide everything."""

from __future__ import annotations

from automl.space.component import REGRESSION, Component, Cost, Float, Preparation, Role

__all__ = ["COMPONENTS"]

_ANY = frozenset({Preparation.NATIVE, Preparation.DENSE})

COMPONENTS = (
    Component(
        name="log_target",
        role=Role.TARGET,
        target="automl.pipeline.targets:log_target",
        family="target_transform",
        hyperparameters=(Float("strength", 0.1, 1000.0, 30.0, log=True),),
        tasks=frozenset(REGRESSION),
        accepts=frozenset({"missing", "sparse"}),
        weights=True,
        preparations=_ANY,
        min_target=0.0,
        min_target_skew=1.0,
        share=2.0,
        cost=Cost(0.001),
    ),
    Component(
        name="quantile_target",
        role=Role.TARGET,
        target="automl.pipeline.targets:quantile_target",
        family="target_transform",
        tasks=frozenset(REGRESSION),
        accepts=frozenset({"missing", "sparse"}),
        weights=True,
        preparations=_ANY,
        min_rows=50,
        min_target_skew=1.0,
        cost=Cost(0.002),
    ),
)
