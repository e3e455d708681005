"""Boosting, forests and trees of other sources, in terms of ours."""

from __future__ import annotations

import math
from typing import Any

from automl.space import Facts
from meta.portfolio.learner import Families, Learner
from meta.portfolio.records import Record, Untranslatable

__all__ = ["FAMILIES"]


def _n_features(record: Record, facts: Facts) -> int:
    return facts.width if "one_hot" in str(record.preprocessing.get("encoder")) else facts.code_width


_LIGHTGBM = Learner(
    "lightgbm",
    {
        "learning_rate": 0.1,
        "num_leaves": 31,
        "min_child_samples": 20,
        "colsample_bytree": 1.0,
        "feature_fraction_bynode": 1.0,
        "subsample": 1.0,
        "reg_alpha": 0.0,
        "reg_lambda": 0.0,
        "min_split_gain": 0.0,
        "min_child_weight": 1e-3,
        "extra_trees": False,
        "max_bin": 255,
        "cat_smooth": 10.0,
        "cat_l2": 10.0,
        "max_cat_to_onehot": 4,
        "min_data_per_group": 100,
        "class_weight": None,
    },
    settled={"max_depth": (-1,), "min_data_in_bin": (3,)},
    dropped=("n_estimators", "subsample_freq"),
)


def _lightgbm(record: Record, facts: Facts) -> tuple[Learner, dict[str, Any]]:
    params = dict(record.params)
    if not params.get("subsample_freq"):
        params.pop("subsample", None)  # without a frequency LightGBM takes all rows
    return _LIGHTGBM, params


_XGBOOST = Learner(
    "xgboost",
    {
        "learning_rate": 0.3,
        "grow_policy": "depthwise",
        "max_depth": 6,
        "max_leaves": 0,
        "min_child_weight": 1.0,
        "subsample": 1.0,
        "colsample_bytree": 1.0,
        "colsample_bylevel": 1.0,
        "colsample_bynode": 1.0,
        "reg_alpha": 0.0,
        "reg_lambda": 1.0,
        "max_bin": 256,
        "max_cat_to_onehot": 4,
    },
    settled={"tree_method": ("hist",), "enable_categorical": (True, False)},
    dropped=("n_estimators",),
)


def _xgboost(record: Record, facts: Facts) -> tuple[Learner, dict[str, Any]]:
    params = dict(record.params)
    if params.get("grow_policy") == "lossguide" and params.pop("max_depth", 6) != 0:
        raise Untranslatable("xgboost that grows by leaves has no max_depth")
    return _XGBOOST, params


def _catboost(record: Record, facts: Facts) -> tuple[Learner, dict[str, Any]]:
    if "learning_rate" not in record.params:
        raise Untranslatable("catboost's own rate depends on the table and the rounds")
    bootstrap = "Bayesian" if str(facts.task) == "multiclass" else "MVS"
    library = {
        "learning_rate": 0.03,
        "grow_policy": "SymmetricTree",
        "depth": 6,
        "min_data_in_leaf": 1,
        "l2_leaf_reg": 3.0,
        "random_strength": 1.0,
        "bootstrap_type": "Bernoulli" if "subsample" in record.params and bootstrap == "Bayesian" else bootstrap,
        "subsample": 0.66 if record.params.get("bootstrap_type") == "Bernoulli" else 0.8,
        "bagging_temperature": 1.0,
        "colsample_bylevel": 1.0,
        "leaf_estimation_iterations": 10 if str(facts.task) == "binary" else 1,
        "max_bin": 254,
        "one_hot_max_size": 2,
        "max_ctr_complexity": 4,
        "model_size_reg": 0.5,
        "auto_class_weights": None,
    }
    settled = {
        "boosting_type": ("Plain",),
        "feature_border_type": ("GreedyLogSum",),
        "nan_mode": ("Min",),
        "fold_permutation_block": (1,),
    }
    # boost_from_average only says where the first round begins
    dropped = ("iterations", "boost_from_average")
    return Learner("catboost", library, {"rsm": "colsample_bylevel"}, settled, dropped), dict(record.params)


def _hist(record: Record, facts: Facts) -> tuple[Learner, dict[str, Any]]:
    library = {
        "learning_rate": 0.1,
        "max_leaf_nodes": 31,
        "min_samples_leaf": 20,
        "l2_regularization": 0.0,
        "max_features": 1.0,
        "max_bins": 255,
        "interaction_cst": None,
        "class_weight": None,
    }
    rounds = ("max_iter", "early_stopping", "n_iter_no_change", "validation_fraction", "tol")
    fixed = () if record.params.get("early_stopping") else ("the number of rounds is found by early stopping",)
    return Learner("hist_gradient_boosting", library, {}, {"scoring": ("loss",)}, rounds, fixed), dict(record.params)


def _forest(record: Record, facts: Facts) -> tuple[Learner, dict[str, Any]]:
    classifies, forest = facts.task.classifies, record.family == "random_forest"
    if "n_estimators" in record.data_dependent:
        raise Untranslatable("the number of trees is fitted by the source")
    n_features = _n_features(record, facts)
    params = dict(record.params)
    if "max_features" in record.data_dependent:
        exponent = record.data_dependent["max_features"]["exponent"]
        params["max_features"] = _share(int(n_features**exponent), n_features)
    elif params.get("max_features", "sqrt" if classifies else 1.0) == "sqrt":
        params["max_features"] = _share(math.isqrt(n_features), n_features)
    elif params.get("max_features") == "log2":
        params["max_features"] = _share(int(math.log2(n_features)), n_features)
    if params.get("max_leaf_nodes", 0) is None:
        del params["max_leaf_nodes"]
    library = {
        "n_estimators": 100,
        "max_features": 1.0,
        "min_samples_split": 2,
        "min_samples_leaf": 1,
        "max_leaf_nodes": 50_000,
        "min_impurity_decrease": 0.0,
        "bootstrap": forest,
        "max_samples": 1.0,
        **({"criterion": "gini", "class_weight": None} if classifies else {}),
    }
    settled = {"max_depth": (None,), **({} if classifies else {"criterion": ("squared_error",)})}
    return Learner(record.family, library, settled=settled), params


def _share(count: int, n_features: int) -> float:
    """Return a share of which scikit-learn, cutting off, makes this count."""
    return min(1.0, (max(1, count) + 0.5) / n_features)


def _adaboost(record: Record, facts: Facts) -> tuple[Learner, dict[str, Any]]:
    tree = record.nested_estimator["estimator"]["params"]
    library = {"n_estimators": 50, "learning_rate": 1.0, "max_depth": 1, "loss": "linear"}
    return Learner("adaboost", library), {**record.params, **tree}


def _decision_tree(record: Record, facts: Facts) -> tuple[Learner, dict[str, Any]]:
    params = dict(record.params)
    if "max_depth" in record.data_dependent:
        factor = int(record.data_dependent["max_depth"]["factor"])
        params["max_depth"] = max(1, factor * _n_features(record, facts))
    library = {
        "max_depth": None,
        "min_samples_split": 2,
        "min_samples_leaf": 1,
        "max_features": 1.0,
        "criterion": "gini" if facts.task.classifies else "squared_error",
        "ccp_alpha": 0.0,
        "class_weight": None,
    }
    return Learner("decision_tree", library), params


FAMILIES: Families = {
    "lightgbm": _lightgbm,
    "xgboost": _xgboost,
    "catboost": _catboost,
    "hist_gradient_boosting": _hist,
    "random_forest": _forest,
    "extra_trees": _forest,
    "adaboost": _adaboost,
    "decision_tree": _decision_tree,
}
