import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import DataConversionWarning

from automl.core import DataError, SettingError
from automl.data import Task, encode_target, infer_task, read_truth

LABELS = {
    "list": ["b", "a", "b"],
    "tuple": ("b", "a", "b"),
    "array": np.array(["b", "a", "b"]),
    "objects": np.array(["b", "a", "b"], dtype=object),
    "series": pd.Series(["b", "a", "b"], index=[7, 7, 9]),
    "string": pd.Series(["b", "a", "b"], dtype="string"),
    "category": pd.Categorical(["b", "a", "b"], categories=["z", "b", "a"]),
    "category series": pd.Series(["b", "a", "b"], dtype="category"),
    "arrow dtype": pd.Series(["b", "a", "b"], dtype="string[pyarrow]"),
    "polars": pl.Series(["b", "a", "b"]),
    "pyarrow": pa.chunked_array([["b", "a"], ["b"]]),
    "frame": pd.DataFrame({"y": ["b", "a", "b"]}),
    "polars frame": pl.DataFrame({"y": ["b", "a", "b"]}),
    "index": pd.Index(["b", "a", "b"]),
}


@pytest.mark.parametrize("y", LABELS.values(), ids=LABELS.keys())
def test_labels_in_any_container(y):
    codes, classes, task = encode_target(y, classifies=True)
    assert (codes.tolist(), codes.dtype) == ([1, 0, 1], np.int64)
    assert classes.tolist() == ["a", "b"]
    assert task is Task.BINARY


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([True, False, True], [False, True]),
        ([3, 1, 2], [1, 2, 3]),
        ([2.0, 1.0, 2.0], [1.0, 2.0]),
        (pd.array([3, 1, 2], dtype="Int64"), [1, 2, 3]),
        (pd.array([True, False, True], dtype="boolean"), [False, True]),
        (np.array([3, 1, 1], dtype=object), [1, 3]),
        ([10**24 + 1, 10**24, 10**24 + 1], [10**24, 10**24 + 1]),
        (np.array([3, 1, 1], dtype="uint8"), [1, 3]),
        (pd.Categorical([10, 9, 10]), [9, 10]),
        ([decimal.Decimal(1), decimal.Decimal(2)], [1.0, 2.0]),
    ],
)
def test_classes_are_sorted_and_keep_their_type(y, expected):
    codes, classes, task = encode_target(y, classifies=True)
    assert classes.tolist() == expected
    assert type(classes.tolist()[0]) is type(expected[0])
    assert classes[codes].tolist() == list(y)
    assert task is (Task.BINARY if len(expected) == 2 else Task.MULTICLASS)


def test_labels_beyond_64_bits_are_scored_as_they_are():
    y = [2**64 + 1, 2**64, 2**64 + 2]
    assert read_truth(y, 3, encode_target(y, classifies=True)[1]).tolist() == [1, 0, 2]


@given(st.lists(st.one_of(st.integers(-9, 9)), min_size=2).filter(lambda y: len(set(y)) > 1))
def test_codes_point_at_the_labels(y):
    codes, classes, _ = encode_target(y, classifies=True)
    assert classes[codes].tolist() == y
    assert classes.tolist() == sorted(set(y))


@pytest.mark.parametrize(
    "y",
    [
        [1, 2.5, 3],
        np.array([1, 2.5, 3], dtype="float32"),
        pd.array([1, 2.5, 3], dtype="Float64"),
        pd.Series([1, 2.5, 3], dtype="double[pyarrow]"),
        pl.Series([1.0, 2.5, 3.0]),
        [decimal.Decimal(1), decimal.Decimal("2.5"), decimal.Decimal(3)],
        np.array([1, 2.5, 3], dtype=object),
    ],
)
def test_regression_values_are_floats(y):
    values, classes, task = encode_target(y, classifies=False)
    assert (values.tolist(), values.dtype, classes, task) == ([1, 2.5, 3], np.float64, None, Task.REGRESSION)


def test_regression_takes_booleans():
    assert encode_target([True, False], classifies=False)[0].tolist() == [1.0, 0.0]


def test_column_vectors_warn_like_scikit_learn():
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed when a 1d array was expected"):
        assert encode_target(np.array([[0], [1]]), classifies=True)[0].tolist() == [0, 1]


REFUSED = {
    "None": (None, True, "requires y to be passed, but the target y is None"),
    "empty": ([], True, "0 sample"),
    "one row": ([1], True, "1 sample"),
    "one row regression": ([1.5], False, "1 sample"),
    "one class": (["a", "a"], True, "a single class, 'a'"),
    "NaN": ([1.0, np.nan, 2.0], False, "Input y contains NaN: 1 of 3"),
    "None among strings": (["a", None, "b"], True, "1 of 3 values are missing"),
    "NA": (pd.array([1, None], dtype="Int64"), True, "1 of 2 values are missing"),
    "infinite": ([1.0, np.inf, -np.inf], False, "infinity.*2 of 3"),
    "infinite classes": ([1.0, np.inf, 2.0], True, "infinity"),
    "continuous": ([0.5, 1.5, 2.0], True, "Unknown label type: continuous"),
    "mixed": ([1, "a", 2], True, "Unknown label type: y mixes int, str"),
    "dates": (pd.date_range("2020", periods=3), True, "y holds times"),
    "two columns": (np.ones((3, 2)), False, "multi-output is not supported"),
    "two column frame": (pd.DataFrame({"a": [1], "b": [2]}), False, "multi-output is not supported"),
    "nested list": ([[1, 2], [3, 4]], False, "multi-output is not supported"),
    "strings regression": (["a", "b"], False, "regression needs numbers"),
    "number strings regression": (["1.5", "2"], False, r"y\.astype\(float\)"),
    "complex": ([1j, 2j], False, "Complex data not supported"),
    "sparse": (sparse.csr_matrix([[1], [2]]), False, "toarray"),
    "scalar": (3, True, "1d array"),
    "string": ("abc", True, "1d array"),
}


@pytest.mark.parametrize(("y", "classifies", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(y, classifies, message):
    with pytest.raises(DataError, match=message):
        encode_target(y, classifies=classifies)


def test_a_given_task_must_agree():
    assert encode_target([0, 1], Task.BINARY, classifies=True)[2] is Task.BINARY
    with pytest.raises(SettingError, match="3 classes"):
        encode_target([0, 1, 2], Task.BINARY, classifies=True)
    with pytest.raises(SettingError, match="regressor"):
        encode_target([0, 1, 2], Task.BINARY, classifies=False)


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (["a", "b"], Task.BINARY),
        (["a", "b", None, "c"], Task.MULTICLASS),
        ([True, False], Task.BINARY),
        (pd.array([True, None, False], dtype="boolean"), Task.BINARY),
        (pd.Categorical([1.5, 2.5, 3.5]), Task.MULTICLASS),
        (range(20), Task.MULTICLASS),
        (range(21), Task.REGRESSION),
        ([1.0, 2.0, np.nan], Task.BINARY),
        ([1.0, 2.5], Task.REGRESSION),
        (pl.Series([0, 1, 1]), Task.BINARY),
        ([f"{i}" for i in range(30)], Task.MULTICLASS),
        ([decimal.Decimal("1.5")], Task.REGRESSION),
    ],
)
def test_infer_task(y, task):
    found, reason = infer_task(y)
    assert found is task
    assert reason


WRITTEN = {
    "decimal commas": [f"-{i},47" for i in range(21)],
    "points between thousands": [f"{i}.234,56" for i in range(1, 22)],
    "commas between thousands": [f"{i},234.50" for i in range(1, 22)],
    "currency": [f"${i}.00" for i in range(21)],
    "a gap": [*(f"{i}.5" for i in range(21)), "?"],
    "plain": [f"{i}.5" for i in range(21)],
}


@pytest.mark.parametrize("y", WRITTEN.values(), ids=WRITTEN.keys())
def test_many_strings_that_are_numbers_to_people_are_asked_about(y):
    with pytest.raises(DataError, match=r"convert y to floats.*AutoClassifier"):
        infer_task(y)
    assert encode_target(y, classifies=True)[2] is Task.MULTICLASS  # as asked for
    assert infer_task([*y[:20], *y[:20]])[0] is Task.MULTICLASS
    assert infer_task(pd.Categorical(y))[0] is Task.MULTICLASS


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "uint64", ">i4"])
def test_labels_keep_their_dtype(dtype):
    codes, classes, _ = encode_target(np.array([3, 1, 3], dtype=dtype), classifies=True)
    assert classes.dtype == np.dtype(dtype).newbyteorder("=") and classes.dtype.isnative
    assert (classes.tolist(), codes.tolist()) == ([1, 3], [1, 0, 1])
