"""Outer folds: how the time is shared, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import KFold, PredefinedSplit

from automl import AutoClassifier, AutoRegressor, KnowledgeBase
from automl.core import Budget, SettingError
from automl.metrics import get_metric
from automl.search import FitOutcome, Settings, nested, resolve, run_nested
from automl.search.outer import fold_seconds, fold_settings, settings_of_final, share_seconds
from tests.builders import array_dataset

CHEAP: dict[str, Any] = {"include": ["linear"], "cv": 2, "executor": "serial", "max_trials": 2}
COUNTED = Settings(None, outer_folds=3, **CHEAP)
X, Y = load_iris(return_X_y=True)
X, Y = X[::3], Y[::3]


def estimator(**settings: Any) -> AutoClassifier:
    return AutoClassifier(None, **{"outer_folds": 3, "random_state": 0, "verbose": 0, **CHEAP, **settings})


# ---- time


@pytest.mark.parametrize("slowness", [0.5, 1.0, 1.4])
def test_outer_folds_share_what_is_left_and_end_in_time(slowness: float):
    total, folds, scoring, now = 60.0, 5, 0.3, 0.0
    share = share_seconds(total, folds + 1)
    assert share == 10.0
    given = []
    now += share
    for waiting in range(folds, 0, -1):
        seconds = fold_seconds(total - now, waiting, share, scoring)
        if seconds is not None:
            given.append(seconds)
            now += slowness * seconds + scoring if waiting > 1 else seconds + scoring
    assert now <= total + 1e-9
    assert max(given) <= share and min(given) >= 0.5 * share
    assert len(given) == folds if slowness <= 1 else len(given) >= 3


def test_a_fold_without_time_is_not_begun():
    assert fold_seconds(4.0, 1, 10.0, 0.0) is None
    assert fold_seconds(12.0, 5, 10.0, 0.5) == 5.5, "two of five"
    assert share_seconds(None, 6) is None
    with pytest.raises(SettingError, match="shared among 6 fits, 0.5 s for each; give at least 6 s"):
        share_seconds(3.0, 6)


def test_the_plan_is_that_of_the_share(tmp_path: Path):
    dataset = array_dataset(100)
    settings = dataclasses.replace(COUNTED, time_budget=120.0, max_trials=None)
    plan = resolve(dataset, settings).plan
    assert plan.seconds == 30.0 and plan.outer == "3 folds, stratified"
    alone = dataclasses.replace(settings, outer_folds=None)
    assert settings_of_final(dataset, alone) == (alone, None)
    assert resolve(dataset, alone).plan.outer is None


def test_every_fit_of_a_timed_run_gets_a_share(monkeypatch: pytest.MonkeyPatch):
    now = [100.0]
    given = []
    original = nested.run_fit

    def recorded(settings: Settings, dataset: Any, *, budget: Budget, **keywords: Any) -> FitOutcome:
        given.append((settings.time_budget, settings.outer_folds, round(budget.remaining(), 6)))
        counted = dataclasses.replace(settings, time_budget=None, outer_folds=None, max_trials=2)
        outcome = original(counted, dataset, **keywords)
        now[0] += budget.remaining()
        return outcome

    monkeypatch.setattr(nested, "run_fit", recorded)
    monkeypatch.setattr(nested, "SCORING_SHARE", 0.1)
    settings = dataclasses.replace(COUNTED, time_budget=40.0, max_trials=None)
    outcome = run_nested(settings, array_dataset(60), budget=Budget(40.0, 100.0, lambda: now[0]))
    assert given[0] == (40.0, 3, 10.0), "resolved to a share"
    assert {(seconds, outer) for seconds, outer, _ in given[1:]} == {(10.0, None)}
    assert all(5.0 <= seconds <= 10.0 for *_, seconds in given[1:]) and len(given) == 4
    assert now[0] <= 140.0
    assert outcome.nested is not None and outcome.nested.stopped == "complete"


@pytest.mark.parametrize("slow", ["all rows", "folds"])
def test_what_is_late_takes_time_from_later_folds_only(monkeypatch: pytest.MonkeyPatch, slow: str):
    now, fits = [0.0], []
    original = nested.run_fit

    def slowly(settings: Settings, dataset: Any, *, budget: Budget, **keywords: Any) -> FitOutcome:
        counted = dataclasses.replace(settings, time_budget=None, outer_folds=None, max_trials=2)
        outcome = original(counted, dataset, **keywords)
        fits.append(budget.remaining())
        late = 2.5 if (slow == "all rows") == (len(fits) == 1) else 1.0
        now[0] += late * budget.remaining()
        return outcome

    monkeypatch.setattr(nested, "run_fit", slowly)
    settings = dataclasses.replace(COUNTED, time_budget=40.0, max_trials=None)
    outcome = run_nested(settings, array_dataset(60), budget=Budget(40.0, 0.0, lambda: now[0]))
    assert outcome.nested is not None
    if slow == "all rows":
        assert len(outcome.nested.folds) >= 2 and now[0] <= 40.0
    else:
        assert len(outcome.nested.folds) == 2 and outcome.nested.stopped == "deadline"
        assert outcome.nested.estimate.label.endswith("2 of 3 outer folds")
        assert any("no time for 1 outer fold(s)" in note for note in outcome.notes)


# ---- settings


@pytest.mark.parametrize("outer", [1, 0, True, 2.5, "five", [([0], [1])], KFold])
def test_what_is_no_outer_fold_is_refused(outer: Any):
    with pytest.raises(SettingError, match="give a number of folds of at least 2"):
        estimator(outer_folds=outer).fit(X, Y)


def test_inner_folds_that_name_rows_cannot_be_nested():
    with pytest.raises(SettingError, match="names? rows|rows of the whole table"):
        estimator(cv=[(np.arange(25), np.arange(25, 50))]).fit(X, Y)
    with pytest.raises(SettingError, match="cannot split this table"):
        estimator(cv=PredefinedSplit(np.arange(len(Y)) % 3)).evaluate(X, Y)


def test_a_short_timed_fit_keeps_its_deadline_plan_and_model():
    model = AutoRegressor(
        8.0, outer_folds=2, include=["linear"], executor="serial", random_state=0, verbose=0, cv=2, max_trials=3
    )
    with pytest.warns(UserWarning, match="shared among 3 fits, 2.7 s for each"):
        model.fit(X[:, :3], X[:, 3])
    assert model.outcome_.plan.seconds == pytest.approx(8 / 3) and model.outcome_.plan.outer == "2 folds"
    assert model.estimate_.label.startswith("nested cross-validation")


@pytest.mark.parametrize("known", ["auto", KnowledgeBase(transfer=["earlier"]), False])
def test_outer_folds_learn_nothing_from_earlier_runs_which_may_hold_their_rows(known: Any):
    settings = fold_settings(Settings(knowledge=known), 0, 5.0, get_metric("auto", task="binary"))
    assert settings.knowledge == (known and KnowledgeBase())
