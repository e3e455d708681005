"""Columns and targets of tiny units, or at a great distance from zero, say what they would say nearer to it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.metrics import r2_score
from threadpoolctl import threadpool_limits

from automl.core import Config, Fidelity, Status, Step
from automl.data import Dataset, make_dataset
from automl.evaluate import Evaluation, forget_evaluation, make_folds, run_fold, run_refit, save_evaluation
from automl.metrics import get_metric
from automl.pipeline import build
from automl.pipeline.script import Part, write_script
from automl.pipeline.targets import in_own_unit, transformed
from automl.space import build_space, default_catalog, facts_of
from tests.pipeline.test_quantile import evaluation, widening
from tests.pipeline.test_script import assert_same, module

CATALOG = default_catalog()
FAR = [(1e-9, 0.0), (1.0, 1e9)]


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


def unfitted(data: Dataset, *steps: Step) -> Any:
    facts = facts_of(data)
    config = build_space(facts, CATALOG).complete(Config.of(*steps))
    pipeline = build(config, data.schema, facts, catalog=CATALOG, seed=0)
    rounds = CATALOG.get(steps[-1].component).rounds
    for name in pipeline.get_params() if rounds else ():
        if name.endswith(f"__{rounds}") and name.count("part") == 0:
            pipeline.set_params(**{name: 40})
    return pipeline


# ---- targets


def signal(n: int = 240) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n), "c": rng.choice(list("xyz"), n)})
    X["many"] = [f"level {i % 60}" for i in range(n)]
    return X, np.asarray(3 * X["a"] + (X["c"] == "x") + 0.3 * rng.normal(size=n))


TARGETS = [(1e-9, 0.0), (1e-20, 0.0), (1e-5, 0.0), (1.0, 1e8), (1.0, 1e12), (1e20, 0.0)]
REGRESSORS = ["lightgbm", "hist_gradient_boosting", "extra_trees", "gradient_boosting", "adaboost", "ridge"]


@pytest.mark.parametrize(("unit", "offset"), TARGETS)
@pytest.mark.parametrize("model", REGRESSORS)
def test_unit_and_offset_of_the_target_change_hardly_anything(model: str, unit: float, offset: float):
    X, y = signal()

    def explained(unit: float, offset: float) -> float:
        data = make_dataset(X, unit * y + offset, classifies=False)
        encoder = Step.of("one_hot" if model == "ridge" else "ordinal_and_means")
        pipeline = unfitted(data, encoder, Step.of(model)).fit(X[:160], data.y[:160])
        return float(r2_score(y[160:], (pipeline.predict(X[160:]) - offset) / unit))

    assert explained(unit, offset) == pytest.approx(explained(1.0, 0.0), abs=0.01)


@pytest.mark.parametrize("unit", [1e-9, 1e-20])
@pytest.mark.parametrize("target", ["log_target", "quantile_target"])
@pytest.mark.parametrize("model", ["ridge", "lightgbm"])
def test_transforms_of_the_target_know_no_unit(target: str, model: str, unit: float):
    X, y = signal()

    def explained(unit: float) -> float:
        data = make_dataset(X, unit * np.exp(y), classifies=False)
        pipeline = unfitted(data, Step.of(target), Step.of(model)).fit(X[:160], data.y[:160])
        return float(r2_score(y[160:], np.log(pipeline.predict(X[160:]) / unit)))

    assert explained(unit) == pytest.approx(explained(1.0), abs=0.02)


@pytest.mark.parametrize("target", ["log_target", "quantile_target"])
def test_transforms_of_a_target_far_from_zero(target: str):
    X, y = signal()
    data = make_dataset(X, np.exp(y / 3) + 1e12, classifies=False)
    pipeline = unfitted(data, Step.of(target), Step.of("lightgbm")).fit(X, data.y)
    assert r2_score(data.y, pipeline.predict(X)) > 0.6


@pytest.mark.parametrize(("unit", "offset"), [(1e-9, 0.0), (1.0, 1e12)])
def test_a_stack_of_a_target_afar(unit: float, offset: float):
    X, y = signal()
    data = make_dataset(X, unit * y + offset, classifies=False)
    branches = [Config.of(Step.of(name)) for name in ("extra_trees", "knn")]
    pipeline = unfitted(data, Step.of("stack", *branches), Step.of("lightgbm")).fit(X[:160], data.y[:160])
    assert r2_score(y[160:], (pipeline.predict(X[160:]) - offset) / unit) > 0.85


def test_models_of_usual_targets_stay_as_they_were():
    X, y = signal()
    for unit, offset in ((1.0, 0.0), (1e6, 1e9), (1e-2, 0.0)):
        data = make_dataset(X, unit * y + offset, classifies=False)
        assert not facts_of(data).target_afar
        assert not hasattr(unfitted(data, Step.of("lightgbm"))["model"], "regressor")
    assert not hasattr(unfitted(make_dataset(X, 1e-9 * y, classifies=False), Step.of("prior"))["model"], "regressor")


def test_models_of_counts_and_amounts_see_no_negative_target():
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import PoissonRegressor, Ridge

    X = np.random.default_rng(0).normal(size=(200, 2))
    y = 1e-9 * np.exp(X[:, 0])
    for model in (PoissonRegressor(alpha=0.1), HistGradientBoostingRegressor(loss="gamma")):
        assert r2_score(np.log(y), np.log(in_own_unit(model).fit(X, y).predict(X))) > 0.8
    assert_same(in_own_unit(Ridge()), transformed(Ridge(), None))


@pytest.mark.parametrize("model", ["lightgbm", "hist_gradient_boosting"])
def test_boosting_stops_early_on_a_target_afar_and_is_refitted(model: str, tmp_path: Path):
    X, y = widening(1_500, 0)
    rounds = []
    for unit in (1.0, 1e-9):
        data = make_dataset(X, unit * y, classifies=False, weights=1 + X[:, 0])
        (folder := tmp_path / str(unit)).mkdir()
        path, space = evaluation_of(data, folder)
        config = space.complete(Config.of(Step.of(model, learning_rate=0.2)))
        output = run_fold(path, config, 0, Fidelity(), str(folder / "fold.pkl"), None)
        assert output.status is Status.OK, output.error
        rounds.append(output.rounds)
    assert rounds[0] == pytest.approx(rounds[1], abs=5)
    assert run_refit(path, config, str(folder / "refit.pkl"), output.rounds, None).status is Status.OK
    inner = pickle.loads((folder / "refit.pkl").read_bytes())["model"].regressor_
    assert inner.get_params()[CATALOG.get(model).rounds] == output.rounds


def evaluation_of(data: Dataset, folder: Path) -> tuple[str, Any]:
    from automl.data import dump_dataset

    path, folds = folder / "evaluation.pkl", make_folds(data, cv=2)
    metric = get_metric("auto", task="regression", classes=None)
    stored = str(dump_dataset(data, folder / "data"))
    save_evaluation(Evaluation(stored, folds, (metric,), facts_of(data), CATALOG, 0), path)
    forget_evaluation()
    return str(path), build_space(facts_of(data), CATALOG)


def test_a_quantile_of_a_target_afar(tmp_path: Path):
    X, y = widening(1_200, 0)
    data = make_dataset(X, 1e-9 * y, classifies=False)
    path, space = evaluation(tmp_path, 0.9, data)
    config = space.complete(Config.of(Step.of("lightgbm", learning_rate=0.1, num_leaves=8)))
    output = run_fold(path, config, 0, Fidelity(), str(tmp_path / "fold.pkl"), None)
    assert output.status is Status.OK, output.error
    new_X, new_y = widening(2_000, 1)
    predicted = pickle.loads((tmp_path / "fold.pkl").read_bytes()).predict(new_X)
    assert (1e-9 * new_y <= predicted).mean() == pytest.approx(0.9, abs=0.05)


# ---- columns


def checkers(unit: float, offset: float, classes: bool) -> Dataset:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = np.sign(X[:, 0] * X[:, 1]) * np.abs(X).sum(axis=1)
    X[:5, 0] = np.nan
    return make_dataset(unit * X + offset, (y > 0).astype(int) if classes else y, classifies=classes)


@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("model", ["extra_trees", "random_forest", "decision_tree", "gradient_boosting", "bagging"])
def test_trees_see_columns_afar(model: str, classes: bool):
    def score(unit: float, offset: float) -> float:
        data = checkers(unit, offset, classes)
        steps = () if model != "gradient_boosting" else (Step.of("median"),)
        return float(unfitted(data, *steps, Step.of(model)).fit(data.X[:200], data.y[:200]).score(data.X, data.y))

    plain = score(1.0, 0.0)
    assert plain > 0.25
    for unit, offset in FAR:
        assert score(unit, offset) == pytest.approx(plain, abs=0.05)


def test_quantiles_see_columns_of_a_tiny_unit():
    for unit in (1.0, 1e-9):
        data = checkers(unit, 0.0, classes=True)
        prefix = unfitted(data, Step.of("quantile_normal"), Step.of("knn"))[:-1]
        assert len(np.unique(prefix.fit_transform(data.X, data.y)[:, 1])) == 300


@pytest.mark.parametrize("steps", [["extra_trees"], ["lightgbm"], ["quantile_normal", "knn"], ["skew_normal", "knn"]])
def test_usual_columns_are_prepared_as_they_were(steps: list[str]):
    data = checkers(1.0, 1e3, classes=True)
    assert b"near" not in pickle.dumps(unfitted(data, *map(Step.of, steps)))


def test_a_model_that_needs_nothing_brought_near_gets_its_columns_as_they_are():
    data = checkers(1.0, 1e9, classes=True)
    assert np.array_equal(unfitted(data, Step.of("lightgbm"))[:-1].fit_transform(data.X), data.X, equal_nan=True)
    branch = Config.of(Step.of("extra_trees"))
    stacked = unfitted(data, Step.of("stack", branch), Step.of("lightgbm"))[:-1].fit_transform(data.X)
    assert np.nanmax(np.abs(stacked)) < 10, "trees behind it read the same columns"


def test_only_columns_afar_are_changed():
    data = checkers(1.0, 0.0, classes=True)
    X = pd.DataFrame({"far": data.X[:, 0] + 1e9, "heavy": np.exp(20 * data.X[:, 1])})
    far = make_dataset(X, data.y, classifies=True)
    assert [column.afar for column in far.schema.columns] == [True, False]
    seen = unfitted(far, Step.of("extra_trees"))[:-1].fit_transform(X)
    assert np.array_equal(seen[:, 0], X["heavy"]) and np.nanstd(seen[:, 1]) == pytest.approx(1)


def test_sparse_columns_of_a_tiny_unit():
    rng = np.random.default_rng(0)
    X = sparse.random(300, 4, density=0.5, format="csr", random_state=0, data_rvs=rng.standard_normal)
    y = (X[:, [0]].toarray().ravel() > 0).astype(int)
    for unit in (1.0, 1e-9):
        data = make_dataset(unit * X, y, classifies=True)
        assert unfitted(data, Step.of("extra_trees")).fit(data.X, y).score(data.X, y) > 0.95


def test_the_script_holds_what_brings_near():
    X, y = signal()
    X = X.assign(a=X["a"] + 1e9)
    data = make_dataset(X, 1e-9 * y, classifies=False)
    pipeline = unfitted(data, Step.of("extra_trees"))
    source = write_script((Part(pipeline),), about="A model.", schema=data.schema, classes=None, encodes=False)
    assert_same(module(source)["build"](), pipeline)
    assert b"automl" not in pickle.dumps(clone(pipeline).fit(X, data.y))
