from __future__ import annotations

import importlib.util

import pytest

from automl.data import Container, Task
from automl.space import Facts, Role, build_space, default_catalog

TASKS = (Task.BINARY, Task.MULTICLASS, Task.REGRESSION)
NAMES = ("xgboost", "catboost")


def facts(task: Task, **more: object) -> Facts:
    classes = {Task.BINARY: 2, Task.MULTICLASS: 4, Task.REGRESSION: 0}[task]
    sizes = {"n_rows": 1000, "n_columns": 5, "n_numeric": 3, "n_categorical": 2, "n_levels": 8, "min_class_count": 100}
    return Facts(task=task, n_classes=classes, **{**sizes, **more})


@pytest.mark.parametrize("name", NAMES)
def test_without_the_package_the_component_stays_out_and_says_so(name: str, monkeypatch: pytest.MonkeyPatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda wanted: None if wanted == name else find(wanted))
    space = build_space(facts(Task.BINARY), default_catalog())
    assert name not in {model.name for model in space.models}
    assert dict(space.left_out)[name] == f"the package {name} is not installed"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("task", TASKS)
def test_with_the_package_it_is_a_model_of_every_task(name: str, task: Task, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda wanted: object())
    space = build_space(facts(task), default_catalog(), include=[name])
    assert {model.name for model in space.models} == {name, "prior"}
    space.check(space.default(name))
    sparse = build_space(facts(task, container=Container.SPARSE, n_categorical=0), default_catalog(), include=[name])
    assert name in {model.name for model in sparse.models}


def test_xgboost_limits_its_trees_by_depth_or_by_leaves():
    xgboost = default_catalog().get("xgboost")
    by_depth = xgboost.values({}, "binary")
    by_leaves = xgboost.values({"grow_policy": "lossguide"}, "binary")
    assert "max_depth" in by_depth and "max_leaves" not in by_depth
    assert "max_leaves" in by_leaves and "max_depth" not in by_leaves


@pytest.mark.parametrize("name, parameter", [("xgboost", "max_cat_to_onehot"), ("catboost", "max_ctr_complexity")])
def test_what_concerns_categories_is_searched_only_where_there_are_some(name: str, parameter: str):
    component = default_catalog().get(name)
    assert parameter in component.values({}, "binary", categories=True)
    assert parameter not in component.values({}, "binary", categories=False)


def test_catboost_takes_its_steps_in_a_leaf_by_task():
    catboost = default_catalog().get("catboost")
    assert catboost.values({}, "binary")["leaf_estimation_iterations"] == 10
    assert catboost.values({}, "regression")["leaf_estimation_iterations"] == 1


def test_both_can_be_cut_short_by_the_clock():
    models = {model.name: model for model in default_catalog().of(Role.MODEL)}
    assert all(models[name].heeds_clock for name in (*NAMES, "lightgbm"))
    assert not models["hist_gradient_boosting"].heeds_clock
