"""Multi-layer perceptrons."""

from __future__ import annotations

from automl.space.component import Choice, Component, Cost, Float, Int, Role

__all__ = ["COMPONENTS"]

_GROWS = (("max_iter", 0.8), ("width", 1.0), ("layers", 0.8), ("learning_rate_init", -0.3))

COMPONENTS = (
    Component(
        name="mlp",
        role=Role.MODEL,
        target={
            "classification": "automl.pipeline.models:perceptron_classifier",
            "regression": "automl.pipeline.models:perceptron_regressor",
        },
        family="neural",
        hyperparameters=(
            Int("width", 16, 256, 128, log=True),
            Int("layers", 1, 3, 2),
            Int("max_iter", 20, 200, 120, log=True),
            Float("learning_rate_init", 3e-4, 2e-2, 3e-3, log=True),
            Float("alpha", 1e-6, 1.0, 1e-4, log=True),
            Choice("activation", ("relu", "tanh"), "relu"),
        ),
        accepts=frozenset({"sparse"}),
        weights=True,
        scale_target=True,
        max_columns=20_000,
        share=2.0,
        cost=Cost(
            1.0,
            rows=0.7,
            columns=0.3,
            grows=(("max_iter", 0.8), ("width", 1.0), ("layers", 0.8), ("learning_rate_init", -0.3)),
        ),
    ),
)
