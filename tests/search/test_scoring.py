"""The optimised metric, and those that are reported beside it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import average_precision_score, make_scorer, mean_pinball_loss, roc_auc_score

import automl
from automl import AutoClassifier, AutoRegressor
from automl.cli.console import run
from automl.core import Result, SettingError
from automl.data import make_dataset
from automl.search import Settings, continued_session, replay_run, resolve
from automl.search.scoring import resolve_metrics
from tests.search.test_resume import Died, die_after

X, Y = load_iris(return_X_y=True)
X, Y = X[::3], Y[::3]
COUNTED = {"max_trials": 5, "include": ["linear", "bayes"], "cv": 3, "executor": "serial"}


def classifier(**settings) -> AutoClassifier:
    return AutoClassifier(None, random_state=0, verbose=0, **{**COUNTED, **settings})


def rare_first(n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    return X, np.where(X[:, 0] + 0.5 * rng.normal(size=n) < -1.8, "bad", "good")


def score(y_true, y_pred):
    return float(np.mean(y_true == y_pred))


def broken(y_true, y_pred):
    raise ValueError("no such thing")


# ---- auto


def test_auto_ranks_the_rarer_class_and_keeps_to_it_in_every_later_score(tmp_path: Path):
    X, y = rare_first()
    assert 0.02 < (y == "bad").mean() < 0.1
    model = classifier().fit(X, y)
    assert model.outcome_.plan.metric == model.estimate_.metric == "average_precision"
    assert "class bad is rare" in model.outcome_.plan.metric_why
    balanced = np.concatenate([np.flatnonzero(y == "bad"), np.flatnonzero(y == "good")[:12]])
    bad = model.predict_proba(X[balanced])[:, 0]
    expected = average_precision_score(y[balanced] == "bad", bad)
    assert expected != pytest.approx(average_precision_score(y[balanced] == "good", 1 - bad))
    assert model.score(X[balanced], y[balanced]) == pytest.approx(expected)
    again = automl.load(model.save(tmp_path / "model.automl"))
    assert again.score(X[balanced], y[balanced]) == pytest.approx(expected)
    board = model.leaderboard()
    assert (board["score"].dropna() > 0).all() and board["metric"].unique().tolist() == ["average_precision"]


def test_auto_of_a_table_without_a_rare_class():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    y = (X[:, 0] > 0).astype(int)
    model = classifier(max_trials=2).fit(X, y)
    assert model.outcome_.plan.metric == "roc_auc" and "two classes" in model.outcome_.plan.metric_why
    assert model.score(X[y == 1][:3], y[y == 1][:3]) != model.score(X, y)  # not defined for one class
    assert model.score(X, y) == pytest.approx(roc_auc_score(y, model.predict_proba(X)[:, 1]))
    named = resolve(make_dataset(X, y, classifies=True), Settings(None, "roc_auc", max_trials=1))
    assert named.plan.metric_why == ""


def test_plan_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    X, y = rare_first()
    pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y).to_csv(tmp_path / "table.csv", index=False)
    command = ["plan", str(tmp_path / "table.csv"), "--target", "y", "--report", "mcc", "--report", "ks"]
    assert run(command) == 0
    said = capsys.readouterr().out
    share = f"{(y == 'bad').mean():.2%}"
    assert f"average_precision (class bad is rare: {share} of the rows, less than 10%)" in said
    assert re.search(r"\nreport +matthews_corrcoef, ks\n", said)
    assert run([*command, "--report", "f2"]) == 2
    assert "report: there is no metric 'f2'" in capsys.readouterr().err


# ---- report


def test_reported_metrics_are_columns_of_the_leaderboard():
    one = classifier(metric="log_loss", report=["accuracy", "log_loss", "brier_score", "top_2_accuracy"]).fit(X, Y)
    other = classifier(metric="accuracy").fit(X, Y)
    board, wanted = (m.leaderboard().dropna(subset="rank").set_index("configuration") for m in (one, other))
    assert list(one.leaderboard().columns[-3:]) == ["accuracy", "brier_score", "top_2_accuracy"]
    shared = board.index.intersection(wanted.index)
    shared = shared[board.loc[shared, "trial"].notna()]
    assert len(shared) >= 4
    np.testing.assert_allclose(board.loc[shared, "accuracy"], wanted.loc[shared, "score"])
    assert (board.loc[shared, "top_2_accuracy"] >= board.loc[shared, "accuracy"]).all()
    assert one.outcome_.plan.report == ("accuracy", "brier_score", "top_2_accuracy")
    assert pd.isna(one.leaderboard().loc[0, "accuracy"])  # of the ensemble, not a mean over folds


def test_reporting_changes_no_result():
    plain, more = classifier().fit(X, Y), classifier(report=["accuracy", "f1_macro"]).fit(X, Y)
    np.testing.assert_array_equal(plain.predict_proba(X), more.predict_proba(X))
    assert plain.estimate_ == more.estimate_


def test_a_resumed_run_reports_the_same(tmp_path: Path):
    settings = {"metric": "log_loss", "report": ["accuracy", "roc_auc_ovo"]}  # both sort around it
    whole = classifier(**settings, run_dir=tmp_path / "whole").fit(X, Y)
    for n in (9, 14):
        folder = tmp_path / str(n)
        with pytest.MonkeyPatch.context() as patch:
            die_after(patch, n)
            with pytest.raises(Died):
                classifier(**settings, run_dir=folder).fit(X, Y)
        resumed = AutoClassifier.resume(folder, verbose=0)
        columns = ["trial", "score", "score_sd", "accuracy", "roc_auc_ovo"]
        pd.testing.assert_frame_equal(resumed.leaderboard()[columns], whole.leaderboard()[columns])


def test_a_replay_compares_what_was_reported(tmp_path: Path):
    classifier(report=["accuracy"], max_trials=3, run_dir=tmp_path / "run", keep_data=True).fit(X, Y)
    with continued_session(tmp_path / "run", keep=True) as session:
        repeated = replay_run(session.settings, session.dataset(), session.earlier, n_jobs=1)
    assert repeated.differing == ()


def test_names_never_clash():
    data = make_dataset(X, Y, classifies=True)
    report = [lambda y, p: 0.0, lambda y, p: 1.0, "acc", score, score, "log_loss", "accuracy"]
    metrics = resolve_metrics(data, "auto", report)
    assert [m.name for m in metrics] == ["log_loss", "custom", "custom_2", "accuracy", "score"]
    board = classifier(max_trials=2, report=[score, "accuracy"]).fit(X, Y).leaderboard()
    assert board.loc[1, "score_reported"] == pytest.approx(board.loc[1, "accuracy"])
    assert board.loc[1, "metric"] == "log_loss"


def test_a_reported_metric_that_fails_costs_no_trial():
    model = classifier(max_trials=3, report=[broken, "accuracy"]).fit(X, Y)
    board = model.leaderboard()
    assert set(board["status"]) == {"ok"} and board["broken"].isna().all() and board["accuracy"].notna().sum() == 3
    folds = [event.data for _, event in model._journal.read() if event.kind == "fold"]
    assert all("metric broken could not be reported: ValueError: no such thing" in fold["error"] for fold in folds)
    assert model.failures().empty


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ("accuracy", "give a list of metrics"),
        (None, "give a list of metrics"),
        (["accuracy", "acuracy"], "report: there is no metric 'acuracy'; did you mean accuracy"),
        (["rmse"], "report: metric 'rmse' is for regression"),
        ([3], "report: metric must be one name"),
        (["top_3_accuracy"], "1 for every model"),
    ],
)
def test_refusals(report, said):
    with pytest.raises(SettingError, match=said):
        classifier(report=report).fit(X, Y)


def test_a_reported_metric_must_be_defined_on_the_target():
    y = np.linspace(-1.0, 1.0, len(X))
    with pytest.raises(SettingError, match="report: metric 'root_mean_squared_log_error' is not defined"):
        AutoRegressor(None, max_trials=1, report=["rmsle"], verbose=0).fit(X, y)


# ---- quantiles


def test_a_run_that_predicts_a_quantile(tmp_path: Path):
    rng = np.random.default_rng(0)

    def table(n):
        X = rng.uniform(0.0, 4.0, (n, 2))
        return X, X[:, 0] + rng.exponential(0.3 + X[:, 0])

    X, y = table(1_200)
    new_X, new_y = table(4_000)
    settings = {"max_trials": 6, "cv": 3, "executor": "serial", "report": ["rmse"]}
    model = AutoRegressor(None, metric="quantile_0.9", random_state=0, verbose=0, **settings).fit(X, y)
    below = new_y <= model.predict(new_X)
    assert below.mean() == pytest.approx(0.9, abs=0.04)
    assert below[new_X[:, 0] < 2].mean() == pytest.approx(0.9, abs=0.06)
    plan = model.outcome_.plan
    assert plan.metric == "pinball_0.9" and ("knn", "predicts no quantiles") in plan.left_out
    assert model.score(new_X, new_y) == pytest.approx(-mean_pinball_loss(new_y, model.predict(new_X), alpha=0.9))
    scorer = make_scorer(mean_pinball_loss, greater_is_better=False, alpha=0.9)
    resolved = resolve(make_dataset(X, y, classifies=False), Settings(None, scorer, max_trials=6, cv=3))
    assert (resolved.facts.quantile, resolved.plan.models) == (0.9, plan.models)
    model.export(tmp_path / "export")


def test_a_metric_that_always_fails_is_refused_after_the_first_models(monkeypatch: pytest.MonkeyPatch):
    ended: list[Result] = []
    monkeypatch.setattr("automl.search.loop.announce", lambda run, result: ended.append(result))
    with pytest.raises(SettingError, match=r"metric broken failed: ValueError: no such thing; so it did for each"):
        classifier(metric=broken, max_trials=30).fit(X, Y)
    assert 0 < len(ended) < 10


def test_a_metric_that_fails_on_some_models_ends_nothing():
    def particular(y_true: np.ndarray, y_pred: np.ndarray) -> float:
        if len(np.unique(y_pred)) == 1:  # a constant
            raise ValueError("not defined")
        return score(y_true, y_pred)

    assert classifier(metric=particular).fit(X, Y).score(X, Y) > 0.9
