"""Discriminants: a normal distribution, or only a centre, for each class."""

from __future__ import annotations

from automl.space.component import CLASSIFICATION, Choice, Component, Cost, Flag, Float, Role

__all__ = ["COMPONENTS"]

_CLASS_WEIGHT = Choice("class_weight", (None, "balanced"), None)

COMPONENTS = (
    Component(
        name="linear_discriminant",
        role=Role.MODEL,
        target="automl.pipeline.linear_models:linear_discriminant",
        family="discriminant",
        hyperparameters=(
            Flag("auto_shrinkage", True),
            Float("shrinkage", 0.0, 1.0, 0.1, when=("auto_shrinkage", (False,))),
            _CLASS_WEIGHT,
        ),
        tasks=frozenset(CLASSIFICATION),
        max_columns=1000,
        min_class_count=5,
        share=0.4,
        cost=Cost(0.01, rows=1.0, columns=1.5, outputs=0.5),
    ),
    Component(
        name="quadratic_discriminant",
        role=Role.MODEL,
        target="automl.pipeline.linear_models:quadratic_discriminant",
        family="discriminant",
        # Covariances of small classes are singular unless shrunk.
        hyperparameters=(Float("shrinkage", 1e-3, 1.0, 0.1, log=True), _CLASS_WEIGHT),
        tasks=frozenset(CLASSIFICATION),
        max_columns=500,
        min_class_count=5,
        share=0.3,
        cost=Cost(0.01, rows=1.0, columns=1.5, outputs=0.5),
    ),
    Component(
        name="shrunken_centroids",
        role=Role.MODEL,
        target="sklearn.neighbors:NearestCentroid",
        family="discriminant",
        hyperparameters=(
            Float("shrink_threshold", 1e-2, 10.0, 0.5, log=True),
            Choice("priors", ("empirical", "uniform"), "empirical"),
        ),
        tasks=frozenset(CLASSIFICATION),
        min_class_count=2,
        max_cells=50_000_000,
        share=0.2,
        cost=Cost(0.002, rows=1.0, columns=1.0),
    ),
)
