"""Models that predict a quantile: about that share of new targets lies below."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from automl.core import Config, Fidelity, Status, Step
from automl.data import Dataset, dump_dataset, make_dataset
from automl.evaluate import Evaluation, forget_evaluation, make_folds, run_fold, run_refit, save_evaluation
from automl.metrics import get_metric
from automl.pipeline.plain import check_plain
from automl.space import Space, build_space, default_catalog, facts_of

MODELS = ("lightgbm", "lightgbm_additive", "hist_gradient_boosting", "gradient_boosting", "quantile", "prior")
OPTIONAL = ("xgboost", "catboost")
FIXED = {"learning_rate": 0.1}  # so that the boosted ones are quick
SMALL = {"lightgbm": {"num_leaves": 8}, "hist_gradient_boosting": {"max_leaf_nodes": 8}, "xgboost": {"max_depth": 3}}


def widening(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Targets whose spread grows with the first column."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(0.0, 4.0, (n, 3))
    return X, X[:, 0] + rng.exponential(0.3 + X[:, 0])


DATA = make_dataset(*widening(4_800, 0), classifies=False)


def quantile_space(level: float, data: Dataset = DATA) -> Space:
    return build_space(replace(facts_of(data), quantile=level), default_catalog())


def evaluation(folder: Path, level: float, data: Dataset = DATA) -> tuple[str, Space]:
    space, metric = quantile_space(level, data), get_metric(f"pinball_{level}", task="regression")
    path = folder / "evaluation.pkl"
    data_path = dump_dataset(data, folder / "data")
    folds = make_folds(data, cv=2)
    save_evaluation(Evaluation(str(data_path), folds, (metric,), space.facts, space.catalog, 0), path)
    forget_evaluation()
    return str(path), space


def config(space: Space, model: str) -> Config:
    names = {h.name for h in space.catalog.get(model).hyperparameters}
    values = {name: value for name, value in FIXED.items() if name in names}
    found = space.complete(Config.of(Step.of(model, **values, **SMALL.get(model, {}))))
    space.check(found)
    return found


@pytest.mark.parametrize("level", [0.1, 0.9])
@pytest.mark.parametrize("model", [*MODELS, *OPTIONAL])
def test_the_share_of_targets_below_is_near_the_level(model: str, level: float, tmp_path: Path):
    if model in OPTIONAL:
        pytest.importorskip(model)
    path, space = evaluation(tmp_path, level)
    output = run_fold(path, config(space, model), 0, Fidelity(), str(tmp_path / "fold.pkl"), None)
    assert output.status is Status.OK, output.error
    pipeline = pickle.loads((tmp_path / "fold.pkl").read_bytes())
    check_plain(pipeline)
    X, y = widening(4_000, 1)
    below = y <= pipeline.predict(X)
    assert below.mean() == pytest.approx(level, abs=0.06)
    if model != "prior":  # also where the spread is small, and where it is large
        for half in (X[:, 0] < 2.0, X[:, 0] >= 2.0):
            assert below[half].mean() == pytest.approx(level, abs=0.09)


@pytest.mark.parametrize("model", ["lightgbm", "hist_gradient_boosting", "xgboost", "catboost"])
def test_rounds_are_chosen_by_the_quantile_loss(model: str, tmp_path: Path):
    """Errors of the mean are all in the upper tail; a stop set judged by them would end at once."""
    if model in OPTIONAL:
        pytest.importorskip(model)
    X, _ = widening(2_400, 0)
    rng = np.random.default_rng(1)
    y = 5.0 * np.sin(3.0 * X[:, 0]) + np.where(rng.random(2_400) < 0.1, 30.0 * rng.pareto(3.0, 2_400), 0.0)
    path, space = evaluation(tmp_path, 0.1, make_dataset(X, y, classifies=False))
    output = run_fold(path, config(space, model), 0, Fidelity(), str(tmp_path / "fold.pkl"), None)
    constant = run_fold(path, config(space, "prior"), 0, Fidelity(), str(tmp_path / "prior.pkl"), None)
    assert output.status is Status.OK and output.rounds is not None and output.rounds >= 10
    assert output.losses["pinball_0.1"] < 0.7 * constant.losses["pinball_0.1"]
    refit = run_refit(path, config(space, model), str(tmp_path / "refit.pkl"), output.rounds, None)
    assert refit.status is Status.OK, refit.error


def test_weights_move_the_constant():
    space = quantile_space(0.5)
    component = space.catalog.get("prior")
    from automl.pipeline.parts import make

    y = np.array([0.0, 1.0, 2.0, 3.0])
    dummy = make(component, {}, space.facts, 0).fit(np.zeros((4, 1)), y, sample_weight=np.array([1.0, 1.0, 1.0, 9.0]))
    assert dummy.predict(np.zeros((1, 1)))[0] == 3.0
