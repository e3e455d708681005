"""Bad input in Python: one clear error of ours each, which names what was given; nothing of the user's is touched."""

from __future__ import annotations

import concurrent.futures
import datetime
import fractions
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

import automl
from automl import AutoClassifier, AutoRegressor
from automl.core import AutoMLError, DataError, SchemaError, SettingError, StoreError
from automl.data import load_table
from automl.search import Settings, check_settings

N = 40
RNG = np.random.default_rng(0)
A, B = RNG.normal(size=N), RNG.choice(list("xyz"), N)
X = pd.DataFrame({"a": A, "b": B})
Y = np.where(A > 0, "yes", "no")
ARRAY, SPARSE = RNG.normal(size=(N, 3)), sp.random(N, 6, 0.4, "csr", random_state=0)
NAN, INF, HUGE = float("nan"), float("inf"), 10**400
QUICK: dict[str, Any] = {"max_trials": 1, "executor": "serial", "include": ["linear"], "cv": 2, "random_state": 0}


class Unhashable:
    """Can be compared with nothing and be no key."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not comparable")


class Raises:
    """Raises when it is asked for its values."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no values")


def objects(*values: Any) -> Any:
    """Return the values again and again, as an object array of the table's length."""
    column = np.empty(N, dtype=object)
    column[:] = [values[i % len(values)] for i in range(N)]
    return column


def estimator(kind: Any = AutoClassifier, **settings: Any) -> Any:
    return kind(**{"time_budget": None, "verbose": 0, **QUICK, **settings})


def refused(act: Any, kind: type[AutoMLError], *said: str) -> None:
    """Check that exactly this error comes, that it says these words, and that nothing is said beside it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(kind) as caught:
            act()
    assert all(words in str(caught.value) for words in said), str(caught.value)


# ---- constructor arguments

SETTINGS: dict[str, list[Any]] = {
    "time_budget": [-1, 0, NAN, INF, True, "", "1h", [], 1j, HUGE, np.array([1, 2]), b"5", pd.NA, np.bool_(True)],
    "metric": ["", None, 1, NAN, ["accuracy"], {}, True, int, b"accuracy", "acuracy", "r2", np.array([1, 2])],
    "cv": ["", "5", 0, -1, 1.5, NAN, True, [], {}, [1, 2], [(1, 2)], [([0], [0])], [([0, 1], [99])], object()],
    "max_trials": [0, -1, 1.0, NAN, INF, True, "3", [], np.array([3])],
    "optimizer": ["", None, 1, "magic", int, object(), lambda space: None, np.array([1, 2])],
    "include": ["", "nothing", [], [""], [1], [None], {"linear": 1}, 1, NAN, b"linear", [["linear"]], [Unhashable()]],
    "exclude": ["", [1], ["nothing"], 1, NAN, {"linear": 1}, b"linear", [["linear"]], [Unhashable()]],
    "column_kinds": ["", 1, [("a", "numeric")], {"z": "numeric"}, {"a": "number"}, {"a": []}, {0: "id"}, {None: "id"}],
    "ensemble_size": [0, -1, 1.5, NAN, None, True, "5", np.array([3, 4])],
    "refit": ["", None, 0, 1, 2, NAN, "yes", [], np.array([True, False]), pd.NA],
    "n_jobs": [0, 1.5, NAN, INF, "1", "", [], True, np.array([1, 2])],
    "memory_limit_mb": [0, -1, NAN, INF, True, "1GB", [], HUGE, np.array([1, 2])],
    "executor": ["", None, "cloud", 1, True, [], pd.DataFrame(), np.array([1, 2]), concurrent.futures.Executor()],
    "run_dir": ["", 1, True, [], b"run", "a\0b", NAN, "x" * 5000, "/dev/null/run"],
    "keep_data": ["", "yes", None, 2, NAN, [], np.array([1, 2])],
    "random_state": [-1, 1.5, NAN, INF, "", "1", [], True, [1, 2], np.random.default_rng(0)],
    "verbose": ["", "yes", None, -1, NAN, 1.5, [], np.array([1, 2])],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [pytest.param(n, v, id=f"{n}-{i}") for n, values in SETTINGS.items() for i, v in enumerate(values)],
)
def test_a_wrong_setting(name: str, value: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    wrong = {"metric": "metric", "column_kinds": "column_kinds"}.get(name, f"{name}=")
    refused(lambda: estimator(**{name: value}).fit(X, Y), SettingError, wrong)
    assert list(tmp_path.iterdir()) == []


def test_every_parameter_has_wrong_values():
    assert SETTINGS.keys() == AutoClassifier().get_params(deep=False).keys()


def test_kinds_that_do_not_fit_the_values():
    refused(
        lambda: estimator(column_kinds={"b": "numeric"}).fit(X, Y), DataError, "'b' to be numeric", "is not a number"
    )
    refused(lambda: estimator(column_kinds={"a": "date"}).fit(X, Y), DataError, "'a' to be date", "neither dates")


def test_a_fraction_is_a_time_budget_and_too_short_a_one_is_said():
    with pytest.warns(UserWarning, match="below 5 s"):
        estimator(time_budget=fractions.Fraction(1, 2), max_trials=1).fit(X, Y)


ODD: list[Any] = ["auto", "serial", "process", object(), int, np.array([1, 2]), np.float32(2), np.int8(3), pd.NA, HUGE]
VALUES = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.binary(max_size=4)),
    st.complex_numbers(),
    st.lists(st.one_of(st.integers(), st.text(max_size=4)), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from(ODD),
)


@given(st.sampled_from(sorted(Settings.__dataclass_fields__.keys() - {"seed"})), VALUES)
def test_any_setting_is_accepted_or_refused(name: str, value: Any):
    try:
        check_settings(Settings(**{"time_budget": 60, name: value}))
    except SettingError as error:
        assert name in str(error)


# ---- tables

TABLES: dict[str, tuple[Any, str]] = {
    "nothing": (None, "NoneType"),
    "a file name": ("t.csv", "load_table"),
    "a number": (3, "cannot be read as a table"),
    "a class": (int, "cannot be read as a table"),
    "a dictionary of columns": ({"a": A}, "pandas.DataFrame(X)"),
    "a list of dictionaries": ([{"a": 1}] * N, "pandas.DataFrame(X)"),
    "a generator": ((row for row in ARRAY), "cannot be read as a table"),
    "a flat list": ([1.0] * N, "1D array"),
    "an empty list": ([], "1D array"),
    "empty rows": ([[]] * N, "0 feature(s)"),
    "rows of different length": ([[1, 2], [1]], "lengths [1, 2]"),
    "a number too large": ([[HUGE, 1.0]] * N, "too large"),
    "a scalar array": (np.array(1.0), "0D array"),
    "raw bytes": (np.zeros((N, 2), "V4"), "dtype |V4"),
    "something that raises": (Raises(), "RuntimeError: no values"),
    "a sparse array of one dimension": (sp.coo_array(A), "1D array"),
    "a sparse matrix without columns": (sp.csr_matrix((N, 0)), "0 feature(s)"),
    "a sparse matrix with infinite values": (sp.csr_matrix(np.full((N, 2), INF)), "infinite"),
    "a sparse matrix of complex numbers": (sp.csr_matrix(np.full((N, 2), 1j)), "Complex"),
    "no rows": (X.head(0), "0 sample(s)"),
    "no columns": (X[[]], "0 feature(s)"),
    "time differences": (X.assign(c=pd.to_timedelta(range(N), "D")), "time differences"),
    "dictionaries in cells": (X.assign(c=objects({"k": 1})), "type dict"),
    "sets in cells": (X.assign(c=objects({1}, {2})), "type set"),
    "frozen sets in cells": (X.assign(c=objects(frozenset({1}))), "type frozenset"),
    "tables in cells": (X.assign(c=objects(X)), "type DataFrame"),
    "cells that cannot be compared": (X.assign(c=objects(Unhashable())), "type Unhashable"),
    "complex cells": (X.assign(c=objects(1j)), "Complex"),
    "half characters in cells": (X.assign(c=pd.Series(objects("\ud800", "b"), dtype=object)), "valid Unicode"),
    "half characters in a list": ([["\ud800", 1], ["b", 2]] * (N // 2), "valid Unicode"),
    "levels of names": (pd.concat({"k": X}, axis=1), "2 levels"),
    "names that are numbers and text": (X.set_axis(["a", 1], axis=1), "not strings: 1"),
    "names that are missing": (X.set_axis(pd.Index(["a", None], dtype=object), axis=1), "not strings"),
    "names that are dates": (X.set_axis(pd.to_datetime(["2020", "2021"]), axis=1), "not strings"),
    "names of half characters": (X.set_axis(pd.Index(["\ud800", "b"], dtype=object), axis=1), "valid Unicode"),
    "two empty names": (X.set_axis(["", ""], axis=1), "more than once: ''"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_wrong_table(name: str):
    table, said = TABLES[name]
    refused(lambda: estimator().fit(table, Y), DataError, said)


NAMES = [["größe", "日本語 🐟"], ["a", ""], ["a\0", 'b\n"{}[]:,'], ["a" * 10_000, "b"], ["a", "A"], ["é", "e\u0301"]]


@pytest.mark.parametrize("names", NAMES, ids=range(len(NAMES)))
def test_odd_names_work(names: list[str]):
    table = X.set_axis(names, axis=1)
    model = estimator().fit(table, Y)
    assert model.feature_names_in_.tolist() == names and len(model.predict(table)) == N


def test_a_copy_of_the_target_is_a_finding(capsys: pytest.CaptureFixture[str]):
    table = pd.concat([X] * 5, ignore_index=True)
    estimator(verbose=1).fit(table.assign(result=np.tile(Y, 5)), np.tile(Y, 5))
    assert "result" in capsys.readouterr().err


# ---- targets

LABELS: dict[str, tuple[Any, str]] = {
    "nothing": (None, "y to be passed"),
    "a name": ("b", "type str"),
    "a number": (1, "type int"),
    "a dictionary": ({0: 1}, "type dict"),
    "a set": ({1, 2}, "type set"),
    "a generator": ((label for label in Y), "type generator"),
    "a sparse matrix": (sp.csr_matrix(np.ones((N, 1))), "sparse matrix"),
    "something that raises": (Raises(), "RuntimeError: no values"),
    "empty": ([], "0 values"),
    "one row across": (Y[None], "multi-output"),
    "a table": (X, "multi-output"),
    "a table without columns": (X[[]], "multi-output"),
    "too long": (np.append(Y, "yes"), "X has 40 rows, y has 41"),
    "all missing": (np.full(N, NAN), "40 of 40 values are missing"),
    "all None": ([None] * N, "40 of 40 values are missing"),
    "missing dates": (np.full(N, "NaT", dtype="M8[s]"), "missing"),
    "infinite": (np.where(A > 0, INF, 1.0), "infinity"),
    "one class": (["yes"] * N, "single class, 'yes'"),
    "every row a class": ([f"k{i}" for i in range(N)], "only one class has more than 1 member"),
    "numbers and text": (objects(1, "a"), "mixes int, str"),
    "dates": (pd.date_range("2020", periods=N), "holds times"),
    "complex": (A + 1j, "Complex"),
    "lists": (objects([1], [2, 3]), "holds a list"),
    "sets": (objects({1}, {2}), "holds a set"),
    "dictionaries": (objects({1: 2}), "holds a dict"),
    "tuples": (pd.Series([(1, 2), (3, 4)] * (N // 2)), "holds a tuple"),
    "what cannot be compared": (objects(Unhashable(), Unhashable()), "mixes Unhashable"),
    "half characters": (objects("\ud800", "a"), "valid Unicode"),
    "numbers too large": (objects(HUGE, 1), "too large"),
}
VALUES_OF_REGRESSION: dict[str, tuple[Any, str]] = {
    "text": (Y, "regression needs numbers"),
    "numbers as text": ([str(value) for value in A], "regression needs numbers"),
    "mixed": (objects(1.0, "a"), "regression needs numbers"),
    "dates": (pd.date_range("2020", periods=N), "regression needs numbers"),
    "lists": (objects([1.0]), "regression needs numbers"),
    "infinite": (np.where(A > 0, -INF, 1.0), "infinity"),
    "missing": (np.where(A > 0, NAN, 1.0), "missing"),
    "complex": (A + 1j, "Complex"),
    "numbers too large": (objects(HUGE, 1), "too large"),
    "numbers whose squares are infinite": (np.where(A > 0, 1e308, -1e308), "1e+308"),
    "one row": ([1.0], "1 sample"),
}


@pytest.mark.parametrize("name", LABELS)
def test_wrong_labels(name: str):
    y, said = LABELS[name]
    refused(lambda: estimator().fit(X, y), DataError, said)


@pytest.mark.parametrize("name", VALUES_OF_REGRESSION)
def test_wrong_values(name: str):
    y, said = VALUES_OF_REGRESSION[name]
    refused(lambda: estimator(AutoRegressor).fit(X.head(len(y)), y), DataError, said)


# ---- weights and groups

WEIGHTS: dict[str, tuple[Any, str]] = {
    "too short": (np.ones(N - 1), "has 39"),
    "empty": ([], "has 0"),
    "negative": (np.append(np.ones(N - 1), -1), "1 negative"),
    "all zero": (np.zeros(N), "all zero"),
    "zero but for one class": ((Y == "yes").astype(float), "one class"),
    "missing": (np.append(np.ones(N - 1), NAN), "1 missing"),
    "infinite": (np.append(np.ones(N - 1), INF), "1 infinite"),
    "too large together": (np.full(N, 1e308), "infinity"),
    "text": (["a"] * N, "holds 'a'"),
    "complex": (A + 1j, "expected numbers"),
    "dates": (pd.date_range("2020", periods=N), "expected numbers"),
    "lists": ([[1]] * N, "holds [1]"),
    "two columns": (np.ones((N, 2)), "shape (40, 2)"),
    "a name": ("w", "sample_weight='w'"),
    "a dictionary": ({}, "shape ()"),
    "a number too large": (objects(HUGE), "expected numbers"),
    "something that raises": (Raises(), "RuntimeError: no values"),
}
GROUPS: dict[str, tuple[Any, str]] = {
    "too short": (np.arange(N - 1), "has 39"),
    "missing": (np.append(np.arange(N - 1.0), NAN), "1 missing"),
    "one group": (np.zeros(N), "one group only"),
    "a group for each class": (Y, "finer groups"),
    "lists": (objects([1], [2]), "cannot be compared"),
    "what cannot be compared": (objects(Unhashable(), Unhashable()), "cannot be compared"),
    "two columns": (np.ones((N, 2)), "shape (40, 2)"),
    "a name": ("shop", "groups='shop'"),
    "half characters": (["\ud800", "a", "b", "c"] * (N // 4), "groups cannot be read"),
    "something that raises": (Raises(), "RuntimeError: no values"),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_wrong_weights(name: str):
    weights, said = WEIGHTS[name]
    refused(lambda: estimator().fit(X, Y, sample_weight=weights), DataError, said)


@pytest.mark.parametrize("name", GROUPS)
def test_wrong_groups(name: str):
    groups, said = GROUPS[name]
    refused(lambda: estimator().fit(X, Y, groups=groups), DataError, said)


# ---- predict and score

TYPED = X.assign(day=pd.date_range("2024-01-01", periods=N), flag=A > 0.3)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    folder = tmp_path_factory.mktemp("runs")
    run = estimator(run_dir=folder / "run", keep_data=True).fit(X, Y)
    return SimpleNamespace(
        frame=estimator().fit(TYPED, Y),
        array=estimator().fit(ARRAY, Y),
        sparse=estimator().fit(SPARSE, Y),
        regression=estimator(AutoRegressor).fit(ARRAY, A),
        run=folder / "run",
        saved=run.save(folder / "model.automl"),
    )


NEW: dict[str, tuple[str, Any, str]] = {
    "nothing": ("frame", None, "NoneType"),
    "a file name": ("frame", "t.csv", "load_table"),
    "something that raises": ("frame", Raises(), "no values"),
    "no rows": ("frame", TYPED.head(0), "0 sample(s)"),
    "columns missing": ("frame", TYPED[["day"]], "lacks 3 column(s)"),
    "columns twice": ("frame", pd.concat([TYPED, TYPED], axis=1), "more than once"),
    "numbers for names": ("frame", TYPED.set_axis(range(4), axis=1), "lacks 4 column(s)"),
    "too wide an array": ("frame", np.zeros((3, 9)), "9 features"),
    "a dictionary in a number's place": ("frame", TYPED.assign(a=objects({})), "type dict"),
    "complex numbers": ("frame", TYPED.assign(a=A + 1j), "Complex"),
    "what cannot be compared": ("frame", TYPED.assign(a=objects(Unhashable())), "type Unhashable"),
    "half characters": ("frame", TYPED.assign(b=pd.Series(objects("\ud800"), dtype=object)), "valid Unicode"),
    "dates for numbers": ("frame", TYPED.assign(a=TYPED["day"]), "held numbers"),
    "time differences for numbers": ("frame", TYPED.assign(a=pd.to_timedelta(range(N), "D")), "time differences"),
    "numbers for dates": ("frame", TYPED.assign(day=1.0), "held dates"),
    "time differences for dates": ("frame", TYPED.assign(day=pd.to_timedelta(range(N), "D")), "time differences"),
    "text for booleans": ("frame", TYPED.assign(flag="maybe"), "'maybe'"),
    "floats for categories": ("frame", TYPED.assign(b=1.0), "held strings"),
    "strings in an array": ("array", np.array([["a", "b", "c"]]), "'a'"),
    "text among objects": ("array", np.array([[1, "x", None]], dtype=object), "'x'"),
    "dates in an array": ("array", np.zeros((2, 3), "M8[s]"), "in fit X was an array of numbers"),
    "raw bytes": ("array", np.zeros((2, 3), "V4"), "dtype |V4"),
    "a complex array": ("array", np.zeros((2, 3)) * 1j, "Complex"),
    "a wide sparse matrix": ("array", sp.csr_matrix((2, 4)), "4 features"),
    "a frame with text": ("array", pd.DataFrame([["t", 1, 2]], columns=list("abc")), "'t'"),
    "another sparse width": ("sparse", sp.csr_matrix((2, 7)), "7 features"),
    "a narrow dense table": ("sparse", np.zeros((2, 5)), "5 features"),
    "a sparse matrix with infinite values": ("sparse", sp.csr_matrix(np.full((2, 6), INF)), "infinite"),
    "one dimension": ("sparse", np.zeros(6), "Reshape"),
    "a wide table for values": ("regression", np.zeros((2, 4)), "4 features"),
}


@pytest.mark.parametrize("name", NEW)
def test_a_wrong_table_at_predict(name: str, models: SimpleNamespace):
    which, table, said = NEW[name]
    model = getattr(models, which)
    refused(lambda: model.predict(table), SchemaError, said)
    refused(lambda: model.score(table, A if which == "regression" else Y), SchemaError, said)
    if which != "regression":
        refused(lambda: model.predict_proba(table), SchemaError, said)


TRUTHS: dict[str, tuple[Any, Any, str]] = {
    "nothing": (None, None, "y to be passed"),
    "a name": ("b", "b", "type str"),
    "a number": (1, 1.0, "type"),
    "too short": (Y[:-1], A[:-1], "X has 40 rows, y has 39"),
    "two columns": (np.column_stack([Y, Y]), np.column_stack([A, A]), "multi-output"),
    "missing": ([None, "yes"] * (N // 2), np.full(N, NAN), "missing"),
    "complex": (A + 1j, A + 1j, "Complex"),
    "rows of different length": ([[1], [1, 2]] * (N // 2), [[1], [1, 2]] * (N // 2), "list|mixed"),
    "of another type": ([1] * N, Y, "not seen in fit: \\[1\\]|regression needs numbers"),
    "unseen": (["maybe"] * N, np.full(N, INF), "not seen in fit: \\['maybe'\\]|infinity"),
    "something that raises": (Raises(), Raises(), "no values"),
}


@pytest.mark.parametrize("name", TRUTHS)
def test_a_wrong_target_at_score(name: str, models: SimpleNamespace):
    labels, values, said = TRUTHS[name]
    with pytest.raises(DataError, match=said):
        models.frame.score(TYPED, labels)
    with pytest.raises(DataError, match=said):
        models.regression.score(ARRAY, values)


@pytest.mark.parametrize("name", WEIGHTS.keys() - {"zero but for one class"})
def test_wrong_weights_at_score(name: str, models: SimpleNamespace):
    weights, said = WEIGHTS[name]
    refused(lambda: models.frame.score(TYPED, Y, sample_weight=weights), DataError, said)
    refused(lambda: models.regression.score(ARRAY, A, sample_weight=weights), DataError, said)


def test_scores_take_what_means_the_same(models: SimpleNamespace):
    expected = models.frame.score(TYPED, Y)
    assert expected == models.frame.score(TYPED, pd.Categorical(Y)) == models.frame.score(TYPED, pd.Series(Y).tolist())
    numbers = estimator().fit(ARRAY, (Y == "yes").astype(int))
    assert numbers.score(ARRAY, Y == "yes") == numbers.score(ARRAY, (Y == "yes").astype(float))
    assert models.regression.score(ARRAY[:1], A[:1]) <= 0.0


@pytest.mark.parametrize("kind", [AutoClassifier, AutoRegressor])
@pytest.mark.parametrize(
    "call", ["predict", "check", "score", "leaderboard", "failures", "save", "export", "export_script"]
)
def test_before_fit(kind: Any, call: str, tmp_path: Path):
    arguments = {"leaderboard": (), "failures": (), "score": (X, Y), "predict": (X,), "check": (X,)}
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(kind(), call)(*arguments.get(call, (tmp_path / "out",)))
    assert list(tmp_path.iterdir()) == []


# ---- files

PATHS: list[Any] = [None, 3, NAN, [], b"run", "", "a\0b", object()]


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
def test_what_is_no_path(path: Any, models: SimpleNamespace):
    refused(lambda: AutoClassifier.resume(path), SettingError, "run_dir=")
    refused(lambda: automl.load(path), SettingError, "is not a path")
    model = automl.load(models.saved)
    for write in (model.save, model.export, model.export_script):
        refused(lambda write=write: write(path), SettingError, "is not a path")


@pytest.mark.parametrize("path", ["x" * 5000, "/dev/null/model", "/proc/nowhere/model"], ids=["long", "file", "absent"])
def test_places_that_cannot_be_written_to_or_read(path: str, models: SimpleNamespace):
    refused(lambda: AutoClassifier.resume(path), SettingError, "holds no run")
    refused(lambda: automl.load(path), StoreError, path[:40])
    refused(lambda: load_table(path), DataError, "there is no file")
    model = automl.load(models.saved)
    for write in (model.save, model.export, model.export_script):
        refused(lambda write=write: write(path), StoreError, path[:40])


@pytest.mark.parametrize("trusted", ["no", None, 1, 0])
def test_trust_is_yes_or_no(trusted: Any, models: SimpleNamespace):
    refused(lambda: automl.load(models.saved, trusted=trusted), SettingError, "trusted=")


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"\x80\x05."], ids=range(5)
)
def test_a_file_that_is_no_model(content: bytes, tmp_path: Path):
    (tmp_path / "model").write_bytes(content)
    for trusted in (True, False):
        refused(lambda trusted=trusted: automl.load(tmp_path / "model", trusted=trusted), StoreError, "model")


RESUMED: dict[str, tuple[dict[str, Any], str]] = {
    "time": ({"time_budget": "1h"}, "time_budget='1h'"),
    "negative time": ({"time_budget": -1}, "time_budget=-1"),
    "a truth value for time": ({"time_budget": True}, "time_budget=True"),
    "trials": ({"max_trials": 0}, "max_trials=0"),
    "jobs": ({"n_jobs": 0}, "n_jobs=0"),
    "memory": ({"memory_limit_mb": NAN}, "memory_limit_mb=nan"),
    "keeping": ({"keep_data": np.array([1, 2])}, "keep_data="),
    "talking": ({"verbose": "loud"}, "verbose='loud'"),
    "a parameter that there is not": ({"colour": "red"}, "colour cannot change"),
    "a target without a table": ({"y": Y}, "give X too"),
    "weights without a table": ({"sample_weight": np.ones(N)}, "give X too"),
    "a table without a target": ({"X": X}, "y to be passed"),
    "other weights": ({"X": X, "y": Y, "sample_weight": np.ones(N)}, "another one"),
    "other groups": ({"X": X, "y": Y, "groups": np.arange(N)}, "another one"),
    "no table": ({"X": 3, "y": Y}, "cannot be read as a table"),
}


@pytest.mark.parametrize("name", RESUMED)
def test_a_wrong_resume_leaves_the_run_as_it_was(name: str, models: SimpleNamespace):
    def state() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in sorted(models.run.rglob("*")) if p.is_file()}

    before = state()
    arguments, said = RESUMED[name]
    kind = DataError if said in ("y to be passed", "cannot be read as a table") else SettingError
    refused(lambda: AutoClassifier.resume(models.run, **arguments), kind, said)
    assert state() == before


def test_dates_and_times_of_python_are_no_numbers(models: SimpleNamespace):
    times = TYPED.assign(a=objects(datetime.time(1), datetime.time(2)))
    refused(lambda: models.frame.predict(times), SchemaError, "held numbers")
