"""A stack whose last model stops early is what scikit-learn would have fitted, stopped on rows nobody saw."""

import functools
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import StackingClassifier, StackingRegressor
from threadpoolctl import threadpool_limits

from automl.core import Config, Step
from automl.evaluate import Rule, stop_split
from automl.evaluate.fitting import fit_pipeline
from automl.evaluate.part import Part
from automl.evaluate.stacked import fit_stacked, last_model
from automl.pipeline import build
from automl.space import default_catalog, facts_of
from tests.builders import array_dataset

pytestmark = pytest.mark.filterwarnings("ignore:The argument 'eval_set'", "ignore:X does not have valid feature names")

CATALOG = default_catalog()


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


def tree(model, *more, **values):
    inner = [Config.of(Step.of("knn")), Config.of(Step.of("extra_trees", n_estimators=50))]
    return Config.of(*more, Step.of("stack", *inner), Step.of(model, **values))


def fit(config, train, rounds=None):
    def make(count):
        pipeline = build(config, train.schema, facts_of(train), catalog=CATALOG, seed=0)
        if count is not None:
            last_model(pipeline[-1]).set_params(n_estimators=count)
        return pipeline

    model = CATALOG.get(config.steps[-1].component)
    return fit_pipeline(make, model, train, rule=Rule.RANDOM, seed=0, rounds=rounds)


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("passthrough", [True, False])
def test_it_is_what_scikit_learn_fits(classes, passthrough):
    data = array_dataset(240, classes=classes)
    config = tree("lightgbm", learning_rate=0.2)
    stack = build(config, data.schema, facts_of(data), catalog=CATALOG, seed=0)["model"]
    stack.set_params(passthrough=passthrough, final_estimator__n_estimators=12)
    theirs = clone(stack).fit(data.X[:200], data.y[:200])
    seen = {}

    def plainly(estimator, fit, stop, seconds, patient):
        estimator.fit(fit.X, fit.y)
        seen["stop"] = stop.X
        return 12

    rows = Part(data.X[:200], data.y[:200]), Part(data.X[200:], data.y[200:])
    assert fit_stacked(stack, plainly, *rows, None, False) == 12
    predict = "predict_proba" if classes else "predict"
    found = getattr(stack, predict)(data.X[200:])
    np.testing.assert_array_equal(found, getattr(theirs, predict)(data.X[200:]))
    np.testing.assert_array_equal(seen["stop"], stack.transform(data.X[200:]))
    assert vars(stack).keys() == vars(theirs).keys()
    assert isinstance(stack, StackingClassifier if classes else StackingRegressor)
    again = pickle.loads(pickle.dumps(stack))
    np.testing.assert_array_equal(getattr(again, predict)(data.X[200:]), found)
    np.testing.assert_array_equal(getattr(clone(stack).fit(data.X[:200], data.y[:200]), predict)(data.X[200:]), found)


@pytest.mark.parametrize("rows", [300, 1100])
def test_the_last_model_stops_early(rows):
    train = array_dataset(rows, classes=0)
    fitted = fit(tree("lightgbm", learning_rate=0.3), train)
    final = fitted.pipeline[-1].final_estimator_
    assert fitted.rounds == (final.best_iteration_ if rows > 1000 else final.n_estimators) < 300
    assert np.mean((fitted.pipeline.predict(train.X) - train.y) ** 2) < 0.3 * np.var(train.y)


def test_a_stop_set_is_seen_by_no_model_of_the_stack():
    train, changed = array_dataset(1100, classes=0), array_dataset(1100, classes=0)
    stop = stop_split(train, 110 / 1100, Rule.RANDOM, 0)[1]
    changed.y[stop] += 100.0
    inner = [fit(tree("lightgbm"), data).pipeline[-1].estimators_ for data in (train, changed)]
    for one, other in zip(*inner, strict=True):
        np.testing.assert_array_equal(one.predict(train.X), other.predict(train.X))


def test_known_rounds_are_those_of_the_last_model():
    fitted = fit(tree("lightgbm"), array_dataset(300), rounds=9)
    stack = fitted.pipeline[-1]
    assert (fitted.rounds, stack.final_estimator_.n_estimators) == (9, 9)
    assert stack.estimators_[1].n_estimators == 50


def test_networks_behind_a_stack_are_trained_as_elsewhere():
    train = array_dataset(400, classes=0)
    config = tree("mlp", width=16, layers=1)
    make = functools.partial(build, config, train.schema, facts_of(train), catalog=CATALOG, seed=0)
    fitted = fit_pipeline(lambda rounds: make(), CATALOG.get("mlp"), train, rule=Rule.RANDOM, seed=0)
    final = fitted.pipeline[-1].regressor_.final_estimator_
    assert all(network.coefs_[0].dtype == np.float32 for network in getattr(final, "estimators_", [final]))
    assert np.mean((fitted.pipeline.predict(train.X) - train.y) ** 2) < 0.5 * np.var(train.y)
