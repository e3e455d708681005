"""Linear models."""

from __future__ import annotations

from automl.space.component import CLASSIFICATION, REGRESSION, Choice, Component, Cost, Flag, Float, Role

__all__ = ["COMPONENTS"]

_CLASS_WEIGHT = Choice("class_weight", (None, "balanced"), None)

COMPONENTS = (
    Component(
        name="logistic",
        role=Role.MODEL,
        target="sklearn.linear_model:LogisticRegression",
        family="linear",
        hyperparameters=(Float("C", 1e-3, 1e3, 1.0, log=True), _CLASS_WEIGHT),
        constants={"max_iter": 300, "n_jobs": None},  # any other value is deprecated
        tasks=frozenset(CLASSIFICATION),
        accepts=frozenset({"sparse"}),
        weights=True,
        share=1.5,
        cost=Cost(0.01, rows=1.0, columns=1.2, outputs=1.0),
    ),
    Component(
        name="ridge",
        role=Role.MODEL,
        target="sklearn.linear_model:Ridge",
        family="linear",
        hyperparameters=(Float("alpha", 1e-3, 1e4, 1.0, log=True),),
        tasks=frozenset(REGRESSION),
        accepts=frozenset({"sparse"}),
        weights=True,
        share=1.5,
        cost=Cost(0.003, rows=1.0, columns=1.5),
    ),
    Component(
        name="ridge_path",
        role=Role.MODEL,
        target="automl.pipeline.models:ridge_path",
        family="linear",
        tasks=frozenset(REGRESSION),
        accepts=frozenset({"sparse"}),
        weights=True,
        groups=False,  # its penalty is chosen by leaving out single rows
        order=False,
        max_columns=5000,
        share=0.5,
        cost=Cost(0.01, rows=1.0, columns=1.5),
    ),
    Component(
        name="elastic_net",
        role=Role.MODEL,
        target={
            "classification": "automl.pipeline.models:elastic_net_classifier",
            "regression": "sklearn.linear_model:ElasticNet",
        },
        family="linear",
        hyperparameters=(
            Float("alpha", 1e-6, 1e-1, 1e-4, log=True, tasks=CLASSIFICATION),
            Float("alpha", 1e-5, 1.0, 1e-2, log=True, tasks=REGRESSION),
            Float("l1_ratio", 0.0, 1.0, 0.5, tasks=CLASSIFICATION),
            Float("l1_ratio", 0.05, 1.0, 0.5, tasks=REGRESSION),
            Choice("class_weight", (None, "balanced"), None, tasks=CLASSIFICATION),
        ),
        accepts=frozenset({"sparse"}),
        weights=True,
        scale_target=True,
        share=1.0,
        cost=Cost(0.03, rows=1.0, columns=1.0, outputs=1.0),
    ),
    Component(
        name="bayesian_ridge",
        role=Role.MODEL,
        target="sklearn.linear_model:BayesianRidge",
        family="linear",
        tasks=frozenset(REGRESSION),
        weights=True,
        scale_target=True,
        max_columns=1000,
        share=0.3,
        cost=Cost(0.01, rows=1.0, columns=1.5),
    ),
    Component(
        name="huber",
        role=Role.MODEL,
        target="sklearn.linear_model:HuberRegressor",
        family="linear",
        hyperparameters=(
            Float("epsilon", 1.05, 3.0, 1.35),
            Float("alpha", 1e-6, 10.0, 1e-4, log=True),
        ),
        constants={"max_iter": 300},
        tasks=frozenset(REGRESSION),
        accepts=frozenset({"sparse"}),
        weights=True,
        scale_target=True,
        max_columns=500,
        share=0.4,
        cost=Cost(0.03, rows=1.0, columns=1.0),
    ),
    Component(
        name="discriminant",
        role=Role.MODEL,
        target="automl.pipeline.models:discriminant",
        family="discriminant",
        hyperparameters=(
            Flag("quadratic", False),
            Float("shrinkage", 0.0, 1.0, 0.1),
        ),
        tasks=frozenset(CLASSIFICATION),
        max_columns=500,
        min_class_count=5,
        share=0.5,
        cost=Cost(0.01, rows=1.0, columns=1.5, outputs=0.5),
    ),
)
