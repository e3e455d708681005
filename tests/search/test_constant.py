"""A constant model is what is delivered where it beats all others, and then alone."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from automl import AutoRegressor
from automl.search.finish import without_constant


def complete(family: str, loss: float) -> Any:
    return SimpleNamespace(model=SimpleNamespace(family=family), loss=loss)


def test_a_constant_is_a_candidate_only_where_it_beats_all_others_and_then_alone():
    constant, worse, better = complete("prior", 1.0), complete("knn", 1.1), complete("forest", 0.9)
    assert without_constant([better, constant, worse], classifies=False) == [better, worse]
    assert without_constant([constant, worse], classifies=False) == [constant]
    assert without_constant([constant, even := complete("knn", 1.0)], classifies=False) == [even]
    assert without_constant([constant], classifies=False) == [constant] and without_constant([], classifies=False) == []
    assert without_constant([constant, worse], classifies=True) == [worse], "it may be too sure of itself only"


def test_where_every_model_is_worse_than_a_constant_it_is_the_model_and_the_user_is_told():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(60, 3)), rng.normal(size=60)
    settings = {"include": ["knn"], "cv": 3, "random_state": 0, "verbose": 0, "executor": "serial"}
    model = AutoRegressor(None, max_trials=2, **settings).fit(X, y)
    assert [member.config.steps[-1].component for member in model.outcome_.members] == ["prior"]
    assert np.ptp(model.predict(X)) < 1e-9
    assert any("every other model scored worse" in note for note in model.outcome_.notes), model.outcome_.notes
    learnt = AutoRegressor(None, max_trials=2, **settings).fit(X, X[:, 0] + 0.1 * y)
    assert not learnt.outcome_.notes and np.ptp(learnt.predict(X)) > 0.1
