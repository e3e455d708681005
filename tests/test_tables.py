"""Tables as users bring them: each either works or is refused by one clear error.

For every case that ``predict`` accepts as pandas, the plain pipeline predicts the same: labels equal, numbers but for
rounding.
"""

import warnings
from decimal import Decimal

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from automl import AutoClassifier, AutoRegressor
from automl.core import DataError, InputError, SchemaError

N = 60
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=N)
LETTERS = RNG.choice(["a", "b", "c"], N)
Y = np.where(NUMBERS + 0.5 * (LETTERS == "a") + 0.3 * RNG.normal(size=N) > 0, "yes", "no")
VALUES = NUMBERS * 3 + (LETTERS == "a")


def frame(**columns) -> pd.DataFrame:
    return pd.DataFrame({"number": NUMBERS, "letter": LETTERS, **columns})


def model(kind=AutoClassifier, **settings):
    settings = {"include": ["linear", "boosting"], "cv": 2, "max_trials": 3} | settings
    return kind(None, executor="serial", random_state=0, verbose=0, **settings)


def fit(X, y=Y, kind=AutoClassifier, settings=None, **keywords):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return model(kind, **(settings or {})).fit(X, y, **keywords)


def agrees(fitted, X) -> None:
    """Predict, and check that the plain pipeline does the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        labels = fitted.predict(X)
        assert len(labels) == X.shape[0]
        if isinstance(X, pd.DataFrame):
            plain = np.asarray(fitted.pipeline_.predict(X))
            if hasattr(fitted, "predict_proba"):
                assert (plain == labels).all()
            else:
                np.testing.assert_allclose(plain, labels, rtol=1e-12)
        if hasattr(fitted, "predict_proba"):
            probability = fitted.predict_proba(X)
            assert np.isfinite(probability).all() and np.allclose(probability.sum(axis=1), 1)
            if isinstance(X, pd.DataFrame):
                np.testing.assert_allclose(fitted.pipeline_.predict_proba(X), probability, rtol=1e-12, atol=1e-15)
        else:
            assert np.isfinite(labels).all()


def with_values(column, rows, values):
    table = frame()
    table[column] = table[column].astype(object) if isinstance(values, list) else table[column]
    table.loc[rows, column] = values
    return table


def arrow(table):
    return table.convert_dtypes(dtype_backend="pyarrow")


FITS = {
    "plain": frame(),
    "missing numbers": with_values("number", [1, 5, 9], np.nan),
    "infinite numbers": with_values("number", [1, 5], np.inf).assign(low=-np.inf),
    "missing categories": with_values("letter", [0, 1, 2], None),
    "all-missing column": frame(nothing=np.nan),
    "all-None column": frame(nothing=[None] * N),
    "numbers and text mixed in a column": frame(mixed=[1, "x", 2.5, None] * (N // 4)),
    "booleans": frame(flag=NUMBERS > 0),
    "booleans with missing": frame(flag=[True, False, None] * (N // 3)),
    "nullable dtypes": frame(
        i=pd.array([1, None, 3] * (N // 3), "Int64"),
        b=pd.array([True, None, False] * (N // 3), "boolean"),
        f=pd.array([1.5, None, 3] * (N // 3), "Float64"),
        s=pd.array(["x", None, "y"] * (N // 3), "string"),
    ),
    "arrow dtypes": arrow(frame(flag=NUMBERS > 0)),
    "categorical dtype": frame(kind=pd.Categorical(LETTERS, categories=["c", "b", "a", "never"])),
    "ordered categories of integers": frame(kind=pd.Categorical(np.arange(N) % 3, ordered=True)),
    "dates": frame(day=pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(N) ** 2 % 97, "D")),
    "dates with time zone and missing": frame(
        day=pd.Series(pd.date_range("2024-01-01", periods=N, freq="7h", tz="Europe/Oslo")).where(np.arange(N) % 5 > 0)
    ),
    "dates as strings": frame(day=[f"{1 + i % 28:02d}/{1 + i % 12:02d}/2023" for i in range(N)]),
    "text": frame(text=[f"the {w} cat number {i} sat on a mat" for i, w in enumerate(LETTERS)]),
    "unicode and odd column names": frame().rename(columns={"number": "größe [m²]", "letter": '{"a": 1}'}),
    "columns numbered from 0": pd.DataFrame({0: NUMBERS, 1: LETTERS}),
    "an empty column name": frame().rename(columns={"number": ""}),
    "a column of decimals": frame(price=[Decimal("1.5"), Decimal("2.25"), Decimal("0")] * (N // 3)),
    "constant columns beside others": frame(one=1, word="x"),
    "an identifier": frame(id=[f"row-{i:04d}" for i in range(N)]),
    "high cardinality": frame(shop=[f"shop {i % 55}" for i in range(N)]),
    "huge and tiny numbers": frame(big=NUMBERS * 1e300, small=NUMBERS * 1e-300),
    "large integers": frame(big=np.arange(N) * 10**15 + 2**60),
    "duplicate rows": pd.concat([frame().head(30)] * 2, ignore_index=True),
    "a strange index": frame().set_index(pd.Index(["same"] * N)),
    "one column": frame()[["number"]],
    "one category column": frame()[["letter"]],
    "one date column": pd.DataFrame({"day": pd.date_range("2024-01-01", periods=N, freq="31h")}),
    "all columns constant": pd.DataFrame({"a": np.ones(N), "b": ["x"] * N}),
    "numbers stored as strings": frame(text_number=[str(i % 7) for i in range(N)]),
    "a 2-D array": np.column_stack([NUMBERS, VALUES]),
    "an integer array": RNG.integers(0, 5, (N, 3)),
    "a boolean array": RNG.random((N, 3)) < 0.5,
    "an object array": frame().to_numpy(),
    "a float32 array in Fortran order": np.asfortranarray(RNG.normal(size=(N, 3)), dtype=np.float32),
    "a sparse matrix": sp.random(N, 20, 0.3, "csr", random_state=0),
    "a sparse array in COO": sp.coo_array(sp.random(N, 20, 0.3, random_state=0)),
    "a list of lists": np.column_stack([NUMBERS, VALUES]).tolist(),
}


@pytest.mark.parametrize("name", FITS)
def test_a_table_that_works(name):
    X = FITS[name]
    fitted = fit(X)
    agrees(fitted, X if not isinstance(X, list) else np.array(X))
    if isinstance(X, pd.DataFrame):
        agrees(fitted, X.head(1))


@pytest.mark.parametrize(
    "name", ["plain", "missing numbers", "dates", "text", "a sparse matrix", "one category column"]
)
def test_regression_on_the_same_tables(name):
    agrees(fit(FITS[name], VALUES, AutoRegressor), FITS[name])


@pytest.mark.parametrize(
    "y",
    [
        LETTERS,
        np.where(Y == "yes", 3, 10),
        np.where(Y == "yes", 0.5, 1.5).round(),
        Y == "yes",
        pd.Series(Y, dtype="category"),
        pd.array(np.where(Y == "yes", 1, 0), "Int64"),
        np.where(np.arange(N) == 7, "once", LETTERS),
        np.where(np.arange(N) < 2, "twice", LETTERS),
    ],
    ids=["strings", "integers", "floats", "booleans", "category", "nullable", "a class with one member", "with two"],
)
def test_targets_that_work(y):
    fitted = fit(frame(), y)
    agrees(fitted, frame())
    assert set(fitted.classes_.tolist()) == set(np.asarray(y).tolist())
    assert fitted.predict(frame()).dtype == fitted.classes_.dtype


REFUSED = {
    "1-D": (NUMBERS, Y, "[Rr]eshape"),
    "3-D": (np.zeros((N, 2, 2)), Y, "Expected 2D array, got 3D"),
    "columns numbered otherwise": (pd.DataFrame({0: NUMBERS, 7: LETTERS}), Y, "not strings: 0, 7"),
    "no rows": (frame().head(0), Y[:0], "0 (sample|row)"),
    "one row": (frame().head(1), Y[:1], "1 (sample|row|class)"),
    "no columns": (frame()[[]], Y, "0 (feature|column)"),
    "duplicate column names": (pd.concat([frame(), frame()], axis=1), Y, "number"),
    "lists in cells": (frame(bag=[[1, 2]] * N), Y, "bag"),
    "complex numbers": (np.full((N, 2), 1j), Y, "[Cc]omplex"),
    "lengths differ": (frame(), Y[:-1], f"{N - 1}"),
    "one class": (frame(), ["yes"] * N, "yes|1 class|one class"),
    "missing target": (frame(), np.where(np.arange(N) < 3, None, Y), "3"),
    "two targets": (frame(), np.column_stack([Y, Y]), "multi-output"),
    "continuous target for classification": (frame(), VALUES, "[Cc]ontinuous|AutoRegressor"),
    "binary with one member": (frame(), np.where(np.arange(N) == 0, "yes", "no"), "member"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_table_that_is_refused(name):
    X, y, message = REFUSED[name]
    with pytest.raises((DataError, InputError), match=message):
        fit(X, y)


def test_a_regression_target_must_be_numbers():
    with pytest.raises(DataError, match="AutoClassifier|number"):
        fit(frame(), Y, AutoRegressor)
    with pytest.raises(DataError, match="1|infinite|missing"):
        fit(frame(), np.where(np.arange(N) == 4, np.inf, VALUES), AutoRegressor)


CHANGES = {
    "columns in another order": lambda t: t[t.columns[::-1]],
    "columns added": lambda t: t.assign(more=1, other="x"),
    "unseen categories": lambda t: t.assign(letter="zzz"),
    "missing where none were": lambda t: t.assign(number=np.nan, letter=None),
    "infinite where none were": lambda t: t.assign(number=np.inf),
    "a category column of numbers": lambda t: t.assign(letter=range(len(t))),
    "another index": lambda t: t.set_index(pd.Index(range(1000, 1000 + len(t)))),
    "integers for floats": lambda t: t.assign(number=range(len(t))),
    "nullable for plain": lambda t: t.assign(number=pd.array([None] * len(t), "Float64")),
    "numbers as strings": lambda t: t.assign(number=["1.5"] * len(t)),
    "an all-missing object column": lambda t: t.assign(number=[None] * len(t)),
    "one row": lambda t: t.head(1),
}


@pytest.fixture(scope="module")
def fitted():
    return fit(frame(day=pd.date_range("2024-01-01", periods=N)))


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_table_at_predict_works(name, fitted):
    agrees(fitted, CHANGES[name](frame(day=pd.date_range("2024-01-01", periods=N))))


def test_dates_that_nanoseconds_cannot_hold_are_fitted_predicted_and_exported(tmp_path):
    X = frame(until=np.where(np.arange(N) % 3, "9999-12-31", "1066-10-14").astype("M8[s]"))
    far = fit(X, settings={"max_trials": 1, "include": ["linear"]})
    assert far.failures().empty
    agrees(far, X)
    assert far.check(X).ok
    exported = joblib.load(far.export(tmp_path / "export") / "pipeline.joblib")
    assert (exported.predict(X) == far.predict(X)).all()
    names: dict[str, object] = {"__name__": "script"}
    exec(far.export_script(tmp_path / "pipeline.py").read_text(encoding="utf-8"), names)
    assert names["fit"](X, Y).predict(X).shape == (N,)


BREAKS = {
    "a column missing": (lambda t: t.drop(columns="number"), "number"),
    "text in a numeric column": (lambda t: t.assign(number="cheap"), "number.*cheap"),
    "an array of another width": (lambda t: np.zeros((3, 2)), "2 features|3 features"),
    "a single row as 1-D": (lambda t: np.zeros(3), "[Rr]eshape"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_changed_table_at_predict_is_refused(name, fitted):
    change, message = BREAKS[name]
    with pytest.raises(SchemaError, match=message):
        fitted.predict(change(frame(day=pd.date_range("2024-01-01", periods=N))))


def test_ten_thousand_columns():
    X = RNG.normal(size=(N, 10_000))
    X[:, 3] += 2 * (Y == "yes")
    agrees(fit(X, settings={"max_trials": 2}), X)


def test_two_rows_of_two_numbers():
    fitted = fit(np.array([[0.0], [1.0], [0.1], [0.9]]), [0, 1, 0, 1])
    assert fitted.predict(np.array([[0.05], [0.95]])).shape == (2,)


def test_kinds_can_be_overridden():
    table = frame(zip_code=RNG.integers(1, 4, N))
    fitted = fit(table, settings={"column_kinds": {"zip_code": "categorical", "letter": "id"}})
    kinds = {column.name: str(column.kind) for column in fitted.schema_.columns}
    assert kinds == {"number": "numeric", "letter": "id", "zip_code": "categorical"}
    agrees(fitted, table.assign(zip_code=[1.0, np.nan, 3.0] * (N // 3)))
