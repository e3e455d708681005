"""Boosting libraries that need not be installed: XGBoost and CatBoost (``pip install automl[boost]``)."""

from __future__ import annotations

from automl.space.component import (
    CLASSIFICATION,
    Choice,
    Component,
    Cost,
    Float,
    Int,
    Preparation,
    Role,
)

__all__ = ["COMPONENTS"]

COMPONENTS = (
    Component(
        name="xgboost",
        role=Role.MODEL,
        target={
            "classification": "automl.pipeline.boost:xgboost_classifier",
            "regression": "automl.pipeline.boost:xgboost_regressor",
        },
        family="boosting",
        hyperparameters=(
            Float("learning_rate", 0.005, 0.5, 0.08, log=True),
            Choice("grow_policy", ("depthwise", "lossguide"), "depthwise"),
            Int("max_depth", 2, 14, 6, when=("grow_policy", ("depthwise",))),
            Int("max_leaves", 4, 4096, 63, log=True, when=("grow_policy", ("lossguide",))),
            Float("min_child_weight", 1e-3, 100.0, 1.0, log=True),
            Float("subsample", 0.3, 1.0, 0.9),
            Float("colsample_bytree", 0.2, 1.0, 0.9),
            Float("colsample_bylevel", 0.2, 1.0, 1.0),
            Float("colsample_bynode", 0.2, 1.0, 1.0),
            Float("reg_alpha", 1e-4, 100.0, 1e-4, log=True),
            Float("reg_lambda", 1e-4, 150.0, 1.0, log=True),
            Choice("max_bin", (64, 128, 256), 256),
            Int("max_cat_to_onehot", 1, 100, 4, log=True, categories=True),
        ),
        constants={"tree_method": "hist", "enable_categorical": True, "verbosity": 0},
        accepts=frozenset({"missing", "sparse"}),
        weights=True,
        scale_target=True,  # labels are kept in single precision, and the L1 penalty is in their unit
        preparation=Preparation.NATIVE,
        rounds="n_estimators",
        stopping="xgboost",
        category_dtype="category",
        quantile_parameter="quantile_alpha",
        quantile_constants={"objective": "reg:quantileerror"},
        needs="xgboost",
        share=2.0,
        cost=Cost(
            0.3,
            rows=0.5,
            columns=0.8,
            outputs=0.8,
            grows=(("learning_rate", -0.8), ("max_depth", 0.7), ("max_leaves", 0.3)),
        ),
    ),
    Component(
        name="catboost",
        role=Role.MODEL,
        target={
            "classification": "automl.pipeline.boost:catboost_classifier",
            "regression": "automl.pipeline.boost:catboost_regressor",
        },
        family="boosting",
        hyperparameters=(
            Float("learning_rate", 0.005, 0.3, 0.06, log=True),
            Choice("grow_policy", ("SymmetricTree", "Depthwise"), "SymmetricTree"),
            Int("depth", 2, 10, 6),
            Int("min_data_in_leaf", 1, 100, 1, log=True, when=("grow_policy", ("Depthwise",))),
            Float("l2_leaf_reg", 1e-5, 30.0, 3.0, log=True),
            Float("random_strength", 0.0, 5.0, 1.0),
            Choice("bootstrap_type", ("MVS", "Bernoulli", "Bayesian"), "MVS"),
            Float("subsample", 0.4, 1.0, 0.8, when=("bootstrap_type", ("MVS", "Bernoulli"))),
            Float("bagging_temperature", 0.0, 3.0, 1.0, when=("bootstrap_type", ("Bayesian",))),
            Float("colsample_bylevel", 0.3, 1.0, 1.0),
            # The library's own defaults, by task.
            Int("leaf_estimation_iterations", 1, 20, 10, log=True, tasks=("binary",)),
            Int("leaf_estimation_iterations", 1, 20, 1, log=True, tasks=("multiclass", "regression")),
            Choice("max_bin", (32, 64, 128, 254), 254),
            Int("one_hot_max_size", 2, 100, 10, log=True, categories=True),
            Int("max_ctr_complexity", 1, 5, 4, categories=True),
            Float("model_size_reg", 0.05, 2.0, 0.5, log=True, categories=True),
            Choice("auto_class_weights", (None, "Balanced", "SqrtBalanced"), None, tasks=CLASSIFICATION),
        ),
        # Without allow_writing_files=False each fit leaves a folder catboost_info behind.
        constants={"logging_level": "Silent", "allow_writing_files": False, "allow_const_label": True},
        accepts=frozenset({"missing", "sparse"}),
        weights=True,
        scale_target=True,  # labels are kept in single precision
        preparation=Preparation.NATIVE,
        rounds="iterations",
        stopping="catboost",
        category_parameter="cat_features",
        category_dtype="int",
        all_levels=True,
        quantile_parameter="quantile",
        needs="catboost",
        max_columns=5000,
        max_classes=50,
        share=3.0,
        cost=Cost(1.0, rows=0.6, columns=1.0, outputs=1.2, grows=(("learning_rate", -0.7), ("depth", 1.5))),
    ),
)
