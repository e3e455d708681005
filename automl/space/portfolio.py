"""The start portfolio: an ordered list of configurations known to serve many tables, breadth over families first.

The figures are rounded picks inside published ranges: AutoGluon's zero-shot portfolios of 2023 and 2025, TabRepo and
TabArena search spaces, tuned defaults of pytabkit, auto-sklearn 2 and FLAML. Which preparation goes with which model,
and what is left out because it helped nowhere, was measured with ``meta/bench/ablations.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from automl.core import Config, Param, SpaceError, Step
from automl.space.build import Space
from automl.space.component import Role
from automl.space.facts import Facts

__all__ = ["start_portfolio"]

_Values = dict[str, Param]
_Part = str | tuple[str, _Values]  # a component, perhaps with values

T0: tuple[_Part, ...] = ("ordinal",)  # categories as trees take them best, missing values kept
T1: tuple[_Part, ...] = ("target",)  # cross-fitted means of the target
PAIRS: tuple[_Part, ...] = ("target", "arithmetic")  # beside them sums, products and ratios of the best numbers
L0: tuple[_Part, ...] = ("one_hot", "median_indicator", "skew_normal")
R0: tuple[_Part, ...] = ("one_hot", "median_indicator", "robust_clip")
Q0: tuple[_Part, ...] = (("one_hot", {"max_categories": 10}), "median_indicator", "quantile_normal")
P0: tuple[_Part, ...] = (*R0, ("pca", {"kept": 0.95}))
STANDARD: tuple[_Part, ...] = ("one_hot", "median_indicator", "standard")

_REPLACEABLE = (Role.ENCODER, Role.TEXT, Role.IMPUTER, Role.SCALER)  # a line makes sense with another of these


@dataclass(frozen=True)
class _Line:
    """A model with its values, and the steps before it."""

    model: str
    prepared: tuple[_Part, ...] = ()
    values: _Values = field(default_factory=dict)


def start_portfolio(facts: Facts, space: Space) -> tuple[Config, ...]:
    """Return the configurations to try first, in order; those that the space does not hold are left out.

    The constant model comes first, then one line of each family, then the rest. Short budgets raise the lowest
    learning rates: a line that cannot finish teaches nothing.
    """
    configs: dict[str, Config] = {}
    opening = [*_opening(facts)]
    if facts.quantile is not None:  # most families leave; those that stay come first, and in more variants
        opening[2:2] = _quantiles()
    if facts.has_times:
        opening[3:3] = _recent()
    for line in (*opening, *_second(facts), *_third()):
        config = _config(line, facts, space)
        if config is not None:
            configs.setdefault(config.key(), config)
    return tuple(configs.values())


def _config(line: _Line, facts: Facts, space: Space) -> Config | None:
    """Return the line as a complete configuration of the space, or None if the space does not hold it."""
    values = dict(line.values)
    if facts.n_categorical == 0:
        values = {name: value for name, value in values.items() if not name.startswith(("cat_", "one_hot_"))}
    if "learning_rate" in values:
        values["learning_rate"] = max(float(values["learning_rate"] or 0.0), _lowest_rate(facts))
    steps = [Step.of(part) if isinstance(part, str) else Step.of(part[0], **part[1]) for part in line.prepared]
    try:
        config = space.complete(Config.of(*(s for s in steps if _stays(s, space)), Step.of(line.model, **values)))
        space.check(config)
    except SpaceError:
        return None
    return config


def _stays(step: Step, space: Space) -> bool:
    """Whether a step belongs in this table's version of a line; what is not offered is replaced by the default."""
    component = space.catalog.get(step.component)
    if component.role is Role.ENCODER and space.facts.n_categorical == 0:
        return False
    return component in space.active or component.role not in _REPLACEABLE


def _lowest_rate(facts: Facts) -> float:
    if facts.n_rows > 200_000:
        return 0.05
    if facts.seconds is None or facts.seconds < 1200:
        return 0.02
    return 0.012 if facts.seconds < 3600 else 0.008


def _boosted(prepared: tuple[_Part, ...], rate: float, leaves: int, least: int, columns: float, **more: Param) -> _Line:
    """LightGBM by its four most telling figures: rate, leaves, least rows in a leaf, share of columns for a tree."""
    values: _Values = {
        "learning_rate": rate,
        "num_leaves": leaves,
        "min_child_samples": least,
        "colsample_bytree": columns,
    }
    return _Line("lightgbm", prepared, {**values, **more})


def _additive(rate: float, leaves: int, least: int, columns: float, l2: float) -> _Line:
    """LightGBM with trees so small that it is almost a sum over single columns."""
    return _Line("lightgbm_additive", T0, {**_boosted(T0, rate, leaves, least, columns).values, "reg_lambda": l2})


def _perceptron(
    prepared: tuple[_Part, ...], width: int, layers: int, rate: float, alpha: float, **more: Param
) -> _Line:
    values: _Values = {"width": width, "layers": layers, "learning_rate_init": rate, "alpha": alpha}
    return _Line("mlp", prepared, {**values, **more})


def _linear(prepared: tuple[_Part, ...], C: float = 1.0) -> Iterator[_Line]:
    """The linear model of each task; a table's space holds one of the two."""
    yield _Line("logistic", prepared, {"C": C})
    yield _Line("ridge_path", prepared)


def _opening(facts: Facts) -> Iterator[_Line]:
    """One line of each family."""
    trees = 100 if facts.n_rows <= 20_000 else 50
    least = min(20, max(3, facts.n_rows // 50))  # leaves of twenty rows say little about a hundred
    extra: _Values = {"subsample": 0.95, "reg_alpha": 0.9, "reg_lambda": 1.9, "extra_trees": True}
    yield _Line("prior")
    yield _boosted(T1, 0.1 if facts.n_rows > 3000 else 0.05, 31, least, 0.9, subsample=0.9)
    yield from _linear(L0)
    yield _boosted((*T0, "log_target"), 0.05, 31, least, 0.7, subsample=0.9)
    yield _Line("extra_trees", T1, {"n_estimators": trees, "max_features": 0.75, "min_samples_split": 8})
    yield _Line("catboost", T0, {"learning_rate": 0.06, "depth": 6})
    yield _perceptron(R0, 128, 2, 3e-3 if facts.task.classifies else 8e-3, 2e-2)
    yield _boosted(PAIRS, 0.05, 31, least, 0.7, subsample=0.9)
    if facts.n_columns > facts.n_rows:
        yield _Line("extra_trees", (*T0, "tree_selection"), {"max_features": 0.75, "min_samples_split": 8})
    yield _boosted(T1, 0.05, 64, 28, 0.55, **extra)
    yield _Line("svm", R0, {"C": 3.0})
    yield _additive(0.1, 4, 10, 0.7, 0.3)
    yield _Line("random_forest", T0, {"n_estimators": trees, "max_features": 0.5, "min_samples_leaf": 2})
    yield _Line("gaussian_process", R0, {"smoothness": 2.5})
    yield _Line("gaussian_process_binary", R0, {"smoothness": 2.5})


def _quantiles() -> Iterator[_Line]:
    """One line of each model that predicts quantiles, small trees and smooth leaves first: tails hold few rows."""
    yield _Line("quantile", L0, {"alpha": 1e-3})
    yield _Line("gradient_boosting", T0, {"learning_rate": 0.05, "max_depth": 3, "min_samples_leaf": 15})
    yield _Line("hist_gradient_boosting", T0, {"learning_rate": 0.05, "max_leaf_nodes": 15, "min_samples_leaf": 30})
    yield _additive(0.05, 6, 30, 0.7, 0.3)
    yield _boosted(T1, 0.04, 12, 40, 0.7, subsample=0.9)
    yield _Line("quantile", (*L0, "spline"), {"alpha": 1e-3})


def _recent() -> Iterator[_Line]:
    """What may help where the newest rows are the most like those to come."""
    yield _boosted(("recency_weights", *T1), 0.05, 31, 20, 0.9, subsample=0.9)
    yield from _linear((("recent_rows", {"share": 0.5}), *L0))
    yield _Line(
        "extra_trees", (("stable_columns", {"dropped": 0.3}), *T0), {"max_features": 0.75, "min_samples_split": 8}
    )
    yield _boosted((("recent_rows", {"share": 0.3}), *T0), 0.05, 31, 10, 0.7, subsample=0.9)


def _crossed(facts: Facts) -> tuple[_Part, ...]:
    """T2: what can be crossed here, beside codes of categories with few levels and means of the others."""
    if facts.n_categorical >= 2:
        return ("ordinal_and_means", "all_crosses" if facts.n_numeric >= 3 else "category_crosses")
    return ("ordinal_and_means", ("arithmetic", {"columns": 12, "kept": 60}))


def _second(facts: Facts) -> Iterator[_Line]:
    """Variants of the strong families, and the families that seldom lead but often help an ensemble."""
    T2 = _crossed(facts)
    kernel: _Part = ("nystroem", {"n_components": 500 if facts.n_rows < 5000 else 1000})
    yield _boosted(
        T0, 0.018, 39, 3, 0.46, subsample=0.88, reg_alpha=0.24, reg_lambda=0.36, extra_trees=True, cat_smooth=15.0
    )
    yield _boosted(T2, 0.02, 64, 28, 0.55, subsample=0.99, reg_alpha=0.9, reg_lambda=1.9, extra_trees=True)
    yield from _linear((*L0, "characters"))
    yield from _linear((*L0, "arithmetic"))
    yield from _linear((*L0, "spline"), 0.1)
    yield _Line("lightgbm_linear", T0, {"learning_rate": 0.08, "num_leaves": 8})
    yield _boosted(T0, 0.012, 84, 3, 0.53, subsample=0.98, reg_lambda=0.84)
    yield _Line("xgboost", T0, {"learning_rate": 0.08, "max_depth": 6, "subsample": 0.65, "colsample_bylevel": 0.9})
    yield _perceptron(STANDARD, 256, 2, 3e-3, 2e-2)
    yield _boosted(
        PAIRS, 0.03, 8, 15, 0.42, subsample=0.72, reg_alpha=0.11, reg_lambda=0.26, extra_trees=True, cat_l2=1.9
    )
    yield _Line("knn", R0, {"n_neighbors": 15, "weights": "distance"})
    yield _Line("catboost", T0, {"learning_rate": 0.08, "depth": 7, "one_hot_max_size": 15})
    yield from _linear((*R0, kernel))
    yield _boosted(T1, 0.04, 16, 1, 0.58, subsample=0.96, reg_alpha=0.94, reg_lambda=1.0)
    yield _boosted((*T0, "characters"), 0.04, 50, 40, 1.0, subsample=0.75)
    yield _Line("hist_gradient_boosting", T0, {"min_samples_leaf": 30, "l2_regularization": 0.01, "max_features": 0.6})
    yield _Line("extra_trees", (*T1, "arithmetic"), {"max_features": 1.0, "min_samples_leaf": 3})
    yield _boosted(T0, 0.018, 180, 12, 0.4, subsample=0.95, reg_alpha=0.77, reg_lambda=1.6, extra_trees=True)
    yield _Line("linear_discriminant", L0, {"auto_shrinkage": False, "shrinkage": 0.1})
    yield _boosted(T0, 0.04, 50, 40, 1.0, subsample=0.75)
    yield _boosted((*T1, "quantile_target"), 0.04, 50, 10, 0.6, subsample=0.8)
    yield _Line("svm", (*R0, "log_target"), {"C": 3.0})
    yield _Line("sgd", L0, {"penalty": "elasticnet", "l1_ratio": 0.15, "alpha": 1e-4})


def _third() -> Iterator[_Line]:
    """What longer budgets add."""
    yield _additive(0.01, 8, 24, 0.94, 0.3)
    yield _perceptron(R0, 64, 2, 1e-2, 3e-2, activation="tanh")
    yield _boosted(T1, 0.04, 128, 9, 0.62, subsample=0.88, reg_alpha=0.65, reg_lambda=1.7, extra_trees=True)
    yield _Line("catboost", T0, {"learning_rate": 0.03, "grow_policy": "Depthwise", "depth": 8, "l2_leaf_reg": 2.8})
    yield _Line("random_forest", T0, {"max_features": 0.75, "min_samples_leaf": 5})
    yield _boosted(PAIRS, 0.035, 64, 1, 0.67, subsample=0.93, reg_lambda=0.72)
    yield _additive(0.05, 2, 17, 0.59, 0.77)
    yield _Line("svm", R0, {"C": 30.0, "gamma_scale": 0.33})
    yield _Line("xgboost", T0, {"learning_rate": 0.018, "max_depth": 10, "min_child_weight": 0.6})
    yield _boosted(T0, 0.008, 111, 3, 0.95, subsample=0.72, reg_lambda=0.6, cat_smooth=11.0)
    yield _perceptron(R0, 256, 3, 1e-3, 1e-2)
    yield _Line("knn", STANDARD, {"n_neighbors": 8, "weights": "uniform", "p": 1})
    yield _Line("quadratic_discriminant", P0, {"shrinkage": 0.1})
    yield _Line("extra_trees", T1, {"max_features": 0.5, "min_samples_split": 2})
    yield _boosted(("ordinal", "rotation"), 0.03, 16, 20, 0.5)
    yield _boosted(T0, 0.05, 106, 4, 0.93, subsample=0.97, reg_lambda=1.7, extra_trees=True, cat_l2=1.8)
    yield _boosted(("ordinal", ("gain_selection", {"max_features": 100})), 0.05, 31, 20, 0.7)
    yield from _linear(P0, 10.0)
    yield _Line("naive_bayes", Q0, {"var_smoothing": 1e-3})
    yield _Line("elastic_net", L0, {"l1_ratio": 0.15})
    yield _Line("gaussian_process", STANDARD, {"smoothness": 1.5, "linear_trend": True})
    yield _Line("huber", R0)
    yield _Line("decision_tree", T0)
