"""Threads make boosters predict faster, never otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import StackingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from automl.data import Task
from automl.pipeline.assemble import assemble, decided, leaves, undecided
from automl.pipeline.shared import interned
from automl.pipeline.threads import set_threads

lightgbm = pytest.importorskip("lightgbm")
QUICK = {"n_estimators": 30, "num_leaves": 7, "verbose": -1, "n_jobs": 1}


def piped(*models):
    return [Pipeline([("columns", StandardScaler()), ("model", model)]) for model in models]


def test_probabilities_are_the_same_to_the_last_bit():
    X, y = make_classification(3000, 8, n_informative=6, n_classes=3, random_state=0)
    models = [m.fit(X, y) for m in piped(lightgbm.LGBMClassifier(**QUICK), LogisticRegression())]
    final = assemble([(0.7, models[:1]), (0.3, models[1:])], classes=np.arange(3), task=Task.MULTICLASS)
    model = decided(final, classes=np.arange(3), temperature=1.3)[0]
    before = model.predict_proba(X)
    set_threads(model, 2)
    assert [getattr(leaf.steps[-1][1], "n_jobs", None) for leaf in leaves(undecided(model))][0] == 2
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_xgboost_too():
    xgboost = pytest.importorskip("xgboost")
    X, y = make_regression(3000, 6, random_state=0)
    (model,) = [m.fit(X, y) for m in piped(xgboost.XGBRegressor(n_estimators=20, n_jobs=1))]
    before = model.predict(X)
    set_threads(model, 2)
    assert model.steps[-1][1].n_jobs == 2
    np.testing.assert_array_equal(model.predict(X), before)


def test_boosters_inside_other_models_are_found():
    X, y = make_regression(500, 4, random_state=0)
    booster = lightgbm.LGBMRegressor(**QUICK)
    stack = StackingRegressor([("a", clone(booster)), ("b", LinearRegression())], final_estimator=clone(booster), cv=2)
    models = [m.fit(X, y) for m in piped(TransformedTargetRegressor(clone(booster)), stack)]
    final = assemble([(0.5, one) for one in interned([[m] for m in models])], classes=None, task=Task.REGRESSION)
    before = final.predict(X)
    set_threads(final, 2)
    target, stacked = (leaf.steps[-1][1] for leaf in leaves(final))
    assert target.regressor_.n_jobs == stacked.final_estimator_.n_jobs == stacked.estimators_[0].n_jobs == 2
    np.testing.assert_array_equal(final.predict(X), before)


def test_a_clone_has_one_thread_as_before():
    X, y = make_regression(200, 4, random_state=0)
    models = [m.fit(X, y) for m in piped(lightgbm.LGBMRegressor(**QUICK), LinearRegression())]
    final = assemble([(0.5, [m]) for m in models], classes=None, task=Task.REGRESSION)
    set_threads(final, 2)
    assert leaves(clone(final).fit(X, y))[0].steps[-1][1].n_jobs == 1
