import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from automl.core import DataError
from automl.data import CellError, Container, as_table, container_of


def test_pandas_passes_untouched():
    frame = pd.DataFrame({"a": [1, None], "b": ["x", None]})
    assert as_table(frame) is frame


def test_na_among_objects_is_missing_and_the_table_given_stays_as_it_was():
    frame = pd.DataFrame({"a": pd.Series([1, pd.NA, 2.5], dtype=object), "b": ["x", pd.NA, np.nan]})
    frame.index = pd.Index([4, 4, 4])
    table = as_table(frame)
    assert table["a"].tolist() == [1, None, 2.5] and table["a"].dtype == object
    assert frame["a"].iloc[1] is pd.NA and table.index.equals(frame.index)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "uint16", "bool"])
def test_arrays_of_numbers_pass_untouched(dtype):
    X = np.ones((3, 2), dtype=dtype)
    assert as_table(X) is X
    assert container_of(X) is Container.ARRAY


def test_arrays_of_objects_become_frames_with_real_dtypes():
    table = as_table(np.array([[1, "a", None], [2, "b", 1.5]], dtype=object))
    assert list(table.columns) == ["x0", "x1", "x2"]
    assert table["x0"].dtype == "int64"
    assert table["x2"].dtype == "float64"


@pytest.mark.parametrize("X", [np.array([["a"], ["b"]]), np.array([[b"a"], [b"b"]])])
def test_arrays_of_strings_become_frames(X):
    assert as_table(X)["x0"].nunique() == 2


def test_lists_do_not_turn_numbers_into_strings():
    assert as_table([[1, "a"], [2, "b"]])["x0"].tolist() == [1, 2]


def test_lists_of_numbers_become_float_arrays():
    table = as_table([[1, 2.5], [3, np.nan]])
    assert isinstance(table, np.ndarray)
    assert table[0].tolist() == [1, 2.5]


@pytest.mark.parametrize(
    "make",
    [pl.DataFrame, pa.table, lambda columns: pa.table(columns).to_batches()[0]],
    ids=["polars", "pyarrow", "batch"],
)
def test_foreign_tables_keep_names_and_values(make):
    table = as_table(make({"a": [1, 2], "b": ["x", None]}))
    assert isinstance(table, pd.DataFrame)
    assert table["a"].tolist() == [1, 2]
    assert table["b"].isna().tolist() == [False, True]


class Streamed:
    """Only speaks the Arrow stream protocol."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def test_arrow_streams_are_read():
    assert as_table(Streamed(pa.table({"a": [1, 2]})))["a"].tolist() == [1, 2]


class ArrayLike:
    def __array__(self, dtype=None, copy=None):
        return np.eye(3)


def test_anything_with_array_is_read():
    assert as_table(ArrayLike()).shape == (3, 3)


def test_masked_cells_are_missing():
    table = as_table(np.ma.array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]]))
    assert np.isnan(table).tolist() == [[False, True], [False, False]]


def test_structured_arrays_keep_names():
    X = np.array([(1, 2.0), (3, 4.0)], dtype=[("a", "i8"), ("b", "f8")])
    assert list(as_table(X).columns) == ["a", "b"]


@pytest.mark.parametrize("layout", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csr_array])
def test_every_sparse_layout_becomes_csr(make, layout):
    X = make(np.diag([1, 2, 0]))
    table = as_table(X.asformat(layout))
    assert table.format == "csr"
    assert table.dtype == np.float64
    assert container_of(table) is Container.SPARSE
    assert (table.toarray() == X.toarray()).all()


def test_sparse_duplicates_are_summed_without_touching_the_original():
    X = sparse.csr_matrix((np.array([1.0, 2.0]), np.array([0, 0]), np.array([0, 2])), shape=(1, 1))
    assert as_table(X).data.tolist() == [3.0]
    assert X.data.tolist() == [1.0, 2.0]


REFUSED = {
    "1-D array": (np.ones(3), "Reshape your data"),
    "1-D list": ([1, 2, 3], "Reshape your data"),
    "series": (pd.Series([1, 2]), "Reshape your data"),
    "polars series": (pl.Series([1, 2]), "Reshape your data"),
    "3-D": (np.ones((2, 2, 2)), "got 3D array"),
    "0-D": (np.array(1.0), "got 0D array"),
    "no rows": (np.empty((0, 3)), r"Found array with 0 sample\(s\) \(shape=\(0, 3\)\)"),
    "no columns": (np.empty((12, 0)), r"0 feature\(s\) \(shape=\(12, 0\)\) while a minimum of 1 is required"),
    "empty frame": (pd.DataFrame(), "0 feature"),
    "frame without rows": (pd.DataFrame({"a": []}), "0 sample"),
    "complex": (np.ones((2, 2)) * 1j, "Complex data not supported"),
    "complex column": (pd.DataFrame({"a": [1j, 2]}), "Complex data not supported: column 'a'"),
    "complex sparse": (sparse.csr_matrix(np.eye(2) * 1j), "Complex data not supported"),
    "complex objects": (pd.DataFrame({"a": pd.Series([1j, None], dtype=object)}), "Complex data not supported"),
    "repeated names": (pd.DataFrame([[1, 2]], columns=["a", "a"]), r"more than once: 'a'"),
    "tuple names": (pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])), "2 levels"),
    "mixed names": (pd.DataFrame([[1, 2]], columns=["a", 1]), "not strings: 1"),
    "number names": (pd.DataFrame([[1, 2]], columns=[4, 7]), "not strings: 4, 7"),
    "missing name": (pd.DataFrame([[1, 2]], columns=["a", np.nan]), "not strings"),
    "ragged list": ([[1, 2], [3]], r"lengths \[1, 2\]"),
    "list of records": ([{"a": 1}], "pandas.DataFrame"),
    "dictionary": ({"a": [1]}, "pandas.DataFrame"),
    "path": ("table.csv", "load_table"),
    "None": (None, "NoneType"),
    "lazy": (pl.LazyFrame({"a": [1]}), "collect them first"),
    "object": (object(), "cannot be read as a table"),
}


@pytest.mark.parametrize(("X", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals_say_what_to_do(X, message):
    with pytest.raises(DataError, match=message):
        as_table(X)


@pytest.mark.parametrize("cell", [{"foo": "bar"}, [1, 2], (1, 2), {1}, np.ones(2)], ids=repr)
def test_nested_cells_are_also_a_type_error(cell):
    frame = pd.DataFrame({"ok": [1, 2], "bad": pd.Series([1.5, cell], dtype=object)})
    with pytest.raises(CellError, match="argument must be .* string.* number") as caught:
        as_table(frame)
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("make", [pa.table, pl.DataFrame], ids=["arrow", "polars"])
def test_nested_foreign_columns_are_refused(make):
    with pytest.raises(CellError, match="'a'"):
        as_table(make({"a": [[1], [2, 3]]}))


def test_nested_arrow_dtypes_are_refused():
    frame = pd.DataFrame({"a": pd.array([[1], [2]], dtype=pd.ArrowDtype(pa.list_(pa.int64())))})
    with pytest.raises(CellError, match="list"):
        as_table(frame)


def test_numbered_columns_are_accepted():
    frame = pd.DataFrame(np.eye(3))
    assert as_table(frame) is frame
