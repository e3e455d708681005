"""What a fitted estimator says of new rows and of its columns: sets, intervals, importances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.metrics import balanced_accuracy_score

import automl
from automl import AutoClassifier, AutoRegressor
from automl.core import DataError, InputError, SchemaError, SettingError, StoreError
from automl.explain.importance import HELD_OUT, NEW, SEEN, UNKNOWN

NAMES = ["signal", "noise", "kind", "same"]


def table(n: int, seed: int) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"signal": rng.normal(size=n), "noise": rng.normal(size=n)})
    frame["kind"] = pd.Categorical(rng.choice(["a", "b", "c"], n))
    frame["same"] = "x"
    value = 2 * frame["signal"] + 1.5 * (frame["kind"] == "a") + rng.normal(size=n)
    return frame, value.rename("y")


FRAME, VALUE = table(240, 0)
NEW_FRAME, NEW_VALUE = table(800, 1)
LABEL = pd.Series(np.where(VALUE > 2, "high", np.where(VALUE < -1, "low", "middle")))
NEW_LABEL = pd.Series(np.where(NEW_VALUE > 2, "high", np.where(NEW_VALUE < -1, "low", "middle")))


def counted(kind: Any, **settings: Any) -> Any:
    settings = {"cv": 3, "max_trials": 3, "include": ["linear", "tree"], **settings}
    return kind(None, executor="serial", random_state=0, verbose=0, **settings)


@pytest.fixture(scope="module")
def classifier() -> AutoClassifier:
    return counted(AutoClassifier).fit(FRAME, LABEL)


@pytest.fixture(scope="module")
def regressor() -> AutoRegressor:
    return counted(AutoRegressor).fit(FRAME, VALUE)


def test_sets_hold_the_label_about_as_often_as_asked(classifier: AutoClassifier):
    sets = classifier.predict_set(NEW_FRAME)
    assert sets.shape == (800, 3) and sets.dtype == bool
    held = sets[np.arange(800), np.searchsorted(classifier.classes_, NEW_LABEL)].mean()
    assert 0.84 < held < 0.96 and sets.any(axis=1).all() and sets.mean() < 0.8
    assert (classifier.predict_set(NEW_FRAME, 0.99) >= sets).all()
    assert (classifier.predict_set(NEW_FRAME.iloc[:5], confidence=0.9) == sets[:5]).all()


def test_intervals_hold_the_value_about_as_often_as_asked(regressor: AutoRegressor):
    ends = regressor.predict_interval(NEW_FRAME)
    assert ends.shape == (800, 2) and (ends[:, 0] < ends[:, 1]).all()
    assert 0.84 < ((ends[:, 0] <= NEW_VALUE) & (NEW_VALUE <= ends[:, 1])).mean() < 0.96
    predicted = regressor.predict(NEW_FRAME)
    assert ((ends[:, 0] <= predicted) & (predicted <= ends[:, 1])).all()
    narrow = regressor.predict_interval(NEW_FRAME, 0.5)
    assert ((ends[:, 0] <= narrow[:, 0]) & (narrow[:, 1] <= ends[:, 1])).all()


def test_they_are_refused_with_a_reason(classifier: AutoClassifier, regressor: AutoRegressor):
    with pytest.raises(SettingError, match="between 0 and 1"):
        regressor.predict_interval(NEW_FRAME, 90)
    with pytest.raises(SettingError, match="needs 9999 rows that were held out, this fit has 240"):
        classifier.predict_set(NEW_FRAME, 0.9999)
    with pytest.raises(SchemaError):
        classifier.predict_set(NEW_FRAME.drop(columns="signal"))


def test_a_fit_without_a_complete_trial_has_nothing_to_calibrate_on(regressor: AutoRegressor, tmp_path: Path):
    again = automl.load(regressor.save(tmp_path / "model"))
    object.__setattr__(again.outcome_, "out_of_fold", None)
    with pytest.raises(InputError, match="no predictions for rows held out: no trial was complete"):
        again.predict_interval(NEW_FRAME)
    assert again.feature_importance(NEW_FRAME, NEW_VALUE, n_repeats=1).attrs["rows"] == NEW


@pytest.mark.parametrize("settings", [{"refit": True}, {"cv": 1}, {"cv": 1, "refit": False}])
def test_refitted_members_and_holdouts(settings: dict[str, Any]):
    model = counted(AutoRegressor, **settings).fit(FRAME, VALUE)
    ends = model.predict_interval(NEW_FRAME)
    assert 0.75 < ((ends[:, 0] <= NEW_VALUE) & (NEW_VALUE <= ends[:, 1])).mean() < 0.99
    rows = model.feature_importance(FRAME, VALUE, n_repeats=1).attrs["rows"]
    assert rows == (HELD_OUT if settings.get("refit") is False else SEEN)


def test_all_of_it_survives_saving(classifier: AutoClassifier, regressor: AutoRegressor, tmp_path: Path):
    loaded = automl.load(classifier.save(tmp_path / "classifier"))
    assert (loaded.predict_set(NEW_FRAME) == classifier.predict_set(NEW_FRAME)).all()
    loaded = automl.load(regressor.save(tmp_path / "regressor"))
    assert (loaded.predict_interval(NEW_FRAME) == regressor.predict_interval(NEW_FRAME)).all()
    before, after = (model.feature_importance(FRAME, VALUE) for model in (regressor, loaded))
    assert before.equals(after) and before.attrs == after.attrs and after.attrs["rows"] == HELD_OUT


def test_what_was_loaded_untrusted_has_no_rows_held_out(regressor: AutoRegressor, tmp_path: Path):
    pytest.importorskip("skops")
    loaded = automl.load(regressor.save(tmp_path / "model", share=True), trusted=False)
    with pytest.raises(StoreError, match="no record of its fit"):
        loaded.predict_interval(NEW_FRAME)
    found = loaded.feature_importance(NEW_FRAME, NEW_VALUE, n_repeats=1)
    assert found["feature"].iloc[0] == "signal" and found.attrs["rows"] == UNKNOWN


def test_importances_of_the_table_of_fit(classifier: AutoClassifier):
    found = classifier.feature_importance(FRAME, LABEL)
    assert list(found.columns) == ["feature", "importance", "standard_error", "low", "high"]
    assert found["feature"].tolist()[:2] == ["signal", "kind"] and set(found["feature"]) == set(NAMES)
    assert found.attrs["rows"] == HELD_OUT and found.attrs["metric"] == "log_loss" and found.attrs["n_rows"] == 240
    by_name = found.set_index("feature")
    assert by_name.loc["signal", "low"] > 0 and (by_name.loc["same", ["importance", "standard_error"]] == 0).all()
    assert abs(by_name.loc["noise", "importance"]) < 0.1 * by_name.loc["signal", "importance"]
    turned = classifier.feature_importance(FRAME[NAMES[::-1]].drop(columns="same"), LABEL)
    assert turned.equals(found)


def test_importances_on_other_rows_say_what_they_are(regressor: AutoRegressor):
    found = regressor.feature_importance(NEW_FRAME, NEW_VALUE, max_rows=300)
    assert found.attrs["rows"] == NEW and found.attrs["n_rows"] == 300
    assert found["feature"].tolist()[:2] == ["signal", "kind"]
    assert regressor.score(NEW_FRAME, NEW_VALUE) < 0 < found.attrs["score"]  # an error in its natural sign
    order = np.random.default_rng(0).permutation(240)
    assert regressor.feature_importance(FRAME.iloc[order], VALUE.iloc[order], n_repeats=1).attrs["rows"] == SEEN
    assert regressor.feature_importance(FRAME.head(150), VALUE.head(150), n_repeats=1).attrs["rows"] == SEEN


def test_scores_of_labels_are_those_of_predict():
    rare = pd.Series(np.where(VALUE > 2.5, "rare", "usual"))
    model = counted(AutoClassifier, metric="balanced_accuracy").fit(FRAME, rare)
    rows, truth = NEW_FRAME.head(39), np.where(NEW_VALUE.head(39) > 2.5, "rare", "usual")
    assert model.outcome_.decision.accepted  # else this says nothing
    found = model.feature_importance(rows, truth, n_repeats=1)  # so few rows are one part
    assert found.attrs["score"] == pytest.approx(balanced_accuracy_score(truth, model.predict(rows)))
    assert model.feature_importance(FRAME, rare, n_repeats=1).attrs["score"] > 0.75
    del model.outcome_  # as it is where it was loaded untrusted
    assert model.feature_importance(rows, truth, n_repeats=1).equals(found)


def test_columns_may_be_chosen_and_joined(regressor: AutoRegressor):
    found = regressor.feature_importance(
        NEW_FRAME, NEW_VALUE, columns=[["signal", "kind"], "noise", "kind"], max_rows=200
    )
    assert found["feature"].tolist() == ["signal + kind", "kind", "noise"]
    whole = regressor.feature_importance(NEW_FRAME, NEW_VALUE, max_rows=200).set_index("feature")
    assert found["importance"].iloc[1] == whole.loc["kind", "importance"]


@pytest.mark.parametrize(
    "wrong", [{"n_repeats": 0}, {"max_rows": 1.5}, {"seconds": 0}, {"columns": ["nothing"]}, {"columns": "signal"}]
)
def test_wrong_arguments_of_importance(regressor: AutoRegressor, wrong: dict[str, Any]):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        regressor.feature_importance(NEW_FRAME, NEW_VALUE, **wrong)


def test_wrong_tables_of_importance(classifier: AutoClassifier):
    with pytest.raises(DataError, match="not seen in fit"):
        classifier.feature_importance(FRAME, LABEL + "er")
    with pytest.raises(DataError, match="rows"):
        classifier.feature_importance(FRAME, LABEL.head(3))


def test_little_time_is_kept(regressor: AutoRegressor):
    found = regressor.feature_importance(NEW_FRAME, NEW_VALUE, seconds=1e-9)
    assert found["importance"].notna().all() and found["standard_error"].isna().sum() == 3  # one part, one repeat


def with_weight(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    return -float(np.average(np.abs(y_true - y_pred), weights=sample_weight))


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_other_containers_metrics_of_one_s_own_and_weights(container: Any):
    X = FRAME[["signal", "noise"]].to_numpy()
    weights = np.where(np.arange(240) % 3, 1.0, 0.5)
    model = counted(AutoRegressor, metric=with_weight, include=["linear"], max_trials=2)
    model.fit(container(X), VALUE, sample_weight=weights)
    found = model.feature_importance(container(X), VALUE)
    assert found["feature"].tolist() == [0, 1] and found.attrs["rows"] == HELD_OUT and found.attrs["score"] < 0
    given = model.feature_importance(container(X), VALUE, sample_weight=weights)
    other = model.feature_importance(container(X), VALUE, sample_weight=np.where(VALUE > 0, 1.0, 0.01))
    assert given.equals(found) and not other.equals(found)
    assert model.predict_interval(container(X[:5])).shape == (5, 2)
