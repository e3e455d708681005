"""Support vector machines with a kernel."""

from __future__ import annotations

from automl.space.component import CLASSIFICATION, REGRESSION, Choice, Component, Cost, Float, Role

__all__ = ["COMPONENTS"]

COMPONENTS = (
    Component(
        name="svm",
        role=Role.MODEL,
        target={
            "classification": "automl.pipeline.models:support_vector_classifier",
            "regression": "automl.pipeline.models:support_vector_regressor",
        },
        family="kernel",
        hyperparameters=(
            Float("C", 0.05, 200.0, 3.0, log=True),
            Float("gamma_scale", 0.05, 10.0, 1.0, log=True),
            Float("epsilon", 1e-3, 1.0, 0.1, log=True, tasks=REGRESSION),
            Choice("class_weight", (None, "balanced"), None, tasks=CLASSIFICATION),
        ),
        accepts=frozenset({"sparse"}),
        weights=True,
        groups=False,  # its probabilities come from random inner splits
        order=False,
        scale_target=True,
        max_rows=5_000,
        max_classes=20,
        min_class_count=8,
        share=1.0,
        cost=Cost(0.06, rows=1.6, columns=0.8, outputs=0.5),
    ),
)
