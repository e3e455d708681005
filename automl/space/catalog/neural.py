"""Multi-layer perceptrons."""

from __future__ import annotations

from automl.space.component import Choice, Component, Cost, Flag, Float, Int, Role

__all__ = ["COMPONENTS"]

_NETWORKS = "automl.pipeline.networks"

COMPONENTS = (
    Component(
        name="mlp",
        role=Role.MODEL,
        target={
            "classification": f"{_NETWORKS}:perceptron_classifier",
            "regression": f"{_NETWORKS}:perceptron_regressor",
        },
        family="neural",
        hyperparameters=(
            Int("width", 16, 800, 128, log=True),
            Int("layers", 1, 5, 2),
            Flag("halving", False),  # each layer has half the units of the one before
            Int("max_iter", 20, 400, 120, log=True),  # epochs of the schedule
            Float("learning_rate_init", 1e-4, 5e-2, 3e-3, log=True),
            Float("alpha", 1e-7, 1.0, 2e-2, log=True),
            Choice("activation", ("relu", "tanh"), "relu"),
            Float("batch_share", 0.01, 0.2, 0.05, log=True),  # of the rows, at most 256 (1024 of many rows)
            Int("seeds", 1, 4, 2),
        ),
        accepts=frozenset({"sparse"}),
        weights=True,
        stopping="network",
        scale_target=True,
        bounded=True,
        max_columns=20_000,
        share=2.0,
        cost=Cost(
            0.35,
            rows=0.95,
            columns=0.25,
            grows=(
                ("width", 1.2),
                ("layers", 0.8),
                ("max_iter", 0.7),
                ("learning_rate_init", -0.3),
                ("batch_share", -0.4),
                ("seeds", 1.0),
            ),
        ),
    ),
)
