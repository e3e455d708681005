"""Members that prepare a table in the same way do it once, and predict what they did."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from automl.data import Task
from automl.pipeline.assemble import assemble, leaves
from automl.pipeline.costs import measure, needed_columns
from automl.pipeline.shared import interned

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame({"a": RNG.normal(size=90), "b": RNG.normal(size=90), "c": RNG.choice(["x", "y"], 90), "d": 1.0})
VALUE = (TABLE["a"] + TABLE["b"] ** 2).to_numpy()
CODES = np.arange(90) % 3


class Counting(BaseEstimator, TransformerMixin):
    """Counts how often it transforms."""

    calls: list[int] = []

    def fit(self, X: Any, y: Any = None) -> Counting:
        self.mean_ = X.mean().to_numpy()
        return self

    def transform(self, X: Any) -> Any:
        Counting.calls.append(len(X))
        return X.to_numpy()


def columns() -> Any:
    return ColumnTransformer([("numbers", StandardScaler(), ["a", "b"]), ("levels", OneHotEncoder(), ["c"])])


def bag(model: Any, y: Any, *more: Any, k: int = 2) -> list[Pipeline]:
    """Return one pipeline per fold, as members come out of their files: nothing is shared."""
    parts = np.arange(90) // 3 % k
    steps = [("columns", columns()), *((f"step{i}", step) for i, step in enumerate(more)), ("model", model)]
    return [pickle.loads(pickle.dumps(clone(Pipeline(steps)).fit(TABLE[parts != i], y[parts != i]))) for i in range(k)]


def by_hand(members: Any, output: str) -> np.ndarray:
    return sum(w * np.mean([getattr(m, output)(TABLE) for m in models], axis=0) for w, models in members)


def shared(members: Any, classes: Any = None) -> Any:
    models = interned([models for _, models in members])
    task = Task.REGRESSION if classes is None else Task.MULTICLASS
    return assemble([(w, m) for (w, _), m in zip(members, models, strict=True)], classes=classes, task=task)


def regressors() -> Any:
    pca = PCA(2, random_state=0)
    return [
        (0.5, bag(LinearRegression(), VALUE)),
        (0.3, bag(DecisionTreeRegressor(max_depth=3), VALUE)),
        (0.15, bag(Ridge(), VALUE, pca)),
        (0.05, bag(DecisionTreeRegressor(max_depth=2), VALUE, pca)),
    ]


def test_equal_steps_become_one_object_and_others_do_not():
    found = interned([models for _, models in regressors()])
    first = [[model.steps[0][1] for model in models] for models in found]
    assert all(row[0] is first[0][0] and row[1] is first[0][1] for row in first)  # fold by fold the same
    assert first[0][0] is not first[0][1]  # other training rows, other means
    assert found[2][0].steps[1][1] is found[3][0].steps[1][1]
    assert found[0][0].steps[-1][1] is not found[1][0].steps[-1][1]


def test_preparation_that_learned_the_same_is_shared_between_folds():
    plain = [
        clone(Pipeline([("columns", StandardScaler(with_mean=False, with_std=False)), ("model", Ridge())]))
        for _ in "ab"
    ]
    models = [model.fit(TABLE[["a", "b"]][i:], VALUE[i:]) for i, model in enumerate(plain)]
    for model in models:
        model.steps[0][1].n_samples_seen_ = 90  # what differs decides nothing here
    one, two = interned([models])[0]
    assert one.steps[0][1] is two.steps[0][1]


def test_the_mean_is_that_of_the_members():
    members = regressors()
    final = shared(members)
    np.testing.assert_allclose(final.predict(TABLE), by_hand(members, "predict"), rtol=0, atol=1e-12)
    assert len(final.estimators_) == 2  # one per fold
    assert final.feature_names_in_.tolist() == list(TABLE.columns)


def test_probabilities_and_labels_too():
    members = [
        (0.6, bag(LogisticRegression(), CODES)),
        (0.4, bag(DecisionTreeClassifier(max_depth=3, random_state=0), CODES)),
    ]
    final = shared(members, np.array(["p", "q", "r"]))
    expected = by_hand(members, "predict_proba")
    np.testing.assert_allclose(final.predict_proba(TABLE), expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(final.predict(TABLE), np.array(["p", "q", "r"])[expected.argmax(axis=1)])


def test_each_step_is_computed_once():
    members = [
        (w, [Pipeline([("columns", Counting()), ("model", model)]).fit(TABLE[["a", "b"]], VALUE)])
        for w, model in ((0.5, Ridge()), (0.3, LinearRegression()), (0.2, DecisionTreeRegressor()))
    ]
    final = shared(members)
    Counting.calls.clear()
    final.predict(TABLE[["a", "b"]])
    assert Counting.calls == [90]


def test_a_model_that_shares_every_step_needs_no_voter_of_one():
    pca = PCA(2, random_state=0)
    members = [(w, bag(Ridge(alpha), VALUE, pca, k=1 + 1)[:1]) for w, alpha in ((0.5, 1.0), (0.5, 2.0))]
    final = shared(members)
    (only,) = final.estimators_
    assert [name for name, _ in only.steps] == ["columns", "step0", "models"]


def test_leaves_are_the_models_that_went_in():
    members = regressors()
    found = leaves(shared(members))
    assert [leaf.member for leaf in found] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert sum(leaf.weight for leaf in found) == pytest.approx(1.0)
    for leaf, model in zip(found, (m for _, models in members for m in models), strict=True):
        np.testing.assert_array_equal(leaf.model.predict(TABLE), model.predict(TABLE))


def test_a_clone_is_unfitted_and_fits_all_members_anew():
    final = shared(regressors())
    again = clone(final).fit(TABLE, VALUE)
    assert len(leaves(again)) == 8
    expected = Pipeline([("columns", columns()), ("model", LinearRegression())]).fit(TABLE, VALUE)
    np.testing.assert_allclose(leaves(again)[0].model.predict(TABLE), expected.predict(TABLE), atol=1e-12)


def test_it_is_public_and_no_larger_than_before():
    members = regressors()
    separate = assemble(members, classes=None, task=Task.REGRESSION)
    joined = pickle.dumps(shared(members))
    assert b"automl" not in joined and len(joined) < len(pickle.dumps(separate))


def test_steps_that_cannot_be_compared_are_left_alone():
    models = [Pipeline([("columns", Counting()), ("model", Ridge())]).fit(TABLE[["a", "b"]], VALUE) for _ in "ab"]
    for model in models:
        model.steps[0][1].function = lambda: None
    one, two = interned([models])[0]
    assert one.steps[0][1] is not two.steps[0][1]


def test_costs_count_shared_steps_once():
    found = leaves(shared(regressors()))
    ticks = iter(range(1000))
    costs = measure(found, TABLE, classifies=False, clock=lambda: float(next(ticks)))
    assert costs.of(found).seconds == 2 * (1 + 1 + 4)  # per fold: columns, the step of two of them, four models
    assert costs.of(found[:1]).seconds == 2 and costs.of(found[4:5]).seconds == 3
    assert costs.of(found).megabytes < sum(costs.of([leaf]).megabytes for leaf in found)
    assert needed_columns(found, 4) == 3
