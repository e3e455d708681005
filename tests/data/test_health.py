import re

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from automl.data import check_health, make_dataset

N = 400
rng = np.random.default_rng(0)
NOISE = pd.DataFrame({"u": rng.normal(size=N), "v": rng.choice(["p", "q", "r"], N), "w": rng.normal(size=N)})
COIN = rng.choice(["head", "tail"], N)


def codes(X, y=COIN, *, classifies=True, **keywords):
    return {finding.code: finding for finding in check_health(make_dataset(X, y, classifies=classifies, **keywords))}


def test_a_healthy_table_has_no_findings():
    assert codes(NOISE) == {}
    assert codes(NOISE, rng.normal(size=N), classifies=False) == {}


WRITTEN = {
    "a decimal comma": (lambda value: f"{value:.2f}".replace(".", ","), "decimal comma.*decimal=','"),
    "dots between thousands": (
        lambda value: f"{1e5 + value:_.2f}".replace(".", ",").replace("_", "."),
        "decimal comma",
    ),
    "commas between thousands": (lambda value: f"{1e5 * value:,.1f}", "thousands=','"),
    "spaces between thousands": (lambda value: f"{1e5 + value:,.1f}".replace(",", "\u202f"), "thousands set apart"),
    "currency": (lambda value: f"${9000 + value:,.2f}", "currency"),
    "currency behind": (lambda value: f"{value:.2f} €".replace(".", ","), "currency"),
    "percent": (lambda value: f"{value:.1f}%", "percent"),
    "question marks": (
        lambda value: f"{value}" if value < 1 else "?",
        r"values are numbers, the others '\?'.*na_values",
    ),
    "dashes": (lambda value: f"{value:.1f}" if value < 1 else " - ", "the others ' - '"),
    "commas and gaps": (lambda value: f"{value:.2f}".replace(".", ",") if value < 1 else "n/a", "comma, others 'n/a'"),
}


@pytest.mark.parametrize(("write", "message"), WRITTEN.values(), ids=WRITTEN.keys())
def test_numbers_written_for_people_are_pointed_out(write, message):
    finding = codes(NOISE.assign(num=[write(value) for value in NOISE["u"]]))["written_numbers"]
    assert (finding.level, finding.columns) == ("warning", ("num",))
    assert re.search(message, finding.message), finding.message


@pytest.mark.parametrize(
    "values",
    [["10-20", "?"], ["007", "?"], ["V27", "250.1", "E909"], ["12:30", "1:15"], ["1.2.3", "10.2.4"], ["?", "a"]],
)
def test_other_strings_are_no_numbers(values):
    assert "written_numbers" not in codes(NOISE.assign(s=rng.choice(values, N)))


LEAKS = {
    "the label itself": COIN,
    "renamed": np.where(COIN == "head", "x", "y"),
    "a threshold": np.where(COIN == "head", 1.0, -1.0) * rng.uniform(0.5, 1, N),
    "missing": np.where(COIN == "head", np.nan, rng.normal(size=N)),
    "a boolean": COIN == "head",
    "levels": np.where(COIN == "head", "h", "t") + pd.Series(rng.integers(0, 5, N).astype(str)),
    "a date": pd.to_datetime(np.where(COIN == "head", "2020-01-01", "2021-01-01")),
    "a sentinel date": np.where(COIN == "head", "2020-01-01", "9999-12-31").astype("M8[s]"),
    "a date string": np.where(COIN == "head", "01/02/2020", "13/02/2021"),
    "a mixed column": pd.Series(np.where(COIN == "head", "h", "t"), dtype=object).where(COIN == "head", 7),
}


@pytest.mark.parametrize("column", LEAKS.values(), ids=LEAKS.keys())
def test_columns_that_give_the_label_away(column):
    finding = codes(NOISE.assign(leak=column))["leak"]
    assert (finding.level, finding.columns) == ("warning", ("leak",))


def test_intervals_leak():
    y = rng.integers(0, 2, 4000)
    inside = np.where(y, rng.uniform(1, 2, 4000), rng.choice([0, 3], 4000) + rng.uniform(0, 0.9, 4000))
    assert codes(np.column_stack([inside, rng.normal(size=4000)]), y)["leak"].columns == (0,)


def test_rare_classes_leak_too():
    y = np.arange(4000) % 100 == 0
    X = np.column_stack([rng.normal(size=4000), y + rng.normal(size=4000) * 0.01])
    assert codes(X, y)["leak"].columns == (1,)


def test_regression_leaks_by_rank():
    y = np.exp(rng.normal(size=2000))
    X = np.column_stack([rng.normal(size=2000), np.log(y), y + rng.normal(size=2000)])
    assert codes(X, y, classifies=False)["leak"].columns == (1,)


@pytest.mark.parametrize("columns", [3, 1500])
def test_leaks_in_wide_and_sparse_tables(columns):
    X = (rng.random((N, columns)) < 0.3) * rng.normal(size=(N, columns))
    X[:, 1] = COIN == "head"
    assert codes(sparse.csr_matrix(X))["leak"].columns == (1,)
    assert codes(X)["leak"].columns == (1,)


def test_keys_with_one_row_each_are_no_leak():
    assert "leak" not in codes(NOISE.assign(key=[f"k{i // 2}" for i in range(N)]))


def test_small_samples_leak_nothing():
    assert "leak" not in codes(NOISE.assign(leak=COIN)[:50], COIN[:50])


def test_rare_classes():
    y = np.where(np.arange(N) < 2, "odd", COIN)
    finding = codes(NOISE, y)["rare_class"]
    assert "odd (2)" in finding.message
    assert "imbalance" in codes(NOISE, y)


def test_more_classes_than_sense():
    assert "many_classes" in codes(NOISE, np.arange(N) // 3)


def test_targets_of_regression():
    assert "heavy_tail" in codes(NOISE, np.exp(3 * rng.normal(size=N)), classifies=False)
    assert "constant_target" in codes(NOISE, np.ones(N), classifies=False)


@pytest.mark.parametrize(
    "days", [pd.date_range("2020", periods=N), pd.date_range("2020", periods=N)[::-1].strftime("%d/%m/%Y")]
)
def test_rows_sorted_by_time(days):
    finding = codes(NOISE.assign(day=days))["time_order"]
    assert (finding.level, finding.columns) == ("warning", ("day",))
    assert "time_order" not in codes(NOISE.assign(day=days), times=np.arange(N))
    assert "time_order" not in codes(NOISE.assign(day=rng.permutation(days)))


@pytest.mark.parametrize("n_binary", [0, 12])
def test_duplicates(n_binary):
    X = NOISE.join(pd.DataFrame(rng.integers(0, 2, (N, n_binary))).add_prefix("b"))
    assert "duplicate_rows" not in codes(X)
    half = pd.concat([X[: N // 2]] * 2, ignore_index=True).assign(z=0.5 * np.arange(N) // 100 * 0)
    assert "50%" in codes(half)["duplicate_rows"].message


def test_duplicates_of_mixed_objects():
    X = pd.DataFrame({"a": pd.Series([1, "1", None, 2.5] * 100, dtype=object), "b": 0.5})
    assert "99%" in codes(X)["duplicate_rows"].message


def test_columns_of_all_sorts():
    found = codes(
        NOISE.assign(
            same=1,
            key=[f"k{i}" for i in range(N)],
            gaps=np.where(np.arange(N) % 3, np.nan, NOISE["u"]),
            many=[f"m{i // 1.5:.0f}" for i in range(N)],
            odd=pd.Series([1, 10**400] * (N // 2), dtype=object),
        )
    )
    assert {code: finding.columns for code, finding in found.items()} == {
        "constant": ("same",),
        "id": ("key",),
        "missing": ("gaps",),
        "high_cardinality": ("many",),
        "mixed_numbers": ("odd",),
    }


def test_wide_and_short():
    assert set(codes(rng.normal(size=(30, 60)), COIN[:30])) == {"wide", "few_rows"}


@pytest.mark.parametrize("X", [np.ones((40, 3)), pd.DataFrame({"a": [None] * 40}), sparse.csr_matrix((40, 3))])
def test_nothing_to_learn_from(X):
    assert "constant" in codes(X, COIN[:40]) or len(make_dataset(X, COIN[:40], classifies=True).schema.columns) == 1


def test_two_rows():
    assert "few_rows" in codes(pd.DataFrame({"a": [1, 2]}), ["x", "y"])


def test_warnings_come_first():
    findings = check_health(make_dataset(NOISE.assign(leak=COIN, same=1), COIN, classifies=True))
    assert [finding.level for finding in findings] == ["warning", "info"]
