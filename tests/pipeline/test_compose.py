import pickle
import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.compose import TransformedTargetRegressor

from automl.core import Config, SpaceError, Step
from automl.data import Column, Container, Dataset, Kind, Schema, Task
from automl.pipeline import build
from automl.space import Component, Role, Space, build_space, default_catalog, facts_of, start_portfolio

CATALOG = default_catalog()
CLASSES = {"binary": 2, "multiclass": 3, "regression": 0}


def dataset(X: object, columns: list[Column], container: Container, signal: np.ndarray, task: str) -> Dataset:
    classes = CLASSES[task]
    y = pd.qcut(signal, classes, labels=False).astype(np.int64) if classes else signal
    return Dataset(X, y, Task(task), Schema(tuple(columns), container), np.arange(classes) if classes else None)


def frame(task: str, n: int = 120) -> Dataset:
    rng = np.random.default_rng(0)
    size = rng.normal(size=n)
    city = rng.choice(["rome", "oslo", "lima"], n).astype(object)
    signal = size + 2 * (city == "rome") + 0.1 * rng.normal(size=n)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D")
    size[::9], city[::7] = np.nan, None
    X = pd.DataFrame(
        {
            "size": size,
            "price": np.where(np.arange(n) == 3, np.inf, rng.normal(size=n)),
            "new": rng.random(n) < 0.5,
            "city": city,
            "shop": [f"s{i}" for i in rng.integers(0, 60, n)],
            "code": rng.integers(0, 4, n),
            "day": day,
            "due": day.strftime("%d.%m.%Y"),
            "note": [" ".join(rng.choice(["big", "red", "old", "car", "dog"], 5)) for _ in range(n)],
            "same": 1,
        }
    )
    columns = [
        Column("size", Kind.NUMERIC, True, n, 0.1),
        Column("price", Kind.NUMERIC, True, n, 0.01),
        Column("new", Kind.BOOLEAN, True, 2),
        Column("city", Kind.CATEGORICAL, False, 3, 0.1),
        Column("shop", Kind.HIGH_CARDINALITY, False, 60),
        Column("code", Kind.CATEGORICAL, True, 4),
        Column("day", Kind.DATE, False, 100, dtype="datetime64[ns]"),
        Column("due", Kind.DATE, False, 100, date_format="%d.%m.%Y"),
        Column("note", Kind.TEXT, False, n),
        Column("same", Kind.CONSTANT, True, 1),
    ]
    return dataset(X, columns, Container.FRAME, signal, task)


def narrow(task: str, n: int = 120) -> Dataset:
    """Few enough columns for polynomials and splines."""
    whole = frame(task, n)
    columns = tuple(c for c in whole.schema.columns if c.name in ("size", "price", "city"))
    return replace(whole, X=whole.X[["size", "price", "city"]], schema=Schema(columns, Container.FRAME))


def array(task: str, n: int = 120) -> Dataset:
    X = np.random.default_rng(0).normal(size=(n, 6))
    signal = X[:, 0] + X[:, 1] ** 2
    X[::9, 2] = np.nan
    columns = [Column(i, Kind.NUMERIC, True, n, 0.1 * (i == 2), dtype="float64") for i in range(6)]
    return dataset(X, columns, Container.ARRAY, signal, task)


def sparse(task: str, n: int = 120) -> Dataset:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 6)) * (rng.random((n, 6)) < 0.5)
    signal = X[:, 0] + X[:, 1] + 0.1 * rng.normal(size=n)
    columns = [Column(i, Kind.NUMERIC, True, n, dtype="float64") for i in range(6)]
    return dataset(scipy.sparse.csr_matrix(X), columns, Container.SPARSE, signal, task)


TABLES = {"frame": frame, "narrow": narrow, "array": array, "sparse": sparse}


def fitted(config: Config, data: Dataset, **fit: object) -> object:
    pipeline = build(config, data.schema, facts_of(data), catalog=CATALOG, seed=0)
    rounds = CATALOG.get(config.steps[-1].component).rounds
    if rounds:
        model = pipeline["model"]
        getattr(model, "regressor", model).set_params(**{rounds: 10})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in a run; predictions must not warn
        return pipeline.fit(data.X, data.y, **fit)


def assert_predicts(pipeline: object, data: Dataset) -> None:
    if data.task.classifies:
        probabilities = pipeline.predict_proba(data.X)
        assert probabilities.shape == (data.n_rows, data.n_classes)
        assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-4)
    else:
        assert np.isfinite(pipeline.predict(data.X)).all()


@cache
def drawing(table: str, task: str) -> tuple[Dataset, Space]:
    data = TABLES[table](task)
    return data, build_space(facts_of(data), CATALOG)


@pytest.mark.parametrize("seed", range(60))
def test_drawn_configurations_fit_and_predict(seed: int):
    table, task = list(TABLES)[seed % 4], list(CLASSES)[seed // 4 % 3]
    data, space = drawing(table, task)
    pipeline = fitted(space.sample(np.random.default_rng(seed)), data.rows(np.arange(80)))
    assert_predicts(pipeline, data.rows(np.arange(80, 120)))


@pytest.mark.parametrize("task", CLASSES)
def test_every_portfolio_line_fits(task: str):
    for data in (narrow(task, 80), sparse(task, 80)) if task == "binary" else (narrow(task, 80),):
        facts = facts_of(data)
        for config in start_portfolio(facts, build_space(facts, CATALOG)):
            assert_predicts(fitted(config, data), data)


@pytest.mark.parametrize("task", CLASSES)
def test_every_model_is_made_of_public_parts_and_takes_what_it_declares(task: str):
    data = replace(frame(task), weights=np.linspace(0.5, 2, 120))
    space = build_space(facts_of(data), CATALOG)
    for model in space.models:
        pipeline = fitted(space.default(model.name), data, model__sample_weight=data.weights)
        assert b"automl" not in pickle.dumps(pipeline)
        assert_predicts(pipeline, data)


@pytest.mark.parametrize("name", ["lightgbm", "logistic", "extra_trees", "knn"])
def test_surprises_at_predict_time(name: str):
    data = frame("binary")
    pipeline = fitted(build_space(facts_of(data), CATALOG).default(name), data)
    odd = data.X.head(4).copy()
    odd["new"] = pd.array([None, True, None, False], dtype="boolean")
    odd["price"] = [np.nan, -np.inf, 1e300, 0.0]
    odd["city"] = ["paris", None, "oslo", 7]
    odd["code"] = [99.0, np.nan, 1.0, 2.0]
    odd["shop"] = None
    odd["due"] = ["not a date", None, "31.12.2030", ""]
    odd["day"] = pd.NaT
    odd["note"] = None
    assert np.isfinite(pipeline.predict_proba(odd.drop(columns="same"))).all()


def test_the_same_seed_gives_the_same_model():
    data = frame("binary")
    config = Config.of(Step.of("target"), Step.of("lightgbm", extra_trees=True, subsample=0.7))
    first, second = (fitted(config, data).predict_proba(data.X) for _ in range(2))
    assert np.array_equal(first, second)


def test_boosting_takes_categories_natively_and_rounds_generously():
    data = frame("binary")
    pipeline = build(
        Config.of(Step.of("ordinal"), Step.of("lightgbm")), data.schema, facts_of(data), catalog=CATALOG, seed=0
    )
    parameters = pipeline["model"].get_params()
    assert parameters["categorical_column"] == [0, 1]  # city and code; the many shops are encoded by target means
    assert parameters["n_estimators"] >= 2000
    assert (parameters["n_jobs"], parameters["verbose"], parameters["random_state"]) == (1, -1, 0)
    codes = pipeline[:-1].fit_transform(data.X, data.y)[:, :2]
    assert set(codes[~np.isnan(codes)]) == {0.0, 1.0, 2.0, 3.0}


def test_a_feature_step_turns_native_categories_off():
    data = frame("binary")
    config = Config.of(Step.of("ordinal"), Step.of("tree_selection"), Step.of("lightgbm"))
    pipeline = build(config, data.schema, facts_of(data), catalog=CATALOG, seed=0)
    assert list(pipeline.named_steps) == ["columns", "feature", "model"]
    assert "categorical_column" not in pipeline["model"].get_params()


def test_grouped_tables_have_no_cross_fitted_means():
    data = replace(frame("binary"), groups=np.arange(120) // 4)
    pipeline = fitted(Config.of(Step.of("ordinal"), Step.of("lightgbm")), data)
    assert "TargetEncoder" not in repr(pipeline["columns"].transformers_)


def test_targets_are_scaled_for_networks_only_in_regression():
    scaled = build(Config.of(Step.of("mlp")), (d := array("regression")).schema, facts_of(d), catalog=CATALOG, seed=0)
    plain = build(Config.of(Step.of("mlp")), (d := array("binary")).schema, facts_of(d), catalog=CATALOG, seed=0)
    assert isinstance(scaled["model"], TransformedTargetRegressor)
    assert not isinstance(plain["model"], TransformedTargetRegressor)


def test_constant_tables_have_a_constant_model():
    columns = [Column("a", Kind.CONSTANT, True, 1)]
    data = dataset(pd.DataFrame({"a": [1.0] * 30}), columns, Container.FRAME, np.arange(30.0), "binary")
    pipeline = fitted(Config.of(Step.of("prior")), data)
    assert np.allclose(pipeline.predict_proba(data.X), 0.5)
    assert list(pipeline.feature_names_in_) == ["a"]


def test_a_component_of_the_user_is_built_from_its_path():
    mine = Component("mine", Role.MODEL, "sklearn.linear_model:Perceptron", constants={"alpha": 0.5})
    data = array("binary")
    config = Config.of(Step.of("mine"))
    pipeline = build(config, data.schema, facts_of(data), catalog=CATALOG.with_components([mine]), seed=3)
    assert (pipeline["model"].alpha, pipeline["model"].random_state) == (0.5, 3)


def test_a_path_that_leads_nowhere_says_so():
    lost = CATALOG.with_components([Component("lost", Role.MODEL, "sklearn.nowhere:Model")])
    data = array("binary")
    with pytest.raises(SpaceError, match="'sklearn.nowhere:Model' of component 'lost' cannot be imported"):
        build(Config.of(Step.of("lost")), data.schema, facts_of(data), catalog=lost, seed=0)


@pytest.mark.parametrize("config", [Config(()), Config.of(Step.of("pca"))])
def test_a_configuration_without_a_model_is_refused(config: Config):
    data = array("binary")
    with pytest.raises(SpaceError, match="needs a model"):
        build(config, data.schema, facts_of(data), catalog=CATALOG, seed=0)
