"""Every component of the catalogue does what its declaration says, on a small table of every kind that it claims."""

import pickle
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, clone
from threadpoolctl import threadpool_limits

from automl.core import Config, Param, Step
from automl.data import Column, Container, Dataset, Kind, Schema, Task
from automl.pipeline import build
from automl.space import (
    Choice,
    Component,
    Flag,
    Hyperparameter,
    Int,
    Preparation,
    Role,
    Space,
    build_space,
    default_catalog,
    facts_of,
)

CATALOG = default_catalog()
CLASSES = {"binary": 2, "multiclass": 3, "regression": 0}
ROWS = 72
FEW = {"n_estimators": 20, "max_iter": 20}  # more would show nothing else
BEARER = {  # the model behind a step under test
    (Preparation.NATIVE, True): "decision_tree",
    (Preparation.NATIVE, False): "decision_tree",
    (Preparation.DENSE, True): "logistic",
    (Preparation.DENSE, False): "ridge",
}


def dataset(X: object, columns: list[Column], container: Container, signal: np.ndarray, task: str) -> Dataset:
    classes = CLASSES[task]
    y = pd.qcut(signal, classes, labels=False).astype(np.int64) if classes else np.exp(signal) ** 2  # skewed, positive
    labels = np.arange(classes) if classes else None
    return Dataset(X, y, Task(task), Schema(tuple(columns), container), labels)


def n_train(n: int) -> int:
    return 2 * n // 3


def frame(task: str, n: int = ROWS) -> Dataset:
    """Numbers, one of them constant in the training part, and categories, some with gaps; weights."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({name: rng.normal(size=n) for name in ("size", "price", "age")})
    X["late"] = np.where(np.arange(n) < n_train(n), 1.0, 2.0)
    X["city"] = rng.choice(["rome", "oslo", "lima"], n).astype(object)
    X["code"] = rng.integers(0, 4, n)
    signal = (X["size"] + (X["city"] == "rome") + 0.3 * rng.normal(size=n)).to_numpy()
    X.loc[::9, "size"], X.loc[::7, "city"] = np.nan, None
    columns = [Column(name, Kind.NUMERIC, True, n, 0.1 * (name == "size")) for name in ("size", "price", "age")]
    columns += [
        Column("late", Kind.NUMERIC, True, 2),
        Column("city", Kind.CATEGORICAL, False, 3, 0.1),
        Column("code", Kind.CATEGORICAL, True, 4),
    ]
    made = dataset(X, columns, Container.FRAME, signal, task)
    return replace(made, weights=np.linspace(0.5, 2, n))


def mixed(task: str) -> Dataset:
    """Also dates, text and many levels, and more rows; no weights."""
    rng, n = np.random.default_rng(1), 210
    plain = replace(frame(task, n), weights=None)
    words = ["big", "red", "old", "car", "dog", "sun", "sea", "low", "top"]
    X = plain.X.assign(
        shop=[f"s{i}" for i in rng.integers(0, 60, n)],
        day=pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D"),
        note=[" ".join(rng.choice(words, 5)) for _ in range(n)],
    )
    columns = (
        *plain.schema.columns,
        Column("shop", Kind.HIGH_CARDINALITY, False, 60),
        Column("day", Kind.DATE, False, 100, dtype="datetime64[ns]"),
        Column("note", Kind.TEXT, False, n),
    )
    return replace(plain, X=X, schema=Schema(columns, Container.FRAME))


def array(task: str) -> Dataset:
    X = np.random.default_rng(0).normal(size=(ROWS, 5))
    signal = X[:, 0] + 0.5 * X[:, 1] ** 2
    X[::9, 2] = np.nan
    columns = [Column(i, Kind.NUMERIC, True, len(X), 0.1 * (i == 2), dtype="float64") for i in range(5)]
    return dataset(X, columns, Container.ARRAY, signal, task)


def sparse(task: str) -> Dataset:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(ROWS, 6)) * (rng.random((ROWS, 6)) < 0.5)
    columns = [Column(i, Kind.NUMERIC, True, ROWS, dtype="float64") for i in range(6)]
    signal = X[:, 0] + X[:, 1] + 0.1 * rng.normal(size=ROWS)
    return dataset(scipy.sparse.csr_matrix(X), columns, Container.SPARSE, signal, task)


TABLES = {"frame": frame, "mixed": mixed, "array": array, "sparse": sparse}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield


@cache
def table(kind: str, task: str, weighted: bool) -> tuple[Dataset, Space]:
    data = TABLES[kind](task)
    if not weighted:
        data = replace(data, weights=None)
    return data, build_space(facts_of(data), CATALOG)


def kinds(component: Component, task: str) -> Iterator[tuple[Dataset, Space]]:
    """The tables that suit a component; the mixed one, which takes time, only for what prepares its columns."""
    for kind in TABLES:
        data, space = table(kind, task, kind == "frame" and component.weights)
        if component in space.active and (kind != "mixed" or component.role in (Role.ENCODER, Role.TEXT, Role.CROSS)):
            yield data, space


def drawn(component: Component, space: Space, rng: np.random.Generator) -> dict[str, Param]:
    values = {h.name: value(h, rng) for h in space.tunes(component)}
    return component.values(values, str(space.facts.task), categories=space.facts.n_categorical > 0)


def value(h: Hyperparameter, rng: np.random.Generator) -> Param:
    if isinstance(h, Flag):
        return bool(rng.integers(2))
    if isinstance(h, Choice):
        return h.choices[rng.integers(len(h.choices))]
    found = np.exp(rng.uniform(np.log(h.low), np.log(h.high))) if h.log else rng.uniform(h.low, h.high)
    return int(np.clip(round(found), h.low, h.high)) if isinstance(h, Int) else float(np.clip(found, h.low, h.high))


def with_values(component: Component, space: Space, values: dict[str, Param]) -> Step:
    least = {h.name: h.low for h in space.tunes(component) if isinstance(h, Int)}
    values = {k: max(least[k], min(v, FEW[k])) if k in FEW and k in least else v for k, v in values.items()}
    return Step.of(component.name, **values)


def places(component: Component, space: Space) -> Iterator[list[Step]]:
    """What can stand around a component: what its model needs, or a simple model of each preparation it is for."""
    if component.role is Role.MODEL:
        yield list(space.default(component.name).steps[:-1])
        return
    for (preparation, classifies), model in BEARER.items():
        if component in space.options(preparation, component.role) and classifies == space.facts.task.classifies:
            yield [s for s in space.default(model).steps if CATALOG.get(s.component).role is not component.role]


def fitted(config: Config, data: Dataset) -> BaseEstimator:
    pipeline = build(config, data.schema, facts_of(data), catalog=CATALOG, seed=0)
    rounds = CATALOG.get(config.steps[-1].component).rounds
    if rounds:
        model = pipeline["model"]
        getattr(model, "regressor", model).set_params(**{rounds: 5})
    train = data.rows(np.arange(n_train(data.n_rows)))
    weights = {} if train.weights is None else {"model__sample_weight": train.weights}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in a run; predictions must not warn
        return pipeline.fit(train.X, train.y, **weights)


def predictions(pipeline: BaseEstimator, data: Dataset) -> np.ndarray:
    test = data.rows(np.arange(n_train(data.n_rows), data.n_rows))
    if not data.task.classifies:
        found = pipeline.predict(test.X)
        assert found.shape == (test.n_rows,)
    else:
        found = pipeline.predict_proba(test.X)
        assert found.shape == (test.n_rows, data.n_classes)
        assert np.allclose(found.sum(axis=1), 1, atol=1e-4)
    assert np.isfinite(found).all()
    return found


# what is done to training rows leaves no part in a pipeline: tests/evaluate/test_recent.py; branches: test_trees.py
PARTS = [c for c in CATALOG if c.role is not Role.ROWS and c.branches is None]
CASES = [(component, task) for component in PARTS for task in CLASSES if task in component.tasks]


@pytest.mark.parametrize(("component", "task"), CASES, ids=lambda x: getattr(x, "name", x))
def test_a_component_serves_the_tables_it_claims(component: Component, task: str):
    rng = np.random.default_rng(7)
    cases = [(*kind, place) for kind in kinds(component, task) for place in places(component, kind[1])]
    if not cases and component.needs:
        pytest.skip(f"needs {component.needs}")
    assert cases, "suits none of the small tables: give this test one that it suits"
    for number, (data, space, place) in enumerate(cases if len(cases) > 1 else cases * 2):
        # Defaults and random values in turn.
        step = with_values(component, space, drawn(component, space, rng) if number % 2 else {})
        config = Config.of(*place, step)
        space.check(config)
        pipeline = fitted(config, data)
        stored = pickle.dumps(pipeline)
        assert b"automl" not in stored
        assert np.array_equal(predictions(pipeline, data), predictions(pickle.loads(stored), data))
        clone(pipeline)


@pytest.mark.parametrize("component", [c for c in PARTS if c.groups and c.order], ids=lambda c: c.name)
@pytest.mark.parametrize("task", CLASSES)
def test_what_claims_groups_and_order_splits_no_rows_at_random(component: Component, task: str):
    data, _ = table("mixed", task, False)
    bound = replace(data, groups=np.arange(data.n_rows) // 4, times=np.arange(data.n_rows))
    facts = replace(facts_of(bound), n_rows=50_000, min_class_count=10_000)  # where networks would hold rows out
    space = build_space(facts_of(bound), CATALOG)
    if component not in space.active:
        pytest.skip("not for this table")
    for place in places(component, space):
        config = Config.of(*place, Step.of(component.name))
        pipeline = build(config, bound.schema, facts, catalog=CATALOG, seed=0)
        for name, part in pipeline.get_params().items():
            assert not hasattr(part, "get_n_splits"), name
            assert not type(part).__name__.endswith("CV"), name
            assert not (name.endswith("early_stopping") and part), name


def test_steps_keep_a_column_of_a_table_that_does_not_vary():
    """All columns of a training part may be constant: what is left must be something to fit on."""
    data, space = table("array", "binary", False)
    still = replace(data, X=np.ones_like(data.X))
    for component in space.active:
        if component.role is Role.FEATURE:
            for place in places(component, space):
                assert predictions(fitted(Config.of(*place, Step.of(component.name)), still), still).size
