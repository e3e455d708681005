"""What the ablations compare: named configurations (arms), and which arm is set against which."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from automl.core import Config, Param, Step
from automl.space import default_catalog

__all__ = ["ARMS", "EXTRA", "PAIRS", "Arm"]

# what the catalogue does not have, for a comparison
EXTRA = (dataclasses.replace(default_catalog().get("mlp"), name="mlp_by_scikit_learn", stopping=None),)

_Values = dict[str, Param]


@dataclass(frozen=True)
class Arm:
    """One configuration, by component names and values; tables whose space does not hold it are left out."""

    name: str
    model: str
    values: _Values = field(default_factory=dict)
    prepared: tuple[str | tuple[str, _Values], ...] = ()

    def config(self) -> Config:
        steps = [Step.of(part) if isinstance(part, str) else Step.of(part[0], **part[1]) for part in self.prepared]
        return Config.of(*steps, Step.of(self.model, **self.values))


_BOOSTED: _Values = {
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_child_samples": 20,
    "colsample_bytree": 0.7,
    "subsample": 0.9,
}
_TREES: _Values = {"n_estimators": 100, "max_features": 0.75, "min_samples_split": 8}
_L0 = ("one_hot", "median_indicator", "skew_normal")
_R0 = ("one_hot", "median_indicator", "robust_clip")
_Q0 = (("one_hot", {"max_categories": 10}), "median_indicator", "quantile_normal")
_STANDARD = ("one_hot", "median_indicator", "standard")


def _boosted(name: str, *prepared: str | tuple[str, _Values], **more: Param) -> Arm:
    return Arm(name, "lightgbm", {**_BOOSTED, **more}, prepared or ("ordinal",))


def _each(name: str, *prepared: str | tuple[str, _Values]) -> tuple[Arm, Arm]:
    """The linear model of each task; only one of the two is in a table's space."""
    return Arm(name, "logistic", {"C": 1.0}, prepared), Arm(name, "ridge_path", {}, prepared)


ARMS: tuple[Arm, ...] = (
    # boosting: preparation of categories, crosses, modes, targets
    _boosted("lgb T0"),
    _boosted("lgb T1 means", "target"),
    _boosted("lgb T1 codes+means", "ordinal_and_means"),
    _boosted("lgb arithmetic", "ordinal", "arithmetic"),
    _boosted("lgb category crosses", "ordinal", "category_crosses"),
    _boosted("lgb group statistics", "ordinal", "group_statistics"),
    _boosted("lgb T2 all crosses", "ordinal", "all_crosses"),
    _boosted("lgb rotation", "ordinal", "rotation"),
    _boosted("lgb gain selection", "ordinal", "gain_selection"),
    _boosted("lgb extra-trees", extra_trees=True),
    _boosted("lgb balanced", class_weight="balanced"),
    _boosted("lgb log target", "ordinal", "log_target"),
    _boosted("lgb quantile target", "ordinal", "quantile_target"),
    Arm("lgb shallow", "lightgbm_additive", {}, ("ordinal",)),
    Arm("lgb robust", "lightgbm_robust", {}, ("ordinal",)),
    Arm("lgb linear trees", "lightgbm_linear", {}, ("ordinal",)),
    Arm("xgboost", "xgboost", {}, ("ordinal",)),
    Arm("catboost", "catboost"),
    *(_boosted(f"lgb T0 {leaves} leaves", num_leaves=leaves) for leaves in (63, 127, 255)),  # instead of 31
    # forests
    Arm("xt T0", "extra_trees", _TREES, ("ordinal",)),
    Arm("xt T1 means", "extra_trees", _TREES, ("target",)),
    Arm("xt arithmetic", "extra_trees", _TREES, ("ordinal", "arithmetic")),
    Arm("xt one-hot", "extra_trees", _TREES, ("one_hot",)),
    # linear models
    *_each("linear standard", *_STANDARD),
    *_each("linear quantile", "one_hot", "median_indicator", "quantile_normal"),
    *_each("linear L0", *_L0),
    *_each("linear L0 no indicator", "one_hot", "median", "skew_normal"),
    *_each("linear L0 mixed codes", "mixed", "median_indicator", "skew_normal"),
    *_each("linear L0 + splines", *_L0, "spline"),
    *_each("linear L0 + kernel", *_R0, "nystroem"),
    *_each("linear L0 + arithmetic", *_L0, "arithmetic"),
    *_each("linear L0 + log target", *_L0, "log_target"),
    # networks
    Arm("mlp R0", "mlp", {}, _R0),
    Arm("mlp Q0", "mlp", {}, _Q0),
    Arm("mlp standard", "mlp", {}, _STANDARD),
    Arm("mlp R0 mixed codes", "mlp", {}, ("mixed", "median_indicator", "robust_clip")),
    Arm("mlp R0 one seed", "mlp", {"seeds": 1}, _R0),
    Arm("mlp R0 one seed, faster rate", "mlp", {"seeds": 1, "learning_rate_init": 8e-3}, _R0),
    Arm("mlp R0 one seed, trained by scikit-learn", "mlp_by_scikit_learn", {"seeds": 1}, _R0),
    # neighbours and kernels
    Arm("knn R0", "knn", {"n_neighbors": 20}, _R0),
    Arm("knn standard", "knn", {"n_neighbors": 20}, _STANDARD),
    Arm("knn Q0", "knn", {"n_neighbors": 20}, _Q0),
    Arm("knn P0", "knn", {"n_neighbors": 20}, (*_R0, "pca")),
    Arm("svm R0", "svm", {"C": 3.0}, _R0),
    Arm("svm standard", "svm", {"C": 3.0}, _STANDARD),
    Arm("svm Q0", "svm", {"C": 3.0}, _Q0),
    # text: the default is words
    Arm("lgb text characters", "lightgbm", _BOOSTED, ("ordinal", "characters")),
    Arm("lgb text hashed", "lightgbm", _BOOSTED, ("ordinal", "hashed_words")),
    *_each("linear text characters", "characters", *_L0),
    *_each("linear text hashed", "hashed_words", *_L0),
)

# (what is tried, what it is set against)
PAIRS: tuple[tuple[str, str], ...] = (
    *((arm.name, "lgb T0") for arm in ARMS if arm.name.startswith("lgb ") and "text" not in arm.name),
    ("xgboost", "lgb T0"),
    ("catboost", "lgb T0"),
    *((f"xt {name}", "xt T0") for name in ("T1 means", "arithmetic", "one-hot")),
    *((f"linear {name}", "linear standard") for name in ("quantile", "L0")),
    *((f"linear L0 {name}", "linear L0") for name in ("no indicator", "mixed codes", "+ splines", "+ kernel")),
    *((f"linear L0 {name}", "linear L0") for name in ("+ arithmetic", "+ log target")),
    *((f"mlp {name}", "mlp R0") for name in ("Q0", "standard", "R0 mixed codes", "R0 one seed")),
    ("mlp R0 one seed, faster rate", "mlp R0 one seed"),
    ("mlp R0 one seed", "mlp R0 one seed, trained by scikit-learn"),
    *((f"knn {name}", "knn standard") for name in ("R0", "Q0", "P0")),
    *((f"svm {name}", "svm standard") for name in ("R0", "Q0")),
    ("lgb text characters", "lgb T0"),
    ("lgb text hashed", "lgb T0"),
    ("linear text characters", "linear L0"),
    ("linear text hashed", "linear L0"),
)
