"""What one sitting of a run may take and must leave: the user's files, its folds, its models, its data."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import KFold

from automl import AutoClassifier, AutoRegressor
from automl.core import DataError, SettingError
from automl.execute import ProcessExecutor
from automl.search.loop import largest_mb, retained

X, Y = load_iris(return_X_y=True)
X, Y = X[::3], Y[::3]
SETTINGS: dict[str, Any] = {
    "max_trials": 4,
    "include": ["linear", "bayes"],
    "cv": 3,
    "executor": "serial",
    "random_state": 0,
    "verbose": 0,
}


def classifier(**changed: Any) -> AutoClassifier:
    return AutoClassifier(None, **{**SETTINGS, **changed})


@pytest.mark.parametrize("name", ["data", "artifacts", "prepared", "outer"])
def test_a_folder_with_files_of_the_user_is_refused_and_left_alone(tmp_path: Path, name: str):
    (tmp_path / name).mkdir()
    mine = tmp_path / name / "mine.csv"
    mine.write_text("a,b\n")
    for run in (classifier(run_dir=tmp_path), classifier(run_dir=tmp_path, metric="nonsense")):
        with pytest.raises(SettingError, match=name):
            run.fit(X, Y)
    assert mine.read_text() == "a,b\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


class Shuffles:
    """A splitter that cuts other folds every time it is asked."""

    rng = np.random.default_rng(0)

    def get_n_splits(self, *_: Any) -> int:
        return 3

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        return KFold(3, shuffle=True, random_state=int(self.rng.integers(1000))).split(X)


def test_a_splitter_without_a_seed_cuts_the_same_folds_when_a_run_goes_on(tmp_path: Path):
    first = classifier(cv=KFold(3, shuffle=True), run_dir=tmp_path, keep_data=True).fit(X, Y)
    again = AutoClassifier.resume(tmp_path, max_trials=4)
    assert again.estimate_ == first.estimate_


def test_a_splitter_that_cuts_other_folds_is_refused_when_a_run_goes_on(tmp_path: Path):
    classifier(cv=Shuffles(), run_dir=tmp_path, keep_data=True).fit(X, Y)
    with pytest.raises(SettingError, match="cuts other folds"):
        AutoClassifier.resume(tmp_path, max_trials=6)


def test_a_run_that_keeps_its_data_keeps_them_when_it_goes_on(tmp_path: Path):
    classifier(run_dir=tmp_path, keep_data=True).fit(X, Y)
    AutoClassifier.resume(tmp_path, max_trials=5)
    AutoClassifier.resume(tmp_path, max_trials=6, keep_data=False)
    with pytest.raises(SettingError, match="no longer has its table"):
        AutoClassifier.resume(tmp_path, max_trials=7)


def test_a_short_sitting_keeps_what_a_long_one_could_join():
    def candidate(trial: int, loss: float, mb: float) -> Any:
        model, named = SimpleNamespace(family="forest"), SimpleNamespace(id=trial)
        return SimpleNamespace(complete=True, discarded=False, loss=loss, trial=named, artifact_mb=mb, model=model)

    candidates = [candidate(0, 0.1, 40.0), candidate(1, 0.2, 10.0)]
    plan = SimpleNamespace(seconds=5.0, memory_limit_mb=4000.0, candidates=25)
    run: Any = SimpleNamespace(plan=plan, largest_mb=0.0, schedule=SimpleNamespace(candidates=candidates))
    assert [c.trial.id for c in retained(run)] == [1]
    run.largest_mb = largest_mb(25.0, 4000.0)
    assert [c.trial.id for c in retained(run)] == [0, 1]


def test_an_executor_of_the_user_fits_the_table_that_is_given(tmp_path: Path):
    import shutil

    rng = np.random.default_rng(0)
    table, target = rng.normal(size=(120, 3)), rng.normal(size=120)
    with ProcessExecutor(1) as executor:
        for values in (target, table[:, 0]):
            settings = {**SETTINGS, "include": ["linear"], "executor": executor, "run_dir": tmp_path / "run"}
            model = AutoRegressor(None, **settings).fit(table, values)
            shutil.rmtree(tmp_path / "run")
    assert np.corrcoef(model.predict(table), table[:, 0])[0, 1] > 0.99


def fails(y: Any, prediction: Any) -> float:
    if len(np.unique(prediction)) > 1:  # of a constant it is defined
        raise ZeroDivisionError("this metric divides by nothing")
    return 0.0


def test_a_constant_because_everything_failed_is_a_warning_with_the_reason():
    with pytest.warns(UserWarning, match=r"predicts a constant: . of . models failed.*divides by nothing"):
        classifier(metric=fails).fit(X, Y)


def test_other_labels_are_no_table_to_fit_the_members_again_on():
    model = classifier().fit(X, Y)
    with pytest.raises(DataError, match="labels"):
        model.refitted(X, np.where(Y == 0, 3, Y))
    assert np.mean(model.refitted(X, Y).predict(X) == Y) > 0.8


def test_rows_without_weight_before_the_first_cut_are_no_rows_to_fit_on():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(400, 3))
    target = (table[:, 0] + 0.3 * rng.normal(size=400) > 0).astype(int)
    weights = (np.arange(400) >= 150).astype(float)
    model = classifier(cv="auto").fit(table, target, sample_weight=weights, times=np.arange(400))
    assert model.outcome_.trials.get("crashed", 0) == 0
    assert model.estimate_.value > 0.8
    last = (np.arange(400) >= 399).astype(float)
    with pytest.raises(DataError, match="with weight"):
        AutoRegressor(None, **SETTINGS).fit(table, table[:, 0], sample_weight=last, times=np.arange(400))


def test_a_target_far_from_zero_is_scored_as_well_as_one_near_it():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(200, 3))
    target = table[:, 0] + 0.3 * rng.normal(size=200)
    settings = {**SETTINGS, "include": ["linear"]}
    near, far = (AutoRegressor(None, **settings).fit(table, target + offset) for offset in (0.0, 1.7e9))
    assert far.estimate_.value == pytest.approx(near.estimate_.value, rel=0.05)
