"""XGBoost and CatBoost, fitted as a fold fits them."""

from __future__ import annotations

import importlib.util
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone

from automl.core import Config, Step
from automl.data import Column, Container, Dataset, Kind, Schema, Task
from automl.evaluate.fitting import Fitted, fit_pipeline
from automl.evaluate.part import Part
from automl.evaluate.splits import Rule
from automl.evaluate.stopping import stopper
from automl.pipeline import build
from automl.pipeline.assemble import assemble
from automl.pipeline.parts import make
from automl.pipeline.plain import check_plain
from automl.space import build_space, default_catalog, facts_of

CLASSES = {"binary": 2, "multiclass": 3, "regression": 0}
QUICK = {"learning_rate": 0.3}


def installed(name: str) -> object:
    missing = importlib.util.find_spec(name) is None
    return pytest.param(name, marks=pytest.mark.skipif(missing, reason=f"{name} is not installed: automl[boost]"))


NAMES = [installed("xgboost"), installed("catboost")]
each = pytest.mark.parametrize("name", NAMES)


def table(task: str, n: int = 1100) -> Dataset:
    rng = np.random.default_rng(0)
    size, city = rng.normal(size=n), rng.choice(["rome", "oslo", "lima", "bern"], n).astype(object)
    signal = size + 2 * (city == "rome") - (city == "oslo") + 0.5 * rng.normal(size=n)
    size[::9], city[::7] = np.nan, None
    X = pd.DataFrame({"size": size, "other": rng.normal(size=n), "city": city, "shop": rng.integers(0, 300, n)})
    X["shop"] = "s" + X["shop"].astype(str)
    columns = (
        Column("size", Kind.NUMERIC, True, n, 0.1, dtype="float64"),
        Column("other", Kind.NUMERIC, True, n, dtype="float64"),
        Column("city", Kind.CATEGORICAL, False, 4, 0.1),
        Column("shop", Kind.HIGH_CARDINALITY, False, 300),
    )
    return dataset(X, columns, Container.FRAME, signal, task)


def sparse_table(task: str, n: int = 300) -> Dataset:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 6)) * (rng.random((n, 6)) < 0.5)
    columns = tuple(Column(i, Kind.NUMERIC, True, n, dtype="float64") for i in range(6))
    return dataset(scipy.sparse.csr_matrix(X), columns, Container.SPARSE, X[:, 0] + 0.1 * rng.normal(size=n), task)


def dataset(X: object, columns: tuple[Column, ...], container: Container, signal: np.ndarray, task: str) -> Dataset:
    classes = CLASSES[task]
    y = pd.qcut(signal, classes, labels=False).astype(np.int64) if classes else signal
    return Dataset(X, y, Task(task), Schema(columns, container), np.arange(classes) if classes else None)


def fit(
    name: str,
    data: Dataset,
    *,
    rounds: int | None = None,
    seconds: float | None = None,
    values: dict[str, object] | None = None,
) -> Fitted:
    catalog, facts = default_catalog(), facts_of(data)
    component = catalog.get(name)
    config = build_space(facts, catalog).complete(Config.of(Step.of(name, **{**QUICK, **(values or {})})))

    def make(found: int | None) -> object:
        pipeline = build(config, data.schema, facts, catalog=catalog, seed=3)
        if found is not None:
            last = getattr(pipeline[-1], "regressor", pipeline[-1])
            last.set_params(**{component.rounds: found})
        return pipeline

    return fit_pipeline(make, component, data, rule=Rule.RANDOM, seed=1, rounds=rounds, seconds=seconds)


def output(pipeline: object, data: Dataset) -> np.ndarray:
    return pipeline.predict_proba(data.X) if data.task.classifies else pipeline.predict(data.X)


def last_step(pipeline: object) -> object:
    return getattr(pipeline[-1], "regressor_", pipeline[-1])


def rounds_kept(pipeline: object) -> int:
    model = last_step(pipeline)
    return int(model.tree_count_ if hasattr(model, "tree_count_") else model.get_booster().num_boosted_rounds())


@each
@pytest.mark.parametrize("task", CLASSES)
def test_stops_early_and_keeps_the_best_round(name: str, task: str):
    data = table(task)
    fitted = fit(name, data)
    assert 2 <= fitted.rounds < 400
    assert rounds_kept(fitted.pipeline) == fitted.rounds
    found = output(fitted.pipeline, data)
    if data.task.classifies:
        assert found.shape == (data.n_rows, CLASSES[task])
        assert np.mean(found.argmax(axis=1) == data.y) > 1.4 / CLASSES[task]
    else:
        assert np.corrcoef(found, data.y)[0, 1] > 0.8


@each
def test_small_tables_are_fitted_again_on_all_rows(name: str):
    fitted = fit(name, table("binary", 300))
    assert rounds_kept(fitted.pipeline) == fitted.rounds >= 10


@each
@pytest.mark.parametrize("task", ("multiclass", "regression"))
def test_a_known_number_of_rounds_is_a_plain_fit(name: str, task: str):
    data = table(task)
    fitted = fit(name, data, rounds=7)
    assert rounds_kept(fitted.pipeline) == fitted.rounds == 7
    again = clone(fitted.pipeline).fit(data.X, data.y)
    assert np.array_equal(output(again, data), output(fitted.pipeline, data))


@each
def test_the_clock_ends_training_with_what_there_is(name: str):
    data = table("binary")
    fitted = fit(name, data, seconds=0.0, values={"learning_rate": 0.01})
    assert fitted.rounds == rounds_kept(fitted.pipeline) <= 3
    assert np.isfinite(output(fitted.pipeline, data)).all()


@each
@pytest.mark.parametrize("task", ("binary", "regression"))
def test_the_same_seed_gives_the_same_model(name: str, task: str):
    data = table(task)
    values = {"subsample": 0.6, "colsample_bylevel": 0.7}
    first, second = (fit(name, data, values=values).pipeline for _ in range(2))
    assert np.array_equal(output(first, data), output(second, data))


@each
def test_it_is_plain_and_can_be_fitted_anew(name: str):
    data = table("multiclass")
    fitted = fit(name, data)
    assert b"automl" not in pickle.dumps(fitted.pipeline)
    assert name in check_plain(fitted.pipeline)
    loaded = pickle.loads(pickle.dumps(fitted.pipeline))
    assert np.array_equal(output(loaded, data), output(fitted.pipeline, data))
    anew = clone(fitted.pipeline).set_params(**{f"model__{default_catalog().get(name).rounds}": 5})
    assert np.isfinite(output(anew.fit(data.X, data.y), data)).all()


@each
def test_nothing_is_printed_and_no_file_is_left(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    data = table("binary")
    output(fit(name, data).pipeline, data)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@each
@pytest.mark.parametrize("rounds", (None, 20))
def test_weights_count(name: str, rounds: int | None):
    data = table("binary")
    heavy = replace(data, weights=np.where(data.y == 1, 20.0, 1.0))
    plain, weighted = (output(fit(name, d, rounds=rounds).pipeline, data)[:, 1].mean() for d in (data, heavy))
    assert weighted > plain + 0.1


@each
def test_weights_of_the_stop_set_count(name: str):
    """Half of the stop set has the labels turned round: rows of weight zero must not stop the training."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    y = (X[:, 0] + 0.3 * rng.normal(size=600) > 0).astype(np.int64)
    turned = np.where(np.arange(200) % 2, y[400:], 1 - y[400:])
    honest, weights = Part(X[400:][1::2], y[400:][1::2]), np.arange(200) % 2 + 0.0

    def rounds(stop: Part) -> int:
        data = Dataset(X, y, Task.BINARY, Schema((), Container.ARRAY), np.arange(2))
        component, facts = default_catalog().get(name), replace(facts_of(data), n_columns=3)
        values = component.values({"learning_rate": 0.3}, "binary", categories=False)
        estimator = make(component, values, facts, 0, **{component.rounds: 200})
        return stopper(name)(estimator, Part(X[:400], y[:400]), stop, None, False)

    assert rounds(Part(X[400:], turned, weights)) == rounds(honest) > rounds(Part(X[400:], turned))


@each
@pytest.mark.parametrize("encoder", ("ordinal", "one_hot", "target"))
def test_categories_may_be_missing_or_new(name: str, encoder: str):
    data = table("binary")
    config = Config.of(Step.of(encoder), Step.of(name, **QUICK))
    pipeline = build(config, data.schema, facts_of(data), catalog=default_catalog(), seed=0)
    pipeline.set_params(**{f"model__{default_catalog().get(name).rounds}": 30}).fit(data.X, data.y)
    X = data.X.head(4).assign(city=["atlantis", None, "rome", "oslo"], shop=["s1", None, "nowhere", "s2"])
    assert np.isfinite(pipeline.predict_proba(X)).all()
    rome, oslo = (pipeline.predict_proba(data.X.assign(city=city))[:, 1].mean() for city in ("rome", "oslo"))
    assert rome > oslo + 0.2


@each
def test_categories_reach_the_model_as_such(name: str):
    pipeline = fit(name, table("binary"), rounds=10).pipeline
    if name == "catboost":
        assert list(pipeline[-1].get_cat_feature_indices()) == [0, 1]
    else:
        assert pipeline[-1].get_booster().trees_to_dataframe()["Category"].notna().any()


@each
@pytest.mark.parametrize("task", CLASSES)
def test_sparse_tables_stay_sparse(name: str, task: str):
    data = sparse_table(task)
    fitted = fit(name, data)
    assert scipy.sparse.issparse(fitted.pipeline[:-1].transform(data.X))
    assert np.isfinite(output(fitted.pipeline, data)).all()


@each
def test_a_target_far_from_zero_keeps_its_digits(name: str):
    """In single precision, which both libraries keep labels in, 1e8 and 1e8 + 1 are one number."""
    data = table("regression")
    far = replace(data, y=1e8 + data.y)
    fitted = fit(name, far, values={"learning_rate": 0.1})
    model, prefix = fitted.pipeline[-1], fitted.pipeline[:-1]
    assert fitted.rounds >= 10
    scaled = model.regressor_.predict(prefix.transform(far.X))
    assert np.corrcoef(scaled, data.y)[0, 1] > 0.8
    assert np.allclose(output(fitted.pipeline, far), 1e8 + data.y.mean(), atol=20 * data.y.std())


@each
@pytest.mark.parametrize("task", CLASSES)
@pytest.mark.parametrize("n_models", (1, 2))
def test_members_vote(name: str, task: str, n_models: int):
    data = table(task)
    models = [fit(name, data, rounds=5 + i).pipeline for i in range(n_models)]
    classes = np.arange(CLASSES[task]) if data.task.classifies else None
    ensemble = assemble([(1.0, models)], classes=classes, task=data.task)
    assert ensemble.predict(data.X).shape == (data.n_rows,)
    mean = np.mean([output(model, data) for model in models], axis=0)
    assert np.allclose(output(ensemble, data), mean, atol=1e-6)
    again = clone(ensemble).fit(data.X, data.y)
    assert np.allclose(output(again, data), mean, atol=1e-6)
