"""Tables, targets, weights and groups that nothing can be learned from: one clear error each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from automl import AutoRegressor
from automl.core import DataError
from tests.refusals import HUGE, INF, NAN, WEIGHTS, A, N, Raises, Unhashable, X, Y, estimator, objects, refused

# ---- tables

TABLES: dict[str, tuple[Any, str]] = {
    "nothing": (None, "NoneType"),
    "a file name": ("t.csv", "load_table"),
    "a number": (3, "cannot be read as a table"),
    "a class": (int, "cannot be read as a table"),
    "a dictionary of columns": ({"a": A}, "pandas.DataFrame(X)"),
    "a list of dictionaries": ([{"a": 1}] * N, "pandas.DataFrame(X)"),
    "a generator": ((row for row in A), "cannot be read as a table"),
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
