"""Gradient boosting: stopped early on a stop set by whoever fits it, so the number of rounds is not searched."""

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

_LIGHTGBM = {"classification": "lightgbm:LGBMClassifier", "regression": "lightgbm:LGBMRegressor"}
# col-wise: else LightGBM times both ways at each fit and takes the faster, and the sums differ in the last bit
_LIGHTGBM_CONSTANTS = {"subsample_freq": 1, "verbose": -1, "n_jobs": 1, "force_col_wise": True}
_GROWS = (("learning_rate", -0.8), ("num_leaves", 0.5), ("colsample_bytree", 0.5))
_HIST_GROWS = (("learning_rate", -0.8), ("max_leaf_nodes", 0.5), ("max_features", 0.5))
_CLASS_WEIGHT = Choice("class_weight", (None, "balanced"), None, tasks=CLASSIFICATION)

COMPONENTS = (
    Component(
        name="lightgbm",
        role=Role.MODEL,
        target=_LIGHTGBM,
        family="boosting",
        hyperparameters=(
            Float("learning_rate", 0.005, 0.2, 0.05, log=True),
            Int("num_leaves", 4, 200, 31, log=True),
            Int("min_child_samples", 1, 100, 20, log=True),
            Float("colsample_bytree", 0.3, 1.0, 0.9),
            Float("subsample", 0.6, 1.0, 0.9),
            Float("reg_alpha", 0.0, 2.0, 0.0),
            Float("reg_lambda", 0.0, 5.0, 0.0),
            Flag("extra_trees", False),
            Choice("max_bin", (63, 127, 255), 127),
            Float("cat_smooth", 1.0, 100.0, 10.0, log=True, categories=True),
            Float("cat_l2", 0.01, 20.0, 10.0, log=True, categories=True),
            _CLASS_WEIGHT,
        ),
        constants=_LIGHTGBM_CONSTANTS,
        accepts=frozenset({"missing", "sparse"}),
        weights=True,
        preparation=Preparation.NATIVE,
        rounds="n_estimators",
        stopping="lightgbm",
        category_parameter="categorical_column",
        share=5.0,
        cost=Cost(0.3, rows=0.5, columns=0.8, outputs=0.8, grows=_GROWS),
    ),
    Component(
        name="lightgbm_additive",
        role=Role.MODEL,
        target=_LIGHTGBM,
        family="boosting",
        hyperparameters=(
            Float("learning_rate", 0.01, 0.3, 0.1, log=True),
            Int("num_leaves", 2, 8, 4),
            Int("min_child_samples", 1, 60, 10, log=True),
            Float("colsample_bytree", 0.3, 1.0, 0.7),
            Float("subsample", 0.6, 1.0, 0.85),
            Float("reg_lambda", 0.0, 5.0, 0.3),
            Flag("extra_trees", False),
            _CLASS_WEIGHT,
        ),
        constants=_LIGHTGBM_CONSTANTS,
        accepts=frozenset({"missing", "sparse"}),
        weights=True,
        preparation=Preparation.NATIVE,
        rounds="n_estimators",
        stopping="lightgbm",
        category_parameter="categorical_column",
        share=2.0,
        cost=Cost(0.3, rows=0.5, columns=0.8, outputs=0.8, grows=_GROWS),
    ),
    Component(
        name="hist_gradient_boosting",
        role=Role.MODEL,
        target={
            "classification": "sklearn.ensemble:HistGradientBoostingClassifier",
            "regression": "sklearn.ensemble:HistGradientBoostingRegressor",
        },
        family="boosting",
        hyperparameters=(
            Float("learning_rate", 0.01, 0.3, 0.06, log=True),
            Int("max_leaf_nodes", 4, 127, 31, log=True),
            Int("min_samples_leaf", 1, 100, 20, log=True),
            Float("l2_regularization", 1e-6, 10.0, 1e-2, log=True),
            Float("max_features", 0.3, 1.0, 0.6),
            _CLASS_WEIGHT,
        ),
        constants={"early_stopping": False},
        accepts=frozenset({"missing"}),
        weights=True,
        preparation=Preparation.NATIVE,
        rounds="max_iter",
        stopping="hist",
        max_columns=2000,
        max_classes=30,
        category_parameter="categorical_features",
        share=1.0,
        cost=Cost(0.6, rows=0.5, columns=0.8, outputs=0.8, grows=_HIST_GROWS),
    ),
)
