import datetime
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from automl.core import DataError, SettingError
from automl.data import Container, Kind, Schema, as_table, infer_columns

N = 200


def column_of(values, name="c", **kinds):
    """Infer one column beside an ordinary one, so that it is never the last resort."""
    frame = pd.DataFrame({name: values})
    frame["other"] = np.random.default_rng(0).normal(size=len(frame))
    return infer_columns(as_table(frame), kinds or None).columns[0]


def words(n, per_value, seed=0):
    rng = np.random.default_rng(seed)
    return [
        " ".join(rng.choice(["red", "green", "blue", "old", "new", f"w{i}"], per_value)) + f" {i}" for i in range(n)
    ]


rng = np.random.default_rng(1)
DAYS = pd.date_range("2020-01-01", periods=N)
KINDS = {
    "floats": (rng.normal(size=N), Kind.NUMERIC),
    "few integers": (rng.integers(0, 3, N), Kind.NUMERIC),
    "years": (np.tile([1999, 2004, 2010, 2020], N // 4), Kind.NUMERIC),
    "float16": (rng.normal(size=N).astype("float16"), Kind.NUMERIC),
    "huge integers": (rng.integers(0, 2**63, N).astype("uint64"), Kind.NUMERIC),
    "Int64": (pd.array([1, None] * (N // 2), dtype="Int64"), Kind.NUMERIC),
    "Float64": (pd.array([1.5, None, 2.5, 3.0] * (N // 4), dtype="Float64"), Kind.NUMERIC),
    "arrow integers": (pd.array([1, None] * (N // 2), dtype="int64[pyarrow]"), Kind.NUMERIC),
    "arrow decimals": (
        pd.array([decimal.Decimal("1.5"), None] * (N // 2), dtype=pd.ArrowDtype(pa.decimal128(5, 2))),
        Kind.NUMERIC,
    ),
    "decimals": (pd.Series([decimal.Decimal("1.5"), decimal.Decimal(2)] * (N // 2), dtype=object), Kind.NUMERIC),
    "number objects": (pd.Series([1, 2.5, None, 4] * (N // 4), dtype=object), Kind.NUMERIC),
    "sparse dtype": (pd.arrays.SparseArray([0.0, 1.0] * (N // 2)), Kind.NUMERIC),
    "number strings": (pd.Series([f"{value:.3f}" for value in rng.normal(size=N)]), Kind.NUMERIC),
    "number strings with gaps": (pd.Series(["12", "3.5", None, "1e5"] * (N // 4)), Kind.NUMERIC),
    "arrow number strings": (pd.array(["12", None] * (N // 2), dtype=pd.ArrowDtype(pa.string())), Kind.NUMERIC),
    "one number and gaps": ([7.0, np.nan] * (N // 2), Kind.NUMERIC),
    "inf beside a number": ([np.inf, 1.0, -np.inf, np.nan] * (N // 4), Kind.NUMERIC),
    "booleans": ([True, False] * (N // 2), Kind.BOOLEAN),
    "boolean": (pd.array([True, None, False, True] * (N // 4), dtype="boolean"), Kind.BOOLEAN),
    "arrow booleans": (pd.array([True, False] * (N // 2), dtype="bool[pyarrow]"), Kind.BOOLEAN),
    "boolean objects": (pd.Series([True, None, False, True] * (N // 4), dtype=object), Kind.BOOLEAN),
    "strings": (["a", "b", None, "c"] * (N // 4), Kind.CATEGORICAL),
    "yes and no": (["yes", "no"] * (N // 2), Kind.CATEGORICAL),
    "mixed": (pd.Series([1, "a", None, 2.5] * (N // 4), dtype=object), Kind.CATEGORICAL),
    "string and NA": (pd.array(["a", pd.NA, "b", "c"] * (N // 4), dtype="string"), Kind.CATEGORICAL),
    "numbers and NA objects": (pd.Series([1, pd.NA, 2] * (N // 3), dtype=object), Kind.NUMERIC),
    "booleans and NA objects": (pd.Series([True, pd.NA, False] * (N // 3), dtype=object), Kind.BOOLEAN),
    "decimal commas": ([f"{value:.2f}".replace(".", ",") for value in rng.normal(size=N)], Kind.HIGH_CARDINALITY),
    "money": ([f"${value:,.2f}" for value in 9000 * rng.random(N)], Kind.HIGH_CARDINALITY),
    "numbers and a question mark": ([f"{value}" for value in rng.normal(size=N - 1)] + ["?"], Kind.HIGH_CARDINALITY),
    "codes": (["007", "012", "4"] * 60, Kind.CATEGORICAL),
    "card numbers": (["1234567890123456", "6543210987654321"] * (N // 2), Kind.CATEGORICAL),
    "almost numbers": (["1", "2", "3", "?"] * (N // 4), Kind.CATEGORICAL),
    "ranges": (["10-20", "20-30"] * (N // 2), Kind.CATEGORICAL),
    "empty strings": (["", "a"] * (N // 2), Kind.CATEGORICAL),
    "category": (pd.Categorical(["x", "y"] * (N // 2)), Kind.CATEGORICAL),
    "category of numbers": (pd.Categorical([1, 2] * (N // 2)), Kind.CATEGORICAL),
    "arrow dictionary": (
        pd.Series(
            pa.array(["a", "b"] * (N // 2)).dictionary_encode(),
            dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string())),
        ),
        Kind.CATEGORICAL,
    ),
    "intervals": (pd.interval_range(0, 4).repeat(N // 4), Kind.CATEGORICAL),
    "bytes": (pd.Series([b"a", b"b"] * (N // 2), dtype=object), Kind.CATEGORICAL),
    "times of day": (pd.Series([datetime.time(1), datetime.time(2)] * (N // 2), dtype=object), Kind.CATEGORICAL),
    "long labels": (["a rather long label here", "another one of the same"] * (N // 2), Kind.CATEGORICAL),
    "sixty levels": ([f"s{i % 60}" for i in range(N)], Kind.HIGH_CARDINALITY),
    "distinct words with gaps": ([f"k{i}x" for i in range(N - 1)] + [None], Kind.HIGH_CARDINALITY),
    "datetimes": (DAYS, Kind.DATE),
    "datetimes with zone": (DAYS.tz_localize("Europe/Paris"), Kind.DATE),
    "arrow timestamps": (pd.Series(DAYS).astype("timestamp[us][pyarrow]"), Kind.DATE),
    "arrow dates": (pd.Series(DAYS).astype("date32[pyarrow]"), Kind.DATE),
    "date objects": (pd.Series([day.date() for day in DAYS], dtype=object), Kind.DATE),
    "datetime objects": (pd.Series([day.to_pydatetime() for day in DAYS[1:]] + [None], dtype=object), Kind.DATE),
    "datetime objects of summer and winter": (
        pd.Series(
            [datetime.datetime.fromisoformat(day.tz_localize("Europe/Oslo").isoformat()) for day in DAYS], dtype=object
        ),
        Kind.DATE,
    ),
    "date strings": (DAYS.strftime("%d/%m/%Y"), Kind.DATE),
    "compact date strings": (DAYS.strftime("%Y%m%d"), Kind.DATE),
    "text": (words(N, 6), Kind.TEXT),
    "names": (words(N, 1), Kind.TEXT),
    "molecules": ([f"CC(=O)OC1=CC=CC=C1C(=O)O{'C' * i}" for i in range(N)], Kind.TEXT),
    "keys": ([f"k{i}x" for i in range(N)], Kind.ID),
    "uuids": ([f"{i:08x}-1111-2222-3333-{i:012x}" for i in range(N)], Kind.ID),
    "row numbers": (np.arange(N), Kind.ID),
    "row numbers from one": (np.arange(N) + 1.0, Kind.ID),
    "row number strings": ([str(i) for i in range(N)], Kind.ID),
    "all missing": ([np.nan] * N, Kind.CONSTANT),
    "all None": ([None] * N, Kind.CONSTANT),
    "arrow null": (pd.array([None] * N, dtype=pd.ArrowDtype(pa.null())), Kind.CONSTANT),
    "all infinite": ([np.inf] * N, Kind.CONSTANT),
    "one number": ([3] * N, Kind.CONSTANT),
    "one string": (["x"] * N, Kind.CONSTANT),
    "one boolean": ([True] * N, Kind.CONSTANT),
    "one date": ([pd.Timestamp("2020")] * N, Kind.CONSTANT),
    "one date string": (["2020-01-01"] * N, Kind.CONSTANT),
    "unused categories": (pd.Categorical(["x"] * N, categories=["x", "y"]), Kind.CONSTANT),
}


@pytest.mark.parametrize(("values", "kind"), KINDS.values(), ids=KINDS.keys())
def test_kinds(values, kind):
    column = column_of(values)
    assert column.kind is kind, column.reason
    assert column.reason


@pytest.mark.parametrize("name", ["customer_id", "ID", "CustomerId", "id", "Provider Id"])
def test_distinct_numbers_named_like_an_identifier(name):
    values = np.random.default_rng(0).permutation(10_000)[:N]
    assert column_of(values, name).kind is Kind.ID
    assert column_of(values, "paid").kind is Kind.NUMERIC
    assert column_of(values % 50, name).kind is Kind.NUMERIC


@pytest.mark.parametrize("values", [np.arange(40), [f"k{i}" for i in range(40)]])
def test_small_samples_prove_no_identifier(values):
    assert column_of(values).kind is not Kind.ID


def test_statistics():
    column = column_of([1.0, np.nan, np.inf, 1.0, 2.0])
    assert (column.n_unique, column.missing_share, column.numeric, column.dtype) == (2, 0.4, True, "float64")


@pytest.mark.parametrize(
    ("values", "numeric"),
    [
        ([1, 2], True),
        ([True, False], True),
        (["1", "2"], False),
        (pd.Categorical([1, 2]), True),
        (pd.Categorical(["1", "2"]), False),
        (pd.Series([1, "a"], dtype=object), False),
        (pd.to_datetime(["2020", "2021"]), False),
    ],
)
def test_numeric_says_how_values_are_stored(values, numeric):
    assert column_of(values).numeric is numeric


def test_numbers_as_strings_must_all_parse_beyond_the_sample():
    values = [f"{i % 900}.5" for i in range(150_001)]
    values[1] = "n/a"
    assert column_of(values).kind is Kind.HIGH_CARDINALITY


def test_a_rare_value_beyond_the_sample_is_no_constant():
    for rare, common in ((1.0, 0.0), ("a", "b")):
        values = np.full(150_001, common, dtype=object if isinstance(rare, str) else float)
        values[1] = rare
        assert column_of(values).kind in (Kind.NUMERIC, Kind.CATEGORICAL)
    X = np.column_stack([np.zeros(150_001), np.arange(150_001) % 7])
    X[1, 0] = 1
    assert infer_columns(X).columns[0].kind is Kind.NUMERIC
    assert infer_columns(sparse.csr_matrix(X)).columns[0].kind is Kind.NUMERIC


def test_row_numbers_are_seen_through_the_sample():
    assert column_of(np.arange(250_000)).kind is Kind.ID


@pytest.mark.parametrize("dtype", ["timedelta64[ns]", "duration[ns][pyarrow]"])
def test_time_differences_are_refused_with_advice(dtype):
    values = pd.Series(pd.to_timedelta([1, 2, 3], unit="s")).astype(dtype)
    with pytest.raises(DataError, match=r"dt\.total_seconds\(\)"):
        column_of(values)
    assert column_of(values, c="id").kind is Kind.ID


def test_periods_are_refused_with_advice():
    values = pd.Series(pd.period_range("2020", periods=60, freq="M"))
    with pytest.raises(DataError, match=r"dt\.to_timestamp\(\)"):
        column_of(values)
    assert column_of(values, c="id").kind is Kind.ID
    assert column_of(values.dt.to_timestamp()).kind is Kind.DATE


@pytest.mark.parametrize("make", [pl.DataFrame, pa.table])
def test_foreign_frames(make):
    table = make(
        {
            "n": [1, None, 3],
            "s": ["a", "b", None],
            "d": [datetime.date(2020, 1, i) for i in (1, 2, 3)],
            "b": [True, False, None],
        }
    )
    kinds = [column.kind for column in infer_columns(as_table(table)).columns]
    assert kinds == [Kind.NUMERIC, Kind.CATEGORICAL, Kind.DATE, Kind.BOOLEAN]


def test_arrays_go_by_position():
    schema = infer_columns(np.column_stack([rng.normal(size=60), np.ones(60), np.arange(60)]))
    assert schema.container is Container.ARRAY
    assert schema.names == (0, 1, 2)
    assert [column.kind for column in schema.columns] == [Kind.NUMERIC, Kind.CONSTANT, Kind.ID]


def test_sparse_columns_count_zeros():
    X = sparse.csr_matrix(np.array([[0, 1, 5.0, np.nan], [0, 1, 0, 2], [0, 1, 3, 2]]))
    columns = infer_columns(X).columns
    assert [column.n_unique for column in columns] == [1, 1, 3, 1]
    assert [column.kind is Kind.CONSTANT for column in columns] == [True, True, False, False]
    assert columns[3].missing_share == pytest.approx(1 / 3)


finite_cells = st.sampled_from([0.0, 1.0, -2.5, 3.0, np.nan, np.inf])


@given(hnp.arrays(float, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8), elements=finite_cells))
def test_all_containers_agree_on_numbers(X):
    by_array = infer_columns(X)
    frame = pd.DataFrame(X)
    frame.columns = [f"c{i}" for i in frame.columns]
    for other in (frame, sparse.csr_matrix(X)):
        for mine, theirs in zip(by_array.columns, infer_columns(other).columns, strict=True):
            assert (mine.kind, mine.n_unique, mine.missing_share) == (
                theirs.kind,
                theirs.n_unique,
                theirs.missing_share,
            )
    for position, column in enumerate(by_array.columns):
        present = X[np.isfinite(X[:, position]), position]
        assert column.n_unique == len(np.unique(present))
        assert column.missing_share == (len(X) - len(present)) / len(X)


cells = st.one_of(st.none(), st.text(max_size=8), st.integers(-5, 5), st.floats(), st.booleans(), st.just(pd.NA))


@given(st.lists(cells, min_size=1, max_size=30))
def test_any_column_of_scalars_has_a_kind_and_round_trips(values):
    table = as_table(pd.DataFrame({"c": pd.Series(values, dtype=object)}))
    schema = infer_columns(table)
    assert Schema.from_json(schema.to_json()) == schema
    if schema.columns[0].kind in (Kind.NUMERIC, Kind.BOOLEAN):
        table.astype("float64")


def test_something_is_always_left_to_learn_from():
    rows = pd.DataFrame({"row": np.arange(60), "key": [f"k{i}" for i in range(60)], "same": 1})
    assert [c.kind for c in infer_columns(rows).columns] == [Kind.NUMERIC, Kind.HIGH_CARDINALITY, Kind.CONSTANT]
    assert [c.kind for c in infer_columns(np.ones((9, 3))).columns] == [Kind.NUMERIC, Kind.CONSTANT, Kind.CONSTANT]
    assert infer_columns(pd.DataFrame({"a": ["x"] * 9})).used[0].kind is Kind.CATEGORICAL
    with pytest.raises(SettingError, match="leaves every column out"):
        infer_columns(np.ones((9, 1)), {0: "id"})


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, 3], "categorical"),
        (["1", "2", None], "categorical"),
        (["1", "2", None], "numeric"),
        ([0, 1, None], "boolean"),
        (["a", "b", "a"], "text"),
        (["a", "b", "a"], "high_cardinality"),
        (["2020-01-01", "?", "2020-02-01"], "date"),
        (pd.to_datetime(["2020", "2021", None]), "date"),
        (pd.to_datetime(["2020", "2021", None]), "categorical"),
        ([1, 1, 1], "numeric"),
        ([1, 2, 3], "constant"),
    ],
)
def test_kinds_can_be_overridden(values, kind):
    column = column_of(values, c=kind)
    assert column.kind is Kind(kind)
    assert (column.date_format == "%Y-%m-%d") == (isinstance(values, list) and kind == "date")


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (["a", "2"], "numeric", "'a' is not a number"),
        (["a", "2"], "boolean", "'a' is not a number"),
        ([1, 2, 3], "boolean", "3 distinct"),
        ([1, 2], "text", "does not hold strings"),
        ([1, 2], "date", "neither dates nor strings"),
        (["a", "b"], "date", "no date format fits"),
        (pd.to_datetime(["2020", "2021"]), "numeric", "is not a number"),
    ],
)
def test_impossible_overrides_are_refused(values, kind, message):
    with pytest.raises(DataError, match=message):
        column_of(values, c=kind)


def test_override_of_arrays_by_position():
    X = rng.integers(0, 3, (9, 2))
    assert infer_columns(X, {1: "categorical"}).columns[1].kind is Kind.CATEGORICAL
    with pytest.raises(DataError, match="does not hold strings"):
        infer_columns(X, {1: "text"})


def test_unknown_columns_and_kinds_list_the_choices():
    frame = pd.DataFrame({"city": ["a", "b"], "age": [1, 2]})
    with pytest.raises(SettingError, match="'cty'.*did you mean one of: city"):
        infer_columns(frame, {"cty": "text"})
    with pytest.raises(SettingError, match="'number'.*choose one of: numeric, categorical"):
        infer_columns(frame, {"age": "number"})


def test_thousands_of_columns():
    schema = infer_columns(np.random.default_rng(0).normal(size=(20, 10_000)))
    assert len(schema.used) == 10_000


@pytest.mark.parametrize("convert", [np.asarray, np.float32, lambda x: pd.Series(x.astype(str))])
def test_numbers_know_their_skewness(convert):
    skewed = np.exp(np.random.default_rng(0).normal(size=N))
    skewed[::7] = np.nan
    values = convert(skewed)
    expected = pd.Series(values).astype(float).skew()
    assert column_of(values).skew == pytest.approx(expected, rel=0.05)
    schema = infer_columns(as_table(np.column_stack([skewed, -skewed])))
    assert schema.columns[0].skew == -schema.columns[1].skew > 1


@pytest.mark.parametrize(
    ("values", "skew"), [([1e308, -1e308], 0.0), ([np.nan, 0.1], 0.0), ([np.inf, 1.0, 2.0, 1.0], 0.5**0.5)]
)
def test_extreme_numbers_have_a_skewness_too(values, skew):
    assert column_of(values * (N // len(values))).skew == pytest.approx(skew, abs=1e-6)


@pytest.mark.parametrize(
    ("unit", "offset", "afar"),
    [(1.0, 0.0, False), (1.0, 1e3, False), (1e-3, 0.0, False), (1e-9, 0.0, True), (1, 1e9, True)],
)
@pytest.mark.parametrize(
    "convert", [np.asarray, lambda x: pd.Series(x.astype(str)), lambda x: pd.Series(x, dtype=object)]
)
def test_numbers_know_whether_single_precision_blurs_them(unit, offset, afar, convert):
    values = np.random.default_rng(0).normal(size=N) * unit + offset
    values[::7] = np.nan
    assert column_of(convert(values)).afar is afar


def test_many_values_need_a_wider_range_and_one_value_none():
    assert infer_columns(np.linspace(0, 1e-3, 50_000)[:, None] ** 1.5).columns[0].afar
    assert not infer_columns(np.linspace(0, 1.0, 50_000)[:, None] ** 1.5).columns[0].afar
    assert not column_of([np.nan, 1e9] * (N // 2)).afar
    table = sparse.csr_matrix(np.eye(60, 3) * [1.0, 1e-9, -1e-9])
    assert [column.afar for column in infer_columns(table).columns] == [False, True, True]
