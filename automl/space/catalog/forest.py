"""Averaged and single trees; scikit-learn's take missing values as they are."""

from __future__ import annotations

from automl.space.component import (
    CLASSIFICATION,
    REGRESSION,
    Choice,
    Component,
    Cost,
    Flag,
    Float,
    Int,
    Preparation,
    Role,
)

__all__ = ["COMPONENTS"]

_CLASS_CRITERION = Choice("criterion", ("gini", "entropy"), "gini", tasks=CLASSIFICATION)
_CLASS_WEIGHT = Choice("class_weight", (None, "balanced"), None, tasks=CLASSIFICATION)
_GROWS = (("n_estimators", 1.0), ("max_features", 0.8), ("min_samples_leaf", -0.15))
_TREES = Int("n_estimators", 16, 512, 100, log=True)
_LEAVES = Int("max_leaf_nodes", 32, 50_000, 50_000, log=True)
_DECREASE = Float("min_impurity_decrease", 1e-7, 1e-2, 1e-7, log=True, tasks=CLASSIFICATION)

COMPONENTS = (
    Component(
        name="extra_trees",
        role=Role.MODEL,
        target="automl.pipeline.tree_models:extra_trees",
        family="forest",
        hyperparameters=(
            _TREES,
            Float("max_features", 0.05, 1.0, 0.75),
            Int("min_samples_split", 2, 40, 8, log=True),
            Int("min_samples_leaf", 1, 64, 1, log=True),
            _LEAVES,
            _DECREASE,
            Flag("bootstrap", False),
            Float("max_samples", 0.4, 1.0, 1.0, when=("bootstrap", (True,))),
            _CLASS_CRITERION,
            _CLASS_WEIGHT,
        ),
        accepts=frozenset({"missing", "sparse"}),
        weights=True,
        preparation=Preparation.NATIVE,
        max_cells=50_000_000,
        share=2.0,
        cost=Cost(0.15, rows=1.05, columns=0.7, grows=_GROWS),
    ),
    Component(
        name="random_forest",
        role=Role.MODEL,
        target="automl.pipeline.tree_models:random_forest",
        family="forest",
        hyperparameters=(
            _TREES,
            Float("max_features", 0.05, 1.0, 0.5),
            Int("min_samples_split", 2, 40, 2, log=True),
            Int("min_samples_leaf", 1, 64, 2, log=True),
            _LEAVES,
            _DECREASE,
            Flag("bootstrap", True),
            Float("max_samples", 0.4, 1.0, 1.0, when=("bootstrap", (True,))),
            _CLASS_CRITERION,
            _CLASS_WEIGHT,
        ),
        accepts=frozenset({"missing", "sparse"}),
        weights=True,
        preparation=Preparation.NATIVE,
        max_cells=50_000_000,
        share=1.0,
        cost=Cost(0.3, rows=1.1, columns=0.7, grows=_GROWS),
    ),
    Component(
        name="bagging",
        role=Role.MODEL,
        target="automl.pipeline.tree_models:bagged_trees",
        family="forest",
        hyperparameters=(
            Int("n_estimators", 10, 200, 50, log=True),
            Float("max_samples", 0.3, 1.0, 0.8),
            Float("max_features", 0.2, 1.0, 0.7),
            Flag("bootstrap", True),
            Flag("bootstrap_features", False),
            Int("min_samples_leaf", 1, 50, 2, log=True),
        ),
        accepts=frozenset({"missing", "sparse"}),
        weights=True,
        preparation=Preparation.NATIVE,
        max_cells=10_000_000,
        share=0.3,
        cost=Cost(0.25, rows=1.05, columns=0.9, grows=_GROWS),
    ),
    Component(
        name="decision_tree",
        role=Role.MODEL,
        target={
            "classification": "sklearn.tree:DecisionTreeClassifier",
            "regression": "sklearn.tree:DecisionTreeRegressor",
        },
        family="tree",
        hyperparameters=(
            Int("max_depth", 1, 20, 8),
            Int("min_samples_split", 2, 40, 2, log=True),
            Int("min_samples_leaf", 1, 100, 10, log=True),
            Float("max_features", 0.2, 1.0, 1.0),
            _CLASS_CRITERION,
            Float("ccp_alpha", 1e-6, 1e-1, 1e-6, log=True, tasks=CLASSIFICATION),
            Choice("criterion", ("squared_error", "absolute_error"), "squared_error", tasks=REGRESSION),
            _CLASS_WEIGHT,
        ),
        accepts=frozenset({"missing", "sparse"}),
        weights=True,
        preparation=Preparation.NATIVE,
        share=0.2,
        cost=Cost(0.01, rows=1.1, columns=1.0),
    ),
)
