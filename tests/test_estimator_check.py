"""Checking a table against a fitted estimator."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

import automl
from automl import AutoClassifier, AutoRegressor
from automl.core import InputError, SchemaError
from tests.builders import mixed_frame, mixed_target


def counted(kind=AutoClassifier):
    return kind(None, max_trials=2, cv=2, executor="serial", include=["linear"], random_state=0, verbose=0)


@pytest.fixture(scope="module")
def fitted():
    frame = mixed_frame(150)
    return counted().fit(frame, mixed_target(frame, 2))


def test_the_table_of_fit_is_like_itself(fitted):
    assert fitted.check(mixed_frame(150), "strict").findings == ()


def test_predict_takes_what_repair_returns(fitted):
    frame = mixed_frame(150)
    odd = frame.drop(columns=["city", "day", "price"]).astype({"size": str, "new": str}).assign(extra=1)[::-1]
    with pytest.raises(SchemaError):
        fitted.predict(odd)
    with pytest.raises(SchemaError, match="policy='report' or 'repair'"):
        fitted.check(odd, "strict")
    result = fitted.check(odd, "repair")
    assert not result.ok and len(result.frame) == 150
    probability = fitted.predict_proba(result.frame)
    blank = frame.assign(city=None, day=pd.NaT, price=np.nan)[::-1]
    assert (probability == fitted.predict_proba(blank)).all()


def test_unseen_levels_are_reported_and_predicted_all_the_same(fitted):
    frame = mixed_frame(150).assign(city="atlantis")
    result = fitted.check(frame, "repair")
    assert ("unseen_levels", "city", 150) in {(f.code, f.column, f.rows) for f in result.findings}
    assert (fitted.predict_proba(result.frame) == fitted.predict_proba(frame)).all()


def test_the_check_is_saved_with_the_model(fitted, tmp_path):
    again = automl.load(fitted.save(tmp_path / "model"))
    frame = mixed_frame(150).drop(columns="city")
    assert again.check(frame) == fitted.check(frame) and not again.check(frame).ok


def test_a_model_without_a_reference_says_so(fitted):
    with pytest.raises(NotFittedError):
        counted().check(mixed_frame(5))
    older = counted()
    older.__dict__.update({name: value for name, value in vars(fitted).items() if name != "reference_"})
    older.predict(mixed_frame(5))
    with pytest.raises(InputError, match="fit again"):
        older.check(mixed_frame(5))


def test_arrays():
    X = np.random.default_rng(0).normal(size=(60, 3))
    model = counted(AutoRegressor).fit(X, X[:, 0])
    assert model.check(X).ok
    result = model.check(pd.DataFrame(X).astype(str).to_numpy(dtype=object), "repair")
    assert result.ok and (model.predict(result.frame) == model.predict(X)).all()
