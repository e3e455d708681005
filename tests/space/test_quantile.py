"""The space of a regression that is to predict a quantile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from automl.data import Task
from automl.space import Component, Facts, Float, Role, build_space, default_catalog, start_portfolio

MEAN = Facts(Task.REGRESSION, 600, 6, n_numeric=4, n_categorical=2, n_levels=8, min_class_count=600)
FACTS = replace(MEAN, quantile=0.9)
FAMILIES = {"prior", "boosting", "linear"}


def test_models_that_cannot_predict_it_leave_and_the_reason_is_told():
    space = build_space(FACTS, default_catalog())
    reasons = dict(space.left_out)
    for name in ("extra_trees", "random_forest", "knn", "mlp", "ridge", "lightgbm_robust"):
        assert reasons[name] == "predicts no quantiles"
    stay = {"prior", "lightgbm", "lightgbm_additive", "hist_gradient_boosting", "gradient_boosting", "quantile"}
    assert stay <= {model.name for model in space.models} <= stay | {"xgboost", "catboost"}
    assert {model.family for model in space.models} == FAMILIES
    assert {model.name for model in build_space(MEAN, default_catalog()).models} > stay | {"extra_trees"}


def test_the_level_is_a_constant_of_the_target_and_what_it_fixes_is_not_searched():
    catalog = build_space(FACTS, default_catalog()).catalog
    assert dict(catalog.get("lightgbm").constants).items() >= {"objective": "quantile", "alpha": 0.9}.items()
    boosting = catalog.get("gradient_boosting")
    assert dict(boosting.constants) == {"loss": "quantile", "alpha": 0.9}
    assert "loss" not in {h.name for h in boosting.hyperparameters}
    assert catalog.get("quantile").constants["quantile"] == 0.9
    assert default_catalog().get("quantile").constants["quantile"] == 0.5


@pytest.mark.parametrize("seconds", [None, 60.0])
def test_the_portfolio_has_lines_of_every_family_first(seconds: float | None):
    facts = replace(FACTS, seconds=seconds)
    space = build_space(facts, default_catalog())
    configs = start_portfolio(facts, space)
    models = [config.steps[-1].component for config in configs]
    assert models[:2] == ["prior", "lightgbm"] and len(configs) >= 15
    assert set(models[:7]) >= {"quantile", "gradient_boosting", "hist_gradient_boosting", "lightgbm_additive"}
    for config in configs:
        space.check(config)


def test_a_model_of_ones_own_may_predict_it():
    own = Component(
        "own",
        Role.MODEL,
        "sklearn.linear_model:QuantileRegressor",
        hyperparameters=(Float("alpha", 1e-3, 1.0, 0.1, log=True),),
        weights=True,
        quantile_parameter="quantile",
    )
    blind = Component("blind", Role.MODEL, "sklearn.linear_model:Ridge", weights=True)
    space = build_space(FACTS, default_catalog(), include=[own, blind])
    assert {model.name for model in space.models} == {"prior", "own"}
    assert space.catalog.get("own").constants == {"quantile": 0.9}
    assert dict(space.left_out)["blind"] == "predicts no quantiles"
