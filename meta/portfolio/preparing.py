"""Preprocessing of a published configuration -> the steps before our model, and what is not the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from automl.core import Step
from automl.pipeline.models import kernel_width
from automl.space import Component, Facts
from automl.space.component import Preparation
from meta.portfolio.records import Record, Untranslatable

__all__ = ["Prepared", "prepared"]

_IMPUTERS = {
    "median": "median",
    "mean": "mean",
    "zero": "constant",
    "most_frequent": "median",
    "zero_after_scaling": "mean",  # the mean of a centred column
}
_SCALERS = {"standard": "standard", "minmax": "min_max", "none": None}


@dataclass
class Prepared:
    """Steps in front of the model, and in words what differs from the source."""

    steps: list[Step] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    def add(self, component: str, **values: Any) -> None:
        self.steps.append(Step.of(component, **values))


def prepared(record: Record, model: Component, facts: Facts) -> Prepared:
    """Return the steps of a record for its model.

    A step that cannot matter is left out: scalers of single columns before trees, imputers where nothing is missing or
    the model takes gaps, encoders without categories.

    Raises
    ------
    Untranslatable
        A step has no counterpart.
    """
    result = Prepared()
    _encoder(record, model, facts, result)
    _imputer(record, model, facts, result)
    _scaler(record, model, result)
    _features(record, model, facts, result)
    _target(record, model, facts, result)
    if record.preprocessing.get("balancing") == "sample_weight":
        raise Untranslatable("the classes are balanced by sample weights")
    if record.approximate:
        result.differences.append("not all of the source is in the record")
    return result


def _encoder(record: Record, model: Component, facts: Facts, result: Prepared) -> None:
    wanted = record.preprocessing.get("encoder")
    if facts.n_categorical == 0:
        return
    name = wanted["name"] if isinstance(wanted, Mapping) else wanted
    trees = model.preparation is Preparation.NATIVE
    if name == "drop_categorical":
        raise Untranslatable("the source drops columns of categories")
    if name == "source_pipeline":
        result.differences.append("categories encoded as the model likes it: the source does not say how")
    elif name in ("native", "ordinal") and trees:
        result.add("ordinal")
        if name == "ordinal" and (model.category_parameter or model.category_dtype):
            result.differences.append("codes are taken as categories, not as numbers")
    elif name == "one_hot":
        result.add("one_hot", max_categories=50)
        if isinstance(wanted, Mapping) or "rare_categories" in record.preprocessing:
            result.differences.append("rare levels are those below 0.5 % or beyond the 50 most frequent")
    else:
        raise Untranslatable(f"codes of categories are not offered to {model.name}")


def _imputer(record: Record, model: Component, facts: Facts, result: Prepared) -> None:
    wanted = record.preprocessing.get("imputer")
    if not facts.has_missing or (wanted == "native" and "missing" in model.accepts):
        return
    if "missing" in model.accepts:
        result.differences.append("missing values are kept")
    elif wanted in _IMPUTERS and model.preparation is Preparation.DENSE:
        result.add(_IMPUTERS[wanted])
        if wanted == "most_frequent":
            result.differences.append("missing numbers become the median, not the most frequent value")
    elif wanted != "median":
        result.differences.append("missing values filled in as the model likes it")


def _scaler(record: Record, model: Component, result: Prepared) -> None:
    wanted = record.preprocessing.get("scaler", "none")
    name = wanted["name"] if isinstance(wanted, Mapping) else wanted
    if name == "normalize_rows":
        raise Untranslatable("no scaler of rows")
    if model.preparation is not Preparation.DENSE:
        return  # no order of values changes, so no split does
    if name == "robust":
        result.add("robust_clip")
        result.differences.append("scaled by the quartiles and clipped smoothly")
    elif name == "power" or (name == "quantile" and wanted.get("output_distribution") == "normal"):
        result.add("quantile_normal")
        if name == "power":
            result.differences.append("columns made normal by their quantiles, not by a power")
    elif name == "standard" and isinstance(wanted, Mapping):
        result.add("skew_normal")
    elif name in _SCALERS:
        if _SCALERS[name] is not None:
            result.add(str(_SCALERS[name]))
    else:
        raise Untranslatable(f"no scaler like {wanted}")


def _features(record: Record, model: Component, facts: Facts, result: Prepared) -> None:
    steps = record.preprocessing.get("feature") or []
    names = frozenset(step["name"] for step in steps)
    if names and names <= _GENERATORS:
        arithmetic = "ArithmeticFeatureGenerator" in names
        crosses = "CategoricalInteractionFeatureGenerator" in names
        cross = "all_crosses" if arithmetic and crosses else "arithmetic" if arithmetic else "category_crosses"
        if crosses and facts.n_categorical < 2:
            raise Untranslatable("its crosses need columns of categories")
        result.add(cross)
        result.differences.append("crosses and arithmetic as we make and select them")
        return
    if len(steps) > 1:
        raise Untranslatable("several feature steps")
    for step in steps:
        if step["name"] not in _STEPS:
            raise Untranslatable(f"no feature step like {step['name']}")
        _STEPS[step["name"]](step, facts, result)


def _target(record: Record, model: Component, facts: Facts, result: Prepared) -> None:
    wanted = record.preprocessing.get("target")
    if wanted == "quantile_normal":
        result.add("quantile_target")
    elif wanted == "standardize" and not model.scale_target:
        raise Untranslatable(f"the target of {model.name} is not standardised")
    elif wanted is None and model.scale_target and not facts.task.classifies and not _indifferent(model):
        result.differences.append("the target is standardised")


def _indifferent(model: Component) -> bool:
    """Whether scaling the target changes nothing but the unit of the predictions."""
    return model.name == "catboost"


_GENERATORS = frozenset(
    {
        "ArithmeticFeatureGenerator",
        "CategoricalInteractionFeatureGenerator",
        "OOFTargetEncodingFeatureGenerator",
    }
)


def _agglomeration(step: Mapping[str, Any], facts: Facts, result: Prepared) -> None:
    params = step["params"]
    if params["n_clusters"] >= facts.width:
        return  # as many groups as columns
    metric = {} if params["linkage"] == "ward" else {"metric": params["metric"]}
    share = params["n_clusters"] / facts.width
    result.add("feature_agglomeration", share=share, linkage=params["linkage"], **metric)
    if step.get("pooling_func") != "mean":
        result.differences.append("groups of columns become their mean")


def _polynomial(step: Mapping[str, Any], facts: Facts, result: Prepared) -> None:
    params = step["params"]
    result.add("polynomial", degree=params["degree"], interaction_only=params["interaction_only"])


def _pca(step: Mapping[str, Any], facts: Facts, result: Prepared) -> None:
    result.add("pca", kept=step["params"]["n_components"], whiten=step["params"]["whiten"])


def _ica(step: Mapping[str, Any], facts: Facts, result: Prepared) -> None:
    params = step["params"]
    if params.get("n_components", facts.width) < facts.width:
        raise Untranslatable("independent components are counted there, kept by variance here")
    result.add("ica", kept=0.999, fun=params["fun"], algorithm=params["algorithm"])
    result.differences.append("independent components of what 99.9 % of the variance lies in")


def _kitchen_sinks(step: Mapping[str, Any], facts: Facts, result: Prepared) -> None:
    params = step["params"]
    scale = params["gamma"] / kernel_width(facts, 1.0)
    result.add("random_kitchen_sinks", n_components=params["n_components"], gamma_scale=scale)


def _percentile(step: Mapping[str, Any], facts: Facts, result: Prepared) -> None:
    score = step.get("score_func")
    if score in ("mutual_info_classif", "mutual_info_regression"):
        result.add("mutual_information", percentile=step["params"]["percentile"])
    elif score in ("f_classif", "f_regression"):
        result.add("univariate", percentile=step["params"]["percentile"])
    else:
        raise Untranslatable(f"no selection by {score}")


def _rates(step: Mapping[str, Any], facts: Facts, result: Prepared) -> None:
    score = step.get("score_func")
    if score not in ("f_classif", "f_regression"):
        raise Untranslatable(f"no selection by {score}")
    result.add("univariate_rates", mode=step["params"]["mode"], alpha=step["params"]["param"])


def _tree_selection(step: Mapping[str, Any], facts: Facts, result: Prepared) -> None:
    result.add("tree_selection", threshold=step["params"]["threshold"])
    result.differences.append("columns selected by other trees")


_STEPS: Mapping[str, Callable[[Mapping[str, Any], Facts, Prepared], None]] = {
    "feature_agglomeration": _agglomeration,
    "polynomial": _polynomial,
    "pca": _pca,
    "fast_ica": _ica,
    "kitchen_sinks": _kitchen_sinks,
    "select_percentile_classification": _percentile,
    "select_percentile_regression": _percentile,
    "select_rates_classification": _rates,
    "select_rates_regression": _rates,
    "extra_trees_preproc_for_classification": _tree_selection,
    "extra_trees_preproc_for_regression": _tree_selection,
}
