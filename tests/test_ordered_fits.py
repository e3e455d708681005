"""Whole fits in the order of time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold, RepeatedStratifiedKFold, StratifiedGroupKFold

from automl import AutoClassifier, AutoRegressor, BatchFolds, TimeFolds
from automl.cli.console import run
from automl.core import DataError, SettingError
from automl.data import make_dataset
from automl.evaluate import make_folds
from automl.search import continued_session, replay_run
from tests.builders import mixed_frame, mixed_target

N = 240
RNG = np.random.default_rng(0)
FRAME = mixed_frame(N)
LABELS = mixed_target(FRAME, 2)
TIMES = RNG.permutation(N)
BATCH = TIMES // 60
NUMBERS = RNG.normal(size=(N, 3))
# the first trial is a constant; what treats rows by age draws by the number of the fold
RIDGE = {"include": ["ridge"], "exclude": ["recency"], "max_trials": 2, "optimizer": "random"}
FEW = {"include": ["logistic"], "max_trials": 3}


def counted(kind=AutoClassifier, **settings):
    return kind(None, executor="serial", random_state=0, verbose=0, **settings)


def test_on_a_random_walk_shuffled_folds_flatter_and_forward_folds_do_not():
    rng = np.random.default_rng(0)
    y, clock = np.cumsum(rng.normal(size=400)), np.arange(400.0) ** 1.1  # whole numbers would pass for an identifier
    X = clock.reshape(-1, 1)
    settings = {"include": ["knn"], "max_trials": 3, "metric": "neg_root_mean_squared_error"}
    shuffled = counted(AutoRegressor, cv=KFold(5, shuffle=True, random_state=0), **settings).fit(X, y)
    forward = counted(AutoRegressor, **settings).fit(X, y, times=clock)
    folds = make_folds(make_dataset(X, y, classifies=False, times=clock))
    naive = np.mean([np.sqrt(np.mean((y[test] - y[train[-1]]) ** 2)) for train, test in folds.pairs])
    assert abs(shuffled.estimate_.value) < 0.25 * naive  # it looks into the future
    assert abs(forward.estimate_.value) > naive


def test_members_are_fitted_again_on_all_rows_and_the_plan_says_what_stays_out():
    model = counted(**FEW).fit(FRAME, LABELS, times=TIMES)
    plan = model.outcome_.plan
    assert plan.refit and plan.folds == "5 folds in the order of time" and not plan.holdout
    assert all(member.refitted for member in model.outcome_.members)
    assert ("target", "its inner splits would mix past and future") in plan.left_out
    assert len(model.predict(FRAME)) == N


def test_without_refits_the_model_of_the_most_recent_rows_is_delivered():
    y = mixed_target(FRAME, 0)
    last = counted(AutoRegressor, cv=TimeFolds(3), refit=False, **RIDGE).fit(FRAME, y, times=TIMES)
    order = np.argsort(TIMES)
    alone = counted(AutoRegressor, cv=[(np.sort(order[:180]), order[180:])], refit=False, **RIDGE)
    np.testing.assert_array_equal(last.predict(FRAME), alone.fit(FRAME, y, times=TIMES).predict(FRAME))


@pytest.mark.parametrize(
    ("cv", "folds", "refit"),
    [
        (BatchFolds("last_batch"), 1, True),
        ("first_vs_rest", 3, True),
        (RepeatedStratifiedKFold(n_splits=2, n_repeats=2, random_state=0), 4, False),
    ],
)
def test_other_folds(cv, folds, refit):
    plan = counted(cv=cv, **FEW).fit(FRAME, LABELS, times=BATCH).outcome_.plan
    assert (plan.n_folds, plan.refit) == (folds, refit)


def test_stratified_groups():
    cv = StratifiedGroupKFold(3, shuffle=True, random_state=0)
    model = counted(cv=cv, **FEW).fit(FRAME, LABELS, groups=np.arange(N) // 4)
    assert model.outcome_.plan.n_folds == 3


@pytest.mark.parametrize(
    ("times", "says"),
    [
        (np.arange(N - 1), "times has 239"),
        (np.where(np.arange(N) == 3, np.nan, TIMES), "1 missing value"),
        (["soon"] * N, "cannot be ordered"),
        (np.ones(N), "one value only"),
    ],
)
def test_unusable_times_are_refused(times, says):
    with pytest.raises(DataError, match=says):
        counted(**FEW).fit(FRAME, LABELS, times=times)


def test_a_run_is_resumed_and_repeated_with_its_times(tmp_path: Path):
    settings = {"refit": False, "run_dir": tmp_path / "run", "keep_data": True}
    first = counted(**FEW | settings).fit(NUMBERS, LABELS, times=TIMES)
    with continued_session(tmp_path / "run", keep=True) as session:
        dataset = session.dataset()
        assert dataset is not None and session.settings is not None
        again = replay_run(session.settings, dataset, session.earlier, n_jobs=1)
    assert again.differing == ()
    np.testing.assert_array_equal(again.model.predict_proba(NUMBERS), first.pipeline_.predict_proba(NUMBERS))
    del dataset
    with pytest.raises(SettingError, match="the table is another one"):
        AutoClassifier.resume(tmp_path / "run", NUMBERS, LABELS, times=TIMES[::-1], max_trials=4)
    with pytest.raises(SettingError, match="times belong to a table"):
        AutoClassifier.resume(tmp_path / "run", times=TIMES)
    longer = counted(**FEW | {"max_trials": 4, "refit": False}).fit(NUMBERS, LABELS, times=TIMES)
    resumed = AutoClassifier.resume(tmp_path / "run", NUMBERS, LABELS, times=TIMES, max_trials=4)
    np.testing.assert_array_equal(resumed.predict_proba(NUMBERS), longer.predict_proba(NUMBERS))


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("table") / "t.csv"
    moments = pd.Timestamp("2020-01-01") + pd.to_timedelta(TIMES, unit="D")
    FRAME.assign(batch=BATCH, seen=moments.strftime("%d/%m/%Y"), label=LABELS).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(("column", "feature"), [("seen", True), ("batch", False)])
def test_dates_remain_features_and_batches_do_not(table: Path, column: str, feature: bool, capsys):
    assert run(["plan", str(table), "--target", "label", "--times", column, "--trials", "1", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (column in [c["name"] for c in said["columns"]]) is feature
    assert said["plan"]["folds"].endswith("in the order of time")
    assert not {"time_order", "row_order"} & {finding["code"] for finding in said["findings"]}


def test_the_command_line_fits_resumes_and_predicts_with_times(table: Path, tmp_path: Path, capsys):
    out = tmp_path / "model"
    options = ["--times", "batch", "--trials", "1", "--jobs", "1", "--seed", "0", "--include", "logistic", "--quiet"]
    assert run(["fit", str(table), "--target", "label", "--out", str(out), *options]) == 0
    assert run(["resume", str(out), str(table), "--trials", "2", "--quiet"]) == 0
    FRAME.assign(seen="01/01/2021").to_csv(tmp_path / "new.csv", index=False)
    capsys.readouterr()
    assert run(["predict", str(out), str(tmp_path / "new.csv")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == N + 1


def test_times_serve_no_other_purpose(table: Path, capsys):
    assert run(["plan", str(table), "--target", "label", "--times", "label"]) == 2
    assert run(["plan", str(table), "--target", "label", "--times", "bach"]) == 2
    assert "did you mean 'batch'?" in capsys.readouterr().err
