import dataclasses

import pytest

from automl.core import Config, Step
from automl.search.cost import CostModel, is_cut_short
from automl.space import default_catalog, facts_of
from tests.builders import array_dataset


@pytest.fixture
def cost():
    return CostModel(default_catalog(), facts_of(array_dataset(2000), 60.0), 1600)


LIGHTGBM = Config.of(Step.of("lightgbm", learning_rate=0.05, num_leaves=31, colsample_bytree=0.9))
SLOW = Config.of(Step.of("lightgbm", learning_rate=0.01, num_leaves=31, colsample_bytree=0.9))
FOREST = Config.of(Step.of("random_forest", n_estimators=100))


def test_what_is_measured_is_expected(cost):
    for _ in range(4):
        cost.observe(LIGHTGBM, 3.0)
    assert cost.expected(LIGHTGBM) == pytest.approx(3.0)
    assert 3.0 < cost.high(LIGHTGBM) < 4.0


def test_hyperparameters_scale_the_cost(cost):
    cost.observe(LIGHTGBM, 3.0)
    assert cost.expected(SLOW) == pytest.approx(3.0 * 5**0.8, rel=0.1)


def test_a_model_not_measured_yet_takes_the_speed_of_the_others(cost):
    before = cost.expected(FOREST)
    cost.observe(LIGHTGBM, 3 * cost.nominal(LIGHTGBM))
    assert cost.expected(FOREST) == pytest.approx(3 * before)
    assert cost.high(FOREST) > 2.5 * cost.expected(FOREST)


def test_feature_steps_are_told_apart(cost):
    ridge, widened = Config.of(Step.of("ridge")), Config.of(Step.of("polynomial"), Step.of("ridge"))
    cost.observe(ridge, 0.1)
    assert cost.expected(widened) > cost.expected(ridge)
    cost.observe(widened, 9.0)
    assert cost.expected(widened) == pytest.approx(9.0)
    assert cost.expected(ridge) == pytest.approx(0.1)


def test_fits_on_some_rows_are_told_apart(cost):
    for _ in range(3):
        cost.observe(LIGHTGBM, 30.0)
        cost.observe(LIGHTGBM, 0.5, rows=100)
    assert cost.expected(LIGHTGBM) == pytest.approx(30.0) and cost.expected(LIGHTGBM, 100) == pytest.approx(0.5)


def test_what_was_dear_on_some_rows_is_dear_on_all(cost):
    nominal = cost.nominal(FOREST)
    cost.observe(FOREST, 5 * cost.nominal(FOREST, 100), rows=100)
    assert cost.expected(FOREST) == pytest.approx(5 * nominal)


def test_what_was_cheap_on_some_rows_need_not_be_so_on_all(cost):
    nominal = cost.nominal(FOREST)
    cost.observe(FOREST, 0.1 * cost.nominal(FOREST, 100), rows=100)
    assert cost.expected(FOREST) == pytest.approx(nominal)


def test_large_and_wide_tables_grow_in_proportion():
    def lightgbm(rows, columns):
        facts = dataclasses.replace(facts_of(array_dataset(200), 60.0), n_columns=columns)
        return CostModel(default_catalog(), facts, rows).nominal(LIGHTGBM)

    assert lightgbm(1_000_000, 10) == pytest.approx(10 * lightgbm(100_000, 10), rel=0.01)
    logistic = Config.of(Step.of("logistic"))
    wide, square = (
        CostModel(default_catalog(), dataclasses.replace(facts_of(array_dataset(200)), n_columns=columns), 1000)
        for columns in (50_000, 1000)
    )
    assert wide.nominal(logistic) == pytest.approx(50 * square.nominal(logistic), rel=0.02)


def test_each_model_of_a_stack_is_fitted_on_every_inner_fold_and_once_more(cost):
    stacked = Config.of(Step.of("stack", FOREST, Config.of(Step.of("knn"))), *LIGHTGBM.steps)
    inner = cost.nominal(FOREST) + cost.nominal(Config.of(Step.of("knn")))
    assert cost.nominal(stacked) == pytest.approx(6 * inner + cost.nominal(LIGHTGBM), rel=0.5)
    cost.observe(stacked, 30.0)
    assert cost.expected(stacked) == pytest.approx(30.0)
    assert cost.expected(LIGHTGBM) < 30.0


def test_the_clock_ends_boosting_but_not_the_models_of_a_stack():
    stacked = Config.of(Step.of("stack", Config.of(Step.of("knn"))), *LIGHTGBM.steps)
    joined = Config.of(Step.of("union", Config.of(Step.of("rotation"))), *LIGHTGBM.steps)
    found = [is_cut_short(config, default_catalog()) for config in (LIGHTGBM, joined, FOREST, stacked)]
    assert found == [True, True, False, False]
