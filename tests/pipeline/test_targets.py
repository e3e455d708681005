"""Targets of a regression, transformed."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from automl.core import Config, Fidelity, Status, Step
from automl.data import Dataset, Task, dump_dataset, make_dataset
from automl.evaluate import (
    Evaluation,
    forget_evaluation,
    load_evaluation,
    make_folds,
    run_fold,
    run_refit,
    save_evaluation,
)
from automl.metrics import get_metric
from automl.pipeline import build
from automl.pipeline.targets import bounded_target, log_target, quantile_target, transformed
from automl.space import Facts, build_space, default_catalog, facts_of

CATALOG = default_catalog()
EACH_TARGET = pytest.mark.parametrize("target", ["log_target", "quantile_target"])
FACTS = Facts(Task.REGRESSION, 400, 3, n_numeric=3)
PARTS = {
    "log": log_target(),
    "almost pure log": log_target(1000.0),
    "almost none": log_target(0.1),
    "quantiles": quantile_target(FACTS, 0),
}


def lognormal(n: int = 400) -> Dataset:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    return make_dataset(X, np.exp(2 * X[:, 0] + X[:, 1] + 0.3 * rng.normal(size=n)), classifies=False)


def fitted(data: Dataset, *steps: Step, **fit: object) -> object:
    facts = facts_of(data)
    space = build_space(facts, CATALOG)
    config = space.complete(Config.of(*steps))
    space.check(config)
    pipeline = build(config, data.schema, facts, catalog=CATALOG, seed=0)
    rounds = CATALOG.get(steps[-1].component).rounds
    if rounds:
        inner = next(name for name in pipeline.get_params() if name.endswith(f"__{rounds}"))
        pipeline.set_params(**{inner: 50})
    return pipeline.fit(data.X, data.y, **fit)


def targets(kind: str) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    return X, {
        "log-normal": np.exp(3 * X[:, 0]),
        "counts": rng.poisson(np.exp(X[:, 0])).astype(float),
        "mostly zero": np.where(X[:, 1] < 1.3, 0.0, np.exp(X[:, 0])),
        "constant": np.full(400, 5.0),
        "tiny": 1e-9 * np.exp(2 * X[:, 0]),
        "huge": 1e200 * np.exp(2 * X[:, 0]),
        "power law": rng.random(400) ** -3,
    }[kind]


@pytest.mark.parametrize("kind", ["log-normal", "counts", "mostly zero", "constant", "tiny", "huge", "power law"])
@pytest.mark.parametrize("part", PARTS)
def test_wild_predictions_come_back_to_the_range_of_the_target(part: str, kind: str):
    X, y = targets(kind)
    model = transformed(LinearRegression(), clone(PARTS[part])).fit(X, y)
    wild = model.predict(np.vstack([X * 1e9, X]))
    assert np.isfinite(wild).all()
    assert wild.min() >= y.min() * (1 - 1e-9)
    assert wild.max() <= 20 * y.max()
    there_and_back = model.transformer_.inverse_transform(model.transformer_.transform(y.reshape(-1, 1)))
    assert np.allclose(there_and_back.ravel(), y, rtol=1e-6, atol=1e-9 * y.max())


@EACH_TARGET
@pytest.mark.parametrize("model", ["ridge", "elastic_net", "lightgbm"])
def test_target_transforms_are_public_parts_and_can_be_fitted_again(target: str, model: str):
    data = lognormal(200)
    pipeline = fitted(data, Step.of(target), Step.of(model))
    content = pickle.dumps(pipeline)
    assert b"automl" not in content
    expected = pipeline.predict(data.X)
    assert np.array_equal(pickle.loads(content).predict(data.X), expected)
    assert np.array_equal(clone(pipeline).fit(data.X, data.y).predict(data.X), expected)


@EACH_TARGET
def test_a_linear_model_of_a_log_normal_target_wins(target: str):
    data = lognormal(1000)
    train = data.rows(np.arange(600))

    def explained(*steps: Step) -> float:
        facts = facts_of(train)
        config = build_space(facts, CATALOG).complete(Config.of(*steps))
        pipeline = build(config, train.schema, facts, catalog=CATALOG, seed=0).fit(train.X, train.y)
        return float(r2_score(data.y[600:], pipeline.predict(data.X[600:])))

    assert explained(Step.of(target), Step.of("ridge")) > explained(Step.of("ridge")) + 0.1


@EACH_TARGET
def test_labels_outside_the_training_part_change_nothing(target: str):
    data = lognormal()
    poisoned = replace(data, y=np.where(np.arange(400) < 300, data.y, -50 * data.y))
    config = Config.of(Step.of(target), Step.of("lightgbm"))
    one, other = (
        build(config, d.schema, facts_of(d), catalog=CATALOG, seed=0).set_params(model__regressor__n_estimators=20)
        for d in (data, poisoned)
    )
    first, second = (
        pickle.dumps(pipeline.fit(d.X[:300], d.y[:300])) for pipeline, d in ((one, data), (other, poisoned))
    )
    assert first == second


def test_boosting_of_a_transformed_target_has_rounds_generously():
    data = lognormal()
    config = Config.of(Step.of("log_target"), Step.of("lightgbm", learning_rate=0.05))
    pipeline = build(config, data.schema, facts_of(data), catalog=CATALOG, seed=0)
    assert pipeline["model"].regressor.get_params()["n_estimators"] >= 2000


def test_weights_reach_the_model():
    data = lognormal()
    half = np.arange(400) < 200
    halved = fitted(data, Step.of("log_target"), Step.of("lightgbm"), model__sample_weight=np.where(half, 1.0, 1e-9))
    plain = fitted(data, Step.of("log_target"), Step.of("lightgbm"))
    assert not np.allclose(halved.predict(data.X), plain.predict(data.X), rtol=0.05)


@pytest.fixture
def evaluation(tmp_path: Path) -> str:
    data = lognormal(1500)
    metric = get_metric("auto", task="regression", classes=None)
    folds = make_folds(data, cv=3)
    path = dump_dataset(data, tmp_path / "data")
    save_evaluation(
        Evaluation(str(path), folds, (metric,), facts_of(data, 60.0), CATALOG, 0), tmp_path / "evaluation.pkl"
    )
    forget_evaluation()
    return str(tmp_path / "evaluation.pkl")


@EACH_TARGET
@pytest.mark.parametrize("model", ["lightgbm", "hist_gradient_boosting"])
def test_boosting_stops_early_on_the_transformed_target(evaluation: str, target: str, model: str, tmp_path: Path):
    data = lognormal(1500)
    config = Config.of(Step.of(target), Step.of(model, learning_rate=0.2))
    output = run_fold(evaluation, config, 0, Fidelity(), str(tmp_path / "fold.pkl"), None)
    assert output.status is Status.OK, output.error
    assert output.rounds is not None and 5 <= output.rounds < 450
    test = load_evaluation(evaluation)[0].folds.pairs[0][1]
    logarithms = np.log(np.maximum(output.prediction, 1e-9)), np.log(data.y[test])
    assert r2_score(*reversed(logarithms)) > 0.8, "predictions are on the scale of the target"
    refit = run_refit(evaluation, config, str(tmp_path / "refit.pkl"), output.rounds, None)
    assert refit.status is Status.OK, refit.error
    inner = pickle.loads((tmp_path / "refit.pkl").read_bytes())["model"].regressor_
    assert inner.get_params()[CATALOG.get(model).rounds] == output.rounds


def in_proportion() -> Dataset:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.uniform(0, 10, 300), "z": rng.uniform(0, 10, 300)})
    return make_dataset(X, np.asarray(3 * X["x"] + rng.normal(size=300)), classifies=False)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("model", [model.name for model in build_space(facts_of(in_proportion()), CATALOG).models])
def test_no_regressor_runs_away_where_a_value_is_out_of_all_proportion(model: str):
    data = in_proportion()
    fit = fitted(data, *build_space(facts_of(data), CATALOG).default(model).steps)
    wild = fit.predict(pd.DataFrame({"x": [-1e6, 1e6], "z": 5.0}))
    reach = 0.5 * np.ptp(data.y) + 1e-6
    assert data.y.min() - reach <= wild.min() and wild.max() <= data.y.max() + reach
    if model != "prior":
        usual = np.sqrt(np.mean((fit.predict(data.X) - data.y) ** 2))
        assert usual < 0.5 * data.y.std(), "usual rows are predicted as ever"


def test_a_trend_in_time_goes_on():
    t = np.arange(200.0)[:, None]
    ahead, trend = [[350.0], [600.0]], [1_050.0, 1_800.0]
    usual = transformed(LinearRegression(), bounded_target()).fit(t, 3 * t[:, 0])
    in_time = transformed(LinearRegression(), bounded_target(in_time=True)).fit(t, 3 * t[:, 0])
    assert usual.predict(ahead).max() < 900 and in_time.predict(ahead) == pytest.approx(trend)
    data = make_dataset(pd.DataFrame(t, columns=["t"]), 3 * t[:, 0], classifies=False)
    step = build_space(facts_of(data), CATALOG).default("ridge").steps[-1:]
    assert "'a_max': 1.5" in repr(fitted(data, *step)["model"].get_params())
    timed = fitted(replace(data, times=pd.Series(t[:, 0])), *step)
    assert "'a_max': 4.0" in repr(timed["model"].get_params())
