"""Gradient boosting: stopped early on a stop set by whoever fits it, so the number of rounds is not searched.

The boosting of scikit-learn's own trees, which has no stop set, is searched with its rounds.
"""

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

_LIGHTGBM = {"classification": "lightgbm:LGBMClassifier", "regression": "lightgbm:LGBMRegressor"}
# col-wise: else LightGBM times both ways at each fit and takes the faster, and the sums differ in the last bit
_LIGHTGBM_CONSTANTS = {"subsample_freq": 1, "verbose": -1, "n_jobs": 1, "force_col_wise": True}
_QUANTILE = {"objective": "quantile"}
_GROWS = (("learning_rate", -0.8), ("num_leaves", 0.5), ("colsample_bytree", 0.5))
_HIST_GROWS = (("learning_rate", -0.8), ("max_leaf_nodes", 0.5), ("max_features", 0.5))
_CLASS_WEIGHT = Choice("class_weight", (None, "balanced"), None, tasks=CLASSIFICATION)
_REG_ALPHA = Float("reg_alpha", 1e-3, 20.0, 1e-3, log=True)
_REG_LAMBDA = Float("reg_lambda", 1e-3, 50.0, 1e-3, log=True)
_SUBSAMPLE = Float("subsample", 0.5, 1.0, 0.9)

_LIGHTGBM_MODELS = (
    Component(
        name="lightgbm",
        role=Role.MODEL,
        target=_LIGHTGBM,
        family="boosting",
        hyperparameters=(
            Float("learning_rate", 0.005, 0.3, 0.05, log=True),
            Int("num_leaves", 4, 512, 31, log=True),
            Int("min_child_samples", 1, 100, 20, log=True),
            Float("colsample_bytree", 0.3, 1.0, 0.9),
            Float("feature_fraction_bynode", 0.3, 1.0, 1.0),
            _SUBSAMPLE,
            _REG_ALPHA,
            _REG_LAMBDA,
            # In units of the loss, so only where the loss has a scale of its own.
            Float("min_split_gain", 1e-6, 1.0, 1e-6, log=True, tasks=CLASSIFICATION),
            Float("min_child_weight", 1e-7, 10.0, 1e-3, log=True, tasks=CLASSIFICATION),
            Flag("extra_trees", False),
            Choice("max_bin", (31, 63, 127, 255, 511), 127),
            Float("cat_smooth", 1e-3, 100.0, 10.0, log=True, categories=True),
            Float("cat_l2", 5e-3, 20.0, 10.0, log=True, categories=True),
            Int("max_cat_to_onehot", 4, 100, 4, log=True, categories=True),
            Int("min_data_per_group", 1, 200, 100, log=True, categories=True),
            _CLASS_WEIGHT,
        ),
        constants=_LIGHTGBM_CONSTANTS,
        accepts=frozenset({"missing", "sparse"}),
        weights=True,
        exact=True,
        preparation=Preparation.NATIVE,
        rounds="n_estimators",
        stopping="lightgbm",
        category_parameter="categorical_column",
        quantile_parameter="alpha",
        quantile_constants=_QUANTILE,
        share=5.0,
        cost=Cost(0.3, rows=0.5, columns=0.8, outputs=0.8, grows=_GROWS),
    ),
    Component(
        name="lightgbm_additive",
        role=Role.MODEL,
        target=_LIGHTGBM,
        family="boosting",
        hyperparameters=(
            Float("learning_rate", 0.005, 0.3, 0.1, log=True),
            Int("num_leaves", 2, 8, 4),
            Int("min_child_samples", 1, 100, 10, log=True),
            Float("colsample_bytree", 0.3, 1.0, 0.7),
            _SUBSAMPLE,
            Float("reg_lambda", 1e-3, 50.0, 0.3, log=True),
            Flag("extra_trees", False),
            Choice("max_bin", (31, 63, 127, 255, 511), 127),
            _CLASS_WEIGHT,
        ),
        constants=_LIGHTGBM_CONSTANTS,
        accepts=frozenset({"missing", "sparse"}),
        weights=True,
        exact=True,
        preparation=Preparation.NATIVE,
        rounds="n_estimators",
        stopping="lightgbm",
        category_parameter="categorical_column",
        quantile_parameter="alpha",
        quantile_constants=_QUANTILE,
        share=2.0,
        cost=Cost(0.3, rows=0.5, columns=0.8, outputs=0.8, grows=_GROWS),
    ),
    Component(
        name="lightgbm_linear",  # a linear model in each leaf
        role=Role.MODEL,
        target=_LIGHTGBM,
        family="boosting",
        hyperparameters=(
            Float("learning_rate", 0.01, 0.3, 0.08, log=True),
            Int("num_leaves", 2, 64, 8, log=True),
            Int("min_child_samples", 5, 100, 20, log=True),
            Float("colsample_bytree", 0.3, 1.0, 0.9),
            _SUBSAMPLE,
            Float("linear_lambda", 1e-3, 100.0, 1.0, log=True),
            Float("reg_lambda", 1e-3, 50.0, 1e-3, log=True),
            Flag("extra_trees", False),
            _CLASS_WEIGHT,
        ),
        constants={**_LIGHTGBM_CONSTANTS, "linear_tree": True, "max_bin": 127},
        accepts=frozenset({"missing"}),
        weights=True,
        preparation=Preparation.NATIVE,
        rounds="n_estimators",
        stopping="lightgbm",
        category_parameter="categorical_column",
        bounded=True,
        max_columns=500,  # the linear models of a leaf take all columns on the way to it
        share=1.0,
        cost=Cost(0.2, rows=0.6, columns=0.8, outputs=0.8, grows=_GROWS),
    ),
    Component(
        name="lightgbm_robust",  # losses that outliers of the target hardly move
        role=Role.MODEL,
        target="lightgbm:LGBMRegressor",
        family="boosting",
        hyperparameters=(
            Choice("objective", ("regression_l1", "huber", "fair"), "huber"),
            Float("learning_rate", 0.01, 0.3, 0.05, log=True),
            Int("num_leaves", 4, 256, 31, log=True),
            Int("min_child_samples", 1, 100, 20, log=True),
            Float("colsample_bytree", 0.3, 1.0, 0.9),
            _SUBSAMPLE,
            _REG_LAMBDA,
            Flag("extra_trees", False),
        ),
        constants={**_LIGHTGBM_CONSTANTS, "max_bin": 127},
        tasks=frozenset(REGRESSION),
        accepts=frozenset({"missing", "sparse"}),
        weights=True,
        scale_target=True,
        exact=True,
        preparation=Preparation.NATIVE,
        rounds="n_estimators",
        stopping="lightgbm",
        category_parameter="categorical_column",
        share=0.7,
        cost=Cost(0.35, rows=0.5, columns=0.8, grows=_GROWS),
    ),
)

COMPONENTS = (
    *_LIGHTGBM_MODELS,
    Component(
        name="hist_gradient_boosting",
        role=Role.MODEL,
        target={
            "classification": "sklearn.ensemble:HistGradientBoostingClassifier",
            "regression": "sklearn.ensemble:HistGradientBoostingRegressor",
        },
        family="boosting",
        hyperparameters=(
            Float("learning_rate", 0.01, 0.65, 0.06, log=True),
            Int("max_leaf_nodes", 3, 1250, 31, log=True),
            Int("min_samples_leaf", 1, 200, 20, log=True),
            Float("l2_regularization", 1e-10, 10.0, 1e-2, log=True),
            Float("max_features", 0.3, 1.0, 0.6),
            Choice("max_bins", (63, 127, 255), 255),
            Choice("interaction_cst", (None, "pairwise"), None),
            _CLASS_WEIGHT,
        ),
        constants={"early_stopping": False},
        accepts=frozenset({"missing"}),
        weights=True,
        exact=True,
        preparation=Preparation.NATIVE,
        rounds="max_iter",
        stopping="hist",
        quantile_parameter="quantile",
        quantile_constants={"loss": "quantile"},
        max_columns=2000,
        max_classes=30,
        category_parameter="categorical_features",
        share=1.0,
        cost=Cost(0.6, rows=0.5, columns=0.8, outputs=0.8, grows=_HIST_GROWS),
    ),
    Component(
        name="gradient_boosting",
        role=Role.MODEL,
        target={
            "classification": "sklearn.ensemble:GradientBoostingClassifier",
            "regression": "sklearn.ensemble:GradientBoostingRegressor",
        },
        family="boosting",
        hyperparameters=(
            Int("n_estimators", 30, 500, 150, log=True),
            Float("learning_rate", 0.01, 0.5, 0.08, log=True),
            Int("max_depth", 1, 8, 3),
            Int("min_samples_leaf", 1, 50, 3, log=True),
            Float("subsample", 0.4, 1.0, 0.8),
            Float("max_features", 0.1, 1.0, 0.5),
            Choice("loss", ("squared_error", "absolute_error", "huber"), "squared_error", tasks=REGRESSION),
        ),
        accepts=frozenset({"sparse"}),
        weights=True,
        preparation=Preparation.NATIVE,
        quantile_parameter="alpha",
        quantile_constants={"loss": "quantile"},
        max_rows=20_000,
        max_cells=1_000_000,
        max_classes=10,
        share=0.4,
        cost=Cost(
            0.3,
            rows=1.0,
            columns=0.9,
            outputs=1.0,
            grows=(("n_estimators", 1.0), ("max_depth", 0.8), ("max_features", 0.8), ("subsample", 0.8)),
        ),
    ),
    Component(
        name="adaboost",
        role=Role.MODEL,
        target="automl.pipeline.tree_models:adaptive_boosting",
        family="boosting",
        hyperparameters=(
            Int("n_estimators", 20, 500, 100, log=True),
            Float("learning_rate", 0.01, 2.0, 0.3, log=True),
            Int("max_depth", 1, 10, 3),
            Choice("loss", ("linear", "square", "exponential"), "linear", tasks=REGRESSION),
        ),
        accepts=frozenset({"sparse"}),
        weights=True,
        preparation=Preparation.NATIVE,
        max_rows=20_000,
        max_cells=1_000_000,
        share=0.3,
        cost=Cost(0.4, rows=0.9, columns=0.9, grows=(("n_estimators", 1.0), ("max_depth", 0.8))),
    ),
)
