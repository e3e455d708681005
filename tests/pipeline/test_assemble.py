import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from automl.core import InputError
from automl.data import Task
from automl.pipeline.assemble import assemble, vote

LABELS = {
    "integers": np.array([3, 7, 9]),
    "strings": np.array(["cat", "dog", "owl"]),
    "objects": np.array(["cat", "dog", "owl"], dtype=object),
    "floats": np.array([0.5, 1.5, 2.25]),
    "codes as floats": np.array([0.0, 1.0, 2.0]),
    "codes": np.array([0, 1, 2]),
    "bool": np.array([False, True]),
    "two strings": np.array(["no", "yes"]),
    "two codes": np.array([0, 1]),
}


def table(n: int = 60, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n), "c": rng.choice(["x", "y", "z"], n)})


def prepared(model) -> Pipeline:
    columns = ColumnTransformer(
        [("numbers", "passthrough", ["a", "b"]), ("levels", OneHotEncoder(handle_unknown="ignore"), ["c"])]
    )
    return Pipeline([("columns", columns), ("model", model)])


def folds(model, n_classes: int | None, k: int = 3) -> list[Pipeline]:
    """Fit one pipeline per fold on codes 0..K-1, or on numbers."""
    X = table()
    y = X["a"] + X["b"] if n_classes is None else pd.Series(np.arange(len(X)) % n_classes)
    parts = np.arange(len(X)) // 4 % k
    return [prepared(clone(model)).fit(X[parts != i], y[parts != i]) for i in range(k)]


def members(n_classes: int | None):
    if n_classes is None:
        return [(0.7, folds(LinearRegression(), None)), (0.3, folds(DecisionTreeRegressor(max_depth=2), None))]
    trees = folds(DecisionTreeClassifier(max_depth=2, random_state=0), n_classes)
    return [(0.7, folds(LogisticRegression(), n_classes)), (0.3, trees)]


def mean_of(members, output: str):
    """Return the weighted mean by hand."""
    total = sum(weight for weight, _ in members)
    parts = [
        weight / total * np.mean([getattr(m, output)(table()) for m in models], axis=0) for weight, models in members
    ]
    return np.sum(parts, axis=0)


def task_of(classes) -> Task:
    return Task.REGRESSION if classes is None else Task.BINARY if len(classes) == 2 else Task.MULTICLASS


@pytest.mark.parametrize("name", LABELS)
def test_probabilities_are_the_weighted_mean_and_labels_the_users(name: str) -> None:
    classes = LABELS[name]
    parts = members(len(classes))
    final = assemble(parts, classes=classes, task=task_of(classes))
    expected = mean_of(parts, "predict_proba")
    np.testing.assert_allclose(final.predict_proba(table()), expected, rtol=0, atol=1e-12)
    predicted = final.predict(table())
    np.testing.assert_array_equal(predicted, classes[expected.argmax(axis=1)])
    assert predicted.dtype == classes.dtype and final.classes_.dtype == classes.dtype
    np.testing.assert_array_equal(final.classes_, classes)


def test_regression_is_the_weighted_mean() -> None:
    parts = members(None)
    final = assemble(parts, classes=None, task=Task.REGRESSION)
    np.testing.assert_allclose(final.predict(table()), mean_of(parts, "predict"), rtol=0, atol=1e-12)
    assert is_regressor(final)


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("k", [1, 3])
def test_one_member(name: str, k: int) -> None:
    classes = LABELS[name]
    parts = [(0.4, folds(LogisticRegression(), len(classes))[:k])]
    final = assemble(parts, classes=classes, task=task_of(classes))
    expected = mean_of(parts, "predict_proba")
    np.testing.assert_allclose(final.predict_proba(table()), expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(final.predict(table()), classes[expected.argmax(axis=1)])
    assert is_classifier(final) and final.predict(table()).dtype == classes.dtype


@pytest.mark.parametrize(("classes", "model"), [(None, LinearRegression()), (np.array([0, 1]), LogisticRegression())])
def test_a_single_model_that_says_all_stays_bare(classes, model) -> None:
    only = folds(model, None if classes is None else 2)[0]
    assert assemble([(1.0, [only])], classes=classes, task=task_of(classes)) is only


def test_single_precision_members_are_averaged_in_double() -> None:
    class Half(LinearRegression):
        def predict(self, X):
            return super().predict(X).astype(np.float32)

    parts = [(1.0, folds(Half(), None))]
    final = assemble(parts, classes=None, task=Task.REGRESSION)
    by_hand = np.mean([m.predict(table()).astype(float) for m in parts[0][1]], axis=0)
    np.testing.assert_allclose(final.predict(table()), by_hand, rtol=0, atol=1e-12)


def test_members_of_weight_zero_are_left_out() -> None:
    kept, dropped = members(3)
    final = assemble([kept, (0.0, dropped[1])], classes=LABELS["strings"], task=Task.MULTICLASS)
    np.testing.assert_allclose(final.predict_proba(table()), mean_of([kept], "predict_proba"), rtol=0, atol=1e-12)


@pytest.mark.parametrize("n_classes", [None, 2, 3])
def test_names_and_number_of_features_are_known(n_classes: int | None) -> None:
    classes = None if n_classes is None else np.array(list("uvw"[:n_classes]))
    final = assemble(members(n_classes), classes=classes, task=task_of(classes))
    assert final.feature_names_in_.tolist() == ["a", "b", "c"] and final.n_features_in_ == 3


def test_names_are_known_beside_a_model_that_ignores_its_input() -> None:
    constant = Pipeline([("columns", "passthrough"), ("model", DummyRegressor())]).fit(np.zeros((60, 3)), table()["a"])
    final = assemble([(0.5, [constant]), *members(None)], classes=None, task=Task.REGRESSION)
    assert final.feature_names_in_.tolist() == ["a", "b", "c"] and final.predict(table()).shape == (60,)


def test_arrays_have_no_names() -> None:
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    final = vote([LogisticRegression().fit(X, y)], classes=np.array(["n", "y"]))
    assert not hasattr(final, "feature_names_in_") and final.n_features_in_ == 2
    assert final.predict(X).shape == (10,)


def test_lightgbm_predicts_without_warnings() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=3, min_child_samples=2, verbose=-1, n_jobs=1)
    parts = [(1.0, folds(model, 3)), (1.0, folds(LogisticRegression(), 3))]
    final = assemble(parts, classes=LABELS["strings"], task=Task.MULTICLASS)
    np.testing.assert_allclose(final.predict_proba(table()), mean_of(parts, "predict_proba"), rtol=0, atol=1e-12)


def test_survives_pickle() -> None:
    final = assemble(members(3), classes=LABELS["strings"], task=Task.MULTICLASS)
    again = pickle.loads(pickle.dumps(final))
    np.testing.assert_array_equal(again.predict_proba(table()), final.predict_proba(table()))


def test_no_model_is_written_twice() -> None:
    parts = members(3)
    alone = len(pickle.dumps(parts))
    assert len(pickle.dumps(assemble(parts, classes=LABELS["strings"], task=Task.MULTICLASS))) < 2 * alone


def test_a_clone_can_be_fitted_anew() -> None:
    final = assemble(members(3), classes=LABELS["strings"], task=Task.MULTICLASS)
    labels = LABELS["strings"][(table()["a"] > 0).astype(int)]
    scores = cross_val_score(final, table(), labels, cv=3)
    assert scores.mean() > 0.9  # on labels that the fitted one has never seen
    assert set(final.predict(table())) <= set(LABELS["strings"])


def test_a_member_that_missed_a_class_is_refused() -> None:
    X = table()
    missed = prepared(LogisticRegression()).fit(X, np.arange(len(X)) % 2)
    with pytest.raises(InputError, match=r"trained on classes \[.*all codes 0\.\.2"):
        assemble([(1.0, [missed])], classes=LABELS["strings"], task=Task.MULTICLASS)


@pytest.mark.parametrize("weights", [[], [0.0], [-1.0], [float("nan")]])
def test_without_positive_weights_there_is_no_ensemble(weights) -> None:
    models = folds(LinearRegression(), None)
    with pytest.raises(InputError, match="at least one positive weight"):
        assemble([(weight, models) for weight in weights], classes=None, task=Task.REGRESSION)


def test_a_member_without_models_is_refused() -> None:
    with pytest.raises(InputError, match="a model each"):
        assemble([(1.0, [])], classes=None, task=Task.REGRESSION)


@pytest.mark.parametrize(("classes", "task"), [(None, Task.BINARY), (np.array([0, 1]), Task.REGRESSION)])
def test_classes_belong_to_classification(classes, task) -> None:
    with pytest.raises(InputError, match="for classification and only then"):
        assemble([(1.0, folds(LinearRegression(), None))], classes=classes, task=task)


@pytest.mark.parametrize("classes", [["b", "a"], ["a", "a"]])
def test_classes_must_be_sorted_and_distinct(classes) -> None:
    with pytest.raises(InputError, match="distinct and sorted"):
        vote(folds(LogisticRegression(), 2), classes=np.array(classes))
