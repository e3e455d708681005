"""Nested cross-validation: what is held out is seen by nothing, and the estimate is of that alone."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import KFold

from automl import AutoClassifier, TimeFolds, load
from automl.data import make_dataset
from automl.evaluate import Held, make_folds
from automl.metrics import get_metric
from automl.search import FitOutcome, Settings, estimate_nested, nested
from automl.search.nested_result import join_folds
from automl.search.outer import outer_folds
from tests.builders import array_dataset, mixed_dataset

CHEAP: dict[str, Any] = {"include": ["linear"], "cv": 2, "executor": "serial", "max_trials": 2}
COUNTED = Settings(None, outer_folds=3, **CHEAP)
X, Y = load_iris(return_X_y=True)
X, Y = X[::3], Y[::3]


def estimator(**settings: Any) -> AutoClassifier:
    return AutoClassifier(None, **{"outer_folds": 3, "random_state": 0, "verbose": 0, **CHEAP, **settings})


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, FitOutcome]]:
    """The table and outcome of every fit, the one on all rows first."""
    seen = []
    original = nested.run_fit

    def recorded(settings: Settings, dataset: Any, **keywords: Any) -> FitOutcome:
        outcome = original(settings, dataset, **keywords)
        seen.append((dataset, outcome))
        return outcome

    monkeypatch.setattr(nested, "run_fit", recorded)
    return seen


# ---- what is held out


@pytest.mark.parametrize("classes", [0, 2])
def test_changing_the_labels_of_an_outer_test_part_changes_no_byte_of_its_model(
    classes: int, fits: list[tuple[Any, FitOutcome]]
):
    dataset = mixed_dataset(100, classes)
    settings = dataclasses.replace(COUNTED, outer_folds=KFold(2), ensemble_size=3)
    if classes:
        settings = dataclasses.replace(settings, include=["lightgbm"], knowledge=False)
    test = outer_folds(dataset, settings).pairs[1][1]
    poisoned = dataset.y.copy()
    poisoned[test] = 1 - poisoned[test] if classes else 50 - 30 * poisoned[test]
    clean = estimate_nested(settings, dataset)
    other = estimate_nested(settings, dataclasses.replace(dataset, y=poisoned))
    models = [pickle.dumps(pickle.loads(pickle.dumps(outcome.model))) for _, outcome in fits]
    assert models[1] == models[3], "the fold that holds them out"
    assert models[0] != models[2], "the fold that trains on them"
    rows = clean.out_of_fold.folds == 1
    np.testing.assert_array_equal(clean.out_of_fold.prediction[rows], other.out_of_fold.prediction[rows])
    assert clean.folds[1].score != other.folds[1].score


def test_columns_are_described_from_training_rows_alone(fits: list[tuple[Any, FitOutcome]]):
    n = 90
    rng = np.random.default_rng(0)
    signal = rng.normal(size=n)
    only_held_out = np.where(np.arange(n) < 30, rng.normal(size=n), 7.0)
    dataset = make_dataset(
        np.column_stack([signal, only_held_out, signal > 0]), signal > 0.1, classifies=True, column_kinds={2: "numeric"}
    )
    estimate_nested(dataclasses.replace(COUNTED, outer_folds=KFold(3)), dataset)
    kinds = [[str(column.kind) for column in part.schema.columns] for part, _ in fits]
    assert kinds[0] == ["numeric", "constant", "numeric"], "the kind that was asked for stays"
    assert kinds[1][1] == "numeric"


def test_groups_are_whole_and_ordered_folds_look_back(fits: list[tuple[Any, FitOutcome]]):
    groups = np.repeat(np.arange(20), 6)
    result = estimate_nested(COUNTED, array_dataset(120, groups=groups))
    assert result.description == "3 group folds"
    held = result.out_of_fold
    assert held.groups is not None
    for part, fold in zip([part for part, _ in fits], result.folds, strict=True):
        assert not set(part.groups.tolist()) & set(held.groups[held.folds == fold.fold].tolist())
    fits.clear()
    times = np.random.default_rng(0).permutation(120)
    dataset = array_dataset(120, times=times)
    result = estimate_nested(dataclasses.replace(COUNTED, cv=TimeFolds(2, gap=5)), dataset)
    held = result.out_of_fold
    assert len(result.folds) == 3
    for part, fold in zip([part for part, _ in fits], result.folds, strict=True):
        assert part.times.max() + 5 < times[held.rows[held.folds == fold.fold]].min(), "the gap of the inner folds"


def test_rare_classes_stay_in_training_and_are_counted_as_unscored(fits: list[tuple[Any, FitOutcome]]):
    labels = np.array(["a", "b"] * 30 + ["rare"] * 2)
    result = estimate_nested(
        COUNTED, make_dataset(np.random.default_rng(0).normal(size=(62, 3)), labels, classifies=True)
    )
    assert result.estimate.n_unscored == 2 and result.estimate.n_rows == 60
    assert all((part.y == 2).sum() == 2 and part.n_classes == 3 for part, _ in fits)


def test_weights_of_zero_count_for_nothing():
    dataset = array_dataset(90, classes=0)
    weights = np.ones(90)
    weights[::7] = 0.0
    settings = dataclasses.replace(COUNTED, outer_folds=KFold(3))
    far = dataset.y.copy()
    far[::7] += 100.0
    one, other = (
        estimate_nested(settings, dataclasses.replace(dataset, y=y, weights=weights)) for y in (dataset.y, far)
    )
    assert one.estimate.value == pytest.approx(other.estimate.value, rel=1e-6)


# ---- the estimate


@pytest.fixture(scope="module")
def whole() -> AutoClassifier:
    return estimator().fit(X, Y)


def test_the_estimate_is_that_of_the_outer_folds(whole: AutoClassifier):
    result = whole.outcome_.nested
    assert whole.estimate_ == result.estimate != whole.outcome_.estimate
    assert whole.estimate_.label == "nested cross-validation of the whole procedure, 3 outer folds"
    assert whole.estimate_.n_rows == len(Y) == sum(fold.n_test for fold in result.folds)
    low, high = whole.estimate_.interval
    assert low < whole.estimate_.value < high
    shares = [fold.n_test / len(Y) for fold in result.folds]
    assert whole.estimate_.value == pytest.approx(np.average([f.score for f in result.folds], weights=shares))


def test_the_model_is_that_of_a_fit_without_outer_folds(whole: AutoClassifier):
    alone = estimator(outer_folds=None).fit(X, Y)
    np.testing.assert_array_equal(alone.predict_proba(X), whole.predict_proba(X))
    assert alone.outcome_.nested is None and alone.estimate_ == alone.outcome_.estimate


def test_evaluate_says_the_same_and_leaves_the_estimator_alone(whole: AutoClassifier):
    model = estimator(outer_folds=None)
    result = model.evaluate(X, Y, outer_folds=3)
    assert result.estimate == whole.estimate_ and result.stopped == "complete"
    assert not [name for name in vars(model) if name.endswith("_")]


def test_it_is_kept_with_the_model(whole: AutoClassifier, tmp_path: Path):
    read = load(whole.save(tmp_path / "model.automl"))
    assert read.estimate_ == whole.estimate_
    assert read.outcome_.nested.folds == whole.outcome_.nested.folds


def test_it_is_the_same_for_any_number_of_workers(whole: AutoClassifier):
    parallel = estimator(executor="process", n_jobs=2).fit(X, Y)
    assert parallel.estimate_ == whole.estimate_
    np.testing.assert_array_equal(parallel.outcome_.nested.out_of_fold.rows, whole.outcome_.nested.out_of_fold.rows)


def test_labels_that_tell_nothing_score_like_chance():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(120, 30))
    labels = rng.permutation(np.repeat([0, 1], 60))
    model = estimator(max_trials=3, metric="roc_auc").fit(noise, labels)
    assert abs(model.estimate_.value - 0.5) < 2.5 * model.estimate_.standard_error
    assert 0.02 < model.estimate_.standard_error < 0.1


def test_a_metric_of_labels_sees_what_the_model_decides(monkeypatch: pytest.MonkeyPatch):
    class Decided:
        """Says "b" whenever that is not out of the question."""

        def __init__(self, model: Any) -> None:
            self.model = model

        def predict_proba(self, table: Any) -> Any:
            return self.model.predict_proba(table)

        def predict(self, table: Any) -> Any:
            return np.where(self.predict_proba(table)[:, 1] > 0.0, "b", "a")

    original = nested.run_fit

    def decided(*arguments: Any, **keywords: Any) -> FitOutcome:
        outcome = original(*arguments, **keywords)
        return dataclasses.replace(outcome, decision_model=Decided(outcome.model))

    monkeypatch.setattr(nested, "run_fit", decided)
    labels = np.array(["a"] * 60 + ["b"] * 30)
    dataset = make_dataset(np.random.default_rng(0).normal(size=(90, 2)), labels, classifies=True)
    result = estimate_nested(dataclasses.replace(COUNTED, metric="accuracy", report=("roc_auc",)), dataset)
    assert result.estimate.value == pytest.approx(1 / 3)
    assert [estimate.metric for estimate in result.reported] == ["roc_auc"]


def test_other_metrics_are_estimated_by_the_outer_folds_too():
    model = estimator(max_trials=2, report=["accuracy"], outer_folds=2).fit(X, Y)
    nested = model.outcome_.nested
    assert model.estimates_ == {model.estimate_.metric: model.estimate_, "accuracy": nested.reported[0]}
    assert nested.reported[0] != model.outcome_.estimates["accuracy"]
    told = next(event.data for _, event in model._journal.read() if event.kind == "finished")
    assert told["estimates"]["accuracy"]["value"] == nested.reported[0].value


def test_rows_that_follow_each_other_vary_together():
    n = 400
    rows = np.arange(n)
    y = np.sign(np.sin(rows / 15.0))
    times = make_dataset(np.random.default_rng(0).normal(size=(n, 2)), y, classifies=False, times=rows)
    outer = make_folds(times, cv=4)
    rmse = get_metric("rmse", task="regression")
    done = {fold: (None, Held(0.5 * np.ones(len(test)))) for fold, (_, test) in enumerate(outer.pairs) if fold != 1}
    alike = join_folds(times, (rmse,), outer, done, 0).estimate
    apart = join_folds(times, (rmse,), dataclasses.replace(outer, forward=False), done, 0).estimate
    assert alike.value == apart.value and alike.standard_error > 1.5 * apart.standard_error


def test_a_metric_of_the_users_own_and_an_error_in_it():
    def own(truth: Any, prediction: Any) -> float:
        return float(np.mean(truth == prediction))

    result = estimator(metric=own).evaluate(X, Y, outer_folds=2)
    assert result.estimate.metric == "own" and 0.5 < result.estimate.value <= 1.0


def test_rows_held_out_several_times_vary_together():
    from sklearn.model_selection import RepeatedKFold

    dataset = array_dataset(60, classes=0)
    once = estimate_nested(dataclasses.replace(COUNTED, outer_folds=KFold(3, shuffle=True, random_state=0)), dataset)
    many = estimate_nested(
        dataclasses.replace(COUNTED, outer_folds=RepeatedKFold(n_splits=3, n_repeats=3, random_state=0)), dataset
    )
    assert many.estimate.n_rows == 180
    assert many.estimate.standard_error > 0.7 * once.estimate.standard_error, "not a third as for so many rows"
