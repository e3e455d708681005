"""A prediction in which nothing is computed twice is the one that the plain estimators make."""

from __future__ import annotations

import pickle
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler, TargetEncoder

from automl.data import Container, Task
from automl.pipeline import once
from automl.pipeline.assemble import assemble, decided
from automl.pipeline.encode import finite, ordinal_codes, strings
from automl.pipeline.parts import apply, chain
from automl.pipeline.shared import interned

RNG = np.random.default_rng(0)
N = 150
TABLE = pd.DataFrame(
    {
        "a": RNG.normal(size=N),
        "b": np.where(RNG.random(N) < 0.2, np.nan, RNG.normal(size=N)),
        "c": pd.Series(RNG.choice(["x", "y", "z", None], N), dtype=object),
        "d": pd.Series(RNG.choice(["p", "q"], N), dtype=object),
    }
)
NEW = TABLE.sample(frac=1.0, random_state=1).reset_index(drop=True)
NEW.loc[:5, "d"] = "new"
VALUE = np.abs(TABLE["a"] + TABLE["b"].fillna(0.5) ** 2).to_numpy()
CODES = np.arange(N) % 3
LABELS = np.array(["no", "perhaps", "yes"])


class Counting(BaseEstimator, TransformerMixin):
    """Counts how often it transforms; what it changes in place is nobody else's."""

    calls: list[str] = []

    def __init__(self, name: str = "", copy: bool = True) -> None:
        self.name, self.copy = name, copy

    def fit(self, X: Any, y: Any = None) -> Counting:
        return self

    def transform(self, X: Any) -> Any:
        Counting.calls.append(self.name)
        values = X if isinstance(X, np.ndarray) else X.to_numpy()
        if not self.copy:
            values += 1.0
        return values


def columns(encoder: Any, *more: Any) -> ColumnTransformer:
    numbers = chain(*finite(Container.FRAME), ("impute", SimpleImputer(strategy="median")), *more)
    missing = chain(*finite(Container.FRAME), ("missing", MissingIndicator(features="all")))
    levels = chain(*strings(), ("encode", encoder))
    blocks = [("levels", levels, ["c", "d"]), ("numbers", numbers, ["a", "b"]), ("missing", missing, ["b"])]
    return ColumnTransformer(blocks, sparse_threshold=0.0)


def one_hot() -> OneHotEncoder:
    return OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=0.3, sparse_output=False)


def members(task: Task) -> list[tuple[float, list[Pipeline]]]:
    """Return members of two fold models each, with most kinds of steps."""
    forest, y = (ExtraTreesClassifier, CODES) if task.classifies else (ExtraTreesRegressor, VALUE)
    linear: Any = LogisticRegression()
    if not task.classifies:
        linear = TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1)
    union = FeatureUnion([("columns", "passthrough"), ("product", apply(np.prod, axis=1, keepdims=True))])
    ranks = QuantileTransformer(n_quantiles=20, output_distribution="normal")
    made = [
        (0.5, [columns(ordinal_codes(), ("scale", StandardScaler())), forest(8, random_state=0)]),
        (0.2, [columns(one_hot(), ("scale", StandardScaler())), union, linear]),
        (0.2, [columns(one_hot(), ("ranks", ranks)), linear]),
        (0.1, [columns(TargetEncoder(cv=KFold(3))), forest(5, random_state=1)]),
    ]
    folds = np.arange(N) // 10 % 2

    def bag(steps: list[Any]) -> list[Pipeline]:
        whole = Pipeline([(f"step{place}", step) for place, step in enumerate(steps)])
        return [pickle.loads(pickle.dumps(clone(whole).fit(TABLE[folds != i], y[folds != i]))) for i in range(2)]

    return [(weight, bag(steps)) for weight, steps in made]


def ensemble(task: Task) -> Any:
    found = members(task)
    shared = interned([models for _, models in found])
    classes = LABELS if task.classifies else None
    return assemble([(w, models) for (w, _), models in zip(found, shared, strict=True)], classes=classes, task=task)


@pytest.fixture(scope="module")
def classifier() -> Any:
    return ensemble(Task.MULTICLASS)


@pytest.fixture(scope="module")
def regressor() -> Any:
    return ensemble(Task.REGRESSION)


@pytest.mark.parametrize("rows", [N, 1])
def test_values_are_those_of_the_plain_model(regressor, rows):
    before = NEW.copy()
    np.testing.assert_allclose(once.predict(regressor, NEW[:rows]), regressor.predict(NEW[:rows]), rtol=1e-12)
    pd.testing.assert_frame_equal(NEW, before)


@pytest.mark.parametrize("rows", [N, 1])
def test_probabilities_and_labels_too(classifier, rows):
    found = once.predict_proba(classifier, NEW[:rows])
    np.testing.assert_allclose(found, classifier.predict_proba(NEW[:rows]), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(once.predict(classifier, NEW[:rows]), classifier.predict(NEW[:rows]))


@pytest.mark.parametrize("decision", [{"temperature": 1.4}, {"multipliers": (1.0, 3.0, 0.5)}])
def test_the_last_stage_is_followed(classifier, decision):
    model, labeller = decided(classifier, classes=LABELS, **decision)
    np.testing.assert_allclose(once.predict_proba(model, NEW), model.predict_proba(NEW), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(once.predict(labeller, NEW), labeller.predict(NEW))
    assert (labeller.predict(NEW) != classifier.predict(NEW)).any() or "temperature" in decision


def test_a_threshold_too():
    found = [Pipeline([("columns", columns(one_hot())), ("model", LogisticRegression())]).fit(TABLE, CODES > 0)]
    found[0].steps[-1][1].classes_ = np.array([0, 1])
    model = assemble([(1.0, found)], classes=np.array(["no", "yes"]), task=Task.BINARY)
    chosen = decided(model, classes=np.array(["no", "yes"]), threshold=0.7)[0]
    assert 0 < (chosen.predict(NEW) == "yes").sum() != (model.predict(NEW) == "yes").sum()
    np.testing.assert_array_equal(once.predict(chosen, NEW), chosen.predict(NEW))
    np.testing.assert_allclose(once.predict_proba(chosen, NEW), chosen.predict_proba(NEW), rtol=0, atol=1e-12)


def test_steps_within_steps_are_computed_once():
    def fitted(model: Any, scale: float) -> Pipeline:
        block = chain(("shared", Counting("shared")), ("own", apply(partial(np.multiply, scale))))
        first = ColumnTransformer([("numbers", block, ["a"]), ("others", Counting(f"own {scale}"), ["a"])])
        return pickle.loads(pickle.dumps(Pipeline([("columns", first), ("model", model)]).fit(TABLE, VALUE)))

    models = interned([[fitted(Ridge(), 1.0)], [fitted(Ridge(2.0), 2.0)], [fitted(Ridge(3.0), 2.0)]])
    model = assemble([(0.4, models[0]), (0.3, models[1]), (0.3, models[2])], classes=None, task=Task.REGRESSION)
    Counting.calls.clear()
    found = once.predict(model, NEW)
    assert sorted(Counting.calls) == ["own 1.0", "own 2.0", "shared"]
    np.testing.assert_allclose(found, model.predict(NEW), rtol=1e-12)


def test_a_step_that_works_in_place_spoils_no_other():
    def fitted(*steps: Any) -> Pipeline:
        whole = Pipeline([("columns", apply(np.array)), *steps, ("model", Ridge())])
        return whole.fit(TABLE[["a"]], VALUE)

    first, second = fitted(("spoils", Counting("spoils", copy=False))), fitted(("scale", StandardScaler()))
    expected = (first.predict(NEW[["a"]].copy()) + second.predict(NEW[["a"]].copy())) / 2
    models = interned([[first], [second]])
    model = assemble([(1.0, one) for one in models], classes=None, task=Task.REGRESSION)
    np.testing.assert_allclose(once.predict(model, NEW[["a"]].copy()), expected, rtol=1e-12)


def test_where_frames_are_asked_for_the_plain_model_answers():
    model = Pipeline([("scale", StandardScaler()), ("model", Ridge())])
    with config_context(transform_output="pandas"):  # an array where a frame was seen would be warned of
        model.fit(TABLE[["a"]], VALUE)
        np.testing.assert_array_equal(once.predict(model, NEW[["a"]]), model.predict(NEW[["a"]]))


def test_parts_of_a_library_that_is_not_known_are_called(monkeypatch):
    table = TABLE[["a"]].to_numpy()
    model = Pipeline([("scale", StandardScaler()), ("model", Ridge())]).fit(table, VALUE)
    monkeypatch.setattr(model.steps[0][1], "transform", lambda X: np.zeros((len(X), 1)), raising=False)
    assert np.ptp(once.predict(model, table)) > 0, "a known scaler is followed from the inside"
    monkeypatch.setattr(once, "KNOWN", ("1.8",))
    assert np.ptp(once.predict(model, table)) == 0
    np.testing.assert_array_equal(once.predict(model, table), model.predict(table))


def test_an_array_and_a_single_model():
    table = RNG.normal(size=(60, 5))
    block = ColumnTransformer([("some", StandardScaler(), [0, 3]), ("rest", "passthrough", slice(1, 3))])
    model = Pipeline([("columns", block), ("model", Ridge())]).fit(table, table[:, 0] * 2)
    np.testing.assert_array_equal(once.predict(model, table), model.predict(table))
    np.testing.assert_array_equal(once.transform(block, table), model.steps[0][1].transform(table))


@pytest.mark.parametrize("nothing", ["passthrough", None])
def test_a_step_of_a_pipeline_that_is_left_out(nothing):
    table = RNG.normal(size=(60, 5))
    model = Pipeline([("scale", StandardScaler()), ("feature", nothing), ("model", Ridge())]).fit(table, table[:, 0])
    np.testing.assert_array_equal(once.predict(model, table), model.predict(table))
