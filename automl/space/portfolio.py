"""The start portfolio: an ordered list of configurations known to serve many tables, breadth over families first.

The figures are rounded picks inside published ranges: AutoGluon's zero-shot portfolios of 2023 and 2025, TabRepo and
TabArena search spaces, tuned defaults of pytabkit, auto-sklearn 2 and FLAML.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from automl.core import Config, Param, SpaceError, Step
from automl.space.build import Space
from automl.space.facts import Facts

__all__ = ["start_portfolio"]

TREES = {"encoder": "ordinal"}  # categories as the model takes them best, missing values kept
MEANS = {"encoder": "target"}
QUANTILE = {"encoder": "one_hot", "imputer": "median_indicator", "scaler": "quantile_normal"}
ROBUST = {"encoder": "one_hot", "imputer": "median_indicator", "scaler": "robust_clip"}
STANDARD = {"encoder": "one_hot", "imputer": "median_indicator", "scaler": "standard"}

_Feature = tuple[str, dict[str, Param]]  # component and values


@dataclass(frozen=True)
class _Line:
    """A model with its values, prepared one way, perhaps with a feature step."""

    model: str
    prepared: dict[str, str] = field(default_factory=dict)
    values: dict[str, Param] = field(default_factory=dict)
    feature: _Feature | None = None


def start_portfolio(facts: Facts, space: Space) -> tuple[Config, ...]:
    """Return the configurations to try first, in order; those that the space does not hold are left out.

    The constant model comes first, then one line of each family, then the rest. Short budgets raise the lowest
    learning rates: a line that cannot finish teaches nothing.
    """
    configs: dict[str, Config] = {}
    for line in _lines(facts):
        config = _config(line, facts, space)
        if config is not None:
            configs.setdefault(config.key(), config)
    return tuple(configs.values())


def _config(line: _Line, facts: Facts, space: Space) -> Config | None:
    """Return the line as a complete configuration of the space, or None if the space does not hold it."""
    active = {component.name for component in space.active}
    preparing = [Step.of(name) for role, name in line.prepared.items() if name in active and _needed(role, facts)]
    if line.feature is not None:
        preparing.append(Step.of(line.feature[0], **line.feature[1]))
    values = dict(line.values)
    if facts.n_categorical == 0:
        values = {name: value for name, value in values.items() if not name.startswith("cat_")}
    if "learning_rate" in values:
        values["learning_rate"] = max(float(values["learning_rate"] or 0.0), _lowest_rate(facts))
    try:
        config = space.complete(Config.of(*preparing, Step.of(line.model, **values)))
        space.check(config)
    except SpaceError:
        return None
    return config


def _needed(role: str, facts: Facts) -> bool:
    return role != "encoder" or facts.n_categorical > 0


def _lowest_rate(facts: Facts) -> float:
    if facts.n_rows > 200_000:
        return 0.05
    if facts.seconds is None or facts.seconds < 1200:
        return 0.02
    return 0.012 if facts.seconds < 3600 else 0.008


def _lines(facts: Facts) -> Iterator[_Line]:
    yield from _opening(facts)
    yield from _second(facts)
    yield from _third()


def _boosted(prepared: dict[str, str], rate: float, leaves: int, least: int, columns: float, **more: Param) -> _Line:
    """LightGBM by its four most telling figures: rate, leaves, least rows in a leaf, share of columns for a tree."""
    values: dict[str, Param] = {
        "learning_rate": rate,
        "num_leaves": leaves,
        "min_child_samples": least,
        "colsample_bytree": columns,
    }
    return _Line("lightgbm", prepared, {**values, **more})


def _additive(rate: float, leaves: int, least: int, columns: float, l2: float) -> _Line:
    """LightGBM with trees so small that it is almost a sum over single columns."""
    values = _boosted(TREES, rate, leaves, least, columns, reg_lambda=l2).values
    return _Line("lightgbm_additive", TREES, values)


def _perceptron(prepared: dict[str, str], width: int, layers: int, rate: float, alpha: float, **more: Param) -> _Line:
    values: dict[str, Param] = {"width": width, "layers": layers, "learning_rate_init": rate, "alpha": alpha}
    return _Line("mlp", prepared, {**values, **more})


def _opening(facts: Facts) -> Iterator[_Line]:
    """One line of each family."""
    trees = 100 if facts.n_rows <= 20_000 else 50
    yield _Line("prior")
    yield _boosted(TREES, 0.1 if facts.n_rows > 3000 else 0.05, 31, 20, 0.9, subsample=0.9)
    yield _Line("logistic", QUANTILE, {"C": 1.0})
    yield _Line("ridge_path", QUANTILE)
    yield _Line("extra_trees", TREES, {"n_estimators": trees, "max_features": 0.75, "min_samples_split": 8})
    yield _boosted(MEANS, 0.05, 64, 28, 0.55, subsample=0.95, reg_alpha=0.9, reg_lambda=1.9, extra_trees=True)
    yield _additive(0.1, 4, 10, 0.7, 0.3)
    yield _perceptron(ROBUST, 128, 2, 3e-3, 1e-4)
    yield _Line("random_forest", TREES, {"n_estimators": trees, "max_features": 0.5, "min_samples_leaf": 2})
    yield _Line("svm", ROBUST, {"C": 3.0})
    yield _Line("gaussian_process", ROBUST, {"smoothness": 2.5})
    yield _Line("gaussian_process_binary", ROBUST, {"smoothness": 2.5})


def _second(facts: Facts) -> Iterator[_Line]:
    """Variants of the strong families, and the families that seldom lead but often help an ensemble."""
    kernel: _Feature = ("nystroem", {"n_components": 500 if facts.n_rows < 5000 else 1000})
    spline: _Feature = ("spline", {"n_knots": 5})
    yield _boosted(
        TREES, 0.018, 39, 3, 0.46, subsample=0.88, reg_alpha=0.24, reg_lambda=0.36, extra_trees=True, cat_smooth=15.0
    )
    yield _perceptron(QUANTILE, 256, 2, 1e-3, 1e-3)
    yield _boosted(TREES, 0.012, 84, 3, 0.53, subsample=0.98, reg_lambda=0.84)
    yield _Line("knn", ROBUST, {"n_neighbors": 20, "weights": "distance"})
    yield _Line("logistic", QUANTILE, {"C": 0.05})
    yield _Line("discriminant", QUANTILE, {"shrinkage": 0.1})
    yield _Line("logistic", ROBUST, {"C": 1.0}, kernel)
    yield _Line("ridge_path", ROBUST, {}, kernel)
    yield _boosted(MEANS, 0.03, 8, 15, 0.42, subsample=0.72, reg_alpha=0.11, reg_lambda=0.26, extra_trees=True)
    yield _Line(
        "hist_gradient_boosting", TREES, {"min_samples_leaf": 30, "l2_regularization": 0.01, "max_features": 0.6}
    )
    yield _Line("extra_trees", {"encoder": "one_hot"}, {"max_features": 1.0, "min_samples_leaf": 3})
    yield _boosted(TREES, 0.018, 180, 12, 0.4, subsample=0.95, reg_alpha=0.77, reg_lambda=1.6, extra_trees=True)
    yield _Line("logistic", STANDARD, {"C": 0.1}, spline)
    yield _Line("ridge_path", STANDARD, {}, spline)
    yield _Line("svm", QUANTILE, {"C": 30.0, "gamma_scale": 0.33})
    yield _boosted(TREES, 0.04, 50, 40, 1.0, subsample=0.75)
    yield _Line("elastic_net", QUANTILE, {"l1_ratio": 0.15})


def _third() -> Iterator[_Line]:
    """What longer budgets add."""
    components: _Feature = ("pca", {"kept": 0.95})
    yield _perceptron(ROBUST, 64, 2, 1e-2, 3e-2, activation="tanh")
    yield _boosted(MEANS, 0.04, 16, 1, 0.58, subsample=0.96, reg_alpha=0.94, reg_lambda=1.0)
    yield _additive(0.01, 8, 24, 0.94, 0.3)
    yield _boosted(MEANS, 0.04, 100, 9, 0.62, subsample=0.88, reg_alpha=0.65, reg_lambda=1.7, extra_trees=True)
    yield _Line("random_forest", TREES, {"max_features": 0.75, "min_samples_leaf": 5})
    yield _additive(0.05, 2, 17, 0.59, 0.77)
    yield _Line("naive_bayes", QUANTILE, {"var_smoothing": 1e-3})
    yield _Line("huber", ROBUST)
    yield _perceptron(QUANTILE, 128, 3, 5e-4, 1e-5)
    yield _boosted(TREES, 0.008, 111, 3, 0.95, subsample=0.72, reg_lambda=0.6, cat_smooth=11.0)
    yield _Line("knn", QUANTILE, {"n_neighbors": 8, "weights": "uniform", "p": 1})
    yield _Line("extra_trees", MEANS, {"max_features": 0.5, "min_samples_split": 2})
    yield _Line("discriminant", ROBUST, {"quadratic": True, "shrinkage": 0.1})
    yield _Line("svm", QUANTILE, {"C": 0.5, "gamma_scale": 2.0})
    yield _boosted(TREES, 0.05, 106, 4, 0.93, subsample=0.97, reg_lambda=1.7, extra_trees=True, cat_l2=1.8)
    yield _perceptron(ROBUST, 256, 3, 1e-3, 1e-2)
    yield _Line("logistic", ROBUST, {"C": 10.0}, components)
    yield _Line("knn", ROBUST, {"n_neighbors": 40, "weights": "distance"}, components)
    yield _Line("gaussian_process", QUANTILE, {"smoothness": 1.5, "linear_trend": True})
    yield _Line("bayesian_ridge", STANDARD)
    yield _Line("elastic_net", STANDARD, {"l1_ratio": 0.9})
    yield _Line("decision_tree", TREES)
