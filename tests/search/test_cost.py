import pytest

from automl.core import Config, Step
from automl.search.cost import CostModel
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
