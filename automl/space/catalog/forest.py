"""Averaged and single trees; scikit-learn's take missing values as they are."""

from __future__ import annotations

from automl.space.component import (
    CLASSIFICATION,
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
_TREES = Int("n_estimators", 16, 300, 100, log=True)

COMPONENTS = (
    Component(
        name="extra_trees",
        role=Role.MODEL,
        target={
            "classification": "sklearn.ensemble:ExtraTreesClassifier",
            "regression": "sklearn.ensemble:ExtraTreesRegressor",
        },
        family="forest",
        hyperparameters=(
            _TREES,
            Float("max_features", 0.1, 1.0, 0.75),
            Int("min_samples_split", 2, 40, 8, log=True),
            Int("min_samples_leaf", 1, 20, 1, log=True),
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
        target={
            "classification": "sklearn.ensemble:RandomForestClassifier",
            "regression": "sklearn.ensemble:RandomForestRegressor",
        },
        family="forest",
        hyperparameters=(
            _TREES,
            Float("max_features", 0.1, 1.0, 0.5),
            Int("min_samples_leaf", 1, 20, 2, log=True),
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
        name="decision_tree",
        role=Role.MODEL,
        target={
            "classification": "sklearn.tree:DecisionTreeClassifier",
            "regression": "sklearn.tree:DecisionTreeRegressor",
        },
        family="tree",
        hyperparameters=(
            Int("max_depth", 1, 20, 8),
            Int("min_samples_leaf", 1, 100, 10, log=True),
            Choice("criterion", ("gini", "entropy"), "gini", tasks=CLASSIFICATION),
            _CLASS_WEIGHT,
        ),
        accepts=frozenset({"missing", "sparse"}),
        weights=True,
        preparation=Preparation.NATIVE,
        share=0.3,
        cost=Cost(0.01, rows=1.1, columns=1.0),
    ),
)
