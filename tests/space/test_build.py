from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.core import Config, SettingError, SpaceError, Step
from automl.data import Container, Task
from automl.space import Component, Facts, Float, Preparation, Role, Space, build_space, default_catalog

MIXED = Facts(
    Task.BINARY, 500, 8, n_numeric=5, n_categorical=3, n_levels=20, n_classes=2, min_class_count=200, has_missing=True
)
NUMERIC = Facts(Task.REGRESSION, 500, 8, n_numeric=8, min_class_count=500)
SPARSE = replace(MIXED, container=Container.SPARSE, n_numeric=8, n_categorical=0, n_levels=0)
SPACES = {name: build_space(f, default_catalog()) for name, f in [("m", MIXED), ("n", NUMERIC), ("s", SPARSE)]}


def names(space: Space) -> set[str]:
    return {component.name for component in space.active}


@given(st.sampled_from(sorted(SPACES)), st.integers(0, 2**32 - 1))
def test_what_is_drawn_is_valid_and_survives_the_vector(key: str, seed: int):
    space = SPACES[key]
    config = space.sample(np.random.default_rng(seed))
    space.check(config)
    assert space.complete(config) == config
    assert space.from_vector(space.to_vector(config)) == config


def test_the_same_seed_draws_the_same():
    space = SPACES["m"]
    first = [space.sample(np.random.default_rng(seed)) for seed in range(20)]
    assert first == [space.sample(np.random.default_rng(seed)) for seed in range(20)]
    assert len(set(first)) > 15


@pytest.mark.parametrize("key", sorted(SPACES))
def test_every_model_has_a_valid_default(key: str):
    space = SPACES[key]
    for model in space.models:
        config = space.default(model.name)
        space.check(config)
        assert space.from_vector(space.to_vector(config)) == config


def test_the_constant_model_is_never_drawn():
    assert not [m for m in range(50) if SPACES["n"].sample(np.random.default_rng(m)).shape() == "prior"]


def test_no_encoder_without_categories_and_an_imputer_for_dense_models():
    assert SPACES["n"].default("ridge").shape() == "median_indicator > standard > ridge"
    assert SPACES["m"].default("logistic").shape() == "one_hot > median_indicator > standard > logistic"
    assert SPACES["m"].default("lightgbm").shape() == "ordinal > lightgbm"
    assert SPACES["s"].default("logistic").shape() == "standard > logistic"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Config.of(Step.of("ridge")), "'ridge' is not in this space: not for binary tasks"),
        (Config.of(Step.of("magic")), "no component 'magic'"),
        (Config.of(Step.of("lightgbm", num_leaves=1000)), r"lies in \[4, 512\], got 1000"),
        (Config.of(Step.of("lightgbm", num_leaves=True)), "lies in"),
        (Config.of(Step.of("lightgbm", extra_trees=1)), "True or False"),
        (Config.of(Step.of("lightgbm", max_bin=64)), r"one of \[31, 63, 127, 255, 511\]"),
        (Config.of(Step.of("lightgbm", depth=3)), "no hyperparameter 'depth'"),
        (Config.of(Step.of("pca"), Step.of("lightgbm")), "'pca' is not offered to 'lightgbm'"),
        (Config.of(Step.of("pca"), Step.of("variance"), Step.of("logistic")), "at most one step of each"),
        (Config.of(Step.of("pca")), "expected one model"),
    ],
)
def test_check_refuses_what_does_not_belong(config: Config, message: str):
    with pytest.raises(SpaceError, match=message):
        SPACES["m"].check(config)


def test_an_inactive_hyperparameter_is_refused():
    forest = Config.of(Step.of("random_forest", bootstrap=False, max_samples=0.5))
    with pytest.raises(SpaceError, match="max_samples"):
        SPACES["m"].check(forest)


def test_include_limits_the_roles_it_names():
    space = build_space(MIXED, default_catalog(), include=["boosting", "median"])
    assert {m.family for m in space.models if m.name != "prior"} == {"boosting"}
    assert {"prior", "lightgbm", "lightgbm_additive", "hist_gradient_boosting"} <= {m.name for m in space.models}
    assert "pca" in names(space) and "mean" not in names(space)
    assert ("svm", "not among those included by the user") in space.left_out


def test_exclude_takes_families_and_names():
    space = build_space(MIXED, default_catalog(), exclude=["boosting", "feature", "svm"])
    assert not {"lightgbm", "svm", "pca"} & names(space)
    assert dict(space.left_out)["pca"] == "excluded by the user"


def test_unknown_names_list_the_families():
    with pytest.raises(SettingError, match="exclude='bosting' is neither.*families:.*boosting"):
        build_space(MIXED, default_catalog(), exclude=["bosting"])


def test_excluding_every_model_is_refused():
    with pytest.raises(SettingError, match="no model is left"):
        build_space(MIXED, default_catalog(), include=["prior"], exclude=["prior"])


def test_a_component_of_the_user_joins_the_search():
    mine = Component(
        "mine",
        Role.MODEL,
        "sklearn.linear_model:Perceptron",
        hyperparameters=(Float("alpha", 1e-5, 1.0, 1e-3, log=True),),
        preparation=Preparation.DENSE,
    )
    space = build_space(MIXED, default_catalog(), include=[mine])
    config = space.sample(np.random.default_rng(0))
    assert config.steps[-1].component == "mine"
    assert space.from_vector(space.to_vector(config)) == config


@pytest.mark.parametrize(
    ("facts", "name", "reason"),
    [
        (replace(MIXED, n_rows=6000), "svm", "at most 5000 rows"),
        (replace(MIXED, has_weights=True), "knn", "takes no sample weights"),
        (replace(MIXED, has_groups=True), "target", "tear groups"),
        (replace(MIXED, has_times=True), "target", "past and future"),
        (replace(MIXED, min_class_count=2), "svm", "8 members of every class, one has 2"),
        (replace(MIXED, task=Task.MULTICLASS, n_classes=12), "target", "at most 10 classes"),
        (replace(MIXED, n_numeric=4000), "pca", "at most 3000 encoded columns"),
        (replace(MIXED, n_columns=0), "lightgbm", "no usable column"),
        (replace(MIXED, n_numeric=2), "arithmetic", "needs 3 columns of numbers, the table has 2"),
        (replace(MIXED, n_numeric=151), "arithmetic", "at most 150 columns of numbers"),
        (replace(MIXED, n_rows=150), "all_crosses", "needs 200 rows"),
        (replace(MIXED, n_categorical=1), "category_crosses", "needs 2 columns of categories"),
        (replace(MIXED, has_times=True), "category_crosses", "past and future"),
        (replace(MIXED, task=Task.MULTICLASS, n_classes=12), "mixed", "at most 10 classes"),
        (MIXED, "hashed", "needs 1 columns of high cardinality"),
        (MIXED, "words", "no column of text"),
        (MIXED, "log_target", "not for binary tasks"),
        (NUMERIC, "ordinal", "no column of categories"),
        (NUMERIC, "log_target", "needs a target of skewness 1 or more, it has 0.00"),
        (replace(NUMERIC, target_skew=3.0, target_low=-1.5), "log_target", "at least 0, it goes down to -1.5"),
        (SPARSE, "arithmetic", "takes no sparse table"),
        (replace(MIXED, seconds=1.0, n_rows=100_000), "random_forest", "the whole budget is 1 s"),
        (SPARSE, "hist_gradient_boosting", "takes no sparse table"),
    ],
)
def test_what_does_not_suit_the_table_is_left_out_with_a_reason(facts: Facts, name: str, reason: str):
    assert reason in dict(build_space(facts, default_catalog()).left_out)[name]


def test_without_usable_columns_the_constant_model_remains():
    space = build_space(replace(MIXED, n_columns=0, n_numeric=0, n_categorical=0), default_catalog())
    assert [m.name for m in space.models] == ["prior"]
    assert space.sample(np.random.default_rng(0)) == space.default("prior")


def test_a_missing_package_leaves_the_space():
    mine = Component("mine", Role.MODEL, "nowhere:Model", needs="a_package_that_is_not_there")
    space = build_space(MIXED, default_catalog().with_components([mine]))
    assert "not installed" in dict(space.left_out)["mine"]


TEXTS = replace(NUMERIC, n_text=1, target_skew=2.0)


def test_text_has_a_step_of_its_own_where_there_is_text():
    space = build_space(TEXTS, default_catalog())
    assert space.default("lightgbm").shape() == "words > lightgbm"
    assert space.default("ridge").shape() == "words > median_indicator > standard > ridge"


def test_steps_stand_in_the_order_of_their_roles():
    shuffled = (
        Step.of(name) for name in ("log_target", "standard", "pca", "arithmetic", "ridge", "hashed_words", "median")
    )
    config = build_space(TEXTS, default_catalog()).complete(Config.of(*shuffled))
    assert config.shape() == "hashed_words > median > standard > arithmetic > pca > log_target > ridge"


def test_crosses_and_target_transforms_are_seldom_drawn_but_drawn():
    space = build_space(TEXTS, default_catalog())
    drawn = [space.sample(np.random.default_rng(seed)) for seed in range(200)]
    roles = [{space.catalog.get(step.component).role for step in config.steps} for config in drawn]
    assert all(Role.TEXT in found for found in roles)
    for role, low, high in ((Role.CROSS, 0.15, 0.35), (Role.TARGET, 0.2, 0.4)):
        assert low < np.mean([role in found for found in roles]) < high
    for config in drawn:
        assert space.from_vector(space.to_vector(config)) == config


def test_values_survive_the_vector_to_the_last_digit():
    mine = Component(
        "mine",
        Role.MODEL,
        "sklearn.linear_model:Perceptron",
        hyperparameters=(Float("alpha", 1e-6, 1e6, 1e4, log=True),),
    )
    space = build_space(MIXED, default_catalog(), include=[mine])
    assert space.from_vector(space.to_vector(space.default("mine"))).steps[-1].values == {"alpha": 1e4}


def test_the_space_of_a_shape_holds_its_hyperparameters():
    assert "category_crosses:order" in SPACES["m"].of("ordinal > category_crosses > lightgbm")
    space = SPACES["m"].of("target > random_forest")
    assert {"target:smooth", "random_forest:max_features", "random_forest:max_samples"} <= set(space)
    assert "model" not in space


def test_models_that_are_not_installed_are_no_constant(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("automl.space.build._installed", lambda package: package != "catboost")
    with pytest.raises(SettingError, match=r"need catboost, which is not installed.*automl\[boost\]"):
        build_space(MIXED, default_catalog(), include=["catboost"])
    assert "lightgbm" in build_space(MIXED, default_catalog(), include=["catboost", "lightgbm"])._active
