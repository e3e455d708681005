"""Steps that join branches: what makes a tree of a sequence. Never drawn at random; genetic search makes them."""

from __future__ import annotations

from automl.space.component import Component, Cost, Flag, Role

__all__ = ["COMPONENTS"]

_MISSING = frozenset({"missing"})

COMPONENTS = (
    Component(
        name="union",
        role=Role.FEATURE,
        target="automl.pipeline.trees:union",
        family="join",
        hyperparameters=(Flag("keep", True),),
        accepts=_MISSING,
        weights=True,
        preparations=frozenset(),  # offered to no sequence
        branches=(1, 3),
        share=0.0,
        cost=Cost(0.001),
    ),
    Component(
        name="stack",
        role=Role.STACK,
        target="automl.pipeline.trees:stack",
        family="join",
        hyperparameters=(Flag("passthrough", True),),
        accepts=_MISSING,
        groups=False,  # its inner folds are drawn at random
        order=False,
        preparations=frozenset(),
        min_rows=50,
        max_rows=100_000,
        max_classes=10,
        min_class_count=10,
        branches=(1, 3),
        share=0.0,
        cost=Cost(0.001),
    ),
)
