"""Rows in the order of time, and rows that belong together: suggested where it shows, never for shuffled tables."""

import numpy as np
import pandas as pd
import pytest

from automl.data import check_health, make_dataset


def found(X, y, **keywords):
    classifies = np.asarray(y).dtype.kind not in "f"
    findings = check_health(make_dataset(X, y, classifies=classifies, **keywords))
    return {f.code: f for f in findings if f.code in ("row_order", "groups", "time_order")}


def independent(seed):
    """A table of independent rows, of any size and kinds, with a target that follows its columns."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(60, 3000))
    signal = rng.normal(size=n)
    X = pd.DataFrame(
        {
            "signal": signal + rng.normal(size=n) * rng.uniform(0, 1),
            "heavy": np.exp(2 * rng.normal(size=n)),
            "count": rng.poisson(30 * np.exp(0.3 * signal)),
            "code": rng.integers(0, max(2, n // 5), n),
            "level": rng.choice([f"level {i}" for i in range(max(2, n // 8))], n),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D"),
        }
    )
    kinds = [signal, (signal > rng.normal()).astype(int), pd.qcut(signal, 4, labels=False).astype(int)]
    return X, kinds[seed % 3]


@pytest.mark.parametrize("seed", range(60))
def test_independent_rows_are_no_finding(seed):
    X, y = independent(seed)
    if len(np.unique(y)) > 1:
        assert found(X, y) == {}


@pytest.mark.parametrize("seed", range(6))
def test_rows_sorted_by_the_target_are_no_finding(seed):
    X, y = independent(seed)
    order = np.argsort(y, kind="stable")
    assert found(X.iloc[order].reset_index(drop=True), y[order]) == {}


def walk(n=800, classes=0, seed=0):
    rng = np.random.default_rng(seed)
    hidden = np.cumsum(rng.normal(size=n))
    X = pd.DataFrame({f"x{i}": hidden * rng.normal() + np.cumsum(rng.normal(size=n)) for i in range(4)})
    return X, pd.qcut(hidden, classes, labels=False) if classes else hidden


@pytest.mark.parametrize("classes", [0, 2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_a_drifting_table_is_told_to_pass_times(classes, seed):
    X, y = walk(classes=classes, seed=seed)
    finding = found(X, y)["row_order"]
    assert finding.level == "warning" and finding.columns == () and "times=range(800)" in finding.message
    assert found(X.to_numpy(), y)["row_order"].message == finding.message
    assert found(X, y, times=np.arange(800)) == {} and found(X, y, groups=np.arange(800) // 8) == {}
    order = np.random.default_rng(0).permutation(800)
    assert found(X.iloc[order].reset_index(drop=True), np.asarray(y)[order]) == {}


def test_the_column_along_which_rows_are_sorted_is_named():
    X, y = walk()
    finding = found(X.assign(year=1900 + np.arange(800) // 8), y)["row_order"]
    assert finding.columns == ("year",) and "times=X['year']" in finding.message


def test_a_sorted_date_is_told_to_be_passed_as_times():
    X, y = walk()
    codes = found(X.assign(day=pd.date_range("2020", periods=800)), y)
    assert set(codes) == {"time_order"} and "times=X['day']" in codes["time_order"].message


@pytest.mark.parametrize("by", ["target", "columns"])
@pytest.mark.parametrize("name", ["p{}".format, int])
def test_names_of_things_with_several_rows_are_groups(by, name):
    rng = np.random.default_rng(0)
    thing = rng.integers(0, 90, 600)
    X = pd.DataFrame(rng.normal(size=(600, 4)), columns=list("abcd")).assign(patient=[name(i * 7 + 11) for i in thing])
    y = rng.normal(size=600)
    if by == "target":
        y = rng.integers(0, 2, 90)[thing] ^ (rng.random(600) < 0.01)  # without the slips it is reported as a leak
        if name is int:  # a number that predicts may simply be a good feature
            assert "groups" not in found(X, y)
            return
    else:
        X[list("abc")] = rng.normal(size=(90, 3))[thing] + 0.01 * rng.normal(size=(600, 3))
    codes = found(X, y)
    assert codes["groups"].columns == ("patient",) and "--groups patient" in codes["groups"].message
    assert "groups" not in found(X, y, groups=thing)
