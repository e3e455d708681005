"""Gaussian processes, for small tables only."""

from __future__ import annotations

from automl.space.component import Choice, Component, Cost, Flag, Float, Role

__all__ = ["COMPONENTS"]

_KERNEL = (
    Choice("kernel", ("matern", "rational_quadratic"), "matern"),
    Choice("smoothness", (0.5, 1.5, 2.5), 2.5, when=("kernel", ("matern",))),
    Float("length_scale", 0.3, 10.0, 3.0, log=True),
)

COMPONENTS = (
    Component(
        name="gaussian_process",
        role=Role.MODEL,
        target="automl.pipeline.models:gaussian_process_regressor",
        family="gaussian",
        hyperparameters=(
            *_KERNEL,
            Float("noise", 1e-4, 1.0, 0.1, log=True),
            Flag("linear_trend", False),
        ),
        tasks=frozenset({"regression"}),
        bounded=True,
        max_rows=2_000,
        max_columns=200,
        share=0.5,
        cost=Cost(5.0, rows=2.0, columns=0.3),
    ),
    Component(
        name="gaussian_process_binary",
        role=Role.MODEL,
        target="automl.pipeline.models:gaussian_process_classifier",
        family="gaussian",
        hyperparameters=_KERNEL,
        tasks=frozenset({"binary"}),
        max_rows=400,
        max_columns=200,
        share=0.5,
        cost=Cost(4.0, rows=2.7, columns=0.3),
    ),
)
