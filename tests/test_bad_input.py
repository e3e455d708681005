"""Bad settings, tables at predict and files: one clear error each, which names what was given; nothing is touched."""

from __future__ import annotations

import concurrent.futures
import datetime
import fractions
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
from automl.core import DataError, SchemaError, SettingError, StoreError
from automl.data import load_table
from automl.search import Settings, check_settings
from tests.refusals import HUGE, INF, NAN, WEIGHTS, A, N, Raises, Unhashable, X, Y, estimator, objects, refused

ARRAY = np.random.default_rng(1).normal(size=(N, 3))
SPARSE = sp.random(N, 6, 0.4, "csr", random_state=0)


# ---- constructor arguments

SETTINGS: dict[str, list[Any]] = {
    "time_budget": [-1, 0, NAN, INF, True, "", "1h", [], 1j, HUGE, np.array([1, 2]), b"5", pd.NA, np.bool_(True)],
    "metric": ["", None, 1, NAN, ["accuracy"], {}, True, int, b"accuracy", "acuracy", "r2", np.array([1, 2])],
    "report": ["accuracy", 1, None, [1], ["acuracy"], ["r2"], [""], {"accuracy": 1}, NAN, True, int],
    "cv": ["", "5", 0, -1, 1.5, NAN, True, [], {}, [1, 2], [(1, 2)], [([0], [0])], [([0, 1], [99])], object()],
    "outer_folds": ["", "5", 0, 1, -1, 2.0, NAN, True, [], {}, [1, 2], [([0], [0])], object()],
    "max_trials": [0, -1, 1.0, NAN, INF, True, "3", [], np.array([3])],
    "optimizer": ["", None, 1, "magic", int, object(), lambda space: None, np.array([1, 2])],
    "include": ["", "nothing", [], [""], [1], [None], {"linear": 1}, 1, NAN, b"linear", [["linear"]], [Unhashable()]],
    "exclude": ["", [1], ["nothing"], 1, NAN, {"linear": 1}, b"linear", [["linear"]], [Unhashable()]],
    "column_kinds": ["", 1, [("a", "numeric")], {"z": "numeric"}, {"a": "number"}, {"a": []}, {0: "id"}, {None: "id"}],
    "ensemble_size": [0, -1, 1.5, NAN, None, True, "5", np.array([3, 4])],
    "refit": ["", None, 0, 1, 2, NAN, "yes", [], np.array([True, False]), pd.NA],
    "knowledge": [
        "",
        None,
        True,
        0,
        1,
        NAN,
        [],
        {},
        b"base",
        "a\0b",
        "x" * 5000,
        "/dev/null",
        object(),
        np.array([1, 2]),
    ],
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
    wrong = {"metric": "metric", "report": "report", "column_kinds": "column_kinds"}.get(name, f"{name}=")
    refused(lambda: estimator(**{name: value}).fit(X, Y), SettingError, wrong)
    assert list(tmp_path.iterdir()) == []


def test_every_parameter_has_wrong_values():
    assert SETTINGS.keys() == AutoClassifier().get_params(deep=False).keys()


def test_kinds_that_do_not_fit_the_values():
    refused(
        lambda: estimator(column_kinds={"b": "numeric"}).fit(X, Y), DataError, "'b' to be numeric", "is not a number"
    )
    refused(lambda: estimator(column_kinds={"a": "date"}).fit(X, Y), DataError, "'a' to be date", "neither dates")


@pytest.mark.filterwarnings("ignore:the model predicts a constant. no other came to its end")  # on a busy machine
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


@pytest.mark.parametrize("name", sorted(WEIGHTS.keys() - {"zero but for one class"}))
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


def test_dates_and_times_of_python_are_no_numbers(models: SimpleNamespace):
    times = TYPED.assign(a=objects(datetime.time(1), datetime.time(2)))
    refused(lambda: models.frame.predict(times), SchemaError, "held numbers")


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
