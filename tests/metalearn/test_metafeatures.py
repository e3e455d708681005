from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import automl
from automl.core import DataError, SettingError
from automl.data import make_dataset
from automl.metalearn import METAFEATURES, describe_dataset, until
from tests.builders import mixed_frame


def blobs(n: int = 80, far: float = 50.0) -> tuple[pd.DataFrame, np.ndarray]:
    """Two classes far apart in the first of two columns."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 2
    return pd.DataFrame({"a": y * far + rng.normal(size=n), "b": rng.normal(size=n)}), y


def labelled(n: int) -> np.ndarray:
    return np.where(np.random.default_rng(1).random(n) < 0.4, "yes", "no")


def after(calls: int) -> Callable[[], bool]:
    """Return a stop that says yes from so many questions on."""
    asked = iter(range(10**9))
    return lambda: next(asked) >= calls


def test_there_are_at_least_forty_and_each_has_a_name_of_its_own_and_a_formula():
    names = [feature.name for feature in METAFEATURES]
    assert len(names) == len(set(names)) >= 40
    assert all(feature.formula for feature in METAFEATURES)


@pytest.mark.parametrize("y", [labelled(120), np.arange(120) * 0.5], ids=["classes", "numbers"])
def test_the_declared_ones_are_those_that_come(y: np.ndarray):
    found = automl.metafeatures(mixed_frame(), y)
    assert list(found.index) == [feature.name for feature in METAFEATURES]
    assert found.dtype == np.float64


def test_every_declared_one_exists_for_some_table():
    two = [automl.metafeatures(mixed_frame(), y) for y in (labelled(120), np.arange(120) ** 2 * 0.5)]
    assert not pd.concat(two, axis=1).isna().all(axis=1).any()


# ---- known values


def test_sizes_kinds_and_gaps():
    X = pd.DataFrame({"a": [1.5, 2.5, np.nan, 4.5] * 25, "b": list("wxyz") * 25, "c": ["k"] * 100})
    found = automl.metafeatures(X, labelled(100))
    assert found["log_rows"] == 2.0
    assert found["log_columns"] == pytest.approx(np.log10(2))
    assert found["columns_per_row"] == pytest.approx(np.log10(2 / 100))
    assert found["numeric_share"] == found["categorical_share"] == 0.5
    assert found["unused_share"] == pytest.approx(1 / 3)
    assert found["missing_share"] == pytest.approx(0.125)
    assert (found["missing_columns_share"], found["missing_max"], found["missing_std"]) == (0.5, 0.25, 0.125)
    assert found["missing_rows_share"] == pytest.approx(0.25)
    assert found["levels_max"] == pytest.approx(np.log10(4))
    assert found["level_entropy_mean"] == pytest.approx(1.0)
    assert found["level_mode_mean"] == pytest.approx(0.25)


def test_classes():
    found = automl.metafeatures(np.random.default_rng(0).normal(size=(80, 2)), np.repeat([0, 1, 2], [40, 20, 20]))
    assert found["classes"] == 3
    assert found["class_entropy"] == pytest.approx(1.5)
    assert found["class_balance"] == pytest.approx(1.5 / np.log2(3))
    assert (found["class_share_min"], found["class_share_max"]) == (0.25, 0.5)
    assert found["log_class_min"] == pytest.approx(np.log10(20))


def test_distributions_are_those_of_scipy():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.exponential(size=200), rng.normal(size=200)])
    y = rng.exponential(size=200)
    found = automl.metafeatures(X, y)
    assert found["skewness_max"] == pytest.approx(stats.skew(X[:, 0]))
    assert found["kurtosis_min"] == pytest.approx(stats.kurtosis(X[:, 1]))
    assert found["target_skewness"] == pytest.approx(stats.skew(y))
    assert found["target_kurtosis"] == pytest.approx(stats.kurtosis(y))
    assert found["correlation_max"] == pytest.approx(abs(np.corrcoef(X.T)[0, 1]))


def test_a_column_that_is_the_target_tells_all_about_it():
    y = np.array(["p", "q"] * 50)
    noise = np.random.default_rng(0).normal(size=100)
    found = automl.metafeatures(pd.DataFrame({"same": y, "noise": noise}), y)
    assert found["information_max"] == pytest.approx(1.0)
    assert found["information_share"] == pytest.approx(1.0)
    assert found["information_mean"] < 0.6


def test_principal_components_of_one_direction():
    x = np.random.default_rng(0).normal(size=100)
    found = automl.metafeatures(np.column_stack([x, 2 * x, 3 - x]), labelled(100))
    assert found["component_1_share"] == pytest.approx(1.0)
    assert found["components_95"] == pytest.approx(1 / 3)
    assert found["correlation_mean"] == pytest.approx(1.0)


def test_landmarks_of_classes_far_apart_and_of_noise():
    found = automl.metafeatures(*blobs())
    for name in ("node", "tree", "bayes", "linear", "neighbor", "neighbors", "best"):
        assert found[f"landmark_{name}"] == 1.0
    noise = automl.metafeatures(*blobs(400, far=0.0))
    assert 0.35 < noise["landmark_neighbor"] < 0.65


def test_landmarks_of_a_line():
    x = np.random.default_rng(0).normal(size=(200, 1))
    found = automl.metafeatures(x, 3 * x[:, 0] + 1)
    assert found["landmark_linear"] > 0.99
    assert found["landmark_node"] < 0.8
    assert np.isnan(found["landmark_bayes"])


def test_rows_that_come_twice():
    X = np.random.default_rng(0).normal(size=(50, 3))
    y = labelled(50)
    found = automl.metafeatures(np.vstack([X, X]), np.concatenate([y, y]))
    assert found["duplicate_share"] == pytest.approx(0.5)


# ---- the order of rows and columns


@settings(max_examples=4)
@given(seed=st.integers(0, 10**6), classifies=st.booleans())
def test_the_order_of_rows_and_columns_does_not_matter(seed: int, classifies: bool):
    n = 1100  # more than are looked at
    X = mixed_frame(n)
    y = pd.Series(labelled(n) if classifies else np.random.default_rng(2).normal(size=n))
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(n), rng.permutation(X.shape[1])
    pd.testing.assert_series_equal(
        automl.metafeatures(X, y),
        automl.metafeatures(X.iloc[rows, columns], y.iloc[rows]),
        check_exact=False,
        rtol=1e-12,
    )


def test_columns_of_zeros_and_ones_may_change_places_in_an_array():
    rng = np.random.default_rng(0)
    X, y = (rng.random((1500, 6)) < 0.5).astype(float), labelled(1500)
    pd.testing.assert_series_equal(automl.metafeatures(X, y), automl.metafeatures(X[:, ::-1], y))


def test_names_do_not_matter_and_values_do():
    X, y = mixed_frame(), labelled(120)
    found = automl.metafeatures(X, y)
    pd.testing.assert_series_equal(found, automl.metafeatures(X.add_prefix("z"), y))
    assert not found.equals(automl.metafeatures(X.assign(size=X["size"] ** 2), y))


# ---- time


@pytest.mark.parametrize("calls", [0, 1, 3, 6, 9, 12])
def test_what_there_was_no_time_for_is_missing_and_the_rest_is_as_ever(calls: int):
    dataset = make_dataset(*blobs(), classifies=True)
    whole, part = describe_dataset(dataset), describe_dataset(dataset, after(calls))
    computed = part.notna()
    pd.testing.assert_series_equal(part[computed], whole[computed])
    assert part[["log_rows", "class_entropy", "missing_share"]].notna().all()
    assert computed.sum() < whole.notna().sum()


def test_more_time_buys_more():
    dataset = make_dataset(*blobs(), classifies=True)
    counts = [int(describe_dataset(dataset, after(calls)).notna().sum()) for calls in range(16)]
    assert counts == sorted(counts)
    assert len(set(counts)) >= 8


def test_the_clock_ends_it():
    now = [0.0]
    stop = until(2.0, lambda: now[0])
    assert not stop()
    now[0] = 2.0
    assert stop()


def test_no_seconds_leave_the_sizes():
    found = automl.metafeatures(*blobs(), seconds=0)
    assert found["log_rows"] == pytest.approx(np.log10(80))
    assert np.isnan(found["landmark_tree"])


# ---- awkward tables


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"a": np.linspace(0, 1, 40)}),
        pd.DataFrame({"a": np.linspace(0, 1, 40), "nothing": np.full(40, np.nan)}),
        pd.DataFrame({"day": pd.date_range("2024-01-01", periods=40).astype(str)}),
        pd.DataFrame({"words": [f"a longer text number {i} about some thing and {i * 7} more" for i in range(40)]}),
        pd.DataFrame({"a": [np.inf, -np.inf, 1e308, -1e308] * 10, "b": ["x", None] * 20}),
        pd.DataFrame({"flag": [True, False] * 20, "when": pd.Categorical(list("ab") * 20)}),
        scipy.sparse.csr_matrix(np.eye(40)),
        np.arange(80, dtype=np.int8).reshape(40, 2) % 7,
    ],
    ids=["one column", "all missing", "dates", "text", "huge", "flags", "sparse", "small integers"],
)
@pytest.mark.parametrize("y", [labelled(40), np.linspace(0, 1, 40) ** 2], ids=["classes", "numbers"])
def test_awkward_tables_are_described_without_a_warning(X: object, y: np.ndarray):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = automl.metafeatures(X, y)
    assert found["log_rows"] == pytest.approx(np.log10(40))
    assert not np.isinf(found).any()


def test_a_table_of_very_few_rows():
    assert automl.metafeatures(np.arange(8.0).reshape(4, 2), [0, 1, 0, 1])["class_entropy"] == 1.0


def test_a_class_with_one_member():
    X, y = blobs(61)
    assert automl.metafeatures(X, np.where(np.arange(61) == 60, 2, y))["classes"] == 3


def test_a_constant_target_is_refused_or_described_as_in_fit():
    with pytest.raises(DataError):
        automl.metafeatures(blobs()[0], np.ones(80), task="classification")
    found = automl.metafeatures(blobs()[0], np.ones(80), task="regression")
    assert (found["target_mode_share"], found["information_max"]) == (1.0, 0.0)


def test_the_task_may_be_named():
    X, y = blobs()
    assert automl.metafeatures(X, y, task="regression")["classes"] == 0
    with pytest.raises(SettingError, match="ranking"):
        automl.metafeatures(X, y, task="ranking")
    with pytest.raises(SettingError, match="seconds=-1"):
        automl.metafeatures(X, y, seconds=-1)
