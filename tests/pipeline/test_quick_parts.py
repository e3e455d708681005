"""Parts of an ensemble that are followed from the inside give what they give themselves, or say that they cannot."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestRegressor
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.model_selection import KFold
from sklearn.preprocessing import (
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC, SVR

from automl.pipeline.forests import boosted, grown
from automl.pipeline.kernels import decided_by_kernel, kernel_values
from automl.pipeline.levels import encoded, find_levels
from automl.pipeline.numeric import filled, marked, scaled
from automl.pipeline.quantiles import normal_by_quantiles

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 6))
VALUE = X[:, 0] * 3 + X[:, 1] ** 2 + RNG.normal(size=300)
CODES = (VALUE > np.quantile(VALUE, 0.4)).astype(int) + (VALUE > np.quantile(VALUE, 0.8))
NEW = RNG.normal(size=(100, 6))

STRINGS = np.empty((200, 3), dtype=object)
STRINGS[:, 0] = RNG.choice(["a", "b", "c"], 200)
STRINGS[:, 1] = np.where(RNG.random(200) < 0.2, np.nan, RNG.choice(["k", "l"], 200).astype(object))
STRINGS[:, 2] = RNG.choice([f"v{i}" for i in range(30)], 200, p=np.arange(1, 31) / 465)
OTHERS = STRINGS[::-1].copy()
OTHERS[:3] = "never seen"
OTHERS[3:6, 0] = np.nan  # missing where fit saw none


# ---- encoders


ENCODERS = [
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan),
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2, max_categories=254),
    OneHotEncoder(handle_unknown="infrequent_if_exist", sparse_output=False),
    OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=0.05, sparse_output=False),
    OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=0.25, max_categories=2, sparse_output=False),
    TargetEncoder(target_type="continuous", cv=KFold(3)),
    TargetEncoder(target_type="binary", cv=KFold(3)),
    TargetEncoder(target_type="multiclass", cv=KFold(3)),
]


@pytest.mark.parametrize("encoder", ENCODERS, ids=str)
def test_encoders(encoder):
    y = {"binary": np.arange(200) % 2, "multiclass": np.arange(200) % 3}
    encoder.fit(STRINGS, y.get(getattr(encoder, "target_type", ""), RNG.normal(size=200)))
    found = encoded(encoder, find_levels(OTHERS))
    assert found is not None
    np.testing.assert_array_equal(found, encoder.transform(OTHERS))


def test_encoders_that_have_to_say_so_themselves():
    levels = find_levels(OTHERS)
    for encoder in (
        OneHotEncoder(handle_unknown="ignore"),
        OneHotEncoder(handle_unknown="infrequent_if_exist", drop="first", sparse_output=False),
        OrdinalEncoder(),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, max_categories=5),
    ):
        assert encoded(encoder.fit(STRINGS), levels) is None
    numbers = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(np.array([[1], [2]], object))
    assert encoded(numbers, levels[:1]) is None


@pytest.mark.parametrize("odd", [None, 3, pd.NA, True])
def test_levels_are_strings_or_missing(odd):
    column = np.array([["a"], ["b"], [odd]], dtype=object)
    assert find_levels(column) is None
    assert find_levels(column[:2]) is not None


# ---- numbers


def test_numbers_to_the_last_bit():
    table, rows = X.copy(), NEW * 2
    table[::5, 1] = rows[::3, 2] = rows[::4, 1] = np.nan
    for step in (SimpleImputer(strategy="median"), SimpleImputer(), SimpleImputer(strategy="most_frequent")):
        np.testing.assert_array_equal(filled(step.fit(table), rows), step.transform(rows))
    for step in (MissingIndicator(features="all"), MissingIndicator(error_on_new=False)):
        np.testing.assert_array_equal(marked(step.fit(table), rows), step.transform(rows))
    for step in (StandardScaler(), StandardScaler(with_std=False), StandardScaler(with_mean=False), RobustScaler()):
        np.testing.assert_array_equal(scaled(step.fit(table), rows), step.transform(rows))
    for step in (RobustScaler(with_centering=False), RobustScaler(with_scaling=False)):
        np.testing.assert_array_equal(scaled(step.fit(table), rows), step.transform(rows))


def test_steps_on_numbers_that_have_to_say_so_themselves():
    table = X.copy()
    table[:, 3] = np.nan
    empty = SimpleImputer().fit(table)  # drops a column, and warns of it
    marks = MissingIndicator().fit(table)  # refuses gaps in columns that had none
    assert filled(empty, NEW) is None and marked(marks, NEW) is None
    kept = SimpleImputer(keep_empty_features=True).fit(table)
    np.testing.assert_array_equal(filled(kept, NEW), kept.transform(NEW))
    assert filled(SimpleImputer(add_indicator=True).fit(X), NEW) is None
    assert filled(SimpleImputer(missing_values=-1).fit(X), NEW) is None
    assert filled(SimpleImputer(strategy="constant").fit(X), NEW) is None  # of any type
    assert scaled(StandardScaler().fit(X), NEW[:, :2]) is None and scaled(StandardScaler().fit(X), [[1.0]]) is None


# ---- quantiles


def test_quantiles_to_the_last_bit():
    table = X.copy()
    table[:, 1] = np.round(table[:, 1])  # quantiles that are equal
    table[::7, 2] = np.nan
    step = QuantileTransformer(n_quantiles=40, output_distribution="normal", random_state=0).fit(table)
    rows = np.vstack([NEW * 3, table])  # also beyond the least and the greatest
    np.testing.assert_array_equal(normal_by_quantiles(step, rows), step.transform(rows))
    assert normal_by_quantiles(QuantileTransformer(n_quantiles=40).fit(table), rows) is None


# ---- trees


@pytest.mark.parametrize("kind", [ExtraTreesClassifier, ExtraTreesRegressor, RandomForestRegressor])
def test_forests_to_the_last_bit(kind):
    forest = kind(12, random_state=0).fit(X, CODES if "Class" in kind.__name__ else VALUE)
    own = forest.predict_proba(NEW) if "Class" in kind.__name__ else forest.predict(NEW)
    np.testing.assert_array_equal(grown(forest, NEW), own)
    forest.n_jobs = 2
    assert grown(forest, NEW) is None


def test_missing_values_are_left_to_the_forest():
    forest = ExtraTreesRegressor(3, random_state=0).fit(X, VALUE)
    rows = np.where(NEW > 2, np.nan, NEW)
    assert grown(forest, rows) is None and grown(forest, NEW[:, :3]) is None


OBJECTIVES = ["regression", "poisson", "quantile", "binary", "multiclass"]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_boosters_part_by_part(objective):
    lightgbm = pytest.importorskip("lightgbm")
    settings = {"n_estimators": 400, "num_leaves": 5, "verbose": -1, "n_jobs": 1, "min_child_samples": 5}
    if objective in ("binary", "multiclass"):
        y = CODES if objective == "multiclass" else (CODES > 0).astype(int)
        model = lightgbm.LGBMClassifier(**settings).fit(X, y)
        own = model.predict_proba(NEW)
    else:
        model = lightgbm.LGBMRegressor(objective=objective, **settings).fit(X, np.abs(VALUE))
        own = model.predict(NEW)
    np.testing.assert_allclose(boosted(model, NEW), own, rtol=1e-12)
    np.testing.assert_allclose(boosted(model, NEW[:1]), own[:1], rtol=1e-12)


def test_a_booster_that_stopped_early_has_no_more_rounds():
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMRegressor(n_estimators=400, num_leaves=5, verbose=-1, n_jobs=1).fit(X, VALUE)
    whole = model.predict(NEW)
    model.booster_.best_iteration = 210
    assert not np.allclose(model.predict(NEW), whole)
    np.testing.assert_allclose(boosted(model, NEW), model.predict(NEW), rtol=1e-12)


def test_boosters_with_sums_of_their_own_kind():
    lightgbm = pytest.importorskip("lightgbm")
    settings = {"n_estimators": 20, "verbose": -1, "n_jobs": 1}
    rf = lightgbm.LGBMRegressor(boosting_type="rf", subsample=0.5, subsample_freq=1, **settings).fit(X, VALUE)
    ova = lightgbm.LGBMClassifier(objective="multiclassova", **settings).fit(X, CODES)
    assert boosted(rf, NEW) is None and boosted(ova, NEW) is None
    steep = lightgbm.LGBMClassifier(sigmoid=2.0, **settings).fit(X, (CODES > 0).astype(int))
    np.testing.assert_allclose(boosted(steep, NEW), steep.predict_proba(NEW), rtol=1e-12)
    assert boosted(steep, pd.DataFrame(NEW)) is None


# ---- kernels


@pytest.mark.parametrize("rows", [100, 1])
def test_support_vectors(rows):
    machine = SVR(gamma=0.2, C=5.0).fit(X, VALUE)
    np.testing.assert_allclose(kernel_values(machine, NEW[:rows]), machine.predict(NEW[:rows]), rtol=0, atol=1e-12)


def test_many_rows_come_in_parts(monkeypatch):
    monkeypatch.setattr("automl.pipeline.kernels._CELLS", 1000)
    machine = SVR(gamma=0.2).fit(X, VALUE)
    np.testing.assert_allclose(kernel_values(machine, NEW), machine.predict(NEW), rtol=0, atol=1e-12)


def test_probabilities_of_two_classes():
    model = CalibratedClassifierCV(SVC(gamma=0.2), cv=3, ensemble=False).fit(X, CODES > 0)
    np.testing.assert_allclose(decided_by_kernel(model, NEW), model.predict_proba(NEW), rtol=0, atol=1e-12)


def test_machines_that_have_to_say_so_themselves():
    three = CalibratedClassifierCV(SVC(gamma=0.2), cv=3, ensemble=False).fit(X, CODES)
    several = CalibratedClassifierCV(SVC(gamma=0.2), cv=3).fit(X, CODES > 0)
    assert decided_by_kernel(three, NEW) is None and decided_by_kernel(several, NEW) is None
    assert kernel_values(SVR(kernel="poly", gamma=0.2).fit(X, VALUE), NEW) is None
    assert kernel_values(SVR().fit(X, VALUE), NEW) is None  # the width is not a number
    far = X + 1e6  # rounding would change too much
    assert kernel_values(SVR(gamma=0.2).fit(far, VALUE), NEW + 1e6) is None


def test_a_machine_without_support_vectors_says_so_itself():
    flat = SVR(gamma=0.2, epsilon=1.0).fit(X, 0.1 * np.tanh(VALUE))
    assert len(flat.support_vectors_) == 0
    assert kernel_values(flat, NEW) is None
