"""Trees become pipelines of public parts that can be cloned, pickled, exported as source and fitted anew."""

import pickle
import warnings
from functools import cache

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import StackingClassifier, StackingRegressor
from sklearn.naive_bayes import GaussianNB
from threadpoolctl import threadpool_limits

from automl.core import Config, Step
from automl.data import Task
from automl.pipeline import build
from automl.pipeline.assemble import assemble
from automl.pipeline.plain import check_plain
from automl.pipeline.script import Part, write_script
from automl.space import build_space, default_catalog, facts_of
from tests.builders import mixed_dataset
from tests.pipeline.test_script import assert_same, module

CATALOG = default_catalog()
CLASSES = {"binary": 2, "multiclass": 3, "regression": 0}


@cache
def table(task: str):
    data = mixed_dataset(150, CLASSES[task])
    return data, build_space(facts_of(data), CATALOG)


def of(*names: str) -> Config:
    return Config(tuple(Step.of(name) for name in names))


def trees(task: str) -> dict[str, Config]:
    linear = "logistic" if CLASSES[task] else "ridge"
    small = Config.of(Step.of("extra_trees", n_estimators=50))
    return {
        "union": Config.of(Step.of("union", of("pca"), of("variance", "spline")), Step.of(linear)),
        "union that keeps gaps": Config.of(Step.of("union", of("rotation")), Step.of("decision_tree")),
        "stack": Config.of(Step.of("stack", of("knn"), of("pca", linear)), Step.of(linear)),
        "stack before trees": Config.of(
            Step.of("stack", of(linear), Config.of(Step.of("union", of("rotation")), *small.steps)),
            Step.of("decision_tree"),
        ),
        "predictions alone": Config.of(Step.of("stack", small, of(linear), passthrough=False), Step.of(linear)),
    }


CASES = [(task, name) for task in CLASSES for name in trees(task)]


def built(config: Config, task: str):
    data, space = table(task)
    space.check(config)
    return build(space.complete(config), data.schema, facts_of(data), catalog=CATALOG, seed=0)


@pytest.mark.parametrize(("task", "name"), CASES)
def test_a_tree_is_a_pipeline_of_public_parts(task: str, name: str):
    data, _ = table(task)
    train, test = data.rows(np.arange(110)), data.rows(np.arange(110, 150))
    pipeline = built(trees(task)[name], task)
    again = clone(pipeline)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for model in (pipeline, again):
            model.fit(train.X, train.y)
        warnings.simplefilter("error")
        predict = "predict_proba" if data.task.classifies else "predict"
        found = getattr(pipeline, predict)(test.X)
        assert found.shape == ((40, data.n_classes) if data.task.classifies else (40,)) and np.isfinite(found).all()
        assert "automl" not in check_plain(pipeline)
        np.testing.assert_array_equal(getattr(pickle.loads(pickle.dumps(pipeline)), predict)(test.X), found)
        np.testing.assert_array_equal(getattr(again, predict)(test.X), found)


@pytest.mark.parametrize(("task", "name"), CASES)
def test_a_tree_can_be_written_as_source(task: str, name: str):
    data, _ = table(task)
    pipeline = built(trees(task)[name], task)
    source = write_script([Part(pipeline)], about="A tree.", schema=data.schema, classes=data.classes, encodes=False)
    assert_same(module(source)["member_1"](), pipeline)


def test_a_round_count_in_the_source_is_that_of_the_last_model_alone():
    data, _ = table("binary")
    tree = Config.of(Step.of("stack", of("extra_trees")), Step.of("lightgbm"))
    part = Part(built(tree, "binary"), settings={"n_estimators": 7})
    source = write_script([part], about="A tree.", schema=data.schema, classes=data.classes, encodes=False)
    model = module(source)["member_1"]()["model"]
    assert model.final_estimator.n_estimators == 7 != model.estimators[0][1].n_estimators


def width(config: Config, data) -> int:
    return built(config, "regression")[:-1].fit_transform(data.X, data.y).shape[1]


def test_a_union_keeps_the_columns_or_not():
    data, _ = table("regression")
    widths = {}
    for keep in (True, False):
        union = Step.of("union", of("variance"), of("pca"), keep=keep)
        widths[keep] = width(Config.of(union, Step.of("ridge")), data)
    assert widths[True] == widths[False] + width(of("ridge"), data)


def test_a_stack_is_fitted_on_what_its_models_did_not_see():
    data, _ = table("regression")
    tree = Config.of(Step.of("stack", of("knn"), passthrough=False), Step.of("ridge", alpha=1e-3))
    stack = built(tree, "regression")["model"].regressor
    stack.set_params(part1__n_neighbors=1)
    rng = np.random.default_rng(0)
    X, noise = rng.normal(size=(150, 4)), rng.normal(size=150)  # one neighbour repeats what it has seen
    assert abs(stack.fit(X, noise).final_estimator_.coef_[0]) < 0.4


@pytest.mark.parametrize(("task", "places"), [("binary", [2]), ("multiclass", [6]), ("regression", [2])])
def test_categories_stay_categories_behind_a_stack(task: str, places: list[int]):
    linear = "logistic" if CLASSES[task] else "ridge"
    tree = Config.of(Step.of("ordinal"), Step.of("stack", of(linear), of("knn")), Step.of("lightgbm"))
    data, _ = table(task)
    pipeline = built(tree, task)
    pipeline.set_params(model__final_estimator__n_estimators=5)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline.fit(data.X, data.y)
    final = pipeline["model"].final_estimator_
    assert final.get_params()["categorical_column"] == places
    prepared = pipeline["model"].transform(pipeline[:-1].transform(data.X))
    codes = [set(np.unique(column[~np.isnan(column)])) for column in prepared[:, places].T]
    assert codes == [{0.0, 1.0, 2.0}]  # of three cities


def test_a_target_transform_is_around_the_whole_stack():
    tree = Config.of(Step.of("stack", of("ridge")), Step.of("svm"))
    model = built(tree, "regression")["model"]
    assert isinstance(model, TransformedTargetRegressor) and isinstance(model.regressor, StackingRegressor)
    classifier = built(Config.of(Step.of("stack", of("knn")), Step.of("svm")), "binary")["model"]
    assert isinstance(classifier, StackingClassifier)


def test_a_stack_before_catboost_predicts_labels_without_a_warning():
    catboost = pytest.importorskip("catboost")
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(90, 3)), np.arange(90) % 3
    final = catboost.CatBoostClassifier(iterations=2, verbose=False, thread_count=1, allow_writing_files=False)
    stack = StackingClassifier([("part1", GaussianNB())], final, cv=3).fit(X, y)
    model = assemble([(1.0, [stack])], classes=np.arange(3), task=Task.MULTICLASS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.predict(X).shape == (90,)
