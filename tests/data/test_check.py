import json
import math

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from automl.core import SchemaError, SettingError
from automl.data import Container, Reference, check_table, conform, make_dataset, make_reference
from automl.data.drift import population_stability
from tests.builders import mixed_frame

N = 200
FRAME = pd.DataFrame(
    {
        "size": np.arange(N, dtype=float)[::-1],
        "city": ["rome", "oslo"] * (N // 2),
        "code": ["3", "7", "11", "20"] * (N // 4),
        "new": [True, False] * (N // 2),
        "day": pd.date_range("2024-01-01", periods=N),
        "written": pd.date_range("2024-01-01", periods=N).strftime("%Y%m%d"),
        "note": [f"one more long note number {i} of many" for i in range(N)],
        "gaps": [None, 1.0, 2.0, 3.0] * (N // 4),
        "same": 1,
    }
)


def known(X, **settings):
    dataset = make_dataset(X, np.arange(float(X.shape[0])), classifies=False, **settings)
    return dataset.schema, make_reference(dataset)


SCHEMA, REFERENCE = known(FRAME)


def check(X, policy="report"):
    return check_table(X, SCHEMA, REFERENCE, policy)


def found(X):
    return {(f.code, f.column): f for f in check(X).findings}


def test_the_kinds_that_these_tests_are_about():
    kinds = {column.name: str(column.kind) for column in SCHEMA.columns}
    assert kinds == {
        "size": "numeric",
        "city": "categorical",
        "code": "numeric",
        "new": "boolean",
        "day": "date",
        "written": "date",
        "note": "text",
        "gaps": "numeric",
        "same": "constant",
    }


cells = st.one_of(st.none(), st.floats(width=32), st.integers(-5, 5), st.booleans(), st.sampled_from(["a", "b", "3"]))
columns = st.one_of(
    st.lists(cells, min_size=6, max_size=6).map(lambda values: pd.Series(values, dtype=object)),
    st.lists(st.floats() | st.none(), min_size=6, max_size=6).map(lambda values: pd.Series(values, dtype="float64")),
    st.lists(st.sampled_from(["x", "y", "1.0", "2024-01-01", None]), min_size=6, max_size=6).map(pd.Series),
    st.lists(st.sampled_from([1.5, 2.0, None]), min_size=6, max_size=6).map(pd.Categorical).map(pd.Series),
    st.lists(st.datetimes(pd.Timestamp(1990, 1, 1), pd.Timestamp(2030, 1, 1)), min_size=6, max_size=6).map(pd.Series),
)
tables = st.lists(columns, min_size=1, max_size=4).map(
    lambda many: pd.DataFrame({f"c{i}": s for i, s in enumerate(many)})
)


@settings(max_examples=60)
@given(tables)
def test_the_table_of_fit_has_no_findings(table):
    schema, reference = known(table)
    assert check_table(table, schema, reference, "strict").findings == ()
    assert Reference.from_json(json.loads(json.dumps(reference.to_json()))) == reference


@settings(max_examples=60)
@given(tables, tables)
def test_a_repaired_table_is_accepted_and_a_report_changes_nothing(first, second):
    schema, reference = known(first)
    before = second.copy(deep=True)
    report = check_table(second, schema, reference)
    pd.testing.assert_frame_equal(second, before)
    json.dumps(report.to_json())
    assert str(report)
    try:
        repaired = check_table(second, schema, reference, "repair").frame
    except SchemaError:
        assert not report.ok
        return
    conform(repaired, schema)
    assert {column.name for column in schema.used} <= set(repaired.columns) <= set(schema.names)
    pd.testing.assert_frame_equal(second, before)
    if report.ok:  # then predict takes the table as it is
        conform(second, schema)


def test_a_builder_table_in_all_its_kinds():
    frame = mixed_frame(150)
    schema, reference = known(frame)
    result = check_table(frame, schema, reference)
    assert result.findings == () and result.ok and result.frame is None
    assert {drift.column for drift in result.drift} == {"size", "price", "city", "shop", "new"}
    assert all(drift.psi < 1e-9 for drift in result.drift)
    assert str(result) == "150 rows in 6 columns: like the table of fit"


def test_unseen_levels_are_counted():
    table = FRAME.copy()
    table.loc[:2, "city"] = ["bern", "bern", "lima"]
    finding = found(table)["unseen_levels", "city"]
    assert (finding.level, finding.rows, finding.values) == ("warning", 3, ("bern", "lima"))
    repaired = check(table, "repair").frame
    assert repaired["city"].tolist() == table["city"].tolist()


def test_as_many_unseen_levels_as_single_ones_in_fit_are_no_warning():
    frame = pd.DataFrame({"shop": [f"s{i}" for i in range(100)] * 2 + [f"t{i}" for i in range(50)], "n": range(250)})
    schema, reference = known(frame)
    assert reference.columns[0].single_share == pytest.approx(0.2)
    few = frame.assign(shop=frame["shop"].str.replace("t", "u"))
    (finding,) = [f for f in check_table(few, schema, reference).findings if f.code == "unseen_levels"]
    assert (finding.level, finding.rows) == ("info", 50)
    (finding,) = [
        f for f in check_table(frame.assign(shop="v"), schema, reference).findings if f.code == "unseen_levels"
    ]
    assert (finding.level, finding.rows) == ("warning", 250)


def test_of_more_than_a_thousand_levels_the_most_frequent_are_kept():
    levels = [f"k{i}" for i in range(1500)]
    frame = pd.DataFrame({"key": levels[:1000] * 3 + levels[1000:], "n": np.arange(3500) % 7})
    schema, reference = known(frame)
    key = reference.columns[0]
    assert len(key.levels) == 1000 and key.more_levels and {level for level, _ in key.levels} == set(levels[:1000])
    codes = [f.code for f in check_table(frame.assign(key="elsewhere"), schema, reference).findings]
    assert codes == ["drift"]  # nobody can tell whether it was among the others


def test_missing_and_extra_columns():
    table = FRAME[FRAME.columns[::-1]].drop(columns=["city", "day", "same"]).assign(extra=1)
    findings = found(table)
    assert {key: f.level for key, f in findings.items()} == {
        ("missing_column", "city"): "warning",
        ("missing_column", "day"): "warning",
        ("extra_column", "extra"): "info",
    }
    repaired = check(table, "repair").frame
    assert list(repaired.columns) == [name for name in FRAME.columns if name != "same"]
    assert repaired[["city", "day"]].isna().all(axis=None)
    assert conform(repaired, SCHEMA) is repaired
    again = {(f.code, f.rows) for f in check(repaired).findings}
    assert again == {("new_missing", N)}


def test_nothing_is_made_of_a_foreign_table():
    with pytest.raises(SchemaError, match="none of the 8 columns"):
        check(pd.DataFrame({"other": [1, 2]}), "repair")


@pytest.mark.parametrize(
    ("name", "values", "level", "rows", "repaired"),
    [
        ("size", FRAME["size"].astype(str), "info", N, FRAME["size"].tolist()),
        ("gaps", FRAME["gaps"].astype(str).astype(object).where(FRAME["gaps"].notna(), None), "info", 150, None),
        ("new", ["True", "False"] * (N // 2), "warning", N, [1.0, 0.0] * (N // 2)),
        ("written", FRAME["written"].astype(int), "warning", N, FRAME["written"].tolist()),
        ("written", FRAME["written"].astype(float), "warning", N, FRAME["written"].tolist()),
        ("written", FRAME["day"], "info", N, FRAME["written"].tolist()),
        ("day", FRAME["day"].astype(str), "info", N, FRAME["day"].tolist()),
        ("note", range(N), "info", N, [str(i) for i in range(N)]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_retyped_columns_come_back(name, values, level, rows, repaired):
    table = FRAME.assign(**{name: values})
    findings = found(table)
    assert set(findings) == {("retyped", name)}
    assert (findings["retyped", name].level, findings["retyped", name].rows) == (level, rows)
    column = check(table, "repair").frame[name]
    assert column.dropna().tolist() == (FRAME[name].dropna().tolist() if repaired is None else repaired)
    assert check(check(table, "repair").frame).findings == ()


@pytest.mark.parametrize("level", ["info", "warning"])
def test_numbers_become_the_levels_they_were(level):
    schema, reference = known(FRAME, column_kinds={"code": "categorical"})
    numbers = FRAME["code"].astype(int if level == "info" else float)
    table = FRAME.assign(code=numbers)
    (finding,) = check_table(table, schema, reference).findings
    assert (finding.code, finding.level, finding.rows) == ("retyped", level, N)
    assert check_table(table, schema, reference, "repair").frame["code"].tolist() == FRAME["code"].tolist()


def test_floats_keep_the_spelling_of_fit():
    frame = pd.DataFrame({"grade": ["1.0", "2.5", "x", None] * 20, "n": range(80)})
    schema, reference = known(frame)
    table = pd.DataFrame({"grade": [1.0, 2.5, 4.0, np.nan], "n": range(4)})
    repaired = check_table(table, schema, reference, "repair").frame
    assert repaired["grade"].tolist()[:3] == ["1.0", "2.5", "4"] and pd.isna(repaired["grade"][3])


def test_what_would_be_lost_is_not_cast():
    table = FRAME.assign(size=["many", *FRAME["size"].astype(str)[1:-1], "few"])
    finding = found(table)["retyped", "size"]
    assert (finding.level, finding.rows, finding.values) == ("warning", 2, ("many", "few"))
    with pytest.raises(SchemaError, match="'size' held numbers in fit; here it holds 'many'"):
        check(table, "repair")


def test_repair_keeps_a_repeated_index():
    table = FRAME.head(4).assign(size=["1", "2", "3", "4"]).set_axis([5, 5, 1, 1])
    repaired = check(table, "repair").frame
    assert repaired["size"].tolist() == [1, 2, 3, 4] and list(repaired.index) == [5, 5, 1, 1]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("size", np.nan, "missing or infinite"),
        ("size", np.inf, "missing or infinite"),
        ("city", None, "missing; in"),
        ("written", "1/2/2024", "not written as %Y%m%d"),
        ("day", pd.NaT, "no date"),
        ("note", None, "missing; in"),
    ],
)
def test_newly_missing_values(name, value, text):
    table = FRAME.astype({name: object}) if name in ("city", "written", "note") else FRAME.copy()
    table.loc[[3, 5], name] = value
    finding = found(table)["new_missing", name]
    assert (finding.level, finding.rows) == ("warning", 2) and text in finding.message
    assert ("new_missing", "gaps") not in found(FRAME.iloc[:40])


def test_values_outside_the_range():
    table = FRAME.copy()
    table.loc[:2, "size"] = [-1.0, 1e6, 500.0]
    table["day"] += pd.Timedelta(days=10)
    findings = found(table)
    assert set(findings) == {("out_of_range", "size"), ("out_of_range", "day")}
    assert (findings["out_of_range", "size"].rows, findings["out_of_range", "size"].level) == (3, "info")
    assert findings["out_of_range", "size"].values == ("-1.0", "1000000.0", "500.0")
    assert findings["out_of_range", "day"].rows == 10
    assert check(table, "strict").ok


def test_a_range_that_nanoseconds_cannot_hold():
    days = pd.Series(pd.date_range("2024-01-01", periods=60)).astype("datetime64[s]")
    table = pd.DataFrame({"day": days.where(days.index < 50, pd.Timestamp("9999-12-31")), "size": np.arange(60.0)})
    schema, reference = known(table)
    later = table.assign(day=days.astype("datetime64[ns]"))
    assert check_table(later, schema, reference).findings == ()


def test_psi_by_hand():
    # 50:50 becomes 80:20, half a row added to each bin
    first, second, third = 50.5 / 101, 80.5 / 101, 20.5 / 101
    expected = (second - first) * math.log(second / first) + (third - first) * math.log(third / first)
    assert population_stability(np.array([50.0, 50.0]), np.array([80.0, 20.0])) == pytest.approx(expected, rel=1e-12)
    table = pd.DataFrame({"city": ["rome"] * 80 + ["oslo"] * 20, "n": np.arange(100) % 10})
    schema, reference = known(table.assign(city=["rome", "oslo"] * 50))
    result = check_table(table, schema, reference)
    drift = {d.column: d for d in result.drift}["city"]
    assert drift.psi == pytest.approx(expected, rel=1e-9) and drift.ks is None
    assert [(f.code, f.column, f.level, f.rows) for f in result.findings] == [("drift", "city", "warning", 100)]
    assert f"PSI {expected:.2f}" in result.findings[0].message


def test_ks_by_hand():
    schema, reference = known(pd.DataFrame({"n": np.arange(1000.0)[::-1], "m": np.arange(1000.0) % 3}))
    moved = pd.DataFrame({"n": np.arange(1000.0) + 500, "m": np.arange(1000.0) % 3})
    result = check_table(moved, schema, reference)
    drift = {d.column: d for d in result.drift}
    assert drift["n"].ks == pytest.approx(0.5, abs=0.01) and drift["n"].found
    assert drift["m"].ks == pytest.approx(0.0, abs=1e-12) and not drift["m"].found
    assert [f.code for f in result.findings] == ["drift", "out_of_range"]
    check_table(moved, schema, reference, "strict")


def test_a_share_of_missing_values_that_has_moved_is_drift():
    table = FRAME.assign(gaps=[None, None, None, 1.0] * (N // 4))
    assert ("drift", "gaps") in found(table)
    assert ("new_missing", "gaps") not in found(table)


@pytest.mark.parametrize("rows", [1, 5, 20, 100, 1000])
def test_samples_of_the_same_source_do_not_drift(rows):
    schema, reference = known(mixed_frame(500, seed=1))
    for seed in range(2, 12):
        result = check_table(mixed_frame(rows + 1, seed).iloc[1:], schema, reference)
        assert [f for f in result.findings if f.code == "drift"] == []


def test_a_rare_value_that_becomes_frequent_is_drift():
    n = np.array([0.0] * 10 + [1.0] * 990)
    schema, reference = known(pd.DataFrame({"n": n, "m": np.arange(1000) % 7}))
    table = pd.DataFrame({"n": [0.0, 1.0] * 500, "m": np.arange(1000) % 7})
    assert [(f.code, f.column) for f in check_table(table, schema, reference).findings] == [("drift", "n")]


def test_strict_names_what_is_wrong():
    table = FRAME.drop(columns="city").assign(extra=1)
    with pytest.raises(SchemaError, match="'city' is missing.*'extra' was not there"):
        check(table, "strict")
    with pytest.raises(SettingError, match="policy='loose'; choose one of: report, repair, strict"):
        check(FRAME, "loose")


def test_arrays_by_position():
    X = np.column_stack([np.arange(100.0), np.arange(100.0) % 4])
    schema, reference = known(X)
    assert schema.container is Container.ARRAY and check_table(X, schema, reference).findings == ()
    Y = X.copy()
    Y[:2, 1] = [np.nan, 9.0]
    assert {(f.code, f.column, f.rows) for f in check_table(Y, schema, reference).findings} == {
        ("new_missing", 1, 1),
        ("out_of_range", 1, 1),
    }
    strings = pd.DataFrame(X, columns=["a", "b"]).astype({"b": str})
    result = check_table(strings, schema, reference, "repair")
    assert [(f.code, f.column, f.rows) for f in result.findings] == [("retyped", 1, 100)]
    assert isinstance(result.frame, np.ndarray) and (result.frame == X).all()
    thin = check_table(X[:, :1], schema, reference)
    assert [(f.code, f.level) for f in thin.findings] == [("columns", "warning")] and not thin.ok
    with pytest.raises(SchemaError, match="expecting 2 features"):
        check_table(X[:, :1], schema, reference, "repair")


def test_sparse_tables():
    X = sparse.random(200, 6, 0.3, "csr", random_state=0)
    schema, reference = known(X)
    assert schema.container is Container.SPARSE
    for same in (X, X.toarray(), sparse.coo_matrix(X), pd.DataFrame(X.toarray())):
        result = check_table(same, schema, reference, "repair")
        assert result.findings == () and (result.frame.toarray() == X.toarray()).all()
    moved = X.toarray()
    moved[:3, 2] = 7.0
    assert [(f.code, f.column, f.rows) for f in check_table(moved, schema, reference).findings] == [
        ("out_of_range", 2, 3)
    ]


def test_tables_without_names_and_other_frames():
    table = FRAME.drop(columns=["day"])
    schema, reference = known(table)
    assert check_table(table.to_numpy(dtype=object), schema, reference).ok
    result = check_table(pl.from_pandas(table.drop(columns="city")), schema, reference, "repair")
    assert [(f.code, f.column) for f in result.findings if f.level == "warning"] == [("missing_column", "city")]
    assert list(result.frame.columns) == list(table.columns)


def test_numbered_columns():
    frame = pd.DataFrame(np.arange(200.0).reshape(100, 2) % 9)
    schema, reference = known(frame)
    assert check_table(frame, schema, reference, "repair").frame.equals(frame)
    result = check_table(frame.add_prefix("c"), schema, reference)
    assert [f.code for f in result.findings] == ["columns"]


def test_nested_cells_are_a_finding():
    finding = found(FRAME.assign(city=[["rome"]] * N))["retyped", "city"]
    assert finding.level == "warning" and "cells of type list" in finding.message
    with pytest.raises(SchemaError, match="Reshape your data"):
        check([1, 2, 3])


def test_a_long_list_of_findings_is_cut_when_printed():
    text = str(check(FRAME.assign(**{f"extra{i}": 1 for i in range(70)})))
    assert text.splitlines()[0] == "200 rows in 79 columns: 70 findings, 0 warnings"
    assert len(text.splitlines()) == 52 and text.endswith("... and 20 more")
