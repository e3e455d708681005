import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import FunctionTransformer

from automl.core import DataError, SchemaError
from automl.data import Container, Schema, as_table, conform, infer_columns

FRAME = pd.DataFrame(
    {
        "n": [1.0, 2.0, None],
        "s": ["a", "b", "a"],
        "same": 1,
        "day": pd.to_datetime(["2020-01-01", "2020-01-02", None]),
        "written": ["2020-01-01", "2020-01-02", None],
    }
)
SCHEMA = infer_columns(FRAME)


def test_the_table_of_fit_passes_untouched():
    assert conform(FRAME, SCHEMA) is FRAME


@given(st.permutations([*FRAME.columns, "extra"]))
def test_order_and_extra_columns_do_not_matter(order):
    table = FRAME.assign(extra="!")[order]
    pd.testing.assert_frame_equal(conform(table, SCHEMA), FRAME)


def test_unused_columns_may_be_absent():
    assert list(conform(FRAME.drop(columns="same"), SCHEMA).columns) == ["n", "s", "day", "written"]


def test_missing_columns_are_named():
    with pytest.raises(SchemaError, match="X lacks 2 column.*'n', 's'"):
        conform(FRAME[["day", "written"]], SCHEMA)


def test_nested_cells_matter_only_in_known_columns():
    conform(FRAME.assign(extra=[[1], [2], [3]]), SCHEMA)
    with pytest.raises(DataError, match="'s' holds cells of type list"):
        conform(FRAME.assign(s=[[1], [2], [3]]), SCHEMA)


@pytest.mark.parametrize("make", [pl.from_pandas, lambda frame: pa.Table.from_pandas(frame)], ids=["polars", "pyarrow"])
def test_other_frames_by_name(make):
    table = conform(make(FRAME[["s", "n", "written", "day"]]), SCHEMA)
    assert list(table.columns) == ["n", "s", "day", "written"]


@pytest.mark.parametrize(
    "cells", [FRAME.to_numpy(dtype=object), FRAME.astype(object).to_numpy().tolist()], ids=["array", "list"]
)
def test_tables_without_names_go_by_position(cells):
    assert list(conform(cells, SCHEMA).columns) == list(FRAME.columns)


def test_na_of_objects_is_missing():
    row = pd.DataFrame({name: pd.Series([pd.NA], dtype=object) for name in FRAME.columns})
    assert conform(row, SCHEMA).isna().all(axis=None)
    assert np.isnan(conform(row, SCHEMA)["n"].astype("float64")[0])


def test_one_row_of_missing_values():
    row = pd.DataFrame({name: [None] for name in FRAME.columns})
    assert conform(row, SCHEMA) is row
    floats = row.astype("float64")
    assert conform(floats, SCHEMA) is floats


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("n", ["1", "2", "many"], "'n' held numbers in fit; here it holds 'many'"),
        ("n", pd.to_datetime(["2020", "2021", None]), "'n' held numbers in fit"),
        ("n", pd.Series(pd.to_datetime(["2020", "2021", None])).astype("timestamp[us][pyarrow]"), "'n' held numbers"),
        ("n", pd.to_timedelta([1, 2, 3], unit="s"), "time differences"),
        ("day", pd.period_range("2020", periods=3, freq="D"), r"'day' held dates in fit.*dt\.to_timestamp\(\)"),
        ("written", pd.period_range("2020", periods=3, freq="D").astype(object), "'written' held dates.*periods"),
        ("s", [1.0, 2.0, np.nan], "'s' held strings in fit; here it holds floats such as 1.0"),
        ("day", [1, 2, 3], "'day' held dates in fit; here it holds the number 1"),
        ("written", [20200101, 2, 3], "'written' held dates written as %Y-%m-%d"),
        ("written", pd.Series([20200101, 2, None], dtype=object), "'written' held dates written as %Y-%m-%d"),
        ("day", pd.Categorical([1.5, 2, None]), "'day' held dates in fit; here it holds the number 1.5"),
        ("s", pd.Categorical([1.0, 2.0, None]), "'s' held strings in fit; here it holds floats such as 1.0"),
    ],
)
def test_changed_types_are_refused(name, values, message):
    with pytest.raises(SchemaError, match=message):
        conform(FRAME.assign(**{name: values}), SCHEMA)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("n", ["1", "2.5", None]),
        ("n", [1, 2, 3]),
        ("n", [True, False, True]),
        ("n", pd.array([1, None, 3], dtype="Int64")),
        ("s", ["unseen", None, ""]),
        ("s", [1, 2, 3]),
        ("s", pd.Categorical(["a", None, "c"])),
        ("s", pd.array(["a", pd.NA, "c"], dtype="string")),
        ("s", pd.Series([1, "a", None], dtype=object)),
        ("day", ["2020-01-01", "rubbish", None]),
        ("written", pd.to_datetime(["2020", "2021", None])),
        ("written", ["rubbish", "1/2/2020", None]),
        ("same", ["anything", 2, None]),
    ],
)
def test_other_spellings_of_the_same_pass_unchanged(name, values):
    table = FRAME.assign(**{name: values})
    assert conform(table, SCHEMA) is table


def test_number_codes_refuse_words():
    schema = infer_columns(pd.DataFrame({"code": pd.Categorical([1, 2, 1])}))
    conform(pd.DataFrame({"code": [2, 9]}), schema)
    with pytest.raises(SchemaError, match="'code' held numbers"):
        conform(pd.DataFrame({"code": ["one"]}), schema)


def test_arrays_by_position():
    schema = infer_columns(np.arange(6.0).reshape(3, 2))
    X = np.ones((1, 2))
    assert conform(X, schema) is X
    assert conform(pd.DataFrame({"a": [1], "b": ["2"]}), schema).tolist() == [[1, 2]]
    assert conform(sparse.csr_matrix(X), schema).tolist() == [[1, 1]]
    assert conform(np.array([[1, None]], dtype=object), schema).shape == (1, 2)
    with pytest.raises(SchemaError, match="'b' holds 'x'"):
        conform(pd.DataFrame({"a": [1], "b": ["x"]}), schema)


def test_sparse_by_position():
    schema = infer_columns(as_table(sparse.csr_array(np.eye(3))))
    assert schema.container is Container.SPARSE
    for X in (np.eye(3), pd.DataFrame(np.eye(3, dtype=int)), sparse.coo_matrix(np.eye(3))):
        assert conform(X, schema).toarray().tolist() == np.eye(3).tolist()


@pytest.mark.parametrize(
    "fitted", [np.eye(3), as_table(sparse.csr_matrix(np.eye(3))), pd.DataFrame(np.eye(3), columns=list("abc"))]
)
def test_a_wrong_number_of_columns_is_said_as_scikit_learn_does(fitted):
    with pytest.raises(SchemaError, match="X has 1 features, but Auto is expecting 3 features as input"):
        conform(np.ones((2, 1)), infer_columns(fitted), "Auto")


@pytest.mark.parametrize("X", [np.ones(3), pd.Series([1, 2, 3]), [1, 2, 3]])
def test_one_dimension_asks_to_reshape(X):
    with pytest.raises(SchemaError, match="Reshape your data"):
        conform(X, SCHEMA)


def test_numbered_columns_must_be_the_very_same():
    frame = pd.DataFrame(np.arange(12.0).reshape(3, 4))
    schema = infer_columns(frame)
    assert conform(frame, schema) is frame
    assert conform(frame.to_numpy(), schema).shape == (3, 4)
    for other in (frame[[1, 0, 2, 3]], frame[[0, 1]], frame.add_prefix("c")):
        with pytest.raises(DataError, match="same columns|not strings"):
            conform(other, schema)


def test_a_schema_survives_json():
    assert Schema.from_json(json.loads(json.dumps(SCHEMA.to_json()))) == SCHEMA


def test_by_name_routing_gives_the_same_with_and_without_conform():
    routed = ColumnTransformer([("s", FunctionTransformer(), ["s"]), ("n", FunctionTransformer(), ["n", "day"])]).fit(
        FRAME
    )
    for table in (FRAME, FRAME[FRAME.columns[::-1]], FRAME.drop(columns="same").assign(extra=1)):
        assert pd.DataFrame(routed.transform(table)).equals(pd.DataFrame(routed.transform(conform(table, SCHEMA))))


def written(dates, style: str) -> pd.DataFrame:
    return pd.DataFrame({"day": pd.Series(dates).dt.strftime(style), "n": np.arange(len(dates), dtype=float)})


@pytest.mark.parametrize("fit", ["%Y-%m-%d", None])
@pytest.mark.parametrize("style", ["%d.%m.%Y", "%d %b %Y"])
def test_dates_of_which_none_is_written_as_in_fit_are_refused(fit, style):
    dates = pd.date_range("2020-01-01", periods=90)
    known = written(dates, fit) if fit else pd.DataFrame({"day": dates, "n": np.arange(90.0)})
    schema = infer_columns(known)
    with pytest.raises(SchemaError, match="column 'day' held dates written as .*is read as missing"):
        conform(written(dates[::-1], style), schema)
    conform(known.assign(day=dates), schema)  # datetimes have no style
    conform(known.assign(day="unknown"), schema)  # no date at all is a missing one
    conform(known.assign(day=[*known["day"].astype(str)[:1], *written(dates, style)["day"][1:]]), schema)


def test_the_odd_dates_that_fit_had_are_missing_with_a_warning_one_by_one():
    known = written(pd.date_range("2020-01-01", periods=90), "%Y-%m-%d")
    known.loc[5, "day"] = "27/01/2020"
    schema = infer_columns(known)
    conform(known, schema)
    with pytest.warns(UserWarning, match=r"format='%d/%m/%Y'"):
        conform(known.iloc[[5]], schema)
    with pytest.warns(UserWarning, match=r"could also be %d/%m/%Y"):
        conform(known.iloc[[5]].assign(day="07/06/2020"), schema)


def test_sorted_files_are_judged_by_all_of_their_dates():
    schema = infer_columns(written(pd.date_range("2020-01-01", periods=90), "%Y-%m-%d"))
    old = written(pd.date_range("2000-01-01", periods=1_500), "%d/%m/%Y")
    new = written(pd.date_range("2010-01-01", periods=1_500), "%Y-%m-%d")
    conform(pd.concat([old, new]), schema)
    with pytest.raises(SchemaError, match="is read as missing"):
        conform(old, schema)


@pytest.mark.parametrize("dtype", [object, "category"])
def test_numbers_do_not_spell_codes_that_begin_with_zeros(dtype):
    codes = pd.Series(["01234", "09999", "10001"] * 20, dtype=dtype)
    table = pd.DataFrame({"zip": codes, "n": np.arange(60.0) ** 2})
    schema = infer_columns(table)
    conform(table, schema)
    with pytest.raises(SchemaError, match=r"'zip' held strings such as '01234' .* zeros are lost"):
        conform(table.assign(zip=table["zip"].astype(int)), schema)
    plain = table.assign(zip=table["zip"].astype(str).str.replace("^0", "x", regex=True))
    assert not any(column.padded for column in infer_columns(plain).columns)


@pytest.mark.parametrize(
    "values", [[1.0, 2.0, 3.0, 4.0], pd.array([1, 2, None, 4], dtype="Int64"), [True, None, False, True]]
)
def test_datetimes_without_a_value_are_no_numbers(values):
    schema = infer_columns(pd.DataFrame({"a": values, "b": [1.0, 3.0, 2.0, 5.0]}))
    with pytest.raises(SchemaError, match="column 'a' held numbers in fit; here it holds NaT"):
        conform(pd.DataFrame({"a": pd.Series([pd.NaT] * 4), "b": 1.0}), schema)


def test_numbered_columns_may_come_as_files_spell_them():
    table = pd.DataFrame([[1.0, 2.0], [3.0, 5.0], [4.0, 4.0]])
    schema = infer_columns(table)
    pd.testing.assert_frame_equal(conform(table.set_axis(["0", "1"], axis=1), schema), table)
    with pytest.raises(SchemaError, match="numbered 0 to 1"):
        conform(table.set_axis(["1", "0"], axis=1), schema)
